//! Tests of taking rows out of change events.

use super::*;
use crate::codec::json::schema_text::push_schema;
use crate::codec::json::{Encoder, JsonOptions};
use crate::data::SchemaBuilder;
use crate::data::logical::plain;
use crate::transforms::predicates::tests::record;

/// The envelope that ExtractNewRecordState 3.6.1 was given to make the texts below.
fn envelope() -> Arc<Schema> {
    let row = SchemaBuilder::structure([
        ("id", plain(SchemaKind::Int32, false)),
        ("n", Schema::builder(SchemaKind::String).optional().default(Value::from("dft")).build()),
        ("o", plain(SchemaKind::Int64, true)),
    ])
    .name("s.db.t.Value")
    .version(2)
    .optional()
    .build();
    let source =
        SchemaBuilder::structure([("ts_ms", plain(SchemaKind::Int64, false)), ("table", plain(SchemaKind::String, true))])
            .name("io.debezium.connector.mysql.Source")
            .build();
    let transaction =
        SchemaBuilder::structure([("id", plain(SchemaKind::String, false)), ("total_order", plain(SchemaKind::Int64, false))])
            .name("event.block")
            .optional()
            .build();
    SchemaBuilder::structure([
        ("before", row.clone()),
        ("after", row),
        ("source", source),
        ("transaction", transaction),
        ("op", plain(SchemaKind::String, false)),
        ("ts_ms", plain(SchemaKind::Int64, true)),
    ])
    .name("s.db.t.Envelope")
    .version(2)
    .build()
}

fn row(id: i32, n: Option<&str>, o: Option<i64>) -> Value {
    Value::Struct(vec![Value::Int32(id), n.map_or(Value::Null, Value::from), o.map_or(Value::Null, Value::Int64)].into())
}

fn event(schema: &Arc<Schema>, op: &str) -> ConnectRecord {
    let (before, after) = match op {
        "c" => (Value::Null, row(1, None, Some(5))),
        "u" => (row(1, None, Some(5)), row(2, Some("x"), None)),
        "d" => (row(2, Some("x"), None), Value::Null),
        _ => (Value::Null, Value::Null),
    };
    let source = Value::Struct(vec![Value::Int64(77), Value::from("t")].into());
    let transaction = if op == "u" { Value::Struct(vec![Value::from("txid"), Value::Int64(3)].into()) } else { Value::Null };
    let mut event = record("topic");
    let values = vec![before, after, source, transaction, Value::from(op), Value::Int64(99)];
    event.value = SchemaAndValue::new(schema.clone(), Value::Struct(values.into()));
    event
}

fn transform(settings: &[(&str, &str)]) -> ExtractNewRecordState {
    ExtractNewRecordState::new(Settings::new(&settings.iter().copied().collect(), false).unwrap())
}

/// Topic and payload, or `dropped`.
fn run(transform: &mut ExtractNewRecordState, record: ConnectRecord) -> String {
    let Some(output) = transform.apply(record).unwrap() else { return "dropped".to_owned() };
    let mut out = format!("{} ", output.topic).into_bytes();
    match &output.value.schema {
        Some(schema) => Encoder::compile(schema, &JsonOptions::default()).unwrap().encode(&output.value.value, &mut out).unwrap(),
        None => out.extend_from_slice(b"tombstone"),
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn every_mode_does_what_debezium_does() {
    let schema = envelope();
    let cases: [(&[(&str, &str)], [&str; 5]); 8] = [
        (&[], [r#"topic {"id":1,"n":"dft","o":5}"#, r#"topic {"id":2,"n":"x","o":null}"#, "topic null", "dropped", "dropped"]),
        (
            &[("delete.tombstone.handling.mode", "drop")],
            [r#"topic {"id":1,"n":"dft","o":5}"#, r#"topic {"id":2,"n":"x","o":null}"#, "dropped", "dropped", "dropped"],
        ),
        (
            &[
                ("delete.tombstone.handling.mode", "rewrite"),
                ("add.fields", "op,table,source.ts_ms:TS,transaction.id,id,total_order,nope,before.n"),
            ],
            [
                r#"topic {"id":1,"n":"dft","o":5,"__deleted":"false","__op":"c","__table":"t","__TS":77,"__transaction_id":null,"__id":null,"__total_order":null,"__before_n":null}"#,
                r#"topic {"id":2,"n":"x","o":null,"__deleted":"false","__op":"u","__table":"t","__TS":77,"__transaction_id":"txid","__id":"txid","__total_order":3,"__before_n":null}"#,
                r#"topic {"id":2,"n":"x","o":null,"__deleted":"true","__op":"d","__table":"t","__TS":77,"__transaction_id":null,"__id":null,"__total_order":null,"__before_n":"x"}"#,
                "dropped",
                "dropped",
            ],
        ),
        (
            &[("delete.tombstone.handling.mode", "rewrite-with-tombstone")],
            [
                r#"topic {"id":1,"n":"dft","o":5,"__deleted":"false"}"#,
                r#"topic {"id":2,"n":"x","o":null,"__deleted":"false"}"#,
                r#"topic {"id":2,"n":"x","o":null,"__deleted":"true"}"#,
                "dropped",
                "topic tombstone",
            ],
        ),
        (
            &[("delete.tombstone.handling.mode", "delete-to-tombstone"), ("route.by.field", "n")],
            [r#"topic {"id":1,"n":"dft","o":5}"#, r#"x {"id":2,"n":"x","o":null}"#, "x tombstone", "dropped", "dropped"],
        ),
        (
            &[("drop.tombstones", "false"), ("delete.handling.mode", "none")],
            [
                r#"topic {"id":1,"n":"dft","o":5}"#,
                r#"topic {"id":2,"n":"x","o":null}"#,
                "topic null",
                r#"topic {"before":null,"after":null,"source":{"ts_ms":77,"table":"t"},"transaction":null,"op":"t","ts_ms":99}"#,
                "topic tombstone",
            ],
        ),
        (
            &[("drop.tombstones", "true")],
            [r#"topic {"id":1,"n":"dft","o":5}"#, r#"topic {"id":2,"n":"x","o":null}"#, "dropped", "dropped", "dropped"],
        ),
        (
            &[("delete.handling.mode", "rewrite"), ("add.source.fields", "table")],
            [
                r#"topic {"id":1,"n":"dft","o":5,"__deleted":"false","__table":"t"}"#,
                r#"topic {"id":2,"n":"x","o":null,"__deleted":"false","__table":"t"}"#,
                r#"topic {"id":2,"n":"x","o":null,"__deleted":"true","__table":"t"}"#,
                "dropped",
                "dropped",
            ],
        ),
    ];
    for (settings, expected) in cases {
        let mut transform = transform(settings);
        let seen = ["c", "u", "d", "t"].map(|op| run(&mut transform, event(&schema, op)));
        assert_eq!(seen, expected[..4], "{settings:?}");
        assert_eq!(run(&mut transform, record("topic")), expected[4], "{settings:?}");
    }
}

#[test]
fn rows_have_one_schema_that_is_not_optional() {
    let schema = envelope();
    let mut transform = transform(&[("add.fields", "op"), ("delete.tombstone.handling.mode", "rewrite")]);
    let mut schemas =
        ["c", "d", "u"].map(|op| transform.apply(event(&schema, op)).unwrap().unwrap().value.schema.unwrap()).into_iter();
    let first = schemas.next().unwrap();
    assert!(schemas.all(|schema| Arc::ptr_eq(&schema, &first)));
    let mut text = Vec::new();
    push_schema(&first, &JsonOptions::default(), &mut text).unwrap();
    // As ExtractNewRecordState 3.6.1 made it.
    assert_eq!(
        String::from_utf8(text).unwrap(),
        r#"{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":true,"default":"dft","field":"n"},{"type":"int64","optional":true,"field":"o"},{"type":"string","optional":true,"field":"__deleted"},{"type":"string","optional":true,"field":"__op"}],"optional":false,"name":"s.db.t.Value","version":2}"#
    );
}

#[test]
fn headers_are_added_to_events_and_tombstones() {
    let schema = envelope();
    let mut transform = transform(&[
        ("add.headers", "op,ts_ms,source.table:T"),
        ("add.headers.prefix", "h_"),
        ("delete.tombstone.handling.mode", "rewrite-with-tombstone"),
    ]);
    let headers = |record: ConnectRecord| {
        let list = record.headers.as_slice().iter().map(|header| (header.key.to_string(), header.data.value.clone()));
        list.collect::<Vec<_>>()
    };
    let expected =
        [("h_op".to_owned(), Value::from("c")), ("h_ts_ms".to_owned(), Value::Int64(99)), ("h_T".to_owned(), Value::from("t"))];
    assert_eq!(headers(transform.apply(event(&schema, "c")).unwrap().unwrap()), expected);
    assert_eq!(headers(transform.apply(record("topic")).unwrap().unwrap()), [("h_op".to_owned(), Value::from("d"))]);
}

#[test]
fn fields_that_a_header_lists_are_dropped() {
    let schema = envelope();
    for (settings, expected) in [
        (&[("drop.fields.header.name", "drops"), ("add.fields", "op")][..], r#"topic {"id":1,"o":5,"__op":"c"}"#),
        (&[("drop.fields.header.name", "drops"), ("drop.fields.keep.schema.compatible", "false")], r#"topic {"o":5}"#),
    ] {
        let mut transform = transform(settings);
        let mut event = event(&schema, "c");
        let names = Value::Array(vec![Value::from("id"), Value::from("n")]);
        event.headers.make_mut().push(Header { key: "drops".into(), data: SchemaAndValue::schemaless(names) });
        assert_eq!(run(&mut transform, event), expected);
    }
}

#[test]
fn what_is_no_envelope_passes() {
    let mut heartbeat = record("topic");
    let schema = SchemaBuilder::structure([("ts_ms", plain(SchemaKind::Int64, false))])
        .name("io.debezium.connector.common.Heartbeat")
        .build();
    heartbeat.value = SchemaAndValue::new(schema, Value::Struct(vec![Value::Int64(1)].into()));
    assert_eq!(transform(&[]).apply(heartbeat.clone()).unwrap(), Some(heartbeat));
}

#[test]
fn the_old_class_drops_deletes_unless_told_otherwise() {
    let settings = Settings::new(&[("", "")].into_iter().collect(), true).unwrap();
    assert_eq!((settings.mode, settings.keep_tombstones), (Mode::Drop, false));
    let settings = Settings::new(&[("delete.tombstone.handling.mode", "rewrite")].into_iter().collect(), true).unwrap();
    assert_eq!(settings.mode, Mode::Rewrite);
}
