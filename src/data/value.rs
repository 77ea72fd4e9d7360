//! Holds the values that travel: positional structs, and text and bytes that share their payload's memory.

use std::sync::Arc;

use bytes::Bytes;

use super::schema::{Schema, SchemaKind};

/// Text that is a slice of the payload it was read from. A slice keeps its whole payload alive.
pub type Utf8Bytes = bytestring::ByteString;

/// A value. Its meaning (logical type, field names) is in the schema beside it, never inside it.
/// `Struct` holds one value per field of the schema, in the schema's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Boolean(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    String(Utf8Bytes),
    Bytes(Bytes),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Struct(Box<[Value]>),
}

impl Value {
    pub fn string(text: impl Into<Utf8Bytes>) -> Self {
        Self::String(text.into())
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Any of the four integer kinds as i64.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int8(x) => Some(i64::from(*x)),
            Self::Int16(x) => Some(i64::from(*x)),
            Self::Int32(x) => Some(i64::from(*x)),
            Self::Int64(x) => Some(*x),
            _ => None,
        }
    }

    pub fn as_struct(&self) -> Option<&[Value]> {
        match self {
            Self::Struct(values) => Some(values),
            _ => None,
        }
    }

    /// Connect's name of this value's kind, for messages.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "BOOLEAN",
            Self::Int8(_) => "INT8",
            Self::Int16(_) => "INT16",
            Self::Int32(_) => "INT32",
            Self::Int64(_) => "INT64",
            Self::Float32(_) => "FLOAT32",
            Self::Float64(_) => "FLOAT64",
            Self::String(_) => "STRING",
            Self::Bytes(_) => "BYTES",
            Self::Array(_) => "ARRAY",
            Self::Map(_) => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }

    /// Checks that the value has the shape its schema promises; the error names the offending part.
    pub fn check(&self, schema: &Schema) -> Result<(), String> {
        let fits = match (self, &schema.kind) {
            (Self::Null, _) => {
                return if schema.optional || schema.default.is_some() {
                    Ok(())
                } else {
                    Err(format!("null used for a required {} value", schema.kind.connect_name()))
                };
            }
            (Self::Boolean(_), SchemaKind::Boolean)
            | (Self::Int8(_), SchemaKind::Int8)
            | (Self::Int16(_), SchemaKind::Int16)
            | (Self::Int32(_), SchemaKind::Int32)
            | (Self::Int64(_), SchemaKind::Int64)
            | (Self::Float32(_), SchemaKind::Float32)
            | (Self::Float64(_), SchemaKind::Float64)
            | (Self::String(_), SchemaKind::String)
            | (Self::Bytes(_), SchemaKind::Bytes) => true,
            (Self::Array(items), SchemaKind::Array(item)) => return items.iter().try_for_each(|x| x.check(item)),
            (Self::Map(entries), SchemaKind::Map { key, value }) => {
                return entries.iter().try_for_each(|(k, v)| k.check(key).and_then(|()| v.check(value)));
            }
            (Self::Struct(values), SchemaKind::Struct(fields)) => {
                if values.len() != fields.len() {
                    return Err(format!("struct of {} values for a schema of {} fields", values.len(), fields.len()));
                }
                return fields
                    .iter()
                    .zip(values)
                    .try_for_each(|(field, x)| x.check(&field.schema).map_err(|e| format!("field '{}': {e}", field.name)));
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(format!("{} value for a schema of type {}", self.kind_name(), schema.kind.connect_name())) }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

/// A value with its schema; schemaless data has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaAndValue {
    pub schema: Option<Arc<Schema>>,
    pub value: Value,
}

impl SchemaAndValue {
    pub const NULL: Self = Self { schema: None, value: Value::Null };

    pub fn new(schema: Arc<Schema>, value: Value) -> Self {
        Self { schema: Some(schema), value }
    }

    pub fn schemaless(value: Value) -> Self {
        Self { schema: None, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_forty_bytes() {
        assert!(size_of::<Value>() <= 40, "Value grew to {}", size_of::<Value>());
        assert!(size_of::<SchemaAndValue>() <= 48);
    }

    #[test]
    fn check_names_the_offending_field() {
        let schema = crate::data::SchemaBuilder::structure([("id", Arc::new(Schema::new(SchemaKind::Int32)))]).build();
        assert_eq!(Value::Struct(vec![Value::Int32(1)].into()).check(&schema), Ok(()));
        let error = Value::Struct(vec![Value::from("x")].into()).check(&schema).unwrap_err();
        assert_eq!(error, "field 'id': STRING value for a schema of type INT32");
    }
}
