//! Takes the row out of Debezium's change events (`io.debezium.transforms.ExtractNewRecordState`).
//! contracts/mysql-source.md, section 15.1.

mod field_reference;
mod settings;

use std::sync::Arc;

use ahash::AHashMap;

use self::field_reference::FieldReference;
use self::settings::{CONFIG, Mode, Settings};
use super::record_part::{Defaults, field_list, take_struct, with_fields};
use super::schema_cache::SchemaCache;
use crate::data::logical::plain;
use crate::data::{ConnectRecord, Header, Schema, SchemaAndValue, SchemaKind, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const TRANSFORM: Factory<dyn Transform> = Factory {
    class: "io.debezium.transforms.ExtractNewRecordState",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(ExtractNewRecordState::new(Settings::new(config, false)?))),
};
/// The name before Debezium 1.0; without settings for deletes it does what Debezium did then.
pub const OLD_TRANSFORM: Factory<dyn Transform> = Factory {
    class: "io.debezium.transforms.UnwrapFromEnvelope",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(ExtractNewRecordState::new(Settings::new(config, true)?))),
};

const PURPOSE: &str = "source field insertion";
const DELETED: &str = "__deleted";
const OPERATION: &str = "op";

struct ExtractNewRecordState {
    settings: Settings,
    /// By envelope schema.
    plans: SchemaCache<Option<Plan>>,
    dropped: DroppedFields,
    /// `true` and `false` of the field `__deleted`.
    deleted: [Value; 2],
    tombstone_headers: Vec<Header>,
}

/// What to do with envelopes of one schema.
struct Plan {
    before: Image,
    after: Image,
    operation: Option<usize>,
    /// Where each added field comes from.
    fields: Vec<Option<Source>>,
    headers: Vec<(Arc<str>, Arc<Schema>, Source)>,
}

/// One of the two row images.
struct Image {
    index: usize,
    /// The row's schema as the envelope has it.
    row: Arc<Schema>,
    /// The schema with the added fields; made when first needed.
    extended: Arc<Schema>,
    defaults: Defaults,
    route: Option<usize>,
}

/// A place in an envelope.
#[derive(Clone, Copy, Debug)]
enum Source {
    Top(usize),
    Nested(usize, usize),
}

impl Source {
    fn get(self, envelope: &[Value]) -> Value {
        let value = match self {
            Self::Top(index) => envelope.get(index),
            Self::Nested(outer, inner) => envelope.get(outer).and_then(Value::as_struct).and_then(|values| values.get(inner)),
        };
        value.cloned().unwrap_or_default()
    }
}

impl ExtractNewRecordState {
    fn new(settings: Settings) -> Self {
        let delete = || SchemaAndValue::new(plain(SchemaKind::String, false), Value::from("d"));
        let names =
            settings.headers.iter().filter(|reference| reference.field == OPERATION).map(|reference| reference.new_name.clone());
        let names = names.chain(settings.operation_header.then(|| Arc::from("__op")));
        let tombstone_headers = names.map(|key| Header { key, data: delete() }).collect();
        Self {
            settings,
            plans: SchemaCache::default(),
            dropped: DroppedFields::default(),
            deleted: [Value::from("false"), Value::from("true")],
            tombstone_headers,
        }
    }
}

impl Transform for ExtractNewRecordState {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        if record.value.value.is_null() {
            if !self.tombstone_headers.is_empty() {
                record.headers.make_mut().extend_from_slice(&self.tombstone_headers);
            }
            return Ok(self.settings.keep_tombstones.then_some(record));
        }
        let Some(schema) = record.value.schema.clone() else { return Ok(Some(record)) };
        let settings = &self.settings;
        let Some(plan) = self.plans.get(&schema, |schema| plan(schema, settings))? else { return Ok(Some(record)) };

        let mut envelope = take_struct(&mut record.value.value, PURPOSE)?;
        if settings.operation_header || !plan.headers.is_empty() {
            add_headers(&mut record, plan, settings, &envelope);
        }
        let after = envelope.get(plan.after.index).is_some_and(|row| !row.is_null());
        let before = envelope.get(plan.before.index).is_some_and(|row| !row.is_null());
        if !after && !before {
            // A truncate, which has neither image.
            if !settings.keep_truncates {
                return Ok(None);
            }
            record.value.value = Value::Struct(envelope.into());
            return Ok(Some(record));
        }
        let image = if after { &plan.after } else { &plan.before };
        if let Some(field) = &settings.route_by_field {
            let row = envelope.get(image.index).and_then(Value::as_struct);
            let index = image.route.ok_or_else(|| ConnectError::bad_record(format!("{field} is not a valid field name")))?;
            match row.and_then(|row| row.get(index)) {
                Some(Value::String(topic)) if !topic.trim().is_empty() => record.topic = Arc::from(&**topic),
                Some(Value::String(_) | Value::Null) | None => {}
                Some(_) => return Err(ConnectError::bad_record(format!("Field '{field}' is not of type STRING"))),
            }
        }
        if !after && settings.mode != Mode::Rewrite {
            return Ok(match settings.mode {
                Mode::Drop => None,
                // A null under the row's schema: what sinks take for a delete of a flattened record.
                Mode::Tombstone => {
                    record.value.schema = Some(plan.after.row.clone());
                    Some(record)
                }
                Mode::DeleteToTombstone | Mode::Rewrite => {
                    record.value.schema = None;
                    Some(record)
                }
            });
        }
        let added = plan.fields.iter().flatten().map(|source| source.get(&envelope)).collect::<Vec<_>>();
        let mut row = take_struct(&mut envelope[image.index], PURPOSE)?;
        row.reserve_exact(added.len() + usize::from(settings.mode == Mode::Rewrite));
        if settings.mode == Mode::Rewrite {
            image.defaults.apply(&mut row);
            row.push(self.deleted[usize::from(!after)].clone());
        }
        row.extend(added);
        record.value = SchemaAndValue::new(image.extended.clone(), Value::Struct(row.into()));
        if settings.drop_fields_header.is_some() {
            self.dropped.apply(&mut record, settings)?;
        }
        Ok(Some(record))
    }
}

fn add_headers(record: &mut ConnectRecord, plan: &Plan, settings: &Settings, envelope: &[Value]) {
    let headers = record.headers.make_mut();
    for (key, schema, source) in &plan.headers {
        headers.push(Header { key: key.clone(), data: SchemaAndValue::new(schema.clone(), source.get(envelope)) });
    }
    if settings.operation_header
        && let Some(operation) = plan.operation.and_then(|index| envelope.get(index))
    {
        let data = SchemaAndValue::new(plain(SchemaKind::String, false), operation.clone());
        headers.push(Header { key: "__op".into(), data });
    }
}

/// Works out the plan of an envelope schema; `None` if the schema is no envelope.
fn plan(schema: &Arc<Schema>, settings: &Settings) -> Result<Option<Plan>> {
    if !schema.name.as_deref().is_some_and(|name| name.ends_with(".Envelope")) {
        return Ok(None);
    }
    let (Some(before), Some(after)) = (schema.field("before"), schema.field("after")) else { return Ok(None) };
    let fields = settings.fields.iter().map(|reference| reference.find(schema)).collect::<Vec<_>>();
    let image = |field: &crate::data::Field| {
        let row = &field.schema;
        let mut list = field_list(row);
        if settings.mode == Mode::Rewrite {
            list.push((DELETED.into(), plain(SchemaKind::String, true)));
        }
        for (reference, found) in settings.fields.iter().zip(&fields) {
            if let Some((_, schema)) = found {
                list.push((reference.new_name.clone(), schema.clone()));
            }
        }
        Ok::<_, ConnectError>(Image {
            index: field.index,
            row: row.clone(),
            extended: Arc::new(with_fields(row, list)?),
            defaults: Defaults::of(row, settings.replace_null),
            route: settings.route_by_field.as_deref().and_then(|name| row.field(name)).map(|field| field.index),
        })
    };
    let mut after = image(after)?;
    let before = image(before)?;
    if after.extended == before.extended {
        // One pointer for both, so that whoever comes next sees one schema.
        after.extended = before.extended.clone();
    }
    let headers = settings.headers.iter().filter_map(|reference| {
        let (source, schema) = reference.find(schema)?;
        Some((reference.new_name.clone(), schema, source))
    });
    Ok(Some(Plan {
        headers: headers.collect(),
        operation: schema.field(OPERATION).map(|field| field.index),
        fields: fields.into_iter().map(|found| found.map(|(source, _)| source)).collect(),
        before,
        after,
    }))
}

/// Drops the fields that a header of the record lists.
#[derive(Default)]
struct DroppedFields {
    /// The schema without the fields and the positions that stay, by schema pointer and names.
    known: AHashMap<(usize, String), Kept>,
}

struct Kept {
    /// Held, so that its address stays its own.
    _from: Arc<Schema>,
    schema: Arc<Schema>,
    positions: Vec<usize>,
}

impl DroppedFields {
    const LIMIT: usize = 1000;

    fn apply(&mut self, record: &mut ConnectRecord, settings: &Settings) -> Result<()> {
        let header = record.headers.as_slice().iter().find(|header| Some(&*header.key) == settings.drop_fields_header.as_deref());
        let Some(Value::Array(names)) = header.map(|header| &header.data.value) else { return Ok(()) };
        let names = names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect::<Vec<_>>();
        if names.is_empty() {
            return Ok(());
        }
        if settings.drop_fields_from_key {
            self.drop_from(&mut record.key, &names, settings.drop_optional_only)?;
        }
        self.drop_from(&mut record.value, &names, settings.drop_optional_only)
    }

    fn drop_from(&mut self, part: &mut SchemaAndValue, names: &[String], optional_only: bool) -> Result<()> {
        let (Some(schema), Value::Struct(values)) = (&part.schema, &mut part.value) else { return Ok(()) };
        if self.known.len() >= Self::LIMIT {
            self.known.clear();
        }
        let key = (Arc::as_ptr(schema) as usize, names.join("\n"));
        let kept = match self.known.entry(key) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let fields = schema.fields().map(|fields| fields.iter()).into_iter().flatten();
                let stays = |field: &&crate::data::Field| {
                    !names.iter().any(|name| **name == *field.name) || (optional_only && !field.schema.optional)
                };
                let kept = fields.filter(stays).collect::<Vec<_>>();
                let positions = kept.iter().map(|field| field.index).collect::<Vec<_>>();
                let list = kept.iter().map(|field| (field.name.clone(), field.schema.clone())).collect();
                let unchanged = schema.fields().is_some_and(|fields| fields.len() == positions.len());
                let changed = if unchanged { schema.clone() } else { Arc::new(with_fields(schema, list)?) };
                entry.insert(Kept { _from: schema.clone(), schema: changed, positions })
            }
        };
        let taken = kept.positions.iter().filter_map(|index| values.get_mut(*index).map(std::mem::take));
        part.value = Value::Struct(taken.collect());
        part.schema = Some(kept.schema.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
