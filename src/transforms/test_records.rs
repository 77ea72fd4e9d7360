//! Makes the records that the tests of transforms share; the same were given to the Java transforms.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::json::{Encoder, JsonOptions, encode_schemaless};
use crate::data::logical::{decimal, plain, timestamp};
use crate::data::{ConnectRecord, Headers, Schema, SchemaAndValue, SchemaBuilder, SchemaKind, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{Result, Transform};

type Plugin = Factory<dyn Transform>;

pub(super) fn empty_record() -> ConnectRecord {
    ConnectRecord {
        topic: "topic".into(),
        partition: Some(3),
        kafka_offset: None,
        key: SchemaAndValue::NULL,
        value: SchemaAndValue::NULL,
        timestamp_ms: None,
        headers: Headers::default(),
    }
}

pub(super) fn struct_record() -> ConnectRecord {
    let text = |default: &str| Schema::builder(SchemaKind::String).optional().default(Value::from(default)).build();
    let inner = SchemaBuilder::structure([("x", plain(SchemaKind::Int64, false)), ("y", text("yy"))]).optional().build();
    let schema: Arc<Schema> = SchemaBuilder::structure([
        ("id", plain(SchemaKind::Int32, false)),
        ("s", text("dft")),
        ("f", plain(SchemaKind::Float64, true)),
        ("in", inner),
        ("d", decimal(2).optional().build()),
        ("t", timestamp().optional().build()),
        ("b", plain(SchemaKind::Bytes, true)),
        ("l", Schema::builder(SchemaKind::Array(plain(SchemaKind::String, false))).optional().build()),
    ])
    .name("n")
    .version(1)
    .build();
    let values = vec![
        Value::Int32(300),
        Value::Null,
        Value::Float64(1.9),
        Value::Struct(vec![Value::Int64(7), Value::Null].into()),
        Value::Bytes(Bytes::from_static(&[4, 226])),
        Value::Int64(1_600_000_000_123),
        Value::Bytes(Bytes::from_static(&[1, 2])),
        Value::Array(vec![Value::from("p"), Value::from("q")]),
    ];
    ConnectRecord { value: SchemaAndValue::new(schema, Value::Struct(values.into())), ..empty_record() }
}

pub(super) fn map_record() -> ConnectRecord {
    let map = vec![
        (Value::from("id"), Value::Int64(300)),
        (Value::from("s"), Value::Null),
        (Value::from("f"), Value::Float64(1.9)),
        (Value::from("in"), Value::Map(vec![(Value::from("x"), Value::Int64(7))])),
    ];
    ConnectRecord { value: SchemaAndValue::schemaless(Value::Map(map)), ..empty_record() }
}

/// Runs a transform that does not drop the record.
pub(super) fn run(plugin: &Plugin, settings: &[(&str, &str)], record: ConnectRecord) -> Result<ConnectRecord> {
    let mut transform = (plugin.build)(&settings.iter().copied().collect())?;
    transform.apply(record).map(|record| record.expect("the record is not dropped"))
}

/// The value as JsonConverter writes it without the schema.
pub(super) fn json(data: &SchemaAndValue) -> String {
    let mut out = Vec::new();
    match &data.schema {
        Some(schema) => {
            data.value.check(schema).expect("the value fits its schema");
            Encoder::compile(schema, &JsonOptions::default())
                .and_then(|encoder| encoder.encode(&data.value, &mut out))
                .expect("JSON");
        }
        None => encode_schemaless(&data.value, &mut out).expect("JSON"),
    }
    String::from_utf8(out).expect("UTF-8")
}

pub(super) fn apply(plugin: &Plugin, settings: &[(&str, &str)]) -> String {
    json(&run(plugin, settings, struct_record()).expect("the record passes").value)
}

pub(super) fn apply_map(plugin: &Plugin, settings: &[(&str, &str)]) -> String {
    json(&run(plugin, settings, map_record()).expect("the record passes").value)
}

/// The error for the record with a schema.
pub(super) fn error(plugin: &Plugin, settings: &[(&str, &str)]) -> String {
    run(plugin, settings, struct_record()).expect_err("the record is refused").message().to_owned()
}

pub(super) fn config_error(plugin: &Plugin, settings: &[(&str, &str)]) -> String {
    (plugin.build)(&settings.iter().copied().collect()).err().expect("the settings are refused").message().to_owned()
}
