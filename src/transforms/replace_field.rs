//! Drops, keeps and renames fields (`org.apache.kafka.connect.transforms.ReplaceField`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{Defaults, Part, REPLACE_NULL, take_map, take_struct, with_fields};
use super::schema_cache::SchemaCache;
use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigMap, ConfigType, Default, Importance};
use crate::data::{ConnectRecord, Schema, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.ReplaceField$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(ReplaceField::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.ReplaceField$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(ReplaceField::new(config, Part::Value)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new(
            "exclude",
            ConfigType::List,
            Default::Text(""),
            Importance::Medium,
            "Fields to drop, even if they are included. The name before Kafka 2.7, blacklist, is understood too.",
        ),
        ConfigKey::new(
            "include",
            ConfigType::List,
            Default::Text(""),
            Importance::Medium,
            "Fields to keep; empty keeps all. The name before Kafka 2.7, whitelist, is understood too.",
        ),
        ConfigKey::new("renames", ConfigType::List, Default::Text(""), Importance::Medium, "Pairs old:new of names."),
        REPLACE_NULL,
    ],
};

const PURPOSE: &str = "field replacement";

struct ReplaceField {
    part: Part,
    names: Names,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

struct Names {
    exclude: Vec<String>,
    include: Vec<String>,
    renames: Vec<(String, Arc<str>)>,
}

impl Names {
    fn keeps(&self, name: &str) -> bool {
        !self.exclude.iter().any(|excluded| excluded == name)
            && (self.include.is_empty() || self.include.iter().any(|included| included == name))
    }

    fn renamed(&self, name: &str) -> Option<&Arc<str>> {
        self.renames.iter().rev().find(|(old, _)| old == name).map(|(_, new)| new)
    }
}

struct Plan {
    updated: Arc<Schema>,
    kept: Vec<usize>,
    defaults: Defaults,
}

impl ReplaceField {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let mut config = config.clone();
        for (old, new) in [("blacklist", "exclude"), ("whitelist", "include")] {
            if let (Some(value), false) = (config.get(old).map(str::to_owned), config.contains(new)) {
                config.set(new, value);
            }
        }
        let config = CONFIG.parse(&config)?;
        let mut renames = Vec::new();
        for entry in config.list("renames") {
            match entry.split(':').collect::<Vec<_>>().as_slice() {
                [old, new] => renames.push(((*old).to_owned(), Arc::from(*new))),
                _ => {
                    let shown = format!("[{}]", config.list("renames").join(", "));
                    return Err(ConfigError::invalid("renames", &shown, &format!("Invalid rename mapping: {entry}")).into());
                }
            }
        }
        let names = Names { exclude: config.list("exclude").to_vec(), include: config.list("include").to_vec(), renames };
        Ok(Self { part, names, replace_null: config.boolean(REPLACE_NULL.name), plans: SchemaCache::default() })
    }
}

impl Transform for ReplaceField {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let part = self.part.of_mut(&mut record);
        if part.value.is_null() {
            return Ok(Some(record));
        }
        match &part.schema {
            None => {
                let entries = take_map(&mut part.value, PURPOSE)?;
                let mut kept: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let Some(name) = key.as_str().filter(|name| self.names.keeps(name)) else { continue };
                    let key = self.names.renamed(name).map_or_else(|| key.clone(), |new| Value::from(&**new));
                    match kept.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, old)) => *old = value,
                        None => kept.push((key, value)),
                    }
                }
                part.value = Value::Map(kept);
            }
            Some(schema) => {
                let mut values = take_struct(&mut part.value, PURPOSE)?;
                let (names, replace_null) = (&self.names, self.replace_null);
                let plan = self.plans.get(schema, |schema| {
                    let fields = schema.fields().map(|fields| fields.iter()).into_iter().flatten();
                    let kept = fields.filter(|field| names.keeps(&field.name)).collect::<Vec<_>>();
                    let list = kept.iter().map(|field| {
                        let name = names.renamed(&field.name).unwrap_or(&field.name);
                        (name.clone(), field.schema.clone())
                    });
                    Ok(Plan {
                        updated: Arc::new(with_fields(schema, list.collect())?),
                        kept: kept.iter().map(|field| field.index).collect(),
                        defaults: Defaults::of(schema, replace_null),
                    })
                })?;
                plan.defaults.apply(&mut values);
                let kept = plan.kept.iter().filter_map(|index| values.get_mut(*index).map(std::mem::take));
                part.value = Value::Struct(kept.collect());
                part.schema = Some(plan.updated.clone());
            }
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::test_records::{apply, apply_map, config_error, error};

    #[test]
    fn drops_keeps_and_renames_as_java_does() {
        for (settings, with_schema, without) in [
            (
                &[("exclude", "s,d,t,b,l")][..],
                r#"{"id":300,"f":1.9,"in":{"x":7,"y":"yy"}}"#,
                r#"{"id":300,"f":1.9,"in":{"x":7}}"#,
            ),
            (
                &[("include", "id,in"), ("renames", "id:ID,zz:y")],
                r#"{"ID":300,"in":{"x":7,"y":"yy"}}"#,
                r#"{"ID":300,"in":{"x":7}}"#,
            ),
            (&[("include", "id,s"), ("exclude", "s")], r#"{"id":300}"#, r#"{"id":300}"#),
            (&[("whitelist", "id")], r#"{"id":300}"#, r#"{"id":300}"#),
        ] {
            assert_eq!(apply(&VALUE, settings), with_schema);
            assert_eq!(apply_map(&VALUE, settings), without);
        }
    }

    #[test]
    fn errors_use_the_words_of_java() {
        assert_eq!(error(&VALUE, &[("renames", "id:s")]), "Cannot create field because of field name duplication s");
        assert_eq!(
            config_error(&VALUE, &[("renames", "id")]),
            "Invalid value [id] for configuration renames: Invalid rename mapping: id"
        );
    }
}
