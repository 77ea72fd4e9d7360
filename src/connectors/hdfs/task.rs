//! The sink task: hands records to the writers of their topic partitions and tells which offsets are safe.

use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use async_trait::async_trait;
use futures::{StreamExt, stream};

use super::config::HdfsSinkConfig;
use super::format;
use super::hive::{Sync, SyncOptions, TableFormat};
use super::partition_writer::PartitionWriter;
use super::partitioner::wall_clock_ms;
use super::storage::Storage;
use super::storage::hadoop::HadoopStorage;
use super::topic::{Hive, Sink, Topic};
use crate::data::{SinkRecord, TopicPartition};
use crate::plugin::{ConnectError, Result, SinkOffsets, SinkTask, SinkTaskContext};

/// Partitions that are recovered at the same time.
const CONCURRENT_RECOVERIES: usize = 16;

pub struct HdfsSinkTask {
    sink: Arc<Sink>,
    context: SinkTaskContext,
    topics: AHashMap<Arc<str>, Arc<Topic>>,
    writers: Vec<Slot>,
    by_partition: AHashMap<TopicPartition, usize>,
}

/// A partition with the records of one `put`.
struct Slot {
    writer: PartitionWriter,
    records: Vec<SinkRecord>,
}

impl HdfsSinkTask {
    /// Connects to HDFS. A NameNode that does not answer yet is waited for by `open` and `put`.
    ///
    /// # Errors
    /// `Config` if the settings cannot work.
    pub async fn start(config: HdfsSinkConfig, context: SinkTaskContext) -> Result<Self> {
        let storage = HadoopStorage::connect(config.hadoop.clone()).await?;
        Self::on(Arc::new(storage), config, context)
    }

    /// A task on any storage.
    pub fn on(storage: Arc<dyn Storage>, config: HdfsSinkConfig, context: SinkTaskContext) -> Result<Self> {
        let format = format::of_class(&config)?;
        let hive = match &config.hive {
            None => None,
            Some(settings) => {
                let text_of = format.clone();
                let sync = Sync::start(SyncOptions {
                    metastore_uris: settings.metastore_uris.clone(),
                    database: settings.database.clone(),
                    table_name: settings.table_name.clone(),
                    format: TableFormat::Avro { schema_text: Arc::new(move |schema| text_of.schema_text(schema)) },
                })?;
                Some(Hive { sync, partition_fields: config.partitioner.hive_fields() })
            }
        };
        let sink = Arc::new(Sink { config, storage, format, hive });
        Ok(Self { sink, context, topics: AHashMap::new(), writers: Vec::new(), by_partition: AHashMap::new() })
    }

    fn topic(&mut self, name: &Arc<str>) -> Result<Arc<Topic>> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(topic.clone());
        }
        let topic = Arc::new(Topic::new(self.sink.clone(), name.clone())?);
        self.topics.insert(name.clone(), topic.clone());
        Ok(topic)
    }

    fn index_partitions(&mut self) {
        self.by_partition =
            self.writers.iter().enumerate().map(|(index, slot)| (slot.writer.partition().clone(), index)).collect();
    }

    fn distribute(&mut self, batch: &mut Vec<SinkRecord>) -> Result<()> {
        let mut last: Option<(Arc<str>, i32, usize)> = None;
        for record in batch.drain(..) {
            let index = match &last {
                Some((topic, partition, index))
                    if *partition == record.kafka_partition
                        && (Arc::ptr_eq(topic, &record.kafka_topic) || *topic == record.kafka_topic) =>
                {
                    *index
                }
                _ => {
                    let partition = TopicPartition::new(record.kafka_topic.clone(), record.kafka_partition);
                    let index = *self.by_partition.get(&partition).ok_or_else(|| {
                        ConnectError::fatal(format!("got a record of {partition}, which is not assigned to this task"))
                    })?;
                    last = Some((partition.topic, partition.partition, index));
                    index
                }
            };
            self.writers[index].records.push(record);
        }
        Ok(())
    }

    /// Takes a batch at this wall-clock time. All partitions are written at once: while one waits for HDFS, others go on.
    pub(super) async fn put_at(&mut self, batch: &mut Vec<SinkRecord>, now_ms: i64) -> Result<()> {
        self.distribute(batch)?;
        let mut writes: stream::FuturesUnordered<_> =
            self.writers.iter_mut().map(|slot| Box::pin(slot.writer.write(&mut slot.records, now_ms))).collect();
        let mut result = Ok(());
        while let Some(written) = writes.next().await {
            if result.is_ok() {
                result = written;
            }
        }
        result
    }

    fn shutdown_limit(&self) -> Duration {
        Duration::from_millis(self.sink.config.shutdown_timeout_ms)
    }
}

#[async_trait]
impl SinkTask for HdfsSinkTask {
    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        // What other tasks committed meanwhile has to be seen, so the topics' listings start anew.
        self.topics.clear();
        let mut opened = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let topic = self.topic(&partition.topic)?;
            opened.push(PartitionWriter::new(topic, partition.clone(), self.context.clone()));
        }
        let now_ms = wall_clock_ms();
        let starts: Vec<_> = opened.iter_mut().map(|writer| writer.start(now_ms)).collect();
        let started: Vec<_> = stream::iter(starts).buffer_unordered(CONCURRENT_RECOVERIES).collect().await;
        started.into_iter().collect::<Result<()>>()?;
        for writer in opened {
            self.writers.retain(|slot| slot.writer.partition() != writer.partition());
            self.writers.push(Slot { writer, records: Vec::new() });
        }
        self.index_partitions();
        for topic in self.topics.values() {
            match topic.reconcile().await {
                Ok(queued) => queued?,
                Err(error) => {
                    tracing::warn!("cannot look for files of topic '{}' that Hive does not know yet: {error}", topic.name);
                }
            }
        }
        Ok(())
    }

    async fn put(&mut self, batch: &mut Vec<SinkRecord>) -> Result<()> {
        self.put_at(batch, wall_clock_ms()).await
    }

    async fn pre_commit(&mut self, _consumed: &SinkOffsets) -> Result<SinkOffsets> {
        let now_ms = wall_clock_ms();
        let mut offsets = SinkOffsets::new();
        for slot in &mut self.writers {
            if let Some(offset) = slot.writer.committed_offset(now_ms).await? {
                offsets.insert(slot.writer.partition().clone(), offset);
            }
        }
        Ok(offsets)
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let limit = self.shutdown_limit();
        let now_ms = wall_clock_ms();
        let (mut closing, staying): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.writers).into_iter().partition(|slot| partitions.contains(slot.writer.partition()));
        self.writers = staying;
        self.index_partitions();
        let closings: Vec<_> = closing.iter_mut().map(|slot| slot.writer.close(limit, now_ms)).collect();
        // All at once: together they have the time of one.
        let closed = futures::future::join_all(closings).await;
        closed.into_iter().collect()
    }

    async fn stop(mut self: Box<Self>) -> Result<()> {
        let partitions: Vec<_> = self.by_partition.keys().cloned().collect();
        let closed = self.close(&partitions).await;
        if let Some(hive) = &self.sink.hive
            && !hive.sync.flush(self.shutdown_limit()).await
        {
            tracing::warn!("Hive work is left undone; the next start of the task does it");
        }
        closed
    }
}
