//! Keeps the history's records in a Kafka topic, a file or memory.

use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use super::settings::Storage;
use super::{HistoryRecord, json};
use crate::kafka::{JavaSettings, LogOptions, NewTopic, TopicLog};
use crate::plugin::{ConnectError, Result};

pub enum Store {
    Kafka(KafkaStore),
    File(PathBuf),
    Memory(Vec<HistoryRecord>),
}

/// So many records are on their way at once. Small enough never to fill the client's queue, so their order is kept.
const IN_FLIGHT: usize = 30;

impl Store {
    pub fn new(storage: &Storage) -> Self {
        match storage {
            Storage::Kafka { topic, client } => {
                Self::Kafka(KafkaStore { topic: topic.clone(), client: client.clone(), log: None, read_ahead: None })
            }
            Storage::File(path) => Self::File(path.clone()),
            Storage::Memory => Self::Memory(Vec::new()),
        }
    }

    pub fn place(&self) -> String {
        match self {
            Self::Kafka(store) => format!("topic '{}'", store.topic),
            Self::File(path) => format!("file '{}'", path.display()),
            Self::Memory(_) => "memory".to_owned(),
        }
    }

    pub async fn exists(&mut self) -> Result<bool> {
        match self {
            Self::Kafka(store) => store.exists().await,
            Self::File(path) => match tokio::fs::metadata(&*path).await {
                Ok(metadata) => Ok(metadata.len() > 0),
                Err(error) if error.kind() == IoErrorKind::NotFound => Ok(false),
                Err(error) => Err(failed(path, "look at", error)),
            },
            Self::Memory(records) => Ok(!records.is_empty()),
        }
    }

    pub async fn initialize(&mut self) -> Result<()> {
        match self {
            Self::Kafka(store) => store.log(true).await.map(drop),
            Self::File(path) => {
                if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                    tokio::fs::create_dir_all(parent).await.map_err(|error| failed(path, "create the folder of", error))?;
                }
                open_file(path).await.map(drop)
            }
            Self::Memory(_) => Ok(()),
        }
    }

    pub async fn append(&mut self, records: &[HistoryRecord]) -> Result<()> {
        match self {
            Self::Kafka(store) => {
                let log = store.log(true).await?;
                for chunk in records.chunks(IN_FLIGHT) {
                    let appends = chunk.iter().map(|record| log.append(Some(0), None, Some(Bytes::from(record.to_json()))));
                    futures::future::try_join_all(appends).await?;
                }
                Ok(())
            }
            Self::File(path) => {
                let mut lines = String::new();
                for record in records {
                    lines.push_str(&json::compact(&json::to_document(record)));
                    lines.push('\n');
                }
                let mut file = open_file(path).await?;
                file.write_all(lines.as_bytes()).await.map_err(|error| failed(path, "write to", error))?;
                file.sync_data().await.map_err(|error| failed(path, "write to", error))
            }
            Self::Memory(stored) => {
                stored.extend_from_slice(records);
                Ok(())
            }
        }
    }

    /// All records. What cannot be read is left out with a warning, as Debezium does.
    pub async fn read(&mut self) -> Result<Vec<HistoryRecord>> {
        match self {
            Self::Kafka(store) => {
                let values = store.read().await?;
                Ok(parsed(&store.topic, values.iter().map(|value| value.as_ref())))
            }
            Self::File(path) => match tokio::fs::read(&*path).await {
                Ok(text) => {
                    Ok(parsed(&path.display().to_string(), text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())))
                }
                Err(error) if error.kind() == IoErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => Err(failed(path, "read", error)),
            },
            Self::Memory(records) => Ok(records.clone()),
        }
    }
}

fn parsed<'a>(place: &str, texts: impl Iterator<Item = &'a [u8]>) -> Vec<HistoryRecord> {
    let mut records = Vec::new();
    for (index, text) in texts.enumerate() {
        match HistoryRecord::from_json(text) {
            Ok(record) => records.push(record),
            Err(detail) => tracing::warn!(place, index, detail, "record of the schema history ignored"),
        }
    }
    records
}

async fn open_file(path: &Path) -> Result<tokio::fs::File> {
    let opened = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await;
    opened.map_err(|error| failed(path, "open", error))
}

fn failed(path: &Path, what: &str, error: std::io::Error) -> ConnectError {
    ConnectError::fatal(format!("cannot {what} the schema history file '{}'", path.display())).caused_by(error)
}

pub struct KafkaStore {
    topic: String,
    client: JavaSettings,
    log: Option<TopicLog>,
    /// What `exists` has read for `read`.
    read_ahead: Option<Vec<Bytes>>,
}

impl KafkaStore {
    async fn exists(&mut self) -> Result<bool> {
        if !TopicLog::exists(&self.topic, &self.client).await? {
            return Ok(false);
        }
        let values = self.read().await?;
        let exists = !values.is_empty();
        self.read_ahead = Some(values);
        Ok(exists)
    }

    async fn log(&mut self, create: bool) -> Result<&mut TopicLog> {
        // Debezium: KafkaSchemaHistory.initializeStorage. The history must never lose its beginning.
        let config = [("cleanup.policy", "delete"), ("retention.ms", "9223372036854775807"), ("retention.bytes", "-1")];
        let config = config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let log = match self.log.take() {
            Some(log) => log,
            None => {
                TopicLog::open(LogOptions {
                    topic: self.topic.clone(),
                    client: self.client.clone(),
                    create: create.then_some(NewTopic { partitions: 1, replication_factor: -1, config }),
                })
                .await?
            }
        };
        if log.partitions() != 1 {
            return Err(ConnectError::config(format!(
                "the schema history topic '{}' has {} partitions, but its records need one order: use a topic with one partition",
                self.topic,
                log.partitions()
            )));
        }
        Ok(self.log.insert(log))
    }

    /// The values of all records, from the first on.
    async fn read(&mut self) -> Result<Vec<Bytes>> {
        if let Some(values) = self.read_ahead.take() {
            return Ok(values);
        }
        // A fresh log starts at the beginning.
        self.log = None;
        let records = self.log(false).await?.read_to_end().await?;
        Ok(records.into_iter().filter_map(|record| record.value).collect())
    }
}
