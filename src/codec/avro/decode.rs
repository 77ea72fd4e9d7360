//! Turns Avro data into values by a plan compiled once per writer schema.

use std::sync::Arc;

use ahash::AHashMap;
use bytes::Bytes;

use super::mapping::AvroOptions;
use super::schema_text::{AvroSchema, Kind};
use super::to_connect::{UnionShape, is_map_entry, to_connect, union_shape};
use super::{ANYTHING, MAX_DEPTH};
use crate::codec::CodecError;
use crate::data::{Schema, Utf8Bytes, Value};

/// Decodes data of one writer schema. Text and bytes are slices of the input.
#[derive(Clone, Debug)]
pub struct Decoder {
    schema: Option<Arc<Schema>>,
    op: Op,
}

#[derive(Clone, Debug)]
enum Op {
    Null,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float,
    Double,
    String,
    Bytes,
    Fixed(usize),
    Enum(Arc<[Utf8Bytes]>),
    Array(Box<Op>),
    Map(Box<Op>),
    Entries(Box<(Op, Op)>),
    Record(Box<[(String, Op)]>),
    /// One value type and possibly null: the op of each branch.
    Optional(Box<[Op]>),
    /// A struct with one field per branch that is not null: op and field index of each branch.
    Union {
        branches: Box<[(Op, Option<usize>)]>,
        fields: usize,
    },
    Anything,
}

impl Decoder {
    /// Compiles the plan for data written with this schema.
    ///
    /// # Errors
    /// `Schema` if Connect cannot express the schema.
    pub fn compile(schema: &AvroSchema, options: &AvroOptions) -> Result<Self, CodecError> {
        let connect = to_connect(schema, options)?;
        let op = if connect.is_some() { Compiler { definitions: schema.definitions() }.op(schema, 0)? } else { Op::Anything };
        Ok(Self { schema: connect, op })
    }

    /// The Connect schema of the values; `None` if they are schemaless.
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    /// Decodes the datum at `position` and moves it behind the datum.
    ///
    /// # Errors
    /// `Malformed` if the data ends early or is not of this schema.
    pub fn decode(&self, data: &Bytes, position: &mut usize) -> Result<Value, CodecError> {
        let mut input = Input::new(data);
        input.at = *position;
        let value = self.op.decode(&mut input, data, 0)?;
        *position = input.at;
        Ok(value)
    }
}

struct Compiler<'a> {
    definitions: AHashMap<String, &'a AvroSchema>,
}

impl Compiler<'_> {
    fn op(&self, avro: &AvroSchema, depth: usize) -> Result<Op, CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::Schema(format!("Avro schema is recursive or nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(match &avro.kind {
            Kind::Null => Op::Null,
            Kind::Boolean => Op::Boolean,
            Kind::Int => match avro.props.get("connect.type").and_then(|x| x.as_str()) {
                Some("int8") if !avro.props.contains_key("logicalType") => Op::Int8,
                Some("int16") if !avro.props.contains_key("logicalType") => Op::Int16,
                _ => Op::Int32,
            },
            Kind::Long => Op::Int64,
            Kind::Float => Op::Float,
            Kind::Double => Op::Double,
            Kind::String => Op::String,
            Kind::Bytes => Op::Bytes,
            Kind::Fixed { size, .. } => Op::Fixed(*size),
            Kind::Enum { symbols, .. } => Op::Enum(symbols.iter().map(|symbol| Utf8Bytes::from(symbol.as_str())).collect()),
            Kind::Array(item) if is_map_entry(item) => {
                let Kind::Record { fields, .. } = &item.kind else { unreachable!("map entries are records") };
                Op::Entries(Box::new((self.op(&fields[0].schema, depth + 1)?, self.op(&fields[1].schema, depth + 1)?)))
            }
            Kind::Array(item) => Op::Array(Box::new(self.op(item, depth + 1)?)),
            Kind::Map(value) => Op::Map(Box::new(self.op(value, depth + 1)?)),
            Kind::Record { fields, .. } => Op::Record(
                fields
                    .iter()
                    .map(|field| Ok((field.name.clone(), self.op(&field.schema, depth + 1)?)))
                    .collect::<Result<_, CodecError>>()?,
            ),
            Kind::Reference(name) => match self.definitions.get(&name.full()) {
                Some(definition) => self.op(definition, depth + 1)?,
                None => return Err(CodecError::Schema(format!("Avro schema does not define '{}'", name.full()))),
            },
            Kind::Union(branches) => match union_shape(branches) {
                UnionShape::Single { .. } => {
                    Op::Optional(branches.iter().map(|branch| self.op(branch, depth + 1)).collect::<Result<_, _>>()?)
                }
                UnionShape::Fields { .. } => {
                    let mut fields = 0;
                    let mut list = Vec::with_capacity(branches.len());
                    for branch in branches {
                        let field = (branch.kind != Kind::Null).then_some(fields);
                        fields += usize::from(field.is_some());
                        list.push((self.op(branch, depth + 1)?, field));
                    }
                    Op::Union { branches: list.into(), fields }
                }
            },
        })
    }
}

impl Op {
    fn decode(&self, input: &mut Input<'_>, data: &Bytes, depth: usize) -> Result<Value, CodecError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Boolean => match input.take(1).ok_or_else(short)? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                _ => return Err(malformed("a boolean is neither 0 nor 1")),
            },
            // Connect stores int8 and int16 as Avro ints and casts them back.
            Self::Int8 => Value::Int8(input.long().ok_or_else(short)? as i8),
            Self::Int16 => Value::Int16(input.long().ok_or_else(short)? as i16),
            Self::Int32 => {
                let x = input.long().ok_or_else(short)?;
                Value::Int32(i32::try_from(x).map_err(|_| malformed("an int is out of range"))?)
            }
            Self::Int64 => Value::Int64(input.long().ok_or_else(short)?),
            Self::Float => Value::Float32(f32::from_le_bytes(input.array().ok_or_else(short)?)),
            Self::Double => Value::Float64(f64::from_le_bytes(input.array().ok_or_else(short)?)),
            Self::String => Value::String(input.text(data)?),
            Self::Bytes => {
                let length = input.bytes().map_err(|_| short())?.len();
                Value::Bytes(data.slice(input.at - length..input.at))
            }
            Self::Fixed(size) => {
                input.take(*size).ok_or_else(short)?;
                Value::Bytes(data.slice(input.at - size..input.at))
            }
            Self::Enum(symbols) => {
                let index = input.long().and_then(|x| usize::try_from(x).ok());
                let symbol = index.and_then(|index| symbols.get(index));
                Value::String(symbol.ok_or_else(|| malformed("an enum number has no symbol"))?.clone())
            }
            Self::Array(item) => {
                let mut items = Vec::new();
                input.blocks(|input| {
                    items.push(item.decode(input, data, depth)?);
                    Ok(())
                })?;
                Value::Array(items)
            }
            Self::Map(value) => {
                let mut entries = Vec::new();
                input.blocks(|input| {
                    let key = Value::String(input.text(data)?);
                    entries.push((key, value.decode(input, data, depth)?));
                    Ok(())
                })?;
                Value::Map(entries)
            }
            Self::Entries(ops) => {
                let mut entries = Vec::new();
                input.blocks(|input| {
                    let key = ops.0.decode(input, data, depth)?;
                    entries.push((key, ops.1.decode(input, data, depth)?));
                    Ok(())
                })?;
                Value::Map(entries)
            }
            Self::Record(fields) => {
                let mut values = Vec::with_capacity(fields.len());
                for (name, op) in fields {
                    values.push(op.decode(input, data, depth).map_err(|error| error.in_field(name))?);
                }
                Value::Struct(values.into())
            }
            Self::Optional(branches) => input.branch(branches)?.decode(input, data, depth)?,
            Self::Union { branches, fields } => match input.branch(branches)? {
                (_, None) => Value::Null,
                (op, Some(field)) => {
                    let mut values = vec![Value::Null; *fields];
                    values[*field] = op.decode(input, data, depth)?;
                    Value::Struct(values.into())
                }
            },
            Self::Anything => return decode_anything(input, data, depth),
        })
    }
}

/// Reads the record `Anything`: the first field that is set is the value.
fn decode_anything(input: &mut Input<'_>, data: &Bytes, depth: usize) -> Result<Value, CodecError> {
    if depth > MAX_DEPTH {
        return Err(malformed(&format!("a value of '{ANYTHING}' is nested too deeply")));
    }
    let mut found = Value::Null;
    for field in 0..9 {
        match input.long() {
            Some(0) => continue,
            Some(1) => {}
            _ => return Err(malformed("a union number has no branch")),
        }
        found = match field {
            0 => Op::Boolean.decode(input, data, depth)?,
            1 => Op::Bytes.decode(input, data, depth)?,
            2 => Op::Double.decode(input, data, depth)?,
            3 => Op::Float.decode(input, data, depth)?,
            4 => Op::Int32.decode(input, data, depth)?,
            5 => Op::Int64.decode(input, data, depth)?,
            6 => Op::String.decode(input, data, depth)?,
            7 => {
                let mut items = Vec::new();
                input.blocks(|input| {
                    items.push(decode_anything(input, data, depth + 1)?);
                    Ok(())
                })?;
                Value::Array(items)
            }
            _ => {
                let mut entries = Vec::new();
                input.blocks(|input| {
                    let key = decode_anything(input, data, depth + 1)?;
                    entries.push((key, decode_anything(input, data, depth + 1)?));
                    Ok(())
                })?;
                Value::Map(entries)
            }
        };
    }
    Ok(found)
}

fn malformed(what: &str) -> CodecError {
    CodecError::Malformed(format!("Avro data is damaged or of another schema: {what}"))
}

fn short() -> CodecError {
    malformed("it ends in the middle of a value")
}

/// A length that cannot be satisfied: the data ends early, or the length is negative.
pub(super) struct Short {
    pub(super) negative: bool,
}

/// Reads Avro's primitives from a slice.
pub(super) struct Input<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let part = self.data.get(self.at..end)?;
        self.at = end;
        Some(part)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A zigzag varint; `None` if the data ends or the number is longer than ten bytes.
    pub(super) fn long(&mut self) -> Option<i64> {
        let mut x = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.data.get(self.at)?;
            self.at += 1;
            x |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Some((x >> 1) as i64 ^ -((x & 1) as i64));
            }
        }
        None
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Short> {
        let length = self.long().ok_or(Short { negative: false })?;
        let length = usize::try_from(length).map_err(|_| Short { negative: true })?;
        self.take(length).ok_or(Short { negative: false })
    }

    fn text(&mut self, data: &Bytes) -> Result<Utf8Bytes, CodecError> {
        let length = self.bytes().map_err(|_| short())?.len();
        Utf8Bytes::try_from(data.slice(self.at - length..self.at)).map_err(|_| malformed("a string is not UTF-8"))
    }

    fn branch<'b, T>(&mut self, branches: &'b [T]) -> Result<&'b T, CodecError> {
        let index = self.long().and_then(|x| usize::try_from(x).ok());
        index.and_then(|index| branches.get(index)).ok_or_else(|| malformed("a union number has no branch"))
    }

    /// Runs `item` for every item of an array or map.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), CodecError>) -> Result<(), CodecError> {
        /// Items may take no bytes at all, so their number has to be limited by itself.
        const MAX_EMPTY_ITEMS: u64 = 1 << 20;
        loop {
            let count = self.long().ok_or_else(short)?;
            if count < 0 {
                self.long().ok_or_else(short)?;
            }
            let count = count.unsigned_abs();
            if count == 0 {
                return Ok(());
            }
            if count > ((self.data.len() - self.at) as u64).max(MAX_EMPTY_ITEMS) {
                return Err(malformed("an array or map claims more items than there is data"));
            }
            for _ in 0..count {
                item(self)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::avro::encode::Encoder;
    use crate::data::logical::plain;
    use crate::data::{SchemaBuilder, SchemaKind};

    fn schema() -> Arc<Schema> {
        let map =
            |key| Schema::builder(SchemaKind::Map { key: plain(key, false), value: plain(SchemaKind::Int64, true) }).build();
        SchemaBuilder::structure([
            ("i8", plain(SchemaKind::Int8, true)),
            ("i16", plain(SchemaKind::Int16, false)),
            ("s", plain(SchemaKind::String, true)),
            ("b", plain(SchemaKind::Bytes, false)),
            ("f", plain(SchemaKind::Float32, false)),
            ("a", Schema::builder(SchemaKind::Array(plain(SchemaKind::Boolean, true))).build()),
            ("m", map(SchemaKind::String)),
            ("e", map(SchemaKind::Int32)),
            ("r", SchemaBuilder::structure([("x", plain(SchemaKind::Float64, false))]).optional().build()),
        ])
        .build()
    }

    fn decoder(text: &str) -> Decoder {
        Decoder::compile(&AvroSchema::parse(text).unwrap(), &AvroOptions::default()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            i8 in any::<Option<i8>>(), i16: i16, s in any::<Option<String>>(), b: Vec<u8>, f: f32,
            a in proptest::collection::vec(any::<Option<bool>>(), 0..4),
            m in proptest::collection::vec(any::<(String, Option<i64>)>(), 0..4),
            e in proptest::collection::vec(any::<(i32, Option<i64>)>(), 0..4),
            x in any::<Option<f64>>(),
        ) {
            prop_assume!(!f.is_nan() && !x.is_some_and(f64::is_nan));
            let schema = schema();
            let encoder = Encoder::compile(&schema, &AvroOptions::default()).unwrap();
            let long = |x: Option<i64>| x.map_or(Value::Null, Value::Int64);
            let value = Value::Struct(vec![
                i8.map_or(Value::Null, Value::Int8),
                Value::Int16(i16),
                s.map_or(Value::Null, Value::string),
                Value::Bytes(b.into()),
                Value::Float32(f),
                Value::Array(a.into_iter().map(|x| x.map_or(Value::Null, Value::Boolean)).collect()),
                Value::Map(m.into_iter().map(|(k, v)| (Value::string(k), long(v))).collect()),
                Value::Map(e.into_iter().map(|(k, v)| (Value::Int32(k), long(v))).collect()),
                x.map_or(Value::Null, |x| Value::Struct(vec![Value::Float64(x)].into())),
            ].into());
            let mut out = Vec::new();
            encoder.encode(&value, &mut out).unwrap();
            let decoder = decoder(encoder.schema_text());
            prop_assert_eq!(decoder.schema(), Some(&schema));
            let mut position = 0;
            let data = Bytes::from(out);
            prop_assert_eq!(decoder.decode(&data, &mut position).unwrap(), value);
            prop_assert_eq!(position, data.len());
        }

        #[test]
        fn damaged_data_never_panics(data: Vec<u8>) {
            let encoder = Encoder::compile(&schema(), &AvroOptions::default()).unwrap();
            let data = Bytes::from(data);
            let _ = decoder(encoder.schema_text()).decode(&data, &mut 0);
            let _ = decoder(Encoder::schemaless().unwrap().schema_text()).decode(&data, &mut 0);
        }
    }

    #[test]
    fn schemaless_values_survive() {
        let encoder = Encoder::schemaless().unwrap();
        let value = Value::Map(vec![(Value::from("a"), Value::Array(vec![Value::Int64(1), Value::Null, Value::Float64(2.5)]))]);
        let mut out = Vec::new();
        encoder.encode(&value, &mut out).unwrap();
        let decoder = decoder(encoder.schema_text());
        assert_eq!(decoder.decode(&out.into(), &mut 0).unwrap(), value);
        assert!(decoder.schema().is_none());
    }
}
