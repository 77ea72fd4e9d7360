//! What a sink task is to the runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::error::{ConnectError, Result};
use crate::data::{SinkRecord, TopicPartition};

/// The offset to consume next, by partition.
pub type SinkOffsets = BTreeMap<TopicPartition, i64>;

/// Offsets to commit for a whole connector; `None` forgets one.
pub type NewSinkOffsets = BTreeMap<TopicPartition, Option<i64>>;

/// A sink task. Not cancel safe: its methods are dropped only by abort, which equals a crash.
#[async_trait]
pub trait SinkTask: Send {
    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()>;
    /// Takes what it accepts out of `batch`; what it leaves is offered again. Called with an empty batch when
    /// nothing arrived, so that rotation by time keeps working. A `Retriable` error means: same batch again later.
    async fn put(&mut self, batch: &mut Vec<SinkRecord>) -> Result<()>;
    /// Returns the offsets that are safe to commit; partitions left out keep their committed offset.
    async fn pre_commit(&mut self, consumed: &SinkOffsets) -> Result<SinkOffsets>;
    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()>;
    async fn stop(self: Box<Self>) -> Result<()>;
}

/// What a sink task asks of its runner; the runner takes the requests after each call it makes.
#[derive(Debug, Default)]
pub struct SinkRequests {
    pub rewind: BTreeMap<TopicPartition, i64>,
    pub pause: BTreeSet<TopicPartition>,
    pub resume: BTreeSet<TopicPartition>,
    pub commit: bool,
    pub retry_after: Option<Duration>,
}

/// Takes records that a task could not handle.
#[async_trait]
pub trait ErrantRecordReporter: Send + Sync {
    async fn report(&self, record: &SinkRecord, error: &ConnectError) -> Result<()>;
}

/// What a sink task gets from the runtime.
#[derive(Clone)]
pub struct SinkTaskContext {
    pub connector: Arc<str>,
    pub task: usize,
    pub reporter: Option<Arc<dyn ErrantRecordReporter>>,
    pub requests: Arc<Mutex<SinkRequests>>,
}

impl SinkTaskContext {
    /// Continues a partition at this offset, backwards or forwards.
    pub fn rewind(&self, partition: TopicPartition, offset_next: i64) {
        self.requests.lock().rewind.insert(partition, offset_next);
    }

    pub fn pause(&self, partition: TopicPartition) {
        let mut requests = self.requests.lock();
        requests.resume.remove(&partition);
        requests.pause.insert(partition);
    }

    pub fn resume(&self, partition: TopicPartition) {
        let mut requests = self.requests.lock();
        requests.pause.remove(&partition);
        requests.resume.insert(partition);
    }

    /// Asks for an offset commit now instead of at the next interval.
    pub fn request_commit(&self) {
        self.requests.lock().commit = true;
    }

    /// Asks to be called again after this time when a `put` failed with `Retriable`.
    pub fn retry_after(&self, delay: Duration) {
        self.requests.lock().retry_after = Some(delay);
    }
}
