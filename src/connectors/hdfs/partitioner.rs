//! Decides into which directory a record goes: its encoded partition.
//!
//! Source: contracts/hdfs-sink.md, section 8.

mod path_format;
mod record_time;

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use path_format::PathFormat;
pub use record_time::{Extractor, RecordTime, time_zone, wall_clock_ms};

use super::hive::PartitionField;
use crate::data::{Schema, SchemaKind, SinkRecord, Value, logical};
use crate::plugin::{ConnectError, Result};

/// A partitioner as the settings describe it.
#[derive(Clone, Debug)]
pub enum PartitionerKind {
    Default,
    Field { fields: Vec<Arc<str>>, delimiter: String },
    Time { duration_ms: i64, pattern: String, format: PathFormat, zone: TimeZone, extractor: Extractor },
}

impl PartitionerKind {
    /// The partition keys of a Hive table over the files.
    pub fn hive_fields(&self) -> Vec<PartitionField> {
        let text = |name: &str| PartitionField { name: name.to_owned(), hive_type: "string" };
        match self {
            Self::Default => vec![text("partition")],
            Self::Field { fields, .. } => fields.iter().map(|name| text(name)).collect(),
            Self::Time { pattern, .. } => {
                pattern.split('/').map(|piece| text(&piece.split('=').next().unwrap_or_default().replace('\'', ""))).collect()
            }
        }
    }

    /// The extractor that `rotate.interval.ms` is measured with, if any.
    pub fn extractor(&self) -> Option<&Extractor> {
        match self {
            Self::Time { extractor, .. } => Some(extractor),
            _ => None,
        }
    }
}

/// Encodes partitions for one topic partition. The last answer is kept, so that a run of records with the same
/// answer costs a comparison each.
pub struct Partitioner {
    plan: Plan,
    encoded: String,
    known: bool,
}

enum Plan {
    Default,
    Field(FieldPlan),
    Time(TimePlan),
}

struct FieldPlan {
    fields: Vec<Arc<str>>,
    delimiter: String,
    schema: Option<Arc<Schema>>,
    /// Positions that lead to each field.
    positions: Vec<Vec<usize>>,
    last: Vec<Value>,
}

struct TimePlan {
    duration_ms: i64,
    format: PathFormat,
    zone: TimeZone,
    time: RecordTime,
    offset: OffsetSpan,
    bucket_ms: i64,
}

/// Times between two changes of a zone's offset.
#[derive(Default)]
struct OffsetSpan {
    from_ms: i64,
    to_ms: i64,
    offset_ms: i64,
}

impl Partitioner {
    pub fn new(kind: &PartitionerKind, kafka_partition: i32) -> Self {
        let plan = match kind.clone() {
            PartitionerKind::Default => Plan::Default,
            PartitionerKind::Field { fields, delimiter } => {
                Plan::Field(FieldPlan { fields, delimiter, schema: None, positions: Vec::new(), last: Vec::new() })
            }
            PartitionerKind::Time { duration_ms, format, zone, extractor, .. } => Plan::Time(TimePlan {
                duration_ms,
                format,
                zone,
                time: RecordTime::new(extractor),
                offset: OffsetSpan::default(),
                bucket_ms: 0,
            }),
        };
        match plan {
            Plan::Default => Self { plan, encoded: format!("partition={kafka_partition}"), known: false },
            plan => Self { plan, encoded: String::new(), known: false },
        }
    }

    /// The encoded partition of the last record.
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// Encodes the partition of a record and returns whether it is the same as that of the last one.
    /// `time_ms` is the record's time, if somebody already asked for it.
    ///
    /// # Errors
    /// `BadRecord` if the record lacks what its directory is made of.
    pub fn encode(
        &mut self,
        record: &SinkRecord,
        schema: Option<&Arc<Schema>>,
        value: &Value,
        time_ms: Option<i64>,
    ) -> Result<bool> {
        let same = match &mut self.plan {
            Plan::Default => self.known,
            Plan::Field(plan) => plan.encode(schema, value, self.known, &mut self.encoded)?,
            Plan::Time(plan) => {
                let time_ms = match time_ms {
                    Some(time_ms) => time_ms,
                    None => plan.time.of(record, schema, value)?,
                };
                plan.encode(time_ms, self.known, &mut self.encoded)?
            }
        };
        self.known = true;
        Ok(same)
    }
}

impl FieldPlan {
    fn encode(&mut self, schema: Option<&Arc<Schema>>, value: &Value, known: bool, encoded: &mut String) -> Result<bool> {
        let (Some(schema), Value::Struct(_)) = (schema, value) else {
            return Err(ConnectError::bad_record(format!(
                "the field partitioner needs structs with a schema, but the value is of type {}",
                value.kind_name()
            )));
        };
        let new_schema = self.schema.as_ref().is_none_or(|last| !Arc::ptr_eq(last, schema));
        if new_schema {
            self.schema = None;
            self.positions = self.fields.iter().map(|path| positions(path, schema)).collect::<Result<_>>()?;
            self.schema = Some(schema.clone());
        }
        let found = |positions: &Vec<usize>| {
            positions.iter().fold(value, |at, position| at.as_struct().and_then(|values| values.get(*position)).unwrap_or(&NULL))
        };
        if known && self.last.len() == self.positions.len() && self.positions.iter().map(found).eq(&self.last) {
            return Ok(true);
        }
        encoded.clear();
        self.last.clear();
        for (field, positions) in self.fields.iter().zip(&self.positions) {
            let value = found(positions);
            if !encoded.is_empty() {
                encoded.push_str(&self.delimiter);
            }
            encoded.push_str(field);
            encoded.push('=');
            push_value(field, value, encoded)?;
            // A copy of its own: a slice of the record would keep the whole payload alive.
            self.last.push(match value {
                Value::String(text) => Value::string(String::from(&**text)),
                other => other.clone(),
            });
        }
        Ok(false)
    }
}

static NULL: Value = Value::Null;

/// Positions that lead to a dotted path.
fn positions(path: &str, schema: &Arc<Schema>) -> Result<Vec<usize>> {
    let mut at = schema;
    let mut positions = Vec::new();
    for name in path.split('.') {
        let field = at.field(name).ok_or_else(|| {
            ConnectError::bad_record(format!("the record has no field '{path}', which the setting partition.field.name asks for"))
        })?;
        positions.push(field.index);
        at = &field.schema;
    }
    let supported = matches!(
        at.kind,
        SchemaKind::Int8 | SchemaKind::Int16 | SchemaKind::Int32 | SchemaKind::Int64 | SchemaKind::String | SchemaKind::Boolean
    ) && ![logical::DATE, logical::TIME, logical::TIMESTAMP].iter().any(|name| at.is_named(name));
    if !supported {
        return Err(ConnectError::bad_record(format!(
            "field '{path}' of type {} cannot be part of a directory; integers, text and booleans can",
            at.name.as_deref().unwrap_or(at.kind.connect_name())
        )));
    }
    Ok(positions)
}

fn push_value(field: &str, value: &Value, out: &mut String) -> Result<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::String(text) => out.push_str(text),
        Value::Boolean(x) => out.push_str(if *x { "true" } else { "false" }),
        other => match other.as_i64() {
            Some(number) => out.push_str(itoa::Buffer::new().format(number)),
            None => {
                return Err(ConnectError::bad_record(format!("field '{field}' holds a {} value", other.kind_name())));
            }
        },
    }
    Ok(())
}

impl TimePlan {
    fn encode(&mut self, time_ms: i64, known: bool, encoded: &mut String) -> Result<bool> {
        let out_of_range =
            || ConnectError::bad_record(format!("the time {time_ms} ms is too far from the present for a directory name"));
        if !(self.offset.from_ms..self.offset.to_ms).contains(&time_ms) {
            let time = Timestamp::from_millisecond(time_ms).map_err(|_| out_of_range())?;
            self.offset = OffsetSpan::around(time, &self.zone);
        }
        // Connect divides and thereby rounds towards zero, also before 1970.
        let local_ms = time_ms.checked_add(self.offset.offset_ms).ok_or_else(out_of_range)?;
        let bucket_ms = local_ms / self.duration_ms * self.duration_ms;
        if known && bucket_ms == self.bucket_ms {
            return Ok(true);
        }
        let local = Timestamp::from_millisecond(bucket_ms).map_err(|_| out_of_range())?;
        let local: DateTime = jiff::tz::Offset::UTC.to_datetime(local);
        // A time that clocks skip moves forward; one that they show twice is the first of the two.
        let time = self.zone.to_ambiguous_zoned(local).compatible().map_err(|_| out_of_range())?;
        encoded.clear();
        self.format.format(&time, encoded);
        self.bucket_ms = bucket_ms;
        Ok(false)
    }
}

impl OffsetSpan {
    fn around(time: Timestamp, zone: &TimeZone) -> Self {
        let offset_ms = i64::from(zone.to_offset(time).seconds()) * 1000;
        let time_ms = time.as_millisecond();
        // A day at most, so that zones without rules need no case of their own.
        const DAY_MS: i64 = 86_400_000;
        // `preceding` leaves out a change at the very time it is given.
        let next = time.checked_add(SignedDuration::from_millis(1)).unwrap_or(time);
        let from = zone.preceding(next).next().map_or(i64::MIN, |change| change.timestamp().as_millisecond());
        let to = zone.following(time).next().map_or(i64::MAX, |change| change.timestamp().as_millisecond());
        Self { from_ms: from.max(time_ms.saturating_sub(DAY_MS)), to_ms: to.min(time_ms.saturating_add(DAY_MS)), offset_ms }
    }
}

#[cfg(test)]
mod tests;
