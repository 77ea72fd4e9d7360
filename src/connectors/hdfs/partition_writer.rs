//! Writes the records of one topic partition: open files, schema changes, when to commit, and what to do after a failure.
//!
//! A commit runs beside the writing of the next files; the next commit waits for it. After a failure the partition is
//! paused. Records that arrive meanwhile are dropped and read again later, because the partition's position is set back
//! when it goes on.
//!
//! Source: contracts/hdfs-sink.md, section 6.

use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};

use super::commit::{Commit, CommitError, Committer, OpenFile, PartitionFiles, Recovery, delete_temps};
use super::compatibility::Fit;
use super::config::NullValues;
use super::file_name::{OffsetRange, committed_range, hdfs_path};
use super::format::StoredSchema;
use super::partitioner::{Extractor, Partitioner, RecordTime};
use super::projection::project;
use super::rotation::{RotationPolicy, RotationTimers};
use super::scrap::Scrap;
use super::storage::{self, Failure, StorageError};
use super::topic::Topic;
use super::wal::Entry;
use crate::data::{Schema, SinkRecord, TopicPartition, Value};
use crate::plugin::{ConnectError, ErrorKind, Result, SinkTaskContext};

/// Finished bytes of a file are handed to HDFS from this size on.
const WRITE_BYTES: usize = 64 << 10;
const LOG_INTERVAL: Duration = Duration::from_secs(60);
/// How long the next commit waits for the one before it until the partition is paused instead.
const COMMIT_WAIT: Duration = Duration::from_secs(60);
/// How long a paused partition keeps `put` waiting when it is tried again.
const RETRY_WAIT: Duration = Duration::from_secs(15);
const GARBAGE_WAIT: Duration = Duration::from_secs(2);

pub struct PartitionWriter {
    topic: Arc<Topic>,
    partition: TopicPartition,
    context: SinkTaskContext,

    partitioner: Partitioner,
    rotation: RotationPolicy,
    timers: RotationTimers,
    /// Set if time limits are measured on the times of records.
    record_clock: Option<RecordTime>,

    /// Whether this task owns the write-ahead log.
    recovered: bool,
    halt: Option<Halt>,
    /// What the group may commit.
    committed: Option<i64>,
    /// The first record seen since the partition was opened.
    first: Option<i64>,
    /// The record that comes next.
    position: Option<i64>,
    /// Whether records after the committed ones were lost with their files.
    scrapped: bool,
    /// Whether the consumer is elsewhere than at `position`.
    astray: bool,

    schema: FileSchema,
    last_fit: Option<(Option<Arc<Schema>>, Fit)>,

    open: Vec<OpenFile>,
    by_partition: AHashMap<Arc<str>, usize>,
    last_file: Option<usize>,
    pending: u64,

    /// Absent while a commit has it.
    committer: Option<Committer>,
    /// At most one commit.
    running: JoinSet<CommitRun>,
    /// A commit that has to be tried again.
    stopped: Option<Commit>,
    /// The directories of the running or stopped commit.
    committing: Vec<Arc<str>>,
    scrap: Scrap,
}

/// The schema that the open files have.
enum FileSchema {
    /// Not asked yet; this committed file may tell.
    Unread(Option<String>),
    Stored(StoredSchema),
    None,
    Is(Option<Arc<Schema>>),
}

/// The partition is paused until `retry_at`.
struct Halt {
    retry_at: Instant,
    since: Instant,
    logged_at: Instant,
    /// In a row.
    failures: u64,
}

struct CommitRun {
    committer: Committer,
    commit: Commit,
    result: std::result::Result<Vec<Entry>, CommitError>,
}

/// What has to happen before a record can be written.
enum Check {
    ReadStoredSchema,
    Adopt,
    Rotate { record_ms: Option<i64> },
    Write { fit: Fit },
}

/// Whether writing may go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    GoOn,
    Stop,
}

impl PartitionWriter {
    pub fn new(topic: Arc<Topic>, partition: TopicPartition, context: SinkTaskContext) -> Self {
        let sink = &topic.sink;
        let config = &sink.config;
        let extractor = config.partitioner.extractor().filter(|extractor| **extractor != Extractor::Wallclock);
        let record_clock = extractor.filter(|_| !config.old_partitioner && config.rotate_interval_ms.is_some());
        let rotation = RotationPolicy {
            flush_size: config.flush_size,
            interval_ms: config.rotate_interval_ms,
            schedule_ms: config.rotate_schedule_ms,
            zone: config.zone.clone(),
            record_clock: record_clock.is_some(),
        };
        let files = PartitionFiles {
            partition: partition.clone(),
            paths: topic.paths.clone(),
            pad_width: config.pad_width,
            extension: sink.format.extension(),
        };
        Self {
            partitioner: Partitioner::new(&config.partitioner, partition.partition),
            rotation,
            timers: RotationTimers::default(),
            record_clock: record_clock.cloned().map(RecordTime::new),
            recovered: false,
            halt: None,
            committed: None,
            first: None,
            position: None,
            scrapped: false,
            astray: false,
            schema: FileSchema::None,
            last_fit: None,
            open: Vec::new(),
            by_partition: AHashMap::new(),
            last_file: None,
            pending: 0,
            committer: Some(Committer::new(sink.storage.clone(), Arc::new(files))),
            running: JoinSet::new(),
            stopped: None,
            committing: Vec::new(),
            scrap: Scrap::default(),
            topic,
            partition,
            context,
        }
    }

    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// Takes over the partition and sets the reading position. A failure that may pass is tried again by `write`.
    ///
    /// # Errors
    /// `Fatal` if trying again cannot help.
    pub async fn start(&mut self, now_ms: i64) -> Result<()> {
        let Some(committer) = &mut self.committer else { return Ok(()) };
        match committer.recover(Some(&self.topic.listing)).await {
            Ok(recovery) => {
                if recovery.doubtful {
                    self.scrap.warn(self.topic.clone(), self.partition.clone());
                } else {
                    self.scrap.look(self.topic.clone(), self.partition.partition);
                }
                self.accept_recovery(recovery, now_ms);
                self.go_on();
                Ok(())
            }
            Err(error) => self.halt(error),
        }
    }

    fn accept_recovery(&mut self, recovery: Recovery, now_ms: i64) {
        match recovery.next_offset {
            Some(offset) => tracing::info!("{}: files are committed up to offset {}", self.partition, offset - 1),
            None => tracing::info!("{}: no files are committed, so the group's offset counts", self.partition),
        }
        self.recovered = true;
        self.committed = recovery.next_offset;
        if recovery.next_offset.is_some() {
            // Java, too, seeks always, over the group's offset.
            self.position = recovery.next_offset;
            self.astray = true;
        }
        self.schema = match recovery.next_offset {
            Some(_) => FileSchema::Unread(recovery.newest_file),
            None => FileSchema::None,
        };
        self.last_fit = None;
        self.timers = self.rotation.rearm(now_ms, None);
    }

    /// Takes records in offset order, possibly none, and commits what is due.
    ///
    /// # Errors
    /// `Fatal` or `BadRecord`, after which the partition must not be used any more.
    pub async fn write(&mut self, records: &mut Vec<SinkRecord>, now_ms: i64) -> Result<()> {
        let flow = self.settle(now_ms).await?;
        if self.halt.is_some() {
            self.drop_records(records.drain(..));
            return self.try_again(now_ms).await;
        }
        if flow == Flow::Stop {
            self.drop_records(records.drain(..));
            return Ok(());
        }
        let mut last_ms = None;
        let mut records = records.drain(..);
        while let Some(record) = records.next() {
            match self.write_one(&record, now_ms, &mut last_ms).await {
                Ok(Flow::GoOn) => {}
                Ok(Flow::Stop) => {
                    self.drop_records(std::iter::once(record).chain(records));
                    return Ok(());
                }
                Err(error) => self.report(&record, error).await?,
            }
        }
        if self.pending > 0 && (self.rotation.full(self.pending) || self.rotation.time_is_up(&mut self.timers, now_ms, last_ms)) {
            self.rotate(now_ms, last_ms).await?;
        }
        Ok(())
    }

    async fn write_one(&mut self, record: &SinkRecord, now_ms: i64, last_ms: &mut Option<i64>) -> Result<Flow> {
        let offset = record.kafka_offset;
        self.first.get_or_insert(offset);
        if record.record.value.value.is_null() && self.topic.sink.config.null_values == NullValues::Ignore {
            self.position = Some(offset + 1);
            return Ok(Flow::GoOn);
        }
        let fit = loop {
            match self.check(record, now_ms, last_ms)? {
                Check::Write { fit } => break fit,
                Check::ReadStoredSchema => {
                    if self.read_stored_schema().await? == Flow::Stop {
                        return Ok(Flow::Stop);
                    }
                }
                Check::Adopt => {
                    if self.pending > 0 && self.rotate(now_ms, *last_ms).await? == Flow::Stop {
                        return Ok(Flow::Stop);
                    }
                    self.adopt(record.record.value.schema.clone()).await?;
                }
                Check::Rotate { record_ms } => {
                    if self.rotate(now_ms, record_ms).await? == Flow::Stop {
                        return Ok(Flow::Stop);
                    }
                }
            }
        };
        let index = match fit {
            Fit::Project => {
                let FileSchema::Is(Some(target)) = &self.schema else {
                    return Err(ConnectError::fatal("there is no schema to project records to"));
                };
                let target = target.clone();
                let source = record.record.value.schema.as_ref().unwrap_or(&target);
                let value = project(source, &record.record.value.value, &target).map_err(|error| {
                    ConnectError::fatal("cannot project a record to the schema of its files").caused_by(error)
                })?;
                self.append(record, Some(&target), &value, None).await?
            }
            _ => {
                let data = &record.record.value;
                self.append(record, data.schema.as_ref(), &data.value, *last_ms).await?
            }
        };
        let Some(index) = index else { return Ok(Flow::Stop) };
        self.position = Some(offset + 1);
        self.pending += 1;
        self.flush_if_large(index).await
    }

    /// Decides what a record needs, without touching anything outside.
    fn check(&mut self, record: &SinkRecord, now_ms: i64, last_ms: &mut Option<i64>) -> Result<Check> {
        let schema = record.record.value.schema.as_ref();
        if record.record.value.value.is_null() {
            return Err(ConnectError::bad_record(
                "a record without a value cannot be written to a file; drop such records by a transform, or set \
                 behavior.on.null.values=ignore",
            ));
        }
        if !Arc::ptr_eq(&record.record.topic, &record.kafka_topic) && record.record.topic != record.kafka_topic {
            return Err(ConnectError::fatal(format!(
                "a transform renamed the topic '{}' to '{}', but files are kept by the topic that was read; remove that transform",
                record.kafka_topic, record.record.topic
            )));
        }
        let fit = match &self.last_fit {
            Some((known, fit)) if same_schema(known.as_ref(), schema) => *fit,
            _ => match self.compare(schema)? {
                Check::Write { fit } => {
                    self.last_fit = Some((schema.cloned(), fit));
                    fit
                }
                other => return Ok(other),
            },
        };
        let record_ms = match &mut self.record_clock {
            Some(clock) => Some(clock.of(record, schema, &record.record.value.value)?),
            None => None,
        };
        *last_ms = record_ms;
        if self.rotation.full(self.pending) || self.rotation.time_is_up(&mut self.timers, now_ms, record_ms) {
            return Ok(Check::Rotate { record_ms });
        }
        Ok(Check::Write { fit })
    }

    fn compare(&mut self, schema: Option<&Arc<Schema>>) -> Result<Check> {
        let compatibility = self.topic.sink.config.compatibility;
        if let FileSchema::Unread(_) = self.schema {
            if compatibility != super::compatibility::Compatibility::None {
                return Ok(Check::ReadStoredSchema);
            }
            self.schema = FileSchema::None;
        }
        if let FileSchema::Stored(stored) = &self.schema {
            // The text tells equality, because not every schema comes back from Avro as it was.
            let same = match schema {
                Some(schema) => self.topic.sink.format.schema_text(schema).is_ok_and(|text| text == stored.text),
                None => false,
            };
            self.schema = FileSchema::Is(if same { schema.cloned() } else { Some(stored.schema.clone()) });
            if same {
                return Ok(Check::Adopt);
            }
        }
        match &self.schema {
            FileSchema::Is(None) if self.pending == 0 && schema.is_some() => Ok(Check::Adopt),
            FileSchema::Is(current) => match compatibility.fit(schema, current.as_ref())? {
                Fit::NewFiles => Ok(Check::Adopt),
                fit => Ok(Check::Write { fit }),
            },
            _ => Ok(Check::Adopt),
        }
    }

    async fn read_stored_schema(&mut self) -> Result<Flow> {
        let FileSchema::Unread(path) = &self.schema else { return Ok(Flow::GoOn) };
        match self.find_stored_schema(path.clone()).await {
            Ok(Some(stored)) => self.schema = FileSchema::Stored(stored),
            Ok(None) => self.schema = FileSchema::None,
            Err(error) => {
                self.halt(error)?;
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::GoOn)
    }

    async fn find_stored_schema(&self, path: Option<String>) -> storage::Result<Option<StoredSchema>> {
        let sink = &self.topic.sink;
        if let Some(path) = path {
            match sink.format.stored_schema(&*sink.storage, &path).await {
                // Moved away by somebody since; the listing knows what is left.
                Err(error) if error.failure == Failure::Gone => {}
                other => return other,
            }
        }
        let newest = match &self.committer {
            Some(committer) => committer.newest_file(Some(&self.topic.listing)).await?,
            None => None,
        };
        match newest {
            Some(path) => match sink.format.stored_schema(&*sink.storage, &path).await {
                Err(error) if error.failure == Failure::Gone => Ok(None),
                other => other,
            },
            None => Ok(None),
        }
    }

    /// Makes a schema that of the files to come.
    async fn adopt(&mut self, schema: Option<Arc<Schema>>) -> Result<()> {
        if let Some(schema) = &schema {
            self.topic.use_schema(schema).await?;
        }
        self.schema = FileSchema::Is(schema);
        self.last_fit = None;
        Ok(())
    }

    /// Appends a value to the file of its partition. Nothing is returned if the file could not be opened.
    async fn append(
        &mut self,
        record: &SinkRecord,
        schema: Option<&Arc<Schema>>,
        value: &Value,
        time_ms: Option<i64>,
    ) -> Result<Option<usize>> {
        let same = self.partitioner.encode(record, schema, value, time_ms)?;
        let offset = record.kafka_offset;
        let known = match self.last_file {
            Some(index) if same => Some(index),
            _ => self.by_partition.get(self.partitioner.encoded()).copied(),
        };
        let index = match known {
            Some(index) => index,
            None => match self.open_file(schema, offset).await? {
                Some(index) => index,
                None => return Ok(None),
            },
        };
        let file = &mut self.open[index];
        file.format.append(value)?;
        file.range.end = offset;
        self.last_file = Some(index);
        Ok(Some(index))
    }

    async fn open_file(&mut self, schema: Option<&Arc<Schema>>, offset: i64) -> Result<Option<usize>> {
        let sink = &self.topic.sink;
        let format = sink.format.start(schema)?;
        let encoded_partition: Arc<str> = self.partitioner.encoded().into();
        let temp = self.topic.paths.temp_file(&encoded_partition, self.partition.partition, sink.format.extension());
        match sink.storage.create(&hdfs_path(&temp)).await {
            Ok(file) => {
                let range = OffsetRange { start: offset, end: offset };
                self.by_partition.insert(encoded_partition.clone(), self.open.len());
                self.open.push(OpenFile { encoded_partition, temp, format, file, range });
                Ok(Some(self.open.len() - 1))
            }
            Err(error) => {
                self.discard(error).await?;
                Ok(None)
            }
        }
    }

    async fn flush_if_large(&mut self, index: usize) -> Result<Flow> {
        let file = &mut self.open[index];
        if file.format.ready_bytes() < WRITE_BYTES {
            return Ok(Flow::GoOn);
        }
        let bytes = file.format.take();
        match file.file.write(bytes).await {
            Ok(()) => Ok(Flow::GoOn),
            Err(error) => {
                self.discard(error).await?;
                Ok(Flow::Stop)
            }
        }
    }

    /// Starts a commit of all open files, after the one before it is done.
    async fn rotate(&mut self, now_ms: i64, record_ms: Option<i64>) -> Result<Flow> {
        if !self.open.is_empty() {
            if self.finish_running(COMMIT_WAIT, now_ms).await? == Flow::Stop {
                return Ok(Flow::Stop);
            }
            self.committing = self.open.iter().map(|file| file.encoded_partition.clone()).collect();
            self.by_partition.clear();
            self.last_file = None;
            let commit = Commit::Close(std::mem::take(&mut self.open));
            self.scrap.commit_begins();
            self.run(commit);
        }
        self.pending = 0;
        self.timers = self.rotation.rearm(now_ms, record_ms);
        Ok(Flow::GoOn)
    }

    fn run(&mut self, mut commit: Commit) {
        let Some(mut committer) = self.committer.take() else {
            unreachable!("a commit starts only when the one before it has given the committer back");
        };
        self.running.spawn(async move {
            let result = committer.run(&mut commit).await;
            CommitRun { committer, commit, result }
        });
    }

    /// Waits for the running commit, if there is one.
    async fn finish_running(&mut self, limit: Duration, now_ms: i64) -> Result<Flow> {
        match timeout(limit, self.running.join_next()).await {
            Ok(None) => Ok(Flow::GoOn),
            Ok(Some(run)) => self.finished(run, now_ms).await,
            Err(_) => {
                let message = format!("the commit of {} has not ended within {} s", self.partition, limit.as_secs());
                self.halt(StorageError::new(Failure::Retry, message))?;
                Ok(Flow::Stop)
            }
        }
    }

    /// Takes note of a commit that has ended meanwhile.
    async fn settle(&mut self, now_ms: i64) -> Result<Flow> {
        match self.running.try_join_next() {
            Some(run) => self.finished(run, now_ms).await,
            None => Ok(Flow::GoOn),
        }
    }

    async fn finished(&mut self, run: std::result::Result<CommitRun, JoinError>, now_ms: i64) -> Result<Flow> {
        let CommitRun { committer, commit, result } =
            run.map_err(|error| ConnectError::fatal(format!("the commit of {} broke off", self.partition)).caused_by(error))?;
        self.committer = Some(committer);
        match result {
            Ok(entries) => {
                let ends =
                    entries.iter().filter_map(|entry| committed_range(&entry.target, &self.partition)).map(|range| range.end);
                self.committed = ends.max().map(|end| end + 1).or(self.committed);
                // Otherwise recovery found the offsets committed, perhaps by somebody else.
                if matches!(commit, Commit::Rename(_)) {
                    self.scrap.commit_done(&self.topic.sink.storage, &self.partition);
                }
                let committed = std::mem::take(&mut self.committing);
                self.topic.register(&committed).await?;
                return Ok(Flow::GoOn);
            }
            Err(CommitError::Discard(error)) => {
                self.scrap_all().await;
                self.halt(error)?;
            }
            Err(CommitError::Retry(error)) => {
                self.stopped = Some(commit);
                self.halt(error)?;
            }
            Err(CommitError::Elsewhere(recovery)) => {
                tracing::warn!("{}: the write-ahead log says something else than this task, so it counts", self.partition);
                self.scrap_all().await;
                if recovery.doubtful {
                    self.scrap = Scrap::default();
                }
                self.accept_recovery(recovery, now_ms);
                if self.halt.is_none() {
                    self.go_on();
                }
            }
            Err(CommitError::Fatal(error)) => return Err(error.into()),
        }
        Ok(Flow::Stop)
    }

    /// Pauses the partition until it is time to try again.
    fn halt(&mut self, error: StorageError) -> Result<()> {
        if error.failure == Failure::Fatal {
            return Err(error.into());
        }
        let now = Instant::now();
        let retry_at = now + Duration::from_millis(self.topic.sink.config.retry_backoff_ms);
        let since = self.halt.as_ref().map_or(now, |halt| halt.since);
        let failures = self.halt.as_ref().map_or(0, |halt| halt.failures) + 1;
        if let Some(limit) = self.topic.sink.config.max_retries
            && failures > limit
        {
            let seconds = since.elapsed().as_secs_f64();
            let message = format!(
                "gave up on {} after {failures} failures in {seconds:.1} s, because max.retries={limit}; restart the task when the \
                 cause is gone, or remove the setting to have it tried for ever",
                self.partition
            );
            return Err(ConnectError::fatal(message).caused_by(ConnectError::from(error)));
        }
        let mut logged_at = self.halt.as_ref().map(|halt| halt.logged_at);
        if logged_at.is_none_or(|at| at + LOG_INTERVAL <= now) {
            tracing::warn!(
                "{} is paused and tried again every {} ms: {error}",
                self.partition,
                self.topic.sink.config.retry_backoff_ms
            );
            logged_at = Some(now);
        }
        self.halt = Some(Halt { retry_at, since, logged_at: logged_at.unwrap_or(now), failures });
        self.context.pause(self.partition.clone());
        Ok(())
    }

    /// Continues after a failure, if it is time and nothing stands against it any more.
    async fn try_again(&mut self, now_ms: i64) -> Result<()> {
        if self.halt.as_ref().is_some_and(|halt| Instant::now() < halt.retry_at) {
            return Ok(());
        }
        if !self.recovered {
            return self.start(now_ms).await;
        }
        if self.finish_running(RETRY_WAIT, now_ms).await? == Flow::Stop && self.stopped.is_none() {
            return Ok(());
        }
        if let Some(commit) = self.stopped.take() {
            self.run(commit);
            if self.finish_running(RETRY_WAIT, now_ms).await? == Flow::Stop {
                return Ok(());
            }
        }
        self.go_on();
        Ok(())
    }

    /// Lets the consumer go on at the right position. No commit may be running, because it would move that position.
    fn go_on(&mut self) {
        if std::mem::take(&mut self.scrapped) {
            self.position = self.committed.or(self.first);
            self.astray = true;
        }
        if std::mem::take(&mut self.astray)
            && let Some(position) = self.position.or(self.first)
        {
            self.context.rewind(self.partition.clone(), position);
        }
        if let Some(halt) = self.halt.take() {
            tracing::info!("{} goes on after {:.1} s", self.partition, halt.since.elapsed().as_secs_f64());
            self.context.resume(self.partition.clone());
        }
    }

    /// Drops records that are read again later. The consumer is set back when the partition goes on, or already was.
    fn drop_records(&mut self, records: impl Iterator<Item = SinkRecord>) {
        for record in records {
            self.first.get_or_insert(record.kafka_offset);
            self.astray = self.halt.is_some();
        }
    }

    /// Gives up all open files after a failure of one of them; their records are read again.
    async fn discard(&mut self, error: StorageError) -> Result<()> {
        self.scrap_all().await;
        self.halt(error)
    }

    async fn scrap_all(&mut self) {
        let temps: Vec<_> = self.open.iter().map(|file| hdfs_path(&file.temp)).collect();
        self.open.clear();
        self.by_partition.clear();
        self.last_file = None;
        self.pending = 0;
        self.scrapped = true;
        // What is left behind is only garbage, and the file system may not answer now.
        let _ = timeout(GARBAGE_WAIT, delete_temps(&*self.topic.sink.storage, temps)).await;
    }

    /// Hands a record that cannot be written to the reporter, or fails with the record's coordinates.
    async fn report(&mut self, record: &SinkRecord, error: ConnectError) -> Result<()> {
        if error.kind() != ErrorKind::BadRecord {
            return Err(error);
        }
        let place = format!("record at {} offset {}", self.partition, record.kafka_offset);
        match &self.context.reporter {
            Some(reporter) => {
                reporter.report(record, &error).await?;
                self.position = Some(record.kafka_offset + 1);
                Ok(())
            }
            None => Err(ConnectError::bad_record(format!("{place}: {}", error.message())).caused_by(error)),
        }
    }

    /// The offset that the group may commit.
    ///
    /// # Errors
    /// `Fatal` if a commit found something that trying again cannot help.
    pub async fn committed_offset(&mut self, now_ms: i64) -> Result<Option<i64>> {
        self.settle(now_ms).await?;
        Ok(self.committed.or(self.first))
    }

    /// Gives the partition up: finishes a commit that has begun, drops what has not.
    pub async fn close(&mut self, limit: Duration, now_ms: i64) -> Result<()> {
        let finish = async {
            let flow = self.finish_running(limit, now_ms).await;
            self.scrap_all().await;
            if let Some(committer) = &mut self.committer {
                committer.close_log().await;
            }
            flow
        };
        // What is cut off here is what a crash would leave; the next owner of the partition deals with it.
        match timeout(limit + GARBAGE_WAIT, finish).await {
            Ok(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

fn same_schema(known: Option<&Arc<Schema>>, schema: Option<&Arc<Schema>>) -> bool {
    match (known, schema) {
        (None, None) => true,
        (Some(known), Some(schema)) => Arc::ptr_eq(known, schema),
        _ => false,
    }
}
