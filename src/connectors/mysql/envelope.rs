//! Wraps row images into change events: key, envelope, headers and tombstone.

use std::sync::Arc;

use super::binlog_rows::RowChange;
use super::column_types::{Row, TablePlan};
use super::options::EventOptions;
use crate::data::{ConnectRecord, Headers, Utf8Bytes};

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

/// Builds records. `now_ns` is the wall clock in nanoseconds since the epoch.
#[derive(Clone, Debug)]
pub struct Emitter {
    options: Arc<EventOptions>,
    headers: Headers,
}

impl Emitter {
    pub fn new(options: &Arc<EventOptions>) -> Self {
        Self { options: options.clone(), headers: Headers::default() }
    }

    /// The context headers every record carries; one shared set.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    pub fn options(&self) -> &Arc<EventOptions> {
        &self.options
    }

    /// Appends the record of a row read by a snapshot.
    pub fn read(&self, plan: &TablePlan, source: &SourceInfo, row: Row, now_ns: i64, out: &mut Vec<ConnectRecord>) {
        let _ = (plan, source, row, now_ns, out);
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
        let _ = (plan, source, transaction, change, now_ns, out);
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
        let _ = (plan, source, transaction, now_ns, out);
    }
}
