//! Follows a topic from its beginning and hands each record to its owner as it arrives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::try_join_all;
use parking_lot::Mutex;
use rdkafka::consumer::BaseConsumer;
use tokio::sync::watch;

use super::admin::close_aside;
use super::context::Context;
use super::log_reader::{LogReader, LogRecord, Polled, end_offsets, log_range, offset_client, reached};
use super::log_writer::{LogWriter, Written};
use super::topic_log::{NO_PROGRESS_LIMIT, TopicLog};
use crate::plugin::{ConnectError, Result};

/// How long the thread rests after an error that does not pass by itself.
const ERROR_PAUSE: Duration = Duration::from_secs(1);
/// Bounds how long a stopped tail lives on.
const POLL: Duration = Duration::from_millis(100);

/// One record to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub key: Bytes,
    /// `None` writes a tombstone.
    pub value: Option<Bytes>,
}

/// A followed topic. Dropping it stops the following.
pub struct LogTail {
    topic: String,
    shared: Arc<Shared>,
    /// Asks for end offsets.
    offsets: Option<Arc<BaseConsumer<Context>>>,
    writer: LogWriter,
}

struct Shared {
    stop: AtomicBool,
    /// The ends somebody waits for, by partition.
    ends: Mutex<Vec<i64>>,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Default)]
struct Progress {
    /// The offset to read next, by partition; everything before it was handed over.
    positions: Vec<i64>,
    /// Why reading stands still.
    failure: Option<Arc<ConnectError>>,
}

impl TopicLog {
    /// Reads the whole topic into `apply` and goes on as records arrive. `apply` runs on the tail's own thread, must
    /// be quick, and sees the records of one partition in order. Returns when the present end is reached.
    pub async fn tail(self, apply: impl FnMut(LogRecord) + Send + 'static) -> Result<LogTail> {
        let partitions = self.partitions();
        let topic = self.options.topic.clone();
        let mut reader = LogReader::new(&topic, &self.options.client, partitions)?;
        let offsets = offset_client(&topic, &self.options.client)?;
        // Asked by the reader itself, which then knows the leaders when it starts.
        let range = log_range(reader.consumer(), &topic, partitions, NO_PROGRESS_LIMIT).await?;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            ends: Mutex::new(range.end.clone()),
            progress: watch::Sender::new(Progress { positions: vec![0; partitions], failure: None }),
        });
        let tail = LogTail { topic: topic.clone(), shared: shared.clone(), offsets: Some(offsets), writer: self.writer };
        std::thread::Builder::new()
            .name(format!("log-{topic}"))
            .spawn(move || match reader.start(&vec![0; partitions], &range) {
                Ok(()) => follow(reader, &shared, &range.end, apply),
                Err(error) => shared.progress.send_modify(|progress| progress.failure = Some(Arc::new(error))),
            })
            .map_err(|error| {
                ConnectError::fatal(format!("cannot start the thread that reads topic '{topic}'")).caused_by(error)
            })?;
        tail.read_to_end().await?;
        Ok(tail)
    }
}

fn follow(mut reader: LogReader, shared: &Shared, first_ends: &[i64], mut apply: impl FnMut(LogRecord)) {
    let mut known_ends = Vec::new();
    let mut catching_up = true;
    while !shared.stop.load(Ordering::Relaxed) {
        known_ends.clone_from(&shared.ends.lock());
        if catching_up && reader.has_reached(first_ends) {
            publish(shared, &reader);
            match reader.follow_all() {
                Ok(()) => catching_up = false,
                Err(error) => {
                    stand_still(shared, &reader, error);
                    continue;
                }
            }
        }
        match reader.poll(POLL, &known_ends) {
            Ok(Polled::Record(record)) => {
                apply(record);
                publish(shared, &reader);
            }
            Ok(Polled::Idle) => publish(shared, &reader),
            Err(error) => stand_still(shared, &reader, error),
        }
    }
}

fn stand_still(shared: &Shared, reader: &LogReader, error: ConnectError) {
    tracing::error!("following topic '{}' failed, will be tried again: {}", reader.topic(), error.trace());
    shared.progress.send_modify(|progress| progress.failure = Some(Arc::new(error)));
    std::thread::park_timeout(ERROR_PAUSE);
}

fn publish(shared: &Shared, reader: &LogReader) {
    shared.progress.send_if_modified(|progress| {
        let changed = progress.positions != reader.positions() || progress.failure.is_some();
        if changed {
            progress.positions.clear();
            progress.positions.extend_from_slice(reader.positions());
            progress.failure = None;
        }
        changed
    });
}

impl LogTail {
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Waits until everything that was in the topic when this was called has been applied.
    ///
    /// # Errors
    /// `Retriable` if nothing arrives for a minute; callers with less patience add their own limit.
    pub async fn read_to_end(&self) -> Result<()> {
        let Some(offsets) = &self.offsets else { return Err(self.closed()) };
        let partitions = self.shared.ends.lock().len();
        let ends = end_offsets(offsets, &self.topic, partitions, NO_PROGRESS_LIMIT).await?;
        self.wait_for(ends).await
    }

    /// Appends a record, placed by its key, and waits until all in-sync replicas have it.
    pub async fn append(&self, entry: &LogEntry) -> Result<()> {
        self.write(entry).await.map(drop)
    }

    /// Appends all records at once and waits for all. Those of one partition keep their order.
    ///
    /// # Errors
    /// The first failure; other records may have been written.
    pub async fn append_all(&self, entries: &[LogEntry]) -> Result<()> {
        self.write_all(entries).await.map(drop)
    }

    /// Appends all records and waits until they, and all before them, have been applied.
    pub async fn append_and_apply(&self, entries: &[LogEntry]) -> Result<()> {
        let mut ends = vec![0; self.shared.ends.lock().len()];
        for written in self.write_all(entries).await? {
            if let Some(end) = usize::try_from(written.partition).ok().and_then(|index| ends.get_mut(index)) {
                *end = (written.offset + 1).max(*end);
            }
        }
        self.wait_for(ends).await
    }

    async fn write_all(&self, entries: &[LogEntry]) -> Result<Vec<Written>> {
        // The producer takes them in this order and has one request in flight, so they are written in this order.
        try_join_all(entries.iter().map(|entry| self.write(entry))).await
    }

    async fn write(&self, entry: &LogEntry) -> Result<Written> {
        self.writer.append(None, Some(&entry.key), entry.value.as_deref()).await
    }

    async fn wait_for(&self, ends: Vec<i64>) -> Result<()> {
        let mut progress = self.shared.progress.subscribe();
        for (wanted, &end) in self.shared.ends.lock().iter_mut().zip(&ends) {
            *wanted = end.max(*wanted);
        }
        loop {
            {
                let now = progress.borrow_and_update();
                if reached(&now.positions, &ends) {
                    return Ok(());
                }
                if let Some(failure) = &now.failure {
                    return Err(ConnectError::new(failure.kind(), failure.message()).caused_by(failure.trace()));
                }
            }
            match tokio::time::timeout(NO_PROGRESS_LIMIT, progress.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(self.closed()),
                Err(_) => {
                    return Err(ConnectError::retriable(format!(
                        "nothing arrived from topic '{}' for {} s although its end is not reached",
                        self.topic,
                        NO_PROGRESS_LIMIT.as_secs()
                    )));
                }
            }
        }
    }

    fn closed(&self) -> ConnectError {
        ConnectError::fatal(format!("topic '{}' is not followed any more", self.topic))
    }
}

impl Drop for LogTail {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(client) = self.offsets.take() {
            close_aside(client);
        }
    }
}
