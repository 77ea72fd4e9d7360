//! Passes bytes through (`org.apache.kafka.connect.converters.ByteArrayConverter`).
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

const CLASS: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
pub const CONVERTER: Factory<dyn Converter> =
    Factory { class: CLASS, config_def: &CONFIG, build: |_| Ok(Box::new(ByteArrayConverter::new())) };
pub const HEADER_CONVERTER: Factory<dyn HeaderConverter> =
    Factory { class: CLASS, config_def: &CONFIG, build: |_| Ok(Box::new(ByteArrayConverter::new())) };

static CONFIG: ConfigDef = ConfigDef { keys: &[CONVERTER_TYPE] };

struct ByteArrayConverter {
    schema: Arc<Schema>,
}

impl ByteArrayConverter {
    fn new() -> Self {
        Self { schema: plain(SchemaKind::Bytes, true) }
    }

    fn read(&self, payload: Option<Bytes>) -> SchemaAndValue {
        SchemaAndValue::new(self.schema.clone(), payload.map_or(Value::Null, Value::Bytes))
    }

    fn write(&self, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded> {
        match &data.schema {
            Some(schema) if schema.kind != SchemaKind::Bytes => Err(ConnectError::bad_record(format!(
                "Invalid schema type for ByteArrayConverter: {}",
                schema.kind.connect_name()
            ))),
            _ => match &data.value {
                Value::Null => Ok(Encoded::Null),
                Value::Bytes(bytes) => {
                    out.extend_from_slice(bytes);
                    Ok(Encoded::Bytes)
                }
                other => Err(ConnectError::bad_record(format!(
                    "ByteArrayConverter is not compatible with objects of type class {}",
                    java_class(other)
                ))),
            },
        }
    }
}

#[async_trait]
impl Converter for ByteArrayConverter {
    fn decode(&mut self, _topic: &str, payload: Option<Bytes>) -> Result<SchemaAndValue, ConvertError> {
        Ok(self.read(payload))
    }

    fn encode(&mut self, _topic: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded, ConvertError> {
        Ok(self.write(data, out)?)
    }
}

impl HeaderConverter for ByteArrayConverter {
    fn decode(&mut self, _topic: &str, _key: &str, payload: Option<Bytes>) -> Result<SchemaAndValue> {
        Ok(self.read(payload))
    }

    fn encode(&mut self, _topic: &str, _key: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded> {
        self.write(data, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_and_other_types_are_refused_in_javas_words() {
        let converter = ByteArrayConverter::new();
        let data = converter.read(Some(Bytes::from_static(b"\x00\xff")));
        let mut out = Vec::new();
        assert_eq!(converter.write(&data, &mut out).unwrap(), Encoded::Bytes);
        assert_eq!(out, b"\x00\xff");
        assert_eq!(converter.write(&converter.read(None), &mut out).unwrap(), Encoded::Null);
        let text = SchemaAndValue::new(plain(SchemaKind::String, false), Value::from("x"));
        assert_eq!(converter.write(&text, &mut out).unwrap_err().message(), "Invalid schema type for ByteArrayConverter: STRING");
        let error = converter.write(&SchemaAndValue::schemaless(Value::Boolean(true)), &mut out).unwrap_err();
        assert_eq!(error.message(), "ByteArrayConverter is not compatible with objects of type class java.lang.Boolean");
    }
}
