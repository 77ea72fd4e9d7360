//! What the partitions of one topic share: where its files go, what is there already, and its Hive table.
//!
//! Source: contracts/hdfs-sink.md, section 10.1.

use std::collections::BTreeSet;
use std::sync::Arc;

use ahash::AHashSet;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::commit::TopicListing;
use super::config::HdfsSinkConfig;
use super::file_name::{OffsetRange, TopicPaths, committed_range, hdfs_path, temp_mark};
use super::format::FileFormat;
use super::hive::{PartitionField, Sync};
use super::storage::{self, Storage};
use crate::data::{Schema, TopicPartition};
use crate::plugin::Result;

/// Partitions of a table remembered as registered. Forgetting one only means to register it again.
const KNOWN_PARTITIONS: usize = 100_000;
/// Temporary files looked at after one assignment; the rest waits for the next one.
const TEMPS: usize = 10_000;

/// What all topics of a task share.
pub struct Sink {
    pub config: HdfsSinkConfig,
    pub storage: Arc<dyn Storage>,
    pub format: Arc<dyn FileFormat>,
    pub hive: Option<Hive>,
}

pub struct Hive {
    pub sync: Sync,
    pub partition_fields: Vec<PartitionField>,
}

pub struct Topic {
    pub sink: Arc<Sink>,
    pub name: Arc<str>,
    pub paths: Arc<TopicPaths>,
    /// Made anew when partitions are assigned.
    pub listing: TopicListing,
    /// Our temporary files at the first look after partitions were assigned.
    temps: OnceCell<Vec<String>>,
    table_schema: Mutex<Option<Arc<Schema>>>,
    known_partitions: Mutex<AHashSet<Arc<str>>>,
}

impl Topic {
    /// # Errors
    /// `Config` if the topic does not fit the directory settings.
    pub fn new(sink: Arc<Sink>, name: Arc<str>) -> Result<Self> {
        let config = &sink.config;
        let (topics_dir, logs_dir) = config.directories(&name)?;
        let paths = TopicPaths::new(&config.hadoop.url, topics_dir, logs_dir, &config.directory_delimiter, &name);
        Ok(Self {
            paths: Arc::new(paths),
            name,
            listing: TopicListing::default(),
            temps: OnceCell::new(),
            table_schema: Mutex::new(None),
            known_partitions: Mutex::new(AHashSet::new()),
            sink,
        })
    }

    /// The temporary files about which a partition's log decides, those of this task included.
    pub async fn temps_of(&self, partition: i32) -> Vec<String> {
        let temps = self.temps.get_or_init(|| self.list_temps()).await;
        temps.iter().filter(|path| self.paths.is_temp_of(path, partition)).cloned().collect()
    }

    async fn list_temps(&self) -> Vec<String> {
        match self.sink.storage.list(&hdfs_path(&self.paths.temp_directory())).await {
            Ok(files) => files.into_iter().map(|file| file.path).filter(|path| temp_mark(path).is_some()).take(TEMPS).collect(),
            Err(error) => {
                tracing::debug!("did not look for temporary files of topic '{}' that ended tasks left: {error}", self.name);
                Vec::new()
            }
        }
    }

    /// Gives the topic's Hive table the schema of files to come.
    pub async fn use_schema(&self, schema: &Arc<Schema>) -> Result<()> {
        let Some(hive) = &self.sink.hive else { return Ok(()) };
        {
            let mut current = self.table_schema.lock();
            if current.as_ref().is_some_and(|current| current == schema || is_newer(current, schema)) {
                return Ok(());
            }
            *current = Some(schema.clone());
        }
        hive.sync.create_table(&self.name, &self.paths.table_location(), schema, &hive.partition_fields).await?;
        hive.sync.alter_schema(&self.name, schema, &hive.partition_fields).await
    }

    /// Registers the directories that got committed files.
    pub async fn register(&self, encoded_partitions: &[Arc<str>]) -> Result<()> {
        let Some(hive) = &self.sink.hive else { return Ok(()) };
        let location = self.paths.table_location();
        for encoded in encoded_partitions {
            if self.is_new_partition(encoded) {
                hive.sync.add_partition(&self.name, &location, encoded).await?;
            }
        }
        Ok(())
    }

    fn is_new_partition(&self, encoded: &Arc<str>) -> bool {
        let mut known = self.known_partitions.lock();
        if known.len() >= KNOWN_PARTITIONS {
            known.clear();
        }
        known.insert(encoded.clone())
    }

    /// Brings the Hive table up to the files that are there: what a crash left undone, or files older than the table.
    pub async fn reconcile(&self) -> storage::Result<Result<()>> {
        let Some(hive) = &self.sink.hive else { return Ok(Ok(())) };
        let directory = hdfs_path(&self.paths.topic_directory());
        let files = self.listing.get_or_try_init(|| self.sink.storage.list(&directory)).await?;
        let committed: Vec<_> = files.iter().filter_map(|file| Some((self.range_of(&file.path)?, &file.path))).collect();
        let Some((_, newest)) = committed.iter().max_by_key(|(range, _)| range.end) else { return Ok(Ok(())) };
        let encoded: BTreeSet<String> = committed.iter().filter_map(|(_, path)| self.paths.encoded_partition_of(path)).collect();
        let Some(stored) = self.sink.format.stored_schema(&*self.sink.storage, newest).await? else { return Ok(Ok(())) };
        let location = self.paths.table_location();
        Ok(self.catch_up(hive, &location, &stored.schema, encoded.into_iter().collect()).await)
    }

    /// The newest file by its offset may be older than a file of another partition, to which the table was fitted
    /// already; so its schema may add to the table and takes nothing away.
    async fn catch_up(&self, hive: &Hive, location: &str, schema: &Arc<Schema>, encoded: Vec<String>) -> Result<()> {
        hive.sync.create_table(&self.name, location, schema, &hive.partition_fields).await?;
        hive.sync.add_fields(&self.name, schema, &hive.partition_fields).await?;
        hive.sync.add_missing_partitions(&self.name, location, encoded).await
    }

    /// The offsets in the name of a committed file of any partition.
    fn range_of(&self, path: &str) -> Option<OffsetRange> {
        let partition = path.rsplit('/').next()?.split('+').nth(1)?.parse().ok()?;
        committed_range(path, &TopicPartition::new(self.name.clone(), partition))
    }
}

fn is_newer(known: &Schema, schema: &Schema) -> bool {
    matches!((known.version, schema.version), (Some(known), Some(version)) if known > version)
}
