//! Makes the records of the schema change topic.

use std::sync::Arc;

use serde_json::Value as Json;

use super::capture::{Capture, now_ms};
use super::catalog::{SchemaChange, TableChange};
use super::envelope::{SourceInfo, source_schema};
use super::options::{EventOptions, Profile};
use super::schema_history::change_to_document;
use crate::data::logical::plain;
use crate::data::{ConnectRecord, Schema, SchemaAndValue, SchemaBuilder, SchemaKind, Utf8Bytes, Value};

/// The schemas of the topic's records.
pub struct SchemaChangeRecords {
    /// `include.schema.changes`.
    enabled: bool,
    profile: Profile,
    topic: Arc<str>,
    key_schema: Arc<Schema>,
    value_schema: Arc<Schema>,
}

impl SchemaChangeRecords {
    pub fn new(options: &EventOptions, enabled: bool) -> Self {
        let connector = options.connector.name();
        let profile = options.profile;
        // Debezium 1.x gave these schemas no version.
        let versioned = |schema: SchemaBuilder| if profile > Profile::V1_9 { schema.version(1) } else { schema };
        let key = SchemaBuilder::structure([("databaseName", plain(SchemaKind::String, false))])
            .name(format!("io.debezium.connector.{connector}.SchemaChangeKey"));
        let text = || plain(SchemaKind::String, true);
        let mut fields = vec![("source", source_schema(options))];
        if profile > Profile::V1_9 {
            fields.push(("ts_ms", plain(SchemaKind::Int64, false)));
        }
        fields.push(("databaseName", text()));
        if profile >= Profile::V1_9 {
            fields.push(("schemaName", text()));
        }
        fields.push(("ddl", text()));
        if profile >= Profile::V1_9 {
            let changes = Schema::builder(SchemaKind::Array(change_schema(profile))).build();
            fields.push(("tableChanges", changes));
        }
        let value = SchemaBuilder::structure(fields).name(format!("io.debezium.connector.{connector}.SchemaChangeValue"));
        Self {
            enabled,
            profile,
            topic: options.server_name.clone(),
            key_schema: versioned(key).build(),
            value_schema: versioned(value).build(),
        }
    }

    /// Appends the record of a change, if the settings want it.
    pub fn emit(&self, capture: &Capture, source: &SourceInfo, change: &SchemaChange, out: &mut Vec<ConnectRecord>) {
        use super::catalog::SchemaChangeKind::Truncate;
        // mysql-observed.md: 1.x left out databases outside the filters, and published TRUNCATE.
        let old = self.profile <= Profile::V1_9;
        let captured = change.database.is_empty() || capture.filter.captures_database(&change.database);
        if !self.enabled || old && !captured || !old && change.kind == Truncate {
            return;
        }
        let database = Utf8Bytes::from(change.database.clone());
        let tables = change.tables.iter().map(|id| &*id.table).collect::<Vec<_>>().join(",");
        let table = (!tables.is_empty()).then(|| Utf8Bytes::from(tables));
        let document: Vec<Json> = change.changes.iter().map(document_of).collect();
        let value = self
            .value_schema
            .fields()
            .map(|fields| {
                fields
                    .iter()
                    .map(|field| match &*field.name {
                        "source" => capture.emitter.source(source, &database, table.as_ref()),
                        "ts_ms" => Value::Int64(now_ms()),
                        "databaseName" => Value::String(database.clone()),
                        "ddl" => Value::string(change.ddl.clone()),
                        "tableChanges" => from_json(&Json::Array(document.clone()), &field.schema),
                        _ => Value::Null,
                    })
                    .collect()
            })
            .unwrap_or_default();
        out.push(ConnectRecord {
            topic: self.topic.clone(),
            partition: Some(0),
            kafka_offset: None,
            key: SchemaAndValue::new(self.key_schema.clone(), Value::Struct(Box::new([Value::String(database)]))),
            value: SchemaAndValue::new(self.value_schema.clone(), Value::Struct(value)),
            timestamp_ms: None,
            headers: capture.emitter.headers().clone(),
        });
    }
}

/// The history's document of a change; here the comment is a member of the table.
fn document_of(change: &TableChange) -> Json {
    let mut document = change_to_document(change);
    if let Some(comment) = document.get_mut("comment").map(Json::take)
        && let Some(Json::Object(table)) = document.get_mut("table")
    {
        table.insert("comment".to_owned(), comment);
    }
    document
}

/// `io.debezium.connector.schema.Change` with its table and columns.
fn change_schema(profile: Profile) -> Arc<Schema> {
    let text = |optional| plain(SchemaKind::String, optional);
    let number = |optional| plain(SchemaKind::Int32, optional);
    let flag = || plain(SchemaKind::Boolean, true);
    let texts = || Schema::builder(SchemaKind::Array(text(false))).optional().build();
    let versioned = |schema: SchemaBuilder| if profile > Profile::V1_9 { schema.version(1) } else { schema };
    let mut fields = vec![
        ("name", text(false)),
        ("jdbcType", number(false)),
        ("nativeType", number(true)),
        ("typeName", text(false)),
        ("typeExpression", text(true)),
        ("charsetName", text(true)),
        ("length", number(true)),
        ("scale", number(true)),
        ("position", number(false)),
        ("optional", flag()),
        ("autoIncremented", flag()),
        ("generated", flag()),
        ("comment", text(true)),
    ];
    if profile > Profile::V1_9 {
        fields.push(("defaultValueExpression", text(true)));
        fields.push(("enumValues", texts()));
    }
    let column = versioned(SchemaBuilder::structure(fields).name("io.debezium.connector.schema.Column")).build();
    let table = SchemaBuilder::structure([
        ("defaultCharsetName", text(true)),
        ("primaryKeyColumnNames", texts()),
        ("columns", Schema::builder(SchemaKind::Array(column)).build()),
        ("comment", text(true)),
    ])
    .name("io.debezium.connector.schema.Table")
    .optional();
    versioned(
        SchemaBuilder::structure([("type", text(false)), ("id", text(false)), ("table", versioned(table).build())])
            .name("io.debezium.connector.schema.Change"),
    )
    .build()
}

/// The members of a JSON document that a schema names.
fn from_json(document: &Json, schema: &Schema) -> Value {
    match (&schema.kind, document) {
        (SchemaKind::String, Json::String(text)) => Value::string(text.clone()),
        (SchemaKind::Boolean, Json::Bool(flag)) => Value::Boolean(*flag),
        (SchemaKind::Int32, Json::Number(number)) => {
            number.as_i64().and_then(|number| i32::try_from(number).ok()).map_or(Value::Null, Value::Int32)
        }
        (SchemaKind::Array(item), Json::Array(items)) => Value::Array(items.iter().map(|x| from_json(x, item)).collect()),
        (SchemaKind::Struct(fields), Json::Object(members)) => Value::Struct(
            fields
                .iter()
                .map(|field| members.get(&*field.name).map_or(Value::Null, |member| from_json(member, &field.schema)))
                .collect(),
        ),
        _ => Value::Null,
    }
}
