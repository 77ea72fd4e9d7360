//! Reads table definitions from a running server.

use super::catalog::TableCatalog;
use super::table::{Table, TableId};
use crate::plugin::{ConnectError, Result};

/// The server variables that decide how statements and text are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerVariables {
    pub version: String,
    pub is_mariadb: bool,
    pub lower_case_table_names: i64,
    pub sql_mode: String,
    pub character_set_server: String,
    pub collation_server: String,
}

/// # Errors
/// `Retriable` if the server does not answer.
pub async fn read_variables(connection: &mut mysql_async::Conn) -> Result<ServerVariables> {
    let _ = connection;
    Err(ConnectError::fatal("the table reader is not ready"))
}

/// All databases, system databases included.
pub async fn list_databases(connection: &mut mysql_async::Conn) -> Result<Vec<String>> {
    let _ = connection;
    Err(ConnectError::fatal("the table reader is not ready"))
}

/// All base tables (no views) of one database.
pub async fn list_tables(connection: &mut mysql_async::Conn, database: &str) -> Result<Vec<TableId>> {
    let _ = (connection, database);
    Err(ConnectError::fatal("the table reader is not ready"))
}

/// A table's CREATE statement as the server prints it, and the definition parsed from it (put into `catalog` by the caller).
#[derive(Clone, Debug)]
pub struct ReadTable {
    pub ddl: String,
    pub table: Table,
}

/// Reads one definition without changing `catalog`, which gives dialect and charsets.
pub async fn read_table(connection: &mut mysql_async::Conn, id: &TableId, catalog: &TableCatalog) -> Result<ReadTable> {
    let _ = (connection, id, catalog);
    Err(ConnectError::fatal("the table reader is not ready"))
}
