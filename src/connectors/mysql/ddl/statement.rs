//! Recognises a statement by its first words and hands it to its reader.

use super::alter_table::{AlterTable, alter_table};
use super::create_table::{CreateTable, Key, TableOptions, create_table, key_parts, table_option};
use super::cursor::{Cursor, Name, Problem, Result};
use super::lexer::Kind;

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    CreateTable {
        table: CreateTable,
        replace: bool,
    },
    AlterTable(AlterTable),
    DropTables {
        names: Vec<Name>,
        behaviour: Option<&'static str>,
    },
    RenameTables(Vec<(Name, Name)>),
    Truncate(Name),
    CreateDatabase {
        name: String,
        options: TableOptions,
    },
    /// Without a name the current database.
    AlterDatabase {
        name: Option<String>,
        options: TableOptions,
    },
    DropDatabase(String),
    Use(String),
    /// CREATE UNIQUE INDEX. Other indexes are `Other`.
    UniqueIndex {
        table: Name,
        key: Key,
    },
    /// System variables with their values, quotes removed.
    SetVariables(Vec<(String, String)>),
    /// Nothing that changes a table's columns or key.
    Other,
}

/// A statement that should have been understood, and the tables it is about as far as they could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub problem: Problem,
    pub names: Vec<Name>,
}

/// A statement and its bytes in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub statement: std::result::Result<Statement, Failure>,
    pub start: usize,
    pub end: usize,
}

/// Reads all statements of a text.
pub fn statements(cursor: &mut Cursor<'_>) -> Vec<Parsed> {
    let mut statements = Vec::new();
    loop {
        while cursor.eat_sign(';') {}
        if cursor.at_end() {
            return statements;
        }
        // MariaDB: SET STATEMENT variable=value, ... FOR statement
        if cursor.eat(&["SET", "STATEMENT"]) {
            while !cursor.at_end() && !cursor.eat(&["FOR"]) {
                cursor.advance();
            }
            continue;
        }
        let start = cursor.offset();
        let mut names = Vec::new();
        let statement = statement(cursor, &mut names).and_then(|statement| {
            if cursor.at_end() || statement == Statement::Other {
                Ok(statement)
            } else {
                cursor.expected("the end of the statement")
            }
        });
        cursor.skip_to_end();
        let statement = statement.map_err(|problem| Failure { problem, names });
        statements.push(Parsed { statement, start, end: cursor.offset_before() });
    }
}

/// `names` receives the tables in question, so that they are known even when the rest cannot be read.
fn statement(cursor: &mut Cursor<'_>, names: &mut Vec<Name>) -> Result<Statement> {
    if cursor.eat(&["CREATE"]) {
        return create(cursor, names);
    }
    if cursor.eat(&["ALTER"]) {
        return alter(cursor, names);
    }
    if cursor.eat(&["DROP"]) {
        return drop(cursor, names);
    }
    if cursor.eat(&["RENAME"]) && cursor.eat_any(&["TABLE", "TABLES"]) {
        return rename(cursor, names);
    }
    if cursor.eat(&["TRUNCATE"]) {
        cursor.eat(&["TABLE"]);
        let name = known(cursor.name()?, names);
        cursor.skip_to_end();
        return Ok(Statement::Truncate(name));
    }
    if cursor.eat(&["USE"]) {
        return cursor.identifier().map(Statement::Use);
    }
    if cursor.eat(&["SET"]) {
        return set(cursor);
    }
    Ok(Statement::Other)
}

fn known(name: Name, names: &mut Vec<Name>) -> Name {
    names.push(name.clone());
    name
}

/// Notes the table's name that comes next, after IF (NOT) EXISTS.
fn note_name(cursor: &Cursor<'_>, names: &mut Vec<Name>) {
    let mut ahead = cursor.clone();
    if !ahead.eat(&["IF", "NOT", "EXISTS"]) {
        ahead.eat(&["IF", "EXISTS"]);
    }
    names.extend(ahead.name());
}

fn create(cursor: &mut Cursor<'_>, names: &mut Vec<Name>) -> Result<Statement> {
    let replace = cursor.eat(&["OR", "REPLACE"]);
    if cursor.eat(&["TABLE"]) {
        note_name(cursor, names);
        return create_table(cursor).map(|table| Statement::CreateTable { table, replace });
    }
    if cursor.eat_any(&["DATABASE", "SCHEMA"]) {
        cursor.eat(&["IF", "NOT", "EXISTS"]);
        let name = cursor.identifier()?;
        return Ok(Statement::CreateDatabase { name, options: database_options(cursor)? });
    }
    if cursor.eat(&["UNIQUE"]) || (cursor.eat(&["ONLINE", "UNIQUE"]) || cursor.eat(&["OFFLINE", "UNIQUE"])) {
        return unique_index(cursor, names);
    }
    other(cursor)
}

fn unique_index(cursor: &mut Cursor<'_>, names: &mut Vec<Name>) -> Result<Statement> {
    if !cursor.eat_any(&["INDEX", "KEY"]) {
        return cursor.expected("INDEX");
    }
    cursor.eat(&["IF", "NOT", "EXISTS"]);
    while !cursor.at_end() && !cursor.eat(&["ON"]) {
        // The index's name, USING BTREE.
        cursor.skip_one()?;
    }
    let table = known(cursor.name()?, names);
    let parts = key_parts(cursor)?;
    cursor.skip_to_end();
    Ok(Statement::UniqueIndex { table, key: Key { primary: false, parts } })
}

fn alter(cursor: &mut Cursor<'_>, names: &mut Vec<Name>) -> Result<Statement> {
    while cursor.eat_any(&["ONLINE", "OFFLINE", "IGNORE"]) {}
    if cursor.eat(&["TABLE"]) {
        note_name(cursor, names);
        return alter_table(cursor).map(Statement::AlterTable);
    }
    if cursor.eat_any(&["DATABASE", "SCHEMA"]) {
        let is_option =
            cursor.at_end() || cursor.is_any(&["DEFAULT", "CHARACTER", "CHARSET", "COLLATE", "ENCRYPTION", "READ", "COMMENT"]);
        let name = if is_option { None } else { Some(cursor.identifier()?) };
        return Ok(Statement::AlterDatabase { name, options: database_options(cursor)? });
    }
    other(cursor)
}

fn database_options(cursor: &mut Cursor<'_>) -> Result<TableOptions> {
    let mut options = TableOptions::default();
    while !cursor.at_end() {
        if !table_option(cursor, &mut options)? {
            cursor.skip_one()?;
        }
    }
    Ok(options)
}

fn drop(cursor: &mut Cursor<'_>, names: &mut Vec<Name>) -> Result<Statement> {
    if cursor.eat_any(&["TABLE", "TABLES"]) {
        cursor.eat(&["IF", "EXISTS"]);
        let mut dropped = vec![known(cursor.name()?, names)];
        while cursor.eat_sign(',') {
            dropped.push(known(cursor.name()?, names));
        }
        // MariaDB
        if cursor.eat(&["WAIT"]) {
            cursor.number()?;
        }
        cursor.eat(&["NOWAIT"]);
        let behaviour = ["RESTRICT", "CASCADE"].into_iter().find(|word| cursor.eat(&[word]));
        return Ok(Statement::DropTables { names: dropped, behaviour });
    }
    if cursor.eat_any(&["DATABASE", "SCHEMA"]) {
        cursor.eat(&["IF", "EXISTS"]);
        return cursor.identifier().map(Statement::DropDatabase);
    }
    Ok(Statement::Other)
}

fn rename(cursor: &mut Cursor<'_>, names: &mut Vec<Name>) -> Result<Statement> {
    cursor.eat(&["IF", "EXISTS"]);
    let mut pairs = Vec::new();
    loop {
        let from = known(cursor.name()?, names);
        // MariaDB
        if cursor.eat(&["WAIT"]) {
            cursor.number()?;
        }
        cursor.eat(&["NOWAIT"]);
        if !cursor.eat(&["TO"]) {
            return cursor.expected("TO");
        }
        pairs.push((from, known(cursor.name()?, names)));
        if !cursor.eat_sign(',') {
            return Ok(Statement::RenameTables(pairs));
        }
    }
}

/// Routines have statements of their own inside, which are not statements of this text.
fn other(cursor: &mut Cursor<'_>) -> Result<Statement> {
    /// Room for OR REPLACE, DEFINER, AGGREGATE and the like before the kind is named.
    const LOOK_AHEAD: usize = 16;
    let is_routine = (0..LOOK_AHEAD)
        .map_while(|ahead| cursor.peek_at(ahead).map(|token| (ahead, token)))
        .take_while(|(_, token)| token.kind != Kind::Sign(';'))
        .any(|(ahead, _)| ["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"].iter().any(|kind| cursor.is_at(ahead, kind)));
    if is_routine {
        while cursor.advance().is_some() {}
    }
    Ok(Statement::Other)
}

fn set(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let mut variables = Vec::new();
    while !cursor.at_end() {
        cursor.eat_any(&["GLOBAL", "SESSION", "LOCAL", "PERSIST", "PERSIST_ONLY"]);
        let Some(token) = cursor.advance() else {
            break;
        };
        let name = match token.kind {
            Kind::Word | Kind::Backtick => Some(cursor.text_of(token).trim_matches('`').to_ascii_lowercase()),
            Kind::Variable => system_variable(cursor.text_of(token)),
            _ => None,
        };
        cursor.eat_sign(':');
        if !cursor.eat_sign('=') {
            // NAMES, PASSWORD, TRANSACTION, ...
            return Ok(Statement::Other);
        }
        let value = cursor.peek().map(|token| cursor.text_of(token).trim_matches(['\'', '"', '`']).to_owned());
        if let (Some(name), Some(value)) = (name, value) {
            variables.push((name, value));
        }
        while !cursor.at_end() && !cursor.is_sign(',') {
            cursor.skip_one()?;
        }
        cursor.eat_sign(',');
    }
    Ok(if variables.is_empty() { Statement::Other } else { Statement::SetVariables(variables) })
}

/// The name in `@@global.name`; `None` for a user variable.
fn system_variable(text: &str) -> Option<String> {
    let name = text.strip_prefix("@@")?;
    Some(name.rsplit('.').next().unwrap_or(name).trim_matches('`').to_ascii_lowercase())
}
