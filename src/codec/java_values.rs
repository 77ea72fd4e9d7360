//! Turns values into the texts that Connect's `toString` and `Values` give, and guesses values from text as `Values` does.
//! contracts/connect-runtime.md, section 9.2.

use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::java_text::{push_f32, push_f64};
use super::java_time::{DateFormat, MILLIS_PER_DAY, date_text};
use super::{MAX_TEXT_DEPTH, decimal};
use crate::data::logical::{self, plain};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};

/// Appends `toString()` of the Java object that holds this value: `Struct{a=1,b=x}`, `{k=v}`, `[1, 2]`. Bytes, which
/// Java would show as an object address, are base64.
pub fn push_object_text(value: &Value, schema: Option<&Schema>, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            let item_schema = match schema.map(|schema| &schema.kind) {
                Some(SchemaKind::Array(item)) => Some(&**item),
                _ => None,
            };
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b", ");
                }
                push_object_text(item, item_schema, out);
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            let (key_schema, value_schema) = map_schemas(schema);
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b", ");
                }
                push_object_text(key, key_schema, out);
                out.push(b'=');
                push_object_text(value, value_schema, out);
            }
            out.push(b'}');
        }
        Value::Struct(values) => {
            out.extend_from_slice(b"Struct{");
            let fields = schema.and_then(Schema::fields).map(|fields| fields.iter()).into_iter().flatten();
            let mut first = true;
            for (field, value) in fields.zip(values).filter(|(_, value)| !value.is_null()) {
                if !std::mem::replace(&mut first, false) {
                    out.push(b',');
                }
                out.extend_from_slice(field.name.as_bytes());
                out.push(b'=');
                push_object_text(value, Some(&field.schema), out);
            }
            out.push(b'}');
        }
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) if !is_decimal(schema) => out.extend_from_slice(BASE64.encode(bytes).as_bytes()),
        other => match (other.as_i64(), date_unit(schema)) {
            (Some(x), Some(unit)) => out.extend_from_slice(date_text(x.saturating_mul(unit)).as_bytes()),
            _ => push_scalar(other, schema, out),
        },
    }
}

/// [`push_object_text`] as a string.
pub fn object_text(value: &Value, schema: Option<&Schema>) -> String {
    let mut out = Vec::new();
    push_object_text(value, schema, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends the text of `Values.convertToString`: text as it is (inside lists and maps quoted), bytes in base64, dates
/// in ISO form, structs and maps as `{"a":1}`.
pub fn push_values_text(value: &Value, schema: Option<&Schema>, out: &mut Vec<u8>) {
    push_values(value, schema, false, out);
}

fn push_values(value: &Value, schema: Option<&Schema>, embedded: bool, out: &mut Vec<u8>) {
    match value {
        Value::String(text) if embedded => push_quoted(text, out),
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) if !is_decimal(schema) => {
            let text = BASE64.encode(bytes);
            if embedded { push_quoted(&text, out) } else { out.extend_from_slice(text.as_bytes()) }
        }
        Value::Array(items) => {
            let item_schema = match schema.map(|schema| &schema.kind) {
                Some(SchemaKind::Array(item)) => Some(&**item),
                _ => None,
            };
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_values(item, item_schema, true, out);
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            let (key_schema, value_schema) = map_schemas(schema);
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_values(key, key_schema, true, out);
                out.push(b':');
                push_values(value, value_schema, true, out);
            }
            out.push(b'}');
        }
        Value::Struct(values) => {
            out.push(b'{');
            let fields = schema.and_then(Schema::fields).map(|fields| fields.iter()).into_iter().flatten();
            for (field, value) in fields.zip(values) {
                if field.index > 0 {
                    out.push(b',');
                }
                push_quoted(&field.name, out);
                out.push(b':');
                push_values(value, Some(&field.schema), true, out);
            }
            out.push(b'}');
        }
        other => match (other.as_i64(), date_unit(schema)) {
            (Some(x), Some(unit)) => out.extend_from_slice(iso_text(x.saturating_mul(unit)).as_bytes()),
            _ => push_scalar(other, schema, out),
        },
    }
}

/// Java picks the form by the value: a time within the first day, a date at midnight, else both.
pub fn iso_text(millis: i64) -> String {
    if millis < MILLIS_PER_DAY {
        TIME_FORMAT.format(millis)
    } else if millis % MILLIS_PER_DAY == 0 {
        DATE_FORMAT.format(millis)
    } else {
        TIMESTAMP_FORMAT.format(millis)
    }
}

fn format(pattern: &str) -> DateFormat {
    DateFormat::compile(pattern).unwrap_or_else(|error| unreachable!("'{pattern}' is a valid pattern: {error}"))
}

static DATE_FORMAT: LazyLock<DateFormat> = LazyLock::new(|| format("yyyy-MM-dd"));
static TIME_FORMAT: LazyLock<DateFormat> = LazyLock::new(|| format("HH:mm:ss.SSS'Z'"));
static TIMESTAMP_FORMAT: LazyLock<DateFormat> = LazyLock::new(|| format("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"));

fn is_decimal(schema: Option<&Schema>) -> bool {
    schema.is_some_and(|schema| schema.is_named(logical::DECIMAL))
}

/// Milliseconds per unit if the schema is one of Connect's dates.
pub fn date_unit(schema: Option<&Schema>) -> Option<i64> {
    match schema.and_then(|schema| schema.name.as_deref()) {
        Some(logical::DATE) => Some(MILLIS_PER_DAY),
        Some(logical::TIME | logical::TIMESTAMP) => Some(1),
        _ => None,
    }
}

fn map_schemas(schema: Option<&Schema>) -> (Option<&Schema>, Option<&Schema>) {
    match schema.map(|schema| &schema.kind) {
        Some(SchemaKind::Map { key, value }) => (Some(key), Some(value)),
        _ => (None, None),
    }
}

fn push_scalar(value: &Value, schema: Option<&Schema>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(x) => out.extend_from_slice(if *x { b"true" } else { b"false" }),
        Value::Float32(x) => push_f32(*x, out),
        Value::Float64(x) => push_f64(*x, out),
        Value::Bytes(unscaled) => {
            let scale = schema.and_then(|schema| schema.parameter(logical::SCALE)).and_then(|scale| scale.parse().ok());
            decimal::push_text(unscaled, scale.unwrap_or(0), out);
        }
        other => out.extend_from_slice(itoa::Buffer::new().format(other.as_i64().unwrap_or_default()).as_bytes()),
    }
}

fn push_quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Guesses the value that a text stands for; what cannot be guessed is the text itself.
pub fn parse(text: &str) -> SchemaAndValue {
    let string = || SchemaAndValue::new(plain(SchemaKind::String, false), Value::from(text));
    match text.trim() {
        // Java gives blank text back untrimmed.
        "" => return string(),
        "null" => return SchemaAndValue::NULL,
        "true" => return boolean(true),
        "false" => return boolean(false),
        _ => {}
    }
    let mut parser = Parser { text, at: 0 };
    parser.blanks();
    match parser.rest().bytes().next() {
        Some(b'[' | b'{') => parser.container(0).unwrap_or_else(string),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let rest = parser.rest();
            // Times hold colons, which end a token, so they are looked at first.
            let tokens = [5, 1].into_iter().filter_map(|count| tokens(rest, count));
            let guess = tokens.map(str::trim).find_map(temporal);
            guess.or_else(|| number(tokens_or_all(rest).trim())).unwrap_or_else(string)
        }
        _ => string(),
    }
}

fn boolean(x: bool) -> SchemaAndValue {
    SchemaAndValue::new(plain(SchemaKind::Boolean, false), Value::Boolean(x))
}

fn is_delimiter(c: char) -> bool {
    matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"' | '\\')
}

fn tokens_or_all(text: &str) -> &str {
    tokens(text, 1).unwrap_or(text)
}

/// The first `count` tokens; a delimiter is a token of its own.
fn tokens(text: &str, count: usize) -> Option<&str> {
    let mut end = 0;
    for _ in 0..count {
        let rest = &text[end..];
        let first = rest.chars().next()?;
        end += if is_delimiter(first) { first.len_utf8() } else { rest.find(is_delimiter).unwrap_or(rest.len()) };
    }
    Some(&text[..end])
}

fn temporal(text: &str) -> Option<SchemaAndValue> {
    let text = text.replace("\\:", ":");
    let parse = |format: &DateFormat| format.parse(&text);
    Some(match text.len() {
        10 => {
            let days = parse(&DATE_FORMAT)?.div_euclid(MILLIS_PER_DAY);
            SchemaAndValue::new(logical::date().build(), Value::Int32(i32::try_from(days).ok()?))
        }
        13 => {
            let millis = parse(&TIME_FORMAT)?;
            SchemaAndValue::new(logical::time().build(), Value::Int32(i32::try_from(millis).ok()?))
        }
        24 => SchemaAndValue::new(logical::timestamp().build(), Value::Int64(parse(&TIMESTAMP_FORMAT)?)),
        _ => return None,
    })
}

/// The narrowest type that holds the number: integers first, then float32, float64, Decimal.
fn number(text: &str) -> Option<SchemaAndValue> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = fraction.len() as i32 - exponent;
    // A number of this length is neither an integer of ours nor a float.
    if (-400..=400).contains(&scale)
        && let Ok(unscaled) = decimal::parse(text, 0)
        && unscaled.len() <= 8
    {
        let mut wide = [if unscaled.first().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 }; 8];
        wide[8 - unscaled.len()..].copy_from_slice(&unscaled);
        return Some(integer(i64::from_be_bytes(wide)));
    }
    let (float, double) = (text.parse::<f32>().ok()?, text.parse::<f64>().ok()?);
    if scale != 0 && float.is_finite() {
        return Some(SchemaAndValue::new(plain(SchemaKind::Float32, false), Value::Float32(float)));
    }
    if scale != 0 && double.is_finite() {
        return Some(SchemaAndValue::new(plain(SchemaKind::Float64, false), Value::Float64(double)));
    }
    let unscaled = decimal::parse(text, scale).ok()?;
    Some(SchemaAndValue::new(logical::decimal(scale).build(), Value::Bytes(unscaled)))
}

fn integer(x: i64) -> SchemaAndValue {
    let (kind, value) = if let Ok(x) = i8::try_from(x) {
        (SchemaKind::Int8, Value::Int8(x))
    } else if let Ok(x) = i16::try_from(x) {
        (SchemaKind::Int16, Value::Int16(x))
    } else if let Ok(x) = i32::try_from(x) {
        (SchemaKind::Int32, Value::Int32(x))
    } else {
        (SchemaKind::Int64, Value::Int64(x))
    };
    SchemaAndValue::new(plain(kind, false), value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, c: char) -> bool {
        self.blanks();
        let next = self.rest().starts_with(c);
        if next {
            self.at += c.len_utf8();
        }
        next
    }

    fn container(&mut self, depth: usize) -> Option<SchemaAndValue> {
        if depth > MAX_TEXT_DEPTH {
            return None;
        }
        if self.eat('[') { self.array(depth) } else { self.eat('{').then(|| self.map(depth)).flatten() }
    }

    fn array(&mut self, depth: usize) -> Option<SchemaAndValue> {
        let mut items = Vec::new();
        let mut common = Common::default();
        loop {
            if self.eat(']') {
                break;
            }
            let item = self.embedded(depth)?;
            common.add(item.schema.as_ref());
            items.push(item.value);
            if !self.eat(',') {
                if !self.eat(']') {
                    return None;
                }
                break;
            }
        }
        // An array with a null is not guessed by Java.
        if items.iter().any(Value::is_null) {
            return None;
        }
        Some(match common.schema {
            Some(schema) => {
                let items = items.into_iter().map(|item| widen(item, &schema.kind)).collect();
                SchemaAndValue::new(Arc::new(Schema::new(SchemaKind::Array(schema))), Value::Array(items))
            }
            None => SchemaAndValue::schemaless(Value::Array(items)),
        })
    }

    fn map(&mut self, depth: usize) -> Option<SchemaAndValue> {
        let mut entries = Vec::new();
        let (mut keys, mut values) = (Common::default(), Common::default());
        loop {
            if self.eat('}') {
                break;
            }
            let key = self.embedded(depth)?;
            if !self.eat(':') || key.value.is_null() {
                return None;
            }
            let value = self.embedded(depth)?;
            keys.add(key.schema.as_ref());
            values.add(value.schema.as_ref());
            entries.push((key.value, value.value));
            if !self.eat(',') {
                if !self.eat('}') {
                    return None;
                }
                break;
            }
        }
        let nulls = entries.iter().filter(|(_, value)| value.is_null()).count();
        if nulls > 0 && entries.len() > 1 {
            return None;
        }
        Some(match (keys.schema, values.schema) {
            (Some(key), Some(value)) => {
                let entries = entries.into_iter().map(|(k, v)| (widen(k, &key.kind), widen(v, &value.kind))).collect();
                SchemaAndValue::new(Arc::new(Schema::new(SchemaKind::Map { key, value })), Value::Map(entries))
            }
            _ => SchemaAndValue::schemaless(Value::Map(entries)),
        })
    }

    /// A value inside a list or map; text must be quoted.
    fn embedded(&mut self, depth: usize) -> Option<SchemaAndValue> {
        self.blanks();
        let rest = self.rest();
        match rest.bytes().next()? {
            b'[' | b'{' => self.container(depth + 1),
            b'"' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                })?;
                let content = &rest[1..=end];
                self.at += end + 2;
                Some(
                    temporal(content)
                        .unwrap_or_else(|| SchemaAndValue::new(plain(SchemaKind::String, false), Value::from(content))),
                )
            }
            _ => {
                let five = tokens(rest, 5).and_then(|token| Some((token, temporal(token.trim())?)));
                if let Some((token, value)) = five {
                    self.at += token.len();
                    return Some(value);
                }
                let token = tokens_or_all(rest);
                self.at += token.len();
                let token = token.trim();
                match token {
                    "null" => Some(SchemaAndValue::NULL),
                    "true" => Some(boolean(true)),
                    "false" => Some(boolean(false)),
                    _ => temporal(token).or_else(|| number(token)),
                }
            }
        }
    }
}

/// The schema that fits all values of a list, if there is one.
#[derive(Default)]
struct Common {
    schema: Option<Arc<Schema>>,
    failed: bool,
}

impl Common {
    fn add(&mut self, schema: Option<&Arc<Schema>>) {
        let merged = match (&self.schema, schema) {
            _ if self.failed => None,
            (None, Some(new)) => Some(new.clone()),
            (Some(old), Some(new)) if old == new => Some(old.clone()),
            (Some(old), Some(new)) => match (rank(old), rank(new)) {
                (Some(a), Some(b)) => Some(if a >= b { old.clone() } else { new.clone() }),
                _ => None,
            },
            (_, None) => None,
        };
        self.failed |= merged.is_none();
        self.schema = merged;
    }
}

fn rank(schema: &Schema) -> Option<u8> {
    if schema.name.is_some() {
        return None;
    }
    Some(match schema.kind {
        SchemaKind::Int8 => 0,
        SchemaKind::Int16 => 1,
        SchemaKind::Int32 => 2,
        SchemaKind::Int64 => 3,
        SchemaKind::Float32 => 4,
        SchemaKind::Float64 => 5,
        _ => return None,
    })
}

/// The value as this wider numeric kind; anything else as it is.
fn widen(value: Value, kind: &SchemaKind) -> Value {
    match (kind, value) {
        (SchemaKind::Float64, Value::Float32(x)) => Value::Float64(f64::from(x)),
        (kind, value) => match (kind, value.as_i64()) {
            (SchemaKind::Int16, Some(x)) => Value::Int16(x as i16),
            (SchemaKind::Int32, Some(x)) if matches!(value, Value::Int8(_) | Value::Int16(_)) => Value::Int32(x as i32),
            (SchemaKind::Int64, Some(x)) if !matches!(value, Value::Int64(_)) => Value::Int64(x),
            (SchemaKind::Float32, Some(x)) => Value::Float32(x as f32),
            (SchemaKind::Float64, Some(x)) => Value::Float64(x as f64),
            _ => value,
        },
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::data::SchemaBuilder;

    fn values_text(data: &SchemaAndValue) -> String {
        let mut out = Vec::new();
        push_values_text(&data.value, data.schema.as_deref(), &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Type and text of SimpleHeaderConverter 4.3.1 for the same input.
    #[test]
    fn guesses_what_java_guesses() {
        for (text, kind, shown) in [
            ("true", "BOOLEAN", "true"),
            (" true", "BOOLEAN", "true"),
            ("7", "INT8", "7"),
            (" 7 ", "INT8", "7"),
            ("300", "INT16", "300"),
            ("70000", "INT32", "70000"),
            ("99999999999", "INT64", "99999999999"),
            ("9223372036854775808", "BYTES", "9223372036854775808"),
            ("1.5", "FLOAT32", "1.5"),
            ("1e3", "INT16", "1000"),
            ("1.0", "INT8", "1"),
            ("1e20", "FLOAT32", "1.0E20"),
            ("1e39", "FLOAT64", "1.0E39"),
            ("1e400", "BYTES", "1E+400"),
            ("+5", "INT8", "5"),
            ("2020-01-02", "INT32", "2020-01-02"),
            ("2020-13-45", "INT32", "2021-02-14"),
            ("2020-01-02,x", "INT32", "2020-01-02"),
            ("10:11:12.000Z", "INT32", "10:11:12.000Z"),
            ("2020-01-02T10:11:12.000Z", "INT64", "2020-01-02T10:11:12.000Z"),
            ("[1,2,300]", "ARRAY", "[1,2,300]"),
            ("[1.5,2]", "ARRAY", "[1.5,2.0]"),
            ("[1,]", "ARRAY", "[1]"),
            ("[\"10:11:12.000Z\"]", "ARRAY", "[10:11:12.000Z]"),
            ("{\"a\" : 1}", "MAP", "{\"a\":1}"),
            ("{1:2}", "MAP", "{1:2}"),
            ("[1,\"a\"]", "-", "[1,\"a\"]"),
            ("[]", "-", "[]"),
            ("{\"a\":null}", "-", "{\"a\":null}"),
            ("1,2", "INT8", "1"),
            ("10:30", "INT8", "10"),
            ("1}", "INT8", "1"),
        ] {
            let data = parse(text);
            assert_eq!(data.schema.as_ref().map_or("-", |schema| schema.kind.connect_name()), kind, "{text}");
            assert_eq!(values_text(&data), shown, "{text}");
        }
        for text in [
            "",
            "  ",
            "NaN",
            "0x1F",
            "a,b",
            "1 2",
            "192.168.1.1",
            "{a:1}",
            "\"q\"",
            "[1,2",
            "[null,1]",
            "[1,,2]",
            "true,1",
            "1L",
            "-",
            "é",
            "\\",
            "[a]",
        ] {
            assert_eq!(parse(text), SchemaAndValue::new(plain(SchemaKind::String, false), Value::from(text)), "{text}");
        }
        assert_eq!(parse("null"), SchemaAndValue::NULL);
    }

    #[test]
    fn objects_print_as_java_objects_do() {
        let schema = SchemaBuilder::structure([
            ("a", plain(SchemaKind::Int32, false)),
            ("b", plain(SchemaKind::String, true)),
            (
                "m",
                Schema::builder(SchemaKind::Map { key: plain(SchemaKind::String, false), value: plain(SchemaKind::Int32, true) })
                    .build(),
            ),
            ("l", Schema::builder(SchemaKind::Array(plain(SchemaKind::Float64, false))).build()),
            ("d", logical::decimal(2).build()),
            ("t", logical::timestamp().build()),
        ])
        .build();
        let value = Value::Struct(
            vec![
                Value::Int32(1),
                Value::Null,
                Value::Map(vec![(Value::from("k"), Value::Int32(1)), (Value::from("z"), Value::Null)]),
                Value::Array(vec![Value::Float64(1.0), Value::Float64(1e10)]),
                Value::Bytes(Bytes::from_static(&[0, 150])),
                Value::Int64(1000),
            ]
            .into(),
        );
        assert_eq!(
            object_text(&value, Some(&schema)),
            "Struct{a=1,m={k=1, z=null},l=[1.0, 1.0E10],d=1.50,t=Thu Jan 01 00:00:01 UTC 1970}"
        );
        assert_eq!(
            values_text(&SchemaAndValue::new(schema, value)),
            r#"{"a":1,"b":null,"m":{"k":1,"z":null},"l":[1.0,1.0E10],"d":1.50,"t":00:00:01.000Z}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_guessed_without_a_panic(text: String, noise in "[\\[\\]{}:,\"\\\\0-9eE.+ a-]{0,40}") {
            parse(&text);
            parse(&noise);
        }
    }
}
