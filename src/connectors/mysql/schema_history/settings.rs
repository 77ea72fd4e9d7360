//! Reads the settings of the history under their old and new names.

use super::super::filters::PatternList;
use crate::config::ConfigMap;
use crate::kafka::JavaSettings;
use crate::plugin::{ConnectError, Result};

const NEW: &str = "schema.history.internal";
const OLD: &str = "database.history";

/// Where the records are.
#[derive(Clone)]
pub enum Storage {
    Kafka { topic: String, client: JavaSettings },
    File(std::path::PathBuf),
    Memory,
}

#[derive(Clone)]
pub struct Settings {
    pub storage: Storage,
    pub skip_unparseable: bool,
    pub only_captured_tables: bool,
    pub only_captured_databases: bool,
    pub prefer_ddl: bool,
    pub ddl_filter: DdlFilter,
}

impl Settings {
    pub fn from_config(config: &ConfigMap) -> Result<Self> {
        let keys = Keys(config);
        let only_captured_tables =
            keys.flag("store.only.captured.tables.ddl")? || keys.flag("store.only.monitored.tables.ddl")?;
        let ddl_filter = match keys.find("ddl.filter") {
            Some((key, patterns)) => DdlFilter::Custom(PatternList::for_texts(&key, patterns)?),
            None => DdlFilter::builtin()?,
        };
        Ok(Self {
            storage: storage(&keys)?,
            skip_unparseable: keys.flag("skip.unparseable.ddl")?,
            only_captured_tables,
            only_captured_databases: keys.flag("store.only.captured.databases.ddl")?,
            prefer_ddl: keys.flag("prefer.ddl")?,
            ddl_filter,
        })
    }
}

/// Whether a setting, under its new name, is one of the history's.
pub fn knows(key: &str) -> bool {
    const NAMES: [&str; 9] = [
        "ddl.filter",
        "file.filename",
        "kafka.bootstrap.servers",
        "kafka.topic",
        "prefer.ddl",
        "skip.unparseable.ddl",
        "store.only.captured.databases.ddl",
        "store.only.captured.tables.ddl",
        "store.only.monitored.tables.ddl",
    ];
    let rest = key.strip_prefix(NEW).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| NAMES.contains(&rest) || rest.starts_with("consumer.") || rest.starts_with("producer."))
}

struct Keys<'a>(&'a ConfigMap);

impl<'a> Keys<'a> {
    /// The key as the user wrote it, and its value. The new name wins.
    fn find(&self, name: &str) -> Option<(String, &'a str)> {
        let spelt = |prefix: &str| if name.is_empty() { prefix.to_owned() } else { format!("{prefix}.{name}") };
        [spelt(NEW), spelt(OLD)].into_iter().find_map(|key| {
            let value = self.0.get(&key)?.trim();
            (!value.is_empty()).then_some((key, value))
        })
    }

    fn required(&self, name: &str) -> Result<&'a str> {
        self.find(name).map(|(_, value)| value).ok_or_else(|| {
            ConnectError::config(format!("'{NEW}.{name}' is required: it says where the history of table structures is kept"))
        })
    }

    fn flag(&self, name: &str) -> Result<bool> {
        match self.find(name) {
            None => Ok(false),
            Some((_, value)) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some((_, value)) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some((key, value)) => Err(ConnectError::config(format!("'{key}' must be true or false, not '{value}'"))),
        }
    }

    fn group(&self, name: &str) -> impl Iterator<Item = (String, String)> {
        let of = |prefix: &str| self.0.with_prefix(&format!("{prefix}.{name}.")).0.into_iter();
        of(OLD).chain(of(NEW)).filter_map(|(key, value)| value.map(|value| (key, value)))
    }
}

fn storage(keys: &Keys<'_>) -> Result<Storage> {
    let Some((key, class)) = keys.find("") else {
        return kafka(keys);
    };
    match class.rsplit('.').next().unwrap_or(class) {
        "KafkaSchemaHistory" | "KafkaDatabaseHistory" => kafka(keys),
        "FileSchemaHistory" | "FileDatabaseHistory" => Ok(Storage::File(keys.required("file.filename")?.into())),
        "MemorySchemaHistory" | "MemoryDatabaseHistory" => Ok(Storage::Memory),
        _ => Err(ConnectError::config(format!(
            "'{key}' names the class '{class}', which is not known here; known are \
             io.debezium.storage.kafka.history.KafkaSchemaHistory, io.debezium.storage.file.history.FileSchemaHistory and \
             io.debezium.relational.history.MemorySchemaHistory"
        ))),
    }
}

fn kafka(keys: &Keys<'_>) -> Result<Storage> {
    let topic = keys.required("kafka.topic")?.to_owned();
    let mut client: JavaSettings =
        [("bootstrap.servers".to_owned(), keys.required("kafka.bootstrap.servers")?.to_owned())].into();
    // One set of settings serves both clients; those of the other kind have no effect on a client.
    client.extend(keys.group("consumer"));
    client.extend(keys.group("producer"));
    Ok(Storage::Kafka { topic, client })
}

/// Which statements are nobody's business.
#[derive(Clone, Debug)]
pub enum DdlFilter {
    Builtin(PatternList),
    Custom(PatternList),
}

/// Statements of the server, of managed databases and of what has no columns. `%` stands for MariaDB's
/// `SET STATEMENT ... FOR`.
const NOISE: &[&str] = &[
    r"DROP TEMPORARY TABLE IF EXISTS .+ /\* generated by server \*/",
    r"%(INSERT INTO|DELETE FROM|REPLACE INTO) (mysql\.)?rds_(heartbeat2|sysinfo|monitor).*",
    r"%REPLACE INTO .*",
    r"FLUSH RELAY LOGS.*",
    r"SAVEPOINT .*",
    r"\s*#\s*Dummy event.*",
    r"%(GRANT|REVOKE)\s.*",
    r"%(ANALYZE|OPTIMIZE|REPAIR)\s+((NO_WRITE_TO_BINLOG|LOCAL)\s+)?TABLE\s.*",
    r"%(CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+)?(IF\s+(NOT\s+)?EXISTS\s+)?(USER|ROLE)\b.*",
    r"%(CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+)?(ALGORITHM\s*=\s*\S+\s+)?(DEFINER\s*=\s*\S+\s+)?(SQL\s+SECURITY\s+\S+\s+)?(AGGREGATE\s+)?(VIEW|FUNCTION|PROCEDURE|TRIGGER)\s.*",
];

impl DdlFilter {
    fn builtin() -> Result<Self> {
        let patterns = NOISE.join(",").replace('%', r"(SET STATEMENT\s.*?FOR\s+)?");
        Ok(Self::Builtin(PatternList::for_texts("ddl.filter", &patterns)?))
    }

    /// TRUNCATE is never filtered, even where a list taken over from Debezium names it: it makes a record of its own.
    pub fn matches(&self, ddl: &str) -> bool {
        let (Self::Builtin(patterns) | Self::Custom(patterns)) = self;
        patterns.matches(ddl) && !is_truncate(ddl)
    }
}

fn is_truncate(ddl: &str) -> bool {
    let mut words = ddl.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    first.eq_ignore_ascii_case("TRUNCATE")
        || (first.eq_ignore_ascii_case("SET")
            && words.next().is_some_and(|word| word.eq_ignore_ascii_case("STATEMENT"))
            && words.any(|word| word.eq_ignore_ascii_case("TRUNCATE")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings> {
        Settings::from_config(&pairs.iter().copied().collect())
    }

    #[test]
    fn old_and_new_names_are_read_and_the_new_win() {
        let settings = settings(&[
            ("database.history", "io.debezium.relational.history.KafkaDatabaseHistory"),
            ("database.history.kafka.topic", "old"),
            ("schema.history.internal.kafka.topic", "new"),
            ("database.history.kafka.bootstrap.servers", "b:9092"),
            ("database.history.consumer.security.protocol", "SSL"),
            ("database.history.store.only.monitored.tables.ddl", "true"),
        ])
        .unwrap();
        let Storage::Kafka { topic, client } = settings.storage else { panic!("not Kafka") };
        assert_eq!(topic, "new");
        assert_eq!(client.get("bootstrap.servers").map(String::as_str), Some("b:9092"));
        assert_eq!(client.get("security.protocol").map(String::as_str), Some("SSL"));
        assert!(settings.only_captured_tables);
    }

    #[test]
    fn unknown_classes_and_missing_keys_are_named() {
        for (pairs, message) in [
            (&[("schema.history.internal", "io.debezium.storage.redis.history.RedisSchemaHistory")][..], "RedisSchemaHistory"),
            (&[][..], "'schema.history.internal.kafka.topic' is required"),
            (&[("database.history.kafka.topic", "t")][..], "'schema.history.internal.kafka.bootstrap.servers' is required"),
            (&[("schema.history.internal", "x.FileSchemaHistory")][..], "file.filename' is required"),
            (
                &[("schema.history.internal", "MemorySchemaHistory"), ("schema.history.internal.skip.unparseable.ddl", "yes")][..],
                "must be true or false",
            ),
        ] {
            let Err(error) = settings(pairs) else { panic!("no error about {message}") };
            assert!(error.message().contains(message), "{error}");
        }
    }

    #[test]
    fn noise_is_filtered_and_truncate_is_not() {
        let filter = DdlFilter::builtin().unwrap();
        for noise in [
            "GRANT SELECT ON *.* TO u",
            "create user 'a'@'b' identified by 'c'",
            "DROP ROLE IF EXISTS r",
            "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `v` AS select\n 1",
            "DROP PROCEDURE p",
            "ANALYZE LOCAL TABLE a",
            "SET STATEMENT max_statement_time=0 FOR INSERT INTO mysql.rds_heartbeat2(id, value) values (1,2) ON DUPLICATE KEY UPDATE value = 2",
            "DROP TEMPORARY TABLE IF EXISTS `t` /* generated by server */",
            "# Dummy event replacing event type 160",
            "SAVEPOINT `a`",
        ] {
            assert!(filter.matches(noise), "{noise}");
        }
        for kept in [
            "TRUNCATE TABLE t",
            "CREATE TABLE user (a INT)",
            "ALTER TABLE role ADD a INT",
            "CREATE TABLE v (view INT)",
            "DROP TABLE t",
        ] {
            assert!(!filter.matches(kept), "{kept}");
        }
    }
}
