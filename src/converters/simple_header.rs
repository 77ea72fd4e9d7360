//! Writes headers as text and guesses their type on reading (`org.apache.kafka.connect.storage.SimpleHeaderConverter`).
//! contracts/connect-runtime.md, section 9.2.

use bytes::Bytes;

use crate::codec::java_values::{parse, push_values_text};
use crate::config::ConfigDef;
use crate::data::SchemaAndValue;
use crate::plugin::registry::Factory;
use crate::plugin::{Encoded, HeaderConverter, Result};

pub const HEADER_CONVERTER: Factory<dyn HeaderConverter> = Factory {
    class: "org.apache.kafka.connect.storage.SimpleHeaderConverter",
    config_def: &ConfigDef::EMPTY,
    build: |_| Ok(Box::new(SimpleHeaderConverter)),
};

struct SimpleHeaderConverter;

impl HeaderConverter for SimpleHeaderConverter {
    fn decode(&mut self, _topic: &str, _key: &str, payload: Option<Bytes>) -> Result<SchemaAndValue> {
        Ok(match payload {
            None => SchemaAndValue::NULL,
            Some(bytes) => parse(&String::from_utf8_lossy(&bytes)),
        })
    }

    fn encode(&mut self, _topic: &str, _key: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded> {
        if data.value.is_null() {
            return Ok(Encoded::Null);
        }
        push_values_text(&data.value, data.schema.as_deref(), out);
        Ok(Encoded::Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SchemaKind, Value, logical};

    #[test]
    fn headers_are_text_both_ways() {
        let mut converter = SimpleHeaderConverter;
        let mut out = Vec::new();
        converter.encode("t", "k", &SchemaAndValue::schemaless(Value::from("a\"b")), &mut out).unwrap();
        assert_eq!(out, b"a\"b");
        let read = converter.decode("t", "k", Some(Bytes::from_static(b"12"))).unwrap();
        assert_eq!(read, SchemaAndValue::new(logical::plain(SchemaKind::Int8, false), Value::Int8(12)));
        assert_eq!(converter.encode("t", "k", &SchemaAndValue::NULL, &mut out).unwrap(), Encoded::Null);
    }
}
