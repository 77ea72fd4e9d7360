//! Finds a plugin by class name or alias.

use std::sync::Arc;

use super::connector::{Connector, SinkConnector, SourceConnector};
use super::converter::{Converter, HeaderConverter};
use super::error::{ConnectError, Result};
use super::transform::{Predicate, Transform};
use crate::config::{ConfigDef, ConfigMap};

#[derive(Clone)]
pub enum ConnectorPlugin {
    Source(Arc<dyn SourceConnector>),
    Sink(Arc<dyn SinkConnector>),
}

impl ConnectorPlugin {
    pub fn connector(&self) -> &dyn Connector {
        match self {
            Self::Source(connector) => connector.as_ref(),
            Self::Sink(connector) => connector.as_ref(),
        }
    }

    /// `source` or `sink`, as REST shows it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::Sink(_) => "sink",
        }
    }
}

/// A plugin that is built from a class name and its own keys (the prefix, such as `key.converter.`, already taken off).
pub struct Factory<T: ?Sized + 'static> {
    pub class: &'static str,
    pub config_def: &'static ConfigDef,
    pub build: fn(&ConfigMap) -> Result<Box<T>>,
}

impl<T: ?Sized> Clone for Factory<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> Copy for Factory<T> {}

/// Everything this binary offers, in the order of `builtin_plugins.rs`.
/// Converters get `converter.type` = `key` or `value` among their keys.
#[derive(Default)]
pub struct Registry {
    pub connectors: Vec<ConnectorPlugin>,
    pub converters: Vec<Factory<dyn Converter>>,
    pub header_converters: Vec<Factory<dyn HeaderConverter>>,
    pub transforms: Vec<Factory<dyn Transform>>,
    pub predicates: Vec<Factory<dyn Predicate>>,
}

impl Registry {
    /// # Errors
    /// `Config`, naming the known classes, if no connector bears this name.
    pub fn connector(&self, name: &str) -> Result<&ConnectorPlugin> {
        self.connectors.iter().find(|plugin| answers_to(plugin.connector().class(), name, "Connector")).ok_or_else(|| {
            let known = self.connectors.iter().map(|plugin| plugin.connector().class());
            unknown("connector", name, known)
        })
    }

    pub fn converter(&self, name: &str) -> Result<Factory<dyn Converter>> {
        find(&self.converters, "converter", name, "Converter")
    }

    pub fn header_converter(&self, name: &str) -> Result<Factory<dyn HeaderConverter>> {
        find(&self.header_converters, "header converter", name, "Converter")
    }

    pub fn transform(&self, name: &str) -> Result<Factory<dyn Transform>> {
        find(&self.transforms, "transform", name, "Transformation")
    }

    pub fn predicate(&self, name: &str) -> Result<Factory<dyn Predicate>> {
        find(&self.predicates, "predicate", name, "Predicate")
    }
}

fn find<T: ?Sized>(list: &[Factory<T>], what: &str, name: &str, suffix: &str) -> Result<Factory<T>> {
    list.iter()
        .find(|plugin| answers_to(plugin.class, name, suffix))
        .copied()
        .ok_or_else(|| unknown(what, name, list.iter().map(|plugin| plugin.class)))
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str>) -> ConnectError {
    let known = known.collect::<Vec<_>>().join(", ");
    ConnectError::config(format!("no {what} class matches '{name}'; known classes: {known}"))
}

/// Connect: PluginUtils. A plugin answers to its full class name, its simple name, and the simple name without the
/// suffix of its kind. Nested classes (`Cast$Value`) have no alias, because `Key` and `Value` are shared by many.
fn answers_to(class: &str, name: &str, suffix: &str) -> bool {
    if class == name {
        return true;
    }
    let simple = class.rsplit('.').next().unwrap_or(class);
    !simple.contains('$') && (simple == name || simple.strip_suffix(suffix) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_full_simple_and_pruned_name() {
        let class = "org.apache.kafka.connect.file.FileStreamSourceConnector";
        for name in [class, "FileStreamSourceConnector", "FileStreamSource"] {
            assert!(answers_to(class, name, "Connector"), "{name}");
        }
        assert!(!answers_to(class, "FileStream", "Connector"));
        assert!(!answers_to("a.Cast$Value", "Value", "Transformation"));
    }
}
