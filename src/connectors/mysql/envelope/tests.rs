//! Which records a change makes, and their shape in each profile.

use super::super::options::{ContextHeaders, SkippedOperations};
use super::super::table::{Column, Table, TableId};
use super::*;

fn column(name: &str, type_name: &str, position: usize) -> Column {
    Column { name: name.into(), type_name: type_name.into(), position, optional: position > 1, ..Column::default() }
}

fn set_up(keyed: bool, change: impl FnOnce(&mut EventOptions)) -> (Arc<TablePlan>, Emitter) {
    let mut options = EventOptions { server_name: "p".into(), ..EventOptions::default() };
    change(&mut options);
    let options = Arc::new(options);
    let table = Table {
        id: TableId::new("bank", "t"),
        columns: vec![column("id", "INT", 1), column("nome", "VARCHAR", 2)],
        primary_key: if keyed { vec!["id".into()] } else { Vec::new() },
        default_charset: None,
        comment: None,
    };
    (TablePlan::compile(&table, &options).unwrap(), Emitter::new(&options))
}

fn row(id: i32, nome: &str) -> Row {
    Row { key: Value::Struct(Box::new([Value::Int32(id)])), row: Value::Struct(Box::new([Value::Int32(id), Value::from(nome)])) }
}

fn source() -> SourceInfo {
    SourceInfo {
        ts_us: 1_700_000_000_123_456,
        server_id: 1,
        gtid: Some("uuid:7".into()),
        file: "binlog.000001".into(),
        pos: 400,
        row: 2,
        thread: Some(9),
        ..SourceInfo::default()
    }
}

const NOW_NS: i64 = 1_700_000_001_000_000_999;

fn emit((plan, emitter): &(Arc<TablePlan>, Emitter), change: RowChange) -> Vec<ConnectRecord> {
    let mut records = Vec::new();
    emitter.change(plan, &source(), None, change, NOW_NS, &mut records);
    for record in &records {
        if let Some(schema) = &record.value.schema {
            record.value.value.check(schema).unwrap();
        }
    }
    records
}

/// A field of a record's value by name, or of its source.
fn field(record: &ConnectRecord, path: &[&str]) -> Value {
    let mut schema = record.value.schema.clone().unwrap();
    let mut value = record.value.value.clone();
    for name in path {
        let found = schema.field(name).unwrap_or_else(|| panic!("no field {name}")).clone();
        value = value.as_struct().unwrap()[found.index].clone();
        schema = found.schema;
    }
    value
}

fn names(schema: &Schema) -> Vec<String> {
    schema.fields().unwrap().iter().map(|field| field.name.to_string()).collect()
}

fn header_keys(record: &ConnectRecord) -> Vec<String> {
    record.headers.as_slice().iter().map(|header| header.key.to_string()).collect()
}

#[test]
fn an_insert_makes_one_record() {
    let set_up = set_up(true, |_| {});
    let records = emit(&set_up, RowChange::Create { after: row(1, "Ana") });
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(&*record.topic, "p.bank.t");
    assert_eq!((record.partition, record.timestamp_ms), (None, None));
    assert_eq!(record.key.value, row(1, "Ana").key);
    assert_eq!(field(record, &["op"]), Value::from("c"));
    assert_eq!(field(record, &["before"]), Value::Null);
    assert_eq!(field(record, &["after"]), row(1, "Ana").row);
    assert_eq!(field(record, &["ts_ms"]), Value::Int64(1_700_000_001_000));
    assert_eq!(field(record, &["ts_us"]), Value::Int64(1_700_000_001_000_000));
    assert_eq!(field(record, &["ts_ns"]), Value::Int64(NOW_NS));
    for (name, value) in [
        ("version", Value::from("3.6.1.Final")),
        ("connector", Value::from("mysql")),
        ("name", Value::from("p")),
        ("ts_ms", Value::Int64(1_700_000_000_123)),
        ("snapshot", Value::Null),
        ("db", Value::from("bank")),
        ("sequence", Value::Null),
        ("ts_us", Value::Int64(1_700_000_000_123_456)),
        ("ts_ns", Value::Int64(1_700_000_000_123_456_000)),
        ("table", Value::from("t")),
        ("server_id", Value::Int64(1)),
        ("gtid", Value::from("uuid:7")),
        ("file", Value::from("binlog.000001")),
        ("pos", Value::Int64(400)),
        ("row", Value::Int32(2)),
        ("thread", Value::Int64(9)),
        ("query", Value::Null),
    ] {
        assert_eq!(field(record, &["source", name]), value, "source.{name}");
    }
}

#[test]
fn an_update_has_both_images() {
    let records = emit(&set_up(true, |_| {}), RowChange::Update { before: row(1, "Ana"), after: row(1, "Bia") });
    assert_eq!(records.len(), 1);
    assert_eq!(field(&records[0], &["op"]), Value::from("u"));
    assert_eq!((field(&records[0], &["before"]), field(&records[0], &["after"])), (row(1, "Ana").row, row(1, "Bia").row));
}

#[test]
fn a_delete_is_followed_by_a_tombstone_unless_told_not_to() {
    let delete = || RowChange::Delete { before: row(1, "Ana") };
    let records = emit(&set_up(true, |_| {}), delete());
    let [record, tombstone] = &records[..] else { panic!("{records:?}") };
    assert_eq!(field(record, &["op"]), Value::from("d"));
    assert_eq!(field(record, &["after"]), Value::Null);
    assert_eq!((&tombstone.key, &tombstone.value), (&record.key, &SchemaAndValue::NULL));
    assert_eq!(emit(&set_up(true, |options| options.tombstones_on_delete = false), delete()).len(), 1);
}

#[test]
fn a_changed_key_makes_delete_tombstone_and_create() {
    let with_context = |options: &mut EventOptions| {
        options.context_headers = Some(ContextHeaders { task_id: "0".into(), run_id: Some("r".into()) });
    };
    let update = || RowChange::Update { before: row(1, "Ana"), after: row(2, "Ana") };
    let records = emit(&set_up(true, with_context), update());
    let [delete, tombstone, create] = &records[..] else { panic!("{records:?}") };
    assert_eq!((field(delete, &["op"]), field(create, &["op"])), (Value::from("d"), Value::from("c")));
    assert_eq!((&delete.key.value, &create.key.value), (&row(1, "").key, &row(2, "").key));
    let context = ["connectorLogicalName", "taskId", "connectorName", "runId"].map(|name| format!("__debezium.context.{name}"));
    for (record, first, key) in [
        (delete, "__debezium.newkey", row(2, "").key),
        (tombstone, "__debezium.newkey", row(2, "").key),
        (create, "__debezium.oldkey", row(1, "").key),
    ] {
        assert_eq!(header_keys(record)[0], first);
        assert_eq!(header_keys(record)[1..], context);
        assert_eq!(record.headers.as_slice()[0].data.value, key);
        assert_eq!(record.headers.as_slice()[0].data.schema, delete.key.schema);
    }
    let old = emit(&set_up(true, |options| options.profile = Profile::V1_2), update());
    assert_eq!((header_keys(&old[0]).len(), header_keys(&old[1]).len(), header_keys(&old[2]).len()), (1, 0, 1));
}

#[test]
fn a_table_without_key_has_null_keys_and_plain_updates() {
    let set_up = set_up(false, |_| {});
    let keyless = |id, nome: &str| Row { key: Value::Null, ..row(id, nome) };
    let records = emit(&set_up, RowChange::Update { before: keyless(1, "Ana"), after: keyless(2, "Ana") });
    assert_eq!((records.len(), field(&records[0], &["op"])), (1, Value::from("u")));
    let records = emit(&set_up, RowChange::Delete { before: keyless(1, "Ana") });
    assert_eq!(records.len(), 2, "a tombstone all the same");
    assert!(records.iter().all(|record| record.key == SchemaAndValue::NULL));
}

#[test]
fn skipped_operations_are_left_out() {
    let skip = |create, update, delete| {
        move |options: &mut EventOptions| {
            options.skipped_operations = SkippedOperations { create, update, delete, truncate: true }
        }
    };
    let insert = || RowChange::Create { after: row(1, "Ana") };
    let update = || RowChange::Update { before: row(1, "Ana"), after: row(1, "Bia") };
    let move_row = || RowChange::Update { before: row(1, "Ana"), after: row(2, "Ana") };
    assert!(emit(&set_up(true, skip(true, false, false)), insert()).is_empty());
    assert!(emit(&set_up(true, skip(false, true, false)), update()).is_empty());
    assert!(emit(&set_up(true, skip(false, false, true)), RowChange::Delete { before: row(1, "Ana") }).is_empty());
    assert_eq!(emit(&set_up(true, skip(true, true, false)), move_row()).len(), 2);
    assert_eq!(emit(&set_up(true, skip(false, true, true)), move_row()).len(), 1);
}

#[test]
fn truncates_are_sent_only_when_asked_for() {
    let truncate = |(plan, emitter): (Arc<TablePlan>, Emitter)| {
        let mut records = Vec::new();
        emitter.truncate(&plan, &source(), None, NOW_NS, &mut records);
        records
    };
    assert!(truncate(set_up(true, |_| {})).is_empty());
    let records = truncate(set_up(true, |options| options.skipped_operations.truncate = false));
    assert_eq!((records.len(), &records[0].key), (1, &SchemaAndValue::NULL));
    assert_eq!(field(&records[0], &["op"]), Value::from("t"));
}

#[test]
fn snapshot_rows_are_marked() {
    let read = |change: fn(&mut EventOptions), snapshot| {
        let (plan, emitter) = set_up(true, change);
        let mut records = Vec::new();
        emitter.read(&plan, &SourceInfo { snapshot, gtid: None, ..source() }, row(1, "Ana"), NOW_NS, &mut records);
        let record = records.pop().unwrap();
        (field(&record, &["op"]), field(&record, &["source", "snapshot"]), field(&record, &["source", "ts_ms"]))
    };
    let text = Value::from;
    let seconds = Value::Int64(1_700_000_000_000);
    assert_eq!(read(|_| {}, SnapshotMarker::First), (text("r"), text("first"), Value::Int64(1_700_000_000_123)));
    assert_eq!(read(|_| {}, SnapshotMarker::LastInDataCollection).1, text("last_in_data_collection"));
    assert_eq!(read(|options| options.profile = Profile::V1_9, SnapshotMarker::First), (text("r"), text("true"), seconds));
    assert_eq!(read(|options| options.profile = Profile::V1_9, SnapshotMarker::Last).1, text("last"));
    assert_eq!(read(|options| options.profile = Profile::V1_2, SnapshotMarker::True), (text("c"), text("true"), Value::Int64(0)));
}

#[test]
fn transactions_fill_their_block() {
    let (plan, emitter) = set_up(true, |_| {});
    let block = TransactionBlock { id: "uuid:7".into(), total_order: 1, data_collection_order: 1 };
    let mut records = Vec::new();
    emitter.change(&plan, &source(), Some(&block), RowChange::Create { after: row(1, "Ana") }, NOW_NS, &mut records);
    assert_eq!(field(&records[0], &["transaction", "id"]), Value::from("uuid:7"));
    assert_eq!(field(&records[0], &["transaction", "total_order"]), Value::Int64(1));
}

#[test]
fn envelopes_follow_the_profile() {
    for (profile, version, source_version, fields, source_fields) in [
        (Profile::V1_2, None, None, "before after source op ts_ms transaction", 14),
        (Profile::V1_9, None, None, "before after source op ts_ms transaction", 15),
        (Profile::V2_5, Some(1), None, "before after source op ts_ms transaction", 15),
        (Profile::V2_6, Some(2), None, "before after source op ts_ms ts_us ts_ns transaction", 17),
        (Profile::V2_7, Some(2), None, "before after source transaction op ts_ms ts_us ts_ns", 17),
        (Profile::V3_1, Some(2), Some(1), "before after source transaction op ts_ms ts_us ts_ns", 17),
        (Profile::V3_6, Some(2), Some(1), "before after source transaction op ts_ms ts_us ts_ns", 17),
    ] {
        let set_up = set_up(true, |options| options.profile = profile);
        let schema = &set_up.0.envelope_schema;
        assert_eq!((schema.version, names(schema).join(" ")), (version, fields.to_owned()), "{profile:?}");
        let source = &schema.field("source").unwrap().schema;
        assert_eq!((source.version, names(source).len()), (source_version, source_fields), "{profile:?}");
        let block = &schema.field("transaction").unwrap().schema;
        assert_eq!(block.name.is_some(), profile >= Profile::V2_0);
        // Every profile's records fit their schemas.
        assert_eq!(emit(&set_up, RowChange::Create { after: row(1, "Ana") }).len(), 1);
    }
}

#[test]
fn all_records_share_one_set_of_context_headers() {
    let set_up = set_up(true, |options| options.context_headers = Some(ContextHeaders { task_id: "0".into(), run_id: None }));
    let records = emit(&set_up, RowChange::Delete { before: row(1, "Ana") });
    let shared = set_up.1.headers().shared().unwrap();
    assert!(records.iter().all(|record| Arc::ptr_eq(record.headers.shared().unwrap(), shared)));
    assert_eq!(header_keys(&records[0]).len(), 3);
    let old = self::set_up(true, |options| {
        options.profile = Profile::V3_1;
        options.context_headers = Some(ContextHeaders { task_id: "0".into(), run_id: None });
    });
    assert!(emit(&old, RowChange::Create { after: row(1, "Ana") })[0].headers.as_slice().is_empty());
}
