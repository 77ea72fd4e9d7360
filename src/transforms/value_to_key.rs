//! Makes the key from fields of the value (`org.apache.kafka.connect.transforms.ValueToKey`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{REPLACE_NULL, require_map, require_struct};
use super::schema_cache::SchemaCache;
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator};
use crate::data::{ConnectRecord, Schema, SchemaAndValue, SchemaBuilder, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const TRANSFORM: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.ValueToKey",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(ValueToKey::new(config)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("fields", ConfigType::List, Default::Required, Importance::High, "The value's fields that make the key.")
            .validator(Validator::NonEmpty),
        REPLACE_NULL,
    ],
};

const PURPOSE: &str = "copying fields from value to key";

struct ValueToKey {
    fields: Vec<Arc<str>>,
    replace_null: bool,
    /// Key schema and positions, by value schema.
    plans: SchemaCache<(Arc<Schema>, Vec<usize>)>,
}

impl ValueToKey {
    fn new(config: &ConfigMap) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        Ok(Self {
            fields: config.list("fields").iter().map(|field| field.as_str().into()).collect(),
            replace_null: config.boolean(REPLACE_NULL.name),
            plans: SchemaCache::default(),
        })
    }
}

impl Transform for ValueToKey {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        record.key = match &record.value.schema {
            None => {
                let entries = require_map(&record.value.value, PURPOSE)?;
                let key = self.fields.iter().map(|field| {
                    let value = entries.iter().find(|(name, _)| name.as_str() == Some(field)).map(|(_, value)| value.clone());
                    (Value::from(&**field), value.unwrap_or_default())
                });
                SchemaAndValue::schemaless(Value::Map(key.collect()))
            }
            Some(schema) => {
                let values = require_struct(&record.value.value, PURPOSE)?;
                let fields = &self.fields;
                let (key_schema, positions) = self.plans.get(schema, |schema| {
                    let found = fields.iter().map(|name| {
                        schema.field(name).ok_or_else(|| ConnectError::bad_record(format!("Field does not exist: {name}")))
                    });
                    let found = found.collect::<Result<Vec<_>>>()?;
                    let list = found.iter().map(|field| (field.name.clone(), field.schema.clone()));
                    Ok((SchemaBuilder::structure(list).build(), found.iter().map(|field| field.index).collect()))
                })?;
                let key = positions.iter().enumerate().map(|(at, index)| {
                    let value = values.get(*index).cloned().unwrap_or_default();
                    match key_schema.fields().map(|fields| &fields[at].schema.default) {
                        Some(Some(default)) if self.replace_null && value.is_null() => default.clone(),
                        _ => value,
                    }
                });
                SchemaAndValue::new(key_schema.clone(), Value::Struct(key.collect()))
            }
        };
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::test_records::{empty_record, json, map_record, run, struct_record};

    #[test]
    fn fields_make_the_key() {
        let settings = [("fields", "id,s")];
        assert_eq!(json(&run(&TRANSFORM, &settings, struct_record()).unwrap().key), r#"{"id":300,"s":"dft"}"#);
        assert_eq!(json(&run(&TRANSFORM, &settings, map_record()).unwrap().key), r#"{"id":300,"s":null}"#);
        assert_eq!(json(&run(&TRANSFORM, &[("fields", "nope")], map_record()).unwrap().key), r#"{"nope":null}"#);
    }

    #[test]
    fn errors_use_the_words_of_java() {
        let error = run(&TRANSFORM, &[("fields", "nope")], struct_record()).unwrap_err();
        assert_eq!(error.message(), "Field does not exist: nope");
        let error = run(&TRANSFORM, &[("fields", "id")], empty_record()).unwrap_err();
        assert_eq!(
            error.message(),
            "Only Map objects supported in absence of schema for [copying fields from value to key], found: null"
        );
    }
}
