//! Decides which records a transform applies to (`org.apache.kafka.connect.transforms.predicates`).
//! contracts/connect-runtime.md, section 10.

use super::java_regex::JavaRegex;
use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigType, Default, Importance, TypedValue, Validator};
use crate::data::ConnectRecord;
use crate::plugin::Predicate;
use crate::plugin::registry::Factory;

pub const HAS_HEADER_KEY: Factory<dyn Predicate> = Factory {
    class: "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    config_def: &HEADER_CONFIG,
    build: |config| Ok(Box::new(HasHeaderKey(HEADER_CONFIG.parse(config)?.text("name").unwrap_or_default().to_owned()))),
};
pub const RECORD_IS_TOMBSTONE: Factory<dyn Predicate> = Factory {
    class: "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    config_def: &ConfigDef::EMPTY,
    build: |_| Ok(Box::new(RecordIsTombstone)),
};
pub const TOPIC_NAME_MATCHES: Factory<dyn Predicate> = Factory {
    class: "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    config_def: &TOPIC_CONFIG,
    build: |config| {
        let pattern = TOPIC_CONFIG.parse(config)?;
        let regex = JavaRegex::compile(pattern.text("pattern").unwrap_or_default()).map_err(ConfigError::new)?;
        Ok(Box::new(TopicNameMatches(regex)))
    },
};

static HEADER_CONFIG: ConfigDef = ConfigDef {
    keys: &[ConfigKey::new("name", ConfigType::String, Default::Required, Importance::Medium, "The header's name.")
        .validator(Validator::NonEmpty)],
};
static TOPIC_CONFIG: ConfigDef = ConfigDef {
    keys: &[ConfigKey::new(
        "pattern",
        ConfigType::String,
        Default::Required,
        Importance::Medium,
        "A regular expression that the whole topic name has to match.",
    )
    .validator(Validator::Custom(check_pattern))],
};

fn check_pattern(value: Option<&TypedValue>) -> Result<(), String> {
    match value {
        Some(TypedValue::Text(pattern)) if pattern.is_empty() => Err("String must be non-empty".to_owned()),
        other => JavaRegex::check(other),
    }
}

struct HasHeaderKey(String);

impl Predicate for HasHeaderKey {
    fn test(&self, record: &ConnectRecord) -> bool {
        record.headers.as_slice().iter().any(|header| *header.key == *self.0)
    }
}

struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn test(&self, record: &ConnectRecord) -> bool {
        record.value.value.is_null()
    }
}

struct TopicNameMatches(JavaRegex);

impl Predicate for TopicNameMatches {
    fn test(&self, record: &ConnectRecord) -> bool {
        self.0.matches(&record.topic)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::{Header, Headers, SchemaAndValue, Value};

    /// A record without anything but a topic.
    pub(in crate::transforms) fn record(topic: &str) -> ConnectRecord {
        ConnectRecord {
            topic: topic.into(),
            partition: None,
            kafka_offset: None,
            key: SchemaAndValue::NULL,
            value: SchemaAndValue::NULL,
            timestamp_ms: None,
            headers: Headers::default(),
        }
    }

    #[test]
    fn predicates_look_at_topic_header_and_value() {
        let mut record = record("srv.orders");
        record.headers = Headers::new(vec![Header { key: "h".into(), data: SchemaAndValue::NULL }]);
        let topic = (TOPIC_NAME_MATCHES.build)(&[("pattern", r"srv\..*")].into_iter().collect()).unwrap();
        let header = (HAS_HEADER_KEY.build)(&[("name", "h")].into_iter().collect()).unwrap();
        let tombstone = (RECORD_IS_TOMBSTONE.build)(&[("", "")].into_iter().collect()).unwrap();
        assert!(topic.test(&record) && header.test(&record) && tombstone.test(&record));
        record.topic = "x.srv.orders".into();
        record.headers = Headers::default();
        record.value = SchemaAndValue::schemaless(Value::Int64(1));
        assert!(!topic.test(&record) && !header.test(&record) && !tombstone.test(&record));
        assert!((TOPIC_NAME_MATCHES.build)(&[("pattern", "")].into_iter().collect()).is_err());
    }
}
