//! Looks up a (nested) field by name.

use std::sync::Arc;

use super::schema::{Schema, SchemaKind};
use super::value::Value;

/// The names that lead to a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    steps: Vec<Arc<str>>,
}

/// A path found in one schema: positions instead of names.
#[derive(Clone, Debug)]
pub struct ResolvedPath {
    indices: Vec<usize>,
    /// The schema of the field at its end.
    pub schema: Arc<Schema>,
    /// True if the field or any struct on the way is optional.
    pub optional: bool,
}

impl FieldPath {
    /// One field of this very name, dots and all.
    pub fn single(name: &str) -> Self {
        Self { steps: vec![name.into()] }
    }

    /// Splits at dots.
    pub fn dotted(path: &str) -> Self {
        Self { steps: path.split('.').map(Arc::from).collect() }
    }

    /// Connect's field syntax V2: dots separate, backticks enclose a name that has dots, and a backslash before a
    /// backtick inside such a name keeps it.
    ///
    /// # Errors
    /// A sentence that names the path and what is wrong with it.
    pub fn quoted(path: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = path;
        loop {
            let (name, after) = match rest.strip_prefix('`') {
                None => match rest.split_once('.') {
                    Some((name, after)) => (name.to_owned(), Some(after)),
                    None => (rest.to_owned(), None),
                },
                Some(inside) => {
                    let mut name = String::new();
                    let mut chars = inside.char_indices().peekable();
                    let end = loop {
                        match chars.next() {
                            None => return Err(format!("Incomplete backtick pair in path: {path}")),
                            Some((_, '\\')) if chars.peek().is_some_and(|(_, next)| *next == '`') => {
                                name.push('`');
                                chars.next();
                            }
                            // A backtick ends the name only before a dot or at the end.
                            Some((at, '`')) if inside[at + 1..].is_empty() || inside[at + 1..].starts_with('.') => break at,
                            Some((_, other)) => name.push(other),
                        }
                    };
                    let after = &inside[end + 1..];
                    (name, after.strip_prefix('.'))
                }
            };
            steps.push(Arc::from(name));
            match after {
                Some(after) => rest = after,
                None => return Ok(Self { steps }),
            }
        }
    }

    /// The names, joined with dots.
    pub fn text(&self) -> String {
        self.steps.join(".")
    }

    /// Finds the path in a struct schema.
    pub fn resolve(&self, schema: &Schema) -> Option<ResolvedPath> {
        let mut indices = Vec::with_capacity(self.steps.len());
        let mut optional = false;
        let mut at: Option<&Arc<Schema>> = None;
        for step in &self.steps {
            let field = at.map_or(schema, |schema| schema).field(step)?;
            optional |= field.schema.optional;
            indices.push(field.index);
            at = Some(&field.schema);
        }
        Some(ResolvedPath { indices, schema: at?.clone(), optional })
    }

    /// Finds the value without resolving first; also walks schemaless maps, and maps inside of structs.
    pub fn get<'v>(&self, schema: Option<&Schema>, value: &'v Value) -> Option<&'v Value> {
        let mut schema = schema;
        let mut value = value;
        for step in &self.steps {
            match value {
                Value::Map(entries) => {
                    value = entries.iter().find(|(key, _)| key.as_str() == Some(step)).map(|(_, value)| value)?;
                    schema = match schema.map(|schema| &schema.kind) {
                        Some(SchemaKind::Map { value, .. }) => Some(value),
                        _ => None,
                    };
                }
                Value::Struct(values) => {
                    let field = schema?.field(step)?;
                    value = values.get(field.index)?;
                    schema = Some(&field.schema);
                }
                _ => return None,
            }
        }
        Some(value)
    }
}

impl ResolvedPath {
    /// The value at the path, or null if a struct on the way is null.
    #[inline]
    pub fn get<'v>(&self, value: &'v Value) -> &'v Value {
        static NULL: Value = Value::Null;
        let mut value = value;
        for index in &self.indices {
            match value.as_struct().and_then(|values| values.get(*index)) {
                Some(next) => value = next,
                None => return &NULL,
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SchemaBuilder;
    use crate::data::logical::plain;

    #[test]
    fn finds_nested_fields_by_position_and_by_name() {
        let inner = SchemaBuilder::structure([("x", plain(SchemaKind::Int32, false))]).optional().build();
        let schema = SchemaBuilder::structure([("a", plain(SchemaKind::Int32, false)), ("b", inner)]).build();
        let value = Value::Struct(vec![Value::Int32(1), Value::Struct(vec![Value::Int32(2)].into())].into());
        let path = FieldPath::dotted("b.x");
        let resolved = path.resolve(&schema).unwrap();
        assert_eq!(resolved.get(&value), &Value::Int32(2));
        assert!(resolved.optional);
        assert_eq!(path.get(Some(&schema), &value), Some(&Value::Int32(2)));
        assert_eq!(resolved.get(&Value::Struct(vec![Value::Int32(1), Value::Null].into())), &Value::Null);
        assert!(FieldPath::dotted("b.y").resolve(&schema).is_none());
        let map = Value::Map(vec![(Value::from("b"), Value::Map(vec![(Value::from("x"), Value::Int64(3))]))]);
        assert_eq!(path.get(None, &map), Some(&Value::Int64(3)));
    }

    #[test]
    fn backticks_keep_dots_in_names() {
        for (path, steps) in [
            ("a.b", vec!["a", "b"]),
            ("`a.b`.c", vec!["a.b", "c"]),
            ("a.`b.c`", vec!["a", "b.c"]),
            ("`a\\`.b`", vec!["a`.b"]),
            ("a`b", vec!["a`b"]),
        ] {
            assert_eq!(FieldPath::quoted(path).unwrap().steps.iter().map(|x| &**x).collect::<Vec<_>>(), steps, "{path}");
        }
        assert!(FieldPath::quoted("`a.b").is_err());
    }
}
