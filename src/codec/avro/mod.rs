//! Avro: schemas, data and container files, as Java's Avro and Confluent's AvroData write and read them.

pub mod schema_text;

pub mod mapping;
pub mod to_connect;

pub mod decode;
pub mod encode;

pub mod container;

pub use container::{Codec, ContainerHeader, ContainerWriter};
pub use decode::Decoder;
pub use encode::Encoder;
pub use mapping::AvroOptions;
pub use schema_text::AvroSchema;

/// The namespace of every name that AvroData makes up.
pub(crate) const NAMESPACE: &str = "io.confluent.connect.avro";
pub(crate) const DEFAULT_NAME: &str = "ConnectDefault";
pub(crate) const MAP_ENTRY: &str = "MapEntry";
pub(crate) const UNION: &str = "io.confluent.connect.avro.Union";
pub(crate) const ANYTHING: &str = "io.confluent.connect.avro.Anything";
pub(crate) const ENUM: &str = "io.confluent.connect.avro.Enum";
pub(crate) const ENUM_DOC: &str = "io.confluent.connect.avro.enum.doc";
pub(crate) const ENUM_DEFAULT_PREFIX: &str = "io.confluent.connect.avro.enum.default.";
pub(crate) const RECORD_DOC: &str = "io.confluent.connect.avro.record.doc";
pub(crate) const FIELD_DOC_PREFIX: &str = "io.confluent.connect.avro.field.doc.";
pub(crate) const DECIMAL_PRECISION: &str = "connect.decimal.precision";
pub(crate) const DECIMAL_PRECISION_DEFAULT: i64 = 64;
pub(crate) const FIXED_SIZE: &str = "connect.fixed.size";
pub(crate) const INTERNAL_TYPE: &str = "connect.internal.type";

/// Schemas nested deeper than this are refused, so that hostile input cannot exhaust the stack.
pub(crate) const MAX_DEPTH: usize = 128;
