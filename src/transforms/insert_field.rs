//! Adds fields with the record's own metadata or a fixed text (`org.apache.kafka.connect.transforms.InsertField`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{Defaults, Part, REPLACE_NULL, field_list, put, take_map, take_struct, with_fields};
use super::schema_cache::SchemaCache;
use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigMap, ConfigType, Default, Importance};
use crate::data::logical::{plain, timestamp};
use crate::data::{ConnectRecord, Schema, SchemaKind, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.InsertField$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(InsertField::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.InsertField$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(InsertField::new(config, Part::Value)?)),
};

const fn key(name: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String, Default::Null, Importance::Medium, doc)
}

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        key("topic.field", "Name of a field for the topic. A suffix ! makes the field required, ? optional (the default)."),
        key("partition.field", "Name of a field for the Kafka partition; suffixes as above."),
        key("offset.field", "Name of a field for the Kafka offset, only for sink connectors; suffixes as above."),
        key("timestamp.field", "Name of a field for the record's timestamp; suffixes as above."),
        key("static.field", "Name of a field for a fixed text; suffixes as above."),
        key("static.value", "The fixed text."),
        REPLACE_NULL,
    ],
};

const PURPOSE: &str = "field insertion";

#[derive(Clone, Debug)]
enum What {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(Value),
}

#[derive(Clone, Debug)]
struct Insertion {
    what: What,
    name: Arc<str>,
    optional: bool,
}

impl Insertion {
    fn parse(setting: Option<&str>, what: What) -> Option<Self> {
        let text = setting?;
        let (name, optional) = match (text.strip_suffix('?'), text.strip_suffix('!')) {
            (Some(name), _) => (name, true),
            (None, Some(name)) => (name, false),
            (None, None) => (text, true),
        };
        Some(Self { what, name: name.into(), optional })
    }

    fn schema(&self) -> Arc<Schema> {
        match self.what {
            What::Topic | What::Static(_) => plain(SchemaKind::String, self.optional),
            What::Partition => plain(SchemaKind::Int32, self.optional),
            What::Offset => plain(SchemaKind::Int64, self.optional),
            What::Timestamp => timestamp().optional_if(self.optional).build(),
        }
    }

    /// # Errors
    /// `BadRecord` if the offset is asked for and the record comes from a source.
    fn value(&self, record: &ConnectRecord) -> Result<Value> {
        Ok(match &self.what {
            What::Topic => Value::from(&*record.topic),
            What::Partition => record.partition.map_or(Value::Null, Value::Int32),
            // Connect: Requirements#requireSinkRecord; an optional field makes no difference.
            What::Offset => Value::Int64(record.kafka_offset.ok_or_else(|| {
                let found = "org.apache.kafka.connect.source.SourceRecord";
                ConnectError::bad_record(format!("Only SinkRecord supported for [{PURPOSE}], found: {found}"))
            })?),
            What::Timestamp => record.timestamp_ms.map_or(Value::Null, Value::Int64),
            What::Static(text) => text.clone(),
        })
    }
}

struct InsertField {
    part: Part,
    insertions: Vec<Insertion>,
    replace_null: bool,
    plans: SchemaCache<(Arc<Schema>, Defaults)>,
}

impl InsertField {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        let static_value = match (config.text("static.field"), config.text("static.value")) {
            (Some(field), None) => {
                let detail = format!("No value specified for static field: {}", field.trim_end_matches(['!', '?']));
                return Err(ConfigError::invalid("static.value", "null", &detail).into());
            }
            (_, text) => Value::from(text.unwrap_or_default()),
        };
        let insertions = [
            Insertion::parse(config.text("topic.field"), What::Topic),
            Insertion::parse(config.text("partition.field"), What::Partition),
            Insertion::parse(config.text("offset.field"), What::Offset),
            Insertion::parse(config.text("timestamp.field"), What::Timestamp),
            Insertion::parse(config.text("static.field"), What::Static(static_value)),
        ];
        let insertions = insertions.into_iter().flatten().collect::<Vec<_>>();
        if insertions.is_empty() {
            return Err(ConnectError::config("No field insertion configured"));
        }
        Ok(Self { part, insertions, replace_null: config.boolean(REPLACE_NULL.name), plans: SchemaCache::default() })
    }
}

impl Transform for InsertField {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        if record.value.value.is_null() {
            return Ok(Some(record));
        }
        match &self.part.of(&record).schema {
            None => {
                let mut entries = take_map(&mut self.part.of_mut(&mut record).value, PURPOSE)?;
                for insertion in &self.insertions {
                    // Without a schema, what the record lacks is not added at all.
                    match insertion.value(&record)? {
                        Value::Null => {}
                        value => put(&mut entries, &insertion.name, value),
                    }
                }
                self.part.of_mut(&mut record).value = Value::Map(entries);
            }
            Some(schema) => {
                let insertions = &self.insertions;
                let replace_null = self.replace_null;
                let (updated, defaults) = self.plans.get(schema, |schema| {
                    let mut fields = field_list(schema);
                    fields.extend(insertions.iter().map(|insertion| (insertion.name.clone(), insertion.schema())));
                    Ok((Arc::new(with_fields(schema, fields)?), Defaults::of(schema, replace_null)))
                })?;
                let mut values = take_struct(&mut self.part.of_mut(&mut record).value, PURPOSE)?;
                defaults.apply(&mut values);
                values.reserve_exact(insertions.len());
                for insertion in insertions {
                    let value = insertion.value(&record)?;
                    if value.is_null() && !insertion.optional {
                        let kind = insertion.schema().kind.connect_name();
                        return Err(ConnectError::bad_record(format!(
                            "Invalid value: null used for required field: \"{}\", schema type: {kind}",
                            insertion.name
                        )));
                    }
                    values.push(value);
                }
                let part = self.part.of_mut(&mut record);
                part.schema = Some(updated.clone());
                part.value = Value::Struct(values.into());
            }
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SchemaAndValue, SchemaBuilder};
    use crate::transforms::predicates::tests::record;

    fn transform(settings: &[(&str, &str)]) -> Result<InsertField> {
        InsertField::new(&settings.iter().copied().collect(), Part::Value)
    }

    #[test]
    fn adds_fields_to_structs_and_maps() {
        let mut transform = transform(&[
            ("topic.field", "t!"),
            ("partition.field", "p"),
            ("timestamp.field", "ts?"),
            ("static.field", "s"),
            ("static.value", "v"),
        ])
        .unwrap();
        let schema =
            SchemaBuilder::structure([("a", Schema::builder(SchemaKind::Int32).optional().default(Value::Int32(9)).build())])
                .name("n")
                .optional()
                .build();
        let mut input = record("topic");
        input.timestamp_ms = Some(5);
        input.value = SchemaAndValue::new(schema, Value::Struct(vec![Value::Null].into()));
        let output = transform.apply(input).unwrap().unwrap();
        let schema = output.value.schema.unwrap();
        assert!(!schema.optional && schema.is_named("n"));
        assert!(!schema.field("t").unwrap().schema.optional && schema.field("ts").unwrap().schema.optional);
        let expected = [Value::Int32(9), Value::from("topic"), Value::Null, Value::Int64(5), Value::from("v")];
        assert_eq!(output.value.value, Value::Struct(Box::new(expected)));

        let mut input = record("topic");
        input.value = SchemaAndValue::schemaless(Value::Map(vec![(Value::from("s"), Value::Int64(1))]));
        let output = transform.apply(input).unwrap().unwrap();
        let Value::Map(entries) = output.value.value else { panic!("a map") };
        assert_eq!(entries[0], (Value::from("s"), Value::from("v")));
        assert_eq!(entries.len(), 2);
    }

    #[test]
    fn the_offset_is_there_in_sinks_and_an_error_in_sources() {
        let schema = SchemaBuilder::structure([("a", plain(SchemaKind::Int32, false))]).build();
        let with_schema = SchemaAndValue::new(schema, Value::Struct(vec![Value::Int32(1)].into()));
        let schemaless = SchemaAndValue::schemaless(Value::Map(Vec::new()));
        for (setting, optional) in [("o", true), ("o?", true), ("o!", false)] {
            let mut transform = transform(&[("offset.field", setting)]).unwrap();
            let mut apply = |value: &SchemaAndValue, kafka_offset| {
                transform.apply(ConnectRecord { kafka_offset, value: value.clone(), ..record("topic") })
            };
            let output = apply(&with_schema, Some(1 << 40)).unwrap().unwrap().value;
            let expected = plain(SchemaKind::Int64, optional);
            assert_eq!(output.schema.unwrap().field("o").unwrap().schema, expected, "{setting}");
            assert_eq!(output.value, Value::Struct(vec![Value::Int32(1), Value::Int64(1 << 40)].into()));

            let output = apply(&schemaless, Some(7)).unwrap().unwrap().value;
            assert_eq!(output.value, Value::Map(vec![(Value::from("o"), Value::Int64(7))]));

            for value in [&with_schema, &schemaless] {
                assert_eq!(
                    apply(value, None).unwrap_err().message(),
                    "Only SinkRecord supported for [field insertion], found: org.apache.kafka.connect.source.SourceRecord"
                );
            }
        }
    }

    #[test]
    fn tombstones_pass_and_other_values_are_refused() {
        let mut transform = transform(&[("topic.field", "t")]).unwrap();
        assert_eq!(transform.apply(record("x")).unwrap(), Some(record("x")));
        let mut text = record("x");
        text.value = SchemaAndValue::schemaless(Value::from("text"));
        assert_eq!(
            transform.apply(text).unwrap_err().message(),
            "Only Map objects supported in absence of schema for [field insertion], found: java.lang.String"
        );
    }

    #[test]
    fn wrong_settings_are_refused() {
        assert!(transform(&[]).is_err());
        let error = transform(&[("static.field", "s")]).err().unwrap();
        assert_eq!(error.message(), "Invalid value null for configuration static.value: No value specified for static field: s");
    }
}
