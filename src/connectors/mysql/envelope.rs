//! Wraps row images into change events: key, envelope, headers and tombstone.

use std::sync::Arc;

use super::binlog_rows::RowChange;
use super::column_types::{Row, TablePlan};
use super::options::{EventOptions, Profile};
use crate::data::logical::plain;
use crate::data::{ConnectRecord, Header, Headers, Schema, SchemaAndValue, SchemaBuilder, SchemaKind, Utf8Bytes, Value};

/// `source.snapshot`. Profiles before 3.1 know only true, last and incremental; the emitter translates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotMarker {
    /// Streaming: the field stays null, readers see its default `false`.
    #[default]
    Streaming,
    First,
    FirstInDataCollection,
    True,
    LastInDataCollection,
    Last,
    Incremental,
}

impl SnapshotMarker {
    fn value(self, profile: Profile) -> Value {
        let old = profile < Profile::V3_1;
        Value::String(Utf8Bytes::from_static(match self {
            Self::Streaming => return Value::Null,
            Self::First | Self::FirstInDataCollection | Self::LastInDataCollection if old => "true",
            Self::First => "first",
            Self::FirstInDataCollection => "first_in_data_collection",
            Self::True => "true",
            Self::LastInDataCollection => "last_in_data_collection",
            Self::Last => "last",
            Self::Incremental => "incremental",
        }))
    }
}

/// Where and when a change happened; database and table come from the plan. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceInfo {
    /// Microseconds since the epoch: the commit time of the GTID event, or the event's seconds, or the snapshot's clock.
    pub ts_us: i64,
    pub snapshot: SnapshotMarker,
    pub server_id: i64,
    /// The single GTID of the transaction; none in snapshots.
    pub gtid: Option<Utf8Bytes>,
    pub file: Utf8Bytes,
    /// Start of the rows event.
    pub pos: i64,
    /// Index of the row in its event.
    pub row: i32,
    pub thread: Option<i64>,
    pub query: Option<Utf8Bytes>,
}

/// The `transaction` block, with `provide.transaction.metadata`.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionBlock {
    pub id: Utf8Bytes,
    pub total_order: i64,
    pub data_collection_order: i64,
}

impl TransactionBlock {
    fn value(&self) -> Value {
        Value::Struct(Box::new([
            Value::String(self.id.clone()),
            Value::Int64(self.total_order),
            Value::Int64(self.data_collection_order),
        ]))
    }
}

/// The envelope's fields in the order of each profile (contracts/mysql-source.md, 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// before, after, source, op, ts_ms, transaction
    Old,
    /// before, after, source, op, ts_ms, ts_us, ts_ns, transaction
    V2_6,
    /// before, after, source, transaction, op, ts_ms, ts_us, ts_ns
    Current,
}

impl Layout {
    fn of(profile: Profile) -> Self {
        if profile < Profile::V2_6 {
            Self::Old
        } else if profile < Profile::V2_7 {
            Self::V2_6
        } else {
            Self::Current
        }
    }
}

/// The schema of a table's change events.
pub fn envelope_schema(name: &str, row: &Arc<Schema>, options: &EventOptions) -> Arc<Schema> {
    let before = ("before", row.clone());
    let after = ("after", row.clone());
    let source = ("source", source_schema(options));
    let op = ("op", plain(SchemaKind::String, false));
    let transaction = ("transaction", transaction_schema(options.profile));
    let time = |name| (name, plain(SchemaKind::Int64, true));
    let fields = match Layout::of(options.profile) {
        Layout::Old => vec![before, after, source, op, time("ts_ms"), transaction],
        Layout::V2_6 => vec![before, after, source, op, time("ts_ms"), time("ts_us"), time("ts_ns"), transaction],
        Layout::Current => vec![before, after, source, transaction, op, time("ts_ms"), time("ts_us"), time("ts_ns")],
    };
    let builder = SchemaBuilder::structure(fields).name(name);
    if options.profile < Profile::V2_0 {
        builder.build()
    } else {
        builder.version(if options.profile < Profile::V2_6 { 1 } else { 2 }).build()
    }
}

/// The schema of the `source` struct; schema change records carry it too.
pub fn source_schema(options: &EventOptions) -> Arc<Schema> {
    let profile = options.profile;
    let text = |optional| plain(SchemaKind::String, optional);
    let long = |optional| plain(SchemaKind::Int64, optional);
    let mut fields = vec![
        ("version", text(false)),
        ("connector", text(false)),
        ("name", text(false)),
        ("ts_ms", long(false)),
        ("snapshot", snapshot_schema(profile)),
        ("db", text(false)),
    ];
    if profile >= Profile::V1_9 {
        fields.push(("sequence", text(true)));
    }
    if profile >= Profile::V2_6 {
        fields.extend([("ts_us", long(true)), ("ts_ns", long(true))]);
    }
    fields.extend([
        ("table", text(true)),
        ("server_id", long(false)),
        ("gtid", text(true)),
        ("file", text(false)),
        ("pos", long(false)),
        ("row", plain(SchemaKind::Int32, false)),
        ("thread", long(true)),
        ("query", text(true)),
    ]);
    let builder = SchemaBuilder::structure(fields).name(options.connector.source_schema_name());
    if profile >= Profile::V3_1 { builder.version(1).build() } else { builder.build() }
}

fn snapshot_schema(profile: Profile) -> Arc<Schema> {
    let allowed = if profile < Profile::V1_9 {
        "true,last,false"
    } else if profile < Profile::V3_1 {
        "true,last,false,incremental"
    } else {
        "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"
    };
    let builder = Schema::builder(SchemaKind::String).name("io.debezium.data.Enum").version(1).parameter("allowed", allowed);
    builder.default(Value::from("false")).optional().build()
}

fn transaction_schema(profile: Profile) -> Arc<Schema> {
    let builder = SchemaBuilder::structure([
        ("id", plain(SchemaKind::String, false)),
        ("total_order", plain(SchemaKind::Int64, false)),
        ("data_collection_order", plain(SchemaKind::Int64, false)),
    ]);
    let builder = if profile >= Profile::V2_0 { builder.name("event.block").version(1) } else { builder };
    builder.optional().build()
}

#[derive(Clone, Copy)]
enum Operation {
    Read,
    Create,
    Update,
    Delete,
    Truncate,
}

impl Operation {
    fn value(self, profile: Profile) -> Value {
        Value::String(Utf8Bytes::from_static(match self {
            // Debezium 1.2 wrote snapshot rows as creates (mysql-observed.md).
            Self::Read if profile < Profile::V1_9 => "c",
            Self::Read => "r",
            Self::Create => "c",
            Self::Update => "u",
            Self::Delete => "d",
            Self::Truncate => "t",
        }))
    }
}

/// Builds records. `now_ns` is the wall clock in nanoseconds since the epoch.
#[derive(Clone, Debug)]
pub struct Emitter {
    options: Arc<EventOptions>,
    headers: Headers,
    version: Utf8Bytes,
    connector: Utf8Bytes,
    name: Utf8Bytes,
    layout: Layout,
}

impl Emitter {
    pub fn new(options: &Arc<EventOptions>) -> Self {
        Self {
            options: options.clone(),
            headers: context_headers(options),
            version: Utf8Bytes::from(&*options.version),
            connector: Utf8Bytes::from_static(options.connector.name()),
            name: Utf8Bytes::from(&*options.server_name),
            layout: Layout::of(options.profile),
        }
    }

    /// The context headers of data and schema change records; one shared set.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    pub fn options(&self) -> &Arc<EventOptions> {
        &self.options
    }

    /// The `source` struct, for records about a table or (schema changes) about a database or several tables.
    pub fn source(&self, source: &SourceInfo, database: &Utf8Bytes, table: Option<&Utf8Bytes>) -> Value {
        let profile = self.options.profile;
        // 1.x knew whole seconds only, and 1.2 no time at all in snapshots (mysql-observed.md).
        let ts_us = if profile < Profile::V1_9 && source.snapshot != SnapshotMarker::Streaming {
            0
        } else if profile < Profile::V2_0 {
            source.ts_us - source.ts_us.rem_euclid(1_000_000)
        } else {
            source.ts_us
        };
        let text = |text: Option<&Utf8Bytes>| text.map_or(Value::Null, |text| Value::String(text.clone()));
        let mut fields = Vec::with_capacity(17);
        fields.extend([
            Value::String(self.version.clone()),
            Value::String(self.connector.clone()),
            Value::String(self.name.clone()),
            Value::Int64(ts_us.div_euclid(1000)),
            source.snapshot.value(profile),
            Value::String(database.clone()),
        ]);
        if profile >= Profile::V1_9 {
            fields.push(Value::Null);
        }
        if profile >= Profile::V2_6 {
            fields.extend([Value::Int64(ts_us), Value::Int64(ts_us.saturating_mul(1000))]);
        }
        fields.extend([
            text(table),
            Value::Int64(source.server_id),
            text(source.gtid.as_ref()),
            Value::String(source.file.clone()),
            Value::Int64(source.pos),
            Value::Int32(source.row),
            source.thread.map_or(Value::Null, Value::Int64),
            text(source.query.as_ref()),
        ]);
        Value::Struct(fields.into_boxed_slice())
    }

    /// Appends the record of a row read by a snapshot.
    pub fn read(&self, plan: &TablePlan, source: &SourceInfo, row: Row, now_ns: i64, out: &mut Vec<ConnectRecord>) {
        let envelope = self.envelope(plan, source, None, Operation::Read, Value::Null, row.row, now_ns);
        out.push(self.record(plan, row.key, envelope, self.headers.clone()));
    }

    /// Appends the records of a streamed change: one for most, with tombstone after a delete, three for a changed key.
    pub fn change(
        &self,
        plan: &TablePlan,
        source: &SourceInfo,
        transaction: Option<&TransactionBlock>,
        change: RowChange,
        now_ns: i64,
        out: &mut Vec<ConnectRecord>,
    ) {
        let skipped = &self.options.skipped_operations;
        let envelope = |operation, before, after| self.envelope(plan, source, transaction, operation, before, after, now_ns);
        match change {
            RowChange::Create { after } if !skipped.create => {
                let value = envelope(Operation::Create, Value::Null, after.row);
                out.push(self.record(plan, after.key, value, self.headers.clone()));
            }
            RowChange::Delete { before } if !skipped.delete => {
                let value = envelope(Operation::Delete, before.row, Value::Null);
                self.delete(plan, before.key, value, self.headers.clone(), out);
            }
            RowChange::Update { before, after } if before.key == after.key => {
                if !skipped.update {
                    let value = envelope(Operation::Update, before.row, after.row);
                    out.push(self.record(plan, after.key, value, self.headers.clone()));
                }
            }
            RowChange::Update { before, after } => {
                // Debezium: RelationalChangeRecordEmitter#emitUpdateAsPrimaryKeyChangeRecord.
                if !skipped.delete {
                    let value = envelope(Operation::Delete, before.row, Value::Null);
                    let headers = self.headers_with_key("__debezium.newkey", plan, &after.key);
                    self.delete(plan, before.key.clone(), value, headers, out);
                }
                if !skipped.create {
                    let value = envelope(Operation::Create, Value::Null, after.row);
                    let headers = self.headers_with_key("__debezium.oldkey", plan, &before.key);
                    out.push(self.record(plan, after.key, value, headers));
                }
            }
            RowChange::Create { .. } | RowChange::Delete { .. } => {}
        }
    }

    /// Appends the record of a TRUNCATE TABLE, unless `skipped.operations` holds `t`.
    pub fn truncate(
        &self,
        plan: &TablePlan,
        source: &SourceInfo,
        transaction: Option<&TransactionBlock>,
        now_ns: i64,
        out: &mut Vec<ConnectRecord>,
    ) {
        if self.options.skipped_operations.truncate {
            return;
        }
        let value = self.envelope(plan, source, transaction, Operation::Truncate, Value::Null, Value::Null, now_ns);
        let mut record = self.record(plan, Value::Null, value, self.headers.clone());
        record.key = SchemaAndValue::NULL;
        out.push(record);
    }

    fn delete(&self, plan: &TablePlan, key: Value, value: Value, headers: Headers, out: &mut Vec<ConnectRecord>) {
        let record = self.record(plan, key, value, headers);
        if !self.options.tombstones_on_delete {
            out.push(record);
            return;
        }
        // 1.2 left the key header off the tombstone (mysql-observed.md).
        let headers = if self.options.profile < Profile::V1_9 { self.headers.clone() } else { record.headers.clone() };
        let tombstone = ConnectRecord { value: SchemaAndValue::NULL, headers, key: record.key.clone(), ..self.empty(plan) };
        out.extend([record, tombstone]);
    }

    fn empty(&self, plan: &TablePlan) -> ConnectRecord {
        ConnectRecord {
            topic: plan.topic.clone(),
            partition: None,
            kafka_offset: None,
            key: SchemaAndValue::NULL,
            value: SchemaAndValue::NULL,
            timestamp_ms: None,
            headers: Headers::default(),
        }
    }

    fn record(&self, plan: &TablePlan, key: Value, value: Value, headers: Headers) -> ConnectRecord {
        ConnectRecord {
            key: SchemaAndValue { schema: plan.key_schema.clone(), value: key },
            value: SchemaAndValue::new(plan.envelope_schema.clone(), value),
            headers,
            ..self.empty(plan)
        }
    }

    fn headers_with_key(&self, name: &'static str, plan: &TablePlan, key: &Value) -> Headers {
        let mut headers = Vec::with_capacity(1 + self.headers.as_slice().len());
        let data = SchemaAndValue { schema: plan.key_schema.clone(), value: key.clone() };
        headers.push(Header { key: name.into(), data });
        headers.extend_from_slice(self.headers.as_slice());
        Headers::new(headers)
    }

    #[allow(clippy::too_many_arguments)] // The parts of an envelope, used in this file only.
    fn envelope(
        &self,
        plan: &TablePlan,
        source: &SourceInfo,
        transaction: Option<&TransactionBlock>,
        operation: Operation,
        before: Value,
        after: Value,
        now_ns: i64,
    ) -> Value {
        let source = self.source(source, &plan.database, Some(&plan.table_name));
        let transaction = transaction.map_or(Value::Null, TransactionBlock::value);
        let op = operation.value(self.options.profile);
        let ts_ms = Value::Int64(now_ns.div_euclid(1_000_000));
        let ts_us = Value::Int64(now_ns.div_euclid(1000));
        let ts_ns = Value::Int64(now_ns);
        Value::Struct(match self.layout {
            Layout::Old => Box::new([before, after, source, op, ts_ms, transaction]),
            Layout::V2_6 => Box::new([before, after, source, op, ts_ms, ts_us, ts_ns, transaction]),
            Layout::Current => Box::new([before, after, source, transaction, op, ts_ms, ts_us, ts_ns]),
        })
    }
}

fn context_headers(options: &EventOptions) -> Headers {
    let Some(context) = options.context_headers.as_ref().filter(|_| options.profile >= Profile::V3_2) else {
        return Headers::default();
    };
    let schema = plain(SchemaKind::String, false);
    let header = |name: &str, value: &str| Header {
        key: format!("__debezium.context.{name}").into(),
        data: SchemaAndValue::new(schema.clone(), Value::from(value)),
    };
    let mut headers = vec![
        header("connectorLogicalName", &options.server_name),
        header("taskId", &context.task_id),
        header("connectorName", options.connector.name()),
    ];
    headers.extend(context.run_id.as_deref().map(|run_id| header("runId", run_id)));
    Headers::new(headers)
}

#[cfg(test)]
mod tests;
