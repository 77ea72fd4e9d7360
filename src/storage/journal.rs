//! Keeps a store's state in step with its topic, or in memory alone.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use crate::kafka::{Admin, JavaSettings, LogEntry, LogOptions, LogTail, NewTopic, TopicLog};
use crate::plugin::{ConnectError, ErrorKind, Result};

/// An internal topic: how to reach it and how to create it.
#[derive(Clone)]
pub struct InternalTopic {
    /// The worker setting that names the topic, for messages.
    pub setting: &'static str,
    pub topic: String,
    pub client: JavaSettings,
    pub create: NewTopic,
}

/// A state that is the sum of the records applied to it.
pub(super) trait Replayed: Send + 'static {
    /// Applies one record. `offset` counts from 0 in memory.
    fn apply(&mut self, key: Option<&[u8]>, value: Option<&[u8]>, offset: i64);
}

/// A state and where its records go. Every applied record bumps the version.
pub(super) struct Journal<S> {
    state: Arc<Mutex<S>>,
    version: watch::Sender<u64>,
    log: Option<LogTail>,
    /// The next offset of a journal in memory.
    offset_next: Mutex<i64>,
}

impl<S: Replayed> Journal<S> {
    pub fn in_memory(state: S) -> Self {
        Self { state: Arc::new(Mutex::new(state)), version: watch::Sender::new(0), log: None, offset_next: Mutex::new(0) }
    }

    /// Creates the topic if it is missing, checks its shape, and replays it.
    ///
    /// # Errors
    /// `Config` if an existing topic has too many partitions or would lose old records.
    pub async fn replay(topic: &InternalTopic, state: S, single_partition: bool) -> Result<Self> {
        let mut create = topic.create.clone();
        create.config.insert("cleanup.policy".to_owned(), "compact".to_owned());
        let options = LogOptions { topic: topic.topic.clone(), client: topic.client.clone(), create: Some(create) };
        let log = TopicLog::open(options).await?;
        if single_partition && log.partitions() != 1 {
            return Err(ConnectError::config(format!(
                "topic '{}' of setting {} has {} partitions, but must have exactly one to keep its records in order; \
                 name another topic",
                topic.topic,
                topic.setting,
                log.partitions()
            )));
        }
        check_compacted(topic).await?;
        let state = Arc::new(Mutex::new(state));
        let version = watch::Sender::new(0);
        let (applied, bumped) = (state.clone(), version.clone());
        let log = log
            .tail(move |record| {
                applied.lock().apply(record.key.as_deref(), record.value.as_deref(), record.offset);
                bumped.send_modify(|version| *version += 1);
            })
            .await?;
        Ok(Self { state, version, log: Some(log), offset_next: Mutex::new(0) })
    }

    pub fn state(&self) -> MutexGuard<'_, S> {
        self.state.lock()
    }

    /// Changes whenever a record was applied.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Writes records and waits until this worker has read them back.
    pub async fn write(&self, entries: &[LogEntry]) -> Result<()> {
        match &self.log {
            Some(log) => log.append_and_apply(entries).await,
            None => self.append(entries).await,
        }
    }

    /// Writes records and waits until they are durable; they are applied soon after.
    pub async fn append(&self, entries: &[LogEntry]) -> Result<()> {
        match &self.log {
            Some(log) => log.append_all(entries).await,
            None => {
                let mut offset_next = self.offset_next.lock();
                let mut state = self.state.lock();
                for entry in entries {
                    state.apply(Some(&entry.key), entry.value.as_deref(), *offset_next);
                    *offset_next += 1;
                }
                drop(state);
                self.version.send_modify(|version| *version += 1);
                Ok(())
            }
        }
    }

    /// Waits until everything that others have written by now is applied.
    pub async fn read_to_end(&self) -> Result<()> {
        match &self.log {
            Some(log) => log.read_to_end().await,
            None => Ok(()),
        }
    }
}

/// A topic that deletes old records forgets connectors, so it is refused. A broker that does not tell is believed.
async fn check_compacted(topic: &InternalTopic) -> Result<()> {
    let config = match Admin::new(&topic.client)?.topic_config(&topic.topic).await {
        Ok(config) => config,
        Err(error) if error.kind() == ErrorKind::Config => return Err(error),
        Err(error) => {
            tracing::info!("the cleanup policy of topic '{}' could not be checked: {}", topic.topic, error.trace());
            return Ok(());
        }
    };
    match config.get("cleanup.policy").map(String::as_str) {
        None | Some("compact") => Ok(()),
        Some(policy) => Err(ConnectError::config(format!(
            "topic '{}' of setting {} has cleanup.policy={policy}, which would lose records; set it to compact or name \
             another topic",
            topic.topic, topic.setting
        ))),
    }
}
