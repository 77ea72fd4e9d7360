//! Writes and reads the records of the history in Debezium's JSON.

use serde_json::{Map, Value as Json, json};

use super::super::catalog::{ChangeKind, TableChange};
use super::super::ddl::unescape;
use super::super::table::{Column, Table, TableId};
use super::HistoryRecord;

/// The record as Debezium's document: the same fields in the same order.
pub fn to_document(record: &HistoryRecord) -> Json {
    let mut document = Map::new();
    document.insert("source".to_owned(), Json::Object(record.source.clone()));
    document.insert("position".to_owned(), Json::Object(record.position.clone()));
    if let Some(ts_ms) = record.ts_ms {
        document.insert("ts_ms".to_owned(), ts_ms.into());
    }
    if let Some(database) = &record.database {
        document.insert("databaseName".to_owned(), database.as_str().into());
    }
    if let Some(ddl) = &record.ddl {
        document.insert("ddl".to_owned(), ddl.as_str().into());
    }
    document.insert("tableChanges".to_owned(), record.changes.iter().map(change_to_document).collect());
    Json::Object(document)
}

/// One member of `tableChanges`.
pub fn change_to_document(change: &TableChange) -> Json {
    let kind = match change.kind {
        ChangeKind::Create => "CREATE",
        ChangeKind::Alter => "ALTER",
        ChangeKind::Drop => "DROP",
    };
    let mut document = Map::new();
    document.insert("type".to_owned(), kind.into());
    document.insert("id".to_owned(), id_to_text(&change.id).into());
    if let Some(previous) = &change.previous_id {
        document.insert("previousId".to_owned(), id_to_text(previous).into());
    }
    if let Some(table) = change.table.as_ref().filter(|_| change.kind != ChangeKind::Drop) {
        document.insert("table".to_owned(), table_to_document(table));
        document.insert("comment".to_owned(), table.comment.as_deref().into());
    }
    Json::Object(document)
}

fn table_to_document(table: &Table) -> Json {
    json!({
        "defaultCharsetName": table.default_charset,
        "primaryKeyColumnNames": table.primary_key,
        "columns": table.columns.iter().map(column_to_document).collect::<Vec<_>>(),
        "attributes": [],
    })
}

fn column_to_document(column: &Column) -> Json {
    let mut document = Map::new();
    let mut set = |name: &str, value: Json| document.insert(name.to_owned(), value);
    set("name", column.name.as_str().into());
    set("jdbcType", jdbc_type(column).into());
    set("typeName", column.type_name.as_str().into());
    set("typeExpression", column.type_name.as_str().into());
    set("charsetName", column.charset.as_deref().into());
    if let Some(length) = column.length {
        set("length", length.into());
    }
    if let Some(scale) = column.scale {
        set("scale", scale.into());
    }
    set("position", column.position.into());
    set("optional", column.optional.into());
    set("autoIncremented", column.auto_incremented.into());
    set("generated", column.generated.into());
    set("comment", column.comment.as_deref().into());
    set("hasDefaultValue", column.has_default.into());
    if let Some(default) = &column.default {
        set("defaultValueExpression", default.as_str().into());
    }
    set("enumValues", column.enum_values.iter().map(|value| Json::String(quote(value))).collect());
    Json::Object(document)
}

/// `java.sql.Types`, as Debezium assigns it: TINYINT counts as SMALLINT up to 3.6 (mysql-source.md, 12.1 note 1).
pub fn jdbc_type(column: &Column) -> i32 {
    let national = column.type_name.starts_with('N');
    match column.base_type() {
        "BIT" => -7,
        "TINYINT" | "SMALLINT" => 5,
        "MEDIUMINT" | "INT" | "YEAR" => 4,
        "BIGINT" => -5,
        "REAL" => 7,
        "DOUBLE" => 8,
        "FLOAT" => 6,
        "DECIMAL" if column.type_name.starts_with("NUMERIC") => 2,
        "DECIMAL" => 3,
        "BOOLEAN" => 16,
        "DATE" => 91,
        "TIME" => 92,
        "DATETIME" => 93,
        "TIMESTAMP" => 2014,
        "CHAR" if national => -15,
        "VARCHAR" if national => -9,
        "CHAR" | "ENUM" | "SET" => 1,
        "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" => 12,
        "BINARY" => -2,
        "VARBINARY" => -3,
        "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => 2004,
        _ => 1111,
    }
}

/// A member of an ENUM or SET as SHOW CREATE TABLE prints it.
fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('\'');
    for c in value.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            _ => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// Debezium: TableId.toDoubleQuotedString.
fn id_to_text(id: &TableId) -> String {
    format!("\"{}\".\"{}\"", id.database.replace('"', "\"\""), id.table.replace('"', "\"\""))
}

fn id_from_text(text: &str) -> Option<TableId> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '"' | '`' | '\'') => quote = Some(c),
            (None, '.') => parts.push(String::new()),
            (Some(open), c) if open == c => {
                if chars.next_if_eq(&open).is_some() {
                    parts.last_mut()?.push(c);
                } else {
                    quote = None;
                }
            }
            (_, c) => parts.last_mut()?.push(c),
        }
    }
    match parts.as_slice() {
        [database, table] => Some(TableId::new(database.as_str(), table.as_str())),
        [table] => Some(TableId::new("", table.as_str())),
        // Catalog, schema and table, where the schema is empty.
        [database, _, table] => Some(TableId::new(database.as_str(), table.as_str())),
        _ => None,
    }
}

/// Reads a record in any whitespace, of any Debezium version.
///
/// # Errors
/// What is wrong with it.
pub fn from_document(document: Json) -> Result<HistoryRecord, String> {
    let Json::Object(mut document) = document else {
        return Err("it is not an object".to_owned());
    };
    let mut object = |name: &str| match document.remove(name) {
        Some(Json::Object(object)) => Ok(object),
        _ => Err(format!("it has no '{name}'")),
    };
    let (source, position) = (object("source")?, object("position")?);
    let text = |name: &str| document.get(name).and_then(Json::as_str).map(str::to_owned);
    let changes = match document.get("tableChanges") {
        Some(Json::Array(changes)) => {
            changes.iter().map(change_from_document).collect::<Option<Vec<_>>>().ok_or("its tableChanges cannot be read")?
        }
        _ => Vec::new(),
    };
    Ok(HistoryRecord {
        source,
        position,
        ts_ms: document.get("ts_ms").and_then(Json::as_i64),
        database: text("databaseName"),
        ddl: text("ddl"),
        changes,
    })
}

fn change_from_document(document: &Json) -> Option<TableChange> {
    let text = |name: &str| document.get(name).and_then(Json::as_str);
    let kind = match text("type")? {
        "CREATE" => ChangeKind::Create,
        "ALTER" => ChangeKind::Alter,
        "DROP" => ChangeKind::Drop,
        _ => return None,
    };
    let id = id_from_text(text("id")?)?;
    let table = match (kind, document.get("table")) {
        (ChangeKind::Drop, _) => None,
        (_, Some(table)) => Some(table_from_document(&id, table, text("comment"))?),
        (_, None) => return None,
    };
    Some(TableChange { kind, id, previous_id: text("previousId").and_then(id_from_text), table })
}

fn table_from_document(id: &TableId, document: &Json, comment: Option<&str>) -> Option<Table> {
    let mut columns = document.get("columns")?.as_array()?.iter().map(column_from_document).collect::<Option<Vec<_>>>()?;
    columns.sort_by_key(|column| column.position);
    let texts = |name: &str| document.get(name).and_then(Json::as_array).into_iter().flatten();
    Some(Table {
        id: id.clone(),
        columns,
        primary_key: texts("primaryKeyColumnNames").filter_map(Json::as_str).map(str::to_owned).collect(),
        default_charset: document.get("defaultCharsetName").and_then(Json::as_str).map(str::to_owned),
        comment: comment.or_else(|| document.get("comment").and_then(Json::as_str)).map(str::to_owned),
    })
}

fn column_from_document(document: &Json) -> Option<Column> {
    let text = |name: &str| document.get(name).and_then(Json::as_str).map(str::to_owned);
    let flag = |name: &str| document.get(name).and_then(Json::as_bool).unwrap_or(false);
    let number = |name: &str| document.get(name).and_then(Json::as_i64).and_then(|number| i32::try_from(number).ok());
    let default = text("defaultValueExpression");
    let enum_values = document.get("enumValues").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    Some(Column {
        name: text("name")?,
        type_name: text("typeName")?,
        // Debezium 3.6 keeps the quote of COLLATE 'utf8mb3_bin'.
        charset: text("charsetName").map(|charset| charset.trim_matches('\'').to_owned()),
        length: number("length").filter(|length| *length >= 0),
        scale: number("scale"),
        position: usize::try_from(number("position")?).ok()?,
        optional: flag("optional"),
        auto_incremented: flag("autoIncremented"),
        generated: flag("generated"),
        has_default: flag("hasDefaultValue") || default.is_some(),
        default,
        enum_values: enum_values.map(member).collect(),
        comment: text("comment"),
    })
}

fn member(text: &str) -> String {
    let quoted = text.len() >= 2 && (text.starts_with('\'') || text.starts_with('"')) && text.ends_with(&text[..1]);
    if quoted { unescape(text) } else { text.to_owned() }
}

/// As Jackson's default pretty printer, which Debezium uses for topics.
pub fn pretty(document: &Json) -> String {
    let mut out = String::with_capacity(1024);
    write(&mut out, document, Some(0));
    out
}

/// Without blanks, as in history files.
pub fn compact(document: &Json) -> String {
    let mut out = String::with_capacity(1024);
    write(&mut out, document, None);
    out
}

/// `depth` is the number of open objects, `None` for no blanks.
fn write(out: &mut String, value: &Json, depth: Option<usize>) {
    match value {
        Json::Object(fields) if fields.is_empty() => out.push_str(if depth.is_some() { "{ }" } else { "{}" }),
        Json::Object(fields) => {
            out.push('{');
            let inner = depth.map(|depth| depth + 1);
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                new_line(out, inner);
                write_string(out, name);
                out.push_str(if depth.is_some() { " : " } else { ":" });
                write(out, value, inner);
            }
            new_line(out, depth);
            out.push('}');
        }
        Json::Array(items) if items.is_empty() => out.push_str(if depth.is_some() { "[ ]" } else { "[]" }),
        Json::Array(items) => {
            let blank = if depth.is_some() { " " } else { "" };
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(blank);
                write(out, item, depth);
            }
            out.push_str(blank);
            out.push(']');
        }
        Json::String(text) => write_string(out, text),
        other => out.push_str(&other.to_string()),
    }
}

fn new_line(out: &mut String, depth: Option<usize>) {
    if let Some(depth) = depth {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    }
}

/// Jackson writes control characters with upper case hexadecimal digits.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
