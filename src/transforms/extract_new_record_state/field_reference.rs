//! Names a field of an envelope that is added to rows or headers (`source.ts_ms:NEW`).

use std::sync::Arc;

use super::Source;
use crate::config::ConfigError;
use crate::data::Schema;
use crate::transforms::record_part::basics;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldReference {
    /// The struct that holds the field; none for the envelope itself.
    structure: Option<String>,
    pub(super) field: String,
    pub(super) new_name: Arc<str>,
}

impl FieldReference {
    pub(super) fn parse(prefix: &str, text: &str) -> Result<Self, ConfigError> {
        let mut parts = text.split(':');
        let (path, new_name, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if rest.is_some() {
            return Err(ConfigError::new(format!("Unexpected field name: {text}")));
        }
        let mut names = path.split('.');
        let first = names.next().unwrap_or_default();
        let (structure, field) = match names.next() {
            Some(field) => (Some(first), field),
            None => (home_of(first), first),
        };
        let new_name = match (new_name, path.contains('.'), structure) {
            (Some(new_name), ..) => format!("{prefix}{new_name}"),
            (None, true, Some(structure)) => format!("{prefix}{structure}_{field}"),
            (None, ..) => format!("{prefix}{field}"),
        };
        Ok(Self { structure: structure.map(str::to_owned), field: field.to_owned(), new_name: new_name.into() })
    }

    /// Where the field is in envelopes of this schema, and the schema of the added field. A field that its struct
    /// lacks is looked for in the envelope, where other transforms may have put it.
    pub(super) fn find(&self, envelope: &Schema) -> Option<(Source, Arc<Schema>)> {
        let outer = self.structure.as_deref().and_then(|name| envelope.field(name));
        let nested = outer.and_then(|outer| {
            let inner = outer.schema.field(&self.field)?;
            Some((Source::Nested(outer.index, inner.index), &inner.schema))
        });
        let (source, schema) =
            nested.or_else(|| envelope.field(&self.field).map(|field| (Source::Top(field.index), &field.schema)))?;
        let mut schema = basics(schema);
        schema.optional = true;
        Some((source, Arc::new(schema)))
    }
}

/// The struct of a field that is named alone.
fn home_of(field: &str) -> Option<&'static str> {
    match field {
        "id" | "data_collection_order" | "total_order" => Some("transaction"),
        "op" | "ts_ms" | "ts_us" | "ts_ns" => None,
        "updateDescription" => Some("updateDescription"),
        _ => Some("source"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_debezium() {
        for (text, structure, new_name) in [
            ("op", None, "__op"),
            ("table", Some("source"), "__table"),
            ("source.ts_ms", Some("source"), "__source_ts_ms"),
            ("source.ts_ms:TS", Some("source"), "__TS"),
            ("id", Some("transaction"), "__id"),
            ("before.n", Some("before"), "__before_n"),
        ] {
            let reference = FieldReference::parse("__", text).unwrap();
            assert_eq!((reference.structure.as_deref(), &*reference.new_name), (structure, new_name), "{text}");
        }
        assert!(FieldReference::parse("__", "a:b:c").is_err());
    }
}
