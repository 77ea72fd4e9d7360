//! Finds the settings of a topic that a source is about to write to (KIP-158).

use std::collections::BTreeMap;

use regex::Regex;

use crate::config::ConfigMap;
use crate::kafka::NewTopic;
use crate::plugin::{ConnectError, Result};

const PREFIX: &str = "topic.creation.";
const DEFAULT: &str = "default";

struct Group {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
    topic: NewTopic,
}

/// The groups of a connector, in order; the default group is last and takes every topic.
pub struct TopicCreation {
    groups: Vec<Group>,
}

impl TopicCreation {
    /// `None` if the connector leaves topics to the brokers' automatic creation.
    ///
    /// # Errors
    /// `Config` if a group is incomplete or malformed.
    pub fn from_config(config: &ConfigMap) -> Result<Option<Self>> {
        let settings = config.with_prefix(PREFIX);
        if settings.0.is_empty() {
            return Ok(None);
        }
        let default = group_settings(&settings, DEFAULT, None)?;
        let names = settings.get("groups").unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        let mut groups = Vec::new();
        for name in names.filter(|name| *name != DEFAULT) {
            let own = settings.with_prefix(&format!("{name}."));
            let include = patterns(name, "include", &own)?;
            if include.is_empty() {
                return Err(ConnectError::config(format!(
                    "Missing required configuration \"{PREFIX}{name}.include\" which has no default value."
                )));
            }
            let exclude = patterns(name, "exclude", &own)?;
            groups.push(Group { include, exclude, topic: group_settings(&settings, name, Some(&default))? });
        }
        groups.push(Group { include: vec![full_match(".*", DEFAULT, "include")?], exclude: Vec::new(), topic: default });
        Ok(Some(Self { groups }))
    }

    /// The settings of the first group that takes this topic.
    pub fn settings_for(&self, topic: &str) -> &NewTopic {
        let any = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(topic));
        let group = self.groups.iter().find(|group| any(&group.include) && !any(&group.exclude));
        &group.or(self.groups.last()).expect("the default group is always there").topic
    }
}

fn group_settings(settings: &ConfigMap, group: &str, default: Option<&NewTopic>) -> Result<NewTopic> {
    let own = settings.with_prefix(&format!("{group}."));
    let number = |key: &str, fallback: Option<i32>| match own.get(key) {
        Some(text) => text.trim().parse::<i32>().ok().filter(|n| *n == -1 || *n > 0).ok_or_else(|| {
            ConnectError::config(format!(
                "Invalid value {text} for configuration {PREFIX}{group}.{key}: must be positive, or -1 for the broker's default"
            ))
        }),
        None => fallback.ok_or_else(|| {
            ConnectError::config(format!("Missing required configuration \"{PREFIX}{group}.{key}\" which has no default value."))
        }),
    };
    let known = ["include", "exclude", "partitions", "replication.factor"];
    let mut config = default.map(|default| default.config.clone()).unwrap_or_default();
    let others = own.iter().filter(|(key, _)| !known.contains(key)).map(|(key, value)| (key.to_owned(), value.to_owned()));
    config.extend(others.collect::<BTreeMap<_, _>>());
    Ok(NewTopic {
        partitions: number("partitions", default.map(|default| default.partitions))?,
        replication_factor: number("replication.factor", default.map(|default| default.replication_factor))?,
        config,
    })
}

fn patterns(group: &str, key: &str, own: &ConfigMap) -> Result<Vec<Regex>> {
    let texts = own.get(key).unwrap_or_default().split(',').map(str::trim).filter(|text| !text.is_empty());
    texts.map(|text| full_match(text, group, key)).collect()
}

fn full_match(text: &str, group: &str, key: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{text})$")).map_err(|error| {
        ConnectError::config(format!("Invalid value {text} for configuration {PREFIX}{group}.{key}")).caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_group_that_takes_a_topic_decides_and_exclude_wins() {
        let config = [
            ("topic.creation.default.partitions", "1"),
            ("topic.creation.default.replication.factor", "-1"),
            ("topic.creation.default.retention.ms", "1000"),
            ("topic.creation.groups", "big, log"),
            ("topic.creation.big.include", "a.*,b"),
            ("topic.creation.big.exclude", "ax"),
            ("topic.creation.big.partitions", "8"),
            ("topic.creation.log.include", "a.*"),
            ("topic.creation.log.cleanup.policy", "compact"),
        ];
        let creation = TopicCreation::from_config(&config.into_iter().collect()).unwrap().unwrap();
        assert_eq!(creation.settings_for("ab").partitions, 8);
        assert_eq!(creation.settings_for("ax").config["cleanup.policy"], "compact");
        assert_eq!(creation.settings_for("ax").config["retention.ms"], "1000");
        assert_eq!(creation.settings_for("xb").partitions, 1);
    }

    #[test]
    fn without_settings_the_broker_decides_and_incomplete_ones_are_refused() {
        assert!(TopicCreation::from_config(&ConfigMap::new()).unwrap().is_none());
        let config = [("topic.creation.default.partitions", "1")].into_iter().collect();
        let error = TopicCreation::from_config(&config).err().unwrap().to_string();
        assert!(error.contains("topic.creation.default.replication.factor"), "{error}");
    }
}
