//! Understands the SQL statements that change what a table looks like.
//!
//! The parser is tolerant: it knows the statements that matter for columns and keys in full, steps over everything
//! else, and never fails on a statement that changes no table. It is total: any text gives statements or a
//! [`DdlError`], in time proportional to its length and without recursion.

mod alter_table;
mod charset;
mod column;
mod create_table;
mod cursor;
mod lexer;
mod statement;

use std::fmt;

use super::table::TableId;

pub use alter_table::{Action, AlterTable, Place};
pub use charset::{charset_of_collation, has_charset, settle};
pub use column::ColumnDefinition;
pub use create_table::{Body, CreateTable, Element, Key, TableOptions};
pub use cursor::{Name, Problem, unescape};
pub use statement::{Failure, Parsed, Statement};

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
    pub tables: Vec<TableId>,
}

impl fmt::Display for DdlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot understand the statement at byte {}: {}: {}", self.at, self.detail, self.statement)
    }
}

impl std::error::Error for DdlError {}

/// Reads all statements of a text in order.
pub fn parse(text: &str, dialect: Dialect) -> Vec<Parsed> {
    let tokens = lexer::tokenize(text, dialect);
    statement::statements(&mut cursor::Cursor::new(text, dialect, &tokens))
}

/// The text as Debezium keeps it: on MySQL with strings in single quotes. In a session with ANSI_QUOTES double quotes
/// hold names and stay.
pub fn single_quoted(text: &str, dialect: Dialect, ansi_quotes: bool) -> String {
    if ansi_quotes || dialect == Dialect::MariaDb || !text.contains('"') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for token in lexer::tokenize(text, dialect).iter().filter(|token| token.kind == lexer::Kind::Double) {
        out.push_str(text.get(end..token.start).unwrap_or_default());
        let inner = text.get(token.start + 1..token.end - 1).unwrap_or_default();
        out.push('\'');
        out.push_str(&inner.replace('\'', "''"));
        out.push('\'');
        end = token.end;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
