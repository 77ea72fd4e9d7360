//! Carries values between connectors and Kafka: records, headers, batches and positions.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::value::SchemaAndValue;

/// One header of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    pub key: Arc<str>,
    pub data: SchemaAndValue,
}

/// The headers of a record in order. Copied on write, so a connector may share one set among all its records
/// (and a runner may recognise it by pointer and convert it once).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers(Option<Arc<Vec<Header>>>);

impl Headers {
    pub fn new(headers: Vec<Header>) -> Self {
        if headers.is_empty() { Self(None) } else { Self(Some(Arc::new(headers))) }
    }

    pub fn as_slice(&self) -> &[Header] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    pub fn make_mut(&mut self) -> &mut Vec<Header> {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    /// The shared list itself, to compare by pointer.
    pub fn shared(&self) -> Option<&Arc<Vec<Header>>> {
        self.0.as_ref()
    }
}

/// A record on its way through transforms and converters, in either direction.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectRecord {
    pub topic: Arc<str>,
    pub partition: Option<i32>,
    /// Where Kafka keeps the record. Known of what a sink gets, unknown of what a source made.
    pub kafka_offset: Option<i64>,
    pub key: SchemaAndValue,
    pub value: SchemaAndValue,
    pub timestamp_ms: Option<i64>,
    pub headers: Headers,
}

/// What a source calls the place it reads (a server, a file): a JSON object whose field order is kept,
/// because stored offsets are found by the bytes of this object.
pub type SourcePartition = Arc<Map<String, Json>>;
/// A position within a source partition, as the connector's Java twin writes it.
pub type SourceOffset = Arc<Map<String, Json>>;

/// What one poll of a source yields.
#[derive(Clone, Debug, Default)]
pub struct SourceBatch {
    pub records: Vec<ConnectRecord>,
    /// Where reading may resume once this batch and all earlier ones are in Kafka. Empty if reading could not
    /// resume there (inside a transaction).
    pub resume_at: Vec<(SourcePartition, SourceOffset)>,
}

/// A partition of a Kafka topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    pub topic: Arc<str>,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// A record read from Kafka. The coordinates are those of the Kafka record, whatever transforms made of `record.topic`.
#[derive(Clone, Debug)]
pub struct SinkRecord {
    pub record: ConnectRecord,
    pub kafka_topic: Arc<str>,
    pub kafka_partition: i32,
    pub kafka_offset: i64,
    /// The bytes as they came, kept only where errant records may be reported.
    pub raw: Option<Box<RawRecord>>,
}

/// Key and value of a Kafka record before conversion.
#[derive(Clone, Debug, Default)]
pub struct RawRecord {
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(Arc<str>, Option<Bytes>)>,
}
