//! Turns timestamps into another form (`org.apache.kafka.connect.transforms.TimestampConverter`).
//! contracts/connect-runtime.md, section 10.

use std::sync::Arc;

use super::record_part::{Defaults, Part, REPLACE_NULL, basics, field_list, put, take_map, take_struct, with_fields};
use super::schema_cache::SchemaCache;
use crate::codec::java_text::java_class;
use crate::codec::java_time::{DateFormat, MILLIS_PER_DAY};
use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator};
use crate::data::logical::{self, plain};
use crate::data::{ConnectRecord, Schema, SchemaKind, Value};
use crate::plugin::registry::Factory;
use crate::plugin::{ConnectError, Result, Transform};

pub const KEY: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.TimestampConverter$Key",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(TimestampConverter::new(config, Part::Key)?)),
};
pub const VALUE: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.TimestampConverter$Value",
    config_def: &CONFIG,
    build: |config| Ok(Box::new(TimestampConverter::new(config, Part::Value)?)),
};

static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new(
            "field",
            ConfigType::String,
            Default::Text(""),
            Importance::High,
            "The field that holds the timestamp; empty if the whole key or value is one.",
        ),
        ConfigKey::new("target.type", ConfigType::String, Default::Required, Importance::High, "The form to turn it into.")
            .validator(Validator::OneOf(&["string", "unix", "Date", "Time", "Timestamp"])),
        ConfigKey::new(
            "format",
            ConfigType::String,
            Default::Text(""),
            Importance::Medium,
            "The pattern of Java's SimpleDateFormat for text, in UTC; required if text is read or written.",
        ),
        ConfigKey::new(
            "unix.precision",
            ConfigType::String,
            Default::Text("milliseconds"),
            Importance::Low,
            "The unit of numbers that are timestamps.",
        )
        .validator(Validator::OneOf(&["nanoseconds", "microseconds", "milliseconds", "seconds"])),
        REPLACE_NULL,
    ],
};

const PURPOSE: &str = "converting timestamp formats";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

impl Form {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "unix" => Self::Unix,
            "Date" => Self::Date,
            "Time" => Self::Time,
            "Timestamp" => Self::Timestamp,
            _ => return None,
        })
    }

    /// The form of values of this schema.
    fn of_schema(schema: &Schema) -> Result<Self> {
        Ok(match (schema.name.as_deref(), &schema.kind) {
            (Some(logical::TIMESTAMP), _) => Self::Timestamp,
            (Some(logical::DATE), _) => Self::Date,
            (Some(logical::TIME), _) => Self::Time,
            (_, SchemaKind::String) => Self::Text,
            (_, SchemaKind::Int64) => Self::Unix,
            (_, other) => {
                return Err(ConnectError::bad_record(format!(
                    "Schema Schema{{{}}} does not correspond to a known timestamp type format",
                    schema
                        .name
                        .as_deref()
                        .map_or_else(|| other.connect_name().to_owned(), |name| format!("{name}:{}", other.connect_name()))
                )));
            }
        })
    }

    fn schema(self, optional: bool) -> Arc<Schema> {
        match self {
            Self::Text => plain(SchemaKind::String, optional),
            Self::Unix => plain(SchemaKind::Int64, optional),
            Self::Date => logical::date().optional_if(optional).build(),
            Self::Time => logical::time().optional_if(optional).build(),
            Self::Timestamp => logical::timestamp().optional_if(optional).build(),
        }
    }
}

/// How many of a unit make a millisecond, or the reverse for seconds.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Nanos,
    Micros,
    Millis,
    Seconds,
}

impl Unit {
    fn to_millis(self, x: i64) -> i64 {
        match self {
            Self::Nanos => x / 1_000_000,
            Self::Micros => x / 1000,
            Self::Millis => x,
            Self::Seconds => x.saturating_mul(1000),
        }
    }

    fn of_millis(self, millis: i64) -> i64 {
        match self {
            Self::Nanos => millis.saturating_mul(1_000_000),
            Self::Micros => millis.saturating_mul(1000),
            Self::Millis => millis,
            Self::Seconds => millis / 1000,
        }
    }
}

struct TimestampConverter {
    part: Part,
    field: Arc<str>,
    conversion: Conversion,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

struct Conversion {
    target: Form,
    pattern: String,
    format: Option<DateFormat>,
    unit: Unit,
}

struct Plan {
    updated: Arc<Schema>,
    /// Position and form of the field; none if the struct does not have it.
    field: Option<(usize, Form)>,
    defaults: Defaults,
}

impl TimestampConverter {
    fn new(config: &ConfigMap, part: Part) -> Result<Self> {
        let config = CONFIG.parse(config)?;
        let target = config.text("target.type").and_then(Form::from_name).unwrap_or(Form::Timestamp);
        let pattern = config.text("format").unwrap_or_default();
        if target == Form::Text && pattern.is_empty() {
            return Err(ConnectError::config(
                "TimestampConverter requires format option to be specified when using string timestamps",
            ));
        }
        let format = match pattern {
            "" => None,
            pattern => Some(DateFormat::compile(pattern).map_err(|error| {
                ConfigError::new(format!(
                    "TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: {pattern}: {error}"
                ))
            })?),
        };
        let unit = match config.text("unix.precision") {
            Some("nanoseconds") => Unit::Nanos,
            Some("microseconds") => Unit::Micros,
            Some("seconds") => Unit::Seconds,
            _ => Unit::Millis,
        };
        Ok(Self {
            part,
            field: config.text("field").unwrap_or_default().into(),
            conversion: Conversion { target, pattern: pattern.to_owned(), format, unit },
            replace_null: config.boolean(REPLACE_NULL.name),
            plans: SchemaCache::default(),
        })
    }

    fn plan(schema: &Schema, name: &str, conversion: &Conversion, replace_null: bool) -> Result<Plan> {
        if name.is_empty() {
            let form = Form::of_schema(schema)?;
            let updated = conversion.target.schema(schema.optional);
            return Ok(Plan { updated, field: Some((0, form)), defaults: Defaults::default() });
        }
        let mut fields = field_list(schema);
        let field = schema.field(name);
        if let Some(field) = field {
            fields[field.index].1 = conversion.target.schema(field.schema.optional);
        }
        let field = field.map(|field| Ok::<_, ConnectError>((field.index, Form::of_schema(&field.schema)?))).transpose()?;
        let defaults = Defaults::of(schema, replace_null);
        let mut updated = if schema.fields().is_some() { with_fields(schema, fields)? } else { basics(schema) };
        updated.optional = schema.optional;
        if let (Some(Value::Struct(default)), Some((index, form))) = (&schema.default, field) {
            let mut default = default.clone();
            if let Some(value) = default.get_mut(index) {
                *value = conversion.convert(value, Some(form))?;
            }
            updated.default = Some(Value::Struct(default));
        }
        Ok(Plan { updated: Arc::new(updated), field, defaults })
    }
}

impl Conversion {
    fn convert(&self, value: &Value, form: Option<Form>) -> Result<Value> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let form = match (form, value) {
            (Some(form), _) => form,
            (None, Value::Int64(_)) => Form::Unix,
            (None, Value::String(_)) => Form::Text,
            (None, other) => {
                return Err(ConnectError::bad_record(format!(
                    "TimestampConverter does not support class {} objects as timestamps",
                    java_class(other)
                )));
            }
        };
        let millis = self.to_millis(value, form)?;
        Ok(match self.target {
            Form::Text => match &self.format {
                Some(format) => Value::string(format.format(millis)),
                None => Value::Null,
            },
            Form::Unix => Value::Int64(self.unit.of_millis(millis)),
            Form::Date => {
                let days = i32::try_from(millis.div_euclid(MILLIS_PER_DAY));
                Value::Int32(
                    days.map_err(|_| ConnectError::bad_record(format!("timestamp {millis} ms is out of the range of a Date")))?,
                )
            }
            Form::Time => Value::Int32(millis.rem_euclid(MILLIS_PER_DAY) as i32),
            Form::Timestamp => Value::Int64(millis),
        })
    }

    fn to_millis(&self, value: &Value, form: Form) -> Result<i64> {
        let misfit = |wanted: &str| ConnectError::bad_record(format!("Expected {wanted}, but found class {}", java_class(value)));
        match (form, value) {
            (Form::Text, Value::String(text)) => {
                let format = self.format.as_ref().ok_or_else(|| {
                    ConnectError::bad_record(
                        "cannot parse a string timestamp: the TimestampConverter has no format; set the option format",
                    )
                })?;
                format.parse(text).ok_or_else(|| {
                    ConnectError::bad_record(format!(
                        "Could not parse timestamp: value ({text}) does not match pattern ({})",
                        self.pattern
                    ))
                })
            }
            (Form::Text, _) => Err(misfit("string timestamp to be a String")),
            (Form::Unix, Value::Int64(x)) => Ok(self.unit.to_millis(*x)),
            (Form::Unix, _) => Err(misfit("Unix timestamp to be a Long")),
            (Form::Date, Value::Int32(days)) => Ok(i64::from(*days) * MILLIS_PER_DAY),
            (Form::Date, _) => Err(misfit("Date to be a java.util.Date")),
            (Form::Time, Value::Int32(millis)) => Ok(i64::from(*millis)),
            (Form::Time, _) => Err(misfit("Time to be a java.util.Date")),
            (Form::Timestamp, Value::Int64(millis)) => Ok(*millis),
            (Form::Timestamp, _) => Err(misfit("Timestamp to be a java.util.Date")),
        }
    }
}

impl Transform for TimestampConverter {
    fn apply(&mut self, mut record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        let part = self.part.of_mut(&mut record);
        match &part.schema {
            Some(schema) => {
                let plan = {
                    let (conversion, field, replace_null) = (&self.conversion, &self.field, self.replace_null);
                    self.plans.get(schema, |schema| Self::plan(schema, field, conversion, replace_null))?
                };
                if self.field.is_empty() {
                    part.value = self.conversion.convert(&part.value, plan.field.map(|(_, form)| form))?;
                } else if !part.value.is_null() {
                    let mut values = take_struct(&mut part.value, PURPOSE)?;
                    plan.defaults.apply(&mut values);
                    if let Some((index, form)) = plan.field
                        && let Some(value) = values.get_mut(index)
                    {
                        *value = self.conversion.convert(value, Some(form))?;
                    }
                    part.value = Value::Struct(values.into());
                }
                part.schema = Some(plan.updated.clone());
            }
            None if part.value.is_null() || self.field.is_empty() => {
                part.value = self.conversion.convert(&part.value, None)?;
            }
            None => {
                let mut entries = take_map(&mut part.value, PURPOSE)?;
                let old =
                    entries.iter().find(|(key, _)| key.as_str() == Some(&self.field)).map_or(&Value::Null, |(_, value)| value);
                let new = self.conversion.convert(old, None)?;
                put(&mut entries, &self.field, new);
                part.value = Value::Map(entries);
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

    fn transform(settings: &[(&str, &str)]) -> Result<TimestampConverter> {
        TimestampConverter::new(&settings.iter().copied().collect(), Part::Value)
    }

    fn whole(settings: &[(&str, &str)], schema: Option<Arc<Schema>>, value: Value) -> Result<SchemaAndValue> {
        let mut input = record("t");
        input.value = SchemaAndValue { schema, value };
        Ok(transform(settings)?.apply(input)?.unwrap().value)
    }

    #[test]
    fn every_form_becomes_every_other() {
        let millis = 1_600_000_000_123_i64;
        let forms = [
            (Form::Text, Value::from("2020-09-13 12:26:40.123")),
            (Form::Unix, Value::Int64(millis)),
            (Form::Date, Value::Int32(18_518)),
            (Form::Time, Value::Int32(44_800_123)),
            (Form::Timestamp, Value::Int64(millis)),
        ];
        for (from, value) in &forms[..2] {
            for (name, (to, expected)) in ["string", "unix", "Date", "Time", "Timestamp"].into_iter().zip(&forms) {
                let settings = [("target.type", name), ("format", "yyyy-MM-dd HH:mm:ss.SSS")];
                let output = whole(&settings, Some(from.schema(true)), value.clone()).unwrap();
                assert_eq!(output, SchemaAndValue::new(to.schema(true), expected.clone()), "{from:?} {to:?}");
                assert_eq!(whole(&settings, None, value.clone()).unwrap().value, *expected);
            }
        }
        let date =
            whole(&[("target.type", "unix"), ("unix.precision", "seconds")], Some(Form::Date.schema(false)), Value::Int32(1));
        assert_eq!(date.unwrap().value, Value::Int64(86_400));
    }

    #[test]
    fn a_field_is_replaced_and_the_rest_stays() {
        let schema = SchemaBuilder::structure([("a", plain(SchemaKind::Int32, true)), ("ts", plain(SchemaKind::Int64, true))])
            .name("n")
            .optional()
            .build();
        let mut converter =
            transform(&[("field", "ts"), ("target.type", "Timestamp"), ("unix.precision", "microseconds")]).unwrap();
        for (value, expected) in [(Value::Int64(5_000), Value::Int64(5)), (Value::Null, Value::Null)] {
            let mut input = record("t");
            input.value = SchemaAndValue::new(schema.clone(), Value::Struct(vec![Value::Int32(1), value].into()));
            let output = converter.apply(input).unwrap().unwrap().value;
            assert_eq!(output.value, Value::Struct(vec![Value::Int32(1), expected].into()));
            let schema = output.schema.unwrap();
            assert!(schema.optional && schema.is_named("n") && schema.field("ts").unwrap().schema.is_named(logical::TIMESTAMP));
        }
        let mut tombstone = record("t");
        tombstone.value.schema = Some(schema);
        assert!(converter.apply(tombstone).unwrap().unwrap().value.value.is_null());
    }

    #[test]
    fn errors_use_the_words_of_java() {
        let text = |settings: &[(&str, &str)], value| whole(settings, None, value).unwrap_err().message().to_owned();
        assert_eq!(
            text(&[("target.type", "string")], Value::Null),
            "TimestampConverter requires format option to be specified when using string timestamps"
        );
        assert_eq!(
            text(&[("target.type", "unix"), ("format", "yyyy-MM-dd")], Value::from("x")),
            "Could not parse timestamp: value (x) does not match pattern (yyyy-MM-dd)"
        );
        assert_eq!(
            text(&[("target.type", "unix")], Value::Boolean(true)),
            "TimestampConverter does not support class java.lang.Boolean objects as timestamps"
        );
        assert_eq!(
            text(&[("target.type", "x")], Value::Null),
            "Invalid value x for configuration target.type: String must be one of: string, unix, Date, Time, Timestamp"
        );
    }
}
