//! Sends records that a sink could not handle to the dead letter topic, with headers that say why.
//!
//! Source: contracts/connect-runtime.md, section 8.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::context::{TaskId, WorkerContext, dead_letter_admin_settings, dead_letter_producer_settings};
use super::record_pipeline::Consumed;
use super::tolerance::{ConsumedRecord, Failure, Stage, Tolerance, exceeded};
use crate::config::ConfigMap;
use crate::data::SinkRecord;
use crate::data::record::RawRecord;
use crate::kafka::{Admin, NewTopic, Outgoing, Producer, Sent};
use crate::plugin::{ConnectError, ErrantRecordReporter, ErrorKind, Result};

const TOPIC: &str = "errors.deadletterqueue.topic.name";
const REPLICATION_FACTOR: &str = "errors.deadletterqueue.topic.replication.factor";
const CONTEXT_HEADERS: &str = "errors.deadletterqueue.context.headers.enable";

/// The dead letter topic of a sink task.
pub struct DeadLetterQueue {
    topic: String,
    id: TaskId,
    context_headers: bool,
    producer: Producer<Reported>,
    /// That a record which the task itself reported did not arrive.
    lost: Arc<AtomicBool>,
}

/// Who reported a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reported {
    ByRuntime,
    ByTask,
}

/// A failed record as it came from Kafka.
struct Letter<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp_ms: Option<i64>,
    raw: Option<&'a RawRecord>,
}

impl Letter<'_> {
    fn place(&self) -> String {
        format!("record at {}-{} offset {}", self.topic, self.partition, self.offset)
    }
}

impl DeadLetterQueue {
    /// `None` if the connector names no dead letter topic. Creates the topic if it is missing.
    pub async fn open(context: &WorkerContext, id: &TaskId, connector: &ConfigMap) -> Result<Option<Self>> {
        let Some(topic) = connector.get(TOPIC).map(str::trim).filter(|topic| !topic.is_empty()) else { return Ok(None) };
        let factor = connector.get(REPLICATION_FACTOR).unwrap_or("3");
        let replication_factor = factor.trim().parse().map_err(|_| {
            ConnectError::config(format!(
                "Invalid value {factor} for configuration {REPLICATION_FACTOR}: Not a number of type SHORT"
            ))
        })?;
        let admin = Admin::new(&dead_letter_admin_settings(context, connector)?)?;
        if admin.partition_count(topic).await?.is_none() {
            let new = NewTopic { partitions: 1, replication_factor, config: Default::default() };
            admin.create_topic(topic, &new).await.map_err(|error| {
                ConnectError::fatal(format!("Could not initialize dead letter queue with topic={topic}")).caused_by(error.trace())
            })?;
        }
        let lost = Arc::new(AtomicBool::new(false));
        let producer = {
            let (lost, topic) = (lost.clone(), topic.to_owned());
            Producer::new(&dead_letter_producer_settings(context, id, connector)?, move |by: &Arc<Reported>, delivered| {
                if let Err(error) = delivered {
                    tracing::error!("a record could not be written to the dead letter topic '{topic}': {}", error.trace());
                    if **by == Reported::ByTask {
                        lost.store(true, Ordering::Release);
                    }
                }
            })?
        };
        let context_headers = connector.get(CONTEXT_HEADERS).is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
        Ok(Some(Self { topic: topic.to_owned(), id: id.clone(), context_headers, producer, lost }))
    }

    async fn send(&self, letter: &Letter<'_>, failure: &Failure, by: Reported) {
        let empty = RawRecord::default();
        let raw = letter.raw.unwrap_or(&empty);
        let mut headers = raw.headers.clone();
        if self.context_headers {
            headers.extend(context_headers(&self.id, letter, failure));
        }
        let record = Outgoing {
            topic: &self.topic,
            partition: None,
            timestamp_ms: letter.timestamp_ms,
            key: raw.key.as_deref(),
            value: raw.value.as_deref(),
            headers: &headers,
        };
        let token = Arc::new(by);
        loop {
            match self.producer.try_send(record, &token) {
                Ok(Sent::Queued) => return,
                Ok(Sent::Full) => self.producer.wait_for_room().await,
                Err(error) => {
                    tracing::error!("a record could not be written to the dead letter topic '{}': {}", self.topic, error.trace());
                    if by == Reported::ByTask {
                        self.lost.store(true, Ordering::Release);
                    }
                    return;
                }
            }
        }
    }

    /// Waits until everything reported is written.
    ///
    /// # Errors
    /// `Fatal` if a record that the task reported did not arrive: committing its offset would lose it.
    async fn flush(&self, limit: Duration) -> Result<()> {
        if !self.producer.flush(limit).await {
            return Err(ConnectError::retriable(format!(
                "the dead letter topic '{}' did not acknowledge its records within {limit:?}",
                self.topic
            )));
        }
        if self.lost.swap(false, Ordering::AcqRel) {
            return Err(ConnectError::fatal(format!(
                "a record that the task reported could not be written to the dead letter topic '{}'; see the log for the cause",
                self.topic
            )));
        }
        Ok(())
    }
}

/// Connect: DeadLetterQueueReporter.populateContextHeaders.
fn context_headers(id: &TaskId, letter: &Letter<'_>, failure: &Failure) -> Vec<(Arc<str>, Option<Bytes>)> {
    let header = |name: &str, value: String| (format!("__connect.errors.{name}").into(), Some(Bytes::from(value)));
    vec![
        header("topic", letter.topic.to_owned()),
        header("partition", letter.partition.to_string()),
        header("offset", letter.offset.to_string()),
        header("connector.name", id.connector.to_string()),
        header("task.id", id.task.to_string()),
        header("stage", failure.stage.name().to_owned()),
        header("class.name", failure.class.clone()),
        header("exception.class.name", java_class(failure.error.kind()).to_owned()),
        header("exception.message", failure.error.message().to_owned()),
        header("exception.stacktrace", format!("{}: {}", java_class(failure.error.kind()), failure.error.trace())),
    ]
}

/// The exception that Java would have thrown, for tools that count by class.
fn java_class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Retriable => "org.apache.kafka.connect.errors.RetriableException",
        ErrorKind::BadRecord => "org.apache.kafka.connect.errors.DataException",
        ErrorKind::Config => "org.apache.kafka.common.config.ConfigException",
        ErrorKind::Fatal => "org.apache.kafka.connect.errors.ConnectException",
    }
}

/// Tells everybody concerned about failed records of one sink task, and decides whether the task may go on.
pub struct FailureReporter {
    id: TaskId,
    /// The task's class, where it reports a record itself.
    task_class: &'static str,
    tolerance: Tolerance,
    queue: Option<DeadLetterQueue>,
    /// Why the task must end, if it reported more than is tolerated.
    beyond_tolerance: Mutex<Option<ConnectError>>,
}

impl FailureReporter {
    pub fn new(id: TaskId, task_class: &'static str, tolerance: Tolerance, queue: Option<DeadLetterQueue>) -> Self {
        Self { id, task_class, tolerance, queue, beyond_tolerance: Mutex::new(None) }
    }

    /// Whether a sink task gets a reporter at all, and records have to keep their bytes.
    pub fn is_of_use(&self) -> bool {
        self.queue.is_some() || self.tolerance.log
    }

    pub fn tolerance(&self) -> &Tolerance {
        &self.tolerance
    }

    /// Reports a record that transforms or converters failed on.
    ///
    /// # Errors
    /// If that is not tolerated.
    pub async fn failed(&self, record: &Consumed, failure: Failure) -> Result<()> {
        let letter = Letter {
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            raw: Some(&record.raw),
        };
        self.tell(&letter, &failure, Reported::ByRuntime).await;
        self.tolerance.decide(failure, letter.place())
    }

    async fn tell(&self, letter: &Letter<'_>, failure: &Failure, by: Reported) {
        let origin = ConsumedRecord {
            topic: letter.topic,
            partition: letter.partition,
            offset: letter.offset,
            timestamp_ms: letter.timestamp_ms,
        };
        self.tolerance.log(&self.id.connector, self.id.task, failure, origin);
        if let Some(queue) = &self.queue {
            queue.send(letter, failure, by).await;
        }
    }

    /// What a task reported beyond what is tolerated; to be asked after each of its calls.
    pub fn check(&self) -> Result<()> {
        match self.beyond_tolerance.lock().take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Waits until all reports are written, as has to be before offsets are committed.
    pub async fn flush(&self, limit: Duration) -> Result<()> {
        match &self.queue {
            Some(queue) => queue.flush(limit).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl ErrantRecordReporter for FailureReporter {
    /// Returns when the report is on its way; it has arrived before the record's offset is committed.
    async fn report(&self, record: &SinkRecord, error: &ConnectError) -> Result<()> {
        let letter = Letter {
            topic: &record.kafka_topic,
            partition: record.kafka_partition,
            offset: record.kafka_offset,
            timestamp_ms: record.record.timestamp_ms,
            raw: record.raw.as_deref(),
        };
        let failure = Failure { stage: Stage::TaskPut, class: self.task_class.to_owned(), error: copy_of(error) };
        self.tell(&letter, &failure, Reported::ByTask).await;
        // The task itself says that this is about the record alone.
        if self.tolerance.tolerate_all {
            return Ok(());
        }
        let error = exceeded(failure, letter.place());
        // For the case that the task does not pass the error on.
        self.beyond_tolerance.lock().get_or_insert_with(|| copy_of(&error));
        Err(error)
    }
}

/// The same error with its chain of causes as text.
fn copy_of(error: &ConnectError) -> ConnectError {
    let copy = ConnectError::new(error.kind(), error.message());
    match error.trace().strip_prefix(error.message()).and_then(|rest| rest.strip_prefix("\nCaused by: ")) {
        Some(causes) => copy.caused_by(causes),
        None => copy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_headers_are_in_javas_order() {
        let raw = RawRecord::default();
        let letter = Letter { topic: "t", partition: 2, offset: 7, timestamp_ms: None, raw: Some(&raw) };
        let error = ConnectError::bad_record("no such field").caused_by("deeper");
        let failure = Failure { stage: Stage::ValueConverter, class: "JsonConverter".to_owned(), error };
        let headers = context_headers(&TaskId::new("c", 1), &letter, &failure);
        let text = |value: &Option<Bytes>| String::from_utf8(value.clone().unwrap().to_vec()).unwrap();
        let shown: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        assert_eq!(
            shown,
            [
                "__connect.errors.topic=t",
                "__connect.errors.partition=2",
                "__connect.errors.offset=7",
                "__connect.errors.connector.name=c",
                "__connect.errors.task.id=1",
                "__connect.errors.stage=VALUE_CONVERTER",
                "__connect.errors.class.name=JsonConverter",
                "__connect.errors.exception.class.name=org.apache.kafka.connect.errors.DataException",
                "__connect.errors.exception.message=no such field",
                "__connect.errors.exception.stacktrace=org.apache.kafka.connect.errors.DataException: no such field\n\
                 Caused by: deeper",
            ]
        );
    }

    #[tokio::test]
    async fn a_report_beyond_tolerance_ends_the_task() {
        let tolerance = |text| Tolerance::from_config(&[("errors.tolerance", text)].into_iter().collect()).unwrap();
        let record = SinkRecord {
            record: crate::data::ConnectRecord {
                topic: "t".into(),
                partition: None,
                kafka_offset: None,
                key: Default::default(),
                value: Default::default(),
                timestamp_ms: None,
                headers: Default::default(),
            },
            kafka_topic: "t".into(),
            kafka_partition: 0,
            kafka_offset: 0,
            raw: None,
        };
        let error = ConnectError::bad_record("too long");
        let strict = FailureReporter::new(TaskId::new("c", 0), "T", tolerance("none"), None);
        assert!(strict.report(&record, &error).await.is_err());
        assert_eq!(
            strict.check().unwrap_err().trace(),
            "Tolerance exceeded in error handler\n\
             Caused by: record at t-0 offset 0 failed at stage TASK_PUT in T; correct the cause and restart the task, or set \
             errors.tolerance=all to skip such records\n\
             Caused by: too long"
        );
        assert!(strict.check().is_ok());
        let lenient = FailureReporter::new(TaskId::new("c", 0), "T", tolerance("all"), None);
        assert!(lenient.report(&record, &error).await.is_ok());
        assert!(lenient.check().is_ok());
    }
}
