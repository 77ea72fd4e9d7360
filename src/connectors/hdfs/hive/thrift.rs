//! Reads and writes Thrift's strict binary protocol as generic values.
//!
//! Values stay generic because an altered table goes back to the metastore with every field it came with, known to us
//! or not. Source: thrift/doc/specs/thrift-binary-protocol.md.

use std::fmt;

const VERSION_1: u32 = 0x8001_0000;
const MESSAGE_CALL: u8 = 1;
const MESSAGE_EXCEPTION: u8 = 3;
/// Deeper than any metastore structure; keeps hostile input from exhausting the stack.
const MAX_DEPTH: usize = 32;

/// A Thrift value. Field and map order is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bool(bool),
    Byte(i8),
    Double(f64),
    I16(i16),
    I32(i32),
    I64(i64),
    Binary(Vec<u8>),
    Struct(Struct),
    Map { key_type: u8, value_type: u8, entries: Vec<(Value, Value)> },
    Set { item_type: u8, items: Vec<Value> },
    List { item_type: u8, items: Vec<Value> },
}

mod type_id {
    pub const STOP: u8 = 0;
    pub const BOOL: u8 = 2;
    pub const BYTE: u8 = 3;
    pub const DOUBLE: u8 = 4;
    pub const I16: u8 = 6;
    pub const I32: u8 = 8;
    pub const I64: u8 = 10;
    pub const BINARY: u8 = 11;
    pub const STRUCT: u8 = 12;
    pub const MAP: u8 = 13;
    pub const SET: u8 = 14;
    pub const LIST: u8 = 15;
}

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Binary(text.into().into_bytes())
    }

    pub fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List { item_type: type_id::BINARY, items: items.into_iter().map(Self::text).collect() }
    }

    pub fn structs(items: impl IntoIterator<Item = Struct>) -> Self {
        Self::List { item_type: type_id::STRUCT, items: items.into_iter().map(Self::Struct).collect() }
    }

    pub fn text_map<K: Into<String>, V: Into<String>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (Self::text(key), Self::text(value))).collect();
        Self::Map { key_type: type_id::BINARY, value_type: type_id::BINARY, entries }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Binary(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    pub fn as_struct(&self) -> Option<&Struct> {
        match self {
            Self::Struct(fields) => Some(fields),
            _ => None,
        }
    }

    pub fn as_list(&self) -> &[Value] {
        match self {
            Self::List { items, .. } | Self::Set { items, .. } => items,
            _ => &[],
        }
    }

    fn type_id(&self) -> u8 {
        match self {
            Self::Bool(_) => type_id::BOOL,
            Self::Byte(_) => type_id::BYTE,
            Self::Double(_) => type_id::DOUBLE,
            Self::I16(_) => type_id::I16,
            Self::I32(_) => type_id::I32,
            Self::I64(_) => type_id::I64,
            Self::Binary(_) => type_id::BINARY,
            Self::Struct(_) => type_id::STRUCT,
            Self::Map { .. } => type_id::MAP,
            Self::Set { .. } => type_id::SET,
            Self::List { .. } => type_id::LIST,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(x) => out.push(u8::from(*x)),
            Self::Byte(x) => out.extend(x.to_be_bytes()),
            Self::Double(x) => out.extend(x.to_be_bytes()),
            Self::I16(x) => out.extend(x.to_be_bytes()),
            Self::I32(x) => out.extend(x.to_be_bytes()),
            Self::I64(x) => out.extend(x.to_be_bytes()),
            Self::Binary(bytes) => {
                write_length(bytes.len(), out);
                out.extend_from_slice(bytes);
            }
            Self::Struct(fields) => fields.write(out),
            Self::Map { key_type, value_type, entries } => {
                out.extend([*key_type, *value_type]);
                write_length(entries.len(), out);
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Set { item_type, items } | Self::List { item_type, items } => {
                out.push(*item_type);
                write_length(items.len(), out);
                for item in items {
                    item.write(out);
                }
            }
        }
    }
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    let length = i32::try_from(length).expect("metastore messages stay far below 2 GiB");
    out.extend(length.to_be_bytes());
}

/// The fields of a struct by their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Struct(Vec<(i16, Value)>);

impl Struct {
    pub fn new(fields: impl IntoIterator<Item = (i16, Value)>) -> Self {
        Self(fields.into_iter().collect())
    }

    pub fn get(&self, id: i16) -> Option<&Value> {
        self.0.iter().find(|(field, _)| *field == id).map(|(_, value)| value)
    }

    pub fn text(&self, id: i16) -> Option<&str> {
        self.get(id).and_then(Value::as_text)
    }

    pub fn set(&mut self, id: i16, value: Value) {
        match self.0.iter_mut().find(|(field, _)| *field == id) {
            Some((_, old)) => *old = value,
            None => self.0.push((id, value)),
        }
    }

    /// The field with the highest interest in a call's result: the first one.
    pub fn first(&self) -> Option<(i16, &Value)> {
        self.0.first().map(|(id, value)| (*id, value))
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (id, value) in &self.0 {
            out.push(value.type_id());
            out.extend(id.to_be_bytes());
            value.write(out);
        }
        out.push(type_id::STOP);
    }
}

/// A server's answer to a call.
#[derive(Debug, PartialEq)]
pub enum Reply {
    Result(Struct),
    /// TApplicationException: kind (1 = unknown method) and message.
    Exception {
        kind: i32,
        message: String,
    },
}

/// Why a buffer holds no answer.
#[derive(Debug, PartialEq)]
pub enum ReadError {
    /// More bytes are needed.
    Incomplete,
    Malformed(&'static str),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => f.write_str("incomplete answer"),
            Self::Malformed(what) => write!(f, "malformed answer: {what}"),
        }
    }
}

/// Encodes a call message.
pub fn call(method: &str, sequence: i32, arguments: &Struct) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend((VERSION_1 | u32::from(MESSAGE_CALL)).to_be_bytes());
    write_length(method.len(), &mut out);
    out.extend_from_slice(method.as_bytes());
    out.extend(sequence.to_be_bytes());
    arguments.write(&mut out);
    out
}

/// Decodes the answer to the call with this sequence number.
pub fn reply(input: &[u8], sequence: i32) -> Result<Reply, ReadError> {
    let mut reader = Reader { input };
    let header = u32::from_be_bytes(reader.array()?);
    if header & 0xffff_0000 != VERSION_1 {
        return Err(ReadError::Malformed("not a strict binary message; does the metastore use framing, TLS or SASL?"));
    }
    let name_length = reader.length(1)?;
    reader.take(name_length)?;
    if i32::from_be_bytes(reader.array()?) != sequence {
        return Err(ReadError::Malformed("answer to another call"));
    }
    let body = reader.structure(0)?;
    if header & 0xff == u32::from(MESSAGE_EXCEPTION) {
        let kind = match body.get(2) {
            Some(Value::I32(kind)) => *kind,
            _ => 0,
        };
        return Ok(Reply::Exception { kind, message: body.text(1).unwrap_or_default().to_owned() });
    }
    Ok(Reply::Result(body))
}

struct Reader<'a> {
    input: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ReadError> {
        if self.input.len() < length {
            return Err(ReadError::Incomplete);
        }
        let (taken, rest) = self.input.split_at(length);
        self.input = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        self.take(N)?.try_into().map_err(|_| ReadError::Incomplete)
    }

    fn byte(&mut self) -> Result<u8, ReadError> {
        Ok(self.array::<1>()?[0])
    }

    /// A count of things that take at least `item_size` bytes each, so it never promises more than can arrive.
    fn length(&mut self, item_size: usize) -> Result<usize, ReadError> {
        let length = i32::from_be_bytes(self.array()?);
        let length = usize::try_from(length).map_err(|_| ReadError::Malformed("negative length"))?;
        if length.saturating_mul(item_size) > self.input.len() {
            return Err(ReadError::Incomplete);
        }
        Ok(length)
    }

    fn structure(&mut self, depth: usize) -> Result<Struct, ReadError> {
        let mut fields = Vec::new();
        loop {
            let type_id = self.byte()?;
            if type_id == type_id::STOP {
                return Ok(Struct(fields));
            }
            let id = i16::from_be_bytes(self.array()?);
            fields.push((id, self.value(type_id, depth + 1)?));
        }
    }

    fn value(&mut self, type_id: u8, depth: usize) -> Result<Value, ReadError> {
        if depth > MAX_DEPTH {
            return Err(ReadError::Malformed("nested too deeply"));
        }
        Ok(match type_id {
            type_id::BOOL => Value::Bool(self.byte()? != 0),
            type_id::BYTE => Value::Byte(i8::from_be_bytes(self.array()?)),
            type_id::DOUBLE => Value::Double(f64::from_be_bytes(self.array()?)),
            type_id::I16 => Value::I16(i16::from_be_bytes(self.array()?)),
            type_id::I32 => Value::I32(i32::from_be_bytes(self.array()?)),
            type_id::I64 => Value::I64(i64::from_be_bytes(self.array()?)),
            type_id::BINARY => {
                let length = self.length(1)?;
                Value::Binary(self.take(length)?.to_vec())
            }
            type_id::STRUCT => Value::Struct(self.structure(depth)?),
            type_id::MAP => {
                let (key_type, value_type) = (self.byte()?, self.byte()?);
                let count = self.length(2)?;
                let entry = |reader: &mut Self| Ok((reader.value(key_type, depth + 1)?, reader.value(value_type, depth + 1)?));
                let entries = (0..count).map(|_| entry(self)).collect::<Result<_, ReadError>>()?;
                Value::Map { key_type, value_type, entries }
            }
            type_id::SET | type_id::LIST => {
                let item_type = self.byte()?;
                let count = self.length(1)?;
                let items = (0..count).map(|_| self.value(item_type, depth + 1)).collect::<Result<_, _>>()?;
                if type_id == type_id::SET { Value::Set { item_type, items } } else { Value::List { item_type, items } }
            }
            _ => return Err(ReadError::Malformed("unknown type")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Struct {
        Struct::new([
            (1, Value::text("ação")),
            (2, Value::Bool(true)),
            (3, Value::text_map([("a", "b")])),
            (4, Value::structs([Struct::new([(1, Value::I64(-5)), (2, Value::Double(0.5))])])),
            (5, Value::texts(["x", "y"])),
        ])
    }

    fn answer(body: &Struct) -> Vec<u8> {
        let mut message = call("m", 7, body);
        message[3] = 2;
        message
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(reply(&answer(&sample()), 7), Ok(Reply::Result(sample())));
    }

    #[test]
    fn every_shortened_answer_is_incomplete() {
        let message = answer(&sample());
        for length in 0..message.len() {
            assert_eq!(reply(&message[..length], 7), Err(ReadError::Incomplete), "{length}");
        }
    }

    #[test]
    fn a_call_has_the_strict_header() {
        let message = call("get_table", 1, &Struct::default());
        assert_eq!(message, b"\x80\x01\x00\x01\x00\x00\x00\x09get_table\x00\x00\x00\x01\x00");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let mut message = vec![0x80, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7];
            message.extend(bytes);
            drop(reply(&message, 7));
        }
    }
}
