//! Turns nested fields into fields of the top level (`org.apache.kafka.connect.transforms.Flatten`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{Part, basics, require_struct, take_map, with_fields};
use super::schema_cache::SchemaCache;
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance};
use crate::data::{ConnectRecord, Schema, SchemaKind, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.Flatten$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(Flatten::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.Flatten$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(Flatten::new(config, Part::Value)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[ConfigKey::new(
        "delimiter",
        ConfigType::String,
        Default::Text("."),
        Importance::Medium,
        "Put between the names on the way to a field.",
    )],
};

const PURPOSE: &str = "flattening";
/// Deeper values are refused, so that hostile input cannot exhaust the stack.
const MAX_DEPTH: usize = 200;

struct Flatten {
    part: Part,
    delimiter: String,
    plans: SchemaCache<Arc<Schema>>,
}

impl Flatten {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        Ok(Self { part, delimiter: config.text("delimiter").unwrap_or_default().to_owned(), plans: SchemaCache::default() })
    }
}

impl Transform for Flatten {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let part = self.part.of_mut(&mut record);
        if part.value.is_null() {
            return Ok(Some(record));
        }
        match &part.schema {
            None => {
                let entries = take_map(&mut part.value, PURPOSE)?;
                let mut flat = Vec::with_capacity(entries.len());
                flatten_map(entries, "", &self.delimiter, &mut flat, 0)?;
                part.value = Value::Map(flat);
            }
            Some(schema) => {
                require_struct(&part.value, PURPOSE)?;
                let delimiter = &self.delimiter;
                let updated = self.plans.get(schema, |schema| {
                    let mut fields = Vec::new();
                    flatten_schema(schema, "", delimiter, schema.optional, schema.default.as_ref(), &mut fields)?;
                    Ok(Arc::new(with_fields(schema, fields)?))
                })?;
                let mut flat = Vec::with_capacity(updated.fields().map_or(0, |fields| fields.len()));
                flatten_value(std::mem::take(&mut part.value), schema, &mut flat);
                part.schema = Some(updated.clone());
                part.value = Value::Struct(flat.into());
            }
        }
        Ok(Some(record))
    }
}

fn join(prefix: &str, delimiter: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}{delimiter}{name}") }
}

fn flatten_schema(
    schema: &Schema,
    prefix: &str,
    delimiter: &str,
    optional: bool,
    default: Option<&Value>,
    out: &mut Vec<(Arc<str>, Arc<Schema>)>,
) -> Result<()> {
    let fields = schema.fields().map(|fields| fields.iter()).into_iter().flatten();
    for field in fields {
        let name = join(prefix, delimiter, &field.name);
        let optional = optional || field.schema.optional;
        let from_parent = default.and_then(Value::as_struct).and_then(|values| values.get(field.index));
        let default = field.schema.default.as_ref().or(from_parent).filter(|default| !default.is_null());
        match &field.schema.kind {
            SchemaKind::Struct(_) => flatten_schema(&field.schema, &name, delimiter, optional, default, out)?,
            SchemaKind::Map { .. } => {
                return Err(ConnectError::bad_record(format!(
                    "Flatten transformation does not support MAP for record with schemas (for field {name})."
                )));
            }
            _ => {
                let leaf = Schema { optional, default: default.cloned(), ..basics(&field.schema) };
                out.push((name.into(), Arc::new(leaf)));
            }
        }
    }
    Ok(())
}

/// Appends the leaves in the order of [`flatten_schema`]; those of a null struct are null.
fn flatten_value(value: Value, schema: &Schema, out: &mut Vec<Value>) {
    let Some(fields) = schema.fields() else {
        out.push(value);
        return;
    };
    let values: Vec<Value> = match value {
        Value::Struct(values) => values.into(),
        _ => Vec::new(),
    };
    let mut values = values.into_iter();
    for field in fields.iter() {
        flatten_value(values.next().unwrap_or_default(), &field.schema, out);
    }
}

fn flatten_map(
    entries: Vec<(Value, Value)>,
    prefix: &str,
    delimiter: &str,
    out: &mut Vec<(Value, Value)>,
    depth: usize,
) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(ConnectError::bad_record(format!("Flatten: value is nested deeper than {MAX_DEPTH} levels")));
    }
    for (key, value) in entries {
        let name = join(prefix, delimiter, &crate::codec::java_values::object_text(&key, None));
        match value {
            Value::Map(inner) => flatten_map(inner, &name, delimiter, out, depth + 1)?,
            leaf => out.push((Value::string(name), leaf)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::logical::plain;
    use crate::data::{SchemaAndValue, SchemaBuilder};
    use crate::transforms::test_records::{apply, apply_map, empty_record, run, struct_record};

    #[test]
    fn nested_fields_come_to_the_top() {
        assert_eq!(
            apply(&VALUE, &[("delimiter", "_")]),
            r#"{"id":300,"s":"dft","f":1.9,"in_x":7,"in_y":"yy","d":"BOI=","t":1600000000123,"b":"AQI=","l":["p","q"]}"#
        );
        assert_eq!(apply_map(&VALUE, &[]), r#"{"id":300,"s":null,"f":1.9,"in.x":7}"#);
        let output = run(&VALUE, &[], struct_record()).unwrap();
        let schema = output.value.schema.unwrap();
        assert!(schema.field("in.x").unwrap().schema.optional && !schema.field("id").unwrap().schema.optional);
    }

    #[test]
    fn a_null_struct_gives_null_leaves() {
        let mut record = struct_record();
        if let Value::Struct(values) = &mut record.value.value {
            values[3] = Value::Null;
        }
        let output = run(&VALUE, &[], record).unwrap();
        assert_eq!(&output.value.value.as_struct().unwrap()[3..5], [Value::Null, Value::Null]);
    }

    #[test]
    fn maps_under_a_schema_are_refused_in_javas_words() {
        let map =
            Schema::builder(SchemaKind::Map { key: plain(SchemaKind::String, false), value: plain(SchemaKind::Int32, false) })
                .build();
        let mut record = empty_record();
        let schema = SchemaBuilder::structure([("m", map)]).build();
        record.value = SchemaAndValue::new(schema, Value::Struct(vec![Value::Map(vec![])].into()));
        let error = run(&VALUE, &[], record).unwrap_err();
        assert_eq!(error.message(), "Flatten transformation does not support MAP for record with schemas (for field m).");
    }
}
