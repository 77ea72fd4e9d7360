//! Understands the SQL statements that change what a table looks like.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dialect {
    #[default]
    MySql,
    MariaDb,
}

/// A statement that should have been understood and was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DdlError {
    /// The statement, as it stood in the binlog.
    pub statement: String,
    /// Byte in the statement where reading stopped.
    pub at: usize,
    /// What was expected there.
    pub detail: String,
    /// Tables that the statement changes, as far as they could be read.
    pub tables: Vec<super::table::TableId>,
}

impl fmt::Display for DdlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot understand the statement at byte {}: {}: {}", self.at, self.detail, self.statement)
    }
}

impl std::error::Error for DdlError {}
