//! Maps MySQL columns to Connect schemas and value plans; the same table serves snapshot and binlog.
//!
//! A [`TablePlan`] is compiled once per version of a table. Rows then only walk arrays: no names, no type tests.
//!
//! # What the snapshot's connection must look like
//! - **Protocol**: the prepared-statement (binary) protocol (`exec_iter`), so that temporal values and FLOAT arrive typed.
//!   Text results are understood too, but FLOAT then carries the server's six digits.
//! - **Statement**: select exactly [`TablePlan::select_columns`] as plain columns, without casts or functions. Order is
//!   free: [`TablePlan::snapshot_reader`] matches the result's columns by name.
//! - **Session**: `SET time_zone = '+00:00'` (TIMESTAMP then arrives as UTC digits) and `SET NAMES utf8mb4`.
//!   `character_set_results = NULL` works as well: the reader decodes by the charset the result's metadata names.
//! - Zero dates need no setting for reading: they arrive as the numbers 0-0-0.
//!
//! # What the binlog side needs
//! Nothing of the session; see `binlog_rows`.

use std::sync::Arc;

use mysql_common::packets::Column as ResultColumn;

use super::options::EventOptions;
use super::table::Table;
use crate::data::{Schema, Value};
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
}

impl TablePlan {
    /// # Errors
    /// `Config` if a setting does not fit the table, for example a message key that names an unknown column.
    pub fn compile(table: &Table, options: &Arc<EventOptions>) -> Result<Arc<Self>> {
        let _ = options;
        Err(ConnectError::fatal(format!("cannot compile a plan for table {}: not ready", table.id)))
    }

    /// The columns a snapshot must read, in table order: those of the row and those of the key.
    pub fn select_columns(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Prepares the reading of one result set. Columns the plan does not need are ignored.
    ///
    /// # Errors
    /// `Fatal` if a needed column is missing.
    pub fn snapshot_reader(self: &Arc<Self>, columns: &[ResultColumn]) -> Result<SnapshotReader> {
        let _ = columns;
        Err(ConnectError::fatal(format!("cannot read table {}: not ready", self.table.id)))
    }
}

/// Turns result rows into [`Row`]s.
#[derive(Debug)]
pub struct SnapshotReader {}

impl SnapshotReader {
    /// # Errors
    /// `BadRecord` with table and column if a value cannot be represented and the settings say fail.
    pub fn row(&self, row: mysql_common::Row) -> Result<Row> {
        let _ = row;
        Err(ConnectError::fatal("cannot read rows: not ready"))
    }
}
