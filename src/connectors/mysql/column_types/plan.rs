//! Compiles a table definition into everything its rows need.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mysql_common::packets::Column as ResultColumn;

use super::super::charset::Charset;
use super::super::defaults;
use super::super::envelope;
use super::super::filters::PatternList;
use super::super::options::{ConversionFailure, EventOptions};
use super::super::table::{Column, Table, TableId};
use super::convert::{self, Convert, ValueError};
use super::kind::Kind;
use super::names;
use super::schema::schema_builder;
use super::snapshot_rows::SnapshotReader;
use crate::data::{Schema, SchemaBuilder, Utf8Bytes, Value};
use crate::plugin::{ConnectError, Result};

/// Key and row of one table row, ready for an envelope. `key` is null if the table has no key.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub key: Value,
    /// `Value::Struct` in the order of [`TablePlan::row_schema`].
    pub row: Value,
}

/// Everything about one version of a table that rows need.
#[derive(Debug)]
pub struct TablePlan {
    pub table: Table,
    pub topic: Arc<str>,
    pub key_schema: Option<Arc<Schema>>,
    pub row_schema: Arc<Schema>,
    pub envelope_schema: Arc<Schema>,
    pub(in super::super) database: Utf8Bytes,
    pub(in super::super) table_name: Utf8Bytes,
    /// One per column of the table, in its order.
    pub(in super::super) columns: Vec<ColumnPlan>,
    row_width: usize,
    key: Vec<KeySource>,
    /// Columns whose value the key needs although the row lacks it or changes it.
    captured: usize,
}

/// Where a key field's value comes from.
#[derive(Clone, Copy, Debug)]
enum KeySource {
    Row(usize),
    Captured(usize),
}

/// The plan of one column.
#[derive(Debug)]
pub struct ColumnPlan {
    pub name: String,
    /// `None` for a type we do not know, which is only allowed for columns that are left out.
    pub kind: Option<Kind>,
    pub convert: Option<Convert>,
    /// What NULL becomes.
    pub null: Value,
    /// True if the schema lets a null pass.
    may_be_null: bool,
    pub row_slot: Option<usize>,
    pub captured_slot: Option<usize>,
    on_failure: ConversionFailure,
    on_invalid_date: ConversionFailure,
    failures: AtomicU64,
}

impl ColumnPlan {
    /// True if the value goes anywhere.
    pub fn is_needed(&self) -> bool {
        self.row_slot.is_some() || self.captured_slot.is_some()
    }

    /// Applies the settings about failed conversions.
    #[inline]
    pub fn settle(&self, table: &TableId, value: convert::Result<Value>) -> Result<Value> {
        match value {
            Ok(value) => Ok(value),
            Err(error) => self.settle_error(table, error),
        }
    }

    /// The same for conversions that answer `None` for a zero date.
    #[inline]
    pub fn settle_optional(&self, table: &TableId, value: convert::Result<Option<Value>>) -> Result<Value> {
        match value {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Ok(self.null.clone()),
            Err(error) => self.settle_error(table, error),
        }
    }

    #[cold]
    fn settle_error(&self, table: &TableId, error: ValueError) -> Result<Value> {
        let place = format!("column '{}' of table {table}", self.name);
        match error {
            ValueError::Malformed(what) => {
                Err(ConnectError::fatal(format!("cannot read {place}: the event or result holds {what}")))
            }
            ValueError::InvalidDate if self.on_invalid_date == ConversionFailure::Fail => Err(ConnectError::bad_record(format!(
                "cannot convert {place}: the row holds a date that no calendar has; correct the row, or set \
                 event.processing.failure.handling.mode=warn to send 1970-01-01 instead"
            ))),
            ValueError::InvalidDate => {
                self.report(table, "sent 1970-01-01 for a date that no calendar has");
                Ok(self.convert.as_ref().map(Convert::fallback).unwrap_or_default())
            }
            ValueError::Replaced(_) if self.on_failure == ConversionFailure::Fail => Err(ConnectError::bad_record(format!(
                "cannot convert {place}: its text has bytes that mean nothing in the column's character set; correct the row, \
                 or set event.converting.failure.handling.mode=warn to send replacement characters"
            ))),
            ValueError::Replaced(value) => {
                self.report(table, "replaced bytes that mean nothing in the column's character set");
                Ok(value)
            }
            ValueError::Unrepresentable(what) if self.on_failure == ConversionFailure::Fail || !self.may_be_null => {
                Err(ConnectError::bad_record(format!("cannot convert {place}: the row holds {what}; choose another mode")))
            }
            ValueError::Unrepresentable(_) => {
                self.report(table, "sent null for a value that the configured form cannot hold");
                Ok(Value::Null)
            }
        }
    }

    /// Logs the 1st, 2nd, 4th, 8th ... occurrence.
    fn report(&self, table: &TableId, what: &'static str) {
        let count = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if self.on_failure != ConversionFailure::Skip && count.is_power_of_two() {
            tracing::warn!(%table, column = self.name, count, "{what}");
        }
    }
}

impl TablePlan {
    /// # Errors
    /// `Config` if a setting does not fit the table, or if a column that is to be read has a type we do not know.
    pub fn compile(table: &Table, options: &Arc<EventOptions>) -> Result<Arc<Self>> {
        let key_columns = key_columns(table, options)?;
        let mut columns = Vec::with_capacity(table.columns.len());
        let mut fields: Vec<(String, Arc<Schema>)> = Vec::new();
        let mut key_schemas = vec![None; table.columns.len()];
        let mut captured = 0;
        for (index, column) in table.columns.iter().enumerate() {
            let in_row = options.column_filter.as_ref().is_none_or(|filter| (filter.0)(&table.id, &column.name));
            let in_key = key_columns.contains(&index);
            let mut plan = ColumnPlan {
                name: column.name.clone(),
                kind: Kind::of(column),
                convert: None,
                null: Value::Null,
                may_be_null: true,
                row_slot: None,
                captured_slot: None,
                on_failure: options.conversion_failure,
                on_invalid_date: options.invalid_dates,
                failures: AtomicU64::new(0),
            };
            if in_row || in_key {
                let kind = plan.kind.ok_or_else(|| unknown_type(&table.id, column))?;
                let convert = Convert::new(kind, column, charset_of(&table.id, column, kind), options);
                let default = defaults::parse(kind, column, &convert, options)?;
                let schema = field_schema(kind, column, default.clone(), options);
                plan.may_be_null = schema.optional || schema.default.is_some();
                plan.null = if column.optional { Value::Null } else { default.unwrap_or_else(|| convert.fallback()) };
                plan.convert = Some(convert);
                if in_row {
                    plan.row_slot = Some(fields.len());
                    fields.push((names::field_name(options.field_names, &column.name), schema.clone()));
                }
                if in_key {
                    key_schemas[index] = Some(schema);
                    if !in_row {
                        plan.captured_slot = Some(captured);
                        captured += 1;
                    }
                }
            }
            columns.push(plan);
        }
        let key = key_columns.iter().filter_map(|index| {
            let column = &columns[*index];
            column.captured_slot.map(KeySource::Captured).or(column.row_slot.map(KeySource::Row))
        });
        let key: Vec<KeySource> = key.collect();
        let topic = names::topic(options, &table.id);
        let name = |suffix: &str| names::schema_name(options.schema_names, &format!("{topic}.{suffix}"));
        let key_fields = key_columns.iter().filter_map(|index| {
            let schema = key_schemas[*index].clone()?;
            Some((names::field_name(options.field_names, &table.columns[*index].name), schema))
        });
        let key_schema = (!key.is_empty()).then(|| SchemaBuilder::structure(key_fields).name(name("Key")).build());
        let row_width = fields.len();
        let row_schema = SchemaBuilder::structure(fields).name(name("Value")).optional().build();
        let envelope_schema = envelope::envelope_schema(&name("Envelope"), &row_schema, options);
        Ok(Arc::new(Self {
            topic: topic.into(),
            key_schema,
            row_schema,
            envelope_schema,
            database: Utf8Bytes::from(&*table.id.database),
            table_name: Utf8Bytes::from(&*table.id.table),
            columns,
            row_width,
            key,
            captured,
            table: table.clone(),
        }))
    }

    /// The columns a snapshot must read, in table order: those of the row and those of the key.
    pub fn select_columns(&self) -> Vec<&str> {
        self.columns.iter().filter(|column| column.is_needed()).map(|column| column.name.as_str()).collect()
    }

    /// Prepares the reading of one result set. Columns the plan does not need are ignored.
    ///
    /// # Errors
    /// `Fatal` if a needed column is missing.
    pub fn snapshot_reader(self: &Arc<Self>, columns: &[ResultColumn]) -> Result<SnapshotReader> {
        SnapshotReader::new(self, columns)
    }
}

/// Collects the values of one row. Needed columns are pushed in table order.
pub struct RowBuilder<'a> {
    plan: &'a TablePlan,
    row: Vec<Value>,
    captured: Vec<Value>,
}

impl<'a> RowBuilder<'a> {
    pub fn new(plan: &'a TablePlan) -> Self {
        Self { plan, row: Vec::with_capacity(plan.row_width), captured: Vec::with_capacity(plan.captured) }
    }

    #[inline]
    pub fn push(&mut self, column: &ColumnPlan, value: Value) {
        if column.row_slot.is_some() {
            self.row.push(value);
        } else if column.captured_slot.is_some() {
            self.captured.push(value);
        }
    }

    pub fn finish(self) -> Row {
        debug_assert_eq!(self.row.len(), self.plan.row_width, "every needed column was pushed");
        let value = |source: &KeySource| {
            let value = match source {
                KeySource::Row(slot) => self.row.get(*slot),
                KeySource::Captured(slot) => self.captured.get(*slot),
            };
            value.cloned().unwrap_or_default()
        };
        let key = match self.plan.key.as_slice() {
            [] => Value::Null,
            sources => Value::Struct(sources.iter().map(value).collect()),
        };
        Row { key, row: Value::Struct(self.row.into_boxed_slice()) }
    }
}

/// Finds the key's columns: those of `message.key.columns`, else the primary key.
fn key_columns(table: &Table, options: &EventOptions) -> Result<Vec<usize>> {
    let custom = message_key_columns(table, options)?;
    if !custom.is_empty() {
        return Ok(custom);
    }
    let find = |name: &String| {
        table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            ConnectError::fatal(format!("the key of table {} names column '{name}', which the table does not have", table.id))
        })
    };
    table.primary_key.iter().map(find).collect()
}

/// `message.key.columns`: entries `tables:column,column` separated by `;`, both halves Java regular expressions.
/// Debezium: Key.CustomKeyMapper matches `tables.column` against `database.table.column`.
fn message_key_columns(table: &Table, options: &EventOptions) -> Result<Vec<usize>> {
    const KEY: &str = "message.key.columns";
    let mut found = Vec::new();
    let entries = options.message_key_columns.iter().flat_map(|setting| setting.split(';'));
    for entry in entries.map(str::trim).filter(|entry| !entry.is_empty()) {
        let (tables, columns) = entry
            .split_once(':')
            .ok_or_else(|| ConnectError::config(format!("cannot read entry '{entry}' of {KEY}: expected <tables>:<columns>")))?;
        for column in columns.split(',').map(str::trim).filter(|column| !column.is_empty()) {
            let pattern = PatternList::new(KEY, &format!("{}.{column}", tables.trim()))?;
            let matches =
                table.columns.iter().enumerate().filter(|(index, column)| {
                    !found.contains(index) && pattern.matches(&format!("{}.{}", table.id, column.name))
                });
            let matches: Vec<usize> = matches.map(|(index, _)| index).collect();
            found.extend(matches);
        }
    }
    Ok(found)
}

fn field_schema(kind: Kind, column: &Column, default: Option<Value>, options: &EventOptions) -> Arc<Schema> {
    let mut builder = schema_builder(kind, column, options);
    if column.optional {
        builder = builder.optional();
    }
    if let Some(comment) = column.comment.as_ref().filter(|_| options.include_comments) {
        builder = builder.doc(comment.as_str());
    }
    if let Some(default) = default {
        builder = builder.default(default);
    }
    builder.build()
}

/// The charset of a text column; UTF-8 if it has none or one we do not know, as Debezium does.
fn charset_of(table: &TableId, column: &Column, kind: Kind) -> Charset {
    let known = column.charset.as_deref().and_then(Charset::by_name);
    if known.is_none() && kind == Kind::Text {
        tracing::warn!(%table, column = column.name, charset = column.charset, "reading as UTF-8: the column's charset is unknown");
    }
    known.unwrap_or(Charset::Utf8)
}

fn unknown_type(table: &TableId, column: &Column) -> ConnectError {
    ConnectError::config(format!(
        "cannot capture table {table}: column '{}' has type '{}', which is not known; leave it out with column.exclude.list",
        column.name, column.type_name
    ))
}
