//! Reads a topic as a log and appends to it: schema histories, and what the internal topics are built on.
//!
//! ```no_run
//! # async fn example() -> tributary::plugin::Result<()> {
//! use tributary::kafka::{LogOptions, NewTopic, TopicLog};
//! let client = [("bootstrap.servers".to_owned(), "127.0.0.1:9092".to_owned())].into();
//! let create = NewTopic { partitions: 1, replication_factor: -1, config: Default::default() };
//! let mut log = TopicLog::open(LogOptions { topic: "history".to_owned(), client, create: Some(create) }).await?;
//! for record in log.read_to_end().await? {
//!     println!("{}-{}", record.partition, record.offset);
//! }
//! log.append(Some(0), None, Some("entry".into())).await?;
//! # Ok(()) }
//! ```

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::admin::{Admin, NewTopic, run_blocking};
use super::client_config::JavaSettings;
use super::log_reader::{LogReader, LogRecord, Polled, log_range};
use super::log_writer::LogWriter;
use crate::plugin::{ConnectError, ErrorKind, Result};

/// Reading gives up when nothing arrives for this long.
pub(super) const NO_PROGRESS_LIMIT: Duration = Duration::from_secs(60);
/// Metadata of a new topic must be known after this time; contracts/connect-runtime.md 3.1.
const CREATE_LIMIT: Duration = Duration::from_secs(30);

/// Which topic, how to reach it, and what to do if it is missing.
#[derive(Clone)]
pub struct LogOptions {
    pub topic: String,
    /// Client settings under their Java names; those of other kinds of clients have no effect.
    pub client: JavaSettings,
    /// How to create the topic if it does not exist; without it a missing topic is an error.
    pub create: Option<NewTopic>,
}

/// A topic read from its beginning. Between reads it keeps no connection.
pub struct TopicLog {
    pub(super) options: LogOptions,
    /// The offset to read next, by partition.
    positions: Vec<i64>,
    pub(super) writer: LogWriter,
}

impl TopicLog {
    /// Creates the topic if it is missing and allowed to, and finds its partitions.
    ///
    /// # Errors
    /// `Config` for wrong settings or a missing topic, `Retriable` while brokers cannot be reached.
    pub async fn open(options: LogOptions) -> Result<Self> {
        let admin = Admin::new(&options.client)?;
        let partitions = match admin.partition_count(&options.topic).await? {
            Some(count) => count,
            None => match &options.create {
                Some(topic) => create(&admin, &options.topic, topic).await?,
                None => {
                    return Err(ConnectError::config(format!("topic '{}' does not exist; create it first", options.topic)));
                }
            },
        };
        let writer = LogWriter::new(&options.topic, &options.client)?;
        Ok(Self { positions: vec![0; usize::try_from(partitions).unwrap_or(0)], options, writer })
    }

    /// Whether the topic exists, without creating it.
    pub async fn exists(topic: &str, client: &JavaSettings) -> Result<bool> {
        Ok(Admin::new(client)?.partition_count(topic).await?.is_some())
    }

    pub fn topic(&self) -> &str {
        &self.options.topic
    }

    pub fn partitions(&self) -> usize {
        self.positions.len()
    }

    /// Returns all records since the last call, those of one partition in order. What others append while it reads
    /// may be left for the next call.
    ///
    /// # Errors
    /// `Retriable` if brokers do not answer or nothing arrives for a minute.
    ///
    /// # Cancel safety
    /// A dropped call reads the same records again next time.
    pub async fn read_to_end(&mut self) -> Result<Vec<LogRecord>> {
        let mut reader = LogReader::new(&self.options.topic, &self.options.client, self.positions.len())?;
        let range = log_range(reader.consumer(), &self.options.topic, self.positions.len(), NO_PROGRESS_LIMIT).await?;
        let positions = self.positions.clone();
        let (records, positions) = run_blocking(move || {
            reader.start(&positions, &range)?;
            read(&mut reader, &range.end)
        })
        .await??;
        self.positions = positions;
        Ok(records)
    }

    /// Appends a record and waits until all in-sync replicas have it. Without a partition the key decides, as Java's
    /// partitioner would.
    ///
    /// # Cancel safety
    /// A dropped call may or may not have written the record.
    pub async fn append(&self, partition: Option<i32>, key: Option<Bytes>, value: Option<Bytes>) -> Result<()> {
        self.writer.append(partition, key.as_deref(), value.as_deref()).await.map(drop)
    }
}

async fn create(admin: &Admin, name: &str, topic: &NewTopic) -> Result<i32> {
    let deadline = tokio::time::Instant::now() + CREATE_LIMIT;
    let mut pause = Duration::from_millis(50);
    let mut last_error = None;
    loop {
        match admin.create_topic(name, topic).await {
            Ok(_) => {}
            // A broker that is not up yet counts as missing; the others may come.
            Err(error) if error.kind() == ErrorKind::Retriable => last_error = Some(error),
            Err(error) => return Err(error),
        }
        if let Some(count) = admin.partition_count(name).await? {
            return Ok(count);
        }
        if tokio::time::Instant::now() + pause > deadline {
            return Err(last_error.unwrap_or_else(|| {
                ConnectError::retriable(format!("topic '{name}' was created but does not show up in the brokers' metadata"))
            }));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

fn read(reader: &mut LogReader, ends: &[i64]) -> Result<(Vec<LogRecord>, Vec<i64>)> {
    let mut records = Vec::new();
    let mut last_progress = Instant::now();
    while !reader.has_reached(ends) {
        match reader.poll(Duration::from_millis(100), ends)? {
            Polled::Record(record) => {
                last_progress = Instant::now();
                records.push(record);
            }
            Polled::Idle if last_progress.elapsed() > NO_PROGRESS_LIMIT => {
                return Err(reader.explain(ConnectError::retriable(format!(
                    "nothing arrived from topic '{}' for {} s although its end is not reached",
                    reader.topic(),
                    NO_PROGRESS_LIMIT.as_secs()
                ))));
            }
            Polled::Idle => {}
        }
    }
    Ok((records, reader.positions().to_vec()))
}
