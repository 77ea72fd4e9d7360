//! Finds the settings of a connector that nothing here knows: misspelt ones, mostly.
//!
//! Connect keeps such settings and ignores them. contracts/hdfs-sink.md, section 2.2, and mysql-source.md, section 2, ask
//! for one warning.

use crate::config::framework::{self, ConnectorKind};
use crate::config::{ConfigDef, ConfigMap};
use crate::plugin::Registry;
use crate::plugin::registry::ConnectorPlugin;

/// Settings that begin with `prefix` belong to somebody else.
struct Family {
    prefix: String,
    /// What that somebody defines; `None` if every setting may mean something to it.
    definition: Option<&'static ConfigDef>,
    /// What the framework adds.
    also: &'static [&'static str],
}

impl Family {
    fn knows(&self, key: &str) -> bool {
        key.strip_prefix(&self.prefix).is_some_and(|rest| {
            self.also.contains(&rest) || self.definition.is_none_or(|definition| definition.get(rest).is_some())
        })
    }
}

/// The names of the settings that neither the framework nor the connector, its converters, transforms, predicates and
/// clients know. The classes that a connector names and that are not there are reported elsewhere.
pub fn unknown_settings<'a>(registry: &Registry, plugin: &ConnectorPlugin, config: &'a ConfigMap) -> Vec<&'a str> {
    let kind = match plugin {
        ConnectorPlugin::Source(_) => ConnectorKind::Source,
        ConnectorPlugin::Sink(_) => ConnectorKind::Sink,
    };
    let connector = plugin.connector();
    let families = families(registry, kind, config);
    let known = |key: &str| {
        framework::keys(kind).any(|known| known.name == key)
            || connector.config_def().get(key).is_some()
            || connector.also_knows(key)
            || families.iter().any(|family| family.knows(key))
    };
    config.iter().map(|(key, _)| key).filter(|key| !known(key)).collect()
}

fn families(registry: &Registry, kind: ConnectorKind, config: &ConfigMap) -> Vec<Family> {
    let anything = |prefix: String| Family { prefix, definition: None, also: &[] };
    let mut families: Vec<_> =
        ["producer", "consumer", "admin"].iter().map(|client| anything(format!("{client}.override."))).collect();
    for setting in ["key.converter", "value.converter", "header.converter"] {
        // Without a class of its own the connector uses the worker's converter with the worker's settings.
        let Some(class) = config.get(setting).map(str::trim) else { continue };
        let definition = match setting {
            "header.converter" => registry.header_converter(class).map(|factory| factory.config_def),
            _ => registry.converter(class).map(|factory| factory.config_def),
        };
        families.push(Family { prefix: format!("{setting}."), definition: definition.ok(), also: &["converter.type"] });
    }
    let class_of = |prefix: &str| config.get(&format!("{prefix}type")).unwrap_or_default().trim().to_owned();
    for alias in aliases(config, "transforms") {
        let prefix = format!("transforms.{alias}.");
        let definition = registry.transform(&class_of(&prefix)).map(|factory| factory.config_def).ok();
        families.push(Family { prefix, definition, also: &["type", "predicate", "negate"] });
    }
    for alias in aliases(config, "predicates") {
        let prefix = format!("predicates.{alias}.");
        let definition = registry.predicate(&class_of(&prefix)).map(|factory| factory.config_def).ok();
        families.push(Family { prefix, definition, also: &["type"] });
    }
    if kind == ConnectorKind::Source {
        // What a group does not define is a setting of the topic.
        let groups = aliases(config, "topic.creation.groups").chain(["default"]);
        families.extend(groups.map(|group| anything(format!("topic.creation.{group}."))));
    }
    families
}

fn aliases<'a>(config: &'a ConfigMap, setting: &str) -> impl Iterator<Item = &'a str> {
    config.get(setting).unwrap_or_default().split(',').map(str::trim).filter(|alias| !alias.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{ConfigKey, ConfigType, Default, Importance};
    use crate::data::ConnectRecord;
    use crate::plugin::registry::Factory;
    use crate::plugin::{
        Connector, Predicate, Result, SinkConnector, SinkTask, SinkTaskContext, SourceConnector, SourceTask, SourceTaskContext,
        Transform,
    };

    const fn key(name: &'static str) -> ConfigKey {
        ConfigKey::new(name, ConfigType::String, Default::Null, Importance::Low, "")
    }
    static OWN: ConfigDef = ConfigDef { keys: &[key("file")] };
    static OPTIONS: ConfigDef = ConfigDef { keys: &[key("field")] };

    struct Lines;

    #[async_trait::async_trait]
    impl Connector for Lines {
        fn class(&self) -> &'static str {
            "acme.Lines"
        }
        fn task_class(&self) -> &'static str {
            "acme.LinesTask"
        }
        fn config_def(&self) -> &'static ConfigDef {
            &OWN
        }
        fn also_knows(&self, key: &str) -> bool {
            key.starts_with("old.")
        }
        async fn task_configs(&self, _: &ConfigMap, _: usize) -> Result<Vec<ConfigMap>> {
            Ok(Vec::new())
        }
    }

    #[async_trait::async_trait]
    impl SourceConnector for Lines {
        async fn start_task(&self, _: &ConfigMap, _: SourceTaskContext) -> Result<Box<dyn SourceTask>> {
            unreachable!("nothing is started")
        }
    }

    #[async_trait::async_trait]
    impl SinkConnector for Lines {
        async fn start_task(&self, _: &ConfigMap, _: SinkTaskContext) -> Result<Box<dyn SinkTask>> {
            unreachable!("nothing is started")
        }
    }

    struct Same;

    impl Transform for Same {
        fn apply(&mut self, record: ConnectRecord) -> Result<Option<ConnectRecord>> {
            Ok(Some(record))
        }
    }

    impl Predicate for Same {
        fn test(&self, _: &ConnectRecord) -> bool {
            true
        }
    }

    fn unknown(plugin: &ConnectorPlugin, settings: &[(&str, &str)]) -> Vec<String> {
        let registry = Registry {
            transforms: vec![Factory { class: "acme.Hoist", config_def: &OPTIONS, build: |_| Ok(Box::new(Same)) }],
            predicates: vec![Factory { class: "acme.Always", config_def: &OPTIONS, build: |_| Ok(Box::new(Same)) }],
            ..Registry::default()
        };
        let config = settings.iter().copied().collect();
        unknown_settings(&registry, plugin, &config).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn what_somebody_knows_is_not_reported() {
        let settings = [
            ("name", "n"),
            ("tasks.max", "1"),
            ("errors.tolerance", "all"),
            ("file", "f"),
            ("old.name", "x"),
            ("producer.override.acks", "1"),
            ("transforms", "h, gone"),
            ("transforms.h.type", "acme.Hoist"),
            ("transforms.h.field", "f"),
            ("transforms.h.predicate", "p"),
            ("transforms.h.negate", "true"),
            ("transforms.gone.type", "acme.Gone"),
            ("transforms.gone.any", "x"),
            ("predicates", "p"),
            ("predicates.p.type", "acme.Always"),
            ("predicates.p.field", "f"),
            ("key.converter", "acme.Gone"),
            ("key.converter.any", "x"),
            ("topic.creation.groups", "g"),
            ("topic.creation.g.cleanup.policy", "compact"),
            ("topic.creation.default.partitions", "1"),
        ];
        assert_eq!(unknown(&ConnectorPlugin::Source(Arc::new(Lines)), &settings), Vec::<String>::new());
    }

    #[test]
    fn what_nobody_knows_is_reported_by_name() {
        let settings = [
            ("Name", "n"),
            ("fiel", "f"),
            ("topics", "t"),
            ("transforms", "h"),
            ("transforms.h.type", "acme.Hoist"),
            ("transforms.h.fields", "f"),
            ("transforms.other.type", "acme.Hoist"),
            ("topic.creation.default.partitions", "1"),
            ("topic.creation.g.partitions", "1"),
            ("value.converter.schemas.enable", "false"),
        ];
        let common = ["Name", "fiel"];
        let (group, rest) = ("topic.creation.g.partitions", ["transforms.h.fields", "transforms.other.type"]);
        let converter = "value.converter.schemas.enable";
        let source = unknown(&ConnectorPlugin::Source(Arc::new(Lines)), &settings);
        assert_eq!(source, [&common[..], &[group, "topics"], &rest, &[converter]].concat());
        let sink = unknown(&ConnectorPlugin::Sink(Arc::new(Lines)), &settings);
        assert_eq!(sink, [&common[..], &["topic.creation.default.partitions", group], &rest, &[converter]].concat());
    }
}
