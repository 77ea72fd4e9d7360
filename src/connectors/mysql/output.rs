//! Collects records into batches and hands them to the task, a bounded number ahead.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::options::Profile;
use super::position::{self, BinlogPosition};
use crate::data::{ConnectRecord, SourceBatch, SourcePartition};

/// One batch being encoded, one waiting, one being filled.
pub const BATCHES_AHEAD: usize = 2;
/// What a batch holds at most if the user sets nothing: Java's default, and enough to make the cost of a batch vanish.
const DEFAULT_MAX_RECORDS: usize = 2048;
/// Binlog or row bytes behind one batch, at most (a single larger event makes its own batch).
const MAX_BYTES: usize = 2 << 20;

/// The task was stopped, so nobody takes batches any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// The batch being filled.
pub struct Output {
    sender: mpsc::Sender<SourceBatch>,
    partition: SourcePartition,
    profile: Profile,
    max_records: usize,
    pub records: Vec<ConnectRecord>,
    bytes: usize,
}

impl Output {
    pub fn new(sender: mpsc::Sender<SourceBatch>, logical_name: &Arc<str>, profile: Profile, max_records: Option<usize>) -> Self {
        let max_records = max_records.unwrap_or(DEFAULT_MAX_RECORDS);
        let partition = position::source_partition(logical_name);
        Self { sender, partition, profile, max_records, records: Vec::new(), bytes: 0 }
    }

    pub fn partition(&self) -> &SourcePartition {
        &self.partition
    }

    /// Counts what the records were made of.
    pub fn count_bytes(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Throws away what was not handed over.
    pub fn clear(&mut self) {
        self.records.clear();
        self.bytes = 0;
    }

    pub fn is_full(&self) -> bool {
        self.records.len() >= self.max_records || self.bytes >= MAX_BYTES
    }

    /// Hands over the batch, waiting while the task is behind. `resume_at` is where reading can resume after it.
    pub async fn send(&mut self, resume_at: Option<&BinlogPosition>) -> Result<(), Stopped> {
        let offsets = resume_at.map(|position| (self.partition.clone(), position.to_offset(self.profile)));
        let capacity = self.records.len();
        let records = std::mem::replace(&mut self.records, Vec::with_capacity(capacity));
        self.bytes = 0;
        let batch = SourceBatch { records, resume_at: offsets.into_iter().collect() };
        self.sender.send(batch).await.map_err(|_| Stopped)?;
        // Filling a batch takes a millisecond or two of computing; others may run in between.
        tokio::task::yield_now().await;
        Ok(())
    }
}
