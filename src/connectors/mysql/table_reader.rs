//! Reads table definitions from a running server.
//!
//! The definition is SHOW CREATE TABLE, read by the same parser that follows the binlog, so both phases agree. Where that
//! text cannot be understood, information_schema describes the columns one by one.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::catalog::TableCatalog;
use super::connection::failure;
use super::ddl::{DdlError, charset_of_collation};
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

impl ServerVariables {
    /// True if names are compared without case.
    pub fn ignores_case(&self) -> bool {
        self.lower_case_table_names != 0
    }

    /// True if double quotes hold names and not strings.
    pub fn ansi_quotes(&self) -> bool {
        self.sql_mode.split(',').any(|mode| mode.eq_ignore_ascii_case("ANSI_QUOTES"))
    }
}

/// # Errors
/// `Retriable` if the server does not answer.
pub async fn read_variables(connection: &mut Conn) -> Result<ServerVariables> {
    const SQL: &str = "SELECT @@version, @@lower_case_table_names, @@global.sql_mode, @@character_set_server, @@collation_server";
    let row: Option<(String, i64, String, String, String)> =
        connection.query_first(SQL).await.map_err(|error| failure("cannot read the server's variables", error))?;
    let Some((version, lower_case_table_names, sql_mode, character_set_server, collation_server)) = row else {
        return Err(ConnectError::retriable("the server did not tell its variables"));
    };
    let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
    Ok(ServerVariables { version, is_mariadb, lower_case_table_names, sql_mode, character_set_server, collation_server })
}

/// All databases, system databases included.
///
/// # Errors
/// `Retriable` if the server does not answer.
pub async fn list_databases(connection: &mut Conn) -> Result<Vec<String>> {
    connection.query("SHOW DATABASES").await.map_err(|error| failure("cannot list the databases", error))
}

/// All base tables (no views) of one database.
///
/// # Errors
/// `Retriable` if the server does not answer.
pub async fn list_tables(connection: &mut Conn, database: &str) -> Result<Vec<TableId>> {
    let sql = format!("SHOW FULL TABLES FROM {} WHERE Table_type = 'BASE TABLE'", quote(database));
    let rows: Vec<(String, String)> =
        connection.query(sql).await.map_err(|error| failure(format!("cannot list the tables of database {database}"), error))?;
    Ok(rows.into_iter().map(|(table, _)| TableId::new(database, table)).collect())
}

/// A table's CREATE statement and the definition parsed from it (put into the catalog by the caller). The statement is the
/// server's, or, where that is not understood, one that says the same as information_schema.
#[derive(Clone, Debug)]
pub struct ReadTable {
    pub ddl: String,
    pub table: Table,
}

/// Reads one definition without changing `catalog`, which gives dialect and charsets.
///
/// # Errors
/// `Retriable` if the server does not answer; `Fatal` if there is no such table or its definition is not understood.
pub async fn read_table(connection: &mut Conn, id: &TableId, catalog: &TableCatalog) -> Result<ReadTable> {
    let sql = format!("SHOW CREATE TABLE {}.{}", quote(&id.database), quote(&id.table));
    let row: Option<(String, String)> =
        connection.query_first(sql).await.map_err(|error| failure(format!("cannot read the definition of table {id}"), error))?;
    let Some((_, ddl)) = row else {
        return Err(ConnectError::fatal(format!("the server did not tell the definition of table {id}")));
    };
    match catalog.parse_table(id, &ddl) {
        Ok(table) => Ok(ReadTable { ddl, table }),
        Err(problem) => {
            tracing::warn!(table = %id, %problem, "definition not understood; asking information_schema");
            describe(connection, id, catalog, problem).await
        }
    }
}

fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

type DescribedColumn = (String, String, String, Option<String>, String, Option<String>, String);

/// Puts a definition together from information_schema.
async fn describe(connection: &mut Conn, id: &TableId, catalog: &TableCatalog, problem: DdlError) -> Result<ReadTable> {
    let names = (&*id.database, &*id.table);
    let attempt = async {
        let columns: Vec<DescribedColumn> = connection
            .exec(
                "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, CHARACTER_SET_NAME, COLUMN_COMMENT \
                 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
                names,
            )
            .await?;
        let keys: Vec<(String, Option<String>)> = connection
            .exec(
                "SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
                 AND NON_UNIQUE = 0 ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX",
                names,
            )
            .await?;
        let table: Option<(Option<String>, String)> = connection
            .exec_first(
                "SELECT TABLE_COLLATION, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
                names,
            )
            .await?;
        Ok::<_, mysql_async::Error>((columns, keys, table.unwrap_or_default()))
    };
    let (columns, keys, (collation, comment)) =
        attempt.await.map_err(|error| failure(format!("cannot read the columns of table {id}"), error))?;
    let ddl = create_statement(id, &columns, &keys, collation.as_deref(), &comment);
    match catalog.parse_table(id, &ddl) {
        Ok(table) => Ok(ReadTable { ddl, table }),
        Err(described) => {
            let message =
                format!("cannot understand the definition of table {id}, nor what information_schema says: {described}");
            Err(ConnectError::fatal(message).caused_by(problem))
        }
    }
}

/// Writes what information_schema says as the statement that would make it.
fn create_statement(
    id: &TableId,
    columns: &[DescribedColumn],
    keys: &[(String, Option<String>)],
    collation: Option<&str>,
    comment: &str,
) -> String {
    let mut parts: Vec<String> = columns.iter().map(column_definition).collect();
    for index in keys.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((name, _)) = index.first() else { continue };
        let part = |column: &Option<String>| column.as_deref().map_or("(0)".to_owned(), quote);
        let columns: Vec<_> = index.iter().map(|(_, column)| part(column)).collect();
        let kind = if name == "PRIMARY" { "PRIMARY KEY".to_owned() } else { format!("UNIQUE KEY {}", quote(name)) };
        parts.push(format!("{kind} ({})", columns.join(", ")));
    }
    let mut sql = format!("CREATE TABLE {} ({})", quote(&id.table), parts.join(", "));
    if let Some(charset) = collation.and_then(charset_of_collation) {
        sql.push_str(&format!(" DEFAULT CHARSET={charset}"));
    }
    if !comment.is_empty() {
        sql.push_str(&format!(" COMMENT={}", literal(comment)));
    }
    sql
}

fn column_definition((name, kind, nullable, default, extra, charset, comment): &DescribedColumn) -> String {
    let extra = extra.to_ascii_lowercase();
    let mut sql = format!("{} {kind}", quote(name));
    if let Some(charset) = charset {
        sql.push_str(&format!(" CHARACTER SET {charset}"));
    }
    sql.push_str(if nullable.eq_ignore_ascii_case("NO") { " NOT NULL" } else { " NULL" });
    if let Some(default) = default {
        // MariaDB prints literals quoted and expressions as they are; MySQL marks expressions in EXTRA.
        let is_now = default.to_ascii_uppercase().starts_with("CURRENT_TIMESTAMP");
        let is_literal = default.starts_with('\'') || default.eq_ignore_ascii_case("NULL");
        if is_now || is_literal {
            sql.push_str(&format!(" DEFAULT {default}"));
        } else if extra.contains("default_generated") {
            sql.push_str(" DEFAULT (0)");
        } else {
            sql.push_str(&format!(" DEFAULT {}", literal(default)));
        }
    }
    if extra.contains("auto_increment") {
        sql.push_str(" AUTO_INCREMENT");
    }
    if extra.contains("on update") {
        sql.push_str(" ON UPDATE CURRENT_TIMESTAMP");
    }
    if !comment.is_empty() {
        sql.push_str(&format!(" COMMENT {}", literal(comment)));
    }
    sql
}

/// As SHOW CREATE TABLE quotes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::mysql::catalog::CatalogOptions;

    #[test]
    fn what_information_schema_says_becomes_a_definition() {
        let column = |name: &str, kind: &str, nullable: &str, default: Option<&str>, extra: &str, charset: Option<&str>| {
            let text = str::to_owned;
            (text(name), text(kind), text(nullable), default.map(text), text(extra), charset.map(text), "it's".to_owned())
        };
        let columns = [
            column("id", "bigint unsigned", "NO", None, "auto_increment", None),
            column("a`b", "varchar(10)", "YES", Some("x'y"), "", Some("latin1")),
            column(
                "ts",
                "timestamp(3)",
                "NO",
                Some("CURRENT_TIMESTAMP(3)"),
                "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3)",
                None,
            ),
            column("e", "enum('a','b''c')", "YES", Some("uuid()"), "DEFAULT_GENERATED", Some("utf8mb4")),
        ];
        let keys = [("PRIMARY".to_owned(), Some("id".to_owned())), ("u".to_owned(), None)];
        let id = TableId::new("db", "t");
        let sql = create_statement(&id, &columns, &keys, Some("latin1_swedish_ci"), "");
        let catalog = TableCatalog::new(CatalogOptions { comments: true, ..CatalogOptions::default() });
        let table = catalog.parse_table(&id, &sql).unwrap();
        let shown: Vec<_> = table
            .columns
            .iter()
            .map(|column| format!("{} {} {:?} {:?}", column.name, column.type_name, column.charset, column.default))
            .collect();
        assert_eq!(
            shown,
            [
                "id BIGINT UNSIGNED None None",
                "a`b VARCHAR Some(\"latin1\") Some(\"x''y\")",
                "ts TIMESTAMP None Some(\"1970-01-01 00:00:00\")",
                "e ENUM Some(\"utf8mb4\") None",
            ]
        );
        assert_eq!((table.primary_key, table.default_charset), (vec!["id".to_owned()], Some("latin1".to_owned())));
    }
}
