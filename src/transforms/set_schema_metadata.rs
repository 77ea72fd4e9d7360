//! Sets the name and version of schemas (`org.apache.kafka.connect.transforms.SetSchemaMetadata`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{Defaults, Part, REPLACE_NULL};
use super::schema_cache::SchemaCache;
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance};
use crate::data::{ConnectRecord, Schema, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.SetSchemaMetadata$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(SetSchemaMetadata::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(SetSchemaMetadata::new(config, Part::Value)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("schema.name", ConfigType::String, Default::Null, Importance::High, "The name to set."),
        ConfigKey::new("schema.version", ConfigType::Int, Default::Null, Importance::High, "The version to set."),
        REPLACE_NULL,
    ],
};

struct SetSchemaMetadata {
    part: Part,
    name: Option<Arc<str>>,
    version: Option<i32>,
    replace_null: bool,
    plans: SchemaCache<(Arc<Schema>, Defaults)>,
}

impl SetSchemaMetadata {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        let name = config.text("schema.name").map(Arc::from);
        let version = config.integer("schema.version").and_then(|version| i32::try_from(version).ok());
        if name.is_none() && version.is_none() {
            return Err(ConnectError::config("Neither schema name nor version configured"));
        }
        Ok(Self { part, name, version, replace_null: config.boolean(REPLACE_NULL.name), plans: SchemaCache::default() })
    }
}

impl Transform for SetSchemaMetadata {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let part = self.part.of_mut(&mut record);
        let Some(schema) = &part.schema else {
            if part.value.is_null() {
                return Ok(Some(record));
            }
            return Err(ConnectError::bad_record("Schema required for [updating schema metadata]"));
        };
        let (name, version, replace_null) = (&self.name, self.version, self.replace_null);
        let (updated, defaults) = self.plans.get(schema, |schema| {
            let mut updated = Schema::clone(schema);
            updated.name = name.clone().or(updated.name);
            updated.version = version.or(updated.version);
            Ok((Arc::new(updated), Defaults::of(schema, replace_null)))
        })?;
        if let Value::Struct(values) = &mut part.value {
            defaults.apply(values);
        }
        part.schema = Some(updated.clone());
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::test_records::{config_error, map_record, run, struct_record};

    #[test]
    fn name_and_version_are_set_and_the_rest_stays() {
        let output = run(&VALUE, &[("schema.name", "new")], struct_record()).unwrap().value.schema.unwrap();
        assert_eq!((output.name.as_deref(), output.version), (Some("new"), Some(1)));
        let output = run(&VALUE, &[("schema.version", "9")], struct_record()).unwrap().value.schema.unwrap();
        assert_eq!((output.name.as_deref(), output.version), (Some("n"), Some(9)));
    }

    #[test]
    fn errors_use_the_words_of_java() {
        assert_eq!(config_error(&VALUE, &[]), "Neither schema name nor version configured");
        let error = run(&VALUE, &[("schema.name", "x")], map_record()).unwrap_err();
        assert_eq!(error.message(), "Schema required for [updating schema metadata]");
    }
}
