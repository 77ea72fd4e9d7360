//! The settings that every connector has, whatever its class.
//!
//! Source: contracts/connect-rest.md, section 5.6; the order is the order in which REST lists them.

use super::def::ConfigType::{Boolean, Class, Int, List, Long, Short, String as Str};
use super::def::Default::{Null, Required, Text};
use super::def::Importance::{High, Low, Medium};
use super::def::{ConfigKey, Validator, Width};
use super::parse::TypedValue;

static COMMON: [ConfigKey; 15] =
    [
        ConfigKey::new("name", Str, Required, High, "Name of the connector, unique among the group's connectors.")
            .validator(Validator::Custom(check_name))
            .ui("Common", 1, Width::Medium, "Connector name"),
        ConfigKey::new("connector.class", Str, Required, High, "Class of the connector: full name, simple name or alias.").ui(
            "Common",
            2,
            Width::Long,
            "Connector class",
        ),
        ConfigKey::new("tasks.max", Int, Text("1"), High, "Most tasks that the connector may be split into.")
            .validator(Validator::AtLeast(1))
            .ui("Common", 3, Width::Short, "Tasks max"),
        ConfigKey::new("tasks.max.enforce", Boolean, Text("true"), Low, "Whether more tasks than tasks.max are an error.").ui(
            "Common",
            4,
            Width::Short,
            "Enforce tasks max",
        ),
        ConfigKey::new("key.converter", Class, Null, Low, "Converter of keys; absent: the worker's.").ui(
            "Common",
            5,
            Width::Short,
            "Key converter class",
        ),
        ConfigKey::new("value.converter", Class, Null, Low, "Converter of values; absent: the worker's.").ui(
            "Common",
            6,
            Width::Short,
            "Value converter class",
        ),
        ConfigKey::new("header.converter", Class, Null, Low, "Converter of headers; absent: the worker's.").ui(
            "Common",
            7,
            Width::Short,
            "Header converter class",
        ),
        ConfigKey::new("transforms", List, Text(""), Low, "Aliases of the transforms that records pass, in order.")
            .validator(Validator::Custom(check_aliases))
            .ui("Transforms", 8, Width::Long, "Transforms"),
        ConfigKey::new("predicates", List, Text(""), Low, "Aliases of the predicates that transforms refer to.")
            .validator(Validator::Custom(check_aliases))
            .ui("Predicates", 9, Width::Long, "Predicates"),
        ConfigKey::new("config.action.reload", Str, Text("restart"), Low, "What to do when a config provider's value changes.")
            .validator(Validator::OneOf(&["none", "restart"]))
            .ui("Common", 10, Width::Medium, "Reload Action"),
        ConfigKey::new("errors.retry.timeout", Long, Text("0"), Medium, "Milliseconds to retry a failed step; -1: for ever.").ui(
            "Error Handling",
            1,
            Width::Medium,
            "Retry Timeout for Errors",
        ),
        ConfigKey::new("errors.retry.delay.max.ms", Long, Text("60000"), Medium, "Longest wait between two retries.").ui(
            "Error Handling",
            2,
            Width::Medium,
            "Maximum Delay Between Retries for Errors",
        ),
        ConfigKey::new("errors.tolerance", Str, Text("none"), Medium, "Whether a bad record fails the task or is skipped.")
            .validator(Validator::OneOf(&["none", "all"]))
            .ui("Error Handling", 3, Width::Short, "Error Tolerance"),
        ConfigKey::new("errors.log.enable", Boolean, Text("false"), Medium, "Whether skipped records are logged.").ui(
            "Error Handling",
            4,
            Width::Short,
            "Log Errors",
        ),
        ConfigKey::new("errors.log.include.messages", Boolean, Text("false"), Medium, "Whether the log shows the record itself.")
            .ui("Error Handling", 5, Width::Short, "Log Error Details"),
    ];

static SOURCE: [ConfigKey; 5] = [
    ConfigKey::new("topic.creation.groups", List, Text(""), Low, "Groups of rules by which topics are created.")
        .validator(Validator::Custom(check_aliases))
        .ui("Topic Creation", 1, Width::Long, "Topic Creation Groups"),
    ConfigKey::new(
        "exactly.once.support",
        Str,
        Text("requested"),
        Medium,
        "Whether exactly-once delivery is wanted or demanded.",
    )
    .validator(Validator::OneOfIgnoreCase(&["REQUIRED", "REQUESTED"]))
    .ui("Exactly Once Support", 2, Width::Short, "Exactly once support"),
    ConfigKey::new("transaction.boundary", Str, Text("poll"), Medium, "Where transactions end under exactly-once delivery.")
        .validator(Validator::OneOfIgnoreCase(&["INTERVAL", "POLL", "CONNECTOR"]))
        .ui("Exactly Once Support", 3, Width::Short, "Transaction Boundary"),
    ConfigKey::new("transaction.boundary.interval.ms", Long, Null, Low, "Length of a transaction if it ends by time.")
        .validator(Validator::Custom(check_null_or_not_negative))
        .ui("Exactly Once Support", 4, Width::Short, "Transaction boundary interval"),
    ConfigKey::new("offsets.storage.topic", Str, Null, Low, "The connector's own topic for its offsets.")
        .validator(Validator::NonEmpty)
        .ui("offsets.topic", 1, Width::Long, "Offsets topic"),
];

static SINK: [ConfigKey; 5] =
    [
        ConfigKey::new("topics", List, Text(""), High, "Topics to read.").ui("Common", 4, Width::Long, "Topics"),
        ConfigKey::new("topics.regex", Str, Text(""), High, "Pattern of the topics to read.")
            .validator(Validator::Custom(check_regex))
            .ui("Common", 4, Width::Long, "Topics regex"),
        ConfigKey::new("errors.deadletterqueue.topic.name", Str, Text(""), Medium, "Topic for records that cannot be handled.")
            .ui("Error Handling", 6, Width::Medium, "Dead Letter Queue Topic Name"),
        ConfigKey::new(
            "errors.deadletterqueue.topic.replication.factor",
            Short,
            Text("3"),
            Medium,
            "Its replication if it is created.",
        )
        .ui("Error Handling", 7, Width::Medium, "Dead Letter Queue Topic Replication Factor"),
        ConfigKey::new(
            "errors.deadletterqueue.context.headers.enable",
            Boolean,
            Text("false"),
            Medium,
            "Whether headers tell the error.",
        )
        .ui("Error Handling", 8, Width::Medium, "Enable Error Context Headers"),
    ];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectorKind {
    Source,
    Sink,
}

impl ConnectorKind {
    /// `source` or `sink`, as REST shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
        }
    }
}

/// The settings of all connectors of this kind.
pub fn keys(kind: ConnectorKind) -> impl Iterator<Item = &'static ConfigKey> {
    COMMON.iter().chain(match kind {
        ConnectorKind::Source => SOURCE.iter(),
        ConnectorKind::Sink => SINK.iter(),
    })
}

fn check_name(value: Option<&TypedValue>) -> Result<(), String> {
    let Some(TypedValue::Text(name)) = value else { return Ok(()) };
    if name.is_empty() {
        return Err("String may not be empty".to_owned());
    }
    let control = name.chars().filter(|c| c.is_control()).map(|c| u32::from(c).to_string()).collect::<Vec<_>>();
    if control.is_empty() {
        return Ok(());
    }
    Err(format!("String may not contain control sequences but had the following ASCII chars: {}", control.join(", ")))
}

fn check_aliases(value: Option<&TypedValue>) -> Result<(), String> {
    let Some(TypedValue::List(aliases)) = value else { return Ok(()) };
    let unique = aliases.iter().collect::<std::collections::BTreeSet<_>>();
    if unique.len() == aliases.len() { Ok(()) } else { Err("Duplicate alias provided.".to_owned()) }
}

fn check_regex(value: Option<&TypedValue>) -> Result<(), String> {
    let Some(TypedValue::Text(text)) = value else { return Ok(()) };
    regex::Regex::new(text).map(drop).map_err(|error| {
        // The lines before show the pattern once more with a mark under it.
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default();
        format!("Invalid regex: {}", last.strip_prefix("error: ").unwrap_or(last))
    })
}

fn check_null_or_not_negative(value: Option<&TypedValue>) -> Result<(), String> {
    match value {
        Some(TypedValue::Integer(x)) if *x < 0 => Err("Value must be at least 0".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigDef, ConfigMap};

    #[test]
    fn both_kinds_have_twenty_settings_in_connects_order() {
        let names = |kind| keys(kind).map(|key| key.name).collect::<Vec<_>>();
        assert_eq!(names(ConnectorKind::Source).len(), 20);
        assert_eq!(names(ConnectorKind::Sink).len(), 20);
        assert_eq!(names(ConnectorKind::Sink)[15..17], ["topics", "topics.regex"]);
    }

    #[test]
    fn names_and_aliases_are_checked() {
        let errors = |pairs: &[(&str, &str)]| {
            let config: ConfigMap = pairs.iter().copied().collect();
            let report = ConfigDef { keys: &COMMON }.validate(&config);
            report.errors().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            errors(&[("name", "a\u{1}b\u{2}c"), ("connector.class", "x"), ("transforms", "a, a")]),
            [
                "Invalid value a\u{1}b\u{2}c for configuration name: String may not contain control sequences but had the following ASCII chars: 1, 2",
                "Invalid value [a, a] for configuration transforms: Duplicate alias provided.",
            ]
        );
        assert_eq!(
            errors(&[("name", " "), ("connector.class", "x")]),
            ["Invalid value  for configuration name: String may not be empty"]
        );
    }
}
