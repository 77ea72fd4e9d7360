//! Converts values from and to text (`org.apache.kafka.connect.storage.StringConverter`).
//! contracts/connect-runtime.md, section 9.2.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::CONVERTER_TYPE;
use crate::codec::java_values::push_object_text;
use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigMap, ConfigType, Default, Importance, Width};
use crate::data::logical::plain;
use crate::data::{Schema, SchemaAndValue, SchemaKind, Utf8Bytes, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConvertError, Converter, Encoded, HeaderConverter, Result};

const CLASS: &str = "org.apache.kafka.connect.storage.StringConverter";
pub const CONVERTER: Factory<dyn Converter> =
    Factory { class: CLASS, config_def: &CONFIG, build: |config| Ok(Box::new(StringConverter::new(config)?)) };
pub const HEADER_CONVERTER: Factory<dyn HeaderConverter> =
    Factory { class: CLASS, config_def: &CONFIG, build: |config| Ok(Box::new(StringConverter::new(config)?)) };

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        CONVERTER_TYPE,
        ConfigKey::new(
            "converter.encoding",
            ConfigType::String,
            Default::Text("UTF-8"),
            Importance::High,
            "The character set of the bytes: UTF-8, ISO-8859-1 or US-ASCII.",
        )
        .width(Width::Medium, "Encoding"),
    ],
};

#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Utf8,
    /// One byte a character; those beyond the limit become `?`.
    SingleByte {
        limit: u32,
    },
}

struct StringConverter {
    encoding: Encoding,
    /// The schema of everything that is read, shared so that plans can be found by it.
    schema: Arc<Schema>,
}

impl StringConverter {
    fn new(config: &ConfigMap) -> Result<Self> {
        let config = CONFIG.parse(&super::with_type(config))?;
        let name = config.text("converter.encoding").unwrap_or("UTF-8");
        let encoding = match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Encoding::Utf8,
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Encoding::SingleByte { limit: 0x100 },
            "US-ASCII" | "ASCII" => Encoding::SingleByte { limit: 0x80 },
            _ => {
                let detail = "unsupported encoding; known are UTF-8, ISO-8859-1, US-ASCII";
                return Err(ConfigError::invalid("converter.encoding", name, detail).into());
            }
        };
        Ok(Self { encoding, schema: plain(SchemaKind::String, true) })
    }

    fn read(&self, payload: Option<Bytes>) -> SchemaAndValue {
        let value = match (payload, self.encoding) {
            (None, _) => Value::Null,
            (Some(bytes), Encoding::Utf8) => Value::String(match Utf8Bytes::try_from(bytes.clone()) {
                Ok(text) => text,
                // As Java: what is not UTF-8 becomes the replacement character.
                Err(_) => Utf8Bytes::from(String::from_utf8_lossy(&bytes).into_owned()),
            }),
            (Some(bytes), Encoding::SingleByte { limit }) => {
                let character =
                    |byte: &u8| if u32::from(*byte) < limit { char::from(*byte) } else { char::REPLACEMENT_CHARACTER };
                Value::string(bytes.iter().map(character).collect::<String>())
            }
        };
        SchemaAndValue::new(self.schema.clone(), value)
    }

    fn write(&self, data: &SchemaAndValue, out: &mut Vec<u8>) -> Encoded {
        if data.value.is_null() {
            return Encoded::Null;
        }
        let start = out.len();
        push_object_text(&data.value, data.schema.as_deref(), out);
        if let Encoding::SingleByte { limit } = self.encoding {
            let text = out.split_off(start);
            out.extend(String::from_utf8_lossy(&text).chars().map(|c| if u32::from(c) < limit { c as u8 } else { b'?' }));
        }
        Encoded::Bytes
    }
}

#[async_trait]
impl Converter for StringConverter {
    fn decode(&mut self, _topic: &str, payload: Option<Bytes>) -> Result<SchemaAndValue, ConvertError> {
        Ok(self.read(payload))
    }

    fn encode(&mut self, _topic: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded, ConvertError> {
        Ok(self.write(data, out))
    }
}

impl HeaderConverter for StringConverter {
    fn decode(&mut self, _topic: &str, _key: &str, payload: Option<Bytes>) -> Result<SchemaAndValue> {
        Ok(self.read(payload))
    }

    fn encode(&mut self, _topic: &str, _key: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded> {
        Ok(self.write(data, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_through_unchanged_and_numbers_print_as_java_does() {
        let converter = StringConverter::new(&ConfigMap::new()).unwrap();
        let data = converter.read(Some(Bytes::from_static("olá".as_bytes())));
        assert_eq!(data.value, Value::from("olá"));
        let mut out = Vec::new();
        converter.write(&data, &mut out);
        converter.write(&SchemaAndValue::schemaless(Value::Float64(1e10)), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "olá1.0E10");
        assert_eq!(converter.write(&SchemaAndValue::NULL, &mut Vec::new()), Encoded::Null);
    }

    #[test]
    fn other_encodings_are_known_or_refused() {
        let latin = StringConverter::new(&[("converter.encoding", "ISO-8859-1")].into_iter().collect()).unwrap();
        let mut out = Vec::new();
        latin.write(&SchemaAndValue::schemaless(Value::from("é€")), &mut out);
        assert_eq!(out, [0xe9, b'?']);
        assert_eq!(latin.read(Some(Bytes::from_static(&[0xe9]))).value, Value::from("é"));
        assert!(StringConverter::new(&[("converter.encoding", "nope")].into_iter().collect()).is_err());
    }
}
