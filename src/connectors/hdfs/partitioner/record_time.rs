//! Finds the time of a record: the wall clock, the Kafka timestamp or a field.
//!
//! Source: contracts/hdfs-sink.md, section 8.5.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::data::{Schema, SchemaKind, SinkRecord, Value, logical};
use crate::plugin::{ConnectError, Result};

/// What gives a record its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extractor {
    Wallclock,
    Record,
    /// The parts of the field's dotted path.
    Field(Vec<Arc<str>>),
}

const CLASS_PREFIX: &str = "io.confluent.connect.storage.partitioner.TimeBasedPartitioner$";
const CLASS_SUFFIX: &str = "TimestampExtractor";

impl Extractor {
    /// Reads the settings `timestamp.extractor` and `timestamp.field`.
    pub fn from_setting(name: &str, field: &str) -> Option<Self> {
        let name = name.strip_prefix(CLASS_PREFIX).and_then(|name| name.strip_suffix(CLASS_SUFFIX)).unwrap_or(name);
        match name {
            "Wallclock" => Some(Self::Wallclock),
            "Record" => Some(Self::Record),
            "RecordField" => Some(Self::Field(field.split('.').map(Arc::from).collect())),
            _ => None,
        }
    }
}

/// Milliseconds since the epoch.
pub fn wall_clock_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}

/// Reads the times of records, remembering where the field is in the last schema.
#[derive(Debug)]
pub struct RecordTime {
    extractor: Extractor,
    plan: Option<FieldPlan>,
}

/// Where a field is: positions of nested structs, and what is there.
#[derive(Debug)]
struct FieldPlan {
    schema: Arc<Schema>,
    positions: Vec<usize>,
    number: bool,
}

impl RecordTime {
    pub fn new(extractor: Extractor) -> Self {
        Self { extractor, plan: None }
    }

    /// # Errors
    /// `BadRecord` if the record has no such time.
    pub fn of(&mut self, record: &SinkRecord, schema: Option<&Arc<Schema>>, value: &Value) -> Result<i64> {
        match &self.extractor {
            Extractor::Wallclock => Ok(wall_clock_ms()),
            Extractor::Record => record
                .record
                .timestamp_ms
                .ok_or_else(|| bad("the record has no timestamp, which timestamp.extractor=Record needs")),
            Extractor::Field(path) => {
                let Some(schema) = schema else { return by_name(path, value) };
                if self.plan.as_ref().is_none_or(|plan| !Arc::ptr_eq(&plan.schema, schema)) {
                    self.plan = FieldPlan::compile(path, schema)?;
                }
                match &self.plan {
                    Some(plan) => plan.read(path, value),
                    None => by_schema(path, schema, value),
                }
            }
        }
    }
}

impl FieldPlan {
    /// `None` if the path leads through something else than structs, so that every record has to be searched.
    fn compile(path: &[Arc<str>], schema: &Arc<Schema>) -> Result<Option<Self>> {
        let mut positions = Vec::with_capacity(path.len());
        let mut at = schema;
        for name in path {
            let SchemaKind::Struct(fields) = &at.kind else {
                return if matches!(at.kind, SchemaKind::Map { .. }) {
                    Ok(None)
                } else {
                    Err(bad(format!("there is no field '{}' in a {} value", path.join("."), at.kind.connect_name())))
                };
            };
            let field = fields.get(name).ok_or_else(|| bad(format!("the record has no field '{}'", path.join("."))))?;
            positions.push(field.index);
            at = &field.schema;
        }
        let number = time_kind(at).ok_or_else(|| {
            bad(format!(
                "field '{}' of type {} cannot be taken as a time",
                path.join("."),
                at.name.as_deref().unwrap_or(at.kind.connect_name())
            ))
        })?;
        Ok(Some(Self { schema: schema.clone(), positions, number }))
    }

    fn read(&self, path: &[Arc<str>], value: &Value) -> Result<i64> {
        let mut at = value;
        for position in &self.positions {
            at = at.as_struct().and_then(|values| values.get(*position)).unwrap_or(&Value::Null);
        }
        match at {
            Value::Int32(x) if self.number => Ok(i64::from(*x)),
            Value::Int64(x) if self.number => Ok(*x),
            Value::String(text) if !self.number => parse_time(text).ok_or_else(|| unreadable(path, text)),
            _ => Err(bad(format!("field '{}' has no value to take as a time", path.join(".")))),
        }
    }
}

/// Whether a field of this schema holds the time as a number (true) or as text (false).
fn time_kind(schema: &Schema) -> Option<bool> {
    match schema.kind {
        SchemaKind::Int32 if schema.is_named(logical::DATE) || schema.is_named(logical::TIME) => None,
        SchemaKind::Int32 | SchemaKind::Int64 => Some(true),
        SchemaKind::String => Some(false),
        _ => None,
    }
}

/// Follows a path through structs and maps with a schema.
fn by_schema(path: &[Arc<str>], schema: &Arc<Schema>, value: &Value) -> Result<i64> {
    let (mut schema, mut at) = (schema, value);
    for (depth, name) in path.iter().enumerate() {
        match (&schema.kind, at) {
            (SchemaKind::Struct(fields), Value::Struct(values)) => {
                let field = fields.get(name).ok_or_else(|| bad(format!("the record has no field '{}'", path.join("."))))?;
                (schema, at) = (&field.schema, values.get(field.index).unwrap_or(&Value::Null));
            }
            (SchemaKind::Map { .. }, _) => return by_name(&path[depth..], at),
            _ => return Err(bad(format!("field '{}' has no value to take as a time", path.join(".")))),
        }
    }
    Err(bad(format!("field '{}' cannot be taken as a time", path.join("."))))
}

/// Follows a path through maps by their keys.
fn by_name(path: &[Arc<str>], value: &Value) -> Result<i64> {
    let mut at = value;
    for name in path {
        let Value::Map(entries) = at else {
            return Err(bad(format!("there is no field '{}' in a value of type {}", path.join("."), at.kind_name())));
        };
        let entry = entries.iter().find(|(key, _)| key.as_str() == Some(name));
        at = entry.map(|(_, value)| value).ok_or_else(|| bad(format!("the record has no field '{}'", path.join("."))))?;
    }
    match at {
        Value::String(text) => parse_time(text).ok_or_else(|| unreadable(path, text)),
        Value::Float32(x) => Ok(*x as i64),
        Value::Float64(x) => Ok(*x as i64),
        other => other
            .as_i64()
            .ok_or_else(|| bad(format!("field '{}' of type {} cannot be taken as a time", path.join("."), other.kind_name()))),
    }
}

fn bad(message: impl Into<String>) -> ConnectError {
    ConnectError::bad_record(message)
}

fn unreadable(path: &[Arc<str>], text: &str) -> ConnectError {
    // Values may be private, so only the shape of the text is told.
    bad(format!("the text of field '{}' ({} bytes) is neither milliseconds nor an ISO date", path.join("."), text.len()))
}

/// Milliseconds as digits, else an ISO date with or without time. Without an offset, the worker's own zone counts.
fn parse_time(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if (1..=19).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && let Ok(ms) = text.parse()
    {
        return Some(ms);
    }
    IsoReader { rest: text }.time(&TimeZone::system())
}

/// Reads what Joda-Time's `ISODateTimeFormat.dateTimeParser` reads.
struct IsoReader<'a> {
    rest: &'a str,
}

impl<'a> IsoReader<'a> {
    fn time(mut self, default: &TimeZone) -> Option<i64> {
        let date = if self.rest.starts_with('T') { Date::constant(1970, 1, 1) } else { self.date()? };
        let mut time_ms = 0;
        let mut offset = None;
        if self.skip('T') {
            if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
                time_ms = self.time_of_day()?;
            }
            if !self.rest.is_empty() {
                offset = Some(self.offset()?);
            }
        }
        if !self.rest.is_empty() {
            return None;
        }
        let local: DateTime =
            date.to_datetime(jiff::civil::Time::midnight()).checked_add(SignedDuration::from_millis(time_ms)).ok()?;
        let instant: Timestamp = match offset {
            Some(offset) => offset.to_timestamp(local).ok()?,
            None => default.to_ambiguous_zoned(local).compatible().ok()?.timestamp(),
        };
        Some(instant.as_millisecond())
    }

    fn date(&mut self) -> Option<Date> {
        let negative = self.skip('-');
        if !negative {
            self.skip('+');
        }
        let year: i16 = self.digits(9)?.1.try_into().ok()?;
        let year = if negative { -year } else { year };
        if !self.skip('-') {
            return Date::new(year, 1, 1).ok();
        }
        if self.skip('W') {
            let week = i8::try_from(self.digits(2)?.1).ok()?;
            let day = if self.skip('-') { i8::try_from(self.digits(1)?.1).ok()? } else { 1 };
            let day = Weekday::from_monday_one_offset(day).ok()?;
            return Some(ISOWeekDate::new(year, week, day).ok()?.date());
        }
        let (width, number) = self.digits(3)?;
        if width == 3 {
            let day = i16::try_from(number).ok()?;
            return Date::new(year, 1, 1).ok()?.with().day_of_year(day).build().ok();
        }
        let month = i8::try_from(number).ok()?;
        let day = if self.skip('-') { i8::try_from(self.digits(2)?.1).ok()? } else { 1 };
        Date::new(year, month, day).ok()
    }

    fn time_of_day(&mut self) -> Option<i64> {
        let mut ms = 0;
        for (unit_ms, limit) in [(3_600_000, 24), (60_000, 60), (1_000, 60)] {
            let number = self.digits(2)?.1;
            if number >= limit {
                return None;
            }
            ms += number * unit_ms;
            if self.rest.starts_with(['.', ',']) {
                self.rest = &self.rest[1..];
                return Some(ms + self.fraction(unit_ms)?);
            }
            if !self.skip(':') {
                break;
            }
        }
        Some(ms)
    }

    /// A fraction of a unit, cut to milliseconds.
    fn fraction(&mut self, unit_ms: i64) -> Option<i64> {
        let digits = self.take_digits(usize::MAX)?;
        let (mut sum, mut weight) = (0i128, 1i128);
        for digit in digits.bytes().take(18) {
            sum = sum * 10 + i128::from(digit - b'0');
            weight *= 10;
        }
        i64::try_from(sum * i128::from(unit_ms) / weight).ok()
    }

    fn offset(&mut self) -> Option<Offset> {
        if self.skip('Z') {
            return Some(Offset::UTC);
        }
        let (offset, rest) = read_offset(self.rest)?;
        self.rest = rest;
        Some(offset)
    }

    fn skip(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// How many digits there are, and their number.
    fn digits(&mut self, most: usize) -> Option<(usize, i64)> {
        let digits = self.take_digits(most)?;
        Some((digits.len(), digits.parse().ok()?))
    }

    fn take_digits(&mut self, most: usize) -> Option<&'a str> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(digits)
    }
}

/// `+hh`, `+hhmm`, `+hh:mm` or with seconds.
fn read_offset(text: &str) -> Option<(Offset, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut rest = &text[1..];
    let mut seconds = 0;
    let mut colon = None;
    for (unit, limit) in [(3600, 24), (60, 60), (1, 60)] {
        let mut at = rest;
        if unit != 3600 {
            let here = at.starts_with(':');
            if at.is_empty() || *colon.get_or_insert(here) != here {
                break;
            }
            at = at.strip_prefix(':').unwrap_or(at);
        }
        let Some(digits) = at.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())) else {
            if unit == 3600 {
                return None;
            }
            break;
        };
        let number: i32 = digits.parse().ok().filter(|number| *number < limit)?;
        seconds += number * unit;
        rest = &at[2..];
    }
    Some((Offset::from_seconds(sign * seconds).ok()?, rest))
}

/// A zone by the names that Joda-Time takes: exact names of the time zone database, and offsets.
pub fn time_zone(name: &str) -> Option<TimeZone> {
    if name.starts_with(['+', '-']) {
        return read_offset(name).filter(|(_, rest)| rest.is_empty()).map(|(offset, _)| TimeZone::fixed(offset));
    }
    TimeZone::get(name).ok().filter(|zone| zone.iana_name() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ConnectRecord, SchemaAndValue, SchemaBuilder};

    /// The expected numbers are what Joda-Time 2.12.5 returned.
    #[test]
    fn texts_are_read_as_joda_reads_them() {
        for (text, ms) in [
            ("2015-04-02T10:11:12.345Z", Some(1427969472345)),
            ("2015-04-02", Some(1427932800000)),
            ("2015-04", Some(1427846400000)),
            ("2015-092", Some(1427932800000)),
            ("2015-W14-4", Some(1427932800000)),
            ("2015-W14", Some(1427673600000)),
            ("2015-04-02T10", Some(1427968800000)),
            ("2015-04-02T10:11", Some(1427969460000)),
            ("2015-04-02T10:11:12,5+02:00", Some(1427962272500)),
            ("2015-04-02T10:11:12.123456789-0330", Some(1427982072123)),
            ("T10:11", Some(36660000)),
            ("2015-04-02T", Some(1427932800000)),
            ("2015-4-2", Some(1427932800000)),
            ("2015-04-02T10.5", Some(1427970600000)),
            ("2015-04-02T10:30.25", Some(1427970615000)),
            ("-0044-03-15", Some(-63549360000000)),
            ("2015-04-02T10:11:12+02", Some(1427962272000)),
            ("2015-04-02T5:06:07Z", Some(1427951167000)),
            ("2015-04T10Z", Some(1427882400000)),
            ("2015T10Z", Some(1420106400000)),
            ("2015-04-02TZ", Some(1427932800000)),
            ("2015-04-02 10:11", None),
            (" 2015-01-01", None),
            ("2015-04-02Z", None),
            ("2015-04-02T24:00", None),
            ("2015-13-01", None),
            ("2015-04-02T10:11:12Zx", None),
            ("2015-04-02T10:11:12.+01:00", None),
            ("2015-04-02T10:11:60Z", None),
            ("é", None),
            ("2015-04-02T10:11:12+é", None),
            ("", None),
        ] {
            assert_eq!(IsoReader { rest: text }.time(&TimeZone::UTC), ms, "{text}");
        }
    }

    #[test]
    fn digits_are_milliseconds() {
        assert_eq!(parse_time("2015"), Some(2015));
        assert_eq!(parse_time("-1"), Some(-1));
        assert_eq!(parse_time("99999999999999999999"), None);
    }

    #[test]
    fn zones_are_named_as_in_joda() {
        for name in ["UTC", "EST", "CET", "US/Pacific", "Etc/GMT+2", "+05:30", "+0530", "GMT", "+05", "-03", "+23:59", "MST7MDT"]
        {
            assert!(time_zone(name).is_some(), "{name}");
        }
        for name in ["utc", "Z", "PST", "GMT+2", "+5", "america/sao_paulo", "+24:00", ""] {
            assert!(time_zone(name).is_none(), "{name}");
        }
    }

    fn time(extractor: &str, field: &str, value: SchemaAndValue, timestamp_ms: Option<i64>) -> Result<i64> {
        let record = SinkRecord {
            record: ConnectRecord {
                topic: "t".into(),
                partition: Some(0),
                kafka_offset: None,
                key: SchemaAndValue::NULL,
                value,
                timestamp_ms,
                headers: Default::default(),
            },
            kafka_topic: "t".into(),
            kafka_partition: 0,
            kafka_offset: 0,
            raw: None,
        };
        let value = &record.record.value;
        RecordTime::new(Extractor::from_setting(extractor, field).unwrap()).of(&record, value.schema.as_ref(), &value.value)
    }

    #[test]
    fn fields_are_found_in_structs_and_maps() {
        let inner = SchemaBuilder::structure([("at", logical::timestamp().build()), ("day", logical::date().build())]).build();
        let map = Schema::builder(SchemaKind::Map {
            key: logical::plain(SchemaKind::String, false),
            value: logical::plain(SchemaKind::Int64, false),
        });
        let outer = SchemaBuilder::structure([
            ("text", logical::plain(SchemaKind::String, true)),
            ("inner", inner),
            ("map", map.build()),
            ("short", logical::plain(SchemaKind::Int16, false)),
        ])
        .build();
        let entries = Value::Map(vec![(Value::from("k"), Value::Int64(9))]);
        let value = |text: Value| {
            let inner = Value::Struct([Value::Int64(7), Value::Int32(3)].into());
            SchemaAndValue::new(outer.clone(), Value::Struct([text, inner, entries.clone(), Value::Int16(1)].into()))
        };
        assert_eq!(time("RecordField", "inner.at", value(Value::Null), None).unwrap(), 7);
        assert_eq!(time("RecordField", "map.k", value(Value::Null), None).unwrap(), 9);
        assert_eq!(time("RecordField", "text", value(Value::from("2015-04-02TZ")), None).unwrap(), 1427932800000);
        for field in ["text", "inner.day", "short", "missing", "inner.missing", "text.x", "map.missing", "inner"] {
            let error = time("RecordField", field, value(Value::Null), None).unwrap_err();
            assert_eq!(error.kind(), crate::plugin::ErrorKind::BadRecord, "{field}: {error}");
        }
        let schemaless = SchemaAndValue::schemaless(Value::Map(vec![(Value::from("a"), Value::Float64(5.9))]));
        assert_eq!(time("RecordField", "a", schemaless, None).unwrap(), 5);
        assert!(time("RecordField", "a", SchemaAndValue::NULL, None).is_err());
    }

    #[test]
    fn the_extractor_may_be_named_by_its_class() {
        assert_eq!(time(&format!("{CLASS_PREFIX}Record{CLASS_SUFFIX}"), "", SchemaAndValue::NULL, Some(5)).unwrap(), 5);
        assert!(time("Record", "", SchemaAndValue::NULL, None).is_err());
        assert_eq!(Extractor::from_setting("record", ""), None);
        assert_eq!(Extractor::from_setting("Wallclock", ""), Some(Extractor::Wallclock));
    }
}
