//! Describes a topic's files as a Hive table: columns, storage classes and the schema that readers use.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use super::thrift::{Struct, Value};
use crate::data::{Schema, SchemaBuilder, SchemaKind};
use crate::plugin::Result;

/// A key of a table's partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionField {
    pub name: String,
    pub hive_type: &'static str,
}

/// Writes a Connect schema as the schema text of a file format.
pub type SchemaText = Arc<dyn Fn(&Arc<Schema>) -> Result<String> + Send + Sync>;

/// How the files of a table are stored.
#[derive(Clone)]
pub enum TableFormat {
    /// `schema_text` must be the function that makes the schema in the files.
    Avro { schema_text: SchemaText },
}

/// What the metastore has to know about one table.
pub(super) struct TableDefinition<'a> {
    pub database: &'a str,
    pub name: &'a str,
    /// The topic's directory as a full URL.
    pub location: &'a str,
    pub partition_fields: &'a [PartitionField],
    pub schema: &'a Schema,
    pub created_at_s: i32,
}

const AVRO_SCHEMA_LITERAL: &str = "avro.schema.literal";
const AVRO_SERDE: &str = "org.apache.hadoop.hive.serde2.avro.AvroSerDe";
const AVRO_INPUT: &str = "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat";
const AVRO_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat";

/// Field ids of the metastore's Thrift structs (hive_metastore.thrift).
pub(super) mod table_field {
    pub const STORAGE: i16 = 7;
    pub const PARTITION_KEYS: i16 = 8;
    pub const PARAMETERS: i16 = 9;
    pub const STORAGE_LOCATION: i16 = 2;
}

/// Builds the external table that HDFS sinks create.
/// Source: contracts/hdfs-sink.md, section 10.4.
pub(super) fn table(definition: &TableDefinition, format: &TableFormat) -> Result<Struct> {
    let TableFormat::Avro { schema_text } = format;
    let literal = schema_literal(definition.schema, definition.partition_fields, schema_text)?;
    let keys = definition.partition_fields.iter().map(|field| column(&field.name, field.hive_type, ""));
    let serde = Struct::new([(2, Value::text(AVRO_SERDE)), (3, Value::text_map([("serialization.format", "1")]))]);
    let skewed = Struct::new([
        (1, Value::texts::<&str>([])),
        (2, Value::List { item_type: LIST_TYPE, items: Vec::new() }),
        (3, Value::Map { key_type: LIST_TYPE, value_type: TEXT_TYPE, entries: Vec::new() }),
    ]);
    let storage = Struct::new([
        (1, Value::structs(columns(definition.schema, definition.partition_fields))),
        (2, Value::text(definition.location)),
        (3, Value::text(AVRO_INPUT)),
        (4, Value::text(AVRO_OUTPUT)),
        (5, Value::Bool(false)),
        (6, Value::I32(-1)),
        (7, Value::Struct(serde)),
        (8, Value::texts::<&str>([])),
        (9, Value::structs([])),
        (10, Value::text_map::<&str, &str>([])),
        (11, Value::Struct(skewed)),
        (12, Value::Bool(false)),
    ]);
    Ok(Struct::new([
        (1, Value::text(definition.name)),
        (2, Value::text(definition.database)),
        (4, Value::I32(definition.created_at_s)),
        (5, Value::I32(0)),
        (6, Value::I32(0)),
        (7, Value::Struct(storage)),
        (8, Value::structs(keys)),
        (9, Value::text_map([("EXTERNAL", "TRUE"), (AVRO_SCHEMA_LITERAL, literal.as_str())])),
        (12, Value::text("EXTERNAL_TABLE")),
    ]))
}

const LIST_TYPE: u8 = 15;
const TEXT_TYPE: u8 = 11;

/// Gives an existing table a new schema. For Avro that is the schema literal alone; columns stay as created.
pub(super) fn evolve(
    table: &mut Struct,
    schema: &Schema,
    partition_fields: &[PartitionField],
    format: &TableFormat,
) -> Result<()> {
    let TableFormat::Avro { schema_text } = format;
    let literal = schema_literal(schema, partition_fields, schema_text)?;
    let mut entries = match table.get(table_field::PARAMETERS) {
        Some(Value::Map { entries, .. }) => entries.clone(),
        _ => Vec::new(),
    };
    let key = Value::text(AVRO_SCHEMA_LITERAL);
    entries.retain(|(name, _)| *name != key);
    entries.push((key, Value::text(literal)));
    table.set(table_field::PARAMETERS, Value::Map { key_type: TEXT_TYPE, value_type: TEXT_TYPE, entries });
    Ok(())
}

/// Whether the schema literal of one version of a table has the fields of another version's and more.
pub(super) fn only_adds_fields(before: &Struct, after: &Struct) -> bool {
    match (literal_fields(before), literal_fields(after)) {
        (Some(before), Some(after)) => after.len() > before.len() && before.is_subset(&after),
        // A table that somebody else described otherwise.
        _ => false,
    }
}

/// The names of the fields in a table's schema literal.
fn literal_fields(table: &Struct) -> Option<BTreeSet<String>> {
    let Some(Value::Map { entries, .. }) = table.get(table_field::PARAMETERS) else { return None };
    let (_, literal) = entries.iter().find(|(name, _)| name.as_text() == Some(AVRO_SCHEMA_LITERAL))?;
    let schema: Json = serde_json::from_str(literal.as_text()?).ok()?;
    schema["fields"].as_array()?.iter().map(|field| field["name"].as_str().map(str::to_owned)).collect()
}

/// The Avro schema of the columns: an unnamed struct of the fields that are not partition keys, hence always the
/// record `ConnectDefault`.
fn schema_literal(schema: &Schema, partition_fields: &[PartitionField], schema_text: &SchemaText) -> Result<String> {
    let fields = data_fields(schema, partition_fields).map(|(name, schema)| (name.clone(), schema.clone()));
    schema_text(&SchemaBuilder::structure(fields).build())
}

fn columns(schema: &Schema, partition_fields: &[PartitionField]) -> Vec<Struct> {
    data_fields(schema, partition_fields)
        .map(|(name, schema)| column_with_optional_comment(name, &hive_type(schema), schema.doc.as_deref()))
        .collect()
}

fn data_fields<'a>(
    schema: &'a Schema,
    partition_fields: &'a [PartitionField],
) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<Schema>)> {
    let is_key = move |name: &str| partition_fields.iter().any(|field| field.name == name);
    let fields = schema.fields().map(|fields| fields.iter()).into_iter().flatten();
    fields.filter(move |field| !is_key(&field.name)).map(|field| (&field.name, &field.schema))
}

fn column(name: &str, hive_type: &str, comment: &str) -> Struct {
    column_with_optional_comment(name, hive_type, Some(comment))
}

fn column_with_optional_comment(name: &str, hive_type: &str, comment: Option<&str>) -> Struct {
    let mut column = Struct::new([(1, Value::text(name)), (2, Value::text(hive_type))]);
    if let Some(comment) = comment {
        column.set(3, Value::text(comment));
    }
    column
}

/// Hive's type of a column. Logical types show as what they physically are; readers of Avro tables take the types
/// from the schema literal. Source: contracts/hdfs-sink.md, section 10.5.
fn hive_type(schema: &Schema) -> String {
    match &schema.kind {
        SchemaKind::Boolean => "boolean".to_owned(),
        SchemaKind::Int8 => "tinyint".to_owned(),
        SchemaKind::Int16 => "smallint".to_owned(),
        SchemaKind::Int32 => "int".to_owned(),
        SchemaKind::Int64 => "bigint".to_owned(),
        SchemaKind::Float32 => "float".to_owned(),
        SchemaKind::Float64 => "double".to_owned(),
        SchemaKind::String => "string".to_owned(),
        SchemaKind::Bytes => "binary".to_owned(),
        SchemaKind::Array(item) => format!("array<{}>", hive_type(item)),
        SchemaKind::Map { key, value } => format!("map<{},{}>", hive_type(key), hive_type(value)),
        SchemaKind::Struct(fields) => {
            let fields = fields.iter().map(|field| format!("{}:{}", field.name, hive_type(&field.schema)));
            format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::logical::{self, plain};

    fn schema() -> Arc<Schema> {
        SchemaBuilder::structure([
            ("id", plain(SchemaKind::Int32, false)),
            ("price", logical::decimal(2).optional().build()),
            ("tags", plain(SchemaKind::Array(plain(SchemaKind::String, false)), true)),
            ("day", logical::date().doc("settlement").build()),
            ("region", plain(SchemaKind::String, false)),
        ])
        .name("server.db.t.Value")
        .build()
    }

    fn key() -> PartitionField {
        PartitionField { name: "region".to_owned(), hive_type: "string" }
    }

    #[test]
    fn logical_types_show_their_physical_form() {
        let columns = columns(&schema(), &[key()]);
        let shown = columns.iter().map(|c| (c.text(1).unwrap(), c.text(2).unwrap(), c.text(3))).collect::<Vec<_>>();
        assert_eq!(
            shown,
            [("id", "int", None), ("price", "binary", None), ("tags", "array<string>", None), ("day", "int", Some("settlement")),]
        );
    }

    #[test]
    fn an_avro_table_carries_the_schema_without_partition_keys() {
        let definition = TableDefinition {
            database: "db",
            name: "t",
            location: "hdfs://h/topics/t",
            partition_fields: &[key()],
            schema: &schema(),
            created_at_s: 1,
        };
        let field_names = |schema: &Arc<Schema>| {
            assert_eq!(schema.name, None);
            Ok(schema.fields().unwrap().iter().map(|field| &*field.name).collect::<Vec<_>>().join(" "))
        };
        let table = table(&definition, &TableFormat::Avro { schema_text: Arc::new(field_names) }).unwrap();
        let Some(Value::Map { entries, .. }) = table.get(table_field::PARAMETERS) else { panic!("no parameters") };
        let literal = entries.iter().find(|(key, _)| key.as_text() == Some(AVRO_SCHEMA_LITERAL)).unwrap().1.as_text().unwrap();
        assert_eq!(literal, "id price tags day");
    }

    #[test]
    fn a_schema_that_drops_or_renames_fields_does_not_only_add() {
        let format = TableFormat::Avro {
            schema_text: Arc::new(|schema| {
                let fields = schema.fields().unwrap().iter().map(|field| serde_json::json!({"name": &*field.name}));
                Ok(serde_json::json!({"type": "record", "fields": fields.collect::<Vec<_>>()}).to_string())
            }),
        };
        let with = |fields: &[&str]| {
            let fields = fields.iter().map(|name| (*name, plain(SchemaKind::String, true)));
            let mut table = Struct::default();
            evolve(&mut table, &SchemaBuilder::structure(fields).build(), &[key()], &format).unwrap();
            table
        };
        let before = with(&["id", "name", "region"]);
        for (after, adds) in [
            (with(&["id", "name", "age", "region"]), true),
            (with(&["age", "name", "id"]), true),
            (with(&["id", "name"]), false),
            (with(&["id", "age", "zip"]), false),
            (with(&["id"]), false),
        ] {
            assert_eq!(only_adds_fields(&before, &after), adds, "{after:?}");
        }
        assert!(!only_adds_fields(&Struct::default(), &before));
    }
}
