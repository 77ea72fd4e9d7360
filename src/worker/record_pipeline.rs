//! Takes one record through transforms and converters, in either direction.
//!
//! Work is synchronous. Only a schema that must be fetched makes a caller wait: then the outcome is
//! [`Outcome::NeedsSchema`], the caller awaits `resolve` and converts the record it got back again.

use std::sync::Arc;

use bytes::Bytes;

use super::tolerance::{Failure, Stage};
use crate::config::ConfigMap;
use crate::data::record::RawRecord;
use crate::data::{ConnectRecord, Header, Headers, SchemaAndValue, SinkRecord};
use crate::plugin::{
    ConnectError, ConvertError, Converter, Encoded, HeaderConverter, Predicate, Registry, Result, SchemaLookup, Transform,
};

/// What became of a record.
pub enum Outcome<T, R> {
    Done(T),
    /// A transform dropped it.
    Dropped,
    Failed(Failure, R),
    /// `Converters::resolve` this, then convert the record again.
    NeedsSchema(Side, SchemaLookup, R),
}

/// Whose schema is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Key,
    Value,
}

struct Named<T: ?Sized> {
    class: String,
    plugin: Box<T>,
}

struct Step {
    transform: Named<dyn Transform>,
    /// Applied when the test differs from `negate`.
    predicate: Option<(Box<dyn Predicate>, bool)>,
}

/// The transforms of a connector, in order.
pub struct TransformChain {
    steps: Vec<Step>,
}

impl TransformChain {
    /// # Errors
    /// `Config` if a class is unknown, a setting is wrong or a predicate is missing.
    pub fn build(registry: &Registry, config: &ConfigMap) -> Result<Self> {
        let names = config.get("transforms").unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        let mut steps = Vec::new();
        for name in names {
            let prefix = format!("transforms.{name}.");
            let mut own = config.with_prefix(&prefix);
            let class = own.get("type").ok_or_else(|| missing(&format!("{prefix}type")))?.to_owned();
            let negate = own.get("negate").is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
            let predicate = match own.get("predicate") {
                Some(predicate) => Some((build_predicate(registry, config, predicate.trim())?, negate)),
                None => None,
            };
            for key in ["type", "negate", "predicate"] {
                own.remove(key);
            }
            let factory = registry.transform(class.trim())?;
            let plugin = (factory.build)(&own).map_err(|error| in_context(&format!("transforms.{name}"), error))?;
            steps.push(Step { transform: Named { class: factory.class.to_owned(), plugin }, predicate });
        }
        Ok(Self { steps })
    }

    fn apply(&mut self, mut record: ConnectRecord) -> std::result::Result<Option<ConnectRecord>, Failure> {
        for step in &mut self.steps {
            if let Some((predicate, negate)) = &step.predicate
                && predicate.test(&record) == *negate
            {
                continue;
            }
            match step.transform.plugin.apply(record) {
                Ok(Some(changed)) => record = changed,
                Ok(None) => return Ok(None),
                Err(error) => {
                    return Err(Failure { stage: Stage::Transformation, class: step.transform.class.clone(), error });
                }
            }
        }
        Ok(Some(record))
    }
}

fn build_predicate(registry: &Registry, config: &ConfigMap, name: &str) -> Result<Box<dyn Predicate>> {
    let prefix = format!("predicates.{name}.");
    let mut own = config.with_prefix(&prefix);
    let class = own.get("type").ok_or_else(|| missing(&format!("{prefix}type")))?.to_owned();
    own.remove("type");
    (registry.predicate(class.trim())?.build)(&own).map_err(|error| in_context(&format!("predicates.{name}"), error))
}

fn missing(key: &str) -> ConnectError {
    ConnectError::config(format!("Missing required configuration \"{key}\" which has no default value."))
}

fn in_context(what: &str, error: ConnectError) -> ConnectError {
    ConnectError::new(error.kind(), format!("cannot set up {what}")).caused_by(error)
}

/// The converters of a task.
pub struct Converters {
    key: Named<dyn Converter>,
    value: Named<dyn Converter>,
    header: Named<dyn HeaderConverter>,
}

const DEFAULT_HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

impl Converters {
    /// Builds the converters that a connector names, and the worker's where it names none. A converter gets the
    /// settings of the level that names it; the two are never mixed (contracts/connect-runtime.md, section 1.10).
    pub fn build(registry: &Registry, worker: &ConfigMap, connector: &ConfigMap) -> Result<Self> {
        let data = |setting: &str, kind: &str| -> Result<Named<dyn Converter>> {
            let (class, settings) = named(worker, connector, setting, kind).ok_or_else(|| missing(setting))?;
            let factory = registry.converter(&class)?;
            let plugin = (factory.build)(&settings).map_err(|error| in_context(setting, error))?;
            Ok(Named { class: factory.class.to_owned(), plugin })
        };
        let (class, settings) = named(worker, connector, "header.converter", "header")
            .unwrap_or_else(|| (DEFAULT_HEADER_CONVERTER.to_owned(), ConfigMap::new()));
        let factory = registry.header_converter(&class)?;
        let plugin = (factory.build)(&settings).map_err(|error| in_context("header.converter", error))?;
        Ok(Self {
            key: data("key.converter", "key")?,
            value: data("value.converter", "value")?,
            header: Named { class: factory.class.to_owned(), plugin },
        })
    }

    /// Fetches the schema that `NeedsSchema` asked for.
    pub async fn resolve(&mut self, side: Side, lookup: SchemaLookup) -> Result<()> {
        self.side(side).plugin.resolve(lookup).await
    }

    /// What `resolve` failed with, as a failure of its converter.
    pub fn failure(&mut self, side: Side, error: ConnectError) -> Failure {
        Failure { stage: side.stage(), class: self.side(side).class.clone(), error }
    }

    fn side(&mut self, side: Side) -> &mut Named<dyn Converter> {
        match side {
            Side::Key => &mut self.key,
            Side::Value => &mut self.value,
        }
    }
}

fn named(worker: &ConfigMap, connector: &ConfigMap, setting: &str, kind: &str) -> Option<(String, ConfigMap)> {
    let level = if connector.get(setting).is_some() { connector } else { worker };
    let class = level.get(setting)?.trim().to_owned();
    let mut settings = level.with_prefix(&format!("{setting}."));
    settings.set("converter.type", kind);
    Some((class, settings))
}

impl Side {
    fn stage(self) -> Stage {
        match self {
            Self::Key => Stage::KeyConverter,
            Self::Value => Stage::ValueConverter,
        }
    }
}

/// A record ready for Kafka; its bytes are in the pipeline's buffers until the next call.
pub struct EncodedRecord<'a> {
    pub topic: Arc<str>,
    pub partition: Option<i32>,
    pub timestamp_ms: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a EncodedHeaders,
}

/// Names and bytes of a record's headers.
pub type EncodedHeaders = Vec<(Arc<str>, Option<Bytes>)>;

/// Transforms and encodes what a source task delivers.
pub struct SourcePipeline {
    transforms: TransformChain,
    pub converters: Converters,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: EncodedHeaders,
    /// The header list that `headers` was made from; connectors share one among many records.
    headers_of: Option<Arc<Vec<Header>>>,
}

impl SourcePipeline {
    pub fn new(transforms: TransformChain, converters: Converters) -> Self {
        let buffer = || Vec::with_capacity(4096);
        Self { transforms, converters, key: buffer(), value: buffer(), headers: Vec::new(), headers_of: None }
    }

    /// Transforms a record. What follows, `encode`, may be repeated.
    pub fn transform(&mut self, record: ConnectRecord) -> std::result::Result<Option<ConnectRecord>, Failure> {
        self.transforms.apply(record)
    }

    /// Encodes a transformed record: headers, key, value, as Connect does.
    pub fn encode<'a>(&'a mut self, record: &ConnectRecord) -> Outcome<EncodedRecord<'a>, ()> {
        if let Err(failure) = self.encode_headers(record) {
            return Outcome::Failed(failure, ());
        }
        let key = match encode_side(&mut self.converters, Side::Key, &record.topic, &record.key, &mut self.key) {
            Ok(encoded) => encoded,
            Err(outcome) => return outcome.into_outcome(),
        };
        let value = match encode_side(&mut self.converters, Side::Value, &record.topic, &record.value, &mut self.value) {
            Ok(encoded) => encoded,
            Err(outcome) => return outcome.into_outcome(),
        };
        let bytes = |encoded, buffer: &'a [u8]| (encoded == Encoded::Bytes).then_some(buffer);
        Outcome::Done(EncodedRecord {
            topic: record.topic.clone(),
            partition: record.partition,
            timestamp_ms: record.timestamp_ms,
            key: bytes(key, &self.key),
            value: bytes(value, &self.value),
            headers: &self.headers,
        })
    }

    fn encode_headers(&mut self, record: &ConnectRecord) -> std::result::Result<(), Failure> {
        let same = match (record.headers.shared(), &self.headers_of) {
            (None, None) => true,
            (Some(now), Some(before)) => Arc::ptr_eq(now, before),
            _ => false,
        };
        if same {
            return Ok(());
        }
        self.headers.clear();
        self.headers_of = None;
        for Header { key, data } in record.headers.as_slice() {
            let mut bytes = Vec::new();
            let header = &mut self.converters.header;
            let encoded = header.plugin.encode(&record.topic, key, data, &mut bytes);
            let encoded =
                encoded.map_err(|error| Failure { stage: Stage::HeaderConverter, class: header.class.clone(), error })?;
            self.headers.push((key.clone(), (encoded == Encoded::Bytes).then(|| bytes.into())));
        }
        self.headers_of = record.headers.shared().cloned();
        Ok(())
    }
}

/// Why a key or value has no bytes or no data yet.
enum Unconverted {
    Failed(Failure),
    NeedsSchema(Side, SchemaLookup),
}

impl Unconverted {
    fn into_outcome<T>(self) -> Outcome<T, ()> {
        self.with(())
    }

    fn with<T, R>(self, record: R) -> Outcome<T, R> {
        match self {
            Self::Failed(failure) => Outcome::Failed(failure, record),
            Self::NeedsSchema(side, lookup) => Outcome::NeedsSchema(side, lookup, record),
        }
    }
}

fn unconverted(side: Side, class: &str, error: ConvertError) -> Unconverted {
    match error {
        ConvertError::NeedsSchema(lookup) => Unconverted::NeedsSchema(side, lookup),
        ConvertError::Failed(error) => Unconverted::Failed(Failure { stage: side.stage(), class: class.to_owned(), error }),
    }
}

fn encode_side(
    converters: &mut Converters,
    side: Side,
    topic: &str,
    data: &SchemaAndValue,
    buffer: &mut Vec<u8>,
) -> std::result::Result<Encoded, Unconverted> {
    buffer.clear();
    let converter = converters.side(side);
    converter.plugin.encode(topic, data, buffer).map_err(|error| unconverted(side, &converter.class, error))
}

/// A record as it was consumed.
pub struct Consumed {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: Option<i64>,
    pub raw: RawRecord,
}

/// Decodes and transforms what a sink task gets.
pub struct SinkPipeline {
    transforms: TransformChain,
    pub converters: Converters,
    /// Errant records are reported with their original bytes, so they have to be kept.
    keep_raw: bool,
    /// The headers decoded last: sources put the same ones on most of their records.
    last_headers: (EncodedHeaders, Headers),
}

impl SinkPipeline {
    pub fn new(transforms: TransformChain, converters: Converters, keep_raw: bool) -> Self {
        Self { transforms, converters, keep_raw, last_headers: Default::default() }
    }

    /// Decodes key, value and headers, then transforms, as Connect does.
    pub fn convert(&mut self, consumed: Consumed) -> Outcome<SinkRecord, Consumed> {
        let key = match self.decode(Side::Key, &consumed) {
            Ok(data) => data,
            Err(outcome) => return outcome.with(consumed),
        };
        let value = match self.decode(Side::Value, &consumed) {
            Ok(data) => data,
            Err(outcome) => return outcome.with(consumed),
        };
        let headers = match self.decode_headers(&consumed) {
            Ok(headers) => headers,
            Err(failure) => return Outcome::Failed(failure, consumed),
        };
        let record = ConnectRecord {
            topic: consumed.topic.clone(),
            partition: Some(consumed.partition),
            kafka_offset: Some(consumed.offset),
            key,
            value,
            timestamp_ms: consumed.timestamp_ms,
            headers,
        };
        match self.transforms.apply(record) {
            Ok(None) => Outcome::Dropped,
            Ok(Some(record)) => Outcome::Done(SinkRecord {
                record,
                kafka_topic: consumed.topic,
                kafka_partition: consumed.partition,
                kafka_offset: consumed.offset,
                raw: self.keep_raw.then(|| Box::new(consumed.raw)),
            }),
            Err(failure) => Outcome::Failed(failure, consumed),
        }
    }

    fn decode(&mut self, side: Side, consumed: &Consumed) -> std::result::Result<SchemaAndValue, Unconverted> {
        let bytes = match side {
            Side::Key => &consumed.raw.key,
            Side::Value => &consumed.raw.value,
        };
        let converter = self.converters.side(side);
        let decoded = converter.plugin.decode(&consumed.topic, bytes.clone());
        decoded.map_err(|error| unconverted(side, &converter.class, error))
    }

    fn decode_headers(&mut self, consumed: &Consumed) -> std::result::Result<Headers, Failure> {
        if consumed.raw.headers.is_empty() {
            return Ok(Headers::default());
        }
        if self.last_headers.0 == consumed.raw.headers {
            return Ok(self.last_headers.1.clone());
        }
        let header = &mut self.converters.header;
        let mut headers = Vec::with_capacity(consumed.raw.headers.len());
        for (key, bytes) in &consumed.raw.headers {
            let data = header.plugin.decode(&consumed.topic, key, bytes.clone());
            let data = data.map_err(|error| Failure { stage: Stage::HeaderConverter, class: header.class.clone(), error })?;
            headers.push(Header { key: key.clone(), data });
        }
        let headers = Headers::new(headers);
        // Copies, because slices would keep the whole fetch buffer alive.
        let copy = |(key, bytes): &(Arc<str>, Option<Bytes>)| (key.clone(), bytes.as_deref().map(Bytes::copy_from_slice));
        self.last_headers = (consumed.raw.headers.iter().map(copy).collect(), headers.clone());
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Value;

    /// Decodes everything to null.
    struct Nothing;

    impl Converter for Nothing {
        fn decode(&mut self, _: &str, _: Option<Bytes>) -> std::result::Result<SchemaAndValue, ConvertError> {
            Ok(SchemaAndValue::NULL)
        }
        fn encode(&mut self, _: &str, _: &SchemaAndValue, _: &mut Vec<u8>) -> std::result::Result<Encoded, ConvertError> {
            Ok(Encoded::Null)
        }
    }

    impl HeaderConverter for Nothing {
        fn decode(&mut self, _: &str, _: &str, _: Option<Bytes>) -> Result<SchemaAndValue> {
            Ok(SchemaAndValue::NULL)
        }
        fn encode(&mut self, _: &str, _: &str, _: &SchemaAndValue, _: &mut Vec<u8>) -> Result<Encoded> {
            Ok(Encoded::Null)
        }
    }

    /// Makes the value of what a transform can know about a record's place.
    struct Place;

    impl Transform for Place {
        fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
            let place = format!("{} {:?} {:?}", record.topic, record.partition, record.kafka_offset);
            record.value = SchemaAndValue::schemaless(Value::string(place));
            Ok(Some(record))
        }
    }

    fn named<T: ?Sized>(plugin: Box<T>) -> Named<T> {
        Named { class: "acme.Fake".to_owned(), plugin }
    }

    #[test]
    fn transforms_of_a_sink_see_where_kafka_keeps_the_record() {
        let transforms = TransformChain { steps: vec![Step { transform: named(Box::new(Place)), predicate: None }] };
        let converters =
            Converters { key: named(Box::new(Nothing)), value: named(Box::new(Nothing)), header: named(Box::new(Nothing)) };
        let mut pipeline = SinkPipeline::new(transforms, converters, false);
        let raw = RawRecord::default();
        let consumed = Consumed { topic: "t".into(), partition: 3, offset: 42, timestamp_ms: None, raw };
        let Outcome::Done(record) = pipeline.convert(consumed) else { panic!("the record passes") };
        assert_eq!(record.record.value, SchemaAndValue::schemaless(Value::from("t Some(3) Some(42)")));
        assert_eq!((record.kafka_partition, record.kafka_offset), (3, 42));
    }
}
