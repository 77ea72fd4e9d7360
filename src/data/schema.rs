//! Describes the shape of a value: kind, optionality, default, and the names that give it meaning.

use std::fmt;
use std::sync::Arc;

use ahash::AHashMap;

use super::value::Value;

/// What a value physically is. Containers hold the schemas of their parts.
#[derive(Clone, PartialEq)]
pub enum SchemaKind {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    String,
    Bytes,
    Array(Arc<Schema>),
    Map { key: Arc<Schema>, value: Arc<Schema> },
    Struct(Arc<Fields>),
}

impl SchemaKind {
    /// Connect's name of the kind, as error messages and JSON schemas spell it in upper case (`INT32`).
    pub fn connect_name(&self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Array(_) => "ARRAY",
            Self::Map { .. } => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }

    pub fn is_primitive(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Map { .. } | Self::Struct(_))
    }
}

impl fmt::Debug for SchemaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.connect_name())?;
        match self {
            Self::Array(item) => write!(f, "<{item:?}>"),
            Self::Map { key, value } => write!(f, "<{key:?}, {value:?}>"),
            Self::Struct(fields) => f.debug_map().entries(fields.iter().map(|x| (&x.name, &x.schema))).finish(),
            _ => Ok(()),
        }
    }
}

/// A schema. Shared as `Arc<Schema>`; plans compiled from it are cached by that pointer.
/// Parameters keep their insertion order, because it shows in registered schema texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub kind: SchemaKind,
    pub optional: bool,
    pub default: Option<Value>,
    pub name: Option<Arc<str>>,
    pub version: Option<i32>,
    pub doc: Option<Arc<str>>,
    pub parameters: Vec<(Arc<str>, Arc<str>)>,
}

impl Schema {
    pub fn new(kind: SchemaKind) -> Self {
        Self { kind, optional: false, default: None, name: None, version: None, doc: None, parameters: Vec::new() }
    }

    /// Starts a schema of this kind; `SchemaBuilder::build` shares it.
    pub fn builder(kind: SchemaKind) -> SchemaBuilder {
        SchemaBuilder { schema: Self::new(kind) }
    }

    /// The fields of a struct schema, or nothing for any other kind.
    pub fn fields(&self) -> Option<&Arc<Fields>> {
        match &self.kind {
            SchemaKind::Struct(fields) => Some(fields),
            _ => None,
        }
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().and_then(|fields| fields.get(name))
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
    }

    /// True if the schema bears this (logical type) name.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

/// A named member of a struct; `index` is its position in `Value::Struct`.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: Arc<str>,
    pub index: usize,
    pub schema: Arc<Schema>,
}

/// The ordered fields of a struct with lookup by name.
#[derive(Clone, Debug)]
pub struct Fields {
    list: Vec<Field>,
    by_name: AHashMap<Arc<str>, usize>,
}

impl Fields {
    /// Builds the list in the order given. A repeated name keeps its first position for lookups.
    pub fn new(fields: impl IntoIterator<Item = (Arc<str>, Arc<Schema>)>) -> Self {
        let mut list = Vec::new();
        let mut by_name = AHashMap::new();
        for (index, (name, schema)) in fields.into_iter().enumerate() {
            by_name.entry(name.clone()).or_insert(index);
            list.push(Field { name, index, schema });
        }
        Self { list, by_name }
    }

    pub fn get(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|index| &self.list[*index])
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.list.iter()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl std::ops::Index<usize> for Fields {
    type Output = Field;
    fn index(&self, index: usize) -> &Field {
        &self.list[index]
    }
}

/// Builds a schema step by step.
#[derive(Clone)]
pub struct SchemaBuilder {
    schema: Schema,
}

impl SchemaBuilder {
    /// Starts a struct schema with these fields.
    pub fn structure<N: Into<Arc<str>>>(fields: impl IntoIterator<Item = (N, Arc<Schema>)>) -> Self {
        let fields = Fields::new(fields.into_iter().map(|(name, schema)| (name.into(), schema)));
        Schema::builder(SchemaKind::Struct(Arc::new(fields)))
    }

    pub fn optional(mut self) -> Self {
        self.schema.optional = true;
        self
    }

    pub fn optional_if(mut self, optional: bool) -> Self {
        self.schema.optional = optional;
        self
    }

    pub fn default(mut self, value: Value) -> Self {
        self.schema.default = Some(value);
        self
    }

    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.schema.name = Some(name.into());
        self
    }

    pub fn version(mut self, version: i32) -> Self {
        self.schema.version = Some(version);
        self
    }

    pub fn doc(mut self, doc: impl Into<Arc<str>>) -> Self {
        self.schema.doc = Some(doc.into());
        self
    }

    pub fn parameter(mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        self.schema.parameters.push((name.into(), value.into()));
        self
    }

    pub fn build(self) -> Arc<Schema> {
        Arc::new(self.schema)
    }
}
