//! Turns settings written for older Debezium releases into today's, and says which release a file was written for.

use tracing::warn;

use super::options::Profile;
use crate::config::ConfigMap;

/// Chooses the record format regardless of how the file is spelled. Tributary's own key.
pub const COMPAT: &str = "tributary.debezium.compat";

/// Whole keys that were renamed.
const RENAMED: &[(&str, &str)] = &[
    ("database.server.name", "topic.prefix"),
    ("database.history", "schema.history.internal"),
    ("database.whitelist", "database.include.list"),
    ("database.blacklist", "database.exclude.list"),
    ("table.whitelist", "table.include.list"),
    ("table.blacklist", "table.exclude.list"),
    ("column.whitelist", "column.include.list"),
    ("column.blacklist", "column.exclude.list"),
    ("event.deserialization.failure.handling.mode", "event.processing.failure.handling.mode"),
    ("topic.heartbeat.prefix", "heartbeat.topics.prefix"),
];
const OLD_HISTORY: &str = "database.history.";
const NEW_HISTORY: &str = "schema.history.internal.";
const OLD_CAPTURED_ONLY: &str = "schema.history.internal.store.only.monitored.tables.ddl";
const CAPTURED_ONLY: &str = "schema.history.internal.store.only.captured.tables.ddl";

/// The settings under today's names. Where both spellings are present the new one wins.
pub fn to_new_keys(config: &ConfigMap) -> ConfigMap {
    let mut result = ConfigMap::new();
    let mut renamed = Vec::new();
    for (key, value) in config.iter() {
        match new_name(key) {
            Some(new) => renamed.push((key, new, value)),
            None => result.set(key, value),
        }
    }
    for (old, new, value) in renamed {
        if config.get(&new).is_some() {
            warn!(ignored = old, used = new, "a setting is given under its old and its new name");
        } else {
            result.set(new, value);
        }
    }
    if let Some(value) = result.get(OLD_CAPTURED_ONLY).map(str::to_owned) {
        result.remove(OLD_CAPTURED_ONLY);
        if result.get(CAPTURED_ONLY).is_none() {
            result.set(CAPTURED_ONLY, value);
        }
    }
    if result.get("field.name.adjustment.mode").is_none()
        && result.get("sanitize.field.names").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    {
        result.set("field.name.adjustment.mode", "avro");
    }
    result
}

/// The name of today of a setting that was renamed.
pub fn new_name(key: &str) -> Option<String> {
    if let Some(rest) = key.strip_prefix(OLD_HISTORY) {
        return Some(format!("{NEW_HISTORY}{rest}"));
    }
    RENAMED.iter().find(|(old, _)| *old == key).map(|(_, new)| (*new).to_owned())
}

/// True if the file uses a spelling that ended with 1.9 and none that began with 2.0.
pub fn is_written_for_1x(config: &ConfigMap) -> bool {
    let old = config.iter().any(|(key, _)| {
        key == "database.server.name"
            || key == "database.history"
            || key.starts_with(OLD_HISTORY)
            || key.ends_with(".whitelist")
            || key.ends_with(".blacklist")
    });
    let new =
        config.iter().any(|(key, _)| key == "topic.prefix" || key == "schema.history.internal" || key.starts_with(NEW_HISTORY));
    old && !new
}

/// The release line whose record format is wanted.
///
/// # Errors
/// The value that names no known line.
pub fn profile(config: &ConfigMap) -> Result<Profile, String> {
    match config.get(COMPAT).map(str::trim) {
        Some(name) => Profile::from_name(name).ok_or_else(|| name.to_owned()),
        None if is_written_for_1x(config) => Ok(Profile::V1_9),
        None => Ok(Profile::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, &str)]) -> ConfigMap {
        entries.iter().copied().collect()
    }

    #[test]
    fn old_names_become_new_ones() {
        let new = to_new_keys(&config(&[
            ("database.server.name", "s"),
            ("database.history.kafka.topic", "h"),
            ("database.history.store.only.monitored.tables.ddl", "true"),
            ("database.history.producer.security.protocol", "SSL"),
            ("table.whitelist", "a.b"),
            ("sanitize.field.names", "true"),
            ("tasks.max", "1"),
        ]));
        for (key, value) in [
            ("topic.prefix", "s"),
            ("schema.history.internal.kafka.topic", "h"),
            ("schema.history.internal.store.only.captured.tables.ddl", "true"),
            ("schema.history.internal.producer.security.protocol", "SSL"),
            ("table.include.list", "a.b"),
            ("field.name.adjustment.mode", "avro"),
            ("tasks.max", "1"),
        ] {
            assert_eq!(new.get(key), Some(value), "{key}");
        }
        assert_eq!(new.get("table.whitelist"), None);
    }

    #[test]
    fn the_new_spelling_wins() {
        let new = to_new_keys(&config(&[("database.server.name", "old"), ("topic.prefix", "new")]));
        assert_eq!(new.get("topic.prefix"), Some("new"));
    }

    #[test]
    fn the_spelling_chooses_the_record_format() {
        assert_eq!(profile(&config(&[("database.server.name", "s")])), Ok(Profile::V1_9));
        assert_eq!(profile(&config(&[("database.server.name", "s"), ("topic.prefix", "s")])), Ok(Profile::V3_6));
        assert_eq!(profile(&config(&[("topic.prefix", "s")])), Ok(Profile::V3_6));
        assert_eq!(profile(&config(&[("topic.prefix", "s"), (COMPAT, "1.2")])), Ok(Profile::V1_2));
        assert_eq!(profile(&config(&[(COMPAT, "9")])), Err("9".to_owned()));
    }
}
