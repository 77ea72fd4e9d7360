//! Checks a connector's settings: the framework's, the plugin's, transforms, converters and client overrides, one report.
//!
//! Source: contracts/connect-rest.md, sections 5.3-5.8.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::error::{HerderError, Result};
use super::transform_settings;
use crate::config::framework::{self, ConnectorKind};
use crate::config::parse::ConfigKeyRef;
use crate::config::provider::has_variable;
use crate::config::{ConfigDef, ConfigKey, ConfigMap, TypedValue, WorkerConfig};
use crate::plugin::Registry;
use crate::plugin::registry::ConnectorPlugin;

/// Connect: RestRequestTimeout, for everything that waits on a connector.
const VALIDATION_LIMIT: Duration = Duration::from_secs(90);

/// One setting in the report; at least one half is present.
#[derive(Clone, Debug)]
pub struct Entry {
    pub definition: Option<Definition>,
    pub value: Option<CheckedValue>,
}

/// A definition under the name it has in this connector.
#[derive(Clone, Debug)]
pub struct Definition {
    pub name: String,
    pub key: ConfigKey,
    pub group: Option<String>,
    pub display_name: String,
    pub order: i32,
}

impl Definition {
    pub fn of(key: &ConfigKey) -> Self {
        Self {
            name: key.name.to_owned(),
            key: *key,
            group: key.group.map(str::to_owned),
            display_name: key.display_name.to_owned(),
            order: key.order,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct CheckedValue {
    pub name: String,
    /// As REST shows it: passwords and provider values never in clear.
    pub value: Option<String>,
    pub recommended: Vec<String>,
    pub errors: Vec<String>,
    pub visible: bool,
}

/// What `PUT .../config/validate` answers and what creating a connector looks at.
#[derive(Clone, Debug)]
pub struct Report {
    /// The class as it was given.
    pub name: String,
    pub kind: ConnectorKind,
    pub groups: Vec<String>,
    pub entries: Vec<Entry>,
    pub error_count: usize,
}

impl Report {
    /// All errors in the order of the report.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| entry.value.as_ref()).flat_map(|value| value.errors.iter().map(String::as_str))
    }

    /// # Errors
    /// `BadRequest` with Connect's text if the report holds an error.
    pub fn into_result(self) -> Result<()> {
        if self.error_count == 0 {
            return Ok(());
        }
        let errors = self.errors().map(|error| format!("\n{error}")).collect::<String>();
        Err(HerderError::BadRequest(format!(
            "Connector configuration is invalid and contains the following {} error(s):{errors}\n\
             You can also find the above list of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`",
            self.error_count
        )))
    }
}

/// The class name of a connector config and the plugin it means.
///
/// # Errors
/// `BadRequest` if there is no class or no such plugin.
pub fn plugin_of<'a>(registry: &'a Registry, config: &ConfigMap) -> Result<(&'a ConnectorPlugin, String)> {
    let Some(class) = config.get("connector.class") else {
        let keys = config.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(HerderError::BadRequest(format!("Connector config {{{keys}}} contains no connector type")));
    };
    let plugin = registry.connector(class.trim()).map_err(|_| {
        let available = registry.connectors.iter().map(|plugin| plugin.connector().class()).collect::<Vec<_>>().join(", ");
        HerderError::UnknownClass(format!(
            "Failed to find any class that implements Connector and which name matches {class}, available connectors are: {available}"
        ))
    })?;
    Ok((plugin, class.to_owned()))
}

pub fn kind_of(plugin: &ConnectorPlugin) -> ConnectorKind {
    match plugin {
        ConnectorPlugin::Source(_) => ConnectorKind::Source,
        ConnectorPlugin::Sink(_) => ConnectorKind::Sink,
    }
}

/// Checks a whole connector config. May ask the external system, hence the time limit.
///
/// # Errors
/// If the class is missing or unknown, a config provider cannot be read, or time is up. Wrong settings are no errors here.
pub async fn validate(registry: &Registry, worker: &WorkerConfig, raw: &ConfigMap) -> Result<Report> {
    let config = worker.providers.resolve(raw).map_err(|error| HerderError::BadRequest(error.to_string()))?;
    let (plugin, class) = plugin_of(registry, &config)?;
    let kind = kind_of(plugin);

    let mut report = Builder { config: &config, names: Vec::new(), by_name: BTreeMap::new(), undefined: BTreeMap::new() };
    for key in framework::keys(kind) {
        report.check(Definition::of(key));
    }
    check_converter_classes(&mut report, registry);
    transform_settings::check(&mut report, registry);
    check_kind_rules(&mut report, kind, worker);
    report.check_nulls();

    let connector = plugin.connector();
    let began = std::time::SystemTime::now();
    let found = tokio::time::timeout(VALIDATION_LIMIT, connector.validate(&config)).await.map_err(|_| {
        HerderError::Timeout(format!(
            "Request timed out. The worker is currently performing multi-property validation for the connector, \
             which began at {}",
            jiff::Timestamp::try_from(began).map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
        ))
    })?;
    for key in connector.config_def().keys {
        report.define(Definition::of(key));
    }
    for key in found.keys {
        report.overlay(key);
    }

    let mut entries = report.finish();
    let mut error_count = entries.iter().filter_map(|entry| entry.value.as_ref()).map(|value| value.errors.len()).sum();
    let rest = client_overrides(&config, kind, worker).chain(converter_settings(&config, registry)).collect::<Vec<_>>();
    error_count += rest.iter().filter(|entry| entry.value.as_ref().is_some_and(|value| !value.errors.is_empty())).count();
    entries.extend(rest);

    hide_provider_values(&mut entries, raw, &config);
    let mut groups = Vec::new();
    for group in entries.iter().filter_map(|entry| entry.definition.as_ref()?.group.clone()) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(Report { name: class, kind, groups, entries, error_count })
}

/// Collects definitions and values by name, in the order in which they were first defined.
pub(super) struct Builder<'a> {
    pub(super) config: &'a ConfigMap,
    names: Vec<String>,
    by_name: BTreeMap<String, (Definition, CheckedValue)>,
    undefined: BTreeMap<String, CheckedValue>,
}

impl Builder<'_> {
    /// Adds a definition and checks the setting by it.
    pub(super) fn check(&mut self, definition: Definition) {
        let raw = self.config.0.get(&definition.name).map(Option::as_deref);
        let (value, errors) = definition.key.check(&definition.name, raw);
        let recommended = definition.key.recommended.iter().map(|&value| value.to_owned()).collect();
        let name = definition.name.clone();
        let value = value.as_ref().map(TypedValue::to_shown);
        let checked = CheckedValue { name: name.clone(), value, recommended, errors, visible: true };
        if self.by_name.insert(name.clone(), (definition, checked)).is_none() {
            self.names.push(name);
        }
    }

    /// Adds a definition; one of the same name is replaced in its place and keeps its value.
    fn define(&mut self, definition: Definition) {
        match self.by_name.get_mut(&definition.name) {
            Some((existing, _)) => *existing = definition,
            None => {
                self.names.push(definition.name.clone());
                let value = CheckedValue { name: definition.name.clone(), visible: true, ..CheckedValue::default() };
                self.by_name.insert(definition.name.clone(), (definition, value));
            }
        }
    }

    /// Lays a plugin's own result over what was found before.
    fn overlay(&mut self, found: crate::config::KeyReport) {
        let name = found.key.name().to_owned();
        let value = CheckedValue {
            name: name.clone(),
            value: found.value.as_ref().map(TypedValue::to_shown),
            recommended: found.recommended,
            errors: found.errors,
            visible: found.visible,
        };
        match (self.by_name.get_mut(&name), found.key) {
            (Some((_, existing)), ConfigKeyRef::Undefined(_)) => existing.errors.extend(value.errors),
            (Some((_, existing)), ConfigKeyRef::Defined(_)) => *existing = value,
            (None, _) => {
                self.undefined.entry(name).or_insert(value);
            }
        }
    }

    pub(super) fn value(&mut self, name: &str) -> Option<&mut CheckedValue> {
        self.by_name.get_mut(name).map(|(_, value)| value)
    }

    pub(super) fn add_error(&mut self, name: &str, error: impl Into<String>) {
        match self.by_name.get_mut(name) {
            Some((_, value)) => value.errors.push(error.into()),
            None => {
                let value = self.undefined.entry(name.to_owned()).or_default();
                name.clone_into(&mut value.name);
                value.visible = true;
                value.value = self.config.get(name).map(str::to_owned);
                value.errors.push(error.into());
            }
        }
    }

    fn check_nulls(&mut self) {
        let nulls = self.config.0.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.clone());
        for name in nulls.collect::<Vec<_>>() {
            self.add_error(&name, "Null value can not be supplied as the configuration value.");
        }
    }

    fn finish(mut self) -> Vec<Entry> {
        let undefined = self.undefined.into_values().map(|value| Entry { definition: None, value: Some(value) });
        let defined = self.names.iter().filter_map(|name| {
            let (definition, value) = self.by_name.remove(name)?;
            Some(Entry { definition: Some(definition), value: Some(value) })
        });
        undefined.chain(defined).collect()
    }
}

/// A class setting is shown by its full name; one that cannot be found has no value.
pub(super) fn show_class(report: &mut Builder<'_>, name: &str, found: Result<&'static str, String>) {
    let Some(value) = report.value(name) else { return };
    match found {
        Ok(class) => value.value = Some(class.to_owned()),
        Err(error) => {
            value.value = None;
            value.errors.push(error);
        }
    }
}

pub(super) fn class_not_found(name: &str, class: &str) -> String {
    format!("Invalid value {class} for configuration {name}: Class {class} could not be found.")
}

fn check_converter_classes(report: &mut Builder<'_>, registry: &Registry) {
    for (name, interface) in
        [("key.converter", "Converter"), ("value.converter", "Converter"), ("header.converter", "HeaderConverter")]
    {
        let Some(class) = report.config.get(name).map(|class| class.trim().to_owned()) else { continue };
        let converter = registry.converter(&class).map(|factory| factory.class);
        let header = registry.header_converter(&class).map(|factory| factory.class);
        let (right, wrong) = if interface == "Converter" { (converter, header) } else { (header, converter) };
        let found = match (right, wrong) {
            (Ok(class), _) => Ok(class),
            (Err(_), Ok(class)) => Err(format!("Class class {class} does not implement the {interface} interface")),
            (Err(_), Err(_)) => Err(class_not_found(name, &class)),
        };
        show_class(report, name, found);
    }
}

/// Connect: SinkConnectorConfig#validate, AbstractHerder and DistributedHerder#validate{Source,Sink}ConnectorConfig.
fn check_kind_rules(report: &mut Builder<'_>, kind: ConnectorKind, worker: &WorkerConfig) {
    match kind {
        ConnectorKind::Source => {
            if worker.distributed().is_none() {
                return;
            }
            let wants =
                |name: &str, value: &str| report.config.get(name).is_some_and(|given| given.trim().eq_ignore_ascii_case(value));
            if wants("exactly.once.support", "required") {
                for error in [
                    "This worker does not have exactly-once source support enabled.",
                    "The connector does not support exactly-once semantics with the provided configuration.",
                ] {
                    report.add_error("exactly.once.support", error);
                }
            } else if wants("transaction.boundary", "connector") {
                report.add_error(
                    "transaction.boundary",
                    "The connector does not support connector-defined transaction boundaries with the given configuration. \
                     Please reconfigure it to use a different transaction boundary definition.",
                );
            }
        }
        ConnectorKind::Sink => {
            check_topics(report);
            check_consumer_group(report, worker);
        }
    }
}

fn check_topics(report: &mut Builder<'_>) {
    let given = |name: &str| report.config.get(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let topics = given("topics");
    let pattern = given("topics.regex");
    let both = match (&topics, &pattern) {
        (Some(_), Some(_)) => Some("topics and topics.regex are mutually exclusive options, but both are set."),
        (None, None) => Some("Must configure one of topics or topics.regex"),
        _ => None,
    };
    if let Some(error) = both {
        report.add_error("topics", error);
        report.add_error("topics.regex", error);
    }
    let Some(queue) = given("errors.deadletterqueue.topic.name") else { return };
    if let Some(topics) = topics {
        let topics = topics.split(',').map(str::trim).collect::<Vec<_>>();
        if topics.contains(&queue.as_str()) {
            let topics = topics.join(", ");
            report.add_error(
                "topics",
                format!(
                    "The DLQ topic '{queue}' may not be included in the list of topics ('topics=[{topics}]') consumed by the connector"
                ),
            );
        }
    }
    if let Some(pattern) = pattern
        && regex::Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(&queue))
    {
        report.add_error(
            "topics.regex",
            format!(
                "The DLQ topic '{queue}' may not be matched by the regex for the topics ('topics.regex={pattern}') consumed by the connector"
            ),
        );
    }
}

fn check_consumer_group(report: &mut Builder<'_>, worker: &WorkerConfig) {
    let Some(group) = worker.distributed().map(|config| config.group_id.clone()) else { return };
    const OVERRIDE: &str = "consumer.override.group.id";
    if let Some(own) = report.config.get(OVERRIDE) {
        if own == group {
            let error = format!("Consumer group {own} conflicts with Connect worker group {group}");
            report.add_error(OVERRIDE, error);
        }
    } else if let Some(name) = report.config.get("name")
        && format!("connect-{name}") == group
    {
        let error = format!("Consumer group for sink connector named {name} conflicts with Connect worker group {group}");
        report.add_error("name", error);
    }
}

/// The client settings that the connector overrides and its kind of connector uses, judged by the worker's policy.
fn client_overrides<'a>(
    config: &'a ConfigMap,
    kind: ConnectorKind,
    worker: &'a WorkerConfig,
) -> impl Iterator<Item = Entry> + 'a {
    let given = |name: &str| config.get(name).is_some_and(|text| !text.trim().is_empty());
    let has_dlq = kind == ConnectorKind::Sink && given("errors.deadletterqueue.topic.name");
    let own_offsets = kind == ConnectorKind::Source && worker.distributed().is_some() && given("offsets.storage.topic");
    let creates_topics = kind == ConnectorKind::Source && config.iter().any(|(name, _)| name.starts_with("topic.creation."));
    [
        ("producer.override.", kind == ConnectorKind::Source || has_dlq),
        ("consumer.override.", kind == ConnectorKind::Sink || own_offsets),
        ("admin.override.", has_dlq || creates_topics || own_offsets),
    ]
    .into_iter()
    .filter(|(_, used)| *used)
    .flat_map(move |(prefix, _)| {
        config.iter().filter(move |(name, _)| name.starts_with(prefix)).map(move |(name, value)| {
            let property = name.strip_prefix(prefix).unwrap_or(name);
            let shown = if is_secret_name(property) { crate::config::secret::HIDDEN } else { value };
            let errors = worker.client_override_policy.check(property).err().into_iter().collect();
            let value = CheckedValue {
                name: name.to_owned(),
                value: Some(shown.to_owned()),
                errors,
                visible: true,
                ..Default::default()
            };
            Entry { definition: None, value: Some(value) }
        })
    })
}

/// The client settings that Kafka declares as passwords.
fn is_secret_name(property: &str) -> bool {
    property.ends_with("password")
        || matches!(
            property,
            "sasl.jaas.config" | "ssl.keystore.key" | "ssl.keystore.certificate.chain" | "ssl.truststore.certificates"
        )
}

/// Options of the converters that the connector itself names, in Connect's order: header, key, value.
fn converter_settings<'a>(config: &'a ConfigMap, registry: &'a Registry) -> impl Iterator<Item = Entry> + 'a {
    [("header.converter", "header"), ("key.converter", "key"), ("value.converter", "value")].into_iter().flat_map(
        move |(name, kind)| {
            let Some(class) = config.get(name).map(str::trim) else { return Vec::new() };
            let mut own = config.with_prefix(&format!("{name}."));
            own.set("converter.type", kind);
            let (def, built) = if kind == "header" {
                let Ok(factory) = registry.header_converter(class) else { return Vec::new() };
                (factory.config_def, (factory.build)(&own).err())
            } else {
                let Ok(factory) = registry.converter(class) else { return Vec::new() };
                (factory.config_def, (factory.build)(&own).err())
            };
            prefixed_settings(def, &own, name, built.map(|error| error.message().to_owned()))
        },
    )
}

/// Names carry the prefix, error texts do not. What only building the converter finds out is said under its own name.
fn prefixed_settings(def: &ConfigDef, own: &ConfigMap, prefix: &str, build_error: Option<String>) -> Vec<Entry> {
    let report = def.validate(own);
    let has_errors = report.error_count() > 0;
    let mut entries = report
        .keys
        .into_iter()
        .zip(def.keys)
        .map(|(found, key)| {
            let name = format!("{prefix}.{}", key.name);
            let definition = Definition { name: name.clone(), ..Definition::of(key) };
            let value = CheckedValue {
                name,
                value: found.value.as_ref().map(TypedValue::to_shown),
                recommended: found.recommended,
                errors: found.errors,
                visible: found.visible,
            };
            Entry { definition: Some(definition), value: Some(value) }
        })
        .collect::<Vec<_>>();
    if let (Some(error), false) = (build_error, has_errors) {
        let value = CheckedValue { name: prefix.to_owned(), errors: vec![error], visible: true, ..Default::default() };
        entries.push(Entry { definition: None, value: Some(value) });
    }
    entries
}

/// What came out of a config provider is a secret: the report shows the reference, never the value.
fn hide_provider_values(entries: &mut [Entry], raw: &ConfigMap, resolved: &ConfigMap) {
    let secrets = raw
        .iter()
        .filter(|(_, text)| has_variable(text))
        .filter_map(|(name, text)| Some((text, resolved.get(name)?)))
        .filter(|(text, value)| text != value && !value.trim().is_empty())
        .collect::<BTreeSet<_>>();
    for value in entries.iter_mut().filter_map(|entry| entry.value.as_mut()) {
        if let Some(text) = raw.get(&value.name).filter(|text| has_variable(text))
            && value.value.as_deref().is_some_and(|shown| shown != crate::config::secret::HIDDEN)
        {
            value.value = Some(text.to_owned());
        }
        for error in &mut value.errors {
            for (text, secret) in &secrets {
                if error.contains(secret) {
                    *error = error.replace(secret, text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
