//! Checks reports over fake plugins.

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::config::worker::ModeName;
use crate::config::{ConfigReport, ConfigType, Default, Importance, Validator};
use crate::data::{ConnectRecord, SchemaAndValue};
use crate::plugin::registry::Factory;
use crate::plugin::{
    Connector, ConvertError, Converter, Encoded, SinkConnector, SinkTask, SinkTaskContext, SourceConnector, SourceTask,
    SourceTaskContext, Transform,
};

static LINES: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("file", ConfigType::String, Default::Null, Importance::High, ""),
        ConfigKey::new("topic", ConfigType::String, Default::Required, Importance::High, "").validator(Validator::NonEmpty),
        ConfigKey::new("password", ConfigType::Password, Default::Null, Importance::High, ""),
    ],
};

struct Lines;

#[async_trait]
impl Connector for Lines {
    fn class(&self) -> &'static str {
        "acme.LinesSourceConnector"
    }
    fn task_class(&self) -> &'static str {
        "acme.LinesSourceTask"
    }
    fn config_def(&self) -> &'static ConfigDef {
        &LINES
    }
    async fn validate(&self, config: &ConfigMap) -> ConfigReport {
        let mut report = LINES.validate(config);
        if config.get("file") == Some("/secret") {
            report.add_error("file", "cannot read /secret");
        }
        report
    }
    async fn task_configs(&self, config: &ConfigMap, _max_tasks: usize) -> crate::plugin::Result<Vec<ConfigMap>> {
        Ok(vec![config.clone()])
    }
}

#[async_trait]
impl SourceConnector for Lines {
    async fn start_task(&self, _: &ConfigMap, _: SourceTaskContext) -> crate::plugin::Result<Box<dyn SourceTask>> {
        unreachable!("validation starts nothing")
    }
}

struct Drain;

#[async_trait]
impl Connector for Drain {
    fn class(&self) -> &'static str {
        "acme.DrainSinkConnector"
    }
    fn task_class(&self) -> &'static str {
        "acme.DrainSinkTask"
    }
    fn config_def(&self) -> &'static ConfigDef {
        &ConfigDef::EMPTY
    }
    async fn task_configs(&self, config: &ConfigMap, _max_tasks: usize) -> crate::plugin::Result<Vec<ConfigMap>> {
        Ok(vec![config.clone()])
    }
}

#[async_trait]
impl SinkConnector for Drain {
    async fn start_task(&self, _: &ConfigMap, _: SinkTaskContext) -> crate::plugin::Result<Box<dyn SinkTask>> {
        unreachable!("validation starts nothing")
    }
}

struct Same;

impl Transform for Same {
    fn apply(&mut self, record: ConnectRecord) -> crate::plugin::Result<Option<ConnectRecord>> {
        Ok(Some(record))
    }
}

impl Converter for Same {
    fn decode(&mut self, _: &str, _: Option<bytes::Bytes>) -> Result<SchemaAndValue, ConvertError> {
        unreachable!("validation converts nothing")
    }
    fn encode(&mut self, _: &str, _: &SchemaAndValue, _: &mut Vec<u8>) -> Result<Encoded, ConvertError> {
        unreachable!("validation converts nothing")
    }
}

static OPTIONS: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("enable", ConfigType::Boolean, Default::Text("true"), Importance::Low, ""),
        ConfigKey::new("field", ConfigType::String, Default::Required, Importance::Medium, ""),
    ],
};
static CONVERTER: ConfigDef =
    ConfigDef { keys: &[ConfigKey::new("schemas.enable", ConfigType::Boolean, Default::Text("true"), Importance::High, "")] };

fn registry() -> Registry {
    Registry {
        connectors: vec![ConnectorPlugin::Source(Arc::new(Lines)), ConnectorPlugin::Sink(Arc::new(Drain))],
        converters: vec![Factory { class: "acme.JsonConverter", config_def: &CONVERTER, build: |_| Ok(Box::new(Same)) }],
        transforms: vec![Factory { class: "acme.Hoist$Value", config_def: &OPTIONS, build: |_| Ok(Box::new(Same)) }],
        ..Registry::default()
    }
}

fn worker(extra: &[(&str, &str)]) -> WorkerConfig {
    let mut raw: ConfigMap = [
        ("key.converter", "A"),
        ("value.converter", "A"),
        ("group.id", "connect-g"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
    ]
    .into_iter()
    .collect();
    for (key, value) in extra {
        raw.set(*key, *value);
    }
    WorkerConfig::from_properties(ModeName::Distributed, &raw).unwrap()
}

async fn report(config: &[(&str, &str)]) -> Report {
    validate(&registry(), &worker(&[]), &config.iter().copied().collect()).await.unwrap()
}

fn names(report: &Report) -> Vec<String> {
    let name = |entry: &Entry| entry.definition.as_ref().map_or_else(|| "?".to_owned(), |definition| definition.name.clone());
    report.entries.iter().map(name).collect()
}

#[track_caller]
fn value<'a>(report: &'a Report, name: &str) -> &'a CheckedValue {
    report.entries.iter().filter_map(|entry| entry.value.as_ref()).find(|value| value.name == name).unwrap()
}

const SOURCE: [(&str, &str); 3] = [("name", "n"), ("connector.class", "LinesSource"), ("topic", "t")];
const SINK: [(&str, &str); 3] = [("name", "n"), ("connector.class", "DrainSink"), ("topics", "a,b")];

#[tokio::test]
async fn framework_settings_come_before_the_connectors_own() {
    let report = report(&[("name", " file-source "), ("connector.class", "LinesSource")]).await;
    assert_eq!(report.name, "LinesSource");
    assert_eq!(report.error_count, 1);
    assert_eq!(names(&report)[..3], ["name", "connector.class", "tasks.max"]);
    assert_eq!(names(&report)[20..], ["file", "topic", "password"]);
    assert_eq!(
        report.groups,
        ["Common", "Transforms", "Predicates", "Error Handling", "Topic Creation", "Exactly Once Support", "offsets.topic"]
    );
    assert_eq!(value(&report, "topic").errors, ["Missing required configuration \"topic\" which has no default value."]);
    assert_eq!(value(&report, "name").value.as_deref(), Some("file-source"));
}

#[tokio::test]
async fn all_errors_are_listed_in_one_refusal() {
    let report = report(&[("name", "n"), ("connector.class", "LinesSource"), ("tasks.max", "x")]).await;
    assert_eq!(
        report.into_result().unwrap_err(),
        HerderError::BadRequest(
            "Connector configuration is invalid and contains the following 3 error(s):\n\
             Invalid value x for configuration tasks.max: Not a number of type INT\n\
             Invalid value null for configuration tasks.max: Value must be non-null\n\
             Missing required configuration \"topic\" which has no default value.\n\
             You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"
                .to_owned()
        )
    );
}

#[tokio::test]
async fn the_class_must_be_given_and_known() {
    let ask = async |config: &[(&str, &str)]| {
        validate(&registry(), &worker(&[]), &config.iter().copied().collect()).await.unwrap_err().to_string()
    };
    assert_eq!(ask(&[("password", "pw")]).await, "Connector config {password} contains no connector type");
    let error = ask(&[("connector.class", "Nope")]).await;
    assert!(error.starts_with("Failed to find any class that implements Connector and which name matches Nope"), "{error}");
    assert!(error.contains("acme.DrainSinkConnector"), "{error}");
}

#[tokio::test]
async fn sinks_need_exactly_one_way_to_name_their_topics() {
    let neither = report(&SINK[..2]).await;
    assert_eq!(neither.errors().collect::<Vec<_>>(), ["Must configure one of topics or topics.regex"; 2]);
    let both = report(&[SINK[0], SINK[1], SINK[2], ("topics.regex", "x.*")]).await;
    assert_eq!(both.error_count, 2);
    let dlq = report(&[SINK[0], SINK[1], SINK[2], ("errors.deadletterqueue.topic.name", "b")]).await;
    assert_eq!(
        dlq.errors().collect::<Vec<_>>(),
        ["The DLQ topic 'b' may not be included in the list of topics ('topics=[a, b]') consumed by the connector"]
    );
    let group = report(&[("name", "g"), SINK[1], SINK[2]]).await;
    assert_eq!(
        value(&group, "name").errors,
        ["Consumer group for sink connector named g conflicts with Connect worker group connect-g"]
    );
}

#[tokio::test]
async fn transforms_bring_their_options() {
    let class = ("transforms.h.type", "acme.Hoist$Value");
    let good = report(&[SOURCE[0], SOURCE[1], SOURCE[2], ("transforms", "h"), class, ("transforms.h.field", "f")]).await;
    assert_eq!(good.error_count, 0);
    let at = names(&good).iter().position(|name| name == "transforms.h.type").unwrap();
    assert_eq!(
        names(&good)[at..at + 5],
        ["transforms.h.type", "transforms.h.field", "transforms.h.negate", "transforms.h.predicate", "transforms.h.enable"]
    );
    assert!(good.groups.contains(&"Transforms: h".to_owned()));
    assert_eq!(value(&good, "transforms.h.type").recommended, ["acme.Hoist$Value"]);

    let bad = report(&[SOURCE[0], SOURCE[1], SOURCE[2], ("transforms", "h,u"), class, ("transforms.u.type", "Value")]).await;
    assert_eq!(
        bad.errors().collect::<Vec<_>>(),
        [
            "Missing required configuration \"transforms.h.field\" which has no default value.",
            "Invalid value Value for configuration transforms.u.type: Class Value could not be found.",
        ]
    );
    let negated = report(&[
        SOURCE[0],
        SOURCE[1],
        SOURCE[2],
        ("transforms", "h"),
        class,
        ("transforms.h.field", "f"),
        ("transforms.h.negate", "true"),
    ])
    .await;
    assert!(value(&negated, "transforms.h.type").errors[0].contains("defining a predicate to be negated"));
}

#[tokio::test]
async fn converter_options_count_once_and_their_errors_have_no_prefix() {
    let report = report(&[
        SOURCE[0],
        SOURCE[1],
        SOURCE[2],
        ("key.converter", "Json"),
        ("key.converter.schemas.enable", "bogus"),
        ("value.converter", "acme.Nope"),
    ])
    .await;
    assert_eq!(value(&report, "key.converter").value.as_deref(), Some("acme.JsonConverter"));
    assert_eq!(
        value(&report, "key.converter.schemas.enable").errors,
        ["Invalid value bogus for configuration schemas.enable: Expected value to be either true or false"]
    );
    assert_eq!(
        value(&report, "value.converter").errors,
        ["Invalid value acme.Nope for configuration value.converter: Class acme.Nope could not be found."]
    );
    assert_eq!(report.error_count, 2);
}

#[tokio::test]
async fn null_values_are_errors_even_where_nobody_defines_the_setting() {
    let mut config: ConfigMap = SOURCE.into_iter().collect();
    config.0.insert("stray".to_owned(), None);
    config.0.insert("tasks.max".to_owned(), None);
    let report = validate(&registry(), &worker(&[]), &config).await.unwrap();
    assert!(report.entries[0].definition.is_none());
    assert_eq!(value(&report, "stray").errors, ["Null value can not be supplied as the configuration value."]);
    assert_eq!(value(&report, "tasks.max").errors.len(), 2);
}

#[tokio::test]
async fn client_overrides_are_judged_by_the_workers_policy() {
    let config = [SOURCE[0], SOURCE[1], SOURCE[2], ("producer.override.acks", "1"), ("consumer.override.x", "1")];
    let worker = worker(&[("connector.client.config.override.policy", "None")]);
    let report = validate(&registry(), &worker, &config.into_iter().collect()).await.unwrap();
    assert_eq!(
        report.errors().collect::<Vec<_>>(),
        ["The 'None' policy does not allow 'acks' to be overridden in the connector configuration."]
    );
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let folder = std::env::temp_dir().join(format!("tributary-validation-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("s"), "file=/secret\ntasks=many").unwrap();
    let worker = worker(&[("config.providers", "f"), ("config.providers.f.class", "FileConfigProvider")]);
    let reference = |key: &str| format!("${{f:{}/s:{key}}}", folder.display());
    let (file, tasks) = (reference("file"), reference("tasks"));
    let config = [SOURCE[0], SOURCE[1], SOURCE[2], ("password", "pw"), ("file", &file), ("tasks.max", &tasks)];
    let report = validate(&registry(), &worker, &config.into_iter().collect()).await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(value(&report, "password").value.as_deref(), Some("[hidden]"));
    assert_eq!(value(&report, "file").value.as_deref(), Some(file.as_str()));
    assert_eq!(value(&report, "file").errors, [format!("cannot read {file}")]);
    assert!(value(&report, "tasks.max").errors[0].contains(&tasks));
    assert!(!format!("{report:?}").contains("/secret") && !format!("{report:?}").contains("many"));
}
