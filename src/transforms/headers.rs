//! Changes headers (`org.apache.kafka.connect.transforms.DropHeaders`, `InsertHeader`, `HeaderFrom`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{Part, REPLACE_NULL, field_list, take_map, take_struct, with_fields};
use super::schema_cache::SchemaCache;
use crate::codec::java_values;
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator};
use crate::data::{ConnectRecord, Header, Headers, Schema, SchemaAndValue, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const DROP: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.DropHeaders",
    config_def: &DROP_CONFIG,
    build: |config| Ok(Box::new(DropHeaders(DROP_CONFIG.parse(config)?.list("headers").to_vec()))),
};
pub const INSERT: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.InsertHeader",
    config_def: &INSERT_CONFIG,
    build: |config| {
        let config = INSERT_CONFIG.parse(config)?;
        let data = java_values::parse(config.text("value.literal").unwrap_or_default());
        Ok(Box::new(InsertHeader(Header { key: config.text("header").unwrap_or_default().into(), data })))
    },
};
pub const FROM_KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.HeaderFrom$Key",
    config_def: &FROM_CONFIG,
    build: |config| Ok(Box::new(HeaderFrom::new(config, Part::Key)?)),
};
pub const FROM_VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.HeaderFrom$Value",
    config_def: &FROM_CONFIG,
    build: |config| Ok(Box::new(HeaderFrom::new(config, Part::Value)?)),
};

static DROP_CONFIG: ConfigDef = ConfigDef {
    keys: &[ConfigKey::new(
        "headers",
        ConfigType::List,
        Default::Required,
        Importance::High,
        "The names of the headers to remove.",
    )
    .validator(Validator::NonEmpty)],
};
static INSERT_CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("header", ConfigType::String, Default::Required, Importance::High, "The header's name."),
        ConfigKey::new(
            "value.literal",
            ConfigType::String,
            Default::Required,
            Importance::High,
            "The header's value; its type is guessed from the text as for headers that are read.",
        ),
    ],
};
static FROM_CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("fields", ConfigType::List, Default::Required, Importance::High, "The fields to put into headers.")
            .validator(Validator::NonEmpty),
        ConfigKey::new(
            "headers",
            ConfigType::List,
            Default::Required,
            Importance::High,
            "The headers' names, one for each field.",
        )
        .validator(Validator::NonEmpty),
        ConfigKey::new(
            "operation",
            ConfigType::String,
            Default::Required,
            Importance::High,
            "Whether the fields are moved or copied.",
        )
        .validator(Validator::OneOf(&["move", "copy"])),
        REPLACE_NULL,
    ],
};

struct DropHeaders(Vec<String>);

impl Transform for DropHeaders {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let dropped = |header: &Header| self.0.iter().any(|name| **name == *header.key);
        if record.headers.as_slice().iter().any(dropped) {
            let kept = record.headers.as_slice().iter().filter(|header| !dropped(header)).cloned().collect();
            record.headers = Headers::new(kept);
        }
        Ok(Some(record))
    }
}

struct InsertHeader(Header);

impl Transform for InsertHeader {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        record.headers.make_mut().push(self.0.clone());
        Ok(Some(record))
    }
}

struct HeaderFrom {
    part: Part,
    /// Field and header.
    names: Vec<(Arc<str>, Arc<str>)>,
    moves: bool,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

struct Plan {
    /// Position and schema of each field, in the order of the settings.
    sources: Vec<(usize, Arc<Schema>)>,
    /// The schema without the fields, and the positions that stay.
    rest: Option<(Arc<Schema>, Vec<usize>)>,
}

impl HeaderFrom {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = FROM_CONFIG.parse(config)?;
        let (fields, headers) = (config.list("fields"), config.list("headers"));
        if fields.len() != headers.len() {
            return Err(ConnectError::config("'fields' config must have the same number of elements as 'headers' config."));
        }
        Ok(Self {
            part,
            names: fields.iter().zip(headers).map(|(field, header)| (field.as_str().into(), header.as_str().into())).collect(),
            moves: config.text("operation") == Some("move"),
            replace_null: config.boolean(REPLACE_NULL.name),
            plans: SchemaCache::default(),
        })
    }
}

impl Transform for HeaderFrom {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let purpose = if self.moves { "header move" } else { "header copy" };
        let part = self.part.of_mut(&mut record);
        let mut found = Vec::with_capacity(self.names.len());
        match &part.schema {
            None => {
                let mut entries = take_map(&mut part.value, purpose)?;
                for (field, _) in &self.names {
                    let value = entries.iter().find(|(key, _)| key.as_str() == Some(field)).map(|(_, value)| value.clone());
                    found.push(SchemaAndValue::schemaless(value.unwrap_or_default()));
                }
                if self.moves {
                    entries.retain(|(key, _)| !self.names.iter().any(|(field, _)| key.as_str() == Some(field)));
                }
                part.value = Value::Map(entries);
            }
            Some(schema) => {
                let mut values = take_struct(&mut part.value, purpose)?;
                let (names, moves) = (&self.names, self.moves);
                let plan = self.plans.get(schema, |schema| plan(schema, names, moves))?;
                for (index, schema) in &plan.sources {
                    let mut value = values.get(*index).cloned().unwrap_or_default();
                    if let (true, true, Some(default)) = (self.replace_null, value.is_null(), &schema.default) {
                        value = default.clone();
                    }
                    found.push(SchemaAndValue::new(schema.clone(), value));
                }
                if let Some((rest, kept)) = &plan.rest {
                    values = kept.iter().filter_map(|index| values.get_mut(*index).map(std::mem::take)).collect();
                    part.schema = Some(rest.clone());
                }
                part.value = Value::Struct(values.into());
            }
        }
        let headers = record.headers.make_mut();
        headers.extend(self.names.iter().zip(found).map(|((_, header), data)| Header { key: header.clone(), data }));
        Ok(Some(record))
    }
}

fn plan(schema: &Schema, names: &[(Arc<str>, Arc<str>)], moves: bool) -> Result<Plan> {
    let sources = names.iter().map(|(name, _)| match schema.field(name) {
        Some(field) => Ok((field.index, field.schema.clone())),
        None => Err(ConnectError::bad_record(format!("Unknown field: {name}"))),
    });
    let sources = sources.collect::<Result<Vec<_>>>()?;
    let rest = if moves {
        let kept = |index: &usize| !sources.iter().any(|(source, _)| source == index);
        let kept = (0..schema.fields().map_or(0, |fields| fields.len())).filter(kept).collect::<Vec<_>>();
        let list = field_list(schema);
        let list = kept.iter().map(|index| list[*index].clone()).collect();
        Some((Arc::new(with_fields(schema, list)?), kept))
    } else {
        None
    };
    Ok(Plan { sources, rest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::test_records::{apply, apply_map, config_error, map_record, run, struct_record};

    fn headers(record: &ConnectRecord) -> String {
        let list = record.headers.as_slice().iter().map(|header| {
            let kind = header.data.schema.as_ref().map_or("-", |schema| schema.kind.connect_name());
            format!("{}={}:{kind}", header.key, java_values::object_text(&header.data.value, header.data.schema.as_deref()))
        });
        list.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn fields_become_headers() {
        let settings = [("fields", "id,s"), ("headers", "a,b"), ("operation", "move")];
        let moved = apply(&FROM_VALUE, &settings);
        assert_eq!(moved, r#"{"f":1.9,"in":{"x":7,"y":"yy"},"d":"BOI=","t":1600000000123,"b":"AQI=","l":["p","q"]}"#);
        assert_eq!(apply_map(&FROM_VALUE, &settings), r#"{"f":1.9,"in":{"x":7}}"#);
        assert_eq!(headers(&run(&FROM_VALUE, &settings, struct_record()).unwrap()), "a=300:INT32 b=dft:STRING");
        assert_eq!(headers(&run(&FROM_VALUE, &settings, map_record()).unwrap()), "a=300:- b=null:-");
        let copied = apply_map(&FROM_VALUE, &[("fields", "nope"), ("headers", "a"), ("operation", "copy")]);
        assert_eq!(copied, r#"{"id":300,"s":null,"f":1.9,"in":{"x":7}}"#);
    }

    #[test]
    fn wrong_settings_are_refused() {
        let error = config_error(&FROM_VALUE, &[("fields", "id,s"), ("headers", "a"), ("operation", "copy")]);
        assert_eq!(error, "'fields' config must have the same number of elements as 'headers' config.");
        let error = config_error(&FROM_VALUE, &[("fields", "id"), ("headers", "a"), ("operation", "x")]);
        assert_eq!(error, "Invalid value x for configuration operation: String must be one of: move, copy");
    }

    #[test]
    fn headers_are_inserted_and_dropped() {
        let inserted = run(&INSERT, &[("header", "x"), ("value.literal", "12")], map_record()).unwrap();
        assert_eq!(headers(&inserted), "x=12:INT8");
        let twice = run(&INSERT, &[("header", "y"), ("value.literal", "t")], inserted).unwrap();
        assert_eq!(headers(&run(&DROP, &[("headers", "x,zz")], twice).unwrap()), "y=t:STRING");
    }
}
