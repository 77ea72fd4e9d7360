//! Holds what the connector knows of the captured tables, and keeps it in step with schema changes.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ahash::AHashMap;
use serde_json::{Map, Value as Json};

use super::catalog::{CatalogOptions, SchemaChange, SchemaChangeKind, TableCatalog};
use super::column_types::TablePlan;
use super::config::MySqlConfig;
use super::ddl::{DdlError, Dialect};
use super::envelope::Emitter;
use super::filters::TableFilter;
use super::options::{EventOptions, Profile};
use super::position::{self, BinlogPosition};
use super::schema_history::{HistoryRecord, SchemaHistory};
use super::table::TableId;
use super::table_reader::ServerVariables;
use crate::plugin::Result;

/// The tables and everything that decides how their rows become records.
pub struct Capture {
    pub config: Arc<MySqlConfig>,
    pub filter: Arc<TableFilter>,
    pub options: Arc<EventOptions>,
    pub emitter: Emitter,
    pub catalog: TableCatalog,
    pub history: SchemaHistory,
    /// A statement was applied to the catalog, and its record is not known to be in the history. Reading the statement again
    /// needs the tables as they were before.
    pub ahead_of_history: bool,
    plans: AHashMap<TableId, Arc<TablePlan>>,
}

impl Capture {
    pub fn new(config: Arc<MySqlConfig>, filter: Arc<TableFilter>, options: Arc<EventOptions>, history: SchemaHistory) -> Self {
        let catalog = TableCatalog::new(CatalogOptions {
            dialect: Dialect::MySql,
            ignore_case: false,
            ansi_quotes: false,
            comments: config.settings.get("include.schema.comments") == Some("true"),
            server_charset: None,
        });
        let emitter = Emitter::new(&options);
        Self { config, filter, options, emitter, catalog, history, ahead_of_history: false, plans: AHashMap::new() }
    }

    /// Forgets all tables and takes over what the server says of itself.
    pub fn reset(&mut self, variables: &ServerVariables) {
        self.plans.clear();
        self.ahead_of_history = false;
        self.catalog = TableCatalog::new(CatalogOptions {
            dialect: if variables.is_mariadb { Dialect::MariaDb } else { Dialect::MySql },
            ignore_case: variables.lower_case_table_names != 0,
            ansi_quotes: variables.sql_mode.to_ascii_uppercase().contains("ANSI_QUOTES"),
            comments: self.options.include_comments,
            server_charset: Some(variables.character_set_server.clone()).filter(|charset| !charset.is_empty()),
        });
    }

    /// The plan for a captured table, or nothing if its structure is not known.
    ///
    /// # Errors
    /// `Config` if a setting does not fit the table.
    pub fn plan(&mut self, id: &TableId) -> Result<Option<Arc<TablePlan>>> {
        if let Some(plan) = self.plans.get(id) {
            return Ok(Some(plan.clone()));
        }
        let Some(table) = self.catalog.table(id) else { return Ok(None) };
        let plan = TablePlan::compile(table, &self.options)?;
        self.plans.insert(id.clone(), plan.clone());
        Ok(Some(plan))
    }

    /// Forgets the plans of the tables of a change.
    pub fn forget_plans(&mut self, change: &SchemaChange) {
        for change in &change.changes {
            self.plans.remove(&change.id);
            if let Some(previous) = &change.previous_id {
                self.plans.remove(previous);
            }
        }
        if change.kind == SchemaChangeKind::Database {
            self.plans.clear();
        }
    }

    /// Rebuilds the tables as they were at a position. Returns how many records of the history were applied.
    pub async fn recover(&mut self, position: &BinlogPosition, mariadb: bool) -> Result<usize> {
        self.plans.clear();
        let source = self.source();
        let position = position.clone();
        let before = move |recorded: &Map<String, Json>| position::is_at_or_before(recorded, &position, mariadb);
        let filter = self.filter.clone();
        let captured = move |table: &TableId| filter.captures(table);
        self.history.recover(&source, &before, &captured, &mut self.catalog).await
    }

    fn source(&self) -> Map<String, Json> {
        position::source_partition(&self.config.logical_name).as_ref().clone()
    }

    /// Applies a statement to the known tables.
    ///
    /// # Errors
    /// The statement concerns a captured table and could not be understood.
    pub fn apply(&mut self, ddl: &str, database: &str) -> Result<Vec<SchemaChange>, DdlError> {
        let filter = self.filter.clone();
        self.catalog.apply(ddl, database, &move |table| filter.captures(table))
    }

    /// Appends those of the changes to the history that it keeps; they are durable on return.
    pub async fn store(&mut self, changes: &[SchemaChange], position: &BinlogPosition) -> Result<()> {
        let old = self.options.profile <= Profile::V1_9;
        let position = position.to_map(self.options.profile);
        let records: Vec<HistoryRecord> = changes
            .iter()
            .filter(|change| self.history.keeps(change, &self.filter))
            .map(|change| {
                let record = HistoryRecord::new(change, self.source(), position.clone(), now_ms());
                // The time came with 2.0.
                HistoryRecord { ts_ms: record.ts_ms.filter(|_| !old), ..record }
            })
            .collect();
        if records.is_empty() { Ok(()) } else { self.history.store_all(&records).await }
    }
}

/// The wall clock in nanoseconds since the epoch.
pub fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

pub fn now_ms() -> i64 {
    now_ns() / 1_000_000
}
