//! Replaces a value by one of its fields (`org.apache.kafka.connect.transforms.ExtractField`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{Part, REPLACE_NULL, require_struct};
use super::schema_cache::SchemaCache;
use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator};
use crate::data::{ConnectRecord, FieldPath, ResolvedPath, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.ExtractField$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(ExtractField::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.ExtractField$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(ExtractField::new(config, Part::Value)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("field", ConfigType::String, Default::Required, Importance::Medium, "The field to extract."),
        REPLACE_NULL,
        ConfigKey::new(
            "field.syntax.version",
            ConfigType::String,
            Default::Text("V1"),
            Importance::High,
            "V1: the field is one name. V2: dots lead into nested fields, backticks enclose names that have dots.",
        )
        .validator(Validator::OneOfIgnoreCase(&["V1", "V2"])),
    ],
};

const PURPOSE: &str = "field extraction";

struct ExtractField {
    part: Part,
    path: FieldPath,
    replace_null: bool,
    plans: SchemaCache<ResolvedPath>,
}

impl ExtractField {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        let field = config.text("field").unwrap_or_default();
        let nested = config.text("field.syntax.version").is_some_and(|version| version.eq_ignore_ascii_case("V2"));
        let path = if nested { FieldPath::quoted(field).map_err(ConfigError::new)? } else { FieldPath::single(field) };
        Ok(Self { part, path, replace_null: config.boolean(REPLACE_NULL.name), plans: SchemaCache::default() })
    }
}

impl Transform for ExtractField {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let part = self.part.of_mut(&mut record);
        match &part.schema {
            None => {
                part.value = match &part.value {
                    Value::Null => Value::Null,
                    map @ Value::Map(_) => self.path.get(None, map).cloned().unwrap_or_default(),
                    other => return Err(super::record_part::wrong_map(PURPOSE, other)),
                };
            }
            Some(schema) => {
                if !part.value.is_null() {
                    require_struct(&part.value, PURPOSE)?;
                }
                let path = &self.path;
                let found = self.plans.get(schema, |schema| {
                    path.resolve(schema).ok_or_else(|| ConnectError::bad_record(format!("Unknown field: {}", path.text())))
                })?;
                let mut value = found.get(&part.value).clone();
                if let (true, true, Some(default)) =
                    (self.replace_null, value.is_null() && !part.value.is_null(), &found.schema.default)
                {
                    value = default.clone();
                }
                part.value = value;
                part.schema = Some(Arc::clone(&found.schema));
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
    fn takes_a_field_by_name_or_path() {
        assert_eq!(apply(&VALUE, &[("field", "id")]), "300");
        assert_eq!(apply(&VALUE, &[("field", "s")]), r#""dft""#);
        assert_eq!(apply(&VALUE, &[("field", "in.x"), ("field.syntax.version", "V2")]), "7");
        assert_eq!(apply_map(&VALUE, &[("field", "in.x"), ("field.syntax.version", "v2")]), "7");
        assert_eq!(apply_map(&VALUE, &[("field", "nope")]), "null");
    }

    #[test]
    fn errors_use_the_words_of_java() {
        assert_eq!(error(&VALUE, &[("field", "in.x")]), "Unknown field: in.x");
        assert!(
            config_error(&VALUE, &[("field", "`in.x"), ("field.syntax.version", "V2")]).starts_with("Incomplete backtick pair")
        );
    }
}
