//! The sink's settings: what each key means, and what they mean together.
//!
//! Source: contracts/hdfs-sink.md, sections 1 and 2.

mod keys;
mod topic_directory;
mod without_effect;

use std::sync::Arc;

use jiff::tz::TimeZone;
use regex::Regex;

pub use keys::also_knows;
pub use keys::{HDFS2, HDFS3, hdfs2_definition, hdfs3_definition};
pub use topic_directory::DirectoryTemplate;
pub use without_effect::without_effect;

use super::compatibility::Compatibility;
use super::partitioner::{Extractor, PartitionerKind, PathFormat, time_zone};
use super::storage::hadoop::{HadoopOptions, Kerberos};
use crate::config::{ConfigDef, ConfigMap, ConfigReport, KeyReport, ParsedConfig, TypedValue};
use crate::plugin::{ConnectError, Result};

/// File formats by the last part of their class name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatClass {
    Avro,
    Parquet,
    Json,
    String,
    Orc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullValues {
    Fail,
    Ignore,
}

/// The settings of one sink, checked against each other.
#[derive(Clone, Debug)]
pub struct HdfsSinkConfig {
    pub hadoop: HadoopOptions,
    pub topics_dir: DirectoryTemplate,
    pub logs_dir: DirectoryTemplate,
    pub topic_regex: Option<Regex>,
    pub directory_delimiter: String,
    pub pad_width: usize,
    pub flush_size: u64,
    pub rotate_interval_ms: Option<i64>,
    pub rotate_schedule_ms: Option<i64>,
    pub retry_backoff_ms: u64,
    /// Failures in a row after the first one until the task fails. Java's HDFS 2 connector has no limit.
    pub max_retries: Option<u64>,
    pub shutdown_timeout_ms: u64,
    pub format: FormatClass,
    pub avro: AvroSettings,
    pub compatibility: Compatibility,
    pub partitioner: PartitionerKind,
    /// Where `rotate.schedule.interval.ms` finds its midnights.
    pub zone: TimeZone,
    /// Whether the partitioner is of the old package, which measures `rotate.interval.ms` on the wall clock.
    pub old_partitioner: bool,
    pub null_values: NullValues,
    pub hive: Option<HiveSettings>,
}

#[derive(Clone, Debug)]
pub struct AvroSettings {
    pub codec: String,
    pub enhanced: bool,
    pub meta_data: bool,
    pub optional_map_keys: bool,
}

#[derive(Clone, Debug)]
pub struct HiveSettings {
    pub metastore_uris: Vec<String>,
    pub database: String,
    pub table_name: String,
}

impl HdfsSinkConfig {
    /// # Errors
    /// `Config` with the first of the errors that `validate` reports.
    pub fn parse(definition: &ConfigDef, config: &ConfigMap) -> Result<Self> {
        let parsed = definition.parse(config)?;
        let mut errors = Vec::new();
        let config = Self::check(&parsed, config, &mut errors);
        match (config, errors.into_iter().next()) {
            (Some(config), None) => Ok(config),
            (_, Some((key, message))) => Err(ConnectError::config(format!("{message} (setting {key})"))),
            (None, None) => Err(ConnectError::config("the settings of the HDFS sink do not fit together")),
        }
    }

    /// Checks keys against each other. `None` goes with at least one error.
    fn check(parsed: &ParsedConfig, raw: &ConfigMap, errors: &mut Vec<(&'static str, String)>) -> Option<Self> {
        let text = |key| parsed.text(key).unwrap_or_default();
        let filled = |key| parsed.text(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let positive = |key| parsed.integer(key).filter(|value| *value > 0);
        let before = errors.len();

        let url = filled("store.url").or_else(|| filled("hdfs.url"));
        if url.is_none() {
            errors.push((
                "store.url",
                "one of store.url and hdfs.url must say where HDFS is, such as hdfs://namenode:8020".to_owned(),
            ));
        }
        let topic_regex = filled("topic.capture.groups.regex").and_then(|pattern| {
            let compiled = Regex::new(&format!("^(?:{pattern})$"));
            compiled
                .map_err(|error| {
                    errors.push(("topic.capture.groups.regex", format!("'{pattern}' is not a valid pattern: {error}")))
                })
                .ok()
        });
        let mut template = |key| {
            DirectoryTemplate::parse(text(key), topic_regex.is_some())
                .map_err(|reason| errors.push((key, format!("Invalid value {} for configuration {key}: {reason}", text(key)))))
                .ok()
        };
        let (topics_dir, logs_dir) = (template("topics.dir"), template("logs.dir"));

        let format = format_class(text("format.class"), errors);
        let storage = text("storage.class");
        if !keys::STORAGES.contains(&storage) {
            errors.push((
                "storage.class",
                format!("class '{storage}' is not available; accepted are {}", keys::STORAGES.join(", ")),
            ));
        }
        if text("avro.codec") == "bzip2" {
            errors.push(("avro.codec", "bzip2 is not available yet; use null, deflate, snappy or zstandard".to_owned()));
        }

        let rotate_schedule_ms = positive("rotate.schedule.interval.ms");
        let zone = match (text("timezone"), rotate_schedule_ms) {
            ("", None) => Some(TimeZone::UTC),
            ("", Some(_)) => {
                errors.push((
                    "timezone",
                    "rotate.schedule.interval.ms needs a timezone, such as UTC or America/Sao_Paulo".to_owned(),
                ));
                None
            }
            (name, _) => time_zone(name),
        };
        let partitioner = partitioner(parsed, errors);

        let compatibility = Compatibility::from_name(text("schema.compatibility"));
        let hive = parsed.boolean("hive.integration").then(|| {
            if compatibility == Compatibility::None {
                errors.push((
                    "schema.compatibility",
                    "hive.integration needs a schema.compatibility other than NONE: BACKWARD, FORWARD or FULL".to_owned(),
                ));
            }
            if matches!(format, Some(FormatClass::Json | FormatClass::String)) {
                errors.push(("hive.integration", format!("hive.integration does not work with {}", text("format.class"))));
            }
            hive_settings(parsed, errors)
        });
        let null_values = match raw.get("behavior.on.null.values").map(str::trim).unwrap_or("fail") {
            value if value.eq_ignore_ascii_case("fail") => Some(NullValues::Fail),
            value if value.eq_ignore_ascii_case("ignore") => Some(NullValues::Ignore),
            value => {
                errors.push(("behavior.on.null.values", format!("'{value}' is neither fail nor ignore")));
                None
            }
        };
        let max_retries = match raw.get("max.retries").map(str::trim).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => {
                let retries = text.parse().ok();
                if retries.is_none() {
                    errors.push(("max.retries", format!("'{text}' is not a number of retries")));
                }
                retries
            }
        };
        for (key, shown) in [("connect.hdfs.principal", "worker"), ("hdfs.namenode.principal", "NameNode")] {
            if parsed.boolean("hdfs.authentication.kerberos") && text(key).contains("_HOST") {
                errors.push((key, format!("_HOST is not replaced yet; write the host name of the {shown} instead")));
            }
        }
        if errors.len() > before {
            return None;
        }
        Some(Self {
            hadoop: HadoopOptions { url: url?, conf_dir: filled("hadoop.conf.dir"), kerberos: kerberos(parsed) },
            topics_dir: topics_dir?,
            logs_dir: logs_dir?,
            topic_regex,
            directory_delimiter: text("directory.delim").to_owned(),
            pad_width: usize::try_from(parsed.integer("filename.offset.zero.pad.width")?).ok()?,
            flush_size: u64::try_from(parsed.integer("flush.size")?).ok()?,
            rotate_interval_ms: positive("rotate.interval.ms"),
            rotate_schedule_ms,
            retry_backoff_ms: u64::try_from(parsed.integer("retry.backoff.ms")?).unwrap_or(0),
            max_retries,
            shutdown_timeout_ms: u64::try_from(parsed.integer("shutdown.timeout.ms")?).unwrap_or(0),
            format: format?,
            avro: AvroSettings {
                codec: text("avro.codec").to_owned(),
                enhanced: parsed.boolean("enhanced.avro.schema.support"),
                meta_data: parsed.boolean("connect.meta.data"),
                optional_map_keys: parsed.boolean("allow.optional.map.keys"),
            },
            compatibility,
            partitioner: partitioner?,
            zone: zone?,
            old_partitioner: text("partitioner.class").starts_with(keys::OLD_PARTITIONER_PACKAGE),
            null_values: null_values?,
            hive: match hive {
                Some(hive) => Some(hive?),
                None => None,
            },
        })
    }

    /// The directory settings for one topic.
    ///
    /// # Errors
    /// `Config` if `topic.capture.groups.regex` does not match the whole topic or has too few groups.
    pub fn directories(&self, topic: &str) -> Result<(String, String)> {
        let fill = |template: &DirectoryTemplate, key: &str| {
            template.fill(topic, self.topic_regex.as_ref()).map_err(|reason| ConnectError::config(format!("{key}: {reason}")))
        };
        Ok((fill(&self.topics_dir, "topics.dir")?, fill(&self.logs_dir, "logs.dir")?))
    }
}

fn format_class(class: &str, errors: &mut Vec<(&'static str, String)>) -> Option<FormatClass> {
    let known = keys::FORMATS.iter().find(|(name, _)| *name == class).map(|(_, format)| *format);
    match known {
        Some(FormatClass::Avro) => {}
        Some(_) => {
            errors.push(("format.class", format!("{class} is not available yet; use io.confluent.connect.hdfs.avro.AvroFormat")))
        }
        None => {
            let accepted = keys::FORMATS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            errors.push(("format.class", format!("class '{class}' is not available; accepted are {accepted}")));
        }
    }
    known
}

fn hive_settings(parsed: &ParsedConfig, errors: &mut Vec<(&'static str, String)>) -> Option<HiveSettings> {
    let table_name = parsed.text("hive.table.name").unwrap_or_default();
    if let Err(reason) = topic_directory::check_table_name(table_name) {
        errors.push(("hive.table.name", reason));
        return None;
    }
    let mut metastore_uris = Vec::new();
    for uri in parsed.text("hive.metastore.uris").unwrap_or_default().split(',').map(str::trim).filter(|uri| !uri.is_empty()) {
        metastore_uris.push(uri.to_owned());
    }
    if metastore_uris.is_empty() {
        errors.push((
            "hive.metastore.uris",
            "hive.integration needs the address of a metastore, such as thrift://host:9083".to_owned(),
        ));
        return None;
    }
    Some(HiveSettings {
        metastore_uris,
        database: parsed.text("hive.database").unwrap_or_default().to_owned(),
        table_name: table_name.to_owned(),
    })
}

fn kerberos(parsed: &ParsedConfig) -> Option<Kerberos> {
    let filled = |key| parsed.text(key).filter(|text| !text.is_empty()).map(str::to_owned);
    parsed.boolean("hdfs.authentication.kerberos").then(|| Kerberos {
        principal: filled("connect.hdfs.principal"),
        keytab: filled("connect.hdfs.keytab"),
        namenode_principal: filled("hdfs.namenode.principal"),
    })
}

/// Builds the partitioner that `partitioner.class` names from the keys it uses.
fn partitioner(parsed: &ParsedConfig, errors: &mut Vec<(&'static str, String)>) -> Option<PartitionerKind> {
    const DAY_MS: i64 = 86_400_000;
    const HOUR_MS: i64 = 3_600_000;
    let text = |key| parsed.text(key).unwrap_or_default();
    let class = text("partitioner.class");
    let delimiter = text("directory.delim");
    let day = || format!("'year'=YYYY{delimiter}'month'=MM{delimiter}'day'=dd");
    let before = errors.len();
    let (duration_ms, pattern) = match keys::partitioner_name(class) {
        Some("Default") => return Some(PartitionerKind::Default),
        Some("Field") => {
            let fields: Vec<Arc<str>> = parsed.list("partition.field.name").iter().map(|name| Arc::from(name.as_str())).collect();
            if fields.is_empty() {
                errors.push(("partition.field.name", "the field partitioner needs at least one field name".to_owned()));
                return None;
            }
            return Some(PartitionerKind::Field { fields, delimiter: delimiter.to_owned() });
        }
        Some("Daily") => (DAY_MS, day()),
        Some("Hourly") => (HOUR_MS, format!("{}{delimiter}'hour'=HH", day())),
        Some("TimeBased") => (parsed.integer("partition.duration.ms").unwrap_or(-1), text("path.format").to_owned()),
        _ => {
            let accepted = keys::PARTITIONERS.join(", ");
            errors.push(("partitioner.class", format!("class '{class}' is not available; accepted are {accepted}")));
            return None;
        }
    };
    if duration_ms <= 0 {
        errors.push((
            "partition.duration.ms",
            format!(
                "Invalid value {duration_ms} for configuration partition.duration.ms: Partition duration needs to be a positive."
            ),
        ));
    }
    if pattern.trim().is_empty() || pattern == delimiter {
        errors.push(("path.format", "Path format cannot be empty.".to_owned()));
    }
    if text("locale").is_empty() {
        errors.push(("locale", "Locale cannot be empty.".to_owned()));
    }
    let zone = time_zone(text("timezone"));
    if text("timezone").is_empty() {
        errors.push(("timezone", "Timezone cannot be empty.".to_owned()));
    }
    let pattern = pattern.strip_suffix(delimiter).filter(|_| !delimiter.is_empty()).unwrap_or(&pattern).to_owned();
    let format = PathFormat::compile(&pattern, text("locale"));
    if let Err(reason) = &format
        && !pattern.is_empty()
    {
        errors.push(("path.format", format!("Invalid value {pattern} for configuration path.format: {reason}")));
    }
    let extractor = Extractor::from_setting(text("timestamp.extractor"), text("timestamp.field"));
    if extractor.is_none() {
        errors.push((
            "timestamp.extractor",
            format!("'{}' is not available; accepted are Wallclock, Record and RecordField", text("timestamp.extractor")),
        ));
    }
    if errors.len() > before {
        return None;
    }
    Some(PartitionerKind::Time { duration_ms, pattern, format: format.ok()?, zone: zone?, extractor: extractor? })
}

/// Checks all keys, alone and together, and says which of them matter.
pub fn validate(definition: &ConfigDef, config: &ConfigMap) -> ConfigReport {
    let mut report = definition.validate(config);
    if report.error_count() == 0
        && let Ok(parsed) = definition.parse(config)
    {
        let mut errors = Vec::new();
        HdfsSinkConfig::check(&parsed, config, &mut errors);
        for (key, message) in errors {
            report.add_error(key, message);
        }
    }
    show_what_matters(&mut report);
    report
}

/// Sets visibility and recommendations, which depend on other keys.
fn show_what_matters(report: &mut ConfigReport) {
    let value = |report: &ConfigReport, key: &str| {
        let found = report.keys.iter().find(|entry| entry.key.name() == key);
        found.and_then(|entry| entry.value.as_ref()).map(TypedValue::to_shown).unwrap_or_default()
    };
    let kerberos = value(report, "hdfs.authentication.kerberos") == "true";
    let hive = value(report, "hive.integration") == "true";
    let avro = value(report, "format.class").ends_with(".AvroFormat");
    let partitioner = value(report, "partitioner.class");
    let partitioner_keys: &[&str] = match keys::partitioner_name(&partitioner) {
        Some("Default") => &[],
        Some("Field") => &["partition.field.name"],
        Some("Daily" | "Hourly") => &["locale", "timezone"],
        Some("TimeBased") => &["partition.duration.ms", "path.format", "locale", "timezone"],
        _ => keys::PARTITIONER_DEPENDENTS,
    };
    for KeyReport { key, visible, recommended, .. } in &mut report.keys {
        let name = key.name();
        if keys::KERBEROS_DEPENDENTS.contains(&name) {
            *visible = kerberos;
        } else if keys::HIVE_DEPENDENTS.contains(&name) {
            *visible = hive;
        } else if keys::PARTITIONER_DEPENDENTS.contains(&name) {
            *visible = partitioner_keys.contains(&name);
        } else if name == "avro.codec" {
            *visible = avro;
        } else if name == "schema.compatibility" && hive {
            recommended.retain(|mode| mode != "NONE");
        }
    }
}

#[cfg(test)]
mod tests;
