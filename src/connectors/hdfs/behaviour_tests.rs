//! What users of the Java connector rely on: which files appear when, and where reading goes on.
//!
//! The vectors are those of contracts/hdfs-sink.md, section 14.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::exactly_once_tests::{config, context, partition, read, record, schema};
use super::file_name::hdfs_path;
use super::storage::memory::{Fault, MemoryDisk};
use super::task::HdfsSinkTask;
use super::wal::{Entry, LogEncoder};
use crate::data::logical::{plain, timestamp};
use crate::data::{Schema, SchemaAndValue, SchemaBuilder, SchemaKind, SinkRecord, TopicPartition, Value};
use crate::plugin::{ConnectError, ErrantRecordReporter, ErrorKind, Result, SinkOffsets, SinkTask, SinkTaskContext};

const FLUSH_3: &[(&str, &str)] = &[("flush.size", "3")];
const LOG: &str = "/logs/test-topic/12/log";
const OLD_LOG: &str = "/logs/test-topic/12/log.1";

struct Run {
    disk: MemoryDisk,
    context: SinkTaskContext,
    task: HdfsSinkTask,
}

impl Run {
    /// A task that owns partition 12.
    async fn start(disk: &MemoryDisk, settings: &[(&str, &str)]) -> Self {
        Self::start_in(disk, settings, context()).await
    }

    async fn start_in(disk: &MemoryDisk, settings: &[(&str, &str)], context: SinkTaskContext) -> Self {
        let mut task = HdfsSinkTask::on(disk.client(), config(settings), context.clone()).unwrap();
        task.open(&[partition(12)]).await.unwrap();
        Self { disk: disk.clone(), context, task }
    }

    async fn put(&mut self, records: Vec<SinkRecord>) -> Result<()> {
        self.put_at(records, 1_000_000).await
    }

    /// Puts records and waits for the commits they cause.
    async fn put_at(&mut self, mut records: Vec<SinkRecord>, now_ms: i64) -> Result<()> {
        self.task.put_at(&mut records, now_ms).await?;
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        self.task.put_at(&mut Vec::new(), now_ms).await
    }

    async fn committed(&mut self) -> Option<i64> {
        self.task.pre_commit(&SinkOffsets::new()).await.unwrap().get(&partition(12)).copied()
    }

    fn rewound(&self) -> Option<i64> {
        self.context.requests.lock().rewind.get(&partition(12)).copied()
    }

    /// The names of the committed files.
    fn files(&self) -> Vec<String> {
        let paths = self.disk.files().into_keys().filter(|path| path.starts_with("/topics/test-topic/"));
        paths.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
    }

    fn temps(&self) -> usize {
        self.disk.files().keys().filter(|path| path.contains("/+tmp/")).count()
    }

    /// First and last offset in the names of the committed files.
    fn ranges(&self) -> Vec<(i64, i64)> {
        let mut ranges: Vec<_> = self
            .files()
            .iter()
            .map(|name| {
                let numbers: Vec<i64> = name.trim_end_matches(".avro").split('+').skip(2).map(|x| x.parse().unwrap()).collect();
                (numbers[0], numbers[1])
            })
            .collect();
        ranges.sort_unstable();
        ranges
    }
}

fn row(offset: i64) -> SinkRecord {
    let value = Value::Struct([Value::Int64(offset), Value::from("a")].into());
    record(12, offset, SchemaAndValue::new(schema(), value))
}

fn rows(offsets: std::ops::Range<i64>) -> Vec<SinkRecord> {
    offsets.map(row).collect()
}

#[tokio::test]
async fn files_have_as_many_records_as_asked_for() {
    let disk = MemoryDisk::default();
    let mut run = Run::start(&disk, FLUSH_3).await;
    run.put(rows(0..7)).await.unwrap();
    assert_eq!(run.files(), ["test-topic+12+0000000000+0000000002.avro", "test-topic+12+0000000003+0000000005.avro"]);
    assert_eq!(run.committed().await, Some(6));
    assert_eq!(run.temps(), 1);
    run.task.close(&[partition(12)]).await.unwrap();
    assert_eq!(run.temps(), 0);
    assert_eq!(run.rewound(), None, "a partition without files keeps the group's offset");
    let run = Run::start(&disk, FLUSH_3).await;
    assert_eq!(run.rewound(), Some(6));
}

#[tokio::test]
async fn names_are_padded_as_asked_for() {
    let mut run = Run::start(&MemoryDisk::default(), &[("flush.size", "3"), ("filename.offset.zero.pad.width", "2")]).await;
    run.put(rows(0..10)).await.unwrap();
    assert_eq!(run.files(), ["test-topic+12+00+02.avro", "test-topic+12+03+05.avro", "test-topic+12+06+08.avro"]);
}

#[tokio::test]
async fn nothing_is_committed_before_its_time() {
    let mut run = Run::start(&MemoryDisk::default(), FLUSH_3).await;
    assert_eq!(run.committed().await, None);
    run.put(rows(5..7)).await.unwrap();
    assert_eq!(run.committed().await, Some(5), "the first record, as in Java");
}

fn entry(start: i64, end: i64) -> Entry {
    Entry {
        temp: format!("hdfs://old-nn:8020/topics//+tmp/test-topic/partition=12/{start}_tmp.avro"),
        target: format!("hdfs://old-nn:8020/topics/test-topic/partition=12/test-topic+12+{start:010}+{end:010}.avro"),
    }
}

fn log(blocks: &[&[Entry]]) -> Vec<u8> {
    let (mut encoder, mut bytes) = LogEncoder::start();
    for block in blocks {
        bytes.extend(encoder.block(block));
    }
    bytes
}

#[tokio::test]
async fn a_decided_commit_is_finished_even_into_new_directories() {
    let disk = MemoryDisk::default();
    let entries: Vec<_> = (0..5).map(|i| entry(i * 10, i * 10 + 9)).collect();
    for entry in &entries {
        disk.write(&hdfs_path(&entry.temp), b"data".to_vec());
    }
    disk.write(LOG, log(&[&entries]));
    let mut run = Run::start(&disk, FLUSH_3).await;
    assert_eq!(run.rewound(), Some(50));
    assert_eq!(run.ranges(), [(0, 9), (10, 19), (20, 29), (30, 39), (40, 49)]);
    assert_eq!(run.temps(), 0);
    run.put(rows(50..53)).await.unwrap();
    assert_eq!(run.ranges().last(), Some(&(50, 52)));
    assert_eq!(run.committed().await, Some(53));
}

#[tokio::test]
async fn the_last_whole_block_tells_where_reading_goes_on() {
    let begun = |bytes: Vec<u8>| bytes[..bytes.len() - 13].to_vec();
    let (first, second) = ([entry(0, 2)], [entry(3, 5)]);
    for (what, current, old, expected) in [
        ("complete, empty, unfinished", Some(begun(log(&[&first, &[], &second]))), None, Some(3)),
        ("torn", Some(log(&[&first, &second])[..log(&[&first]).len() + 40].to_vec()), None, Some(3)),
        ("only the old log", None, Some(log(&[&first, &second])), Some(6)),
        ("an empty log before an old one", Some(log(&[])), Some(log(&[&second])), Some(6)),
        ("no bytes", Some(Vec::new()), Some(log(&[&first])), Some(3)),
        ("nothing", None, None, None),
    ] {
        let disk = MemoryDisk::default();
        for entry in first.iter().chain(&second) {
            disk.write(&hdfs_path(&entry.target), b"data".to_vec());
        }
        for (path, bytes) in [(LOG, current), (OLD_LOG, old)] {
            if let Some(bytes) = bytes {
                disk.write(path, bytes);
            }
        }
        if expected.is_none() {
            disk.remove(&hdfs_path(&first[0].target));
            disk.remove(&hdfs_path(&second[0].target));
        }
        assert_eq!(Run::start(&disk, FLUSH_3).await.rewound(), expected, "{what}");
    }
}

#[tokio::test]
async fn a_damaged_log_without_files_does_not_seek() {
    let disk = MemoryDisk::default();
    let mut damaged = log(&[]);
    damaged.extend([0xFF; 4]);
    damaged.extend([1; 16]);
    disk.write(LOG, damaged);
    assert_eq!(Run::start(&disk, FLUSH_3).await.rewound(), None);
}

#[tokio::test]
async fn entries_without_a_begin_are_moved_but_do_not_count() {
    let disk = MemoryDisk::default();
    let entry = entry(0, 2);
    disk.write(&hdfs_path(&entry.temp), b"data".to_vec());
    let bytes = log(&[std::slice::from_ref(&entry)]);
    let begin = 20..35;
    disk.write(LOG, [&bytes[..begin.start], &bytes[begin.end..]].concat());
    let run = Run::start(&disk, FLUSH_3).await;
    assert_eq!(run.ranges(), [(0, 2)]);
    assert_eq!(run.rewound(), Some(3), "from the listing");
}

#[tokio::test]
async fn a_block_that_java_repeated_without_its_first_files_is_completed() {
    let disk = MemoryDisk::default();
    let (one, two) = (entry(0, 8), entry(1, 5));
    for entry in [&one, &two] {
        disk.write(&hdfs_path(&entry.temp), b"data".to_vec());
    }
    let (mut encoder, mut bytes) = LogEncoder::start();
    let failed = encoder.block(std::slice::from_ref(&one));
    bytes.extend(&failed[..failed.len() - 13]);
    bytes.extend(encoder.block(std::slice::from_ref(&two)));
    disk.write(LOG, bytes);
    let run = Run::start(&disk, FLUSH_3).await;
    assert_eq!((run.ranges(), run.rewound()), (vec![(0, 8), (1, 5)], Some(9)));
}

#[tokio::test]
async fn committed_names_tell_where_reading_goes_on_when_logs_are_gone() {
    let disk = MemoryDisk::default();
    for name in [
        "test-topic+12+3+5.avro",
        "test-topic+12+0+2.parquet",
        "test-topic+11+6+9.avro",
        "test-topic+12+6+9.snappy.parquet",
        "other+12+6+9.avro",
        "junk",
    ] {
        disk.write(&format!("/topics/test-topic/partition=12/{name}"), Vec::new());
    }
    assert_eq!(Run::start(&disk, FLUSH_3).await.rewound(), Some(6));
}

#[tokio::test]
async fn records_of_lost_files_are_read_again() {
    let disk = MemoryDisk::default();
    let (kept, lost) = (entry(3, 7), entry(4, 8));
    disk.write(&hdfs_path(&kept.temp), b"data".to_vec());
    disk.write(LOG, log(&[&[entry(0, 2)], &[kept, lost]]));
    assert_eq!(Run::start(&disk, FLUSH_3).await.rewound(), Some(4));
    assert_eq!(Run::start(&disk, FLUSH_3).await.rewound(), Some(4), "also if the task is started once more");
}

#[tokio::test]
async fn files_that_users_removed_after_their_commit_are_not_missed() {
    let disk = MemoryDisk::default();
    let mut run = Run::start(&disk, FLUSH_3).await;
    run.put(rows(0..3)).await.unwrap();
    run.task.close(&[partition(12)]).await.unwrap();
    let removed = disk.remove("/topics/test-topic/partition=12/test-topic+12+0000000000+0000000002.avro");
    assert!(removed.is_some());
    assert_eq!(Run::start(&disk, FLUSH_3).await.rewound(), Some(3));
}

#[tokio::test]
async fn a_name_that_is_taken_is_accepted_only_for_an_equal_file() {
    let taken = "/topics/test-topic/partition=12/test-topic+12+0000000000+0000000002.avro";
    let disk = MemoryDisk::default();
    let mut run = Run::start(&disk, FLUSH_3).await;
    disk.write(taken, b"other".to_vec());
    let error = run.put(rows(0..3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("exists with 5 bytes instead of"), "{error}");

    let length = MemoryDisk::default();
    let mut run = Run::start(&length, FLUSH_3).await;
    run.put(rows(0..3)).await.unwrap();
    let size = length.files()[taken].len();
    let disk = MemoryDisk::default();
    let mut run = Run::start(&disk, FLUSH_3).await;
    disk.write(taken, vec![0; size]);
    run.put(rows(0..3)).await.unwrap();
    assert_eq!((run.committed().await, run.temps()), (Some(3), 0));
}

fn hourly(rotate_ms: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("flush.size", "1000"),
        ("rotate.interval.ms", rotate_ms),
        ("partitioner.class", "io.confluent.connect.storage.partitioner.HourlyPartitioner"),
        ("timestamp.extractor", "RecordField"),
        ("timestamp.field", "at"),
        ("locale", "en"),
        ("timezone", "UTC"),
    ]
}

fn timed(offset: i64, at_ms: i64) -> SinkRecord {
    let schema = SchemaBuilder::structure([("at", timestamp().build())]).build();
    record(12, offset, SchemaAndValue::new(schema, Value::Struct([Value::Int64(at_ms)].into())))
}

#[tokio::test]
async fn record_times_rotate_files_when_a_later_record_comes() {
    let mut run = Run::start(&MemoryDisk::default(), &hourly("60000")).await;
    run.put_at((0..9).map(|i| timed(i, i * 20_000)).collect(), 0).await.unwrap();
    assert_eq!(run.ranges(), [(0, 2), (3, 5)]);
    run.put_at(Vec::new(), i64::MAX / 2).await.unwrap();
    assert_eq!(run.ranges().len(), 2, "the record clock does not move without records");
    run.put_at(vec![timed(9, 180_000)], 0).await.unwrap();
    assert_eq!(run.ranges(), [(0, 2), (3, 5), (6, 8)]);
    let path = run.disk.files().into_keys().find(|path| path.contains("+0000000006+")).unwrap();
    assert!(path.starts_with("/topics/test-topic/year=1970/month=01/day=01/hour=00/"), "{path}");
}

#[tokio::test]
async fn the_old_package_measures_on_the_wall_clock() {
    let mut settings = hourly("60000");
    settings[2].1 = "io.confluent.connect.hdfs.partitioner.HourlyPartitioner";
    let mut run = Run::start(&MemoryDisk::default(), &settings).await;
    let now_ms = super::partitioner::wall_clock_ms();
    run.put_at((0..9).map(|i| timed(i, i * 20_000)).collect(), now_ms).await.unwrap();
    assert!(run.ranges().is_empty());
    run.put_at(Vec::new(), now_ms + 60_001).await.unwrap();
    assert_eq!(run.ranges(), [(0, 8)]);
}

#[tokio::test]
async fn a_schedule_commits_quiet_partitions() {
    let settings = [("flush.size", "1000"), ("rotate.schedule.interval.ms", "600000"), ("timezone", "UTC")];
    let mut run = Run::start(&MemoryDisk::default(), &settings).await;
    let now_ms = super::partitioner::wall_clock_ms();
    run.put_at(rows(0..3), now_ms).await.unwrap();
    run.put_at(Vec::new(), now_ms + 660_000).await.unwrap();
    assert_eq!((run.ranges(), run.committed().await), (vec![(0, 2)], Some(3)));
}

#[tokio::test]
async fn a_partition_that_fails_does_not_hold_up_others() {
    let disk = MemoryDisk::default();
    let both = [partition(12), partition(13)];
    let context = context();
    let settings = [("flush.size", "3"), ("retry.backoff.ms", "3600000")];
    let mut task = HdfsSinkTask::on(disk.client(), config(&settings), context.clone()).unwrap();
    task.open(&both).await.unwrap();
    disk.fault(disk.calls(), Fault::Fail);
    let mut batch = rows(0..7);
    batch.extend((0..7).map(|offset| SinkRecord { kafka_partition: 13, ..row(offset) }));
    task.put(&mut batch).await.unwrap();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let offsets = task.pre_commit(&SinkOffsets::new()).await.unwrap();
    assert_eq!((offsets[&both[0]], offsets[&both[1]]), (0, 6));
    assert!(context.requests.lock().pause.contains(&both[0]));
    let calls = disk.calls();
    task.put(&mut rows(7..9)).await.unwrap();
    assert_eq!(disk.calls(), calls, "nothing is tried before retry.backoff.ms");
}

#[tokio::test]
async fn closing_one_partition_keeps_the_files_of_others() {
    let disk = MemoryDisk::default();
    let both = [partition(12), partition(13)];
    let mut task = HdfsSinkTask::on(disk.client(), config(FLUSH_3), context()).unwrap();
    task.open(&both).await.unwrap();
    let mut batch = rows(0..2);
    batch.extend((0..2).map(|offset| SinkRecord { kafka_partition: 13, ..row(offset) }));
    task.put(&mut batch).await.unwrap();
    task.close(&both[..1]).await.unwrap();
    task.open(&[partition(14)]).await.unwrap();
    task.put(&mut vec![SinkRecord { kafka_partition: 13, ..row(2) }]).await.unwrap();
    Box::new(task).stop().await.unwrap();
    let files: Vec<_> = disk.files().into_keys().filter(|path| path.starts_with("/topics/test-topic")).collect();
    assert_eq!(files, ["/topics/test-topic/partition=13/test-topic+13+0000000000+0000000002.avro"]);
}

fn versioned(offset: i64, version: Option<i32>) -> SinkRecord {
    let mut fields = vec![("offset", plain(SchemaKind::Int64, false)), ("group", plain(SchemaKind::String, false))];
    let mut values = vec![Value::Int64(offset), Value::from("a")];
    if version == Some(2) {
        fields.push(("new", Schema::builder(SchemaKind::Int64).default(Value::Int64(7)).build()));
        values.push(Value::Int64(9));
    }
    let builder = SchemaBuilder::structure(fields).name("row");
    let schema = match version {
        Some(version) => builder.version(version).build(),
        None => builder.build(),
    };
    record(12, offset, SchemaAndValue::new(schema, Value::Struct(values.into())))
}

fn alternating(offsets: std::ops::Range<i64>) -> Vec<SinkRecord> {
    offsets.map(|offset| versioned(offset, Some(1 + (offset % 2) as i32))).collect()
}

#[tokio::test]
async fn schema_modes_cut_files_where_java_cuts_them() {
    let backward = [("flush.size", "2"), ("schema.compatibility", "BACKWARD")];
    let mut run = Run::start(&MemoryDisk::default(), &backward).await;
    run.put(alternating(0..7)).await.unwrap();
    assert_eq!(run.ranges(), [(0, 0), (1, 2), (3, 4), (5, 6)]);

    let mut run = Run::start(&MemoryDisk::default(), &[("flush.size", "2")]).await;
    run.put(alternating(0..4)).await.unwrap();
    assert_eq!(run.ranges(), [(0, 0), (1, 1), (2, 2)]);

    let forward = [("flush.size", "2"), ("schema.compatibility", "FORWARD")];
    let mut run = Run::start(&MemoryDisk::default(), &forward).await;
    run.put(alternating(1..8)).await.unwrap();
    assert_eq!(run.ranges(), [(1, 1), (2, 3), (4, 5), (6, 7)]);
    let bytes = run.disk.files().into_iter().find(|(path, _)| path.contains("+0000000006+")).unwrap().1;
    assert_eq!(read(&bytes).len(), 2);
}

#[tokio::test]
async fn the_schema_of_the_last_file_counts_after_a_restart() {
    let settings = [("flush.size", "2"), ("schema.compatibility", "BACKWARD")];
    let disk = MemoryDisk::default();
    let mut run = Run::start(&disk, &settings).await;
    run.put(vec![versioned(0, Some(2)), versioned(1, Some(2))]).await.unwrap();
    let mut run = Run::start(&disk, &settings).await;
    run.put(vec![versioned(2, Some(1)), versioned(3, Some(2))]).await.unwrap();
    assert_eq!(run.ranges(), [(0, 1), (2, 3)], "the older record was projected to the newer schema");
    let bytes = disk.files().into_iter().find(|(path, _)| path.contains("+0000000002+")).unwrap().1;
    let rows: Vec<_> = apache_avro::Reader::new(&bytes[..]).unwrap().map(|row| format!("{:?}", row.unwrap())).collect();
    assert!(rows[0].contains("Long(7)") && rows[1].contains("Long(9)"), "{rows:?}");
}

#[tokio::test]
async fn unversioned_schemas_survive_a_restart_but_not_a_change() {
    let settings = [("flush.size", "2"), ("schema.compatibility", "BACKWARD")];
    let disk = MemoryDisk::default();
    let mut run = Run::start(&disk, &settings).await;
    run.put(vec![versioned(0, None), versioned(1, None)]).await.unwrap();
    let mut run = Run::start(&disk, &settings).await;
    run.put(vec![versioned(2, None), versioned(3, None)]).await.unwrap();
    assert_eq!(run.ranges(), [(0, 1), (2, 3)]);

    let mut run = Run::start(&MemoryDisk::default(), &settings).await;
    let error = run.put(vec![versioned(0, None), versioned(1, Some(1))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(run.files().is_empty());
}

#[tokio::test]
async fn values_need_not_be_structs() {
    let mut run = Run::start(&MemoryDisk::default(), FLUSH_3).await;
    let number = |offset| record(12, offset, SchemaAndValue::new(plain(SchemaKind::Int32, false), Value::Int32(offset as i32)));
    run.put((0..3).map(number).collect()).await.unwrap();
    let bytes = run.disk.files().into_iter().find(|(path, _)| path.ends_with(".avro")).unwrap().1;
    let rows: Vec<_> = apache_avro::Reader::new(&bytes[..]).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, (0..3).map(apache_avro::types::Value::Int).collect::<Vec<_>>());

    let mut run = Run::start(&MemoryDisk::default(), FLUSH_3).await;
    let map = |offset| {
        let entries = vec![(Value::from("k"), Value::Int64(offset)), (Value::from("n"), Value::Null)];
        record(12, offset, SchemaAndValue::schemaless(Value::Map(entries)))
    };
    run.put((0..3).map(map).collect()).await.unwrap();
    let bytes = run.disk.files().into_iter().find(|(path, _)| path.ends_with(".avro")).unwrap().1;
    assert_eq!(apache_avro::Reader::new(&bytes[..]).unwrap().map(Result::unwrap).count(), 3);
}

#[derive(Default)]
struct Reporter(Mutex<Vec<(i64, String)>>);

#[async_trait]
impl ErrantRecordReporter for Reporter {
    async fn report(&self, record: &SinkRecord, error: &ConnectError) -> Result<()> {
        self.0.lock().push((record.kafka_offset, error.to_string()));
        Ok(())
    }
}

#[tokio::test]
async fn a_bad_record_fails_the_task_or_goes_to_the_reporter() {
    let batch = || {
        let mut batch = rows(0..4);
        batch[1].record.value.value = Value::Null;
        batch
    };
    let mut run = Run::start(&MemoryDisk::default(), FLUSH_3).await;
    let error = run.put(batch()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRecord);
    assert!(error.to_string().starts_with("record at test-topic-12 offset 1: a record without a value"), "{error}");

    let reporter = Arc::new(Reporter::default());
    let context = SinkTaskContext { reporter: Some(reporter.clone()), ..context() };
    let mut run = Run::start_in(&MemoryDisk::default(), FLUSH_3, context).await;
    run.put(batch()).await.unwrap();
    assert_eq!(reporter.0.lock().iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [1]);
    assert_eq!(run.ranges(), [(0, 3)]);

    let mut run = Run::start(&MemoryDisk::default(), &[("flush.size", "3"), ("behavior.on.null.values", "ignore")]).await;
    run.put(batch()).await.unwrap();
    assert_eq!((run.ranges(), run.committed().await), (vec![(0, 3)], Some(4)));
}

#[tokio::test]
async fn a_renamed_topic_is_refused() {
    let mut run = Run::start(&MemoryDisk::default(), FLUSH_3).await;
    let mut renamed = row(0);
    renamed.record.topic = "other".into();
    assert!(run.put(vec![renamed]).await.unwrap_err().to_string().contains("renamed the topic 'test-topic' to 'other'"));
    let unassigned = SinkRecord { kafka_partition: 99, ..row(0) };
    assert!(run.put(vec![unassigned]).await.unwrap_err().to_string().contains("test-topic-99"));
}

#[tokio::test]
async fn a_long_log_moves_aside() {
    let disk = MemoryDisk::default();
    let mut run = Run::start(&disk, &[("flush.size", "1")]).await;
    for offset in 0..4500 {
        run.task.put(&mut vec![row(offset)]).await.unwrap();
    }
    run.put(Vec::new()).await.unwrap();
    assert_eq!(run.committed().await, Some(4500));
    let files = disk.files();
    assert!(files[OLD_LOG].len() > 1 << 20 && files[LOG].len() < 1 << 20, "{} {}", files[OLD_LOG].len(), files[LOG].len());
    assert_eq!(Run::start(&disk, FLUSH_3).await.rewound(), Some(4500));
}

#[tokio::test]
async fn a_task_that_finds_the_storage_down_starts_when_it_comes_back() {
    let disk = MemoryDisk::default();
    let mut run = Run::start(&disk, FLUSH_3).await;
    run.put(rows(0..3)).await.unwrap();
    let calls = disk.calls();
    for call in calls..calls + 3 {
        disk.fault(call, Fault::Fail);
    }
    let mut run = Run::start(&disk, FLUSH_3).await;
    assert_eq!(run.rewound(), None);
    assert!(run.context.requests.lock().pause.contains(&TopicPartition::new("test-topic", 12)));
    for _ in 0..4 {
        run.task.put(&mut rows(3..4)).await.unwrap();
    }
    assert_eq!(run.rewound(), Some(3));
    assert!(run.context.requests.lock().resume.contains(&partition(12)));
}

#[tokio::test]
async fn a_partition_is_tried_again_as_often_as_max_retries_says() {
    let failing = |retries: Option<&'static str>| {
        let disk = MemoryDisk::default();
        for call in 0..100 {
            disk.fault(call, Fault::Fail);
        }
        let mut settings = FLUSH_3.to_vec();
        settings.extend(retries.map(|retries| ("max.retries", retries)));
        (disk, settings)
    };
    let (disk, settings) = failing(Some("2"));
    let mut run = Run::start(&disk, &settings).await;
    run.task.put(&mut Vec::new()).await.unwrap();
    let error = run.task.put(&mut Vec::new()).await.unwrap_err();
    assert!(error.message().contains("test-topic-12") && error.message().contains("max.retries=2"), "{error}");
    let (disk, settings) = failing(None);
    let mut run = Run::start(&disk, &settings).await;
    for _ in 0..20 {
        run.task.put(&mut Vec::new()).await.unwrap();
    }
}
