//! The Connect data model: schemas, values and records. No I/O, no async, no Kafka.

pub mod field_path;
pub mod logical;
pub mod record;
pub mod schema;
pub mod value;

pub use field_path::{FieldPath, ResolvedPath};
pub use record::{ConnectRecord, Header, Headers, SinkRecord, SourceBatch, SourceOffset, SourcePartition, TopicPartition};
pub use schema::{Field, Fields, Schema, SchemaBuilder, SchemaKind};
pub use value::{SchemaAndValue, Utf8Bytes, Value};
