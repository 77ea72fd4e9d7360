//! Reads a column's definition.

use super::super::table::Column;
use super::Dialect;
use super::charset::{charset_of_collation, has_charset};
use super::cursor::{Cursor, Result};
use super::lexer::Kind;

/// A column as one statement defines it. Its charset is only what the statement says.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    pub column: Column,
    /// PRIMARY KEY or UNIQUE beside the type.
    pub primary: bool,
    pub unique: bool,
}

/// What CURRENT_TIMESTAMP as a default becomes in Debezium's history.
const NOW: &str = "1970-01-01 00:00:00";

/// Reads `name type attributes`, up to a comma, a closing parenthesis, FIRST, AFTER or the end.
pub fn column_definition(cursor: &mut Cursor<'_>) -> Result<ColumnDefinition> {
    let name = cursor.identifier()?;
    column_definition_of(name, cursor)
}

/// Reads what follows the name of a column.
pub fn column_definition_of(name: String, cursor: &mut Cursor<'_>) -> Result<ColumnDefinition> {
    let column = Column { name, optional: true, ..Column::default() };
    let mut definition = ColumnDefinition { column, primary: false, unique: false };
    data_type(cursor, &mut definition)?;
    while !cursor.at_end() && !cursor.is_sign(',') && !cursor.is_sign(')') && !cursor.is_any(&["FIRST", "AFTER"]) {
        attribute(cursor, &mut definition)?;
    }
    if definition.primary {
        definition.column.optional = false;
    }
    let column = &mut definition.column;
    if column.optional {
        column.has_default = true;
    }
    Ok(definition)
}

/// Types of several words, longest first; one word is always enough to start with.
const COMPOUND_TYPES: &[&[&str]] = &[
    &["NATIONAL", "CHARACTER", "VARYING"],
    &["NATIONAL", "CHAR", "VARYING"],
    &["LONG", "CHARACTER", "VARYING"],
    &["LONG", "CHAR", "VARYING"],
    &["NATIONAL", "VARCHARACTER"],
    &["NATIONAL", "CHARACTER"],
    &["NATIONAL", "VARCHAR"],
    &["NATIONAL", "CHAR"],
    &["CHARACTER", "VARYING"],
    &["CHAR", "VARYING"],
    &["NCHAR", "VARCHARACTER"],
    &["NCHAR", "VARCHAR"],
    &["NCHAR", "VARYING"],
    &["LONG", "VARCHARACTER"],
    &["LONG", "VARBINARY"],
    &["LONG", "VARCHAR"],
    &["DOUBLE", "PRECISION"],
];

const SIMPLE_TYPES: &[&str] = &[
    "TINYINT",
    "SMALLINT",
    "MEDIUMINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "REAL",
    "DECIMAL",
    "BIT",
    "BOOLEAN",
    "CHAR",
    "VARCHAR",
    "TINYTEXT",
    "TEXT",
    "MEDIUMTEXT",
    "LONGTEXT",
    "BINARY",
    "VARBINARY",
    "TINYBLOB",
    "BLOB",
    "MEDIUMBLOB",
    "LONGBLOB",
    "ENUM",
    "SET",
    "JSON",
    "DATE",
    "TIME",
    "DATETIME",
    "TIMESTAMP",
    "YEAR",
    "GEOMETRY",
    "POINT",
    "LINESTRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
    "VECTOR",
    "INET4",
    "INET6",
    "UUID",
    "XMLTYPE",
];

fn data_type(cursor: &mut Cursor<'_>, definition: &mut ColumnDefinition) -> Result<()> {
    let Some(word) = cursor.word_at(0) else {
        return cursor.expected("a data type");
    };
    let column = &mut definition.column;
    if let Some(words) = COMPOUND_TYPES.iter().find(|words| cursor.eat(words)) {
        column.type_name = words.join(" ");
    } else if word.eq_ignore_ascii_case("SERIAL") {
        cursor.advance();
        column.type_name = "BIGINT UNSIGNED".to_owned();
        serial(definition);
        return Ok(());
    } else {
        column.type_name = word.to_ascii_uppercase();
        if !SIMPLE_TYPES.contains(&column.base_type()) && !matches!(column.base_type(), "MEDIUMBLOB") {
            return cursor.problem(format!("unknown data type {word}"));
        }
        cursor.advance();
    }
    let base = column.base_type().to_owned();
    if matches!(base.as_str(), "ENUM" | "SET") {
        members(cursor, column)?;
    } else if cursor.eat_sign('(') {
        dimensions(cursor, column, &base)?;
    }
    match base.as_str() {
        "BIT" => column.length = column.length.or(Some(1)),
        "DECIMAL" => {
            column.length = column.length.or(Some(10));
            column.scale = column.scale.or(Some(0));
        }
        _ => {}
    }
    if column.type_name.starts_with('N') && base.ends_with("CHAR") {
        // The national types are utf8 by definition.
        column.charset = Some("utf8".to_owned());
        column.length = column.length.or((base == "CHAR").then_some(1));
    }
    options(cursor, column, &base)
}

fn members(cursor: &mut Cursor<'_>, column: &mut Column) -> Result<()> {
    cursor.expect_sign('(')?;
    loop {
        column.enum_values.push(cursor.string()?);
        if !cursor.eat_sign(',') {
            break;
        }
    }
    cursor.expect_sign(')')?;
    // Debezium: the length of the longest text of a SET whose members have one character.
    let members = i32::try_from(column.enum_values.len()).unwrap_or(i32::MAX);
    column.length = Some(if column.type_name == "SET" { members.saturating_mul(2).saturating_sub(1) } else { 1 });
    Ok(())
}

fn dimensions(cursor: &mut Cursor<'_>, column: &mut Column, base: &str) -> Result<()> {
    let length = cursor.number()?;
    column.length = Some(match base {
        // The number of fractional digits may be 0.
        "TIME" | "DATETIME" | "TIMESTAMP" => length.parse().or_else(|_| cursor.problem("too many fractional digits"))?,
        _ => dimension(length),
    });
    if cursor.eat_sign(',') {
        let scale = cursor.number()?;
        column.scale = Some(scale.parse().or_else(|_| cursor.problem("the scale is not a small number"))?);
    }
    cursor.expect_sign(')')
}

/// Debezium takes 10 for a length of 0, cuts fractions off and knows no more than an int.
fn dimension(text: &str) -> i32 {
    let length = text.split('.').next().and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(i64::MAX);
    if length <= 0 { 10 } else { i32::try_from(length).unwrap_or(i32::MAX) }
}

/// Signedness, character set and the like, in any order.
fn options(cursor: &mut Cursor<'_>, column: &mut Column, base: &str) -> Result<()> {
    let (mut sign, mut zerofill, mut binary, mut bytes) = (None, false, false, false);
    loop {
        if cursor.eat(&["UNSIGNED"]) {
            sign = Some(" UNSIGNED");
        } else if cursor.eat(&["SIGNED"]) {
            sign = Some(" SIGNED");
        } else if cursor.eat(&["ZEROFILL"]) {
            zerofill = true;
        } else if cursor.eat(&["BINARY"]) {
            binary = true;
        } else if cursor.eat(&["BYTE"]) {
            bytes = true;
        } else if cursor.eat(&["ASCII"]) {
            column.charset = Some("latin1".to_owned());
        } else if cursor.eat(&["UNICODE"]) {
            column.charset = Some("ucs2".to_owned());
        } else if let Some(charset) = charset_option(cursor)? {
            column.charset = charset;
        } else {
            break;
        }
    }
    if bytes && has_charset(base) {
        column.charset = Some("binary".to_owned());
    }
    if zerofill {
        column.type_name.push_str(" UNSIGNED ZEROFILL");
    } else if let Some(sign) = sign {
        column.type_name.push_str(sign);
    }
    // BINARY is a collation of text; Debezium keeps it in the name (and so loses the members of an ENUM).
    if binary && has_charset(base) && column.enum_values.is_empty() {
        column.type_name.push_str(" BINARY");
    }
    Ok(())
}

/// `CHARACTER SET x` or `CHARSET x`; the inner value is `None` for DEFAULT.
pub fn charset_option(cursor: &mut Cursor<'_>) -> Result<Option<Option<String>>> {
    if !cursor.eat(&["CHARSET"]) && !cursor.eat(&["CHARACTER", "SET"]) && !cursor.eat(&["CHAR", "SET"]) {
        return Ok(None);
    }
    cursor.eat_sign('=');
    if cursor.eat(&["DEFAULT"]) {
        return Ok(Some(None));
    }
    charset_name(cursor).map(|name| Some(Some(name)))
}

/// The name of a character set or collation: a word or a string.
pub fn charset_name(cursor: &mut Cursor<'_>) -> Result<String> {
    let name =
        if cursor.peek().is_some_and(|token| token.kind == Kind::Single) { cursor.string()? } else { cursor.identifier()? };
    Ok(name.to_ascii_lowercase())
}

fn serial(definition: &mut ColumnDefinition) {
    definition.unique = true;
    definition.column.optional = false;
    definition.column.auto_incremented = true;
    definition.column.generated = true;
}

fn attribute(cursor: &mut Cursor<'_>, definition: &mut ColumnDefinition) -> Result<()> {
    let column = &mut definition.column;
    if cursor.eat(&["NOT", "NULL"]) {
        column.optional = false;
    } else if cursor.eat(&["NULL"]) {
        column.optional = true;
    } else if cursor.eat(&["DEFAULT"]) {
        column.default = default_value(cursor)?;
        // For MariaDB Debezium counts an expression as no default; what may be NULL has one in any case.
        column.has_default = cursor.dialect == Dialect::MySql || column.default.is_some();
    } else if cursor.eat(&["AUTO_INCREMENT"]) {
        column.auto_incremented = true;
        column.generated = true;
    } else if cursor.eat(&["ON", "UPDATE"]) {
        cursor.identifier()?;
        if cursor.is_sign('(') {
            cursor.skip_parentheses()?;
        }
        // Debezium's two connectors do not agree here.
        if cursor.dialect == Dialect::MySql {
            column.auto_incremented = true;
            column.generated = true;
        }
    } else if cursor.eat(&["PRIMARY"]) {
        cursor.eat(&["KEY"]);
        definition.primary = true;
    } else if cursor.eat(&["KEY"]) {
        definition.primary = true;
    } else if cursor.eat(&["UNIQUE"]) {
        cursor.eat(&["KEY"]);
        definition.unique = true;
    } else if cursor.eat(&["COMMENT"]) {
        column.comment = Some(cursor.raw_string()?);
    } else if cursor.eat(&["COLLATE"]) {
        cursor.eat_sign('=');
        let collation = charset_name(cursor)?;
        if column.charset.is_none() && has_charset(column.base_type()) {
            column.charset = charset_of_collation(&collation);
        }
    } else if let Some(charset) = charset_option(cursor)? {
        column.charset = charset;
    } else if cursor.eat(&["SERIAL", "DEFAULT", "VALUE"]) {
        serial(definition);
    } else if cursor.eat(&["GENERATED"]) {
        cursor.eat(&["ALWAYS"]);
        cursor.eat(&["BY", "DEFAULT"]);
        if !cursor.eat(&["AS"]) {
            return cursor.expected("AS");
        }
        generated(cursor)?;
    } else if cursor.eat(&["AS"]) {
        generated(cursor)?;
    } else {
        return ignored_attribute(cursor);
    }
    Ok(())
}

fn generated(cursor: &mut Cursor<'_>) -> Result<()> {
    if cursor.eat(&["ROW"]) {
        // MariaDB, system versioning.
        return if cursor.eat_any(&["START", "END"]) { Ok(()) } else { cursor.expected("START or END") };
    }
    cursor.skip_parentheses()
}

/// What a column may have besides and that changes nothing for its readers.
fn ignored_attribute(cursor: &mut Cursor<'_>) -> Result<()> {
    const SINGLE: &[&str] = &["VIRTUAL", "STORED", "PERSISTENT", "VISIBLE", "INVISIBLE", "ENFORCED"];
    const WITH_VALUE: &[&str] =
        &["COLUMN_FORMAT", "STORAGE", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE", "SRID", "REF_SYSTEM_ID"];
    if cursor.eat_any(SINGLE)
        || cursor.eat(&["NOT", "ENFORCED"])
        || cursor.eat(&["NOT", "SECONDARY"])
        || cursor.eat(&["WITH", "SYSTEM", "VERSIONING"])
        || cursor.eat(&["WITHOUT", "SYSTEM", "VERSIONING"])
    {
        return Ok(());
    }
    if cursor.eat_any(WITH_VALUE) {
        cursor.eat_sign('=');
        return cursor.skip_one();
    }
    if cursor.eat(&["COMPRESSED"]) {
        // MariaDB: COMPRESSED[=method]
        return if cursor.eat_sign('=') { cursor.skip_one() } else { Ok(()) };
    }
    if cursor.eat(&["CONSTRAINT"]) {
        if !cursor.is("CHECK") {
            cursor.identifier()?;
        }
        return if cursor.is("CHECK") { Ok(()) } else { cursor.expected("CHECK") };
    }
    if cursor.eat(&["CHECK"]) {
        return cursor.skip_parentheses();
    }
    if cursor.eat(&["REFERENCES"]) {
        return references(cursor);
    }
    // MariaDB: the engine's own options, `name = value`.
    if cursor.word_at(0).is_some() && cursor.peek_at(1).is_some_and(|token| token.kind == Kind::Sign('=')) {
        cursor.advance();
        cursor.advance();
        return cursor.skip_one();
    }
    cursor.expected("a column attribute")
}

fn references(cursor: &mut Cursor<'_>) -> Result<()> {
    cursor.name()?;
    if cursor.is_sign('(') {
        cursor.skip_parentheses()?;
    }
    loop {
        if cursor.eat(&["MATCH"]) {
            cursor.identifier()?;
        } else if cursor.eat(&["ON", "DELETE"]) || cursor.eat(&["ON", "UPDATE"]) {
            let known = cursor.eat_any(&["RESTRICT", "CASCADE"])
                || cursor.eat(&["SET", "NULL"])
                || cursor.eat(&["SET", "DEFAULT"])
                || cursor.eat(&["NO", "ACTION"]);
            if !known {
                return cursor.expected("what to do to the referencing rows");
            }
        } else {
            return Ok(());
        }
    }
}

/// What follows DEFAULT: the text of a literal, or `None` for NULL and expressions.
pub fn default_value(cursor: &mut Cursor<'_>) -> Result<Option<String>> {
    if cursor.is_sign('(') {
        cursor.skip_parentheses()?;
        return Ok(None);
    }
    let sign = if cursor.eat_sign('-') {
        "-"
    } else if cursor.eat_sign('+') {
        "+"
    } else {
        ""
    };
    let Some(token) = cursor.peek() else {
        return cursor.expected("a default value");
    };
    let text = cursor.text_of(token);
    match token.kind {
        Kind::Number => {
            cursor.advance();
            Ok(Some(format!("{sign}{text}")))
        }
        Kind::Radix => {
            cursor.advance();
            // Debezium takes `0x` and the last digit for the quotes of x'..'. SHOW CREATE TABLE prints binary defaults
            // this way, so the shortened text is what its schemas carry. Where only the user writes it, the number is kept.
            let end = if text.starts_with("0x") { text.len() - 1 } else { text.len() };
            Ok(Some(text.get(2..end).unwrap_or_default().to_owned()))
        }
        Kind::Single | Kind::Double => Ok(Some(format!("{sign}{}", cursor.raw_string()?))),
        Kind::Word => word_default(cursor, text),
        _ => cursor.expected("a default value"),
    }
}

fn word_default(cursor: &mut Cursor<'_>, word: &str) -> Result<Option<String>> {
    let next = cursor.peek_at(1).map(|token| token.kind);
    cursor.advance();
    if word.eq_ignore_ascii_case("NULL") {
        return Ok(None);
    }
    if ["TRUE", "FALSE"].iter().any(|literal| word.eq_ignore_ascii_case(literal)) {
        return Ok(Some(word.to_owned()));
    }
    if ["NOW", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"].iter().any(|now| word.eq_ignore_ascii_case(now)) {
        if cursor.is_sign('(') {
            cursor.skip_parentheses()?;
        }
        return Ok(Some(NOW.to_owned()));
    }
    if matches!(next, Some(Kind::Single | Kind::Double)) {
        // x'0F', b'101', N'text', _utf8mb4'text', DATE '2020-01-01'
        return cursor.raw_string().map(Some);
    }
    if word.starts_with('_') && next == Some(Kind::Radix) {
        return default_value(cursor);
    }
    if word.starts_with('_') && cursor.eat_any(&["X", "B"]) {
        return cursor.raw_string().map(Some);
    }
    if next == Some(Kind::Sign('(')) {
        cursor.skip_parentheses()?;
        return Ok(None);
    }
    if word.eq_ignore_ascii_case("NEXT") && cursor.eat(&["VALUE", "FOR"]) {
        cursor.name()?;
        return Ok(None);
    }
    const EXPRESSIONS: &[&str] = &[
        "CURRENT_DATE",
        "CURRENT_TIME",
        "CURRENT_USER",
        "CURRENT_ROLE",
        "CURDATE",
        "CURTIME",
        "UTC_DATE",
        "UTC_TIME",
        "UTC_TIMESTAMP",
        "UUID",
    ];
    if EXPRESSIONS.iter().any(|expression| word.eq_ignore_ascii_case(expression)) {
        return Ok(None);
    }
    cursor.problem(format!("unknown default value {word}"))
}
