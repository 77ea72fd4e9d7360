//! Makes heartbeat records and says when one is due.

use std::sync::Arc;

use tokio::time::Instant;

use super::config::HeartbeatSettings;
use super::options::{EventOptions, Profile};
use crate::data::logical::plain;
use crate::data::{ConnectRecord, Headers, Schema, SchemaAndValue, SchemaBuilder, SchemaKind, Value};

/// The clock of one connector's heartbeats.
pub struct Heartbeat {
    settings: HeartbeatSettings,
    key_schema: Arc<Schema>,
    value_schema: Arc<Schema>,
    server_name: Arc<str>,
    next: Instant,
}

impl Heartbeat {
    /// Nothing if heartbeats are off.
    pub fn new(settings: &HeartbeatSettings, options: &EventOptions) -> Option<Self> {
        if settings.interval.is_zero() {
            return None;
        }
        // Debezium 1.x gave these schemas no version.
        let versioned = |schema: SchemaBuilder| if options.profile > Profile::V1_9 { schema.version(1) } else { schema };
        let key = SchemaBuilder::structure([("serverName", plain(SchemaKind::String, false))])
            .name("io.debezium.connector.common.ServerNameKey");
        let value =
            SchemaBuilder::structure([("ts_ms", plain(SchemaKind::Int64, false))]).name("io.debezium.connector.common.Heartbeat");
        Some(Self {
            settings: settings.clone(),
            key_schema: versioned(key).build(),
            value_schema: versioned(value).build(),
            server_name: options.server_name.clone(),
            next: Instant::now() + settings.interval,
        })
    }

    pub fn is_due(&self, now: Instant) -> bool {
        now >= self.next
    }

    pub fn next(&self) -> Instant {
        self.next
    }

    /// A record for now; the next is due after the interval.
    pub fn beat(&mut self, now: Instant, now_ms: i64) -> ConnectRecord {
        self.next = now + self.settings.interval;
        let key = Value::Struct(Box::new([Value::from(&*self.server_name)]));
        ConnectRecord {
            topic: self.settings.topic.clone(),
            partition: Some(0),
            kafka_offset: None,
            key: SchemaAndValue::new(self.key_schema.clone(), key),
            value: SchemaAndValue::new(self.value_schema.clone(), Value::Struct(Box::new([Value::Int64(now_ms)]))),
            timestamp_ms: None,
            headers: Headers::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn beats_when_the_interval_passed() {
        let mut settings = HeartbeatSettings { interval: Duration::ZERO, topic: "h".into(), action_query: None };
        assert!(Heartbeat::new(&settings, &EventOptions::default()).is_none());
        settings.interval = Duration::from_secs(60);
        let mut heartbeat = Heartbeat::new(&settings, &EventOptions::default()).unwrap();
        let later = Instant::now() + Duration::from_secs(60);
        assert!(!heartbeat.is_due(Instant::now()) && heartbeat.is_due(later));
        let record = heartbeat.beat(later, 5);
        assert!(!heartbeat.is_due(later) && heartbeat.is_due(later + Duration::from_secs(60)));
        assert_eq!(record.value.value, Value::Struct(Box::new([Value::Int64(5)])));
        record.key.value.check(record.key.schema.as_ref().unwrap()).unwrap();
    }
}
