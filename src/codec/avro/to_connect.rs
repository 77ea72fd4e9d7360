//! Maps an Avro schema to the Connect schema that AvroData would make of it.
//! contracts/connect-runtime.md, section 9.3; contracts/hdfs-sink.md, section 7.4.

use std::sync::Arc;

use ahash::AHashMap;
use bytes::Bytes;
use serde_json::Value as Json;

use super::mapping::AvroOptions;
use super::schema_text::{AvroSchema, Kind, RecordField};
use super::{
    ANYTHING, DECIMAL_PRECISION, DECIMAL_PRECISION_DEFAULT, DEFAULT_NAME, ENUM, ENUM_DEFAULT_PREFIX, ENUM_DOC, FIELD_DOC_PREFIX,
    FIXED_SIZE, INTERNAL_TYPE, MAP_ENTRY, MAX_DEPTH, NAMESPACE, RECORD_DOC, UNION,
};
use crate::codec::CodecError;
use crate::data::{Fields, Schema, SchemaKind, Value, logical};

/// Maps a schema; `None` is the schema `Anything`, whose values have no Connect schema.
///
/// # Errors
/// `Schema` if Connect cannot express it (a lone null, recursion).
pub fn to_connect(schema: &AvroSchema, options: &AvroOptions) -> Result<Option<Arc<Schema>>, CodecError> {
    if schema.name().is_some_and(|name| name.full() == ANYTHING) {
        return Ok(None);
    }
    let definitions = schema.definitions();
    let connect = Mapper { options, definitions: &definitions }.schema(schema, None, false, 0)?;
    Ok(Some(Arc::new(connect)))
}

/// True if the array stands for a map whose keys are not strings.
pub(super) fn is_map_entry(record: &AvroSchema) -> bool {
    match &record.kind {
        Kind::Record { name, fields, .. } => {
            fields.len() == 2
                && (name.full() == format!("{NAMESPACE}.{MAP_ENTRY}")
                    || record.props.get(INTERNAL_TYPE).and_then(Json::as_str) == Some(MAP_ENTRY))
        }
        _ => false,
    }
}

/// How a union shows in Connect.
pub(super) enum UnionShape<'a> {
    /// One type, optional if the union has a null branch.
    Single { branch: &'a AvroSchema, optional: bool },
    /// A struct with a field per branch that is not null.
    Fields { optional: bool },
}

pub(super) fn union_shape(branches: &[AvroSchema]) -> UnionShape<'_> {
    let optional = branches.iter().any(|branch| branch.kind == Kind::Null);
    let mut values = branches.iter().filter(|branch| branch.kind != Kind::Null);
    match (values.next(), values.next()) {
        (Some(branch), None) => UnionShape::Single { branch, optional },
        _ => UnionShape::Fields { optional },
    }
}

struct Mapper<'a> {
    options: &'a AvroOptions,
    definitions: &'a AHashMap<String, &'a AvroSchema>,
}

impl Mapper<'_> {
    fn schema(&self, avro: &AvroSchema, default: Option<&Json>, optional: bool, depth: usize) -> Result<Schema, CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::Schema(format!(
                "Avro schema is recursive or nested deeper than {MAX_DEPTH} levels, which Connect schemas cannot be"
            )));
        }
        match &avro.kind {
            Kind::Reference(name) => match self.definitions.get(&name.full()) {
                Some(definition) => return self.schema(definition, default, optional, depth + 1),
                None => return Err(CodecError::Schema(format!("Avro schema does not define '{}'", name.full()))),
            },
            Kind::Union(branches) => return self.union(branches, default, optional, depth),
            _ => {}
        }
        let mut schema = self.plain(avro, depth)?;
        schema.optional = optional;
        self.apply_properties(avro, &mut schema)?;
        let default = default.or_else(|| avro.props.get("connect.default")).filter(|json| !json.is_null());
        if let Some(json) = default {
            schema.default = Some(default_value(&schema, json).ok_or_else(|| {
                CodecError::Schema(format!("default {json} does not fit the Avro type {}", schema.kind.connect_name()))
            })?);
        }
        Ok(schema)
    }

    fn union(&self, branches: &[AvroSchema], default: Option<&Json>, optional: bool, depth: usize) -> Result<Schema, CodecError> {
        match union_shape(branches) {
            UnionShape::Single { branch, optional: null } => self.schema(branch, default, optional || null, depth + 1),
            UnionShape::Fields { optional: null } => {
                let mut fields = Vec::with_capacity(branches.len());
                for branch in branches.iter().filter(|branch| branch.kind != Kind::Null) {
                    let schema = self.schema(branch, None, true, depth + 1)?;
                    fields.push((Arc::from(self.branch_name(branch)), Arc::new(schema)));
                }
                if fields.is_empty() {
                    return Err(CodecError::Schema(
                        "Avro schema has a union without a type, which Connect cannot express".to_owned(),
                    ));
                }
                let mut schema = Schema::new(SchemaKind::Struct(Arc::new(Fields::new(fields))));
                schema.name = Some(UNION.into());
                schema.optional = optional || null;
                Ok(schema)
            }
        }
    }

    fn branch_name(&self, branch: &AvroSchema) -> String {
        match branch.name() {
            Some(name) if self.options.enhanced => name.full(),
            Some(name) => name.name.clone(),
            None => match branch.kind {
                Kind::Boolean => "boolean",
                Kind::Int => "int",
                Kind::Long => "long",
                Kind::Float => "float",
                Kind::Double => "double",
                Kind::Bytes => "bytes",
                Kind::Array(_) => "array",
                Kind::Map(_) => "map",
                _ => "string",
            }
            .to_owned(),
        }
    }

    fn plain(&self, avro: &AvroSchema, depth: usize) -> Result<Schema, CodecError> {
        let text = |name: &str| avro.props.get(name).and_then(Json::as_str);
        let number = |name: &str| avro.props.get(name).and_then(|x| x.as_i64().or_else(|| x.as_str()?.parse().ok()));
        let logical_type = text("logicalType");
        let mut parameters: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        let kind = match &avro.kind {
            Kind::Boolean => SchemaKind::Boolean,
            Kind::Int => match (logical_type, text("connect.type")) {
                (Some("date"), _) => return Ok(logical_schema(SchemaKind::Int32, logical::DATE)),
                (Some("time-millis"), _) => return Ok(logical_schema(SchemaKind::Int32, logical::TIME)),
                (_, Some("int8")) => SchemaKind::Int8,
                (_, Some("int16")) => SchemaKind::Int16,
                _ => SchemaKind::Int32,
            },
            Kind::Long if logical_type == Some("timestamp-millis") => {
                return Ok(logical_schema(SchemaKind::Int64, logical::TIMESTAMP));
            }
            Kind::Long => SchemaKind::Int64,
            Kind::Float => SchemaKind::Float32,
            Kind::Double => SchemaKind::Float64,
            Kind::String => SchemaKind::String,
            Kind::Bytes | Kind::Fixed { .. } if logical_type == Some("decimal") => {
                let mut schema = logical_schema(SchemaKind::Bytes, logical::DECIMAL);
                schema.parameters.push((logical::SCALE.into(), number("scale").unwrap_or(0).to_string().into()));
                match number("precision") {
                    Some(precision) if precision != DECIMAL_PRECISION_DEFAULT => {
                        schema.parameters.push((DECIMAL_PRECISION.into(), precision.to_string().into()));
                    }
                    _ => {}
                }
                if let Kind::Fixed { size, .. } = &avro.kind {
                    schema.parameters.push((FIXED_SIZE.into(), size.to_string().into()));
                }
                return Ok(schema);
            }
            Kind::Bytes => SchemaKind::Bytes,
            Kind::Fixed { size, .. } => {
                parameters.push((FIXED_SIZE.into(), size.to_string().into()));
                SchemaKind::Bytes
            }
            Kind::Enum { name, doc, symbols, default } => {
                if let Some(doc) = doc {
                    parameters.push((ENUM_DOC.into(), doc.as_str().into()));
                }
                if let Some(default) = default {
                    parameters.push((format!("{ENUM_DEFAULT_PREFIX}{}", name.name).into(), default.as_str().into()));
                }
                parameters.push((ENUM.into(), name.full().into()));
                parameters.extend(symbols.iter().map(|symbol| (format!("{ENUM}.{symbol}").into(), symbol.as_str().into())));
                SchemaKind::String
            }
            Kind::Array(item) if is_map_entry(item) => {
                let Kind::Record { fields, .. } = &item.kind else { unreachable!("map entries are records") };
                let part =
                    |field: &RecordField| self.schema(&field.schema, field.default.as_ref(), false, depth + 1).map(Arc::new);
                SchemaKind::Map { key: part(&fields[0])?, value: part(&fields[1])? }
            }
            Kind::Array(item) => SchemaKind::Array(Arc::new(self.schema(item, None, false, depth + 1)?)),
            Kind::Map(value) => SchemaKind::Map {
                key: logical::plain(SchemaKind::String, false),
                value: Arc::new(self.schema(value, None, false, depth + 1)?),
            },
            Kind::Record { doc, fields, .. } => {
                if let Some(doc) = doc {
                    parameters.push((RECORD_DOC.into(), doc.as_str().into()));
                }
                let mut list = Vec::with_capacity(fields.len());
                for field in fields {
                    if let Some(doc) = &field.doc {
                        parameters.push((format!("{FIELD_DOC_PREFIX}{}", field.name).into(), doc.as_str().into()));
                    }
                    let schema = self.schema(&field.schema, field.default.as_ref(), false, depth + 1);
                    list.push((Arc::from(field.name.as_str()), Arc::new(schema.map_err(|error| error.in_field(&field.name))?)));
                }
                SchemaKind::Struct(Arc::new(Fields::new(list)))
            }
            Kind::Null => {
                return Err(CodecError::Schema("Avro type null stands alone, which Connect cannot express".to_owned()));
            }
            Kind::Union(_) | Kind::Reference(_) => unreachable!("handled by the caller"),
        };
        let mut schema = Schema::new(kind);
        schema.parameters = parameters;
        Ok(schema)
    }

    fn apply_properties(&self, avro: &AvroSchema, schema: &mut Schema) -> Result<(), CodecError> {
        if let Some(doc) = avro.props.get("connect.doc").and_then(Json::as_str) {
            schema.doc = Some(doc.into());
        }
        if let Some(version) = avro.props.get("connect.version") {
            let version = version.as_i64().and_then(|x| i32::try_from(x).ok());
            let version =
                version.ok_or_else(|| CodecError::Schema("Avro property connect.version is not a number".to_owned()))?;
            schema.version = Some(version);
        }
        if let Some(Json::Object(recorded)) = avro.props.get("connect.parameters") {
            // The recorded parameters are the original ones in their order; what follows from the type itself may be among them.
            let mut parameters: Vec<(Arc<str>, Arc<str>)> = Vec::with_capacity(recorded.len());
            for (key, value) in recorded {
                let text = value
                    .as_str()
                    .ok_or_else(|| CodecError::Schema(format!("Avro connect.parameters '{key}' is not a string")))?;
                parameters.push((key.as_str().into(), text.into()));
            }
            for (key, value) in std::mem::take(&mut schema.parameters) {
                if !recorded.contains_key(&*key) {
                    parameters.push((key, value));
                }
            }
            schema.parameters = parameters;
        }
        for (key, value) in &avro.props {
            if let (true, Json::String(text)) = (key.starts_with("avro") && schema.parameter(key).is_none(), value) {
                schema.parameters.push((key.as_str().into(), text.as_str().into()));
            }
        }
        let recorded = avro.props.get("connect.name").and_then(Json::as_str);
        let defined = match &avro.kind {
            Kind::Record { name, .. } | Kind::Enum { name, .. } | Kind::Fixed { name, .. } => Some(name.full()),
            _ => None,
        };
        let made_up = format!("{NAMESPACE}.{DEFAULT_NAME}");
        if let Some(name) = recorded.or(defined.as_deref()).filter(|name| !name.starts_with(&made_up)) {
            match &schema.name {
                Some(logical) if **logical != *name => {
                    return Err(CodecError::Schema(format!(
                        "Avro schema names the logical type '{logical}' and the Connect name '{name}' for one type"
                    )));
                }
                _ => schema.name = Some(name.into()),
            }
        }
        Ok(())
    }
}

fn logical_schema(kind: SchemaKind, name: &str) -> Schema {
    let mut schema = Schema::new(kind);
    schema.name = Some(name.into());
    schema.version = Some(1);
    schema
}

/// A default from its JSON form; the reverse of how `mapping.rs` writes it.
fn default_value(schema: &Schema, json: &Json) -> Option<Value> {
    if json.is_null() {
        return Some(Value::Null);
    }
    Some(match &schema.kind {
        SchemaKind::Boolean => Value::Boolean(json.as_bool()?),
        SchemaKind::Int8 => Value::Int8(i8::try_from(json.as_i64()?).ok()?),
        SchemaKind::Int16 => Value::Int16(i16::try_from(json.as_i64()?).ok()?),
        SchemaKind::Int32 => Value::Int32(i32::try_from(json.as_i64()?).ok()?),
        SchemaKind::Int64 => Value::Int64(json.as_i64()?),
        SchemaKind::Float32 => Value::Float32(match json {
            // Through the text, so that a float is not rounded twice.
            Json::Number(number) => number.to_string().parse().ok()?,
            other => other.as_str()?.parse().ok()?,
        }),
        SchemaKind::Float64 => Value::Float64(match json {
            Json::Number(number) => number.as_f64()?,
            other => other.as_str()?.parse().ok()?,
        }),
        SchemaKind::String => Value::from(json.as_str()?),
        SchemaKind::Bytes => {
            let bytes = json.as_str()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<Vec<u8>>>()?;
            Value::Bytes(Bytes::from(bytes))
        }
        SchemaKind::Array(item) => Value::Array(json.as_array()?.iter().map(|x| default_value(item, x)).collect::<Option<_>>()?),
        SchemaKind::Map { key, value } => {
            let entries = match json {
                Json::Object(members) => members
                    .iter()
                    .map(|(k, v)| Some((Value::from(k.as_str()), default_value(value, v)?)))
                    .collect::<Option<Vec<_>>>()?,
                other => other
                    .as_array()?
                    .iter()
                    .map(|entry| Some((default_value(key, entry.get("key")?)?, default_value(value, entry.get("value")?)?)))
                    .collect::<Option<Vec<_>>>()?,
            };
            Value::Map(entries)
        }
        SchemaKind::Struct(fields) => {
            let members = json.as_object()?;
            let values = fields.iter().map(|field| match members.get(&*field.name) {
                Some(x) => default_value(&field.schema, x),
                None => Some(field.schema.default.clone().unwrap_or_default()),
            });
            Value::Struct(values.collect::<Option<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::avro::mapping::to_avro;
    use crate::data::SchemaBuilder;
    use crate::data::logical::plain;

    fn round_trip(schema: &Arc<Schema>) -> Arc<Schema> {
        let options = AvroOptions::default();
        let text = to_avro(schema, &options).unwrap().to_text().unwrap();
        to_connect(&AvroSchema::parse(&text).unwrap(), &options).unwrap().unwrap()
    }

    #[test]
    fn a_file_header_gives_back_the_very_schema_that_was_written() {
        let source = SchemaBuilder::structure([("ts", plain(SchemaKind::Int64, false))]).name("s.Source").build();
        let schema = SchemaBuilder::structure([
            (
                "dec",
                logical::decimal(2)
                    .parameter(DECIMAL_PRECISION, "10")
                    .default(Value::Bytes(Bytes::from_static(&[0, 255])))
                    .build(),
            ),
            ("ts", logical::timestamp().optional().build()),
            ("time", logical::time().build()),
            ("opt", Schema::builder(SchemaKind::String).optional().default(Value::from("abc")).doc("d").build()),
            ("i8", Schema::builder(SchemaKind::Int8).default(Value::Int8(3)).build()),
            ("i16", plain(SchemaKind::Int16, true)),
            ("f", Schema::builder(SchemaKind::Float32).default(Value::Float32(0.1)).build()),
            (
                "m",
                Schema::builder(SchemaKind::Map { key: plain(SchemaKind::Int32, false), value: plain(SchemaKind::String, true) })
                    .build(),
            ),
            (
                "sm",
                Schema::builder(SchemaKind::Map {
                    key: plain(SchemaKind::String, false),
                    value: plain(SchemaKind::Float64, true),
                })
                .optional()
                .build(),
            ),
            ("a", Schema::builder(SchemaKind::Array(plain(SchemaKind::Bytes, true))).optional().build()),
            (
                "z",
                Schema::builder(SchemaKind::String)
                    .optional()
                    .name("io.debezium.time.ZonedTimestamp")
                    .version(1)
                    .parameter("x", "y")
                    .build(),
            ),
            ("one", source.clone()),
            ("two", source),
            ("inner", SchemaBuilder::structure([("x", plain(SchemaKind::Boolean, false))]).optional().build()),
        ])
        .name("srv.db.t.Value")
        .version(3)
        .parameter("k", "v")
        .build();
        assert_eq!(round_trip(&schema), schema);
    }

    #[test]
    fn wide_unions_become_structs_and_enums_strings() {
        let text = r#"{"type":"record","name":"R","doc":"about","fields":[{"name":"u","type":["null","int",{"type":"record","name":"a.B","fields":[]}]},{"name":"e","doc":"f","type":{"type":"enum","name":"E","symbols":["X"]}}]}"#;
        let schema = to_connect(&AvroSchema::parse(text).unwrap(), &AvroOptions::default()).unwrap().unwrap();
        let union = &schema.field("u").unwrap().schema;
        assert!(union.is_named(UNION) && union.optional);
        assert!(union.field("int").is_some() && union.field("a.B").is_some());
        assert_eq!(schema.field("e").unwrap().schema.parameter(ENUM), Some("E"));
        assert_eq!(schema.parameter(RECORD_DOC), Some("about"));
        assert_eq!(schema.parameter("io.confluent.connect.avro.field.doc.e"), Some("f"));
    }

    #[test]
    fn recursion_is_an_error_and_not_a_crash() {
        let text = r#"{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}"#;
        assert!(to_connect(&AvroSchema::parse(text).unwrap(), &AvroOptions::default()).is_err());
    }
}
