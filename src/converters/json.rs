//! Converts records from and to JSON (`org.apache.kafka.connect.json.JsonConverter`).
//! contracts/connect-runtime.md, section 9.1.

use std::sync::Arc;

use ahash::AHashMap;
use async_trait::async_trait;
use bytes::Bytes;

use super::CONVERTER_TYPE;
use crate::codec::CodecError;
use crate::codec::json::reader::Reader;
use crate::codec::json::schema_text::{parse_schema, push_schema};
use crate::codec::json::{Decoder, Encoder, JsonOptions, decode_schemaless, encode_schemaless};
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator, Width};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, ConvertError, Converter, Encoded, HeaderConverter, Result};

const CLASS: &str = "org.apache.kafka.connect.json.JsonConverter";
pub const CONVERTER: Factory<dyn Converter> =
    Factory { class: CLASS, config_def: &CONFIG, build: |config| Ok(Box::new(JsonConverter::new(config)?)) };
pub const HEADER_CONVERTER: Factory<dyn HeaderConverter> =
    Factory { class: CLASS, config_def: &CONFIG, build: |config| Ok(Box::new(JsonConverter::new(config)?)) };

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        CONVERTER_TYPE,
        ConfigKey::new(
            "schemas.enable",
            ConfigType::Boolean,
            Default::Text("true"),
            Importance::High,
            "Whether each key and value carries its schema: {\"schema\":...,\"payload\":...}. Without, only the value is written, and objects are read as maps.",
        )
        .ui("Schemas", 0, Width::Medium, "Enable Schemas"),
        ConfigKey::new(
            "schemas.cache.size",
            ConfigType::Int,
            Default::Text("1000"),
            Importance::High,
            "How many schemas are remembered, in each direction.",
        )
        .ui("Schemas", 1, Width::Medium, "Schema Cache Size"),
        ConfigKey::new(
            "schema.content",
            ConfigType::String,
            Default::Null,
            Importance::High,
            "A schema in the form of the envelope's, for reading payloads that come without one.",
        )
        .ui("Schemas", 2, Width::Medium, "Schema Content"),
        ConfigKey::new(
            "decimal.format",
            ConfigType::String,
            Default::Text("BASE64"),
            Importance::Low,
            "How decimals are written: BASE64 of their unscaled bytes, or NUMERIC. Both are understood on reading.",
        )
        .validator(Validator::OneOfIgnoreCase(&["BASE64", "NUMERIC"]))
        .ui("Serialization", 0, Width::Medium, "Decimal Format"),
        ConfigKey::new(
            "replace.null.with.default",
            ConfigType::Boolean,
            Default::Text("true"),
            Importance::Low,
            "Whether a null field that has a default is written and read as its default.",
        )
        .ui("Serialization", 1, Width::Medium, "Replace null with default"),
    ],
};

const PAYLOAD: &[u8] = b",\"payload\":";
const NOT_AN_ENVELOPE: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.";

struct JsonConverter {
    options: JsonOptions,
    schemas_enabled: bool,
    cache_size: usize,
    /// The schema of `schema.content`.
    content: Option<(Option<Arc<Schema>>, Plan)>,
    encoders: Encoders,
    decoders: Decoders,
}

/// How payloads of one schema are read.
enum Plan {
    Typed(Decoder),
    Schemaless,
}

impl Plan {
    fn compile(schema: Option<&Arc<Schema>>, options: &JsonOptions) -> Result<Self, CodecError> {
        Ok(match schema {
            Some(schema) => Self::Typed(Decoder::compile(schema, options)?),
            None => Self::Schemaless,
        })
    }

    fn decode(&self, reader: &mut Reader<'_>, data: &Bytes) -> Result<Value, CodecError> {
        match self {
            Self::Typed(decoder) => decoder.decode(reader, data),
            Self::Schemaless => decode_schemaless(reader),
        }
    }
}

impl JsonConverter {
    fn new(config: &ConfigMap) -> Result<Self> {
        let config = CONFIG.parse(&super::with_type(config))?;
        let options = JsonOptions {
            numeric_decimals: config.text("decimal.format").is_some_and(|format| format.eq_ignore_ascii_case("NUMERIC")),
            replace_null_with_default: config.boolean("replace.null.with.default"),
        };
        let content = match config.text("schema.content").filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => {
                let wrong = |error: CodecError| ConnectError::config(format!("invalid value of schema.content: {error}"));
                let schema = parse_schema(text.as_bytes(), &options).map_err(wrong)?;
                let plan = Plan::compile(schema.as_ref(), &options).map_err(wrong)?;
                Some((schema, plan))
            }
        };
        let cache_size = config.integer("schemas.cache.size").and_then(|size| usize::try_from(size).ok()).unwrap_or(1).max(1);
        Ok(Self {
            options,
            schemas_enabled: config.boolean("schemas.enable"),
            cache_size,
            content,
            encoders: Encoders::default(),
            decoders: Decoders::default(),
        })
    }

    fn write(&mut self, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded> {
        let start = out.len();
        match self.try_write(data, out) {
            Ok(encoded) => Ok(encoded),
            Err(error) => {
                out.truncate(start);
                Err(error.into())
            }
        }
    }

    fn try_write(&mut self, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded, CodecError> {
        match &data.schema {
            Some(schema) => {
                let plan = self.encoders.plan(schema, &self.options, self.cache_size)?;
                if self.schemas_enabled {
                    out.extend_from_slice(&plan.prefix);
                }
                plan.encoder.encode(&data.value, out)?;
            }
            None if data.value.is_null() => return Ok(Encoded::Null),
            None => {
                if self.schemas_enabled {
                    out.extend_from_slice(b"{\"schema\":null,\"payload\":");
                }
                encode_schemaless(&data.value, out)?;
            }
        }
        if self.schemas_enabled {
            out.push(b'}');
        }
        Ok(Encoded::Bytes)
    }

    fn read(&mut self, payload: Option<Bytes>) -> Result<SchemaAndValue> {
        let Some(data) = payload else { return Ok(SchemaAndValue::NULL) };
        self.try_read(&data).map_err(|error| match error {
            CodecError::Malformed(detail) => {
                ConnectError::bad_record("Converting byte[] to Kafka Connect data failed due to serialization error: ")
                    .caused_by(detail)
            }
            other => other.into(),
        })
    }

    fn try_read(&mut self, data: &Bytes) -> Result<SchemaAndValue, CodecError> {
        if !self.schemas_enabled {
            let mut reader = Reader::new(data, byte_order_mark(data));
            let value = if reader.at_end() { Value::Null } else { decode_schemaless(&mut reader)? };
            return Ok(SchemaAndValue::schemaless(value));
        }
        if let Some((schema, plan)) = &self.content {
            let value = plan.decode(&mut Reader::new(data, byte_order_mark(data)), data)?;
            return Ok(SchemaAndValue { schema: schema.clone(), value });
        }
        if let Some(known) = self.decoders.by_prefix(data) {
            let mut reader = Reader::new(data, known.prefix.len());
            let value = known.plan.decode(&mut reader, data)?;
            reader.skip_blanks();
            if reader.eat(b"}") {
                return Ok(SchemaAndValue { schema: known.schema.clone(), value });
            }
        }
        let (schema, payload) = split_envelope(data)?;
        let known = self.decoders.by_schema(&data[schema], &self.options, self.cache_size)?;
        let value = known.plan.decode(&mut Reader::new(data, payload), data)?;
        Ok(SchemaAndValue { schema: known.schema.clone(), value })
    }
}

#[async_trait]
impl Converter for JsonConverter {
    fn decode(&mut self, _topic: &str, payload: Option<Bytes>) -> Result<SchemaAndValue, ConvertError> {
        Ok(self.read(payload)?)
    }

    fn encode(&mut self, _topic: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded, ConvertError> {
        Ok(self.write(data, out)?)
    }
}

impl HeaderConverter for JsonConverter {
    fn decode(&mut self, _topic: &str, _key: &str, payload: Option<Bytes>) -> Result<SchemaAndValue> {
        self.read(payload)
    }

    fn encode(&mut self, _topic: &str, _key: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded> {
        self.write(data, out)
    }
}

fn byte_order_mark(data: &[u8]) -> usize {
    if data.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

/// Finds the schema's bytes and the payload's start in an envelope of any key order and spacing.
fn split_envelope(data: &Bytes) -> Result<(std::ops::Range<usize>, usize), CodecError> {
    let not_an_envelope = || CodecError::Data(NOT_AN_ENVELOPE.to_owned());
    let mut reader = Reader::new(data, byte_order_mark(data));
    if reader.at_end() {
        return Err(not_an_envelope());
    }
    if reader.peek() != Some(b'{') {
        // Invalid JSON is reported as such.
        reader.skip_value(0)?;
        return Err(not_an_envelope());
    }
    reader.enter();
    let (mut schema, mut payload, mut other) = (None, None, false);
    let mut first = true;
    while reader.member(&mut first)? {
        let key = reader.string()?;
        reader.colon()?;
        reader.skip_blanks();
        let start = reader.position();
        reader.skip_value(1)?;
        // A key that comes again replaces the earlier one.
        match &*key {
            "schema" => schema = Some(start..reader.position()),
            "payload" => payload = Some(start),
            _ => other = true,
        }
    }
    match (schema, payload) {
        (Some(schema), Some(payload)) if !other => Ok((schema, payload)),
        _ => Err(not_an_envelope()),
    }
}

/// The plans of schemas that were written, by pointer.
#[derive(std::default::Default)]
struct Encoders {
    plans: Vec<EncodePlan>,
    by_pointer: AHashMap<usize, usize>,
    last: usize,
}

struct EncodePlan {
    /// Held, so that its address stays its own.
    schema: Arc<Schema>,
    /// `{"schema":...,"payload":`.
    prefix: Box<[u8]>,
    encoder: Encoder,
}

impl Encoders {
    #[inline]
    fn plan(&mut self, schema: &Arc<Schema>, options: &JsonOptions, limit: usize) -> Result<&EncodePlan, CodecError> {
        let last = self.plans.get(self.last).is_some_and(|plan| Arc::ptr_eq(&plan.schema, schema));
        if !last {
            self.last = self.find(schema, options, limit)?;
        }
        Ok(&self.plans[self.last])
    }

    fn find(&mut self, schema: &Arc<Schema>, options: &JsonOptions, limit: usize) -> Result<usize, CodecError> {
        let pointer = Arc::as_ptr(schema) as usize;
        if let Some(index) = self.by_pointer.get(&pointer) {
            return Ok(*index);
        }
        let mut prefix = b"{\"schema\":".to_vec();
        push_schema(schema, options, &mut prefix)?;
        prefix.extend_from_slice(PAYLOAD);
        let encoder = Encoder::compile(schema, options)?;
        if self.plans.len() >= limit {
            self.plans.clear();
            self.by_pointer.clear();
        }
        let index = self.plans.len();
        self.plans.push(EncodePlan { schema: schema.clone(), prefix: prefix.into(), encoder });
        self.by_pointer.insert(pointer, index);
        Ok(index)
    }
}

/// The plans of schemas that were read, by their bytes.
#[derive(std::default::Default)]
struct Decoders {
    plans: Vec<DecodePlan>,
    by_text: AHashMap<Box<[u8]>, usize>,
    last: usize,
}

struct DecodePlan {
    /// `{"schema":...,"payload":`, as JsonConverter writes it.
    prefix: Box<[u8]>,
    schema: Option<Arc<Schema>>,
    plan: Plan,
}

impl Decoders {
    /// Beyond this many schemas, finding the end of the schema and hashing it is cheaper than comparing with each.
    const MAX_COMPARED: usize = 8;

    #[inline]
    fn by_prefix(&mut self, data: &[u8]) -> Option<&DecodePlan> {
        let fits = |plan: &DecodePlan| data.starts_with(&plan.prefix);
        if !self.plans.get(self.last).is_some_and(fits) {
            self.last = self.plans.iter().take(Self::MAX_COMPARED).position(fits)?;
        }
        self.plans.get(self.last)
    }

    fn by_schema(&mut self, text: &[u8], options: &JsonOptions, limit: usize) -> Result<&DecodePlan, CodecError> {
        self.last = match self.by_text.get(text) {
            Some(index) => *index,
            None => {
                let schema = parse_schema(text, options)?;
                let plan = Plan::compile(schema.as_ref(), options)?;
                if self.plans.len() >= limit {
                    self.plans.clear();
                    self.by_text.clear();
                }
                let prefix = [b"{\"schema\":", text, PAYLOAD].concat().into();
                self.plans.push(DecodePlan { prefix, schema, plan });
                self.by_text.insert(text.into(), self.plans.len() - 1);
                self.plans.len() - 1
            }
        };
        Ok(&self.plans[self.last])
    }
}

#[cfg(test)]
mod tests;
