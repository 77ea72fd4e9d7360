//! Projects a value from one schema to another.
//!
//! Source: contracts/hdfs-sink.md, section 7.3.

use std::sync::Arc;

use crate::data::{Fields, Schema, SchemaKind, Value};

/// # Errors
/// The reason, if the target needs something that the value does not have.
pub fn project(source: &Schema, value: &Value, target: &Schema) -> Result<Value, String> {
    if value.is_null() {
        return match &target.default {
            _ if target.optional => Ok(Value::Null),
            Some(default) => Ok(default.clone()),
            None => Err("null for a required value without a default".to_owned()),
        };
    }
    match (&source.kind, &target.kind, value) {
        (SchemaKind::Struct(from), SchemaKind::Struct(to), Value::Struct(values)) => project_struct(from, values, to),
        (SchemaKind::Array(from), SchemaKind::Array(to), Value::Array(items)) => {
            items.iter().map(|item| project(from, item, to)).collect::<Result<_, _>>().map(Value::Array)
        }
        (SchemaKind::Map { key, value: from }, SchemaKind::Map { key: to_key, value: to }, Value::Map(entries)) => {
            let entries = entries.iter().map(|(k, v)| Ok((project(key, k, to_key)?, project(from, v, to)?)));
            entries.collect::<Result<_, String>>().map(Value::Map)
        }
        (from, to, value) if from == to => Ok(value.clone()),
        (from, to, value) => widen(value, to)
            .ok_or_else(|| format!("a {} value does not fit a schema of type {}", from.connect_name(), to.connect_name())),
    }
}

fn project_struct(from: &Arc<Fields>, values: &[Value], to: &Arc<Fields>) -> Result<Value, String> {
    let projected = to.iter().map(|field| match from.get(&field.name) {
        Some(source) => {
            let value = values.get(source.index).unwrap_or(&Value::Null);
            project(&source.schema, value, &field.schema).map_err(|error| format!("field '{}': {error}", field.name))
        }
        None if field.schema.optional => Ok(Value::Null),
        None => field.schema.default.clone().ok_or_else(|| format!("field '{}' is missing and has no default", field.name)),
    });
    projected.collect::<Result<Box<[Value]>, _>>().map(Value::Struct)
}

fn widen(value: &Value, to: &SchemaKind) -> Option<Value> {
    let integer = value.as_i64();
    Some(match to {
        SchemaKind::Int16 if matches!(value, Value::Int8(_)) => Value::Int16(i16::try_from(integer?).ok()?),
        SchemaKind::Int32 if matches!(value, Value::Int8(_) | Value::Int16(_)) => Value::Int32(i32::try_from(integer?).ok()?),
        SchemaKind::Int64 => Value::Int64(integer?),
        SchemaKind::Float32 => Value::Float32(integer? as f32),
        SchemaKind::Float64 => match value {
            Value::Float32(x) => Value::Float64(f64::from(*x)),
            _ => Value::Float64(integer? as f64),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SchemaBuilder;
    use crate::data::logical::plain;

    #[test]
    fn fields_are_dropped_added_and_widened() {
        let from = SchemaBuilder::structure([
            ("gone", plain(SchemaKind::String, false)),
            ("id", plain(SchemaKind::Int8, false)),
            ("list", Schema::builder(SchemaKind::Array(plain(SchemaKind::Float32, true))).build()),
            ("text", plain(SchemaKind::String, true)),
        ])
        .build();
        let with_default = Schema::builder(SchemaKind::String).default(Value::from("d")).build();
        let to = SchemaBuilder::structure([
            ("id", plain(SchemaKind::Int64, false)),
            ("list", Schema::builder(SchemaKind::Array(plain(SchemaKind::Float64, true))).build()),
            ("text", with_default.clone()),
            ("new", plain(SchemaKind::String, true)),
            ("preset", with_default),
        ])
        .build();
        let list = Value::Array(vec![Value::Float32(0.5), Value::Null]);
        let value = Value::Struct([Value::from("x"), Value::Int8(3), list, Value::Null].into());
        let list = Value::Array(vec![Value::Float64(0.5), Value::Null]);
        assert_eq!(
            project(&from, &value, &to),
            Ok(Value::Struct([Value::Int64(3), list, Value::from("d"), Value::Null, Value::from("d")].into()))
        );
        let error = project(&to, &Value::Struct([Value::Null, Value::Null, Value::Null, Value::Null, Value::Null].into()), &from);
        assert_eq!(error, Err("field 'gone' is missing and has no default".to_owned()));
    }
}
