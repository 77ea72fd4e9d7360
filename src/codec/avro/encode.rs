//! Turns values into Avro data by a plan compiled once per schema.

use std::sync::Arc;

use super::mapping::{self, AvroOptions};
use super::schema_text::{AvroSchema, Kind};
use crate::codec::CodecError;
use crate::data::{Schema, SchemaKind, Value};

/// Encodes values of one schema. Appends to the caller's buffer and allocates nothing per value.
#[derive(Clone, Debug)]
pub struct Encoder {
    text: Arc<str>,
    plan: Plan,
}

#[derive(Clone, Debug)]
enum Plan {
    Typed(Node),
    Anything,
}

impl Encoder {
    /// Compiles the plan for values of this schema.
    ///
    /// # Errors
    /// `Schema` if Avro cannot express the schema.
    pub fn compile(schema: &Arc<Schema>, options: &AvroOptions) -> Result<Self, CodecError> {
        let avro = mapping::to_avro(schema, options)?;
        let text = avro.to_text()?.into();
        Ok(Self { text, plan: Plan::Typed(compile(schema, &avro)?) })
    }

    /// The encoder of values without a schema: each is wrapped in the record `Anything`.
    ///
    /// # Errors
    /// None in practice; the signature is that of [`Encoder::compile`].
    pub fn schemaless() -> Result<Self, CodecError> {
        Ok(Self { text: mapping::anything().to_text()?.into(), plan: Plan::Anything })
    }

    /// The Avro schema as JSON text, for file headers and registries.
    pub fn schema_text(&self) -> &str {
        &self.text
    }

    /// Appends one datum. After an error `out` may end with a partial datum; the caller truncates it.
    ///
    /// # Errors
    /// `Data` if the value does not fit the schema.
    pub fn encode(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match &self.plan {
            Plan::Typed(node) => node.encode(value, out),
            Plan::Anything => encode_anything(value, out, 0),
        }
    }
}

#[derive(Clone, Debug)]
struct Node {
    op: Op,
    /// The branch number to write before a value, already encoded; empty outside of unions.
    value_branch: Option<u8>,
    null: OnNull,
}

#[derive(Clone, Debug)]
enum OnNull {
    Refuse,
    /// The null branch, already encoded.
    Branch(u8),
    /// The encoded default with its branch: Connect's structs read a null field as its default.
    Default(Box<[u8]>),
}

#[derive(Clone, Debug)]
enum Op {
    Boolean,
    /// Any integer; Avro's int and long have the same bytes.
    Integer,
    Float,
    Double,
    String,
    Bytes,
    Fixed(usize),
    Enum(Box<[String]>),
    Array(Box<Node>),
    Map(Box<Node>),
    Entries(Box<(Node, Node)>),
    Record(Box<[(Arc<str>, Node)]>),
    /// A struct of which one field is set, and the encoded branch number of each.
    Union(Box<[(Box<[u8]>, Node)]>),
}

fn compile(schema: &Schema, avro: &AvroSchema) -> Result<Node, CodecError> {
    let mut node = match &avro.kind {
        Kind::Union(branches) if schema.is_named(super::UNION) => {
            let fields = schema.fields().ok_or_else(mismatch)?;
            let offset = usize::from(branches.len() > fields.len());
            let list = fields.iter().zip(&branches[offset.min(branches.len())..]).enumerate();
            let list = list
                .map(|(index, (field, branch))| {
                    let mut number = Vec::new();
                    push_long((index + offset) as i64, &mut number);
                    let mut node = compile(&field.schema, branch)?;
                    node.value_branch = None;
                    Ok((number.into_boxed_slice(), node))
                })
                .collect::<Result<Box<[_]>, CodecError>>()?;
            let null = if offset == 1 { OnNull::Branch(0) } else { OnNull::Refuse };
            Node { op: Op::Union(list), value_branch: None, null }
        }
        Kind::Union(branches) => {
            let value_at = branches.iter().position(|branch| branch.kind != Kind::Null).ok_or_else(mismatch)?;
            let mut node = compile_value(schema, &branches[value_at])?;
            node.value_branch = Some((value_at as u8) << 1);
            node.null = OnNull::Branch(((1 - value_at) as u8) << 1);
            node
        }
        _ => compile_value(schema, avro)?,
    };
    if let Some(default) = schema.default.as_ref().filter(|default| !default.is_null()) {
        let mut bytes = Vec::new();
        node.encode(default, &mut bytes)
            .map_err(|error| CodecError::Schema(format!("default value does not fit its schema: {error}")))?;
        node.null = OnNull::Default(bytes.into());
    }
    Ok(node)
}

fn mismatch() -> CodecError {
    CodecError::Schema("the Avro schema does not belong to this Connect schema".to_owned())
}

fn compile_value(schema: &Schema, avro: &AvroSchema) -> Result<Node, CodecError> {
    let op = match (&schema.kind, &avro.kind) {
        (_, Kind::Boolean) => Op::Boolean,
        (_, Kind::Int | Kind::Long) => Op::Integer,
        (_, Kind::Float) => Op::Float,
        (_, Kind::Double) => Op::Double,
        (_, Kind::String) => Op::String,
        (_, Kind::Bytes) => Op::Bytes,
        (_, Kind::Fixed { size, .. }) => Op::Fixed(*size),
        (_, Kind::Enum { symbols, .. }) => Op::Enum(symbols.clone().into()),
        (SchemaKind::Array(item), Kind::Array(avro)) => Op::Array(Box::new(compile(item, avro)?)),
        (SchemaKind::Map { value, .. }, Kind::Map(avro)) => Op::Map(Box::new(compile(value, avro)?)),
        (SchemaKind::Map { key, value }, Kind::Array(entry)) => match &entry.kind {
            Kind::Record { fields, .. } if fields.len() == 2 => {
                Op::Entries(Box::new((compile(key, &fields[0].schema)?, compile(value, &fields[1].schema)?)))
            }
            _ => return Err(mismatch()),
        },
        (SchemaKind::Struct(fields), Kind::Record { fields: avro, .. }) if fields.len() == avro.len() => {
            let nodes =
                fields.iter().zip(avro).map(|(field, avro)| Ok((field.name.clone(), compile(&field.schema, &avro.schema)?)));
            Op::Record(nodes.collect::<Result<_, CodecError>>()?)
        }
        _ => return Err(mismatch()),
    };
    Ok(Node { op, value_branch: None, null: OnNull::Refuse })
}

impl Node {
    #[inline]
    fn encode(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
        if value.is_null() {
            match &self.null {
                OnNull::Branch(branch) => out.push(*branch),
                OnNull::Default(bytes) => out.extend_from_slice(bytes),
                OnNull::Refuse => return Err(null_refused()),
            }
            return Ok(());
        }
        if let Some(branch) = self.value_branch {
            out.push(branch);
        }
        match (&self.op, value) {
            (Op::Boolean, Value::Boolean(x)) => out.push(u8::from(*x)),
            (Op::Integer, Value::Int64(x)) => push_long(*x, out),
            (Op::Integer, Value::Int32(x)) => push_long(i64::from(*x), out),
            (Op::Integer, Value::Int16(x)) => push_long(i64::from(*x), out),
            (Op::Integer, Value::Int8(x)) => push_long(i64::from(*x), out),
            (Op::Float, Value::Float32(x)) => out.extend_from_slice(&x.to_le_bytes()),
            (Op::Double, Value::Float64(x)) => out.extend_from_slice(&x.to_le_bytes()),
            (Op::String, Value::String(x)) => push_bytes(x.as_bytes(), out),
            (Op::Bytes, Value::Bytes(x)) => push_bytes(x, out),
            (Op::Fixed(size), Value::Bytes(x)) if x.len() == *size => out.extend_from_slice(x),
            (Op::Enum(symbols), Value::String(x)) => match symbols.iter().position(|symbol| *symbol == **x) {
                Some(index) => push_long(index as i64, out),
                None => return Err(CodecError::Data(format!("the enum has no symbol '{x}'"))),
            },
            (Op::Record(nodes), Value::Struct(values)) if nodes.len() == values.len() => {
                for ((name, node), value) in nodes.iter().zip(values) {
                    node.encode(value, out).map_err(|error| error.in_field(name))?;
                }
            }
            (Op::Array(item), Value::Array(values)) => {
                if !values.is_empty() {
                    push_long(values.len() as i64, out);
                    for value in values {
                        item.encode(value, out)?;
                    }
                }
                out.push(0);
            }
            (Op::Map(item), Value::Map(entries)) => {
                if !entries.is_empty() {
                    push_long(entries.len() as i64, out);
                    for (key, value) in entries {
                        match key {
                            Value::String(key) => push_bytes(key.as_bytes(), out),
                            // Only with allow.optional.map.keys; Avro itself has no null keys.
                            Value::Null => {
                                return Err(CodecError::Data("a map key is null, which Avro cannot express".to_owned()));
                            }
                            other => return Err(misfit("STRING", other)),
                        }
                        item.encode(value, out)?;
                    }
                }
                out.push(0);
            }
            (Op::Entries(nodes), Value::Map(entries)) => {
                if !entries.is_empty() {
                    push_long(entries.len() as i64, out);
                    for (key, value) in entries {
                        nodes.0.encode(key, out)?;
                        nodes.1.encode(value, out)?;
                    }
                }
                out.push(0);
            }
            (Op::Union(branches), Value::Struct(values)) => {
                let chosen = branches.iter().zip(values).find(|(_, value)| !value.is_null());
                let ((number, node), value) =
                    chosen.ok_or_else(|| CodecError::Data("a union value has no field set".to_owned()))?;
                out.extend_from_slice(number);
                node.encode(value, out)?;
            }
            (op, value) => return Err(misfit(op.expected(), value)),
        }
        Ok(())
    }
}

impl Op {
    fn expected(&self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Integer => "integer",
            Self::Float => "FLOAT32",
            Self::Double => "FLOAT64",
            Self::String | Self::Enum(_) => "STRING",
            Self::Bytes => "BYTES",
            Self::Fixed(_) => "BYTES of the fixed size",
            Self::Array(_) => "ARRAY",
            Self::Map(_) | Self::Entries(_) => "MAP",
            Self::Record(_) | Self::Union(_) => "STRUCT with all its fields",
        }
    }
}

#[cold]
fn null_refused() -> CodecError {
    CodecError::Data("null value for a non-optional schema".to_owned())
}

#[cold]
fn misfit(expected: &str, value: &Value) -> CodecError {
    CodecError::Data(format!("{} value where the schema has {expected}", value.kind_name()))
}

/// Appends a zigzag varint.
#[inline]
pub fn push_long(x: i64, out: &mut Vec<u8>) {
    let mut rest = ((x << 1) ^ (x >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends a length and bytes, as Avro's bytes and string have it.
#[inline]
pub fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    push_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// The fields of `Anything` in order: boolean, bytes, double, float, int, long, string, array, map.
fn encode_anything(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
    const FIELDS: usize = 9;
    if depth > super::MAX_DEPTH {
        return Err(CodecError::Data(format!("value is nested deeper than {} levels", super::MAX_DEPTH)));
    }
    let field = match value {
        Value::Null if depth == 0 => return Err(null_refused()),
        Value::Null => FIELDS,
        Value::Boolean(_) => 0,
        Value::Bytes(_) => 1,
        Value::Float64(_) => 2,
        Value::Float32(_) => 3,
        Value::Int8(_) | Value::Int16(_) | Value::Int32(_) => 4,
        Value::Int64(_) => 5,
        Value::String(_) => 6,
        Value::Array(_) => 7,
        Value::Map(_) => 8,
        Value::Struct(_) => return Err(CodecError::Data("a STRUCT value needs a schema".to_owned())),
    };
    out.extend(std::iter::repeat_n(0, field));
    if field == FIELDS {
        return Ok(());
    }
    out.push(2);
    match value {
        Value::Boolean(x) => out.push(u8::from(*x)),
        Value::Bytes(x) => push_bytes(x, out),
        Value::Float64(x) => out.extend_from_slice(&x.to_le_bytes()),
        Value::Float32(x) => out.extend_from_slice(&x.to_le_bytes()),
        Value::String(x) => push_bytes(x.as_bytes(), out),
        Value::Array(items) => {
            if !items.is_empty() {
                push_long(items.len() as i64, out);
                for item in items {
                    encode_anything(item, out, depth + 1)?;
                }
            }
            out.push(0);
        }
        Value::Map(entries) => {
            if !entries.is_empty() {
                push_long(entries.len() as i64, out);
                for (key, value) in entries {
                    encode_anything(key, out, depth + 1)?;
                    encode_anything(value, out, depth + 1)?;
                }
            }
            out.push(0);
        }
        number => push_long(number.as_i64().unwrap_or_default(), out),
    }
    out.extend(std::iter::repeat_n(0, FIELDS - 1 - field));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SchemaBuilder;
    use crate::data::logical::plain;

    #[test]
    fn zigzag_varints_are_avros() {
        for (x, bytes) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (64, &[0x80, 1]),
            (i64::MIN, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ] {
            let mut out = Vec::new();
            push_long(x, &mut out);
            assert_eq!(out, bytes);
        }
    }

    #[test]
    fn optional_fields_write_their_branch_and_null_takes_the_default() {
        let schema = SchemaBuilder::structure([
            ("a", plain(SchemaKind::Int32, true)),
            ("b", Schema::builder(SchemaKind::String).optional().default(Value::from("x")).build()),
            ("c", Schema::builder(SchemaKind::Int64).default(Value::Int64(7)).build()),
        ])
        .build();
        let encoder = Encoder::compile(&schema, &AvroOptions::default()).unwrap();
        let mut out = Vec::new();
        encoder.encode(&Value::Struct(vec![Value::Int32(1), Value::from("y"), Value::Int64(2)].into()), &mut out).unwrap();
        assert_eq!(out, [2, 2, 0, 2, b'y', 4]);
        out.clear();
        encoder.encode(&Value::Struct(vec![Value::Null, Value::Null, Value::Null].into()), &mut out).unwrap();
        assert_eq!(out, [0, 0, 2, b'x', 14]);
    }

    #[test]
    fn errors_name_the_field_path() {
        let inner = SchemaBuilder::structure([("id", plain(SchemaKind::Int32, false))]).build();
        let schema = SchemaBuilder::structure([("row", inner)]).build();
        let encoder = Encoder::compile(&schema, &AvroOptions::default()).unwrap();
        let row = |x| Value::Struct(vec![Value::Struct(vec![x].into())].into());
        let error = encoder.encode(&row(Value::Null), &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "field 'row': field 'id': null value for a non-optional schema");
        let error = encoder.encode(&row(Value::from("x")), &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "field 'row': field 'id': STRING value where the schema has integer");
    }
}
