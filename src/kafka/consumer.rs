//! Reads a sink task's topics as a member of its consumer group.
//!
//! A thread of its own polls, so the next batch is ready while the task works on the last one; it holds at most one
//! batch ahead and one being filled. When nobody takes a batch for a while the thread pauses all partitions and goes on
//! polling, so a slow task does not cost its place in the group. Rebalances come as events and wait for their answer.
//!
//! A batch that was read ahead is out of date where a seek, a pause or a new assignment came after it was read: each
//! such change starts an epoch, batches know theirs, and older records of the partitions concerned are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ahash::AHashMap;
use parking_lot::{Condvar, Mutex};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{Notify, mpsc, oneshot};

use super::admin::run_blocking;
use super::client_config::{ClientKind, ClientSettings, JavaSettings};
use super::consumer_thread::{GroupContext, PollLoop};
use super::error::connect_error;
use crate::data::TopicPartition;
use crate::data::record::RawRecord;
use crate::plugin::{ConnectError, Result};

/// A rebalance waits for its answer, so there is never more than one, and one failure.
const CONTROL_QUEUE: usize = 2;

/// Which topics to read.
#[derive(Clone, Debug)]
pub enum Subscription {
    Topics(Vec<String>),
    /// Every topic whose whole name matches, also those created later.
    Pattern(regex::Regex),
}

/// A record as it was read; its bytes are slices of one buffer per batch.
#[derive(Clone, Debug)]
pub struct ConsumedRecord {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: Option<i64>,
    pub raw: RawRecord,
}

#[derive(Debug)]
pub enum ConsumerEvent {
    Records(Vec<ConsumedRecord>),
    Assigned(Assignment),
    Revoked(Revocation),
    /// The consumer has ended.
    Failed(ConnectError),
}

/// Partitions that this member got. Reading starts when this is answered or dropped.
#[derive(Debug)]
pub struct Assignment {
    pub partitions: Vec<TopicPartition>,
    pub(super) epoch: u64,
    pub(super) reply: oneshot::Sender<BTreeMap<TopicPartition, i64>>,
}

impl Assignment {
    /// Starts at these offsets, elsewhere at the committed ones.
    pub fn start_at(self, offsets: BTreeMap<TopicPartition, i64>) {
        // Nobody listens any more only when the consumer is closing.
        let _unheard = self.reply.send(offsets);
    }
}

/// Partitions that this member gives back once this is dropped.
#[derive(Debug)]
pub struct Revocation {
    pub partitions: Vec<TopicPartition>,
    /// Somebody else may have them already, so nothing can be committed for them.
    pub lost: bool,
    pub(super) epoch: u64,
    pub(super) _done: oneshot::Sender<()>,
}

/// What the handle and its thread share.
pub(super) struct Shared {
    pub stop: AtomicBool,
    pub slot: Mutex<Option<Batch>>,
    pub taken: Condvar,
    pub filled: Notify,
    pub wanted: Mutex<Wanted>,
    /// The epoch of what is polled now.
    pub epoch: AtomicU64,
}

/// Changes for the thread to make before its next poll.
#[derive(Default)]
pub(super) struct Wanted {
    /// Of the last change asked for.
    pub epoch: u64,
    pub seeks: BTreeMap<TopicPartition, i64>,
    pub paused: BTreeSet<TopicPartition>,
    pub changed: bool,
}

pub(super) struct Batch {
    pub epoch: u64,
    pub records: Vec<ConsumedRecord>,
}

/// The consumer of one sink task. Dropping it leaves the group in the background.
pub struct Consumer {
    shared: Arc<Shared>,
    control: mpsc::Receiver<ConsumerEvent>,
    /// Taken on close: the thread is to be the last owner.
    native: Option<Arc<BaseConsumer<GroupContext>>>,
    /// The epoch from which on a partition's records count; assigned partitions only.
    valid_from: AHashMap<TopicPartition, u64>,
    last_change: u64,
    finished: oneshot::Receiver<()>,
}

impl Consumer {
    /// Joins the group.
    ///
    /// # Errors
    /// `Config` if the settings are not valid. Everything else comes as an event.
    pub fn start(java: &JavaSettings, subscription: Subscription) -> Result<Self> {
        let mut settings = ClientSettings::from_java(ClientKind::Consumer, java)?;
        settings.set("enable.auto.commit", "false");
        settings.set("enable.auto.offset.store", "false");
        let (control_sender, control) = mpsc::channel(CONTROL_QUEUE);
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            slot: Mutex::new(None),
            taken: Condvar::new(),
            filled: Notify::new(),
            wanted: Mutex::default(),
            epoch: AtomicU64::new(0),
        });
        let context = GroupContext::new(shared.clone(), control_sender.clone());
        let native: BaseConsumer<GroupContext> = settings
            .native()
            .create_with_context(context)
            .map_err(|error| connect_error("cannot create a Kafka consumer", &error))?;
        let native = Arc::new(native);
        let (ended, finished) = oneshot::channel();
        let poll_loop = PollLoop::new(native.clone(), shared.clone(), control_sender, subscription, &settings);
        std::thread::Builder::new()
            .name(format!("consumer-{}", settings.get("client.id").unwrap_or_default()))
            .spawn(move || {
                poll_loop.run();
                drop(ended);
            })
            .map_err(|error| ConnectError::fatal("cannot start the thread of a Kafka consumer").caused_by(error))?;
        let valid_from = AHashMap::new();
        Ok(Self { shared, control, native: Some(native), valid_from, last_change: 0, finished })
    }

    /// Waits for the next event; records only if `take_records`.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn event(&mut self, take_records: bool) -> ConsumerEvent {
        loop {
            let filled = self.shared.filled.notified();
            tokio::select! {
                biased;
                event = self.control.recv() => match event {
                    Some(event) => {
                        self.follow(&event);
                        return event;
                    }
                    None => return ConsumerEvent::Failed(ConnectError::fatal("the thread of the Kafka consumer has ended")),
                },
                batch = take(&self.shared, filled), if take_records => {
                    let records = self.up_to_date(batch);
                    if !records.is_empty() {
                        return ConsumerEvent::Records(records);
                    }
                }
            }
        }
    }

    fn follow(&mut self, event: &ConsumerEvent) {
        match event {
            ConsumerEvent::Assigned(assignment) => {
                self.last_change = self.last_change.max(assignment.epoch);
                self.valid_from.extend(assignment.partitions.iter().map(|partition| (partition.clone(), assignment.epoch)));
            }
            ConsumerEvent::Revoked(revocation) => {
                self.last_change = self.last_change.max(revocation.epoch);
                self.valid_from.retain(|partition, _| !revocation.partitions.contains(partition));
            }
            ConsumerEvent::Records(_) | ConsumerEvent::Failed(_) => {}
        }
    }

    fn up_to_date(&self, batch: Batch) -> Vec<ConsumedRecord> {
        let mut records = batch.records;
        if batch.epoch < self.last_change {
            let mut last: Option<(Arc<str>, i32, bool)> = None;
            records.retain(|record| match &last {
                Some((topic, partition, valid)) if Arc::ptr_eq(topic, &record.topic) && *partition == record.partition => *valid,
                _ => {
                    let partition = TopicPartition { topic: record.topic.clone(), partition: record.partition };
                    let valid = self.valid_from.get(&partition).is_some_and(|from| *from <= batch.epoch);
                    last = Some((partition.topic, partition.partition, valid));
                    valid
                }
            });
        }
        records
    }

    /// Goes on at these offsets; what was read ahead elsewhere is left out. Partitions not assigned are ignored.
    pub fn seek(&mut self, offsets: &BTreeMap<TopicPartition, i64>) {
        self.change(offsets.keys(), |wanted| wanted.seeks.extend(offsets.iter().map(|(p, offset)| (p.clone(), *offset))));
    }

    /// Reads no more of these until `resume`; what was read ahead is left out.
    pub fn pause(&mut self, partitions: &BTreeSet<TopicPartition>) {
        self.change(partitions.iter(), |wanted| wanted.paused.extend(partitions.iter().cloned()));
    }

    /// Reads on at these offsets.
    pub fn resume(&mut self, offsets: &BTreeMap<TopicPartition, i64>) {
        self.change(offsets.keys(), |wanted| {
            wanted.paused.retain(|partition| !offsets.contains_key(partition));
            wanted.seeks.extend(offsets.iter().map(|(partition, offset)| (partition.clone(), *offset)));
        });
    }

    fn change<'a>(&mut self, partitions: impl Iterator<Item = &'a TopicPartition>, change: impl FnOnce(&mut Wanted)) {
        let mut wanted = self.shared.wanted.lock();
        wanted.epoch += 1;
        wanted.changed = true;
        change(&mut wanted);
        for partition in partitions {
            if let Some(from) = self.valid_from.get_mut(partition) {
                *from = wanted.epoch;
            }
        }
        self.last_change = self.last_change.max(wanted.epoch);
    }

    /// Commits offsets and waits for the coordinator's answer. The future does not borrow the consumer.
    pub fn commit(&self, offsets: &BTreeMap<TopicPartition, i64>) -> impl Future<Output = Result<()>> + Send + use<> {
        let native = self.native.clone();
        let offsets = offsets.clone();
        async move {
            let native = native.ok_or_else(|| ConnectError::fatal("cannot commit offsets of a closed consumer"))?;
            let committed = run_blocking(move || {
                let mut list = TopicPartitionList::with_capacity(offsets.len());
                for (partition, offset) in &offsets {
                    list.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(*offset))?;
                }
                let result = native.commit(&list, CommitMode::Sync);
                drop(native);
                result
            });
            committed.await?.map_err(|error| connect_error("cannot commit consumer offsets", &error))
        }
    }

    /// Leaves the group; false if that takes longer than `limit`, in which case it goes on in the background.
    pub async fn close(mut self, limit: Duration) -> bool {
        self.begin_close();
        tokio::time::timeout(limit, &mut self.finished).await.is_ok()
    }

    fn begin_close(&mut self) {
        // From here on rebalances wait for nobody.
        self.control.close();
        while self.control.try_recv().is_ok() {}
        self.native = None;
        self.shared.stop.store(true, Ordering::Release);
        self.shared.taken.notify_all();
    }
}

/// Waits for a batch; takes none if dropped.
async fn take(shared: &Shared, mut filled: tokio::sync::futures::Notified<'_>) -> Batch {
    loop {
        if let Some(batch) = shared.slot.lock().take() {
            shared.taken.notify_all();
            return batch;
        }
        filled.await;
        filled = shared.filled.notified();
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.begin_close();
    }
}
