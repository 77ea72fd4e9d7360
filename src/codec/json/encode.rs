//! Writes values as JSON by a plan compiled once per schema.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{JsonOptions, MAX_DEPTH};
use crate::codec::java_text::{push_f32, push_f64, push_json_string_bytes};
use crate::codec::{CodecError, decimal};
use crate::data::{Schema, SchemaKind, Value, logical};

/// Writes values of one schema.
#[derive(Clone, Debug)]
pub struct Encoder {
    node: Node,
}

#[derive(Clone, Debug)]
struct Node {
    op: Op,
    null: OnNull,
}

#[derive(Clone, Debug)]
enum OnNull {
    Refuse,
    Null,
    /// The JSON of the default.
    Default(Box<[u8]>),
}

#[derive(Clone, Debug)]
enum Op {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    String,
    Bytes,
    Decimal {
        scale: i32,
    },
    Array(Box<Node>),
    /// A map with string keys.
    Object(Box<Node>),
    /// Any other map: an array of pairs.
    Pairs(Box<(Node, Node)>),
    Struct(Box<[FieldNode]>),
}

#[derive(Clone, Debug)]
struct FieldNode {
    /// The bytes before the value: `{"a":` or `,"b":`.
    lead: Box<[u8]>,
    name: Arc<str>,
    node: Node,
}

impl Encoder {
    /// Compiles the plan for values of this schema.
    ///
    /// # Errors
    /// `Schema` if a default does not fit its schema.
    pub fn compile(schema: &Schema, options: &JsonOptions) -> Result<Self, CodecError> {
        Ok(Self { node: compile(schema, options, 0)? })
    }

    /// Appends the JSON of a value. After an error `out` may end with part of it.
    ///
    /// # Errors
    /// `Data` in the words of JsonConverter if the value does not fit the schema.
    pub fn encode(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.node.encode(value, out)
    }
}

fn compile(schema: &Schema, options: &JsonOptions, depth: usize) -> Result<Node, CodecError> {
    if depth > MAX_DEPTH {
        return Err(CodecError::Schema(format!("schema is nested deeper than {MAX_DEPTH} levels")));
    }
    let part = |schema: &Schema| compile(schema, options, depth + 1);
    let op = match &schema.kind {
        SchemaKind::Boolean => Op::Boolean,
        SchemaKind::Int8 => Op::Int8,
        SchemaKind::Int16 => Op::Int16,
        SchemaKind::Int32 => Op::Int32,
        SchemaKind::Int64 => Op::Int64,
        SchemaKind::Float32 => Op::Float32,
        SchemaKind::Float64 => Op::Float64,
        SchemaKind::String => Op::String,
        SchemaKind::Bytes if options.numeric_decimals && schema.is_named(logical::DECIMAL) => {
            Op::Decimal { scale: scale_of(schema)? }
        }
        SchemaKind::Bytes => Op::Bytes,
        SchemaKind::Array(item) => Op::Array(Box::new(part(item)?)),
        SchemaKind::Map { key, value } if key.kind == SchemaKind::String => Op::Object(Box::new(part(value)?)),
        SchemaKind::Map { key, value } => Op::Pairs(Box::new((part(key)?, part(value)?))),
        SchemaKind::Struct(fields) => {
            let nodes = fields.iter().map(|field| {
                let mut lead = vec![if field.index == 0 { b'{' } else { b',' }];
                push_json_string_bytes(&field.name, &mut lead);
                lead.push(b':');
                Ok(FieldNode { lead: lead.into(), name: field.name.clone(), node: part(&field.schema)? })
            });
            Op::Struct(nodes.collect::<Result<_, CodecError>>()?)
        }
    };
    let mut node = Node { op, null: if schema.optional { OnNull::Null } else { OnNull::Refuse } };
    match &schema.default {
        Some(default) if options.replace_null_with_default && !default.is_null() => {
            let mut bytes = Vec::new();
            node.encode(default, &mut bytes)?;
            node.null = OnNull::Default(bytes.into());
        }
        _ => {}
    }
    Ok(node)
}

/// The scale of a Decimal schema, in the words Java uses when it is missing or wrong.
pub(super) fn scale_of(schema: &Schema) -> Result<i32, CodecError> {
    let text = schema
        .parameter(logical::SCALE)
        .ok_or_else(|| CodecError::Schema("Invalid Decimal schema: scale parameter not found.".to_owned()))?;
    text.parse().map_err(|_| CodecError::Schema("Invalid scale parameter found in Decimal schema: ".to_owned()))
}

impl Node {
    #[inline]
    fn encode(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match (&self.op, value) {
            (_, Value::Null) => match &self.null {
                OnNull::Null => out.extend_from_slice(b"null"),
                OnNull::Default(json) => out.extend_from_slice(json),
                OnNull::Refuse => return Err(null_refused()),
            },
            (Op::Boolean, Value::Boolean(x)) => push_boolean(*x, out),
            (Op::Int8, Value::Int8(x)) => push_integer(i64::from(*x), out),
            (Op::Int16, Value::Int16(x)) => push_integer(i64::from(*x), out),
            (Op::Int32, Value::Int32(x)) => push_integer(i64::from(*x), out),
            (Op::Int64, Value::Int64(x)) => push_integer(*x, out),
            (Op::Float32, Value::Float32(x)) => push_float(f64::from(*x), |out| push_f32(*x, out), out),
            (Op::Float64, Value::Float64(x)) => push_float(*x, |out| push_f64(*x, out), out),
            (Op::String, Value::String(x)) => push_json_string_bytes(x, out),
            (Op::Bytes, Value::Bytes(x)) => push_base64(x, out),
            (Op::Decimal { scale }, Value::Bytes(x)) => decimal::push_text(x, *scale, out),
            (Op::Struct(nodes), Value::Struct(values)) if nodes.len() == values.len() => {
                if nodes.is_empty() {
                    out.push(b'{');
                }
                for (field, value) in nodes.iter().zip(values) {
                    out.extend_from_slice(&field.lead);
                    field.node.encode(value, out).map_err(|error| error.in_field(&field.name))?;
                }
                out.push(b'}');
            }
            (Op::Array(item), Value::Array(values)) => {
                push_list(values, out, |value, out| item.encode(value, out))?;
            }
            (Op::Object(item), Value::Map(entries)) => {
                push_members(entries, out, |value, out| item.encode(value, out))?;
            }
            (Op::Pairs(nodes), Value::Map(entries)) => {
                push_list(entries, out, |(key, value), out| {
                    out.push(b'[');
                    nodes.0.encode(key, out)?;
                    out.push(b',');
                    nodes.1.encode(value, out)?;
                    out.push(b']');
                    Ok(())
                })?;
            }
            (op, value) => return Err(misfit(op.kind_name(), value)),
        }
        Ok(())
    }
}

impl Op {
    fn kind_name(&self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::String => "STRING",
            Self::Bytes | Self::Decimal { .. } => "BYTES",
            Self::Array(_) => "ARRAY",
            Self::Object(_) | Self::Pairs(_) => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }
}

/// Appends the JSON of a value that has no schema.
///
/// # Errors
/// `Data` for a struct, whose field names only a schema knows, and for values nested too deeply.
pub fn encode_schemaless(value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    schemaless(value, out, 0)
}

fn schemaless(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
    if depth > MAX_DEPTH {
        return Err(CodecError::Data(format!("value is nested deeper than {MAX_DEPTH} levels")));
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(x) => push_boolean(*x, out),
        Value::Int8(x) => push_integer(i64::from(*x), out),
        Value::Int16(x) => push_integer(i64::from(*x), out),
        Value::Int32(x) => push_integer(i64::from(*x), out),
        Value::Int64(x) => push_integer(*x, out),
        Value::Float32(x) => push_float(f64::from(*x), |out| push_f32(*x, out), out),
        Value::Float64(x) => push_float(*x, |out| push_f64(*x, out), out),
        Value::String(x) => push_json_string_bytes(x, out),
        Value::Bytes(x) => push_base64(x, out),
        Value::Array(items) => push_list(items, out, |item, out| schemaless(item, out, depth + 1))?,
        Value::Map(entries) if entries.iter().all(|(key, _)| key.as_str().is_some()) => {
            push_members(entries, out, |value, out| schemaless(value, out, depth + 1))?;
        }
        Value::Map(entries) => push_list(entries, out, |(key, value), out| {
            out.push(b'[');
            schemaless(key, out, depth + 1)?;
            out.push(b',');
            schemaless(value, out, depth + 1)?;
            out.push(b']');
            Ok(())
        })?,
        Value::Struct(_) => return Err(CodecError::Data("Mismatching schema.".to_owned())),
    }
    Ok(())
}

fn push_list<T>(
    items: &[T],
    out: &mut Vec<u8>,
    mut item: impl FnMut(&T, &mut Vec<u8>) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    out.push(b'[');
    for (index, x) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item(x, out)?;
    }
    out.push(b']');
    Ok(())
}

fn push_members(
    entries: &[(Value, Value)],
    out: &mut Vec<u8>,
    mut member: impl FnMut(&Value, &mut Vec<u8>) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    out.push(b'{');
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match key {
            Value::String(key) => push_json_string_bytes(key, out),
            // Java prints a null key as this text.
            Value::Null => out.extend_from_slice(b"\"null\""),
            other => return Err(misfit("STRING", other)),
        }
        out.push(b':');
        member(value, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn push_boolean(x: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if x { b"true" } else { b"false" });
}

fn push_integer(x: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(x).as_bytes());
}

/// Numbers that JSON cannot express are strings.
#[inline]
fn push_float(x: f64, number: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    if x.is_finite() {
        number(out);
    } else {
        out.push(b'"');
        number(out);
        out.push(b'"');
    }
}

fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = BASE64.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
    out.push(b'"');
}

#[cold]
fn null_refused() -> CodecError {
    CodecError::Data("Conversion error: null value for field that is required and has no default value".to_owned())
}

#[cold]
fn misfit(kind: &str, value: &Value) -> CodecError {
    CodecError::Data(format!("Invalid type for {kind}: class {}", crate::codec::java_text::java_class(value)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::data::SchemaBuilder;
    use crate::data::logical::{decimal, plain};

    fn json(schema: &Schema, value: &Value, options: JsonOptions) -> Result<String, CodecError> {
        let mut out = Vec::new();
        Encoder::compile(schema, &options)?.encode(value, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn writes_the_payload_of_the_contract() {
        let schema = SchemaBuilder::structure([
            ("a", Schema::builder(SchemaKind::Int32).default(Value::Int32(5)).build()),
            ("d", decimal(2).optional().build()),
            (
                "m",
                Schema::builder(SchemaKind::Map {
                    key: plain(SchemaKind::Int32, false),
                    value: plain(SchemaKind::String, false),
                })
                .build(),
            ),
            ("l", Schema::builder(SchemaKind::Array(plain(SchemaKind::Float64, false))).optional().build()),
            ("by", plain(SchemaKind::Bytes, false)),
        ])
        .build();
        let value = Value::Struct(
            vec![
                Value::Int32(1),
                Value::Bytes(Bytes::from_static(&[3, 252])),
                Value::Map(vec![(Value::Int32(1), Value::from("x")), (Value::Int32(2), Value::from("y"))]),
                Value::Array(vec![Value::Float64(1.0), Value::Float64(1e10), Value::Float64(f64::NAN)]),
                Value::Bytes(Bytes::from_static(&[1, 2, 255])),
            ]
            .into(),
        );
        assert_eq!(
            json(&schema, &value, JsonOptions::default()).unwrap(),
            r#"{"a":1,"d":"A/w=","m":[[1,"x"],[2,"y"]],"l":[1.0,1.0E10,"NaN"],"by":"AQL/"}"#
        );
        let numeric = JsonOptions { numeric_decimals: true, ..JsonOptions::default() };
        assert!(json(&schema, &value, numeric).unwrap().contains(r#""d":10.20,"#));
    }

    #[test]
    fn null_becomes_the_default_unless_told_otherwise() {
        let schema = Schema::builder(SchemaKind::String).optional().default(Value::from("x")).build();
        assert_eq!(json(&schema, &Value::Null, JsonOptions::default()).unwrap(), r#""x""#);
        let keep = JsonOptions { replace_null_with_default: false, ..JsonOptions::default() };
        assert_eq!(json(&schema, &Value::Null, keep).unwrap(), "null");
    }

    #[test]
    fn errors_use_the_words_of_java() {
        let schema = plain(SchemaKind::Int32, false);
        let error = |value| json(&schema, &value, JsonOptions::default()).unwrap_err().to_string();
        assert_eq!(error(Value::Null), "Conversion error: null value for field that is required and has no default value");
        assert_eq!(error(Value::from("x")), "Invalid type for INT32: class java.lang.String");
    }

    #[test]
    fn an_empty_struct_is_an_empty_object() {
        let schema = SchemaBuilder::structure::<&str>([]).build();
        assert_eq!(json(&schema, &Value::Struct(Box::new([])), JsonOptions::default()).unwrap(), "{}");
    }

    #[test]
    fn schemaless_maps_are_objects_if_all_keys_are_strings() {
        let mut out = Vec::new();
        let map = |key| Value::Map(vec![(key, Value::Array(vec![Value::Int8(1), Value::Null]))]);
        encode_schemaless(&Value::Array(vec![map(Value::from("k")), map(Value::Int64(1))]), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#"[{"k":[1,null]},[[1,[1,null]]]]"#);
    }
}
