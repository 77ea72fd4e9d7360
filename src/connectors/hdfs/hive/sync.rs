//! Queues metastore work of one sink task and sees it through, in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rand::Rng;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::metastore::{Error, Metastore};
use super::partition_name;
use super::table_schema::{self, PartitionField, TableDefinition, TableFormat, table_field};
use super::thrift::{Struct, Value};
use crate::data::Schema;
use crate::plugin::{ConnectError, Result};

/// Work waits here while the metastore is slow; a full queue makes the sink wait.
const QUEUE: usize = 1024;
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(10);
/// How long a metastore may go on failing at one call before the call is given up.
const PATIENCE: Duration = Duration::from_secs(60);
const LOG_INTERVAL: Duration = Duration::from_secs(60);
const DATABASE_DESCRIPTION: &str = "Database created by Kafka Connect";

/// Where tables go and how they are named.
#[derive(Clone)]
pub struct SyncOptions {
    /// `thrift://host:port` each.
    pub metastore_uris: Vec<String>,
    pub database: String,
    /// The setting `hive.table.name`, with `${topic}` in it.
    pub table_name: String,
    pub format: TableFormat,
}

/// A handle to the metastore work of one sink task. Dropping it drops what is still queued, as a crash would.
pub struct Sync {
    commands: mpsc::Sender<Command>,
    last_error: Arc<Mutex<Option<String>>>,
    /// Owns the worker; dropping it aborts the worker.
    _worker: JoinSet<()>,
}

enum Command {
    CreateTable { topic: Arc<str>, location: String, schema: Arc<Schema>, partition_fields: Vec<PartitionField> },
    AlterSchema { topic: Arc<str>, schema: Arc<Schema>, partition_fields: Vec<PartitionField>, change: Change },
    AddPartition { topic: Arc<str>, location: String, encoded: String },
    AddMissingPartitions { topic: Arc<str>, location: String, encoded: Vec<String> },
    Flush(oneshot::Sender<()>),
}

/// Which tables are given a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Every table.
    Replace,
    /// A table that has fewer fields and no others.
    AddFields,
}

impl Sync {
    /// Starts the worker; the metastore may be absent until there is work for it.
    ///
    /// # Errors
    /// `Config` if a metastore address is malformed.
    pub fn start(options: SyncOptions) -> Result<Self> {
        let metastore = Metastore::new(&options.metastore_uris)
            .map_err(|error| ConnectError::config(format!("hive.metastore.uris: {error}")))?;
        let (commands, queue) = mpsc::channel(QUEUE);
        let last_error = Arc::new(Mutex::new(None));
        let worker = Worker { metastore, options, last_error: last_error.clone(), retry_logged: None };
        let mut workers = JoinSet::new();
        workers.spawn(worker.run(queue));
        Ok(Self { commands, last_error, _worker: workers })
    }

    /// Creates the topic's table over `location` (the topic's directory as a URL), unless it exists.
    pub async fn create_table(
        &self,
        topic: &Arc<str>,
        location: &str,
        schema: &Arc<Schema>,
        partition_fields: &[PartitionField],
    ) -> Result<()> {
        let (topic, location, schema) = (topic.clone(), location.to_owned(), schema.clone());
        self.send(Command::CreateTable { topic, location, schema, partition_fields: partition_fields.to_vec() }).await
    }

    /// Gives the topic's table this schema.
    pub async fn alter_schema(&self, topic: &Arc<str>, schema: &Arc<Schema>, partition_fields: &[PartitionField]) -> Result<()> {
        self.alter(topic, schema, partition_fields, Change::Replace).await
    }

    /// Gives the topic's table this schema if it only adds fields to the one that the table has.
    pub async fn add_fields(&self, topic: &Arc<str>, schema: &Arc<Schema>, partition_fields: &[PartitionField]) -> Result<()> {
        self.alter(topic, schema, partition_fields, Change::AddFields).await
    }

    async fn alter(
        &self,
        topic: &Arc<str>,
        schema: &Arc<Schema>,
        partition_fields: &[PartitionField],
        change: Change,
    ) -> Result<()> {
        let (topic, schema) = (topic.clone(), schema.clone());
        self.send(Command::AlterSchema { topic, schema, partition_fields: partition_fields.to_vec(), change }).await
    }

    /// Registers one partition directory, `location` being the topic's directory. The directory should exist:
    /// a metastore that has to create it owns it, and deletes it when its own transaction fails.
    pub async fn add_partition(&self, topic: &Arc<str>, location: &str, encoded_partition: &str) -> Result<()> {
        let (topic, location) = (topic.clone(), location.to_owned());
        self.send(Command::AddPartition { topic, location, encoded: encoded_partition.to_owned() }).await
    }

    /// Registers those of these directories that the table does not have yet.
    pub async fn add_missing_partitions(&self, topic: &Arc<str>, location: &str, encoded: Vec<String>) -> Result<()> {
        self.send(Command::AddMissingPartitions { topic: topic.clone(), location: location.to_owned(), encoded }).await
    }

    /// Waits until all work queued so far is done; false if the limit passed first.
    pub async fn flush(&self, limit: Duration) -> bool {
        let (done, flushed) = oneshot::channel();
        let wait = async { self.commands.send(Command::Flush(done)).await.is_ok() && flushed.await.is_ok() };
        timeout(limit, wait).await.unwrap_or(false)
    }

    /// The newest failure that is not yet overcome, for status and logs.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }

    async fn send(&self, command: Command) -> Result<()> {
        self.commands.send(command).await.map_err(|_| ConnectError::fatal("the Hive worker of this task has ended"))
    }
}

struct Worker {
    metastore: Metastore,
    options: SyncOptions,
    last_error: Arc<Mutex<Option<String>>>,
    retry_logged: Option<Instant>,
}

impl Worker {
    async fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(command) = queue.recv().await {
            if let Command::Flush(done) = command {
                // The waiting side may have given up.
                let _ = done.send(());
                continue;
            }
            self.see_through(&command).await;
        }
    }

    /// Repeats a command until the metastore answers and is able to. A refusal is final: the data is safe, so it is reported and the
    /// next command runs (Connect's HDFS sink swallows it).
    async fn see_through(&mut self, command: &Command) {
        let mut delay = FIRST_RETRY;
        let started = Instant::now();
        loop {
            match self.execute(command).await {
                Ok(()) => {
                    if self.retry_logged.take().is_some() {
                        tracing::info!("the Hive metastore answers again");
                    }
                    *self.last_error.lock() = None;
                    return;
                }
                Err(Failure::Metastore(error)) if error.is_absence() || (error.may_pass() && started.elapsed() < PATIENCE) => {
                    let message = ConnectError::retriable(error.to_string()).caused_by(error).trace();
                    if self.retry_logged.is_none_or(|at| at.elapsed() > LOG_INTERVAL) {
                        tracing::warn!("{command}: {message}; trying again");
                        self.retry_logged = Some(Instant::now());
                    }
                    *self.last_error.lock() = Some(message);
                    let jitter = rand::rng().random_range(0.5..1.0);
                    sleep(delay.mul_f64(jitter)).await;
                    delay = (delay * 2).min(LONGEST_RETRY);
                }
                Err(error) => {
                    tracing::error!("{command}: {error}; the table needs repair by hand, the files are not affected");
                    *self.last_error.lock() = Some(error.to_string());
                    return;
                }
            }
        }
    }

    async fn execute(&mut self, command: &Command) -> std::result::Result<(), Failure> {
        match command {
            Command::CreateTable { topic, location, schema, partition_fields } => {
                self.create_table(topic, location, schema, partition_fields).await
            }
            Command::AlterSchema { topic, schema, partition_fields, change } => {
                let name = self.table_name(topic);
                let mut table = self.metastore.table(&self.options.database, &name).await?;
                let before = table.clone();
                table_schema::evolve(&mut table, schema, partition_fields, &self.options.format)?;
                if table != before && (*change == Change::Replace || table_schema::only_adds_fields(&before, &table)) {
                    self.metastore.alter_table(&self.options.database, &name, table).await?;
                }
                Ok(())
            }
            Command::AddPartition { topic, location, encoded } => self.add_partition(topic, location, encoded).await,
            Command::AddMissingPartitions { topic, location, encoded } => {
                let known = match self.metastore.partition_names(&self.options.database, &self.table_name(topic)).await {
                    Ok(names) => names.into_iter().map(|name| partition_name::parse(&name)).collect::<BTreeSet<_>>(),
                    Err(Error::NoSuchObject(_)) => BTreeSet::new(),
                    Err(error) => return Err(error.into()),
                };
                for encoded in encoded {
                    if !known.contains(&partition_name::parse(encoded)) {
                        self.add_partition(topic, location, encoded).await?;
                    }
                }
                Ok(())
            }
            Command::Flush(_) => Ok(()),
        }
    }

    async fn create_table(
        &mut self,
        topic: &str,
        location: &str,
        schema: &Schema,
        partition_fields: &[PartitionField],
    ) -> std::result::Result<(), Failure> {
        tolerate_existing(self.metastore.create_database(&self.options.database, DATABASE_DESCRIPTION).await)?;
        let name = self.table_name(topic);
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let definition = TableDefinition {
            database: &self.options.database,
            name: &name,
            location,
            partition_fields,
            schema,
            created_at_s: i32::try_from(seconds).unwrap_or(i32::MAX),
        };
        let table = table_schema::table(&definition, &self.options.format)?;
        tolerate_existing(self.metastore.create_table(table).await)?;
        Ok(())
    }

    async fn add_partition(&mut self, topic: &str, location: &str, encoded: &str) -> std::result::Result<(), Failure> {
        let parts = partition_name::parse(encoded);
        let name = self.table_name(topic);
        let hive_name = partition_name::hive_name(&parts);
        if hive_name == encoded {
            return Ok(tolerate_existing(
                self.metastore.append_partition_by_name(&self.options.database, &name, &hive_name).await,
            )?);
        }
        // The directory is not where Hive would look by itself, so the partition says where it is.
        let table = self.metastore.table(&self.options.database, &name).await?;
        let values = partition_values(&table, &parts, &name, encoded)?;
        let mut storage = table.get(table_field::STORAGE).and_then(Value::as_struct).cloned().unwrap_or_default();
        storage.set(table_field::STORAGE_LOCATION, Value::text(format!("{location}/{encoded}")));
        let partition = Struct::new([
            (1, Value::texts(values)),
            (2, Value::text(self.options.database.as_str())),
            (3, Value::text(name)),
            (6, Value::Struct(storage)),
            (7, Value::text_map::<&str, &str>([])),
        ]);
        Ok(tolerate_existing(self.metastore.add_partition(partition).await)?)
    }

    /// Connect: the topic goes into `hive.table.name`; dots and dashes, which Hive does not allow, become underscores.
    fn table_name(&self, topic: &str) -> String {
        self.options.table_name.replace("${topic}", topic).replace(['.', '-'], "_")
    }
}

fn partition_values(
    table: &Struct,
    parts: &[(String, String)],
    name: &str,
    encoded: &str,
) -> std::result::Result<Vec<String>, Failure> {
    let keys = table.get(table_field::PARTITION_KEYS).map(Value::as_list).unwrap_or_default();
    let keys = keys.iter().filter_map(|key| key.as_struct().and_then(|key| key.text(1)));
    keys.map(|key| {
        let value = parts.iter().find(|(part, _)| part == key).map(|(_, value)| value.clone());
        value.ok_or_else(|| {
            Failure::Connect(ConnectError::fatal(format!(
                "directory '{encoded}' has no value for partition key '{key}' of table {name}"
            )))
        })
    })
    .collect()
}

fn tolerate_existing(result: std::result::Result<(), Error>) -> std::result::Result<(), Error> {
    match result {
        Err(Error::AlreadyExists(_)) => Ok(()),
        other => other,
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Metastore(#[from] Error),
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CreateTable { topic, .. } => write!(f, "creating the Hive table of topic '{topic}'"),
            Self::AlterSchema { topic, .. } => write!(f, "changing the Hive table of topic '{topic}'"),
            Self::AddPartition { topic, encoded, .. } => {
                write!(f, "adding partition '{encoded}' to the Hive table of topic '{topic}'")
            }
            Self::AddMissingPartitions { topic, .. } => {
                write!(f, "adding missing partitions to the Hive table of topic '{topic}'")
            }
            Self::Flush(_) => f.write_str("finishing the Hive work"),
        }
    }
}
