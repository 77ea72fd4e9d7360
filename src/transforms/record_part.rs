//! Names the half of a record that a `$Key` or `$Value` transform works on, and what it demands of it.

use std::sync::Arc;

use crate::codec::java_text::java_class;
use crate::config::{ConfigKey, ConfigType, Default, Importance};
use crate::data::{ConnectRecord, Fields, Schema, SchemaAndValue, SchemaKind, Value};
use crate::plugin::{ConnectError, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

impl Part {
    pub(super) fn of(self, record: &ConnectRecord) -> &SchemaAndValue {
        match self {
            Self::Key => &record.key,
            Self::Value => &record.value,
        }
    }

    pub(super) fn of_mut(self, record: &mut ConnectRecord) -> &mut SchemaAndValue {
        match self {
            Self::Key => &mut record.key,
            Self::Value => &mut record.value,
        }
    }
}

/// `replace.null.with.default`, which most transforms have.
pub(super) const REPLACE_NULL: ConfigKey = ConfigKey::new(
    "replace.null.with.default",
    ConfigType::Boolean,
    Default::Text("true"),
    Importance::Medium,
    "Whether a null field that has a default is replaced by its default when the record is rebuilt.",
);

/// Takes the fields out of a struct; the part is left null.
///
/// # Errors
/// `BadRecord` in the words of Connect's `Requirements.requireStruct`.
pub(super) fn take_struct(value: &mut Value, purpose: &str) -> Result<Vec<Value>> {
    match std::mem::take(value) {
        Value::Struct(values) => Ok(values.into()),
        other => Err(wrong_object("Struct objects supported", purpose, &other)),
    }
}

/// Takes the entries out of a map; the part is left null.
///
/// # Errors
/// `BadRecord` in the words of Connect's `Requirements.requireMap`.
pub(super) fn take_map(value: &mut Value, purpose: &str) -> Result<Vec<(Value, Value)>> {
    match std::mem::take(value) {
        Value::Map(entries) => Ok(entries),
        other => Err(wrong_map(purpose, &other)),
    }
}

/// The fields of a struct, left where they are.
///
/// # Errors
/// As [`take_struct`].
pub(super) fn require_struct<'v>(value: &'v Value, purpose: &str) -> Result<&'v [Value]> {
    value.as_struct().ok_or_else(|| wrong_object("Struct objects supported", purpose, value))
}

/// The entries of a map, left where they are.
///
/// # Errors
/// As [`take_map`].
pub(super) fn require_map<'v>(value: &'v Value, purpose: &str) -> Result<&'v [(Value, Value)]> {
    match value {
        Value::Map(entries) => Ok(entries),
        other => Err(wrong_map(purpose, other)),
    }
}

pub(super) fn wrong_map(purpose: &str, found: &Value) -> ConnectError {
    wrong_object("Map objects supported in absence of schema", purpose, found)
}

fn wrong_object(wanted: &str, purpose: &str, found: &Value) -> ConnectError {
    ConnectError::bad_record(format!("Only {wanted} for [{purpose}], found: {}", java_class(found)))
}

/// Sets an entry of a schemaless map.
pub(super) fn put(entries: &mut Vec<(Value, Value)>, name: &Arc<str>, value: Value) {
    match entries.iter_mut().find(|(key, _)| key.as_str() == Some(name)) {
        Some((_, old)) => *old = value,
        None => entries.push((Value::from(&**name), value)),
    }
}

/// A struct schema with other fields, as Connect's `SchemaUtil.copySchemaBasics` keeps it: name, version, doc and
/// parameters stay, optionality and default go.
pub(super) fn with_fields(schema: &Schema, fields: Vec<(Arc<str>, Arc<Schema>)>) -> Result<Schema> {
    let mut names = ahash::AHashSet::with_capacity(fields.len());
    if let Some((name, _)) = fields.iter().find(|(name, _)| !names.insert(name.clone())) {
        return Err(ConnectError::bad_record(format!("Cannot create field because of field name duplication {name}")));
    }
    let mut copy = basics(schema);
    copy.kind = SchemaKind::Struct(Arc::new(Fields::new(fields)));
    Ok(copy)
}

/// The schema without optionality and default.
pub(super) fn basics(schema: &Schema) -> Schema {
    Schema { optional: false, default: None, ..schema.clone() }
}

/// The fields of a schema, to be extended and given to [`with_fields`].
pub(super) fn field_list(schema: &Schema) -> Vec<(Arc<str>, Arc<Schema>)> {
    let fields = schema.fields().map(|fields| fields.iter()).into_iter().flatten();
    fields.map(|field| (field.name.clone(), field.schema.clone())).collect()
}

/// The defaults that replace nulls when a record is rebuilt, by field position.
#[derive(Clone, Debug, std::default::Default)]
pub(super) struct Defaults(Vec<(usize, Value)>);

impl Defaults {
    pub(super) fn of(schema: &Schema, replace_null: bool) -> Self {
        let fields = schema.fields().map(|fields| fields.iter()).into_iter().flatten();
        let defaults = fields.filter_map(|field| Some((field.index, field.schema.default.clone()?)));
        Self(if replace_null { defaults.collect() } else { Vec::new() })
    }

    pub(super) fn apply(&self, values: &mut [Value]) {
        for (index, default) in &self.0 {
            if let Some(value) = values.get_mut(*index).filter(|value| value.is_null()) {
                *value = default.clone();
            }
        }
    }
}
