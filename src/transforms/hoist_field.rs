//! Wraps a value into a struct or map with one field (`org.apache.kafka.connect.transforms.HoistField`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::Part;
use super::schema_cache::SchemaCache;
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance};
use crate::data::{ConnectRecord, Schema, SchemaBuilder, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.HoistField$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(HoistField::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.HoistField$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(HoistField::new(config, Part::Value)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[ConfigKey::new("field", ConfigType::String, Default::Required, Importance::Medium, "The name of the field.")],
};

struct HoistField {
    part: Part,
    field: Arc<str>,
    plans: SchemaCache<Arc<Schema>>,
}

impl HoistField {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        Ok(Self { part, field: config.text("field").unwrap_or_default().into(), plans: SchemaCache::default() })
    }
}

impl Transform for HoistField {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let part = self.part.of_mut(&mut record);
        let value = std::mem::take(&mut part.value);
        match &part.schema {
            None => part.value = Value::Map(vec![(Value::from(&*self.field), value)]),
            Some(schema) => {
                if value.is_null() && !schema.optional {
                    return Err(ConnectError::bad_record(format!(
                        "Invalid value: null used for required field: \"{}\", schema type: {}",
                        self.field,
                        schema.kind.connect_name()
                    )));
                }
                let field = &self.field;
                let updated =
                    self.plans.get(schema, |schema| Ok(SchemaBuilder::structure([(field.clone(), schema.clone())]).build()))?;
                part.value = Value::Struct(vec![value].into());
                part.schema = Some(updated.clone());
            }
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::test_records::{apply_map, run, struct_record};

    #[test]
    fn wraps_values() {
        assert_eq!(apply_map(&VALUE, &[("field", "w")]), r#"{"w":{"id":300,"s":null,"f":1.9,"in":{"x":7}}}"#);
        let output = run(&VALUE, &[("field", "w")], struct_record()).unwrap();
        assert!(output.value.schema.unwrap().field("w").unwrap().schema.is_named("n"));
        let mut null = struct_record();
        null.value.value = Value::Null;
        let error = run(&VALUE, &[("field", "w")], null).unwrap_err();
        assert_eq!(error.message(), "Invalid value: null used for required field: \"w\", schema type: STRUCT");
    }
}
