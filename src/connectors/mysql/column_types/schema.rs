//! Gives each column type its Connect schema.

use std::sync::Arc;

use super::super::options::{BigintUnsignedHandling, BinaryHandling, DecimalHandling, EventOptions, Profile, TimePrecision};
use super::super::table::Column;
use super::kind::{IntegerWidth, Kind};
use crate::data::logical::{self, plain};
use crate::data::{Schema, SchemaBuilder, SchemaKind};

const PRECISION: &str = "connect.decimal.precision";

fn named(kind: SchemaKind, name: &str) -> SchemaBuilder {
    Schema::builder(kind).name(name).version(1)
}

/// Starts the schema of a column: kind, name, version and parameters, but not yet optional, default and doc.
/// Geometries are optional whatever the column says, as in Debezium.
pub fn schema_builder(kind: Kind, column: &Column, options: &EventOptions) -> SchemaBuilder {
    match kind {
        Kind::Boolean | Kind::Bit { bits: 1 } => Schema::builder(SchemaKind::Boolean),
        Kind::Bit { bits } => named(SchemaKind::Bytes, "io.debezium.data.Bits").parameter("length", bits.to_string()),
        Kind::Integer { width, unsigned } => integer(width, unsigned, options),
        Kind::Float { .. } if is_single(kind, options) => Schema::builder(SchemaKind::Float32),
        Kind::Real => Schema::builder(SchemaKind::Float32),
        Kind::Float { .. } | Kind::Double => Schema::builder(SchemaKind::Float64),
        Kind::Decimal { precision, scale } => match options.decimal {
            DecimalHandling::Precise => logical::decimal(scale.into()).parameter(PRECISION, precision.to_string()),
            DecimalHandling::String => Schema::builder(SchemaKind::String),
            DecimalHandling::Double => Schema::builder(SchemaKind::Float64),
        },
        Kind::Text | Kind::Inet4 | Kind::Inet6 => Schema::builder(SchemaKind::String),
        Kind::Binary { .. } | Kind::Bytes => Schema::builder(match options.binary {
            BinaryHandling::Bytes => SchemaKind::Bytes,
            BinaryHandling::Base64 | BinaryHandling::Base64UrlSafe | BinaryHandling::Hex => SchemaKind::String,
        }),
        Kind::Json => named(SchemaKind::String, "io.debezium.data.Json"),
        Kind::Enum => named(SchemaKind::String, "io.debezium.data.Enum").parameter("allowed", allowed(column, options)),
        Kind::Set => named(SchemaKind::String, "io.debezium.data.EnumSet").parameter("allowed", allowed(column, options)),
        Kind::Year => named(SchemaKind::Int32, "io.debezium.time.Year"),
        Kind::Date => match options.time_precision {
            TimePrecision::Connect => logical::date(),
            TimePrecision::IsoString => named(SchemaKind::String, "io.debezium.time.IsoDate"),
            _ => named(SchemaKind::Int32, "io.debezium.time.Date"),
        },
        Kind::Time { .. } => match options.time_precision {
            TimePrecision::Connect => logical::time(),
            TimePrecision::IsoString => named(SchemaKind::String, "io.debezium.time.IsoTime"),
            TimePrecision::Nanoseconds => named(SchemaKind::Int64, "io.debezium.time.NanoTime"),
            _ => named(SchemaKind::Int64, "io.debezium.time.MicroTime"),
        },
        Kind::DateTime { digits } => match options.time_precision {
            TimePrecision::Connect => logical::timestamp(),
            TimePrecision::IsoString => named(SchemaKind::String, "io.debezium.time.IsoTimestamp"),
            TimePrecision::Nanoseconds => named(SchemaKind::Int64, "io.debezium.time.NanoTimestamp"),
            TimePrecision::AdaptiveTimeMicroseconds if digits <= 3 => named(SchemaKind::Int64, "io.debezium.time.Timestamp"),
            _ => named(SchemaKind::Int64, "io.debezium.time.MicroTimestamp"),
        },
        Kind::Timestamp { .. } => named(SchemaKind::String, "io.debezium.time.ZonedTimestamp"),
        Kind::Geometry => geometry(options),
        Kind::Point => SchemaBuilder::structure([
            ("x", plain(SchemaKind::Float64, false)),
            ("y", plain(SchemaKind::Float64, false)),
            ("wkb", plain(SchemaKind::Bytes, true)),
            ("srid", plain(SchemaKind::Int32, true)),
        ])
        .name("io.debezium.data.geometry.Point")
        .version(1)
        .doc("Geometry (POINT)"),
        Kind::Vector => named(SchemaKind::Array(plain(SchemaKind::Float32, false)), "io.debezium.data.FloatVector"),
        Kind::Uuid => named(SchemaKind::String, "io.debezium.data.Uuid"),
    }
}

/// True for a FLOAT that becomes FLOAT32: no scale, at most 24 bits, and not in 1.x.
pub fn is_single(kind: Kind, options: &EventOptions) -> bool {
    matches!(kind, Kind::Float { length, scale: None } if length.unwrap_or(0) <= 24) && options.profile >= Profile::V2_0
}

fn integer(width: IntegerWidth, unsigned: bool, options: &EventOptions) -> SchemaBuilder {
    let kind = match (width, unsigned) {
        (IntegerWidth::Tiny, false) if options.profile >= Profile::V3_7 => SchemaKind::Int8,
        (IntegerWidth::Tiny, _) | (IntegerWidth::Small, false) => SchemaKind::Int16,
        (IntegerWidth::Small, true) | (IntegerWidth::Medium, _) | (IntegerWidth::Int, false) => SchemaKind::Int32,
        (IntegerWidth::Int, true) | (IntegerWidth::Big, false) => SchemaKind::Int64,
        (IntegerWidth::Big, true) => match options.bigint_unsigned {
            BigintUnsignedHandling::Long => SchemaKind::Int64,
            BigintUnsignedHandling::Precise if options.profile < Profile::V2_0 => return logical::decimal(0),
            BigintUnsignedHandling::Precise => return logical::decimal(0).parameter(PRECISION, "20"),
        },
    };
    Schema::builder(kind)
}

fn geometry(options: &EventOptions) -> SchemaBuilder {
    let mut fields = vec![("wkb", plain(SchemaKind::Bytes, false)), ("srid", plain(SchemaKind::Int32, true))];
    let mut version = 1;
    if options.profile >= Profile::V3_7 {
        let text = || plain(SchemaKind::String, false);
        let map = SchemaKind::Map { key: text(), value: text() };
        fields.push(("extensions", Schema::builder(map).optional().build()));
        version = 2;
    }
    SchemaBuilder::structure(fields).name("io.debezium.data.geometry.Geometry").version(version).doc("Geometry").optional()
}

/// The `allowed` parameter: the labels, commas inside them escaped (mysql-observed.md, 12.1).
fn allowed(column: &Column, options: &EventOptions) -> Arc<str> {
    let labels = column.enum_values.iter().map(|label| {
        let label = if options.profile >= Profile::V3_7 { label.replace('\\', "\\\\") } else { label.clone() };
        escape_commas(&label)
    });
    labels.collect::<Vec<_>>().join(",").into()
}

pub fn escape_commas(label: &str) -> String {
    label.replace(',', "\\,")
}
