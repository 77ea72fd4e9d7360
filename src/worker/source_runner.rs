//! Moves what one source task polls into Kafka, and commits how far it got.

use std::sync::Arc;
use std::time::Duration;

use ahash::AHashSet;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::context::{TaskId, WorkerContext, admin_settings, producer_settings};
use super::in_flight::{BatchAcks, InFlight};
use super::record_pipeline::{Converters, Outcome, SourcePipeline, TransformChain};
use super::status_reporter::StatusReporter;
use super::supervisor::TaskStart;
use super::tolerance::{Failure, Stage, Tolerance};
use super::topic_creation::TopicCreation;
use crate::config::ConfigMap;
use crate::data::{ConnectRecord, SourceBatch, SourceOffset, SourcePartition};
use crate::kafka::{Admin, Outgoing, Producer, Sent};
use crate::plugin::{ConnectError, ErrorKind, Result, SourceConnector, SourceTask, SourceTaskContext};
use crate::storage::TargetState;
use crate::storage::offset_store::ConnectorOffsets;

/// Pause after a poll that failed but may be tried again; connectors back off by themselves, this only stops a spin.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// One run of a source task.
pub(super) struct SourceRun {
    context: Arc<WorkerContext>,
    id: TaskId,
    plugin: Arc<dyn SourceConnector>,
    task_config: ConfigMap,
    target: watch::Receiver<TargetState>,
    status: StatusReporter,
    stop: CancellationToken,
    sender: Sender,
    in_flight: InFlight,
    /// Offsets whose records are in Kafka and that are not stored yet, the newest of each partition.
    committable: Vec<(SourcePartition, SourceOffset)>,
}

/// The way of a record into Kafka.
struct Sender {
    context: Arc<WorkerContext>,
    id: TaskId,
    pipeline: SourcePipeline,
    tolerance: Tolerance,
    producer: Producer<BatchAcks>,
    deliveries: Arc<Deliveries>,
    topic_creation: Option<(TopicCreation, Admin)>,
    known_topics: AHashSet<Arc<str>>,
    last_topic: Option<Arc<str>>,
    stop: CancellationToken,
}

/// The first delivery that failed, told by the producer's thread.
#[derive(Default)]
struct Deliveries {
    failure: Mutex<Option<ConnectError>>,
    failed: Notify,
}

impl Deliveries {
    fn check(&self) -> Result<()> {
        match self.failure.lock().take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl SourceRun {
    pub fn new(start: TaskStart, plugin: Arc<dyn SourceConnector>) -> Result<Self> {
        let TaskStart { context, id, connector_config, task_config, target, status, stop } = start;
        let transforms = TransformChain::build(&context.registry, &connector_config)?;
        let converters = Converters::build(&context.registry, &context.config.originals, &connector_config)?;
        let tolerance = Tolerance::from_config(&connector_config)?;
        let deliveries = Arc::new(Deliveries::default());
        let producer = {
            let (deliveries, tolerance, id) = (deliveries.clone(), tolerance.clone(), id.clone());
            Producer::new(&producer_settings(&context, &id, &connector_config)?, move |acks: &Arc<BatchAcks>, delivered| {
                match delivered {
                    Ok(_) => acks.done(),
                    Err(error) => {
                        let failure = Failure {
                            stage: Stage::KafkaProduce,
                            class: "org.apache.kafka.clients.producer.KafkaProducer".to_owned(),
                            error,
                        };
                        tolerance.log(&id.connector, id.task, &failure, "");
                        // Connect: with errors.tolerance=all a record that Kafka refuses counts as sent.
                        if tolerance.tolerate_all {
                            acks.done();
                        } else {
                            deliveries.failure.lock().get_or_insert(failure.error);
                            deliveries.failed.notify_one();
                        }
                    }
                }
            })?
        };
        let topic_creation = match TopicCreation::from_config(&connector_config)? {
            Some(creation) if context.config.topic_creation_enable => {
                Some((creation, Admin::new(&admin_settings(&context, &id, &connector_config)?)?))
            }
            _ => None,
        };
        let sender = Sender {
            context: context.clone(),
            id: id.clone(),
            pipeline: SourcePipeline::new(transforms, converters),
            tolerance,
            producer,
            deliveries,
            topic_creation,
            known_topics: AHashSet::new(),
            last_topic: None,
            stop: stop.clone(),
        };
        let (in_flight, committable) = Default::default();
        Ok(Self { context, id, plugin, task_config, target, status, stop, sender, in_flight, committable })
    }

    /// Returns when it is stopped.
    ///
    /// # Errors
    /// What the task, a record or Kafka failed with. What was acknowledged before is committed all the same.
    pub async fn run(mut self) -> Result<()> {
        let offsets = Arc::new(ConnectorOffsets::new(self.context.offsets.clone(), &*self.id.connector));
        let context = SourceTaskContext { connector: self.id.connector.clone(), task: self.id.task, offsets };
        let (plugin, config, stop) = (self.plugin.clone(), self.task_config.clone(), self.stop.clone());
        let mut task = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            task = plugin.start_task(&config, context) => task?,
        };
        self.status.running().await;
        let outcome = self.poll_until_stopped(&mut task).await;
        // Connect: what is acknowledged by now can be committed whether or not the task failed.
        let drained = self.sender.producer.flush(self.context.config.offset_flush_timeout).await;
        if !drained {
            tracing::warn!("not all records were acknowledged in time; they are sent again after a restart");
        }
        self.commit(&mut task).await;
        if let Err(error) = task.stop().await {
            tracing::warn!("the task could not stop cleanly: {}", error.trace());
        }
        outcome
    }

    async fn poll_until_stopped(&mut self, task: &mut Box<dyn SourceTask>) -> Result<()> {
        let period = self.context.config.offset_flush_interval.max(Duration::from_millis(1));
        let mut commits = interval_at(Instant::now() + period, period);
        commits.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deliveries = self.sender.deliveries.clone();
        let mut paused = false;
        loop {
            deliveries.check()?;
            let polled = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                () = deliveries.failed.notified() => continue,
                changed = self.target.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let pause = *self.target.borrow_and_update() != TargetState::Started;
                    if pause != paused {
                        paused = pause;
                        if pause { self.status.paused().await } else { self.status.running().await }
                    }
                    continue;
                }
                _ = commits.tick() => {
                    self.commit(task).await;
                    continue;
                }
                polled = task.poll(), if !paused => polled,
            };
            match polled {
                Ok(batch) => {
                    if !self.send(batch).await? {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Retriable => {
                    tracing::warn!("a poll failed and is tried again: {}", error.trace());
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// False if the task was stopped in the middle of the batch, which then counts as not sent.
    async fn send(&mut self, batch: SourceBatch) -> Result<bool> {
        let acks = self.in_flight.begin();
        for record in batch.records {
            if !self.sender.send(record, &acks).await? {
                return Ok(false);
            }
        }
        self.in_flight.finish(batch.resume_at);
        Ok(true)
    }

    /// Stores the offsets of what Kafka has acknowledged. A failure is logged and made up for by the next commit.
    async fn commit(&mut self, task: &mut Box<dyn SourceTask>) {
        for (partition, offset) in self.in_flight.take_committable() {
            match self.committable.iter_mut().find(|(known, _)| *known == partition) {
                Some((_, newest)) => *newest = offset,
                None => self.committable.push((partition, offset)),
            }
        }
        if !self.committable.is_empty() {
            let offsets = self.committable.iter().map(|(partition, offset)| (partition.clone(), Some(offset.clone())));
            let offsets = offsets.collect::<Vec<_>>();
            let limit = self.context.config.offset_flush_timeout;
            match timeout(limit, self.context.offsets.set(&self.id.connector, &offsets)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return tracing::error!("offsets were not committed: {}", error.trace()),
                Err(_) => return tracing::error!("offsets were not committed within {limit:?}; trying again later"),
            }
        }
        let committed = std::mem::take(&mut self.committable);
        if let Err(error) = task.committed(&committed).await {
            tracing::error!("the task could not act on its commit: {}", error.trace());
        }
    }
}

impl Sender {
    /// Transforms, encodes and sends a record. False if the task was stopped meanwhile.
    async fn send(&mut self, record: ConnectRecord, acks: &Arc<BatchAcks>) -> Result<bool> {
        let record = match self.pipeline.transform(record) {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(true),
            Err(failure) => return self.tolerate(failure).map(|()| true),
        };
        if !self.last_topic.as_ref().is_some_and(|last| Arc::ptr_eq(last, &record.topic)) {
            self.prepare_topic(&record.topic).await?;
            self.last_topic = Some(record.topic.clone());
        }
        let mut attempt = Retries::default();
        loop {
            let (side, lookup) = match self.pipeline.encode(&record) {
                Outcome::Done(encoded) => {
                    let outgoing = Outgoing {
                        topic: &encoded.topic,
                        partition: encoded.partition,
                        timestamp_ms: timestamp(encoded.timestamp_ms)?,
                        key: encoded.key,
                        value: encoded.value,
                        headers: encoded.headers,
                    };
                    acks.sent();
                    match self.producer.try_send(outgoing, acks) {
                        Ok(Sent::Queued) => return Ok(true),
                        Ok(Sent::Full) => acks.done(),
                        Err(error) => {
                            acks.done();
                            let class = "org.apache.kafka.clients.producer.KafkaProducer".to_owned();
                            return self.tolerate(Failure { stage: Stage::KafkaProduce, class, error }).map(|()| true);
                        }
                    }
                    // The queue is full: this wait is the backpressure on the connector.
                    tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return Ok(false),
                        () = self.deliveries.failed.notified() => self.deliveries.check()?,
                        () = self.producer.wait_for_room() => {}
                    }
                    continue;
                }
                Outcome::Dropped => return Ok(true),
                Outcome::Failed(failure, ()) => return self.tolerate(failure).map(|()| true),
                Outcome::NeedsSchema(side, lookup, ()) => (side, lookup),
            };
            if let Err(error) = self.pipeline.converters.resolve(side, lookup).await {
                match attempt.next(&self.tolerance, &error) {
                    Some(delay) => tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return Ok(false),
                        () = tokio::time::sleep(delay) => {}
                    },
                    None => {
                        let failure = self.pipeline.converters.failure(side, error);
                        return self.tolerate(failure).map(|()| true);
                    }
                }
            }
        }
    }

    fn tolerate(&self, failure: Failure) -> Result<()> {
        self.tolerance.log(&self.id.connector, self.id.task, &failure, "");
        self.tolerance.decide(failure, "a record")
    }

    /// Once a topic and task: creates it if groups are configured, and remembers that the connector uses it.
    async fn prepare_topic(&mut self, topic: &Arc<str>) -> Result<()> {
        if self.known_topics.contains(topic) {
            return Ok(());
        }
        if let Some((creation, admin)) = &self.topic_creation
            && admin.partition_count(topic).await?.is_none()
        {
            let created = admin.create_topic(topic, creation.settings_for(topic)).await;
            created.map_err(|error| {
                ConnectError::fatal(format!("Task failed to create new topic {topic}. Ensure that the task is authorized to create topics or that the topic exists and restart the task")).caused_by(error)
            })?;
        }
        self.context.record_topic(&self.id, topic).await;
        self.known_topics.insert(topic.clone());
        Ok(())
    }
}

/// Connect: a null or -1 timestamp is none, any other negative one is an error.
fn timestamp(timestamp_ms: Option<i64>) -> Result<Option<i64>> {
    match timestamp_ms {
        None | Some(-1) => Ok(None),
        Some(negative) if negative < 0 => Err(ConnectError::fatal(format!("Invalid record timestamp {negative}"))),
        some => Ok(some),
    }
}

/// How often and since when one step was tried.
#[derive(Default)]
pub(super) struct Retries {
    failed: u32,
    since: Option<Instant>,
}

impl Retries {
    /// How long to wait before trying again, or `None` to give up.
    pub fn next(&mut self, tolerance: &Tolerance, error: &ConnectError) -> Option<Duration> {
        if error.kind() != ErrorKind::Retriable {
            return None;
        }
        self.failed += 1;
        let since = *self.since.get_or_insert_with(Instant::now);
        tolerance.retry_delay(self.failed, since.elapsed())
    }
}
