//! Runs the task against a storage that fails or crashes at every single call, and counts the records in the files.

use std::collections::BTreeMap;
use std::sync::Arc;

use apache_avro::types::Value as Avro;
use parking_lot::Mutex;

use super::config::{HdfsSinkConfig, hdfs2_definition};
use super::file_name::{TopicPaths, committed_range, hdfs_path};
use super::storage::memory::{Fault, MemoryDisk, MemoryStorage};
use super::task::HdfsSinkTask;
use crate::config::ConfigMap;
use crate::data::logical::plain;
use crate::data::{ConnectRecord, Schema, SchemaAndValue, SchemaBuilder, SchemaKind, SinkRecord, TopicPartition, Value};
use crate::plugin::sink_task::SinkRequests;
use crate::plugin::{Result, SinkOffsets, SinkTask, SinkTaskContext};

const TOPIC: &str = "test-topic";
const DEFAULT: &[(&str, &str)] = &[("flush.size", "3")];
const FIELD: &[(&str, &str)] = &[
    ("flush.size", "6"),
    ("partitioner.class", "io.confluent.connect.storage.partitioner.FieldPartitioner"),
    ("partition.field.name", "group"),
    ("schema.compatibility", "BACKWARD"),
];

pub fn config(settings: &[(&str, &str)]) -> HdfsSinkConfig {
    let mut config: ConfigMap = [("hdfs.url", "hdfs://nn:8020"), ("retry.backoff.ms", "0")].into_iter().collect();
    for (key, value) in settings {
        config.set(*key, *value);
    }
    HdfsSinkConfig::parse(hdfs2_definition(), &config).unwrap()
}

pub fn partition(number: i32) -> TopicPartition {
    TopicPartition::new(TOPIC, number)
}

pub fn schema() -> Arc<Schema> {
    SchemaBuilder::structure([("offset", plain(SchemaKind::Int64, false)), ("group", plain(SchemaKind::String, false))])
        .name("row")
        .version(1)
        .build()
}

pub fn record(partition: i32, offset: i64, value: SchemaAndValue) -> SinkRecord {
    let topic: Arc<str> = TOPIC.into();
    SinkRecord {
        record: ConnectRecord {
            topic: topic.clone(),
            partition: Some(partition),
            kafka_offset: None,
            key: SchemaAndValue::NULL,
            value,
            timestamp_ms: Some(offset),
            headers: Default::default(),
        },
        kafka_topic: topic,
        kafka_partition: partition,
        kafka_offset: offset,
        raw: None,
    }
}

pub fn context() -> SinkTaskContext {
    let requests = Arc::new(Mutex::new(SinkRequests::default()));
    SinkTaskContext { connector: "c".into(), task: 0, reporter: None, requests }
}

/// Kafka and the worker around a task: log, group offsets, consumer position.
pub struct Worker {
    pub disk: MemoryDisk,
    settings: Vec<(String, String)>,
    partitions: i32,
    records: i64,
    schema: Arc<Schema>,
    group: SinkOffsets,
    pub restarts: usize,
}

impl Worker {
    pub fn new(settings: &[(&str, &str)], partitions: i32, records: i64) -> Self {
        Self {
            disk: MemoryDisk::default(),
            settings: settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            partitions,
            records,
            schema: schema(),
            group: SinkOffsets::new(),
            restarts: 0,
        }
    }

    fn row(&self, partition: i32, offset: i64) -> SinkRecord {
        let group = ["a", "b", "c"][usize::try_from(offset % 3).unwrap()];
        let value = SchemaAndValue::new(self.schema.clone(), Value::Struct([Value::Int64(offset), Value::from(group)].into()));
        record(partition, offset, value)
    }

    /// The temporary files that are there.
    pub fn temps(&self) -> Vec<String> {
        self.disk.files().into_keys().filter(|path| path.contains("/+tmp/")).collect()
    }

    /// Lets more records come and a task commit them without a fault. What the tasks before it left has to be gone then.
    async fn check_clean(&mut self, what: &str) {
        self.disk.no_more_faults();
        let before = self.restarts;
        self.records += 24;
        self.run().await;
        self.check(what);
        assert_eq!(self.restarts, before);
        assert!(self.temps().is_empty(), "{what}: {:?}\n{}", self.temps(), self.disk.log().join("\n"));
    }

    /// Runs tasks, one after the other if they crash, until everything is committed.
    pub async fn run(&mut self) {
        loop {
            assert!(self.restarts < 10, "the task never gets through:\n{}", self.disk.log().join("\n"));
            let storage = self.disk.client();
            match self.run_one(&storage).await {
                Ok(()) if !storage.crashed() => return,
                Ok(()) => {}
                Err(error) => assert!(storage.crashed(), "{}\n{}", error.trace(), self.disk.log().join("\n")),
            }
            self.restarts += 1;
        }
    }

    async fn run_one(&mut self, storage: &Arc<MemoryStorage>) -> Result<()> {
        let settings: Vec<_> = self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let context = context();
        let mut task = HdfsSinkTask::on(storage.clone(), config(&settings), context.clone())?;
        let partitions: Vec<_> = (0..self.partitions).map(partition).collect();
        let mut consumer = Consumer::new(&partitions, &self.group, self.records);
        task.open(&partitions).await?;
        consumer.obey(&context);
        for round in 0..500 {
            let mut batch = Vec::new();
            for partition in &partitions {
                batch.extend(consumer.poll(partition, 4).into_iter().map(|offset| self.row(partition.partition, offset)));
            }
            task.put(&mut batch).await?;
            assert!(batch.is_empty());
            consumer.obey(&context);
            // Lets a commit that runs beside go on.
            for _ in 0..round % 4 {
                tokio::task::yield_now().await;
            }
            if storage.crashed() {
                return Ok(());
            }
            if round % 2 == 0 {
                let offsets = task.pre_commit(&SinkOffsets::new()).await?;
                self.check_promise(&offsets);
                self.group.extend(offsets);
                consumer.obey(&context);
                if self.group.len() == partitions.len() && self.group.values().all(|offset| *offset == self.records) {
                    task.close(&partitions).await?;
                    return Box::new(task).stop().await;
                }
            }
        }
        panic!("the task does not come to its end: {:?}\n{}", self.group, self.disk.log().join("\n"));
    }

    /// Offsets given to the group must be in committed files already.
    fn check_promise(&self, offsets: &SinkOffsets) {
        for (partition, offset) in offsets {
            let committed = self.committed(partition.partition);
            for needed in 0..*offset {
                assert!(committed.contains_key(&needed), "{partition}: offset {needed} is promised but in no file");
            }
        }
    }

    /// How often each offset of a partition is in committed files, by the files' contents.
    pub fn committed(&self, number: i32) -> BTreeMap<i64, usize> {
        let mut counts = BTreeMap::new();
        for (path, bytes) in self.disk.files() {
            let Some(range) = committed_range(&path, &partition(number)).filter(|_| !path.contains("+tmp")) else { continue };
            let offsets: Vec<i64> = read(&bytes).into_iter().map(|(offset, _)| offset).collect();
            assert_eq!((offsets[0], offsets[offsets.len() - 1]), (range.start, range.end), "{path}");
            for offset in offsets {
                *counts.entry(offset).or_insert(0) += 1;
            }
        }
        counts
    }

    /// Checks that every record is in exactly one file.
    pub fn check(&self, what: &str) {
        for number in 0..self.partitions {
            let expected: BTreeMap<i64, usize> = (0..self.records).map(|offset| (offset, 1)).collect();
            let committed = self.committed(number);
            assert_eq!(committed, expected, "{what}, partition {number}:\n{}", self.disk.log().join("\n"));
        }
    }
}

/// Offsets and groups of a file's rows, by a reader that is not ours.
pub fn read(bytes: &[u8]) -> Vec<(i64, String)> {
    let rows = apache_avro::Reader::new(bytes).unwrap().map(|row| match row.unwrap() {
        Avro::Record(fields) => match (&fields[0].1, &fields[1].1) {
            (Avro::Long(offset), Avro::String(group)) => (*offset, group.clone()),
            other => panic!("unexpected row {other:?}"),
        },
        other => panic!("unexpected row {other:?}"),
    });
    rows.collect()
}

struct Consumer {
    positions: BTreeMap<TopicPartition, i64>,
    paused: Vec<TopicPartition>,
    end: i64,
}

impl Consumer {
    fn new(partitions: &[TopicPartition], group: &SinkOffsets, end: i64) -> Self {
        let positions = partitions.iter().map(|partition| (partition.clone(), group.get(partition).copied().unwrap_or(0)));
        Self { positions: positions.collect(), paused: Vec::new(), end }
    }

    fn obey(&mut self, context: &SinkTaskContext) {
        let requests = std::mem::take(&mut *context.requests.lock());
        self.positions.extend(requests.rewind);
        self.paused.retain(|partition| !requests.resume.contains(partition));
        self.paused.extend(requests.pause);
    }

    fn poll(&mut self, partition: &TopicPartition, most: i64) -> Vec<i64> {
        if self.paused.contains(partition) {
            return Vec::new();
        }
        let position = self.positions.get_mut(partition).unwrap();
        let offsets: Vec<_> = (*position..self.end.min(*position + most)).collect();
        *position += offsets.len() as i64;
        offsets
    }
}

#[tokio::test]
async fn records_are_written_once_when_nothing_fails() {
    for settings in [DEFAULT, FIELD] {
        let mut worker = Worker::new(settings, 2, 12);
        worker.run().await;
        worker.check("no fault");
        assert_eq!(worker.restarts, 0);
        assert!(worker.temps().is_empty(), "{:?}", worker.temps());
    }
}

#[tokio::test]
async fn records_are_written_once_whatever_single_call_fails() {
    for settings in [DEFAULT, FIELD] {
        let mut plain = Worker::new(settings, 1, 12);
        plain.run().await;
        for call in 0..plain.disk.calls() {
            for fault in Fault::ALL {
                let mut worker = Worker::new(settings, 1, 12);
                worker.disk.fault(call, fault);
                worker.run().await;
                let what = format!("{fault:?} at call {call}");
                worker.check(&what);
                worker.check_clean(&what).await;
            }
        }
    }
}

#[tokio::test]
async fn records_are_written_once_when_recovery_fails_too() {
    let mut plain = Worker::new(FIELD, 1, 12);
    plain.run().await;
    let calls = plain.disk.calls();
    for first in 0..calls {
        for second in first + 1..first + 18 {
            for (one, two) in [
                (Fault::CrashAfter, Fault::CrashAfter),
                (Fault::CrashWithin, Fault::Fail),
                (Fault::LoseAnswer, Fault::LoseAnswer),
                (Fault::Fail, Fault::CrashWithin),
            ] {
                let mut worker = Worker::new(FIELD, 1, 12);
                worker.disk.fault(first, one);
                worker.disk.fault(second, two);
                worker.run().await;
                let what = format!("{one:?} at call {first}, {two:?} at call {second}");
                worker.check(&what);
                worker.check_clean(&what).await;
            }
        }
    }
}

#[tokio::test]
async fn a_slow_lease_is_waited_for() {
    let mut worker = Worker::new(DEFAULT, 1, 12);
    worker.disk.slow_leases();
    worker.disk.fault(20, Fault::CrashAfter);
    worker.run().await;
    worker.check("slow lease");
    assert_eq!(worker.restarts, 1);
}

const JAVAS: &str = "/topics/+tmp/test-topic/partition=0/0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3_tmp.avro";

/// The name of a temporary file of ours, of a partition whose log is in this directory.
fn ours(logs_dir: &str, number: i32) -> String {
    let paths = TopicPaths::new("hdfs://nn:8020", "topics".to_owned(), logs_dir.to_owned(), "/", TOPIC);
    hdfs_path(&paths.temp_file("partition=0", number, ".avro"))
}

#[tokio::test]
async fn only_what_tasks_of_the_partition_left_behind_is_deleted() {
    let mut worker = Worker::new(DEFAULT, 2, 24);
    let left: Vec<_> = (0..2).flat_map(|number| [ours("logs", number), ours("logs", number)]).collect();
    let foreign = [ours("logs", 2), ours("other-logs", 0), JAVAS.to_owned()];
    for path in left.iter().chain(&foreign) {
        worker.disk.write(path, b"data".to_vec());
    }
    worker.run().await;
    worker.check("with files left behind");
    let mut expected = foreign.to_vec();
    expected.sort();
    assert_eq!(worker.temps(), expected);
}

#[tokio::test]
async fn files_of_a_partition_without_its_log_stay_for_the_user_to_see() {
    let mut worker = Worker::new(DEFAULT, 1, 12);
    worker.run().await;
    worker.disk.remove("/logs/test-topic/0/log");
    worker.disk.remove("/logs/test-topic/0/log.1");
    let left = ours("logs", 0);
    worker.disk.write(&left, b"the only copy, perhaps".to_vec());
    worker.records += 24;
    worker.run().await;
    worker.check("without a log");
    assert_eq!(worker.temps(), [left]);
    worker.check_clean("one more start").await;
}

/// A task and its consumer, among others that believe to own the partition, too.
struct Owner {
    task: HdfsSinkTask,
    context: SinkTaskContext,
    consumer: Consumer,
}

impl Owner {
    async fn start(worker: &Worker) -> Self {
        let context = context();
        let mut task = HdfsSinkTask::on(worker.disk.zombie(), config(DEFAULT), context.clone()).unwrap();
        task.open(&[partition(0)]).await.unwrap();
        let consumer = Consumer::new(&[partition(0)], &SinkOffsets::new(), worker.records);
        Self { task, context, consumer }
    }

    async fn put(&mut self, worker: &Worker, most: i64) {
        self.consumer.obey(&self.context);
        let mut batch = self.consumer.poll(&partition(0), most).into_iter().map(|offset| worker.row(0, offset)).collect();
        self.task.put(&mut batch).await.unwrap();
    }

    async fn pre_commit(&mut self, worker: &Worker) {
        let offsets = self.task.pre_commit(&SinkOffsets::new()).await.unwrap();
        worker.check_promise(&offsets);
        self.consumer.obey(&self.context);
    }

    /// Lets everything beside the task come to its end.
    async fn rest(&mut self, worker: &Worker) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.put(worker, 0).await;
    }
}

/// A task that lost its partition and does not know it may still commit its files, until somebody else has committed.
#[tokio::test]
async fn files_that_another_task_may_still_commit_are_left_alone() {
    let mut worker = Worker::new(DEFAULT, 1, 12);
    let mut old = Owner::start(&worker).await;
    old.put(&worker, 2).await;
    let open = worker.temps();
    assert_eq!(open.len(), 1);

    let mut new = Owner::start(&worker).await;
    new.rest(&worker).await;
    assert_eq!(worker.temps(), open, "the old task may come back and commit it");
    new.put(&worker, 3).await;
    new.rest(&worker).await;
    assert_eq!(worker.committed(0).len(), 3);
    new.rest(&worker).await;
    assert!(worker.temps().is_empty(), "{:?}", worker.temps());

    for owner in [&mut old, &mut new] {
        for _ in 0..20 {
            owner.put(&worker, 4).await;
            owner.rest(&worker).await;
            owner.pre_commit(&worker).await;
        }
    }
    worker.check("the old task goes on");
    drop((old, new));
    worker.check_clean("after both").await;
}

/// Owners come without the end of those before them, and end without giving anything up.
#[tokio::test]
async fn owners_that_come_and_go_unseen_do_not_write_a_record_twice() {
    for step in [1, 2, 3, 5, 7, 11, 23] {
        let mut worker = Worker::new(DEFAULT, 1, 150);
        let mut owners = vec![Owner::start(&worker).await, Owner::start(&worker).await];
        for round in 0..600 {
            if round % (10 + step) == 0 {
                owners[(round / 3) % 2] = Owner::start(&worker).await;
            }
            let owner = &mut owners[(round * step / 3) % 2];
            owner.put(&worker, 1 + (round % 5) as i64).await;
            for _ in 0..round % 3 {
                tokio::task::yield_now().await;
            }
            owner.pre_commit(&worker).await;
        }
        worker.check(&format!("step {step}"));
        drop(owners);
        worker.check_clean(&format!("step {step}")).await;
    }
}

/// Two tasks that both believe to own the partition: each takes the log from the other again and again.
#[tokio::test]
async fn two_owners_of_a_partition_do_not_write_a_record_twice() {
    let worker = Worker::new(DEFAULT, 1, 60);
    let mut owners = [Owner::start(&worker).await, Owner::start(&worker).await];
    for round in 0..1000 {
        let owner = &mut owners[(round * 7 / 3) % 2];
        owner.put(&worker, 5).await;
        for _ in 0..round % 3 {
            tokio::task::yield_now().await;
        }
        owner.pre_commit(&worker).await;
    }
    worker.check("two owners");
}
