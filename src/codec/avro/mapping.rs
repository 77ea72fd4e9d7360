//! Maps a Connect schema to an Avro schema by the rules of Confluent's AvroData.
//! contracts/hdfs-sink.md, section 9.2.

use serde_json::{Map, Number, Value as Json};

use super::schema_text::{AvroSchema, Kind, Name, RecordField};
use super::{
    ANYTHING, DECIMAL_PRECISION, DECIMAL_PRECISION_DEFAULT, DEFAULT_NAME, ENUM, ENUM_DEFAULT_PREFIX, ENUM_DOC, FIELD_DOC_PREFIX,
    FIXED_SIZE, INTERNAL_TYPE, MAP_ENTRY, MAX_DEPTH, NAMESPACE, RECORD_DOC, UNION,
};
use crate::codec::CodecError;
use crate::codec::java_text::{f32_text, f64_text};
use crate::data::{Schema, SchemaKind, Value, logical};

/// What AvroData can be told. The defaults are those of the HDFS sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AvroOptions {
    /// `enhanced.avro.schema.support`: enums come back as enums.
    pub enhanced: bool,
    /// `connect.meta.data`: write `connect.*` properties.
    pub connect_meta_data: bool,
    /// `allow.optional.map.keys`: maps with optional string keys stay Avro maps.
    pub allow_optional_map_keys: bool,
    /// `scrub.invalid.names`: replace what Avro does not allow in names instead of failing.
    pub scrub_invalid_names: bool,
}

impl Default for AvroOptions {
    fn default() -> Self {
        Self { enhanced: true, connect_meta_data: true, allow_optional_map_keys: false, scrub_invalid_names: false }
    }
}

/// Maps a schema.
///
/// # Errors
/// `Schema` if a name is not a valid Avro name (and is not to be scrubbed) or a parameter is not a number.
pub fn to_avro(schema: &Schema, options: &AvroOptions) -> Result<AvroSchema, CodecError> {
    Mapper { options, unnamed: 0 }.schema(schema, false, 0)
}

/// The schema of values that have none: a record with one optional field per kind of value.
pub fn anything() -> AvroSchema {
    let reference = || AvroSchema::new(Kind::Reference(Name::from_full(ANYTHING)));
    let optional = |name: &str, schema| {
        field(name, AvroSchema::new(Kind::Union(vec![AvroSchema::new(Kind::Null), schema])), Some(Json::Null))
    };
    let entry = Kind::Record {
        name: Name::new(Some(NAMESPACE), MAP_ENTRY),
        doc: None,
        fields: vec![field("key", reference(), None), field("value", reference(), None)],
    };
    let simple = [
        ("boolean", Kind::Boolean),
        ("bytes", Kind::Bytes),
        ("double", Kind::Double),
        ("float", Kind::Float),
        ("int", Kind::Int),
        ("long", Kind::Long),
        ("string", Kind::String),
    ];
    let mut fields = simple.map(|(name, kind)| optional(name, AvroSchema::new(kind))).to_vec();
    fields.push(optional("array", AvroSchema::new(Kind::Array(Box::new(reference())))));
    fields.push(optional("map", AvroSchema::new(Kind::Array(Box::new(AvroSchema::new(entry))))));
    AvroSchema::new(Kind::Record { name: Name::from_full(ANYTHING), doc: None, fields })
}

fn field(name: &str, schema: AvroSchema, default: Option<Json>) -> RecordField {
    RecordField { name: name.to_owned(), doc: None, schema, default, props: Map::new() }
}

struct Mapper<'a> {
    options: &'a AvroOptions,
    /// How many made-up record names were used.
    unnamed: usize,
}

impl Mapper<'_> {
    fn schema(&mut self, schema: &Schema, ignore_optional: bool, depth: usize) -> Result<AvroSchema, CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::Schema(format!("schema is nested deeper than {MAX_DEPTH} levels")));
        }
        let mut avro = AvroSchema::new(self.kind(schema, depth)?);
        if let (SchemaKind::Map { .. }, Kind::Array(entry)) = (&schema.kind, &mut avro.kind) {
            let Kind::Record { name, .. } = &entry.kind else { unreachable!("maps become arrays of records") };
            if schema.name.is_some() && name.full() != format!("{NAMESPACE}.{MAP_ENTRY}") {
                entry.add_prop(INTERNAL_TYPE, MAP_ENTRY);
            }
        }
        // AvroData builds optional structs with null first even if they have a default.
        let null_first = schema.default.is_none() || matches!(schema.kind, SchemaKind::Struct(_));
        if !matches!(avro.kind, Kind::Union(_)) {
            self.properties(schema, &mut avro)?;
        } else if schema.optional && !ignore_optional {
            if let Kind::Union(branches) = &mut avro.kind {
                branches.insert(0, AvroSchema::new(Kind::Null));
            }
            return Ok(avro);
        }
        if schema.optional && !ignore_optional {
            let null = AvroSchema::new(Kind::Null);
            avro = AvroSchema::new(Kind::Union(if null_first { vec![null, avro] } else { vec![avro, null] }));
        }
        Ok(avro)
    }

    fn kind(&mut self, schema: &Schema, depth: usize) -> Result<Kind, CodecError> {
        Ok(match &schema.kind {
            SchemaKind::Boolean => Kind::Boolean,
            SchemaKind::Int8 | SchemaKind::Int16 | SchemaKind::Int32 => Kind::Int,
            SchemaKind::Int64 => Kind::Long,
            SchemaKind::Float32 => Kind::Float,
            SchemaKind::Float64 => Kind::Double,
            SchemaKind::String => match schema.parameter(ENUM) {
                Some(full) if self.options.enhanced => self.enumeration(schema, full)?,
                _ => Kind::String,
            },
            SchemaKind::Bytes => match schema.parameter(FIXED_SIZE) {
                Some(size) => {
                    let size = number(FIXED_SIZE, size)?;
                    Kind::Fixed { name: self.name(schema.name.as_deref())?, doc: None, size }
                }
                None => Kind::Bytes,
            },
            SchemaKind::Array(item) => Kind::Array(Box::new(self.schema(item, false, depth + 1)?)),
            SchemaKind::Map { key, value } => {
                if key.kind == SchemaKind::String && (!key.optional || self.options.allow_optional_map_keys) {
                    Kind::Map(Box::new(self.schema(value, false, depth + 1)?))
                } else {
                    let name = match schema.name.as_deref() {
                        Some(_) => self.name(schema.name.as_deref())?,
                        None => Name::new(Some(NAMESPACE), MAP_ENTRY),
                    };
                    let fields = vec![self.field("key", key, None, depth)?, self.field("value", value, None, depth)?];
                    Kind::Array(Box::new(AvroSchema::new(Kind::Record { name, doc: None, fields })))
                }
            }
            SchemaKind::Struct(fields) if schema.is_named(UNION) => Kind::Union(
                fields.iter().map(|field| self.schema(&field.schema, true, depth + 1)).collect::<Result<Vec<_>, _>>()?,
            ),
            SchemaKind::Struct(fields) => {
                let name = self.name(schema.name.as_deref())?;
                let mut list = Vec::with_capacity(fields.len());
                for field in fields.iter() {
                    let doc = schema.parameter(&format!("{FIELD_DOC_PREFIX}{}", field.name));
                    list.push(self.field(&field.name, &field.schema, doc, depth).map_err(|error| error.in_field(&field.name))?);
                }
                Kind::Record { name, doc: schema.parameter(RECORD_DOC).map(str::to_owned), fields: list }
            }
        })
    }

    fn field(&mut self, name: &str, schema: &Schema, doc: Option<&str>, depth: usize) -> Result<RecordField, CodecError> {
        let avro = self.schema(schema, false, depth + 1)?;
        let null_first = matches!(&avro.kind, Kind::Union(branches) if branches.first().is_some_and(|x| x.kind == Kind::Null));
        let default = match &schema.default {
            Some(value) if !null_first => Some(default_json(schema, value)),
            _ if schema.optional => Some(Json::Null),
            _ => None,
        };
        Ok(RecordField { name: self.checked_name(name)?, doc: doc.map(str::to_owned), schema: avro, default, props: Map::new() })
    }

    fn enumeration(&self, schema: &Schema, full: &str) -> Result<Kind, CodecError> {
        let name = self.split_name(full)?;
        let prefix = format!("{ENUM}.");
        let symbols = schema.parameters.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(_, value)| value.to_string());
        Ok(Kind::Enum {
            doc: schema.parameter(ENUM_DOC).map(str::to_owned),
            symbols: symbols.collect(),
            default: schema.parameter(&format!("{ENUM_DEFAULT_PREFIX}{}", name.name)).map(str::to_owned),
            name,
        })
    }

    fn properties(&self, schema: &Schema, avro: &mut AvroSchema) -> Result<(), CodecError> {
        let decimal = match schema.kind {
            SchemaKind::Bytes if schema.is_named(logical::DECIMAL) => {
                let scale: i64 = number(logical::SCALE, schema.parameter(logical::SCALE).unwrap_or("0"))?;
                let precision = schema
                    .parameter(DECIMAL_PRECISION)
                    .map_or(Ok(DECIMAL_PRECISION_DEFAULT), |x| number(DECIMAL_PRECISION, x))?;
                avro.add_prop("scale", scale);
                avro.add_prop("precision", precision);
                true
            }
            _ => false,
        };
        if self.options.connect_meta_data {
            if let Some(doc) = &schema.doc {
                avro.add_prop("connect.doc", &**doc);
            }
            if let Some(version) = schema.version {
                avro.add_prop("connect.version", version);
            }
            if !schema.parameters.is_empty() {
                let parameters = schema.parameters.iter().map(|(key, value)| (key.to_string(), Json::from(&**value)));
                avro.add_prop("connect.parameters", Json::Object(parameters.collect()));
            }
            if let Some(default) = &schema.default {
                avro.add_prop("connect.default", default_json(schema, default));
            }
            if let Some(name) = &schema.name {
                avro.add_prop("connect.name", &**name);
            }
            match schema.kind {
                SchemaKind::Int8 => avro.add_prop("connect.type", "int8"),
                SchemaKind::Int16 => avro.add_prop("connect.type", "int16"),
                _ => {}
            }
        }
        let logical_type = match (schema.name.as_deref(), &schema.kind) {
            _ if decimal => Some("decimal"),
            (Some(logical::DATE), SchemaKind::Int32) => Some("date"),
            (Some(logical::TIME), SchemaKind::Int32) => Some("time-millis"),
            (Some(logical::TIMESTAMP), SchemaKind::Int64) => Some("timestamp-millis"),
            _ => None,
        };
        if let Some(logical_type) = logical_type {
            avro.add_prop("logicalType", logical_type);
        }
        for (key, value) in schema.parameters.iter().filter(|(key, _)| key.starts_with("avro")) {
            avro.add_prop(key, &**value);
        }
        Ok(())
    }

    /// The name of a struct schema; unnamed ones are numbered.
    fn name(&mut self, name: Option<&str>) -> Result<Name, CodecError> {
        match name {
            Some(name) => self.split_name(name),
            None => {
                self.unnamed += 1;
                let suffix = if self.unnamed > 1 { self.unnamed.to_string() } else { String::new() };
                Ok(Name::new(Some(NAMESPACE), &format!("{DEFAULT_NAME}{suffix}")))
            }
        }
    }

    fn split_name(&self, full: &str) -> Result<Name, CodecError> {
        let split = Name::from_full(full);
        let namespace = match split.namespace {
            Some(namespace) if self.options.scrub_invalid_names => {
                Some(namespace.split('.').map(scrub).collect::<Vec<_>>().join("."))
            }
            other => other,
        };
        Ok(Name { namespace, name: self.checked_name(&split.name)? })
    }

    fn checked_name(&self, name: &str) -> Result<String, CodecError> {
        if self.options.scrub_invalid_names {
            return Ok(scrub(name));
        }
        let mut chars = name.chars();
        let starts_well = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if starts_well && chars.all(|c| c.is_alphanumeric() || c == '_') {
            Ok(name.to_owned())
        } else {
            Err(CodecError::Schema(format!(
                "'{name}' is not a valid Avro name (letters, digits and '_', no digit first); rename it, for example with a ReplaceField transform or the source's name adjustment settings"
            )))
        }
    }
}

fn number<T: std::str::FromStr>(parameter: &str, text: &str) -> Result<T, CodecError> {
    text.trim().parse().map_err(|_| CodecError::Schema(format!("schema parameter '{parameter}' is not a number: '{text}'")))
}

/// AvroData scrubs by URL-encoding the name, then replacing what is still not allowed.
fn scrub(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => encoded.push(char::from(byte)),
            // URL encoding leaves these (a blank becomes '+'), and none is allowed in a name.
            b'.' | b'-' | b'*' | b' ' => encoded.push('_'),
            other => encoded.push_str(&format!("_{other:02X}")),
        }
    }
    match encoded.bytes().next() {
        Some(first) if first.is_ascii_alphabetic() || name.starts_with('_') => encoded,
        // "x" is what AvroData puts before a name that starts with anything else.
        Some(_) => format!("x{encoded}"),
        None => encoded,
    }
}

/// A default as JSON in a schema: bytes as one character per byte, physical values for logical types.
fn default_json(schema: &Schema, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(x) => Json::Bool(*x),
        Value::Int8(x) => Json::from(*x),
        Value::Int16(x) => Json::from(*x),
        Value::Int32(x) => Json::from(*x),
        Value::Int64(x) => Json::from(*x),
        // The number is kept as the double whose text is the same.
        Value::Float32(x) => {
            f32_text(*x).parse().ok().and_then(Number::from_f64).map_or_else(|| Json::from(f32_text(*x)), Json::Number)
        }
        Value::Float64(x) => Number::from_f64(*x).map_or_else(|| Json::from(f64_text(*x)), Json::Number),
        Value::String(text) => Json::from(&**text),
        Value::Bytes(bytes) => Json::String(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Value::Array(items) => {
            let SchemaKind::Array(item) = &schema.kind else { return Json::Null };
            items.iter().map(|x| default_json(item, x)).collect()
        }
        Value::Map(entries) => {
            let SchemaKind::Map { key, value } = &schema.kind else { return Json::Null };
            if entries.iter().all(|(k, _)| k.as_str().is_some()) {
                let members = entries.iter().filter_map(|(k, v)| Some((k.as_str()?.to_owned(), default_json(value, v))));
                Json::Object(members.collect())
            } else {
                entries
                    .iter()
                    .map(|(k, v)| {
                        let members = [("key", default_json(key, k)), ("value", default_json(value, v))];
                        Json::Object(members.map(|(name, x)| (name.to_owned(), x)).into_iter().collect())
                    })
                    .collect()
            }
        }
        Value::Struct(values) => {
            let fields = schema.fields().map(|fields| fields.iter()).into_iter().flatten();
            let members = fields.zip(values).map(|(field, x)| (field.name.to_string(), default_json(&field.schema, x)));
            Json::Object(members.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::data::SchemaBuilder;
    use crate::data::logical::plain;

    fn text(schema: &Schema) -> String {
        to_avro(schema, &AvroOptions::default()).unwrap().to_text().unwrap()
    }

    #[test]
    fn maps_a_debezium_envelope_as_the_java_converter_registers_it() {
        let row = |optional| {
            SchemaBuilder::structure([
                ("id", plain(SchemaKind::Int32, false)),
                ("d", Schema::builder(SchemaKind::Int32).optional().name("io.debezium.time.Date").version(1).build()),
            ])
            .name("dbserver1.inventory.customers.Value")
            .optional_if(optional)
            .build()
        };
        let envelope = SchemaBuilder::structure([
            ("before", row(true)),
            ("after", row(true)),
            ("op", plain(SchemaKind::String, false)),
            ("ts_ms", plain(SchemaKind::Int64, true)),
        ])
        .name("dbserver1.inventory.customers.Envelope")
        .version(1)
        .build();
        assert_eq!(
            text(&envelope),
            concat!(
                r#"{"type":"record","name":"Envelope","namespace":"dbserver1.inventory.customers","fields":["#,
                r#"{"name":"before","type":["null",{"type":"record","name":"Value","fields":[{"name":"id","type":"int"},"#,
                r#"{"name":"d","type":["null",{"type":"int","connect.version":1,"connect.name":"io.debezium.time.Date"}],"default":null}],"#,
                r#""connect.name":"dbserver1.inventory.customers.Value"}],"default":null},"#,
                r#"{"name":"after","type":["null","Value"],"default":null},{"name":"op","type":"string"},"#,
                r#"{"name":"ts_ms","type":["null","long"],"default":null}],"#,
                r#""connect.version":1,"connect.name":"dbserver1.inventory.customers.Envelope"}"#
            )
        );
    }

    #[test]
    fn maps_logical_types_and_defaults() {
        let schema = SchemaBuilder::structure([
            (
                "dec",
                logical::decimal(2)
                    .parameter(DECIMAL_PRECISION, "10")
                    .default(Value::Bytes(Bytes::from_static(&[0, 255])))
                    .build(),
            ),
            ("ts", logical::timestamp().optional().build()),
            ("opt", Schema::builder(SchemaKind::String).optional().default(Value::from("abc")).build()),
            ("i8", Schema::builder(SchemaKind::Int8).default(Value::Int8(3)).build()),
            ("f", Schema::builder(SchemaKind::Float32).default(Value::Float32(0.1)).build()),
            (
                "m",
                Schema::builder(SchemaKind::Map { key: plain(SchemaKind::Int32, false), value: plain(SchemaKind::String, true) })
                    .build(),
            ),
            ("s", Arc::new(Schema::new(SchemaKind::Struct(Arc::new(crate::data::Fields::new([])))))),
        ])
        .build();
        assert_eq!(
            text(&schema),
            concat!(
                r#"{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":["#,
                r#"{"name":"dec","type":{"type":"bytes","scale":2,"precision":10,"connect.version":1,"#,
                r#""connect.parameters":{"scale":"2","connect.decimal.precision":"10"},"connect.default":"\u0000ÿ","#,
                r#""connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"},"default":"\u0000ÿ"},"#,
                r#"{"name":"ts","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},"#,
                r#"{"name":"opt","type":[{"type":"string","connect.default":"abc"},"null"],"default":"abc"},"#,
                r#"{"name":"i8","type":{"type":"int","connect.default":3,"connect.type":"int8"},"default":3},"#,
                r#"{"name":"f","type":{"type":"float","connect.default":0.1},"default":0.1},"#,
                r#"{"name":"m","type":{"type":"array","items":{"type":"record","name":"MapEntry","fields":[{"name":"key","type":"int"},{"name":"value","type":["null","string"],"default":null}]}}},"#,
                r#"{"name":"s","type":{"type":"record","name":"ConnectDefault2","fields":[]}}]}"#
            )
        );
    }

    #[test]
    fn without_meta_data_only_logical_properties_stay() {
        let options = AvroOptions { connect_meta_data: false, ..AvroOptions::default() };
        let avro = to_avro(&logical::decimal(3).build(), &options).unwrap();
        assert_eq!(avro.to_text().unwrap(), r#"{"type":"bytes","scale":3,"precision":64,"logicalType":"decimal"}"#);
    }

    #[test]
    fn invalid_names_are_refused_or_scrubbed() {
        let schema = SchemaBuilder::structure([("a-b", plain(SchemaKind::Int32, false))]).name("my-db.é t.1x").build();
        let error = to_avro(&schema, &AvroOptions::default()).unwrap_err().to_string();
        assert!(error.contains("'1x' is not a valid Avro name"), "{error}");
        let options = AvroOptions { scrub_invalid_names: true, connect_meta_data: false, ..AvroOptions::default() };
        assert_eq!(
            to_avro(&schema, &options).unwrap().to_text().unwrap(),
            r#"{"type":"record","name":"x1x","namespace":"my_db.x_C3_A9_t","fields":[{"name":"a_b","type":"int"}]}"#
        );
    }

    #[test]
    fn enums_come_back_as_enums() {
        let schema = Schema::builder(SchemaKind::String)
            .name("a.Color")
            .parameter(ENUM, "a.Color")
            .parameter("io.confluent.connect.avro.Enum.RED", "RED")
            .parameter("io.confluent.connect.avro.Enum.BLUE", "BLUE")
            .build();
        let options = AvroOptions { connect_meta_data: false, ..AvroOptions::default() };
        assert_eq!(
            to_avro(&schema, &options).unwrap().to_text().unwrap(),
            r#"{"type":"enum","name":"Color","namespace":"a","symbols":["RED","BLUE"]}"#
        );
    }

    #[test]
    fn the_anything_schema_refers_to_itself() {
        let text = anything().to_text().unwrap();
        assert!(text.ends_with(
            r#"{"name":"array","type":["null",{"type":"array","items":"Anything"}],"default":null},{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}],"default":null}]}"#
        ), "{text}");
        apache_avro::Schema::parse_str(&text).unwrap();
    }
}
