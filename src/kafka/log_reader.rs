//! Reads all partitions of a topic from their beginning to a known end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::admin::run_blocking;
use super::client_config::{ClientKind, ClientSettings, JavaSettings};
use super::context::Context;
use super::error::connect_error;
use crate::plugin::{ConnectError, ErrorKind, Result};

/// A record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since the epoch, -1 if the record has none.
    pub timestamp_ms: i64,
}

/// A consumer without a group, positioned on every partition.
pub(super) struct LogReader {
    consumer: Arc<BaseConsumer<Context>>,
    topic: String,
    /// The offset to read next, by partition.
    positions: Vec<i64>,
    /// The end for which this partition was positioned anew. An "end of partition" event counts only if it was
    /// raised after the end in question was known.
    verified: Vec<i64>,
}

/// What one poll brought.
pub(super) enum Polled {
    Record(LogRecord),
    /// Nothing, or news about positions only.
    Idle,
}

impl LogReader {
    pub fn new(topic: &str, java: &JavaSettings, partitions: usize) -> Result<Self> {
        let mut settings = ClientSettings::from_java(ClientKind::Consumer, java)?;
        // librdkafka assigns partitions only if it has a group, but this one is never joined nor committed to.
        let group = settings.get("group.id").unwrap_or("tributary-log-reader").to_owned();
        settings.set("group.id", &group);
        settings.set("enable.partition.eof", "true");
        settings.set("enable.auto.commit", "false");
        settings.set("auto.offset.reset", "earliest");
        settings.set("allow.auto.create.topics", "false");
        settings.set("queued.max.messages.kbytes", "8192");
        let consumer = settings
            .native()
            .create_with_context(Context::default())
            .map_err(|error| connect_error(format!("cannot create a consumer for topic '{topic}'"), &error))?;
        Ok(Self {
            consumer: Arc::new(consumer),
            topic: topic.to_owned(),
            positions: vec![0; partitions],
            verified: vec![-1; partitions],
        })
    }

    pub fn consumer(&self) -> &Arc<BaseConsumer<Context>> {
        &self.consumer
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    pub fn positions(&self) -> &[i64] {
        &self.positions
    }

    /// Starts reading what is there, from these positions or where the partition begins now; `range` was asked before, so from now on
    /// every end of partition counts for it.
    pub fn start(&mut self, positions: &[i64], range: &LogRange) -> Result<()> {
        self.positions = positions.iter().zip(&range.begin).map(|(position, begin)| *position.max(begin)).collect();
        self.verified.clone_from(&range.end);
        // A fetch that includes an empty partition may wait there while others have records.
        let holds_records = |index: usize| self.positions[index] < range.end.get(index).copied().unwrap_or(0);
        self.assign(holds_records)
    }

    /// Goes on with all partitions from where they are.
    pub fn follow_all(&mut self) -> Result<()> {
        self.assign(|_| true)
    }

    fn assign(&self, wanted: impl Fn(usize) -> bool) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for (index, &position) in self.positions.iter().enumerate().filter(|(index, _)| wanted(*index)) {
            let partition = i32::try_from(index).unwrap_or(i32::MAX);
            let offset = Offset::Offset(position);
            list.add_partition_offset(&self.topic, partition, offset).map_err(|error| self.failed(&error))?;
        }
        self.consumer.assign(&list).map_err(|error| self.failed(&error))
    }

    /// Waits for the next record for at most `timeout`. `ends` are the offsets a caller waits for.
    ///
    /// # Errors
    /// Only what will not pass by itself; lost connections are left to the client.
    pub fn poll(&mut self, timeout: Duration, ends: &[i64]) -> Result<Polled> {
        match self.consumer.poll(timeout) {
            None => {
                self.verify_ends(ends)?;
                Ok(Polled::Idle)
            }
            Some(Ok(message)) => {
                let record = LogRecord {
                    key: message.key().map(Bytes::copy_from_slice),
                    value: message.payload().map(Bytes::copy_from_slice),
                    partition: message.partition(),
                    offset: message.offset(),
                    timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
                };
                drop(message);
                self.consumer.context().recovered();
                if let Some(position) = self.position_mut(record.partition) {
                    *position = record.offset + 1;
                }
                Ok(Polled::Record(record))
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.reached_end(partition, ends);
                Ok(Polled::Idle)
            }
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(
                    RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::UnknownTopicOrPartition
                    | RDKafkaErrorCode::UnknownTopic
                    | RDKafkaErrorCode::UnknownPartition
                    | RDKafkaErrorCode::Fatal,
                ) => Err(self.failed(&error)),
                _ => match self.consumer.context().refusal() {
                    Some(refusal) => Err(refusal),
                    None => Ok(Polled::Idle),
                },
            },
        }
    }

    pub fn has_reached(&self, ends: &[i64]) -> bool {
        reached(&self.positions, ends)
    }

    /// Adds what the client knows about its troubles.
    pub fn explain(&self, error: ConnectError) -> ConnectError {
        self.consumer.context().explain(error)
    }

    fn position_mut(&mut self, partition: i32) -> Option<&mut i64> {
        usize::try_from(partition).ok().and_then(|index| self.positions.get_mut(index))
    }

    /// The last offsets of a log can be transaction markers, which are never delivered: then only the end of the
    /// partition tells that everything was read.
    fn reached_end(&mut self, partition: i32, ends: &[i64]) {
        let Ok(index) = usize::try_from(partition) else { return };
        let (Some(position), Some(&end), Some(&verified)) =
            (self.positions.get_mut(index), ends.get(index), self.verified.get(index))
        else {
            return;
        };
        if *position < end && verified >= end {
            *position = end;
        }
    }

    /// Reading anew from where we are makes the client report the end again if there is nothing more.
    fn verify_ends(&mut self, ends: &[i64]) -> Result<()> {
        for (index, &end) in ends.iter().enumerate() {
            if self.positions[index] < end && self.verified[index] < end {
                let partition = i32::try_from(index).unwrap_or(i32::MAX);
                let offset = Offset::Offset(self.positions[index]);
                self.consumer.seek(&self.topic, partition, offset, Duration::from_secs(5)).map_err(|e| self.failed(&e))?;
                self.verified[index] = end;
            }
        }
        Ok(())
    }

    fn failed(&self, error: &KafkaError) -> ConnectError {
        self.consumer.context().explain(connect_error(format!("cannot read topic '{}'", self.topic), error))
    }
}

/// A client that only asks for offsets. A consumer that follows a topic answers late, because its connection is busy
/// with a waiting fetch.
pub(super) fn offset_client(topic: &str, java: &JavaSettings) -> Result<Arc<BaseConsumer<Context>>> {
    let mut java = java.clone();
    java.remove("group.id");
    let settings = ClientSettings::from_java(ClientKind::Consumer, &java)?;
    let client: BaseConsumer<Context> = settings
        .native()
        .create_with_context(Context::default())
        .map_err(|error| connect_error(format!("cannot create a client to ask for the offsets of topic '{topic}'"), &error))?;
    Ok(Arc::new(client))
}

pub(super) fn reached(positions: &[i64], ends: &[i64]) -> bool {
    positions.iter().zip(ends).all(|(position, end)| position >= end)
}

/// Which offsets a topic holds, by partition.
#[derive(Clone, Debug)]
pub(super) struct LogRange {
    pub begin: Vec<i64>,
    pub end: Vec<i64>,
}

pub(super) async fn log_range(
    consumer: &Arc<BaseConsumer<Context>>,
    topic: &str,
    partitions: usize,
    limit: Duration,
) -> Result<LogRange> {
    // The beginning first: reading from explicit offsets spares the client one round per partition.
    let begin = offsets(consumer, topic, partitions, Offset::Beginning, limit).await?;
    let end = offsets(consumer, topic, partitions, Offset::End, limit).await?;
    Ok(LogRange { begin, end })
}

pub(super) async fn end_offsets(
    consumer: &Arc<BaseConsumer<Context>>,
    topic: &str,
    partitions: usize,
    limit: Duration,
) -> Result<Vec<i64>> {
    offsets(consumer, topic, partitions, Offset::End, limit).await
}

/// The first or end offsets of all partitions, asked in one request a broker, again and again while leaders are unknown.
async fn offsets(
    consumer: &Arc<BaseConsumer<Context>>,
    topic: &str,
    partitions: usize,
    which: Offset,
    limit: Duration,
) -> Result<Vec<i64>> {
    let deadline = tokio::time::Instant::now() + limit;
    let mut pause = Duration::from_millis(20);
    loop {
        let (consumer, topic) = (consumer.clone(), topic.to_owned());
        let error = match run_blocking(move || ask_offsets(&consumer, &topic, partitions, which, limit)).await? {
            Err(error) if error.kind() == ErrorKind::Retriable => error,
            other => return other,
        };
        if tokio::time::Instant::now() + pause > deadline {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

fn ask_offsets(
    consumer: &BaseConsumer<Context>,
    topic: &str,
    partitions: usize,
    which: Offset,
    limit: Duration,
) -> Result<Vec<i64>> {
    let failed = |error: &KafkaError| {
        consumer.context().explain(connect_error(format!("cannot read the offsets of topic '{topic}'"), error))
    };
    let mut asked = TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
        asked.add_partition_offset(topic, partition, which).map_err(|error| failed(&error))?;
    }
    let answer = consumer.offsets_for_times(asked, limit).map_err(|error| failed(&error))?;
    let mut offsets = vec![0; partitions];
    for element in answer.elements() {
        element.error().map_err(|error| failed(&error))?;
        if let (Ok(index), Offset::Offset(offset)) = (usize::try_from(element.partition()), element.offset())
            && let Some(place) = offsets.get_mut(index)
        {
            *place = offset;
        }
    }
    Ok(offsets)
}
