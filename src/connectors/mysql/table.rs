//! Describes a table as MySQL defines it, independent of how its rows are read.

use std::fmt;
use std::sync::Arc;

/// A table's full name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId {
    pub database: Arc<str>,
    pub table: Arc<str>,
}

impl TableId {
    pub fn new(database: impl Into<Arc<str>>, table: impl Into<Arc<str>>) -> Self {
        Self { database: database.into(), table: table.into() }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

/// A table's definition at one point of its history.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub id: TableId,
    pub columns: Vec<Column>,
    /// Names of the primary key's columns, in key order; else of the first usable unique key; else empty.
    pub primary_key: Vec<String>,
    pub default_charset: Option<String>,
    pub comment: Option<String>,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// A column's definition, in the words of Debezium's schema history (`typeName`, `charsetName`, `length`, `scale`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    pub name: String,
    /// Upper case, with `UNSIGNED` / `UNSIGNED ZEROFILL` where declared: `INT UNSIGNED`, `VARCHAR`, `ENUM`, `DOUBLE`.
    pub type_name: String,
    pub charset: Option<String>,
    /// Characters, bytes, digits or fractional seconds, as the type understands it.
    pub length: Option<i32>,
    pub scale: Option<i32>,
    /// Counted from 1.
    pub position: usize,
    pub optional: bool,
    pub auto_incremented: bool,
    pub generated: bool,
    pub has_default: bool,
    /// The default as written, without quotes (`CURRENT_TIMESTAMP`, `0`, `abc`); `None` with `has_default` is NULL.
    pub default: Option<String>,
    /// Unquoted members of an ENUM or SET.
    pub enum_values: Vec<String>,
    pub comment: Option<String>,
}
