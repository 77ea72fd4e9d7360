//! Sends records without waiting for each: acknowledgements come back through a callback.
//!
//! Records of one partition are written in the order sent (one request in flight, or idempotence if the user sets it).
//! A full queue gives the record back; [`Producer::wait_for_room`] then waits until half of it is free again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use tokio::sync::Notify;

use super::admin::close_aside;
use super::client_config::{ClientKind, ClientSettings, JavaSettings};
use super::context::Context;
use super::error::connect_error;
use crate::plugin::Result;

/// How often a waiting sender looks by itself, in case the brokers refuse this client and nothing ever drains.
const RECHECK: Duration = Duration::from_secs(1);

/// A record to send; the producer copies its bytes.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    pub topic: &'a str,
    /// Without it the key decides, as Java's default partitioner would.
    pub partition: Option<i32>,
    /// Without it the time of sending.
    pub timestamp_ms: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(Arc<str>, Option<Bytes>)],
}

impl Outgoing<'_> {
    fn size(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)
    }
}

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    Queued,
    /// Not taken; wait for room and send it again.
    Full,
}

type OnDelivery<T> = Box<dyn Fn(&Arc<T>, Result<()>) + Send + Sync>;
type HeaderBytes = Vec<(Arc<str>, Option<Bytes>)>;

/// The producer of one task. `T` comes back with each acknowledgement; many records may share one.
///
/// Dropping it gives up what is still queued: each such record is reported as failed, from another thread.
pub struct Producer<T: Send + Sync + 'static> {
    native: Option<ThreadedProducer<Deliveries<T>>>,
    context: Context,
    shared: Arc<Shared>,
    /// The headers sent last, ready made: sources put the same ones on most of their records.
    headers: Mutex<Option<(HeaderBytes, OwnedHeaders)>>,
}

#[derive(Default)]
struct Shared {
    limit_records: usize,
    limit_bytes: usize,
    /// Sent and not reported yet.
    records: AtomicUsize,
    bytes: AtomicUsize,
    wants_room: AtomicBool,
    room: Notify,
    wants_empty: AtomicBool,
    empty: Notify,
}

impl Shared {
    fn has_room(&self) -> bool {
        self.records.load(Ordering::Acquire) <= self.limit_records / 2
            && self.bytes.load(Ordering::Acquire) <= self.limit_bytes / 2
    }

    fn is_empty(&self) -> bool {
        self.records.load(Ordering::Acquire) == 0
    }

    fn queued(&self, size: usize) {
        self.records.fetch_add(1, Ordering::AcqRel);
        self.bytes.fetch_add(size, Ordering::AcqRel);
    }

    fn reported(&self, size: usize) {
        self.records.fetch_sub(1, Ordering::AcqRel);
        self.bytes.fetch_sub(size, Ordering::AcqRel);
        if self.wants_room.load(Ordering::Acquire) && self.has_room() && self.wants_room.swap(false, Ordering::AcqRel) {
            self.room.notify_one();
        }
        if self.wants_empty.load(Ordering::Acquire) && self.is_empty() && self.wants_empty.swap(false, Ordering::AcqRel) {
            self.empty.notify_one();
        }
    }
}

impl<T: Send + Sync + 'static> Producer<T> {
    /// `on_delivery` runs on the producer's thread once for each queued record and must be quick. Records of one
    /// partition are reported in the order sent.
    ///
    /// # Errors
    /// `Config` if the settings are not valid. No connection is made yet.
    pub fn new(java: &JavaSettings, on_delivery: impl Fn(&Arc<T>, Result<()>) + Send + Sync + 'static) -> Result<Self> {
        let settings = ClientSettings::from_java(ClientKind::Producer, java)?;
        let number = |key: &str| settings.get(key).and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
        let shared = Arc::new(Shared {
            limit_records: number("queue.buffering.max.messages"),
            limit_bytes: number("queue.buffering.max.kbytes") * 1024,
            ..Shared::default()
        });
        let context = Context::default();
        let deliveries =
            Deliveries { context: context.clone(), shared: shared.clone(), on_delivery: Box::new(on_delivery) as OnDelivery<T> };
        let native = settings
            .native()
            .create_with_context(deliveries)
            .map_err(|error| connect_error("cannot create a Kafka producer", &error))?;
        Ok(Self { native: Some(native), context, shared, headers: Mutex::new(None) })
    }

    /// Queues a record; `token` comes back when it is acknowledged or given up.
    ///
    /// # Errors
    /// Why this record can never be sent (`Fatal`, as for one that is too large), or that the brokers refuse this
    /// client. The token does not come back then.
    pub fn try_send(&self, record: Outgoing<'_>, token: &Arc<T>) -> Result<Sent> {
        if let Some(refusal) = self.context.refusal() {
            return Err(refusal);
        }
        let Some(native) = &self.native else { return Ok(Sent::Full) };
        let mut message = BaseRecord::<[u8], [u8], Arc<T>>::with_opaque_to(record.topic, token.clone());
        message.partition = record.partition;
        message.timestamp = record.timestamp_ms;
        message.key = record.key;
        message.payload = record.value;
        message.headers = self.native_headers(record.headers);
        // Counted before, because the report may come before this call returns.
        self.shared.queued(record.size());
        match native.send(message) {
            Ok(()) => Ok(Sent::Queued),
            Err((error, _message)) => {
                self.shared.reported(record.size());
                match error.rdkafka_error_code() {
                    Some(RDKafkaErrorCode::QueueFull) => Ok(Sent::Full),
                    _ => Err(connect_error(format!("cannot write a record to topic '{}'", record.topic), &error)),
                }
            }
        }
    }

    fn native_headers(&self, headers: &[(Arc<str>, Option<Bytes>)]) -> Option<OwnedHeaders> {
        if headers.is_empty() {
            return None;
        }
        let mut last = self.headers.lock();
        if let Some((known, native)) = &*last
            && known == headers
        {
            return Some(native.clone());
        }
        let native = headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |native, (key, value)| {
            native.insert(Header { key, value: value.as_deref() })
        });
        *last = Some((headers.to_vec(), native.clone()));
        Some(native)
    }

    /// Waits until half of the queue is free, or the brokers refuse this client, which the next send tells.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn wait_for_room(&self) {
        loop {
            self.shared.wants_room.store(true, Ordering::Release);
            if self.shared.has_room() || self.context.refusal().is_some() {
                return;
            }
            // The permit of a notification that came in between is kept.
            let _either = tokio::time::timeout(RECHECK, self.shared.room.notified()).await;
        }
    }

    /// Waits until everything sent is acknowledged or given up; `false` if that takes longer than `limit`.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn flush(&self, limit: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            self.shared.wants_empty.store(true, Ordering::Release);
            if self.shared.is_empty() {
                return true;
            }
            if tokio::time::timeout_at(deadline, self.shared.empty.notified()).await.is_err() {
                return self.shared.is_empty();
            }
        }
    }

    /// Records sent and not reported yet.
    pub fn in_flight(&self) -> usize {
        self.shared.records.load(Ordering::Acquire)
    }
}

impl<T: Send + Sync + 'static> Drop for Producer<T> {
    fn drop(&mut self) {
        if let Some(native) = self.native.take() {
            close_aside(native);
        }
    }
}

struct Deliveries<T> {
    context: Context,
    shared: Arc<Shared>,
    on_delivery: OnDelivery<T>,
}

impl<T: Send + Sync + 'static> ProducerContext for Deliveries<T> {
    type DeliveryOpaque = Arc<T>;

    fn delivery(&self, result: &DeliveryResult<'_>, token: Arc<T>) {
        let message = match result {
            Ok(message) => {
                self.context.recovered();
                (self.on_delivery)(&token, Ok(()));
                message
            }
            Err((error, message)) => {
                let error = connect_error(format!("cannot write a record to topic '{}'", message.topic()), error);
                (self.on_delivery)(&token, Err(self.context.explain(error)));
                message
            }
        };
        self.shared.reported(message.key_len() + message.payload_len());
    }
}

impl<T: Send + Sync> ClientContext for Deliveries<T> {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Context::write_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.note(&error, reason);
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;

    use super::*;

    type Reports = Arc<Mutex<Vec<std::result::Result<usize, String>>>>;

    fn producer(bootstrap: &str, settings: &[(&str, &str)]) -> (Producer<AtomicUsize>, Reports) {
        let reports = Reports::default();
        let mut java: JavaSettings = settings.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        java.insert("bootstrap.servers".to_owned(), bootstrap.to_owned());
        java.insert("max.in.flight.requests.per.connection".to_owned(), "1".to_owned());
        let producer = {
            let reports = reports.clone();
            Producer::new(&java, move |token: &Arc<AtomicUsize>, result| {
                let number = token.fetch_add(1, Ordering::Relaxed);
                reports.lock().push(result.map(|()| number).map_err(|error| error.trace()));
            })
        };
        (producer.unwrap(), reports)
    }

    fn record(value: &[u8]) -> Outgoing<'_> {
        Outgoing { topic: "t", partition: Some(0), timestamp_ms: Some(5), key: None, value: Some(value), headers: &[] }
    }

    #[tokio::test]
    async fn every_record_is_reported_once_however_small_the_queue() {
        let cluster = MockCluster::new(1).unwrap();
        let (producer, reports) =
            producer(&cluster.bootstrap_servers(), &[("librdkafka.queue.buffering.max.messages", "10"), ("linger.ms", "0")]);
        let token = Arc::new(AtomicUsize::new(0));
        let mut full = 0;
        for number in 0..200u8 {
            while producer.try_send(record(&[number]), &token).unwrap() == Sent::Full {
                full += 1;
                producer.wait_for_room().await;
            }
        }
        assert!(producer.flush(Duration::from_secs(30)).await);
        assert!(full > 0, "the queue was never full");
        assert_eq!(token.load(Ordering::Relaxed), 200);
        assert!(reports.lock().iter().all(|report| report.is_ok()));
    }

    #[tokio::test]
    async fn a_record_that_is_too_large_is_refused_at_once() {
        let cluster = MockCluster::new(1).unwrap();
        let (producer, _reports) = producer(&cluster.bootstrap_servers(), &[("max.request.size", "2000")]);
        let token = Arc::new(AtomicUsize::new(0));
        let error = producer.try_send(record(&[0; 3000]), &token).unwrap_err();
        assert!(error.trace().contains("max.request.size"), "{}", error.trace());
        assert_eq!(producer.in_flight(), 0);
        assert_eq!(Arc::strong_count(&token), 1);
    }

    #[tokio::test]
    async fn dropping_reports_what_is_still_queued_as_failed() {
        // Nobody listens there, so nothing is ever acknowledged.
        let (producer, reports) = producer("127.0.0.1:1", &[]);
        let token = Arc::new(AtomicUsize::new(0));
        assert_eq!(producer.try_send(record(b"x"), &token).unwrap(), Sent::Queued);
        assert!(!producer.flush(Duration::from_millis(20)).await);
        drop(producer);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while reports.lock().is_empty() {
            assert!(std::time::Instant::now() < deadline, "the record was never reported");
            tokio::task::yield_now().await;
        }
        assert!(reports.lock()[0].is_err());
    }
}
