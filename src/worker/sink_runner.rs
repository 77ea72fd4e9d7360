//! Moves what one sink task's consumer reads into the task, and commits how far the task says it got.
//!
//! Source: contracts/connect-runtime.md, section 7. The offsets of a partition: `noted` is behind everything given to the
//! task, `current` behind everything the task took, `committed` what the group knows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ahash::AHashSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::context::{TaskId, WorkerContext, consumer_settings};
use super::dead_letter_queue::{DeadLetterQueue, FailureReporter};
use super::record_pipeline::{Consumed, Converters, Outcome, SinkPipeline, TransformChain};
use super::source_runner::Retries;
use super::status_reporter::StatusReporter;
use super::supervisor::TaskStart;
use super::tolerance::Tolerance;
use crate::config::ConfigMap;
use crate::config::worker::Mode;
use crate::data::{SinkRecord, TopicPartition};
use crate::kafka::{Assignment, ConsumedRecord, Consumer, ConsumerEvent, Revocation, Subscription};
use crate::plugin::sink_task::SinkRequests;
use crate::plugin::{
    ConnectError, ErrantRecordReporter, ErrorKind, Result, SinkConnector, SinkOffsets, SinkTask, SinkTaskContext,
};
use crate::storage::TargetState;

/// How often a task without records is called, so that it can act on time.
const IDLE: Duration = Duration::from_secs(1);
/// The pause before a batch is offered again, if the task does not name one.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The pause before records that the task left are offered again, if it took none.
const LEFT_OVER_PAUSE: Duration = Duration::from_millis(100);
/// How long leaving the group may take at a stop; it goes on in the background.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);

/// One run of a sink task.
pub(super) struct SinkRun {
    context: Arc<WorkerContext>,
    id: TaskId,
    plugin: Arc<dyn SinkConnector>,
    connector_config: ConfigMap,
    task_config: ConfigMap,
    target: watch::Receiver<TargetState>,
    status: StatusReporter,
    stop: CancellationToken,
}

impl SinkRun {
    pub fn new(start: TaskStart, plugin: Arc<dyn SinkConnector>) -> Result<Self> {
        let TaskStart { context, id, connector_config, task_config, target, status, stop } = start;
        Ok(Self { context, id, plugin, connector_config, task_config, target, status, stop })
    }

    /// Returns when it is stopped.
    ///
    /// # Errors
    /// What the task, a record or Kafka failed with.
    pub async fn run(self) -> Result<()> {
        let (context, config) = (&self.context, &self.connector_config);
        let transforms = TransformChain::build(&context.registry, config)?;
        let converters = Converters::build(&context.registry, &context.config.originals, config)?;
        let tolerance = Tolerance::from_config(config)?;
        let subscription = subscription(config)?;
        let settings = consumer_settings(context, &self.id, config)?;
        if let Mode::Distributed(distributed) = &context.config.mode
            && settings.get("group.id") == Some(&distributed.group_id)
        {
            return Err(ConnectError::config(format!(
                "Consumer group '{}' of the sink is the group of the workers themselves; name the connector differently or set \
                 consumer.override.group.id",
                distributed.group_id
            )));
        }
        let queue = DeadLetterQueue::open(context, &self.id, config).await?;
        let reporter = Arc::new(FailureReporter::new(self.id.clone(), self.plugin.task_class(), tolerance, queue));
        let errant: Option<Arc<dyn ErrantRecordReporter>> = if reporter.is_of_use() { Some(reporter.clone()) } else { None };
        let pipeline = SinkPipeline::new(transforms, converters, errant.is_some());
        let requests = Arc::new(Mutex::new(SinkRequests::default()));
        let task_context = SinkTaskContext {
            connector: self.id.connector.clone(),
            task: self.id.task,
            reporter: errant,
            requests: requests.clone(),
        };
        let task = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Ok(()),
            task = self.plugin.start_task(&self.task_config, task_context) => task?,
        };
        let consumer = match Consumer::start(&settings, subscription) {
            Ok(consumer) => consumer,
            Err(error) => {
                stop_task(task).await;
                return Err(error);
            }
        };
        self.status.running().await;
        let now = Instant::now();
        let mut session = Session {
            flush_limit: context.config.offset_flush_timeout,
            commit_interval: context.config.offset_flush_interval.max(Duration::from_millis(1)),
            next_commit: now + context.config.offset_flush_interval,
            call_at: now + IDLE,
            context: self.context,
            id: self.id,
            task,
            requests,
            consumer,
            pipeline,
            reporter,
            partitions: BTreeMap::new(),
            batch: Vec::new(),
            retrying: false,
            paused: false,
            commit: None,
            known_topics: AHashSet::new(),
            target: self.target,
            status: self.status,
            stop: self.stop,
        };
        let outcome = session.deliver_until_stopped().await;
        let closed = session.close_all().await;
        stop_task(session.task).await;
        if !session.consumer.close(LEAVE_LIMIT).await {
            tracing::debug!("leaving the consumer group takes longer than {LEAVE_LIMIT:?} and goes on in the background");
        }
        outcome.and(closed)
    }
}

async fn stop_task(task: Box<dyn SinkTask>) {
    if let Err(error) = task.stop().await {
        tracing::warn!("the task could not stop cleanly: {}", error.trace());
    }
}

/// Connect: exactly one of `topics` and `topics.regex`.
fn subscription(config: &ConfigMap) -> Result<Subscription> {
    let given = |key: &str| config.get(key).map(str::trim).filter(|text| !text.is_empty());
    match (given("topics"), given("topics.regex")) {
        (Some(topics), None) => {
            let topics = topics.split(',').map(str::trim).filter(|topic| !topic.is_empty());
            Ok(Subscription::Topics(topics.map(str::to_owned).collect()))
        }
        (None, Some(pattern)) => match regex::Regex::new(&format!("^(?:{pattern})$")) {
            Ok(pattern) => Ok(Subscription::Pattern(pattern)),
            Err(error) => Err(ConnectError::config(format!(
                "Invalid value {pattern} for configuration topics.regex: Invalid regular expression"
            ))
            .caused_by(error)),
        },
        (None, None) => Err(ConnectError::config("Must configure one of topics or topics.regex")),
        (Some(_), Some(_)) => {
            Err(ConnectError::config("topics and topics.regex are mutually exclusive options, but both are set"))
        }
    }
}

/// Offsets of one assigned partition, each the next one to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    /// Behind everything that was given to the task, or dropped or tolerated on the way to it.
    noted: Option<i64>,
    /// Behind everything the task took.
    current: Option<i64>,
    /// What the group knows; where reading began, until the first commit.
    committed: Option<i64>,
    /// Whether the task asked for a pause.
    paused: bool,
}

impl Position {
    fn at(offset: i64) -> Self {
        Self { noted: Some(offset), current: Some(offset), committed: Some(offset), paused: false }
    }
}

/// A commit on its way.
struct Commit {
    answer: BoxFuture<'static, Result<()>>,
    offsets: SinkOffsets,
    late_at: Instant,
}

/// A task with its consumer, from the first assignment to the last commit.
struct Session {
    context: Arc<WorkerContext>,
    id: TaskId,
    task: Box<dyn SinkTask>,
    requests: Arc<Mutex<SinkRequests>>,
    consumer: Consumer,
    pipeline: SinkPipeline,
    reporter: Arc<FailureReporter>,
    partitions: BTreeMap<TopicPartition, Position>,
    /// What the task has not taken yet.
    batch: Vec<SinkRecord>,
    /// The last call failed for a reason that may pass: nothing new until the same call succeeds.
    retrying: bool,
    paused: bool,
    commit: Option<Commit>,
    next_commit: Instant,
    /// When the task is called at the latest.
    call_at: Instant,
    commit_interval: Duration,
    flush_limit: Duration,
    known_topics: AHashSet<Arc<str>>,
    target: watch::Receiver<TargetState>,
    status: StatusReporter,
    stop: CancellationToken,
}

impl Session {
    async fn deliver_until_stopped(&mut self) -> Result<()> {
        loop {
            if self.commit.is_none() && Instant::now() >= self.next_commit {
                self.start_commit().await?;
            }
            let takes_records = !self.paused && !self.retrying && self.batch.is_empty();
            let timer = self.call_at.min(match &self.commit {
                Some(commit) => commit.late_at,
                None => self.next_commit,
            });
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                changed = self.target.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.follow_target().await;
                }
                committed = answer(&mut self.commit) => self.finish_commit(committed),
                event = self.consumer.event(takes_records) => match event {
                    ConsumerEvent::Records(records) => {
                        if !self.convert(records).await? {
                            return Ok(());
                        }
                        self.put().await?;
                    }
                    ConsumerEvent::Assigned(assignment) => self.open(assignment).await?,
                    ConsumerEvent::Revoked(revocation) => self.revoke(revocation).await?,
                    ConsumerEvent::Failed(error) => return Err(error),
                },
                () = sleep_until(timer) => self.act_on_time().await?,
            }
        }
    }

    async fn act_on_time(&mut self) -> Result<()> {
        let now = Instant::now();
        if let Some(commit) = &self.commit
            && commit.late_at <= now
        {
            tracing::warn!("commit of offsets timed out after {:?}; the next one may start", self.flush_limit);
            self.commit = None;
        }
        // Without partitions there is nothing to act on, and Connect's poll would still be joining the group.
        if self.call_at <= now {
            if self.partitions.is_empty() && self.batch.is_empty() {
                self.call_at = now + IDLE;
            } else {
                self.put().await?;
            }
        }
        Ok(())
    }

    async fn follow_target(&mut self) {
        let pause = *self.target.borrow_and_update() != TargetState::Started;
        if pause == self.paused {
            return;
        }
        self.paused = pause;
        if pause {
            // Connect: a pause requests a commit.
            self.next_commit = Instant::now();
            self.status.paused().await;
        } else {
            self.status.running().await;
        }
    }

    /// Decodes and transforms a batch. False if the task was stopped meanwhile; the batch then counts as not read.
    async fn convert(&mut self, records: Vec<ConsumedRecord>) -> Result<bool> {
        let mut last: Option<(TopicPartition, i64)> = None;
        for record in records {
            let offset = record.offset;
            match &mut last {
                Some((partition, noted))
                    if Arc::ptr_eq(&partition.topic, &record.topic) && partition.partition == record.partition =>
                {
                    *noted = offset + 1;
                }
                _ => {
                    if let Some((partition, noted)) = last.take() {
                        self.note(&partition, noted);
                    }
                    if self.known_topics.insert(record.topic.clone()) {
                        self.context.record_topic(&self.id, &record.topic).await;
                    }
                    let partition = TopicPartition { topic: record.topic.clone(), partition: record.partition };
                    if self.is_held_at(&partition, offset) {
                        continue;
                    }
                    last = Some((partition, offset + 1));
                }
            }
            let ConsumedRecord { topic, partition, offset, timestamp_ms, raw } = record;
            if !self.convert_one(Consumed { topic, partition, offset, timestamp_ms, raw }).await? {
                return Ok(false);
            }
        }
        if let Some((partition, noted)) = last {
            self.note(&partition, noted);
        }
        Ok(true)
    }

    /// True if the task paused this partition before its first record came, so that the pause begins with this record and
    /// reading goes on at it later.
    fn is_held_at(&mut self, partition: &TopicPartition, offset: i64) -> bool {
        let Some(position) = self.partitions.get_mut(partition) else { return false };
        let first = position.noted.is_none();
        if first {
            // Reading began here, which is as good as committed.
            *position = Position { paused: position.paused, ..Position::at(offset) };
        }
        let held = position.paused;
        if held && first {
            self.consumer.pause(&BTreeSet::from([partition.clone()]));
        }
        held
    }

    fn note(&mut self, partition: &TopicPartition, noted: i64) {
        if let Some(position) = self.partitions.get_mut(partition) {
            position.noted = Some(noted);
        }
    }

    /// False if the task was stopped meanwhile.
    async fn convert_one(&mut self, mut consumed: Consumed) -> Result<bool> {
        let mut retries = Retries::default();
        loop {
            let (side, lookup) = match self.pipeline.convert(consumed) {
                Outcome::Done(record) => {
                    self.batch.push(record);
                    return Ok(true);
                }
                Outcome::Dropped => return Ok(true),
                Outcome::Failed(failure, record) => return self.reporter.failed(&record, failure).await.map(|()| true),
                Outcome::NeedsSchema(side, lookup, record) => {
                    consumed = record;
                    (side, lookup)
                }
            };
            let resolved = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(false),
                resolved = self.pipeline.converters.resolve(side, lookup) => resolved,
            };
            if let Err(error) = resolved {
                match retries.next(self.reporter.tolerance(), &error) {
                    Some(delay) => tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return Ok(false),
                        () = tokio::time::sleep(delay) => {}
                    },
                    None => {
                        let failure = self.pipeline.converters.failure(side, error);
                        return self.reporter.failed(&consumed, failure).await.map(|()| true);
                    }
                }
            }
        }
    }

    /// Offers the batch, also an empty one, to the task.
    async fn put(&mut self) -> Result<()> {
        let offered = self.batch.len();
        let outcome = self.task.put(&mut self.batch).await;
        self.reporter.check()?;
        let retry_after = self.requests.lock().retry_after.take();
        let now = Instant::now();
        match outcome {
            Ok(()) => {
                self.retrying = false;
                self.advance();
                let pause = if self.batch.is_empty() {
                    retry_after.map_or(IDLE, |delay| delay.min(IDLE))
                } else if self.batch.len() < offered {
                    Duration::ZERO
                } else {
                    retry_after.unwrap_or(LEFT_OVER_PAUSE)
                };
                self.call_at = now + pause;
            }
            Err(error) if error.kind() == ErrorKind::Retriable => {
                if !self.retrying {
                    tracing::warn!("the task could not take its records and gets them again: {}", error.trace());
                }
                self.retrying = true;
                self.call_at = now + retry_after.unwrap_or(RETRY_PAUSE);
            }
            Err(error) => {
                return Err(ConnectError::fatal("Exiting sink task due to unrecoverable exception").caused_by(error));
            }
        }
        self.follow_requests();
        Ok(())
    }

    /// Everything noted is current, except what the task left.
    fn advance(&mut self) {
        for position in self.partitions.values_mut() {
            position.current = position.noted;
        }
        for record in &self.batch {
            let partition = TopicPartition { topic: record.kafka_topic.clone(), partition: record.kafka_partition };
            if let Some(position) = self.partitions.get_mut(&partition) {
                position.current = position.current.map(|current| current.min(record.kafka_offset));
            }
        }
    }

    /// Does what the task asked for in its last call.
    fn follow_requests(&mut self) {
        let SinkRequests { rewind, pause, resume, commit, .. } = {
            let mut requests = self.requests.lock();
            let retry_after = requests.retry_after.take();
            let taken = std::mem::take(&mut *requests);
            requests.retry_after = retry_after;
            taken
        };
        if commit {
            self.next_commit = Instant::now();
        }
        let rewind: BTreeMap<_, _> =
            rewind.into_iter().filter(|(partition, _)| self.partitions.contains_key(partition)).collect();
        self.rewind(&rewind);
        let mut go_on = BTreeMap::new();
        let mut stop = BTreeSet::new();
        for (partition, position) in &mut self.partitions {
            if pause.contains(partition) && !position.paused {
                position.paused = true;
                // Before the first record it is not known where to go on, so the pause waits for it.
                if position.noted.is_some() {
                    stop.insert(partition.clone());
                }
            } else if resume.contains(partition) && position.paused {
                position.paused = false;
                // What was read ahead before the pause was left out, so reading goes on where the task is. Without a first
                // record the pause has not begun.
                go_on.extend(position.noted.map(|offset| (partition.clone(), offset)));
            }
        }
        if !stop.is_empty() {
            self.consumer.pause(&stop);
        }
        if !go_on.is_empty() {
            self.consumer.resume(&go_on);
        }
    }

    /// Reads on at these offsets; what the task has not taken from there is read again.
    fn rewind(&mut self, offsets: &SinkOffsets) {
        if offsets.is_empty() {
            return;
        }
        self.batch.retain(|record| {
            let partition = TopicPartition { topic: record.kafka_topic.clone(), partition: record.kafka_partition };
            !offsets.contains_key(&partition)
        });
        for (partition, offset) in offsets {
            if let Some(position) = self.partitions.get_mut(partition) {
                *position = Position { paused: position.paused, ..Position::at(*offset) };
            }
        }
        self.consumer.seek(offsets);
    }

    async fn open(&mut self, assignment: Assignment) -> Result<()> {
        let partitions = assignment.partitions.clone();
        tracing::info!("assigned {}", names(&partitions));
        self.partitions.extend(partitions.iter().map(|partition| (partition.clone(), Position::default())));
        // An error lets the rebalance go on, because the assignment is dropped.
        self.task.open(&partitions).await?;
        self.reporter.check()?;
        let start = {
            let mut requests = self.requests.lock();
            let wanted = std::mem::take(&mut requests.rewind);
            let (start, others) = wanted.into_iter().partition(|(partition, _)| partitions.contains(partition));
            requests.rewind = others;
            start
        };
        let start: SinkOffsets = start;
        for (partition, offset) in &start {
            self.partitions.insert(partition.clone(), Position::at(*offset));
        }
        assignment.start_at(start);
        self.follow_requests();
        // A task may have work waiting from its recovery.
        self.call_at = Instant::now();
        Ok(())
    }

    async fn revoke(&mut self, revocation: Revocation) -> Result<()> {
        tracing::info!("revoked {}{}", names(&revocation.partitions), if revocation.lost { ", lost" } else { "" });
        let known: Vec<_> = revocation.partitions.iter().filter(|p| self.partitions.contains_key(p)).cloned().collect();
        let closed = if revocation.lost { self.task.close(&known).await } else { self.close(&known).await };
        for partition in &known {
            self.partitions.remove(partition);
        }
        self.batch.retain(|record| {
            let partition = TopicPartition { topic: record.kafka_topic.clone(), partition: record.kafka_partition };
            !known.contains(&partition)
        });
        if self.batch.is_empty() && self.partitions.is_empty() {
            self.retrying = false;
        }
        drop(revocation);
        self.follow_requests();
        closed
    }

    /// The last commit of everything.
    async fn close_all(&mut self) -> Result<()> {
        let partitions: Vec<_> = self.partitions.keys().cloned().collect();
        self.close(&partitions).await
    }

    /// The last commit of these partitions. Connect: preCommit, close, then a commit that is waited for.
    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        if partitions.is_empty() {
            return Ok(());
        }
        self.commit = None;
        let reported = self.reporter.flush(self.flush_limit).await;
        let offsets = match reported.and(self.committable(Some(partitions)).await) {
            Ok(offsets) => offsets,
            Err(error) => {
                tracing::warn!("offsets were not committed before closing {}: {}", names(partitions), error.trace());
                SinkOffsets::new()
            }
        };
        let closed = self.task.close(partitions).await;
        if !offsets.is_empty() {
            match timeout(self.flush_limit, self.consumer.commit(&offsets)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!("the last commit of offsets failed: {}", error.trace()),
                Err(_) => tracing::error!("the last commit of offsets was not answered within {:?}", self.flush_limit),
            }
        }
        closed
    }

    /// Asks the task how far it is and starts a commit of that.
    ///
    /// # Errors
    /// If a record that the task reported is lost.
    async fn start_commit(&mut self) -> Result<()> {
        self.next_commit = Instant::now() + self.commit_interval;
        match self.reporter.flush(self.flush_limit).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Retriable => {
                tracing::error!("offsets are committed later: {}", error.trace());
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        match self.committable(None).await {
            Ok(offsets) if offsets.is_empty() => {}
            Ok(offsets) => {
                let answer = self.consumer.commit(&offsets).boxed();
                self.commit = Some(Commit { answer, offsets, late_at: Instant::now() + self.flush_limit });
            }
            Err(error) => {
                tracing::error!("offset commit failed, rewinding to last committed offsets: {}", error.trace());
                let committed = self.partitions.iter().filter_map(|(p, position)| Some((p.clone(), position.committed?)));
                let committed: SinkOffsets = committed.collect();
                self.rewind(&committed);
            }
        }
        self.reporter.check()?;
        self.follow_requests();
        Ok(())
    }

    /// What may be committed now: what the task says, limited to what it got and to what is new.
    async fn committable(&mut self, of: Option<&[TopicPartition]>) -> Result<SinkOffsets> {
        let wanted = |partition: &TopicPartition| of.is_none_or(|partitions| partitions.contains(partition));
        let current = self.partitions.iter().filter(|(partition, _)| wanted(partition));
        let current: SinkOffsets = current.filter_map(|(p, position)| Some((p.clone(), position.current?))).collect();
        let safe = self.task.pre_commit(&current).await?;
        let mut offsets = SinkOffsets::new();
        for (partition, offset) in safe {
            let Some(position) = self.partitions.get(&partition).filter(|_| wanted(&partition)) else {
                tracing::warn!("ignoring invalid task provided offset {partition}/{offset}: partition not assigned");
                continue;
            };
            let Some(current) = position.current else { continue };
            if offset > current {
                tracing::warn!("ignoring invalid task provided offset {partition}/{offset}: not yet consumed");
            } else if position.committed != Some(offset) {
                offsets.insert(partition, offset);
            }
        }
        Ok(offsets)
    }

    fn finish_commit(&mut self, answer: Result<()>) {
        let Some(commit) = self.commit.take() else { return };
        match answer {
            Ok(()) => {
                for (partition, offset) in commit.offsets {
                    if let Some(position) = self.partitions.get_mut(&partition)
                        && position.current.is_some_and(|current| offset <= current)
                    {
                        position.committed = Some(offset);
                    }
                }
            }
            Err(error) => tracing::error!("commit of offsets failed, to be made up for by the next: {}", error.trace()),
        }
    }
}

/// The answer of the commit on its way, if there is one.
async fn answer(commit: &mut Option<Commit>) -> Result<()> {
    match commit {
        Some(commit) => (&mut commit.answer).await,
        None => std::future::pending().await,
    }
}

fn names(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_way_to_name_topics_is_allowed() {
        let of = |pairs: &[(&str, &str)]| subscription(&pairs.iter().copied().collect());
        assert!(matches!(of(&[("topics", "a, b,")]), Ok(Subscription::Topics(topics)) if topics == ["a", "b"]));
        assert!(matches!(of(&[("topics.regex", "a|b")]), Ok(Subscription::Pattern(p)) if p.is_match("b") && !p.is_match("bb")));
        assert!(
            of(&[]).is_err() && of(&[("topics", "a"), ("topics.regex", "a")]).is_err() && of(&[("topics.regex", "(")]).is_err()
        );
    }

    /// Pauses its partition when it gets it, and resumes it at its third call.
    struct Hesitant {
        context: SinkTaskContext,
        partitions: Vec<TopicPartition>,
        calls: u32,
        taken: Arc<Mutex<Vec<(u32, i64)>>>,
    }

    #[async_trait::async_trait]
    impl SinkTask for Hesitant {
        async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
            partitions.iter().for_each(|partition| self.context.pause(partition.clone()));
            self.partitions = partitions.to_vec();
            Ok(())
        }
        async fn put(&mut self, batch: &mut Vec<SinkRecord>) -> Result<()> {
            self.calls += 1;
            if self.calls == 3 {
                self.partitions.iter().for_each(|partition| self.context.resume(partition.clone()));
            }
            self.taken.lock().extend(batch.drain(..).map(|record| (self.calls, record.kafka_offset)));
            Ok(())
        }
        async fn pre_commit(&mut self, _: &SinkOffsets) -> Result<SinkOffsets> {
            Ok(SinkOffsets::new())
        }
        async fn close(&mut self, _: &[TopicPartition]) -> Result<()> {
            Ok(())
        }
        async fn stop(self: Box<Self>) -> Result<()> {
            Ok(())
        }
    }

    struct HesitantConnector(Arc<Mutex<Vec<(u32, i64)>>>);

    #[async_trait::async_trait]
    impl crate::plugin::Connector for HesitantConnector {
        fn class(&self) -> &'static str {
            "acme.HesitantSinkConnector"
        }
        fn task_class(&self) -> &'static str {
            "acme.HesitantSinkTask"
        }
        fn config_def(&self) -> &'static crate::config::ConfigDef {
            &crate::config::ConfigDef::EMPTY
        }
        async fn task_configs(&self, _: &ConfigMap, _: usize) -> Result<Vec<ConfigMap>> {
            Ok(Vec::new())
        }
    }

    #[async_trait::async_trait]
    impl SinkConnector for HesitantConnector {
        async fn start_task(&self, _: &ConfigMap, context: SinkTaskContext) -> Result<Box<dyn SinkTask>> {
            Ok(Box::new(Hesitant { context, partitions: Vec::new(), calls: 0, taken: self.0.clone() }))
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_partition_paused_before_its_first_record_is_read_from_there_once_it_goes_on() {
        let broker = crate::kafka::test_broker::TestBroker::with_values("t", &["a", "b", "c"]);
        let text = "org.apache.kafka.connect.storage.StringConverter";
        let worker = [
            ("bootstrap.servers", broker.bootstrap_servers()),
            ("key.converter", text.to_owned()),
            ("value.converter", text.to_owned()),
            ("offset.storage.file.filename", "unused".to_owned()),
        ];
        let worker = worker.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let registry = crate::plugin::Registry {
            converters: crate::converters::all(),
            header_converters: crate::converters::all_header_converters(),
            ..Default::default()
        };
        let context = Arc::new(WorkerContext {
            config: crate::config::WorkerConfig::from_properties(crate::config::worker::ModeName::Standalone, &worker).unwrap(),
            registry: Arc::new(registry),
            statuses: Arc::new(crate::storage::StatusStore::in_memory()),
            offsets: Arc::new(crate::storage::OffsetStore::in_memory()),
            worker_id: "w:1".into(),
        });
        let taken = Arc::default();
        let id = TaskId::new("c", 0);
        let (_target, target) = watch::channel(TargetState::Started);
        let start = TaskStart {
            status: StatusReporter::new(context.clone(), id.connector.clone(), Some(0), 1, None),
            connector_config: [("topics", "t")].into_iter().collect(),
            task_config: ConfigMap::default(),
            stop: CancellationToken::new(),
            context,
            id,
            target,
        };
        let run = SinkRun::new(start, Arc::new(HesitantConnector(Arc::clone(&taken)))).unwrap();
        let all_taken = async {
            while taken.lock().len() < 3 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            ended = run.run() => panic!("the task ended: {ended:?}"),
            waited = timeout(Duration::from_secs(30), all_taken) => waited.expect("the records never came"),
        }
        let (calls, offsets): (Vec<_>, Vec<_>) = taken.lock().iter().copied().unzip();
        assert_eq!(offsets, [0, 1, 2]);
        assert!(calls.iter().all(|call| *call > 3), "records came while the partition was paused: {calls:?}");
    }
}
