//! Converts numbers and booleans from and to big-endian bytes (`org.apache.kafka.connect.converters.LongConverter` and its kin).
//! contracts/connect-runtime.md, section 9.2.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::CONVERTER_TYPE;
use crate::codec::java_text::java_class;
use crate::config::ConfigDef;
use crate::data::logical::plain;
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, ConvertError, Converter, Encoded, HeaderConverter, Result};

static CONFIG: ConfigDef = ConfigDef { keys: &[CONVERTER_TYPE] };

type ConverterFactory = Factory<dyn Converter>;
type HeaderFactory = Factory<dyn HeaderConverter>;

const INTEGER_CLASS: &str = "org.apache.kafka.connect.converters.IntegerConverter";
const LONG_CLASS: &str = "org.apache.kafka.connect.converters.LongConverter";
const SHORT_CLASS: &str = "org.apache.kafka.connect.converters.ShortConverter";
const DOUBLE_CLASS: &str = "org.apache.kafka.connect.converters.DoubleConverter";
const FLOAT_CLASS: &str = "org.apache.kafka.connect.converters.FloatConverter";
const BOOLEAN_CLASS: &str = "org.apache.kafka.connect.converters.BooleanConverter";

pub const INTEGER: ConverterFactory = Factory {
    class: INTEGER_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("integer", SchemaKind::Int32))),
};
pub const LONG: ConverterFactory =
    Factory { class: LONG_CLASS, config_def: &CONFIG, build: |_| Ok(Box::new(NumberConverter::new("long", SchemaKind::Int64))) };
pub const SHORT: ConverterFactory = Factory {
    class: SHORT_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("short", SchemaKind::Int16))),
};
pub const DOUBLE: ConverterFactory = Factory {
    class: DOUBLE_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("double", SchemaKind::Float64))),
};
pub const FLOAT: ConverterFactory = Factory {
    class: FLOAT_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("float", SchemaKind::Float32))),
};
pub const BOOLEAN: ConverterFactory = Factory {
    class: BOOLEAN_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("boolean", SchemaKind::Boolean))),
};

pub const INTEGER_HEADER: HeaderFactory = Factory {
    class: INTEGER_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("integer", SchemaKind::Int32))),
};
pub const LONG_HEADER: HeaderFactory =
    Factory { class: LONG_CLASS, config_def: &CONFIG, build: |_| Ok(Box::new(NumberConverter::new("long", SchemaKind::Int64))) };
pub const SHORT_HEADER: HeaderFactory = Factory {
    class: SHORT_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("short", SchemaKind::Int16))),
};
pub const DOUBLE_HEADER: HeaderFactory = Factory {
    class: DOUBLE_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("double", SchemaKind::Float64))),
};
pub const FLOAT_HEADER: HeaderFactory = Factory {
    class: FLOAT_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("float", SchemaKind::Float32))),
};
pub const BOOLEAN_HEADER: HeaderFactory = Factory {
    class: BOOLEAN_CLASS,
    config_def: &CONFIG,
    build: |_| Ok(Box::new(NumberConverter::new("boolean", SchemaKind::Boolean))),
};

struct NumberConverter {
    name: &'static str,
    schema: Arc<Schema>,
}

impl NumberConverter {
    fn new(name: &'static str, kind: SchemaKind) -> Self {
        Self { name, schema: plain(kind, true) }
    }

    fn read(&self, payload: Option<Bytes>) -> Result<SchemaAndValue> {
        let value = match payload {
            None => Some(Value::Null),
            Some(bytes) => self.value(&bytes),
        };
        match value {
            Some(value) => Ok(SchemaAndValue::new(self.schema.clone(), value)),
            None => Err(ConnectError::bad_record(format!("Failed to deserialize {}: ", self.name))
                .caused_by(format!("the data does not have the size or content of a {}", self.name))),
        }
    }

    fn value(&self, bytes: &[u8]) -> Option<Value> {
        Some(match self.schema.kind {
            SchemaKind::Int16 => Value::Int16(i16::from_be_bytes(bytes.try_into().ok()?)),
            SchemaKind::Int32 => Value::Int32(i32::from_be_bytes(bytes.try_into().ok()?)),
            SchemaKind::Int64 => Value::Int64(i64::from_be_bytes(bytes.try_into().ok()?)),
            SchemaKind::Float32 => Value::Float32(f32::from_be_bytes(bytes.try_into().ok()?)),
            SchemaKind::Float64 => Value::Float64(f64::from_be_bytes(bytes.try_into().ok()?)),
            _ => match bytes {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                _ => return None,
            },
        })
    }

    fn write(&self, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded> {
        if let (SchemaKind::Boolean, Some(schema)) = (&self.schema.kind, &data.schema)
            && schema.kind != SchemaKind::Boolean
        {
            let kind = schema.kind.connect_name();
            return Err(ConnectError::bad_record(format!("Invalid schema type for BooleanConverter: {kind}")));
        }
        match (&self.schema.kind, &data.value) {
            (_, Value::Null) => return Ok(Encoded::Null),
            (SchemaKind::Int16, Value::Int16(x)) => out.extend_from_slice(&x.to_be_bytes()),
            (SchemaKind::Int32, Value::Int32(x)) => out.extend_from_slice(&x.to_be_bytes()),
            (SchemaKind::Int64, Value::Int64(x)) => out.extend_from_slice(&x.to_be_bytes()),
            (SchemaKind::Float32, Value::Float32(x)) => out.extend_from_slice(&x.to_be_bytes()),
            (SchemaKind::Float64, Value::Float64(x)) => out.extend_from_slice(&x.to_be_bytes()),
            (SchemaKind::Boolean, Value::Boolean(x)) => out.push(u8::from(*x)),
            (_, other) => {
                let class = java_class(other);
                return Err(ConnectError::bad_record(format!("Failed to serialize to {} (was class {class}): ", self.name)));
            }
        }
        Ok(Encoded::Bytes)
    }
}

#[async_trait]
impl Converter for NumberConverter {
    fn decode(&mut self, _topic: &str, payload: Option<Bytes>) -> Result<SchemaAndValue, ConvertError> {
        Ok(self.read(payload)?)
    }

    fn encode(&mut self, _topic: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded, ConvertError> {
        Ok(self.write(data, out)?)
    }
}

impl HeaderConverter for NumberConverter {
    fn decode(&mut self, _topic: &str, _key: &str, payload: Option<Bytes>) -> Result<SchemaAndValue> {
        self.read(payload)
    }

    fn encode(&mut self, _topic: &str, _key: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded> {
        self.write(data, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian() {
        for (name, kind, value, bytes) in [
            ("short", SchemaKind::Int16, Value::Int16(5), &[0, 5][..]),
            ("integer", SchemaKind::Int32, Value::Int32(5), &[0, 0, 0, 5]),
            ("long", SchemaKind::Int64, Value::Int64(-1), &[255; 8]),
            ("float", SchemaKind::Float32, Value::Float32(1.5), &[63, 192, 0, 0]),
            ("boolean", SchemaKind::Boolean, Value::Boolean(true), &[1]),
        ] {
            let converter = NumberConverter::new(name, kind);
            let mut out = Vec::new();
            converter.write(&SchemaAndValue::schemaless(value.clone()), &mut out).unwrap();
            assert_eq!(out, bytes);
            assert_eq!(converter.read(Some(out.into())).unwrap().value, value);
        }
    }

    #[test]
    fn errors_use_the_words_of_java() {
        let integer = NumberConverter::new("integer", SchemaKind::Int32);
        let error = integer.read(Some(Bytes::from_static(&[1, 2, 3]))).unwrap_err();
        assert_eq!(error.message(), "Failed to deserialize integer: ");
        let error = integer.write(&SchemaAndValue::schemaless(Value::from("x")), &mut Vec::new()).unwrap_err();
        assert_eq!(error.message(), "Failed to serialize to integer (was class java.lang.String): ");
    }
}
