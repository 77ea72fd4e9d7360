//! Reads JSON straight into positional values by a plan compiled once per schema.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::encode::scale_of;
use super::reader::{Reader, Token, deeper};
use super::{JsonOptions, MAX_DEPTH};
use crate::codec::java_text::push_json_string_bytes;
use crate::codec::{CodecError, decimal};
use crate::data::{Fields, Schema, SchemaKind, Value, logical};

/// Reads values of one schema.
#[derive(Clone, Debug)]
pub struct Decoder {
    node: Node,
}

#[derive(Clone, Debug)]
struct Node {
    op: Op,
    null: OnNull,
    /// Whether Connect's structs accept a null here.
    optional: bool,
    kind: &'static str,
}

#[derive(Clone, Debug)]
enum OnNull {
    Refuse,
    Null,
    Default(Value),
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
    /// Date or Time: nothing but an int will do.
    IntOf(&'static str),
    Timestamp,
    Array(Box<Node>),
    Object(Box<Node>),
    Pairs(Box<(Node, Node)>),
    Struct {
        fields: Arc<Fields>,
        nodes: Box<[FieldNode]>,
    },
}

#[derive(Clone, Debug)]
struct FieldNode {
    /// `"name":`, as most writers put it.
    key: Box<[u8]>,
    name: Arc<str>,
    node: Node,
}

impl Decoder {
    /// Compiles the plan for values of this schema.
    ///
    /// # Errors
    /// `Schema` if the schema is nested too deeply or a Decimal has no scale.
    pub fn compile(schema: &Schema, options: &JsonOptions) -> Result<Self, CodecError> {
        Ok(Self { node: compile(schema, options, 0)? })
    }

    /// Reads the value at which the reader stands.
    ///
    /// # Errors
    /// `Malformed` for invalid JSON, `Data` in the words of JsonConverter for a value that does not fit.
    pub fn decode(&self, reader: &mut Reader<'_>, data: &Bytes) -> Result<Value, CodecError> {
        self.node.decode(reader, data, 0)
    }

    /// Reads a payload that is nothing but the value.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode_all(&self, data: &Bytes) -> Result<Value, CodecError> {
        self.decode(&mut Reader::new(data, 0), data)
    }
}

fn compile(schema: &Schema, options: &JsonOptions, depth: usize) -> Result<Node, CodecError> {
    if depth > MAX_DEPTH {
        return Err(CodecError::Schema(format!("schema is nested deeper than {MAX_DEPTH} levels")));
    }
    let part = |schema: &Schema| compile(schema, options, depth + 1);
    let op = match (&schema.kind, schema.name.as_deref()) {
        (SchemaKind::Int32, Some(logical::DATE)) => Op::IntOf("Date"),
        (SchemaKind::Int32, Some(logical::TIME)) => Op::IntOf("Time"),
        (SchemaKind::Int64, Some(logical::TIMESTAMP)) => Op::Timestamp,
        (SchemaKind::Bytes, Some(logical::DECIMAL)) => Op::Decimal { scale: scale_of(schema)? },
        (SchemaKind::Boolean, _) => Op::Boolean,
        (SchemaKind::Int8, _) => Op::Int8,
        (SchemaKind::Int16, _) => Op::Int16,
        (SchemaKind::Int32, _) => Op::Int32,
        (SchemaKind::Int64, _) => Op::Int64,
        (SchemaKind::Float32, _) => Op::Float32,
        (SchemaKind::Float64, _) => Op::Float64,
        (SchemaKind::String, _) => Op::String,
        (SchemaKind::Bytes, _) => Op::Bytes,
        (SchemaKind::Array(item), _) => Op::Array(Box::new(part(item)?)),
        (SchemaKind::Map { key, value }, _) if key.kind == SchemaKind::String => Op::Object(Box::new(part(value)?)),
        (SchemaKind::Map { key, value }, _) => Op::Pairs(Box::new((part(key)?, part(value)?))),
        (SchemaKind::Struct(fields), _) => {
            let nodes = fields.iter().map(|field| {
                let mut key = Vec::with_capacity(field.name.len() + 3);
                push_json_string_bytes(&field.name, &mut key);
                key.push(b':');
                Ok(FieldNode { key: key.into(), name: field.name.clone(), node: part(&field.schema)? })
            });
            let nodes = nodes.collect::<Result<_, CodecError>>()?;
            Op::Struct { fields: fields.clone(), nodes }
        }
    };
    let null = match &schema.default {
        Some(default) if options.replace_null_with_default => OnNull::Default(default.clone()),
        _ if schema.optional => OnNull::Null,
        _ => OnNull::Refuse,
    };
    Ok(Node { op, null, optional: schema.optional, kind: schema.kind.connect_name() })
}

impl Node {
    fn on_null(&self) -> Result<Value, CodecError> {
        match &self.null {
            OnNull::Default(value) => Ok(value.clone()),
            OnNull::Null => Ok(Value::Null),
            OnNull::Refuse => Err(CodecError::Data(format!("Invalid null value for required {} field", self.kind))),
        }
    }

    fn decode(&self, reader: &mut Reader<'_>, data: &Bytes, depth: usize) -> Result<Value, CodecError> {
        let token = reader.token()?;
        if token == Token::Null {
            reader.literal(token)?;
            return self.on_null();
        }
        Ok(match &self.op {
            Op::String if token == Token::String => Value::String(reader.string()?),
            Op::String => {
                // Java reads anything but text as null.
                reader.skip_value(depth)?;
                Value::Null
            }
            Op::Int32 => Value::Int32(integer(reader, token, depth)? as i32),
            Op::Int64 => Value::Int64(integer(reader, token, depth)?),
            Op::Int16 => Value::Int16(integer(reader, token, depth)? as i16),
            Op::Int8 => Value::Int8(integer(reader, token, depth)? as i8),
            Op::Float64 if token == Token::Number => Value::Float64(parse_f64(reader.number()?)),
            Op::Float64 => {
                reader.skip_value(depth)?;
                Value::Float64(0.0)
            }
            Op::Float32 if token == Token::Number => {
                let text = reader.number()?;
                // As with doubles, Java loses the sign of zero here.
                Value::Float32(text.parse::<f32>().map_or(0.0, |x| x + 0.0))
            }
            Op::Float32 => {
                reader.skip_value(depth)?;
                Value::Float32(0.0)
            }
            Op::Boolean => {
                reader.skip_value(depth)?;
                Value::Boolean(token == Token::True)
            }
            Op::Bytes if token == Token::String => {
                Value::Bytes(base64(&reader.string()?).ok_or_else(|| CodecError::Data("Invalid bytes field".to_owned()))?)
            }
            Op::Bytes => {
                reader.skip_value(depth)?;
                Value::Null
            }
            Op::Decimal { scale } => match token {
                Token::Number => Value::Bytes(decimal::parse(reader.number()?, *scale)?),
                Token::String => {
                    let bytes = base64(&reader.string()?);
                    Value::Bytes(bytes.ok_or_else(|| CodecError::Data("Invalid bytes for Decimal field".to_owned()))?)
                }
                other => {
                    return Err(CodecError::Data(format!(
                        "Invalid type for Decimal, underlying representation should be numeric or bytes but was {}",
                        other.node_type()
                    )));
                }
            },
            Op::IntOf(name) => match strict_integer(reader, token)?.and_then(|x| i32::try_from(x).ok()) {
                Some(x) => Value::Int32(x),
                None => return Err(not_integer(name, "integer", token)),
            },
            Op::Timestamp => match strict_integer(reader, token)? {
                Some(x) => Value::Int64(x),
                None => return Err(not_integer("Timestamp", "integral", token)),
            },
            Op::Struct { fields, nodes } => {
                if token != Token::Object {
                    return Err(CodecError::Data(format!(
                        "Structs should be encoded as JSON objects, but found {}",
                        token.node_type()
                    )));
                }
                decode_struct(fields, nodes, reader, data, deeper(depth)?)?
            }
            Op::Array(item) => {
                let mut items = Vec::new();
                let mut push = |reader: &mut Reader<'_>, depth| {
                    items.push(item.decode(reader, data, depth)?);
                    Ok(())
                };
                match token {
                    Token::Array => reader.array(depth, push)?,
                    // Java walks the values of an object, and finds nothing in a scalar.
                    Token::Object => {
                        let depth = deeper(depth)?;
                        reader.enter();
                        let mut first = true;
                        while reader.member(&mut first)? {
                            reader.string()?;
                            reader.colon()?;
                            push(reader, depth)?;
                        }
                    }
                    _ => reader.skip_value(depth)?,
                }
                Value::Array(items)
            }
            Op::Object(value) => {
                if token != Token::Object {
                    return Err(CodecError::Data(format!(
                        "Maps with string fields should be encoded as JSON objects, but found {}",
                        token.node_type()
                    )));
                }
                let depth = deeper(depth)?;
                reader.enter();
                let mut entries = Vec::new();
                let mut first = true;
                while reader.member(&mut first)? {
                    let key = reader.string()?;
                    reader.colon()?;
                    put(&mut entries, Value::String(key), value.decode(reader, data, depth)?);
                }
                Value::Map(entries)
            }
            Op::Pairs(nodes) => {
                if token != Token::Array {
                    return Err(CodecError::Data(format!(
                        "Maps with non-string fields should be encoded as JSON array of tuples, but found {}",
                        token.node_type()
                    )));
                }
                let mut entries = Vec::new();
                reader.array(depth, |reader, depth| {
                    let (key, value) = decode_pair(nodes, reader, data, depth)?;
                    put(&mut entries, key, value);
                    Ok(())
                })?;
                Value::Map(entries)
            }
        })
    }
}

/// A later entry of the same key wins.
fn put(entries: &mut Vec<(Value, Value)>, key: Value, value: Value) {
    // Looking back is quadratic, so large maps trust their writer.
    const MAX_CHECKED: usize = 64;
    if entries.len() <= MAX_CHECKED
        && let Some(entry) = entries.iter_mut().find(|(known, _)| *known == key)
    {
        entry.1 = value;
    } else {
        entries.push((key, value));
    }
}

fn decode_pair(nodes: &(Node, Node), reader: &mut Reader<'_>, data: &Bytes, depth: usize) -> Result<(Value, Value), CodecError> {
    let token = reader.token()?;
    if token != Token::Array {
        return Err(CodecError::Data(format!("Found invalid map entry instead of array tuple: {}", token.node_type())));
    }
    let start = reader.position();
    let mut count = 0;
    Reader::new(data, start).array(depth, |reader, depth| {
        count += 1;
        reader.skip_value(depth)
    })?;
    if count != 2 {
        return Err(CodecError::Data(format!("Found invalid map entry, expected length 2 but found :{count}")));
    }
    let mut parts = [Value::Null, Value::Null];
    let mut index = 0;
    reader.array(depth, |reader, depth| {
        let node = if index == 0 { &nodes.0 } else { &nodes.1 };
        parts[index.min(1)] = node.decode(reader, data, depth)?;
        index += 1;
        Ok(())
    })?;
    let [key, value] = parts;
    Ok((key, value))
}

fn decode_struct(
    fields: &Fields,
    nodes: &[FieldNode],
    reader: &mut Reader<'_>,
    data: &Bytes,
    depth: usize,
) -> Result<Value, CodecError> {
    reader.enter();
    let mut values = Vec::with_capacity(nodes.len());
    // Most writers put the fields in the schema's order and without blanks.
    for (index, field) in nodes.iter().enumerate() {
        let start = reader.position();
        if (index > 0 && !reader.eat(b",")) || !reader.eat(&field.key) {
            reader.rewind(start);
            return decode_any_order(fields, nodes, values, reader, data, depth);
        }
        values.push(field.decode(reader, data, depth)?);
    }
    if reader.eat(b"}") {
        return Ok(Value::Struct(values.into()));
    }
    decode_any_order(fields, nodes, values, reader, data, depth)
}

/// Continues a struct whose first fields are known, whatever comes next.
fn decode_any_order(
    fields: &Fields,
    nodes: &[FieldNode],
    known: Vec<Value>,
    reader: &mut Reader<'_>,
    data: &Bytes,
    depth: usize,
) -> Result<Value, CodecError> {
    let mut first = known.is_empty();
    let mut slots = known.into_iter().map(Some).collect::<Vec<_>>();
    slots.resize(nodes.len(), None);
    while reader.member(&mut first)? {
        let name = reader.string()?;
        reader.colon()?;
        match fields.get(&name).and_then(|field| Some((slots.get_mut(field.index)?, nodes.get(field.index)?))) {
            Some((slot, field)) => *slot = Some(field.decode(reader, data, depth)?),
            None => reader.skip_value(depth)?,
        }
    }
    let values = slots.into_iter().zip(nodes).map(|(slot, field)| match slot {
        Some(value) => Ok(value),
        None => field.node.on_null().map_err(|error| error.in_field(&field.name)),
    });
    Ok(Value::Struct(values.collect::<Result<_, _>>()?))
}

impl FieldNode {
    #[inline]
    fn decode(&self, reader: &mut Reader<'_>, data: &Bytes, depth: usize) -> Result<Value, CodecError> {
        let value = self.node.decode(reader, data, depth).map_err(|error| error.in_field(&self.name))?;
        if value.is_null() && !self.node.optional {
            return Err(CodecError::Data(format!(
                "Invalid value: null used for required field: \"{}\", schema type: {}",
                self.name, self.node.kind
            )));
        }
        Ok(value)
    }
}

fn not_integer(name: &str, wanted: &str, token: Token) -> CodecError {
    CodecError::Data(format!(
        "Invalid type for {name}, underlying representation should be {wanted} but was {}",
        token.node_type()
    ))
}

/// An integer as Jackson's `longValue` gives it: wrapped if too large, cut if it has a fraction, 0 if it is no number.
#[inline]
fn integer(reader: &mut Reader<'_>, token: Token, depth: usize) -> Result<i64, CodecError> {
    if token != Token::Number {
        reader.skip_value(depth)?;
        return Ok(0);
    }
    match reader.small_integer() {
        Some(x) => Ok(x),
        None => reader.number().map(decimal::whole_low_bits),
    }
}

/// An integer without point or exponent; `None` for everything else.
fn strict_integer(reader: &mut Reader<'_>, token: Token) -> Result<Option<i64>, CodecError> {
    if token != Token::Number {
        return Ok(None);
    }
    match reader.small_integer() {
        Some(x) => Ok(Some(x)),
        None => reader.number().map(|text| is_integral(text).then(|| decimal::whole_low_bits(text))),
    }
}

fn is_integral(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

/// Jackson reads numbers by BigDecimal here, which has no negative zero.
fn parse_f64(text: &str) -> f64 {
    text.parse::<f64>().map_or(0.0, |x| x + 0.0)
}

/// Base64 with padding; blanks are skipped between groups of four.
fn base64(text: &str) -> Option<Bytes> {
    match BASE64.decode(text) {
        Ok(bytes) => Some(bytes.into()),
        Err(_) => {
            let mut compact = Vec::with_capacity(text.len());
            for byte in text.bytes() {
                if byte > b' ' {
                    compact.push(byte);
                } else if compact.len() % 4 != 0 {
                    return None;
                }
            }
            BASE64.decode(compact).ok().map(Bytes::from)
        }
    }
}

/// Reads a value without a schema: objects become maps, whole numbers int64, others float64.
///
/// # Errors
/// `Malformed` for invalid JSON.
pub fn decode_schemaless(reader: &mut Reader<'_>) -> Result<Value, CodecError> {
    schemaless(reader, 0)
}

fn schemaless(reader: &mut Reader<'_>, depth: usize) -> Result<Value, CodecError> {
    Ok(match reader.token()? {
        Token::String => Value::String(reader.string()?),
        Token::Number => match reader.small_integer() {
            Some(x) => Value::Int64(x),
            None => {
                let text = reader.number()?;
                if is_integral(text) { Value::Int64(decimal::whole_low_bits(text)) } else { Value::Float64(parse_f64(text)) }
            }
        },
        Token::Object => {
            let depth = deeper(depth)?;
            reader.enter();
            let mut entries = Vec::new();
            let mut first = true;
            while reader.member(&mut first)? {
                let key = reader.string()?;
                reader.colon()?;
                put(&mut entries, Value::String(key), schemaless(reader, depth)?);
            }
            Value::Map(entries)
        }
        Token::Array => {
            let mut items = Vec::new();
            reader.array(depth, |reader, depth| {
                items.push(schemaless(reader, depth)?);
                Ok(())
            })?;
            Value::Array(items)
        }
        literal => {
            reader.literal(literal)?;
            match literal {
                Token::True => Value::Boolean(true),
                Token::False => Value::Boolean(false),
                _ => Value::Null,
            }
        }
    })
}
