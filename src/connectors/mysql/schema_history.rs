//! Stores every schema change with its position, and rebuilds the tables as they were at a position.

use serde_json::{Map, Value as Json};

use super::catalog::{TableCatalog, TableChange};
use crate::config::ConfigMap;
use crate::plugin::{ConnectError, Result};

/// One record of the history, in Debezium's form.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRecord {
    /// `{"server": "<topic.prefix>"}`
    pub source: Map<String, Json>,
    /// The source offset at the change.
    pub position: Map<String, Json>,
    pub ts_ms: Option<i64>,
    pub database: Option<String>,
    pub ddl: Option<String>,
    pub changes: Vec<TableChange>,
}

/// Where the history is kept.
pub struct SchemaHistory {}

impl SchemaHistory {
    /// Reads the `schema.history.internal*` (or `database.history*`) keys of a connector config. Nothing is contacted yet.
    ///
    /// # Errors
    /// `Config` for an unknown class or a missing key.
    pub fn from_config(config: &ConfigMap) -> Result<Self> {
        let _ = config;
        Err(ConnectError::fatal("the schema history is not ready"))
    }

    /// True if the storage (topic, file) is there.
    pub async fn exists(&mut self) -> Result<bool> {
        Err(ConnectError::fatal("the schema history is not ready"))
    }

    /// Creates the storage if it is missing.
    pub async fn initialize(&mut self) -> Result<()> {
        Err(ConnectError::fatal("the schema history is not ready"))
    }

    /// Appends a record and returns when it is durable.
    pub async fn store(&mut self, record: &HistoryRecord) -> Result<()> {
        let _ = record;
        Err(ConnectError::fatal("the schema history is not ready"))
    }

    /// Replays the records of `source` for whose position `is_at_or_before` says true into `catalog`. Returns how many were applied.
    pub async fn recover(
        &mut self,
        source: &Map<String, Json>,
        is_at_or_before: &(dyn for<'a> Fn(&'a Map<String, Json>) -> bool + Send + Sync),
        catalog: &mut TableCatalog,
    ) -> Result<usize> {
        let _ = (source, is_at_or_before, catalog);
        Err(ConnectError::fatal("the schema history is not ready"))
    }
}
