//! Turns the bytes of Kafka records into values and back.

use async_trait::async_trait;
use bytes::Bytes;

use super::error::{ConnectError, Result};
use crate::data::SchemaAndValue;

/// Whether an encoded value is a Kafka null or the bytes written to the output buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    Null,
    Bytes,
}

/// A schema that has to be fetched or registered before the record can be converted.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaLookup {
    ById(u32),
    Register { subject: String, schema: String },
}

/// Why a record was not converted.
#[derive(Debug)]
pub enum ConvertError {
    /// Call `resolve` with this and convert the record again.
    NeedsSchema(SchemaLookup),
    Failed(ConnectError),
}

impl From<ConnectError> for ConvertError {
    fn from(error: ConnectError) -> Self {
        Self::Failed(error)
    }
}

/// A converter belongs to one task, so it may keep caches without locks. Work per record is synchronous.
#[async_trait]
pub trait Converter: Send {
    fn decode(&mut self, topic: &str, payload: Option<Bytes>) -> Result<SchemaAndValue, ConvertError>;
    /// Appends the encoded value to `out`.
    fn encode(&mut self, topic: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded, ConvertError>;
    /// Called on `ConvertError::NeedsSchema`.
    async fn resolve(&mut self, lookup: SchemaLookup) -> Result<()> {
        Err(ConnectError::fatal(format!("this converter keeps its schemas in the record, but was asked for {lookup:?}")))
    }
}

pub trait HeaderConverter: Send {
    fn decode(&mut self, topic: &str, key: &str, payload: Option<Bytes>) -> Result<SchemaAndValue>;
    fn encode(&mut self, topic: &str, key: &str, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<Encoded>;
}
