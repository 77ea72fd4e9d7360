//! Appends single records to a topic and waits for each.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;

use super::admin::close_aside;
use super::client_config::{ClientKind, ClientSettings, JavaSettings};
use super::context::Context;
use super::error::connect_error;
use crate::plugin::Result;

/// A producer for a few records at a time; the client is created by the first append. Cheap to clone.
#[derive(Clone)]
pub(super) struct LogWriter {
    topic: Arc<str>,
    settings: Arc<ClientSettings>,
    context: Context,
    producer: Arc<Mutex<Slot>>,
}

/// Dropping a producer waits for its thread, so the last owner leaves that to another thread.
#[derive(Default)]
struct Slot(Option<FutureProducer<Context>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(producer) = self.0.take() {
            close_aside(producer);
        }
    }
}

/// Where a record went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub partition: i32,
    pub offset: i64,
}

impl LogWriter {
    pub fn new(topic: &str, java: &JavaSettings) -> Result<Self> {
        let mut settings = ClientSettings::from_java(ClientKind::Producer, java)?;
        // Each caller waits for its record, so there is nothing to gather.
        settings.set("linger.ms", "0");
        settings.set("acks", "-1");
        settings.set("enable.idempotence", "false");
        settings.set("max.in.flight.requests.per.connection", "1");
        settings.set("queue.buffering.max.kbytes", "65536");
        if !java.contains_key("max.request.size") {
            // Entries (schema histories, long configs) may be large; the topic's own limit still holds.
            settings.set("message.max.bytes", "10485760");
        }
        Ok(Self { topic: topic.into(), settings: Arc::new(settings), context: Context::default(), producer: Arc::default() })
    }

    pub async fn append(&self, partition: Option<i32>, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Written> {
        let producer = self.producer()?;
        let mut record = FutureRecord::<[u8], [u8]>::to(&self.topic);
        record.partition = partition;
        record.key = key;
        record.payload = value;
        let limit = Timeout::After(self.settings.max_block.min(Duration::from_secs(120)));
        match producer.send(record, limit).await {
            Ok(delivery) => {
                self.context.recovered();
                Ok(Written { partition: delivery.partition, offset: delivery.offset })
            }
            Err((error, _)) => {
                let error = connect_error(format!("cannot write to topic '{}'", self.topic), &error);
                Err(self.context.explain(error))
            }
        }
    }

    fn producer(&self) -> Result<FutureProducer<Context>> {
        let mut slot = self.producer.lock();
        if let Some(producer) = &slot.0 {
            return Ok(producer.clone());
        }
        let producer: FutureProducer<Context> = self
            .settings
            .native()
            .create_with_context(self.context.clone())
            .map_err(|error| connect_error(format!("cannot create a producer for topic '{}'", self.topic), &error))?;
        slot.0 = Some(producer.clone());
        Ok(producer)
    }
}
