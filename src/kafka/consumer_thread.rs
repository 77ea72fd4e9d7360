//! Polls a group member and answers its rebalances, on a thread of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};

use super::client_config::ClientSettings;
use super::consumer::{Assignment, Batch, ConsumedRecord, ConsumerEvent, Revocation, Shared, Subscription};
use super::context::Context;
use super::error::connect_error;
use crate::data::TopicPartition;
use crate::data::record::RawRecord;
use crate::plugin::{ConnectError, Result};

/// Also how long a change asked for may wait.
const POLL: Duration = Duration::from_millis(100);
/// A batch is handed over when it holds this much, or when nothing more is there.
const BATCH_RECORDS: usize = 4096;
const BATCH_BYTES: usize = 1 << 20;
/// How long a part of a batch waits for the task to take the one before while more may arrive.
const GATHER: Duration = Duration::from_millis(20);
const GATHER_MAX: Duration = Duration::from_millis(500);
/// How long a full batch waits before the partitions are paused and polling goes on.
const STALL: Duration = Duration::from_secs(3);
const SEEK_LIMIT: Duration = Duration::from_secs(30);
const SEEK_PAUSE: Duration = Duration::from_millis(50);
/// How often topics are matched anew against a pattern.
const PATTERN_REFRESH: Duration = Duration::from_secs(30);
const METADATA_LIMIT: Duration = Duration::from_secs(10);
/// Connect's consumers leave these out of patterns (exclude.internal.topics).
const INTERNAL_TOPICS: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

pub(super) struct PollLoop {
    native: Arc<BaseConsumer<GroupContext>>,
    shared: Arc<Shared>,
    control: mpsc::Sender<ConsumerEvent>,
    subscription: Subscription,
    /// The topics last subscribed to, and when the pattern was last matched.
    subscribed: BTreeSet<String>,
    matched_at: Option<Instant>,
    batch_records: usize,
    /// Batches being filled, oldest first; a change of epoch starts a new one.
    filling: VecDeque<Filling>,
    paused: BTreeSet<TopicPartition>,
    names: Names,
    /// The size of the batch handed over last.
    last_bytes: usize,
    /// Doubles while a part of a batch waits and nothing more arrives.
    gather: Duration,
}

/// Why the loop ends.
enum End {
    Stopped,
    Failed(ConnectError),
}

impl From<ConnectError> for End {
    fn from(error: ConnectError) -> Self {
        Self::Failed(error)
    }
}

impl PollLoop {
    pub fn new(
        native: Arc<BaseConsumer<GroupContext>>,
        shared: Arc<Shared>,
        control: mpsc::Sender<ConsumerEvent>,
        subscription: Subscription,
        settings: &ClientSettings,
    ) -> Self {
        let batch_records = settings.max_poll_records.unwrap_or(BATCH_RECORDS).min(BATCH_RECORDS);
        Self {
            native,
            shared,
            control,
            subscription,
            subscribed: BTreeSet::new(),
            matched_at: None,
            batch_records,
            filling: VecDeque::new(),
            paused: BTreeSet::new(),
            names: Names::default(),
            last_bytes: 0,
            gather: GATHER,
        }
    }

    pub fn run(mut self) {
        let Err(end) = self.poll_until_stopped();
        if let End::Failed(error) = end {
            // The task may be gone already.
            let _unheard = self.control.blocking_send(ConsumerEvent::Failed(error));
        }
    }

    fn poll_until_stopped(&mut self) -> std::result::Result<std::convert::Infallible, End> {
        loop {
            self.check_stopped()?;
            self.subscribe()?;
            self.apply_changes()?;
            let timeout = if self.filling.is_empty() { POLL } else { Duration::ZERO };
            match self.native.poll(timeout) {
                Some(Ok(message)) => {
                    self.native.context().common.recovered();
                    let batch = fill(
                        &mut self.filling,
                        self.shared.epoch.load(Ordering::Relaxed),
                        &message,
                        &mut self.names,
                        self.last_bytes,
                    );
                    let full = batch.records.len() >= self.batch_records || batch.bytes.len() >= BATCH_BYTES;
                    drop(message);
                    if full || self.filling.len() > 1 {
                        self.hand_over_all()?;
                    }
                }
                Some(Err(error)) => self.examine(error)?,
                None => {
                    if !self.filling.is_empty() && !self.hand_over(self.gather) {
                        self.gather = (self.gather * 2).min(GATHER_MAX);
                    }
                }
            }
        }
    }

    fn check_stopped(&self) -> std::result::Result<(), End> {
        if self.shared.stop.load(Ordering::Acquire) { Err(End::Stopped) } else { Ok(()) }
    }

    /// Gives the oldest batch to the task if it takes one within `wait`.
    fn hand_over(&mut self, wait: Duration) -> bool {
        if self.filling.is_empty() {
            return false;
        }
        let mut slot = self.shared.slot.lock();
        if slot.is_some() && !wait.is_zero() && !self.shared.stop.load(Ordering::Acquire) {
            self.shared.taken.wait_for(&mut slot, wait);
        }
        if slot.is_some() {
            return false;
        }
        if let Some(batch) = self.filling.pop_front() {
            self.last_bytes = batch.bytes.len();
            *slot = Some(batch.finish());
            drop(slot);
            self.gather = GATHER;
            self.shared.filled.notify_one();
        }
        true
    }

    /// Waits until all but the batch in the slot is handed over.
    fn hand_over_all(&mut self) -> std::result::Result<(), End> {
        while !self.filling.is_empty() {
            self.check_stopped()?;
            if !self.hand_over(STALL) {
                self.stall()?;
            }
        }
        Ok(())
    }

    /// The task is busy for long: stop fetching, but keep the place in the group.
    fn stall(&mut self) -> std::result::Result<(), End> {
        let paused_for_now = self.assignment()?;
        self.native.pause(&paused_for_now).map_err(|error| failed("pause reading", &error))?;
        while self.shared.slot.lock().is_some() {
            self.check_stopped()?;
            match self.native.poll(POLL) {
                Some(Ok(message)) => {
                    // Fetched before the pause took effect, or of a partition assigned since.
                    fill(
                        &mut self.filling,
                        self.shared.epoch.load(Ordering::Relaxed),
                        &message,
                        &mut self.names,
                        self.last_bytes,
                    );
                    drop(message);
                    let assignment = self.assignment()?;
                    self.native.pause(&assignment).map_err(|error| failed("pause reading", &error))?;
                }
                Some(Err(error)) => self.examine(error)?,
                None => self.apply_changes()?,
            }
        }
        let wanted = &self.paused;
        let mut resumed = TopicPartitionList::new();
        for element in self.assignment()?.elements() {
            let partition = TopicPartition::new(element.topic(), element.partition());
            if !wanted.contains(&partition) {
                resumed.add_partition(element.topic(), element.partition());
            }
        }
        self.native.resume(&resumed).map_err(|error| failed("resume reading", &error))?;
        Ok(())
    }

    fn assignment(&self) -> Result<TopicPartitionList> {
        self.native.assignment().map_err(|error| failed("list the assigned partitions", &error))
    }

    /// Subscribes at the start, and again when other topics match the pattern.
    fn subscribe(&mut self) -> std::result::Result<(), End> {
        let topics: BTreeSet<String> = match &self.subscription {
            Subscription::Topics(_) if self.matched_at.is_some() => return Ok(()),
            Subscription::Pattern(_) if self.matched_at.is_some_and(|at| at.elapsed() < PATTERN_REFRESH) => return Ok(()),
            Subscription::Topics(topics) => topics.iter().cloned().collect(),
            Subscription::Pattern(pattern) => match self.native.fetch_metadata(None, METADATA_LIMIT) {
                Ok(metadata) => {
                    let names = metadata.topics().iter().map(|topic| topic.name());
                    names.filter(|name| pattern.is_match(name) && !INTERNAL_TOPICS.contains(name)).map(str::to_owned).collect()
                }
                Err(error) => {
                    self.examine(error)?;
                    self.subscribed.clone()
                }
            },
        };
        self.matched_at = Some(Instant::now());
        if topics != self.subscribed && !topics.is_empty() {
            let names: Vec<&str> = topics.iter().map(String::as_str).collect();
            self.native.subscribe(&names).map_err(|error| failed(&format!("subscribe to {}", names.join(", ")), &error))?;
            self.subscribed = topics;
        }
        Ok(())
    }

    /// Makes the changes the handle asked for; what is polled afterwards belongs to their epoch.
    fn apply_changes(&mut self) -> std::result::Result<(), End> {
        let (epoch, mut seeks, mut paused) = {
            let mut wanted = self.shared.wanted.lock();
            if !std::mem::take(&mut wanted.changed) {
                return Ok(());
            }
            (wanted.epoch, std::mem::take(&mut wanted.seeks), wanted.paused.clone())
        };
        {
            let assigned = self.native.context().assigned.lock();
            seeks.retain(|partition, _| assigned.contains(partition));
            paused.retain(|partition| assigned.contains(partition));
            self.paused.retain(|partition| assigned.contains(partition));
        }
        self.seek(&seeks)?;
        let list = |partitions: Vec<&TopicPartition>| {
            let mut list = TopicPartitionList::new();
            for partition in partitions {
                list.add_partition(&partition.topic, partition.partition);
            }
            list
        };
        let stop: Vec<_> = paused.difference(&self.paused).collect();
        let go_on: Vec<_> = self.paused.difference(&paused).collect();
        if !stop.is_empty() {
            self.native.pause(&list(stop)).map_err(|error| failed("pause reading", &error))?;
        }
        if !go_on.is_empty() {
            self.native.resume(&list(go_on)).map_err(|error| failed("resume reading", &error))?;
        }
        self.paused = paused;
        self.shared.epoch.store(epoch, Ordering::Relaxed);
        Ok(())
    }

    /// Nothing may be polled before this has worked, or records would be skipped or repeated.
    fn seek(&self, offsets: &BTreeMap<TopicPartition, i64>) -> std::result::Result<(), End> {
        let deadline = Instant::now() + SEEK_LIMIT;
        let mut left = offsets.clone();
        while !left.is_empty() {
            self.check_stopped()?;
            let mut list = TopicPartitionList::new();
            for (partition, offset) in &left {
                list.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(*offset))
                    .map_err(|error| failed("seek", &error))?;
            }
            let answer = self.native.seek_partitions(list, Duration::from_secs(5)).map_err(|error| failed("seek", &error))?;
            let mut last_error = None;
            for element in answer.elements() {
                match element.error() {
                    Ok(()) => drop(left.remove(&TopicPartition::new(element.topic(), element.partition()))),
                    Err(error) => last_error = Some(error),
                }
            }
            if let Some(error) = last_error {
                if Instant::now() > deadline {
                    return Err(failed("seek", &error).into());
                }
                // A partition that was just assigned is not ready at once.
                std::thread::park_timeout(SEEK_PAUSE);
            }
        }
        Ok(())
    }

    /// Ends the loop on what does not pass by itself.
    fn examine(&self, error: KafkaError) -> std::result::Result<(), End> {
        use RDKafkaErrorCode as Code;
        let context = &self.native.context().common;
        match error.rdkafka_error_code() {
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::InconsistentGroupProtocol
                | Code::InvalidGroupId
                | Code::InvalidSessionTimeout
                | Code::InvalidTopic
                | Code::AutoOffsetReset
                | Code::NoOffset
                | Code::FencedInstanceId
                | Code::Fatal,
            ) => Err(failed("read", &error).into()),
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => Err(failed("read", &error).into()),
            Some(Code::PollExceeded) => {
                tracing::warn!(
                    "the task took longer than max.poll.interval.ms and lost its partitions; it joins the group again"
                );
                Ok(())
            }
            _ => match context.refusal() {
                Some(refusal) => Err(refusal.into()),
                None => {
                    tracing::debug!("the consumer goes on after: {error}");
                    Ok(())
                }
            },
        }
    }
}

/// Adds a message to the newest batch, or to a new one if the epoch has changed.
fn fill<'a>(
    filling: &'a mut VecDeque<Filling>,
    epoch: u64,
    message: &BorrowedMessage<'_>,
    names: &mut Names,
    expected_bytes: usize,
) -> &'a mut Filling {
    if filling.back().is_none_or(|batch| batch.epoch != epoch) {
        filling.push_back(Filling::new(epoch, expected_bytes));
    }
    let batch = filling.back_mut().expect("pushed above if there was none");
    batch.push(message, names);
    batch
}

fn failed(what: &str, error: &KafkaError) -> ConnectError {
    let error = connect_error(format!("the consumer of the sink cannot {what}"), error);
    ConnectError::fatal(error.message()).caused_by(std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default())
}

/// A batch being filled: all bytes in one buffer, and where each record's are.
struct Filling {
    epoch: u64,
    bytes: BytesMut,
    records: Vec<Placed>,
}

struct Placed {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    timestamp_ms: Option<i64>,
    /// Lengths, in the order of the bytes.
    key: Option<usize>,
    value: Option<usize>,
    headers: Vec<(Arc<str>, Option<usize>)>,
}

impl Filling {
    /// Room for a little more than is expected: growing copies everything.
    fn new(epoch: u64, expected_bytes: usize) -> Self {
        let capacity = (expected_bytes + expected_bytes / 16).clamp(16 << 10, 2 * BATCH_BYTES);
        Self { epoch, bytes: BytesMut::with_capacity(capacity), records: Vec::new() }
    }

    fn push(&mut self, message: &BorrowedMessage<'_>, names: &mut Names) {
        let mut copy = |bytes: Option<&[u8]>| {
            let bytes = bytes?;
            self.bytes.extend_from_slice(bytes);
            Some(bytes.len())
        };
        let (key, value) = (copy(message.key()), copy(message.payload()));
        let headers = match message.headers() {
            Some(headers) => headers.iter().map(|header| (names.header(header.key), copy(header.value))).collect(),
            None => Vec::new(),
        };
        self.records.push(Placed {
            topic: names.topic(message.topic()),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            key,
            value,
            headers,
        });
    }

    fn finish(self) -> Batch {
        let mut bytes = self.bytes.freeze();
        let mut next = |length: Option<usize>| length.map(|length| bytes.split_to(length));
        let records = self.records.into_iter().map(|placed| {
            let (key, value) = (next(placed.key), next(placed.value));
            let headers: Vec<(Arc<str>, Option<Bytes>)> =
                placed.headers.into_iter().map(|(name, length)| (name, next(length))).collect();
            ConsumedRecord {
                topic: placed.topic,
                partition: placed.partition,
                offset: placed.offset,
                timestamp_ms: placed.timestamp_ms,
                raw: RawRecord { key, value, headers },
            }
        });
        Batch { epoch: self.epoch, records: records.collect() }
    }
}

/// Shares the few names that come again with every record.
#[derive(Default)]
struct Names {
    topics: Vec<Arc<str>>,
    headers: Vec<Arc<str>>,
}

impl Names {
    /// Beyond this a source invents names, and remembering them would not help.
    const LIMIT: usize = 256;

    fn topic(&mut self, name: &str) -> Arc<str> {
        Self::shared(&mut self.topics, name)
    }

    fn header(&mut self, name: &str) -> Arc<str> {
        Self::shared(&mut self.headers, name)
    }

    fn shared(known: &mut Vec<Arc<str>>, name: &str) -> Arc<str> {
        match known.iter().position(|known| &**known == name) {
            Some(place) => {
                let shared = known[place].clone();
                // The next record is most often of the same topic.
                if place > 8 {
                    known.swap(0, place);
                }
                shared
            }
            None => {
                let shared: Arc<str> = name.into();
                if known.len() < Self::LIMIT {
                    known.push(shared.clone());
                }
                shared
            }
        }
    }
}

/// Answers the client's callbacks; they run inside of `poll`.
pub(super) struct GroupContext {
    common: Context,
    shared: Arc<Shared>,
    control: mpsc::Sender<ConsumerEvent>,
    assigned: Mutex<BTreeSet<TopicPartition>>,
}

impl GroupContext {
    pub fn new(shared: Arc<Shared>, control: mpsc::Sender<ConsumerEvent>) -> Self {
        Self { common: Context::default(), shared, control, assigned: Mutex::default() }
    }

    /// Starts an epoch and forgets what was asked for these partitions.
    fn start_epoch(&self, partitions: &[TopicPartition]) -> u64 {
        let mut wanted = self.shared.wanted.lock();
        wanted.epoch += 1;
        wanted.changed = true;
        wanted.seeks.retain(|partition, _| !partitions.contains(partition));
        wanted.paused.retain(|partition| !partitions.contains(partition));
        wanted.epoch
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> std::result::Result<(), KafkaError> {
        let partitions = partitions(list);
        self.assigned.lock().extend(partitions.iter().cloned());
        if !partitions.is_empty() {
            let epoch = self.start_epoch(&partitions);
            let (reply, answer) = oneshot::channel();
            let event = ConsumerEvent::Assigned(Assignment { partitions, epoch, reply });
            // Without anybody to answer the consumer is closing, and any offset will do.
            let start = self.control.blocking_send(event).ok().and_then(|()| answer.blocking_recv().ok()).unwrap_or_default();
            for (partition, offset) in start {
                list.set_partition_offset(&partition.topic, partition.partition, Offset::Offset(offset))?;
            }
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
            _ => consumer.assign(list),
        }
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> std::result::Result<(), KafkaError> {
        let partitions = partitions(list);
        if !partitions.is_empty() {
            let epoch = self.start_epoch(&partitions);
            let (done, finished) = oneshot::channel();
            let event = ConsumerEvent::Revoked(Revocation {
                partitions: partitions.clone(),
                lost: consumer.assignment_lost(),
                epoch,
                _done: done,
            });
            if self.control.blocking_send(event).is_ok() {
                // Ends when the event is dropped.
                let _always_dropped = finished.blocking_recv();
            }
            self.assigned.lock().retain(|partition| !partitions.contains(partition));
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            _ => consumer.unassign(),
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements().iter().map(|element| TopicPartition::new(element.topic(), element.partition())).collect()
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Context::write_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.common.note(&error, reason);
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let result = match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => self.revoke(consumer, list),
            other => {
                tracing::error!("a rebalance of the consumer group failed: {}", RDKafkaErrorCode::from(other));
                consumer.unassign()
            }
        };
        if let Err(error) = result {
            tracing::error!("the partitions of a rebalance could not be taken over: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_of_a_batch_are_those_of_its_records() {
        let mut filling = Filling::new(3, 0);
        filling.bytes.extend_from_slice(b"k1valueh");
        let placed =
            |key, value, headers| Placed { topic: "t".into(), partition: 0, offset: 1, timestamp_ms: None, key, value, headers };
        filling.records.push(placed(Some(2), Some(5), vec![("a".into(), Some(1)), ("b".into(), None)]));
        filling.records.push(placed(None, Some(0), Vec::new()));
        let batch = filling.finish();
        assert_eq!(batch.epoch, 3);
        let [first, second] = <[ConsumedRecord; 2]>::try_from(batch.records).unwrap();
        assert_eq!((first.raw.key.as_deref(), first.raw.value.as_deref()), (Some(&b"k1"[..]), Some(&b"value"[..])));
        assert_eq!(first.raw.headers, [("a".into(), Some(Bytes::from("h"))), ("b".into(), None)]);
        assert_eq!((second.raw.key, second.raw.value.as_deref()), (None, Some(&b""[..])));
    }

    #[test]
    fn names_are_shared() {
        let mut names = Names::default();
        let first = names.topic("orders");
        assert!(Arc::ptr_eq(&first, &names.topic("orders")));
        for i in 0..1000 {
            assert_eq!(&*names.topic(&format!("t{i}")), format!("t{i}"));
        }
        assert!(names.topics.len() <= Names::LIMIT);
    }
}
