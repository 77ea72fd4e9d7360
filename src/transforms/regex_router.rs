//! Renames topics by a regular expression (`org.apache.kafka.connect.transforms.RegexRouter`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use ahash::AHashMap;

use super::java_regex::{JavaRegex, Replacement};
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator};
use crate::data::ConnectRecord;
use crate::plugin::registry::Factory;
use crate::plugin::{Result, Transform};

pub const TRANSFORM: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.RegexRouter",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(RegexRouter::new(config)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new(
            "regex",
            ConfigType::String,
            Default::Required,
            Importance::High,
            "Topics whose whole name matches this are renamed.",
        )
        .validator(Validator::Custom(JavaRegex::check)),
        ConfigKey::new(
            "replacement",
            ConfigType::String,
            Default::Required,
            Importance::High,
            "The new name; $1 stands for what the first group matched.",
        ),
    ],
};

struct RegexRouter {
    regex: JavaRegex,
    replacement: Replacement,
    /// New names of topics seen before; a connector has few.
    known: AHashMap<Arc<str>, Arc<str>>,
}

impl RegexRouter {
    const MAX_KNOWN: usize = 10_000;

    fn new(config: &ConfigMap) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        let regex = JavaRegex::compile(config.text("regex").unwrap_or_default()).map_err(crate::config::ConfigError::new)?;
        let replacement = Replacement::compile(config.text("replacement").unwrap_or_default(), &regex)?;
        Ok(Self { regex, replacement, known: AHashMap::new() })
    }
}

impl Transform for RegexRouter {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let topic = match self.known.get(&record.topic) {
            Some(topic) => topic.clone(),
            None => {
                let topic = if self.regex.matches(&record.topic) {
                    self.regex.replace_first(&record.topic, &self.replacement).into()
                } else {
                    record.topic.clone()
                };
                if self.known.len() >= Self::MAX_KNOWN {
                    self.known.clear();
                }
                self.known.insert(record.topic.clone(), Arc::clone(&topic));
                topic
            }
        };
        record.topic = topic;
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::predicates::tests::record;

    #[test]
    fn renames_what_matches_and_leaves_the_rest() {
        let config = [("regex", r"([^.]+)\.([^.]+)\.([^.]+)"), ("replacement", "$3")].into_iter().collect();
        let mut router = RegexRouter::new(&config).unwrap();
        for (from, to) in [("srv.db.orders", "orders"), ("orders", "orders"), ("srv.db.orders", "orders")] {
            assert_eq!(&*router.apply(record(from)).unwrap().unwrap().topic, to);
        }
    }

    #[test]
    fn a_wrong_regex_is_a_config_error() {
        let config = [("regex", "("), ("replacement", "x")].into_iter().collect();
        let error = RegexRouter::new(&config).err().unwrap();
        assert!(error.message().starts_with("Invalid value ( for configuration regex: Invalid regex"), "{error}");
    }
}
