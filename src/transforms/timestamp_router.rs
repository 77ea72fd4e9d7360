//! Names topics by the time of the record (`org.apache.kafka.connect.transforms.TimestampRouter`).
//! contracts/connect-runtime.md, section 10.

use crate::codec::java_time::DateFormat;
use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigMap, ConfigType, Default, Importance};
use crate::data::ConnectRecord;
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const TRANSFORM: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.TimestampRouter",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(TimestampRouter::new(config)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new(
            "topic.format",
            ConfigType::String,
            Default::Text("${topic}-${timestamp}"),
            Importance::High,
            "The new name; ${topic} stands for the old one and ${timestamp} for the time.",
        ),
        ConfigKey::new(
            "timestamp.format",
            ConfigType::String,
            Default::Text("yyyyMMdd"),
            Importance::High,
            "The pattern of Java's SimpleDateFormat for the time, in UTC.",
        ),
    ],
};

struct TimestampRouter {
    topic_format: String,
    format: DateFormat,
}

impl TimestampRouter {
    fn new(config: &ConfigMap) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        let pattern = config.text("timestamp.format").unwrap_or_default();
        let format = DateFormat::compile(pattern)
            .map_err(|error| ConfigError::invalid("timestamp.format", pattern, &error.to_string()))?;
        Ok(Self { topic_format: config.text("topic.format").unwrap_or_default().to_owned(), format })
    }
}

impl Transform for TimestampRouter {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let millis = record.timestamp_ms.ok_or_else(|| {
            ConnectError::bad_record(format!("Timestamp missing on record: a record of topic '{}'", record.topic))
        })?;
        let topic = self.topic_format.replace("${topic}", &record.topic);
        record.topic = topic.replace("${timestamp}", &self.format.format(millis)).into();
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::test_records::{config_error, empty_record, run};

    #[test]
    fn topics_get_the_time() {
        let mut record = empty_record();
        record.timestamp_ms = Some(1_600_000_000_123);
        assert_eq!(&*run(&TRANSFORM, &[], record.clone()).unwrap().topic, "topic-20200913");
        let settings = [("topic.format", "a-${topic}-${timestamp}-$"), ("timestamp.format", "yyyy-MM-dd HH")];
        assert_eq!(&*run(&TRANSFORM, &settings, record).unwrap().topic, "a-topic-2020-09-13 12-$");
        assert!(run(&TRANSFORM, &[], empty_record()).unwrap_err().message().starts_with("Timestamp missing on record: "));
        assert!(config_error(&TRANSFORM, &[("timestamp.format", "bb")]).contains("Illegal pattern character 'b'"));
    }
}
