//! Stores every schema change with its position, and rebuilds the tables as they were at a position.
//!
//! Order of use: `from_config`; `exists` (asks before anything is created); for a first start or a lost history
//! `initialize` and then `store` for each change; for a restart `recover`, then `store`. A change is stored before any
//! record of the new structure is sent.

mod json;
mod settings;
mod store;

use serde_json::{Map, Value as Json};

use super::catalog::{ChangeKind, SchemaChange, SchemaChangeKind, TableCatalog, TableChange};
use super::filters::TableFilter;
use super::table::TableId;
use crate::config::ConfigMap;
use crate::plugin::{ConnectError, Result};
use settings::Settings;
use store::Store;

pub use json::{change_to_document, jdbc_type};
pub use settings::knows;

/// One record of the history, in Debezium's form.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRecord {
    /// `{"server": "<topic.prefix>"}`
    pub source: Map<String, Json>,
    /// The source offset at the change.
    pub position: Map<String, Json>,
    pub ts_ms: Option<i64>,
    /// The session's database where nothing else is known; empty for the whole server.
    pub database: Option<String>,
    pub ddl: Option<String>,
    pub changes: Vec<TableChange>,
}

impl HistoryRecord {
    pub fn new(change: &SchemaChange, source: Map<String, Json>, position: Map<String, Json>, ts_ms: i64) -> Self {
        Self {
            source,
            position,
            ts_ms: Some(ts_ms),
            database: Some(change.database.clone()),
            ddl: Some(change.ddl.clone()),
            changes: change.changes.clone(),
        }
    }

    /// The text of the Kafka record: Debezium's fields in Debezium's order and layout.
    pub fn to_json(&self) -> String {
        json::pretty(&json::to_document(self))
    }

    /// # Errors
    /// What is wrong with the text.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        let document = serde_json::from_slice(text).map_err(|error| format!("it is not JSON: {error}"))?;
        json::from_document(document)
    }
}

/// The history of one connector.
pub struct SchemaHistory {
    settings: Settings,
    store: Store,
}

impl SchemaHistory {
    /// Reads the `schema.history.internal*` (or `database.history*`) keys of a connector config. Nothing is contacted yet.
    ///
    /// # Errors
    /// `Config` for an unknown class, a missing key or a bad value.
    pub fn from_config(config: &ConfigMap) -> Result<Self> {
        let settings = Settings::from_config(config)?;
        Ok(Self { store: Store::new(&settings.storage), settings })
    }

    /// Where the history is kept, for messages: `topic 'x'`, `file '/x'`.
    pub fn place(&self) -> String {
        self.store.place()
    }

    /// True if the storage is there and holds at least one record.
    ///
    /// # Errors
    /// `Retriable` if the storage does not answer.
    pub async fn exists(&mut self) -> Result<bool> {
        self.store.exists().await
    }

    /// The error of a connector that has an offset but no history.
    pub fn missing(&self) -> ConnectError {
        ConnectError::fatal(format!(
            "The db history topic is missing. You may attempt to recover it by reconfiguring the connector to recovery. \
             ({} has no records, but an offset is stored: set 'snapshot.mode' to 'recovery' if no captured table was altered \
             since the connector last ran, or delete the connector's offsets for a new snapshot)",
            self.place()
        ))
    }

    /// Creates the storage if it is missing.
    ///
    /// # Errors
    /// `Retriable` if the storage does not answer, `Config` if it may not be created.
    pub async fn initialize(&mut self) -> Result<()> {
        self.store.initialize().await
    }

    /// Appends a record and returns when it is durable.
    ///
    /// # Cancel safety
    /// A dropped call may or may not have stored the record; storing it again does no harm.
    pub async fn store(&mut self, record: &HistoryRecord) -> Result<()> {
        self.store.append(std::slice::from_ref(record)).await
    }

    /// Appends records in order, without waiting for each before the next, as a snapshot needs it.
    ///
    /// # Cancel safety
    /// As `store`.
    pub async fn store_all(&mut self, records: &[HistoryRecord]) -> Result<()> {
        self.store.append(records).await
    }

    /// Replays into `catalog` the records of `source` for whose position `is_at_or_before` says true, and returns how
    /// many those are. `captured` decides which unreadable statements matter.
    ///
    /// # Errors
    /// `Retriable` if the storage does not answer, `Fatal` for a statement of a captured table that cannot be
    /// understood (unless `skip.unparseable.ddl` is set).
    pub async fn recover(
        &mut self,
        source: &Map<String, Json>,
        is_at_or_before: &(dyn Fn(&Map<String, Json>) -> bool + Send + Sync),
        captured: &(dyn Fn(&TableId) -> bool + Send + Sync),
        catalog: &mut TableCatalog,
    ) -> Result<usize> {
        let mut applied = 0;
        for record in self.store.read().await? {
            if record.source != *source || !is_at_or_before(&record.position) {
                tracing::debug!(ddl = record.ddl.as_deref().unwrap_or_default(), "history record left out");
                continue;
            }
            self.apply(record, captured, catalog)?;
            applied += 1;
        }
        Ok(applied)
    }

    fn apply(&self, record: HistoryRecord, captured: &dyn Fn(&TableId) -> bool, catalog: &mut TableCatalog) -> Result<()> {
        if !record.changes.is_empty() && !self.settings.prefer_ddl {
            for change in record.changes {
                if let Some(previous) = &change.previous_id {
                    catalog.remove(previous);
                }
                match (change.kind, change.table) {
                    (ChangeKind::Drop, _) | (_, None) => {
                        catalog.remove(&change.id);
                    }
                    (_, Some(table)) => catalog.put(table),
                }
            }
            return Ok(());
        }
        let Some(ddl) = record.ddl.filter(|ddl| !self.settings.ddl_filter.matches(ddl)) else {
            return Ok(());
        };
        match catalog.apply(&ddl, record.database.as_deref().unwrap_or_default(), captured) {
            Ok(_) => Ok(()),
            Err(error) if self.settings.skip_unparseable => {
                tracing::warn!(%error, "statement of the schema history ignored");
                Ok(())
            }
            Err(error) => Err(ConnectError::fatal(format!(
                "cannot rebuild the tables from the schema history in {}; set 'schema.history.internal.skip.unparseable.ddl' \
                 to ignore such statements",
                self.place()
            ))
            .caused_by(error)),
        }
    }

    /// True for statements that are neither applied nor stored: those of `ddl.filter` (GRANT, views, routines,
    /// the heartbeats of managed databases). TRUNCATE passes, because it makes a record of its own.
    pub fn ignores(&self, ddl: &str) -> bool {
        self.settings.ddl_filter.matches(ddl)
    }

    /// `skip.unparseable.ddl`: a statement that cannot be understood is logged and left out.
    pub fn skips_unparseable(&self) -> bool {
        self.settings.skip_unparseable
    }

    pub fn stores_only_captured_tables(&self) -> bool {
        self.settings.only_captured_tables
    }

    pub fn stores_only_captured_databases(&self) -> bool {
        self.settings.only_captured_databases
    }

    /// True if this change belongs into the history (and on the schema change topic) by the `store.only.captured.*`
    /// settings. Debezium: BinlogDatabaseSchema.applySchemaChange, skipSchemaChangeEvent. Beyond it, statements about a
    /// captured database itself are kept, because its tables inherit their character set from it.
    pub fn keeps(&self, change: &SchemaChange, filter: &TableFilter) -> bool {
        if change.kind == SchemaChangeKind::Truncate {
            return false;
        }
        let other_database = !change.database.is_empty() && !filter.captures_database(&change.database);
        if self.settings.only_captured_databases && other_database {
            return false;
        }
        !self.settings.only_captured_tables
            || change.sets_server_variables
            || change.tables.iter().any(|table| filter.captures(table))
            || (is_about_database(&change.ddl) && !other_database && !change.database.is_empty())
    }
}

fn is_about_database(ddl: &str) -> bool {
    let mut words = ddl.split_ascii_whitespace();
    let is =
        |word: Option<&str>, known: &[&str]| word.is_some_and(|word| known.iter().any(|known| known.eq_ignore_ascii_case(word)));
    is(words.next(), &["CREATE", "ALTER", "DROP"]) && is(words.next(), &["DATABASE", "SCHEMA"])
}

#[cfg(test)]
mod tests;
