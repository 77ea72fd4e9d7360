//! Hides the values of fields (`org.apache.kafka.connect.transforms.MaskField`).
//! contracts/connect-runtime.md, section 10.

use bytes::Bytes;

use super::record_part::{Defaults, Part, REPLACE_NULL, put, take_map, take_struct};
use super::schema_cache::SchemaCache;
use crate::codec::decimal;
use crate::codec::java_text::java_class;
use crate::codec::java_values::date_unit;
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator};
use crate::data::{ConnectRecord, Schema, Value, logical};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.MaskField$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(MaskField::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.MaskField$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(MaskField::new(config, Part::Value)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("fields", ConfigType::List, Default::Required, Importance::High, "The fields to hide.")
            .validator(Validator::NonEmpty),
        ConfigKey::new(
            "replacement",
            ConfigType::String,
            Default::Null,
            Importance::Low,
            "What text and numbers are replaced by; without it, by nothing and zero.",
        )
        .validator(Validator::NonEmpty),
        REPLACE_NULL,
    ],
};

const PURPOSE: &str = "mask fields";

struct MaskField {
    part: Part,
    fields: Vec<std::sync::Arc<str>>,
    replacement: Option<String>,
    replace_null: bool,
    plans: SchemaCache<(Vec<(usize, std::sync::Arc<Schema>)>, Defaults)>,
}

impl MaskField {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        Ok(Self {
            part,
            fields: config.list("fields").iter().map(|field| field.as_str().into()).collect(),
            replacement: config.text("replacement").map(str::to_owned),
            replace_null: config.boolean(REPLACE_NULL.name),
            plans: SchemaCache::default(),
        })
    }
}

impl Transform for MaskField {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let part = self.part.of_mut(&mut record);
        let replacement = self.replacement.as_deref();
        match &part.schema {
            None => {
                let mut entries = take_map(&mut part.value, PURPOSE)?;
                for name in &self.fields {
                    let old = entries.iter().find(|(key, _)| key.as_str() == Some(name)).map_or(&Value::Null, |(_, value)| value);
                    let masked = mask(old, None, replacement)?;
                    put(&mut entries, name, masked);
                }
                part.value = Value::Map(entries);
            }
            Some(schema) => {
                let mut values = take_struct(&mut part.value, PURPOSE)?;
                let (fields, replace_null) = (&self.fields, self.replace_null);
                let (masked, defaults) = self.plans.get(schema, |schema| {
                    let found = fields.iter().filter_map(|name| schema.field(name));
                    Ok((found.map(|field| (field.index, field.schema.clone())).collect(), Defaults::of(schema, replace_null)))
                })?;
                defaults.apply(&mut values);
                for (index, schema) in masked {
                    if let Some(value) = values.get_mut(*index) {
                        *value = mask(value, Some(schema), replacement)?;
                    }
                }
                part.value = Value::Struct(values.into());
            }
        }
        Ok(Some(record))
    }
}

fn mask(value: &Value, schema: Option<&Schema>, replacement: Option<&str>) -> Result<Value> {
    let is_decimal = schema.is_some_and(|schema| schema.is_named(logical::DECIMAL));
    let is_date = date_unit(schema).is_some();
    let class = || match value {
        _ if is_date => "java.util.Date",
        Value::Bytes(_) => "[B",
        other => java_class(other),
    };
    let Some(replacement) = replacement.filter(|_| !value.is_null()) else {
        return Ok(match value {
            Value::Null => Value::Null,
            Value::Boolean(_) => Value::Boolean(false),
            Value::Int8(_) => Value::Int8(0),
            Value::Int16(_) => Value::Int16(0),
            Value::Int32(_) => Value::Int32(0),
            Value::Int64(_) => Value::Int64(0),
            Value::Float32(_) => Value::Float32(0.0),
            Value::Float64(_) => Value::Float64(0.0),
            Value::String(_) => Value::from(""),
            Value::Bytes(_) if is_decimal => Value::Bytes(Bytes::from_static(&[0])),
            Value::Array(_) => Value::Array(Vec::new()),
            Value::Map(_) => Value::Map(Vec::new()),
            Value::Bytes(_) | Value::Struct(_) => {
                return Err(ConnectError::bad_record(format!("Cannot mask value of type: class {}", class())));
            }
        });
    };
    let number = match value {
        _ if is_date => None,
        Value::String(_) => return Ok(Value::from(replacement)),
        Value::Int8(_) => Some(replacement.parse().ok().map(Value::Int8)),
        Value::Int16(_) => Some(replacement.parse().ok().map(Value::Int16)),
        Value::Int32(_) => Some(replacement.parse().ok().map(Value::Int32)),
        Value::Int64(_) => Some(replacement.parse().ok().map(Value::Int64)),
        Value::Float32(_) => Some(replacement.parse().ok().map(Value::Float32)),
        Value::Float64(_) => Some(replacement.parse().ok().map(Value::Float64)),
        Value::Bytes(_) if is_decimal => {
            let scale = schema.and_then(|schema| schema.parameter(logical::SCALE)).and_then(|scale| scale.parse().ok());
            Some(decimal::parse(replacement, scale.unwrap_or(0)).ok().map(Value::Bytes))
        }
        _ => None,
    };
    match number {
        Some(Some(value)) => Ok(value),
        Some(None) => {
            Err(ConnectError::bad_record(format!("Unable to convert {replacement} (class java.lang.String) to a number")))
        }
        None => Err(ConnectError::bad_record(format!("Cannot mask value of type class {} with custom replacement.", class()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::test_records::{apply, apply_map, config_error, error};

    #[test]
    fn masks_by_type_or_with_the_replacement() {
        assert_eq!(
            apply(&VALUE, &[("fields", "id,s,f,d,t,l")]),
            r#"{"id":0,"s":"","f":0.0,"in":{"x":7,"y":"yy"},"d":"AA==","t":0,"b":"AQI=","l":[]}"#
        );
        assert_eq!(
            apply(&VALUE, &[("fields", "id,f,s"), ("replacement", "7")]),
            r#"{"id":7,"s":"7","f":7.0,"in":{"x":7,"y":"yy"},"d":"BOI=","t":1600000000123,"b":"AQI=","l":["p","q"]}"#
        );
        assert_eq!(apply_map(&VALUE, &[("fields", "nope,in,id")]), r#"{"id":0,"s":null,"f":1.9,"in":{},"nope":null}"#);
    }

    #[test]
    fn errors_use_the_words_of_java() {
        assert_eq!(error(&VALUE, &[("fields", "b")]), "Cannot mask value of type: class [B");
        assert_eq!(error(&VALUE, &[("fields", "in")]), "Cannot mask value of type: class org.apache.kafka.connect.data.Struct");
        assert_eq!(
            error(&VALUE, &[("fields", "t"), ("replacement", "7")]),
            "Cannot mask value of type class java.util.Date with custom replacement."
        );
        assert_eq!(
            error(&VALUE, &[("fields", "id"), ("replacement", "zz")]),
            "Unable to convert zz (class java.lang.String) to a number"
        );
        assert_eq!(
            config_error(&VALUE, &[("fields", "id"), ("replacement", "")]),
            "Invalid value  for configuration replacement: String must be non-empty"
        );
    }
}
