//! What clients are told about connectors, tasks and plugins.

use std::collections::BTreeMap;

use super::error::{HerderError, Result};
use super::validation;
use crate::config::{ConfigKey, ConfigMap, framework};
use crate::plugin::Registry;
use crate::storage::InstanceStatus;

#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorInfo {
    pub name: String,
    /// As it was sent: provider references unresolved, nothing masked.
    pub config: ConfigMap,
    /// How many tasks, numbered from 0.
    pub tasks: usize,
    /// `source`, `sink`, or `unknown` if the class cannot be found.
    pub kind: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TaskInfo {
    pub task: usize,
    pub config: ConfigMap,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorStatus {
    pub name: String,
    pub connector: InstanceStatus,
    pub tasks: BTreeMap<usize, InstanceStatus>,
    pub kind: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plugin {
    pub class: &'static str,
    pub kind: &'static str,
    pub version: &'static str,
}

pub const UNKNOWN_KIND: &str = "unknown";

/// `source` or `sink`, by the class that a config names.
pub fn kind_of_config(registry: &Registry, config: Option<&ConfigMap>) -> &'static str {
    let class = config.and_then(|config| config.get("connector.class"));
    class.and_then(|class| registry.connector(class.trim()).ok()).map_or(UNKNOWN_KIND, |plugin| plugin.type_name())
}

/// Every plugin of this worker, in the order of the REST API.
pub fn plugins(registry: &Registry) -> Vec<Plugin> {
    let own = env!("CARGO_PKG_VERSION");
    let connectors = |kind: &'static str| {
        let of_kind = registry.connectors.iter().filter(move |plugin| plugin.type_name() == kind);
        of_kind.map(move |plugin| Plugin { class: plugin.connector().class(), kind, version: plugin.connector().version() })
    };
    let group = |classes: Vec<&'static str>, kind| classes.into_iter().map(move |class| Plugin { class, kind, version: own });
    let mut groups: [Vec<Plugin>; 6] = [
        connectors("sink").collect(),
        connectors("source").collect(),
        group(registry.transforms.iter().map(|factory| factory.class).collect(), "transformation").collect(),
        group(registry.predicates.iter().map(|factory| factory.class).collect(), "predicate").collect(),
        group(registry.converters.iter().map(|factory| factory.class).collect(), "converter").collect(),
        group(registry.header_converters.iter().map(|factory| factory.class).collect(), "header_converter").collect(),
    ];
    for group in &mut groups {
        group.sort_by_key(|plugin| plugin.class);
    }
    groups.concat()
}

/// The settings of any plugin: its own first, then for connectors the framework's that it did not redefine.
///
/// # Errors
/// `NotFound` for an unknown name, `BadRequest` for a plugin that has no settings to show.
pub fn plugin_settings(registry: &Registry, name: &str) -> Result<Vec<ConfigKey>> {
    if let Ok(plugin) = registry.connector(name) {
        let own = plugin.connector().config_def().keys;
        let framework = framework::keys(validation::kind_of(plugin)).filter(|key| own.iter().all(|own| own.name != key.name));
        return Ok(own.iter().chain(framework).copied().collect());
    }
    let def = (registry.transform(name).map(|found| found.config_def))
        .or_else(|_| registry.predicate(name).map(|found| found.config_def))
        .or_else(|_| registry.converter(name).map(|found| found.config_def))
        .or_else(|_| registry.header_converter(name).map(|found| found.config_def));
    if let Ok(def) = def {
        return Ok(def.keys.to_vec());
    }
    if name.ends_with("ConfigProvider") && name.starts_with("org.apache.kafka.common.config.provider.") {
        return Err(HerderError::BadRequest(format!(
            "Invalid plugin class {name}. Valid types are sink, source, converter, header_converter, transformation, predicate."
        )));
    }
    Err(HerderError::NotFound(format!("Unknown plugin {name}.")))
}
