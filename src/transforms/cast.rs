//! Casts fields or whole values to another type (`org.apache.kafka.connect.transforms.Cast`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{Defaults, Part, REPLACE_NULL, field_list, put, take_map, take_struct, with_fields};
use super::schema_cache::SchemaCache;
use crate::codec::decimal;
use crate::codec::java_text::java_class;
use crate::codec::java_values::push_values_text;
use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigMap, ConfigType, Default, Importance};
use crate::data::{ConnectRecord, Schema, SchemaKind, Value, logical};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.Cast$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(Cast::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.Cast$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(Cast::new(config, Part::Value)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new(
            "spec",
            ConfigType::List,
            Default::Required,
            Importance::High,
            "Either one type for the whole value, or pairs field:type. Types: int8, int16, int32, int64, float32, float64, boolean, string.",
        ),
        REPLACE_NULL,
    ],
};

const PURPOSE: &str = "cast types";

struct Cast {
    part: Part,
    /// The type of the whole value, or of fields.
    whole: Option<SchemaKind>,
    fields: Vec<(Arc<str>, SchemaKind)>,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

struct Plan {
    updated: Arc<Schema>,
    /// Position, source schema and target of each field that is cast.
    casts: Vec<(usize, Arc<Schema>, SchemaKind)>,
    defaults: Defaults,
}

impl Cast {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        let spec = config.list("spec");
        if spec.is_empty() {
            return Err(ConnectError::config("Must specify at least one field to cast."));
        }
        let mut whole = None;
        let mut fields: Vec<(Arc<str>, SchemaKind)> = Vec::new();
        for entry in spec {
            match entry.split(':').collect::<Vec<_>>().as_slice() {
                [kind] if spec.len() == 1 => whole = Some(parse_kind(kind)?),
                [_] => {
                    return Err(ConnectError::config(
                        "Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec",
                    ));
                }
                [field, kind] => {
                    let kind = parse_kind(kind)?;
                    // A field that comes again replaces its earlier cast.
                    fields.retain(|(name, _)| **name != **field);
                    fields.push(((*field).into(), kind));
                }
                _ => return Err(ConfigError::invalid("spec", entry, "Invalid rename mapping: a cast is field:type").into()),
            }
        }
        Ok(Self { part, whole, fields, replace_null: config.boolean(REPLACE_NULL.name), plans: SchemaCache::default() })
    }
}

fn parse_kind(name: &str) -> Result<SchemaKind> {
    Ok(match name.trim().to_ascii_lowercase().as_str() {
        "int8" => SchemaKind::Int8,
        "int16" => SchemaKind::Int16,
        "int32" => SchemaKind::Int32,
        "int64" => SchemaKind::Int64,
        "float32" => SchemaKind::Float32,
        "float64" => SchemaKind::Float64,
        "boolean" => SchemaKind::Boolean,
        "string" => SchemaKind::String,
        known @ ("bytes" | "array" | "map" | "struct") => {
            return Err(ConnectError::config(format!(
                "Cast transformation does not support casting to {}; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]",
                known.to_ascii_uppercase()
            )));
        }
        _ => return Err(ConnectError::config(format!("Invalid type found in casting spec: {name}"))),
    })
}

impl Transform for Cast {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let part = self.part.of_mut(&mut record);
        if part.value.is_null() {
            return Ok(Some(record));
        }
        let Some(schema) = &part.schema else {
            match &self.whole {
                Some(kind) => part.value = cast(&part.value, None, kind)?,
                None => {
                    let mut entries = take_map(&mut part.value, PURPOSE)?;
                    for (name, kind) in &self.fields {
                        let old = entries.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value);
                        let new = old.map_or(Ok(Value::Null), |value| cast(value, None, kind))?;
                        put(&mut entries, name, new);
                    }
                    part.value = Value::Map(entries);
                }
            }
            return Ok(Some(record));
        };
        let plan = {
            let (whole, fields, replace_null) = (self.whole.as_ref(), &self.fields, self.replace_null);
            self.plans.get(schema, |schema| plan(schema, whole, fields, replace_null))?
        };
        match &self.whole {
            Some(kind) => part.value = cast(&part.value, Some(schema), kind)?,
            None => {
                let mut values = take_struct(&mut part.value, PURPOSE)?;
                plan.defaults.apply(&mut values);
                for (index, schema, kind) in &plan.casts {
                    if let Some(value) = values.get_mut(*index) {
                        *value = cast(value, Some(schema), kind)?;
                    }
                }
                part.value = Value::Struct(values.into());
            }
        }
        part.schema = Some(plan.updated.clone());
        Ok(Some(record))
    }
}

fn plan(schema: &Arc<Schema>, whole: Option<&SchemaKind>, fields: &[(Arc<str>, SchemaKind)], replace_null: bool) -> Result<Plan> {
    if let Some(kind) = whole {
        return Ok(Plan { updated: cast_schema(schema, kind)?, casts: Vec::new(), defaults: Defaults::default() });
    }
    if schema.fields().is_none() {
        return Err(ConnectError::bad_record("Cannot list fields on non-struct type"));
    }
    let mut list = field_list(schema);
    let mut casts = Vec::new();
    for (name, kind) in fields {
        if let Some(field) = schema.field(name) {
            list[field.index].1 = cast_schema(&field.schema, kind)?;
            casts.push((field.index, field.schema.clone(), kind.clone()));
        }
    }
    let mut updated = with_fields(schema, list)?;
    updated.optional = schema.optional;
    Ok(Plan { updated: Arc::new(updated), casts, defaults: Defaults::of(schema, replace_null) })
}

/// A plain schema of the new kind; optionality stays and the default is cast.
fn cast_schema(schema: &Schema, kind: &SchemaKind) -> Result<Arc<Schema>> {
    let mut new = Schema::new(kind.clone());
    new.optional = schema.optional;
    new.default = schema.default.as_ref().map(|default| cast(default, Some(schema), kind)).transpose()?;
    Ok(Arc::new(new))
}

/// A number on its way to another type.
enum Number {
    Integer(i64),
    Float(f64),
    /// The text of a decimal.
    Decimal(String),
}

fn cast(value: &Value, schema: Option<&Schema>, kind: &SchemaKind) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    if let Value::Array(_) | Value::Map(_) | Value::Struct(_) = value {
        return Err(ConnectError::bad_record(format!(
            "Cast transformation does not support casting from {}; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]",
            value.kind_name()
        )));
    }
    let text = || {
        let mut out = Vec::new();
        push_values_text(value, schema, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    if *kind == SchemaKind::String {
        return Ok(match value {
            Value::String(_) => value.clone(),
            _ => Value::string(text()),
        });
    }
    let out_of_range = || ConnectError::bad_record(format!("Value ({}) was out of range for requested data type", text()));
    let number = match value {
        Value::Boolean(x) if *kind == SchemaKind::Boolean => return Ok(Value::Boolean(*x)),
        Value::Boolean(x) => Number::Integer(i64::from(*x)),
        Value::Float32(x) => Number::Float(f64::from(*x)),
        Value::Float64(x) => Number::Float(*x),
        Value::String(text) => return parse(text, kind).ok_or_else(out_of_range),
        Value::Bytes(_) if schema.is_some_and(|schema| schema.is_named(logical::DECIMAL)) => Number::Decimal(text()),
        other => match other.as_i64() {
            Some(x) => Number::Integer(x),
            None => {
                return Err(ConnectError::bad_record(format!(
                    "Unexpected type in Cast transformation: class {}",
                    java_class(other)
                )));
            }
        },
    };
    // Java's narrowing: integers lose their high bits, floats stop at the limits of int or long first.
    let long = match &number {
        Number::Integer(x) => *x,
        Number::Float(x) => *x as i64,
        Number::Decimal(text) => decimal::whole_low_bits(text),
    };
    let int = match &number {
        Number::Float(x) => *x as i32,
        _ => long as i32,
    };
    let double = match &number {
        Number::Integer(x) => *x as f64,
        Number::Float(x) => *x,
        Number::Decimal(text) => text.parse().unwrap_or(f64::NAN),
    };
    Ok(match kind {
        SchemaKind::Int8 => Value::Int8(int as i8),
        SchemaKind::Int16 => Value::Int16(int as i16),
        SchemaKind::Int32 => Value::Int32(int),
        SchemaKind::Int64 => Value::Int64(long),
        SchemaKind::Float32 => Value::Float32(match &number {
            Number::Integer(x) => *x as f32,
            Number::Decimal(text) => text.parse().unwrap_or(f32::NAN),
            Number::Float(x) => *x as f32,
        }),
        SchemaKind::Float64 => Value::Float64(double),
        _ => Value::Boolean(long != 0),
    })
}

fn parse(text: &str, kind: &SchemaKind) -> Option<Value> {
    Some(match kind {
        SchemaKind::Int8 => Value::Int8(text.parse().ok()?),
        SchemaKind::Int16 => Value::Int16(text.parse().ok()?),
        SchemaKind::Int32 => Value::Int32(text.parse().ok()?),
        SchemaKind::Int64 => Value::Int64(text.parse().ok()?),
        SchemaKind::Float32 => Value::Float32(text.trim().parse().ok()?),
        SchemaKind::Float64 => Value::Float64(text.trim().parse().ok()?),
        _ => Value::Boolean(text.eq_ignore_ascii_case("true")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::test_records::{apply, apply_map, config_error, error};

    /// Outputs of Cast 4.3.1 for the same records.
    #[test]
    fn casts_as_java_does() {
        let output = apply(&VALUE, &[("spec", "id:int8,f:int32,s:boolean,d:string,t:string,b:string,nope:int8")]);
        assert_eq!(
            output,
            r#"{"id":44,"s":false,"f":1,"in":{"x":7,"y":"yy"},"d":"12.50","t":"2020-09-13T12:26:40.123Z","b":"AQI=","l":["p","q"]}"#
        );
        let output = apply(&VALUE, &[("spec", "d:float64,t:int64,f:string,id:boolean,id:string")]);
        assert_eq!(
            output,
            r#"{"id":"300","s":"dft","f":"1.9","in":{"x":7,"y":"yy"},"d":12.5,"t":1600000000123,"b":"AQI=","l":["p","q"]}"#
        );
        assert_eq!(
            apply_map(&VALUE, &[("spec", "id:int8,f:int32,nope:int8")]),
            r#"{"id":44,"s":null,"f":1,"in":{"x":7},"nope":null}"#
        );
    }

    #[test]
    fn errors_use_the_words_of_java() {
        assert_eq!(error(&VALUE, &[("spec", "s:int32")]), "Value (dft) was out of range for requested data type");
        assert!(
            error(&VALUE, &[("spec", "string")])
                .starts_with("Cast transformation does not support casting from STRUCT; supported")
        );
        assert!(
            config_error(&VALUE, &[("spec", "id:bytes")]).starts_with("Cast transformation does not support casting to BYTES")
        );
        assert_eq!(config_error(&VALUE, &[("spec", "")]), "Must specify at least one field to cast.");
        assert!(config_error(&VALUE, &[("spec", "int8,int16")]).contains("may only specify a single cast"));
    }
}
