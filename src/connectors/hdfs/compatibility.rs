//! Decides whether a record fits the schema of the open files: as it is, after projection, or only into new files.
//!
//! Source: contracts/hdfs-sink.md, section 7.

use std::sync::Arc;

use crate::data::{Schema, SchemaKind};
use crate::plugin::{ConnectError, Result};

/// The setting `schema.compatibility`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    None,
    Backward,
    Forward,
    Full,
}

/// What to do with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    AsItIs,
    Project,
    NewFiles,
}

const ENUM: &str = "io.confluent.connect.avro.Enum";
const IGNORED_PARAMETERS: [&str; 3] = ["connect.record.doc", "connect.record.aliases", "connect.record.namespace"];
const FIELD_DOC_PREFIX: &str = "io.confluent.connect.avro.field.doc.";

impl Compatibility {
    /// Anything but the exact names means `NONE`, as in Java.
    pub fn from_name(name: &str) -> Self {
        match name {
            "BACKWARD" => Self::Backward,
            "FORWARD" => Self::Forward,
            "FULL" => Self::Full,
            _ => Self::None,
        }
    }

    /// Compares a record's schema with that of the open files.
    ///
    /// # Errors
    /// `Fatal` if only one of the two has a schema, or if different schemas have to be ordered but have no versions.
    pub fn fit(self, record: Option<&Arc<Schema>>, current: Option<&Arc<Schema>>) -> Result<Fit> {
        let (record, current) = match (record, current) {
            (None, None) => return Ok(Fit::AsItIs),
            (Some(record), Some(current)) => (record, current),
            _ => {
                return Err(ConnectError::fatal(
                    "records with a schema and records without one cannot go to the same topic partition of an HDFS sink",
                ));
            }
        };
        // Java compares identities here; equal schemas are the same to us wherever they come from.
        if Arc::ptr_eq(record, current) || record == current {
            return Ok(Fit::AsItIs);
        }
        if self == Self::None {
            return Ok(Fit::NewFiles);
        }
        let (Some(record_version), Some(current_version)) = (record.version, current.version) else {
            return Err(ConnectError::fatal(format!(
                "the schema '{}' changed, but without a version it is not known which of the two is newer; \
                 give the schemas versions or set schema.compatibility=NONE",
                record.name.as_deref().unwrap_or("(no name)")
            )));
        };
        let out_of_order = match self {
            Self::None => false,
            Self::Backward | Self::Full => record_version > current_version,
            Self::Forward => record_version < current_version,
        };
        Ok(if out_of_order || !readable(record, current) { Fit::NewFiles } else { Fit::Project })
    }
}

/// Whether values of schema `from` can be projected to schema `to`.
fn readable(from: &Schema, to: &Schema) -> bool {
    if from.name != to.name || !parameters_fit(from, to) || (from.optional && !to.optional && to.default.is_none()) {
        return false;
    }
    match (&from.kind, &to.kind) {
        (SchemaKind::Struct(from), SchemaKind::Struct(to)) => to.iter().all(|field| match from.get(&field.name) {
            Some(source) => readable(&source.schema, &field.schema),
            None => field.schema.optional || field.schema.default.is_some(),
        }),
        (SchemaKind::Array(from), SchemaKind::Array(to)) => readable(from, to),
        (SchemaKind::Map { key, value }, SchemaKind::Map { key: to_key, value: to_value }) => {
            readable(key, to_key) && readable(value, to_value)
        }
        (from, to) => {
            from.connect_name() == to.connect_name() || matches!((width(from), width(to)), (Some(from), Some(to)) if from < to)
        }
    }
}

/// The rank of a number type: values of a lower one can be widened to a higher one.
fn width(kind: &SchemaKind) -> Option<u8> {
    Some(match kind {
        SchemaKind::Int8 => 0,
        SchemaKind::Int16 => 1,
        SchemaKind::Int32 => 2,
        SchemaKind::Int64 => 3,
        SchemaKind::Float32 => 4,
        SchemaKind::Float64 => 5,
        _ => return None,
    })
}

fn parameters_fit(from: &Schema, to: &Schema) -> bool {
    let counted =
        |(name, _): &&(Arc<str>, Arc<str>)| !IGNORED_PARAMETERS.contains(&&**name) && !name.starts_with(FIELD_DOC_PREFIX);
    let contained = |from: &Schema, to: &Schema| {
        from.parameters.iter().filter(counted).all(|(name, value)| to.parameter(name) == Some(value))
    };
    // An enum may have lost symbols.
    contained(from, to) && (from.parameter(ENUM).is_some() || contained(to, from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::logical::{decimal, plain};
    use crate::data::{SchemaBuilder, Value};

    fn schema(version: Option<i32>, fields: &[(&str, Arc<Schema>)]) -> Arc<Schema> {
        let builder = SchemaBuilder::structure(fields.iter().cloned()).name("row");
        match version {
            Some(version) => builder.version(version).build(),
            None => builder.build(),
        }
    }

    fn base() -> Vec<(&'static str, Arc<Schema>)> {
        vec![("id", plain(SchemaKind::Int32, false))]
    }

    fn with(name: &'static str, extra: Arc<Schema>) -> Vec<(&'static str, Arc<Schema>)> {
        let mut fields = base();
        fields.push((name, extra));
        fields
    }

    fn fit(mode: Compatibility, record: &Arc<Schema>, current: &Arc<Schema>) -> Fit {
        mode.fit(Some(record), Some(current)).unwrap()
    }

    #[test]
    fn versions_decide_between_projection_and_new_files() {
        let old = schema(Some(1), &base());
        let new = schema(Some(2), &with("x", plain(SchemaKind::String, true)));
        use Compatibility::{Backward, Forward, Full, None};
        for (mode, newer_record, older_record) in [
            (None, Fit::NewFiles, Fit::NewFiles),
            (Backward, Fit::NewFiles, Fit::Project),
            (Full, Fit::NewFiles, Fit::Project),
            (Forward, Fit::Project, Fit::NewFiles),
        ] {
            assert_eq!(fit(mode, &new, &old), newer_record, "{mode:?}");
            assert_eq!(fit(mode, &old, &new), older_record, "{mode:?}");
            assert_eq!(fit(mode, &old.clone(), &schema(Some(1), &base())), Fit::AsItIs, "{mode:?}");
        }
    }

    #[test]
    fn what_cannot_be_projected_needs_new_files() {
        let new = schema(Some(2), &with("x", plain(SchemaKind::Int64, false)));
        for (record, fits) in [
            (with("x", plain(SchemaKind::Int64, false)), true),
            (with("x", plain(SchemaKind::Int8, false)), true),
            (with("x", plain(SchemaKind::Float32, false)), false),
            (with("x", plain(SchemaKind::String, false)), false),
            (with("x", plain(SchemaKind::Int64, true)), false),
            (base(), false),
        ] {
            let expected = if fits { Fit::Project } else { Fit::NewFiles };
            assert_eq!(fit(Compatibility::Backward, &schema(Some(1), &record), &new), expected, "{record:?}");
        }
        let with_default = Schema::builder(SchemaKind::Int64).default(Value::Int64(0)).build();
        let new = schema(Some(2), &with("x", with_default));
        assert_eq!(fit(Compatibility::Backward, &schema(Some(1), &base()), &new), Fit::Project);
    }

    #[test]
    fn parameters_count_unless_they_only_document() {
        let number = |scale| with("n", decimal(scale).build());
        let new = schema(Some(2), &number(2));
        assert_eq!(fit(Compatibility::Backward, &schema(Some(1), &number(2)), &new), Fit::Project);
        assert_eq!(fit(Compatibility::Backward, &schema(Some(1), &number(3)), &new), Fit::NewFiles);
        let documented = Schema::builder(SchemaKind::String).parameter("connect.record.doc", "x").build();
        let new = schema(Some(2), &with("s", documented));
        assert_eq!(
            fit(Compatibility::Backward, &schema(Some(1), &with("s", plain(SchemaKind::String, false))), &new),
            Fit::Project
        );
        let symbols = |names: &[&str]| {
            let builder = Schema::builder(SchemaKind::String).parameter(ENUM, "E");
            with("e", names.iter().fold(builder, |builder, name| builder.parameter(format!("{ENUM}.{name}"), *name)).build())
        };
        let (few, many) = (schema(Some(1), &symbols(&["A"])), schema(Some(2), &symbols(&["A", "B"])));
        assert_eq!(fit(Compatibility::Backward, &few, &many), Fit::Project);
        assert_eq!(fit(Compatibility::Forward, &many, &few), Fit::NewFiles);
    }

    #[test]
    fn mixtures_are_refused_with_a_reason() {
        let versioned = schema(Some(1), &base());
        let unversioned = schema(None, &base());
        for mode in [Compatibility::None, Compatibility::Backward] {
            assert!(mode.fit(Some(&versioned), None).is_err());
            assert!(mode.fit(None, Some(&versioned)).is_err());
            assert_eq!(mode.fit(None, None).unwrap(), Fit::AsItIs);
        }
        assert_eq!(fit(Compatibility::Full, &unversioned, &schema(None, &base())), Fit::AsItIs);
        let error = Compatibility::Backward.fit(Some(&versioned), Some(&unversioned)).unwrap_err().to_string();
        assert!(error.contains("schema.compatibility=NONE"), "{error}");
        assert_eq!(Compatibility::from_name("backward"), Compatibility::None);
    }
}
