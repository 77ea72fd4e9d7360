//! Names the logical types that Connect itself defines; values stay in their physical form.

use std::sync::Arc;

use super::schema::{Schema, SchemaBuilder, SchemaKind};

/// Unscaled big-endian two's complement bytes; the scale is the schema parameter [`SCALE`].
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// Days since 1970-01-01 as INT32.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// Milliseconds since midnight as INT32.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// Milliseconds since the epoch as INT64.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
pub const SCALE: &str = "scale";

/// Starts a Decimal schema; Connect puts version 1 on all of these.
pub fn decimal(scale: i32) -> SchemaBuilder {
    Schema::builder(SchemaKind::Bytes).name(DECIMAL).version(1).parameter(SCALE, scale.to_string())
}

pub fn date() -> SchemaBuilder {
    Schema::builder(SchemaKind::Int32).name(DATE).version(1)
}

pub fn time() -> SchemaBuilder {
    Schema::builder(SchemaKind::Int32).name(TIME).version(1)
}

pub fn timestamp() -> SchemaBuilder {
    Schema::builder(SchemaKind::Int64).name(TIMESTAMP).version(1)
}

/// A plain schema of this kind, optional or not.
pub fn plain(kind: SchemaKind, optional: bool) -> Arc<Schema> {
    Schema::builder(kind).optional_if(optional).build()
}
