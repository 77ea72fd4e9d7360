//! Reads CREATE TABLE, and the keys and options it shares with ALTER TABLE.

use super::column::{ColumnDefinition, charset_name, charset_option, column_definition};
use super::cursor::{Cursor, Name, Result};
use super::lexer::Kind;

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    pub name: Name,
    pub if_not_exists: bool,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Like(Name),
    Defined { elements: Vec<Element>, options: TableOptions },
}

/// What stands between the parentheses, or after ADD.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    Column(ColumnDefinition),
    Key(Key),
    /// An index, foreign key, check or period.
    Ignored,
}

/// A key by the names of its columns; `None` stands for an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub primary: bool,
    pub parts: Vec<Option<String>>,
}

/// The options that matter to readers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// `Some(None)` is DEFAULT: the database's.
    pub charset: Option<Option<String>>,
    pub collation: Option<String>,
    /// As spelt, without the quotes.
    pub comment: Option<String>,
}

/// Reads what follows CREATE TABLE.
pub fn create_table(cursor: &mut Cursor<'_>) -> Result<CreateTable> {
    let if_not_exists = cursor.eat(&["IF", "NOT", "EXISTS"]);
    let name = cursor.name()?;
    if cursor.eat(&["LIKE"]) {
        return Ok(CreateTable { name, if_not_exists, body: Body::Like(cursor.name()?) });
    }
    if cursor.is_sign('(') && cursor.is_at(1, "LIKE") {
        cursor.expect_sign('(')?;
        cursor.eat(&["LIKE"]);
        let like = cursor.name()?;
        cursor.expect_sign(')')?;
        return Ok(CreateTable { name, if_not_exists, body: Body::Like(like) });
    }
    let elements = if cursor.is_sign('(') && !cursor.is_at(1, "SELECT") { elements(cursor)? } else { Vec::new() };
    let mut options = TableOptions::default();
    while !cursor.at_end() {
        if is_query(cursor) {
            return cursor.problem("the columns come from a query, which only the server can tell");
        }
        if cursor.is("PARTITION") {
            cursor.skip_to_end();
        } else if !table_option(cursor, &mut options)? {
            cursor.skip_one()?;
        }
    }
    if elements.iter().all(|element| !matches!(element, Element::Column(_))) {
        return cursor.problem("the statement names no columns");
    }
    Ok(CreateTable { name, if_not_exists, body: Body::Defined { elements, options } })
}

fn is_query(cursor: &Cursor<'_>) -> bool {
    cursor.is_any(&["SELECT", "AS", "VALUES", "TABLE"])
        || (cursor.is("WITH") && !cursor.is_at(1, "SYSTEM"))
        || (cursor.is_sign('(') && cursor.is_at(1, "SELECT"))
}

/// Reads `(element, ...)`.
pub fn elements(cursor: &mut Cursor<'_>) -> Result<Vec<Element>> {
    cursor.expect_sign('(')?;
    let mut elements = Vec::new();
    loop {
        elements.push(element(cursor)?);
        if cursor.eat_sign(',') {
            continue;
        }
        cursor.expect_sign(')')?;
        return Ok(elements);
    }
}

fn element(cursor: &mut Cursor<'_>) -> Result<Element> {
    match key_or_constraint(cursor)? {
        Some(element) => Ok(element),
        None => column_definition(cursor).map(Element::Column),
    }
}

/// Reads a key, index or constraint if one comes next.
pub fn key_or_constraint(cursor: &mut Cursor<'_>) -> Result<Option<Element>> {
    if cursor.eat(&["CONSTRAINT"]) && !cursor.is_any(&["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) {
        cursor.eat(&["IF", "NOT", "EXISTS"]);
        cursor.identifier()?;
    }
    let primary = cursor.eat(&["PRIMARY", "KEY"]);
    if primary || cursor.eat(&["UNIQUE"]) {
        return key(cursor, primary).map(|key| Some(Element::Key(key)));
    }
    let ignored = cursor.is_any(&["INDEX", "KEY", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK"])
        || (cursor.is("VECTOR") && (cursor.is_at(1, "INDEX") || cursor.is_at(1, "KEY")))
        || (cursor.is("PERIOD") && cursor.is_at(1, "FOR"));
    if ignored {
        cursor.skip_to_separator()?;
        return Ok(Some(Element::Ignored));
    }
    Ok(None)
}

fn key(cursor: &mut Cursor<'_>, primary: bool) -> Result<Key> {
    while !cursor.at_end() && !cursor.is_sign('(') && !cursor.is_sign(',') && !cursor.is_sign(')') {
        // INDEX, KEY, the name, USING BTREE, ...
        cursor.skip_one()?;
    }
    let parts = key_parts(cursor)?;
    cursor.skip_to_separator()?;
    Ok(Key { primary, parts })
}

/// Reads `(column, column(10) DESC, (expression))`.
pub fn key_parts(cursor: &mut Cursor<'_>) -> Result<Vec<Option<String>>> {
    cursor.expect_sign('(')?;
    let mut parts = Vec::new();
    loop {
        if cursor.is_sign('(') {
            cursor.skip_parentheses()?;
            parts.push(None);
        } else {
            parts.push(Some(cursor.identifier()?));
        }
        // A length, ASC or DESC, WITHOUT OVERLAPS.
        cursor.skip_to_separator()?;
        if cursor.eat_sign(',') {
            continue;
        }
        cursor.expect_sign(')')?;
        return Ok(parts);
    }
}

/// Reads one table or database option if it is one of those that matter.
pub fn table_option(cursor: &mut Cursor<'_>, options: &mut TableOptions) -> Result<bool> {
    let has_default =
        cursor.is("DEFAULT") && (cursor.is_at(1, "CHARACTER") || cursor.is_at(1, "CHARSET") || cursor.is_at(1, "COLLATE"));
    if has_default {
        cursor.advance();
    }
    if let Some(charset) = charset_option(cursor)? {
        options.charset = Some(charset);
    } else if cursor.eat(&["COLLATE"]) {
        cursor.eat_sign('=');
        options.collation = Some(charset_name(cursor)?).filter(|name| name != "default");
    } else if cursor.is("COMMENT") && has_string_value(cursor) {
        cursor.advance();
        cursor.eat_sign('=');
        options.comment = Some(cursor.raw_string()?);
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn has_string_value(cursor: &Cursor<'_>) -> bool {
    let is_string = |ahead| cursor.peek_at(ahead).is_some_and(|token| matches!(token.kind, Kind::Single | Kind::Double));
    is_string(1) || (cursor.peek_at(1).is_some_and(|token| token.kind == Kind::Sign('=')) && is_string(2))
}
