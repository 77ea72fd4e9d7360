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
    /// Upper case and spelt as in the statement, with `UNSIGNED` / `UNSIGNED ZEROFILL` / `SIGNED` / `BINARY` where
    /// declared: `INT UNSIGNED`, `INTEGER`, `INT4`, `CHARACTER VARYING`, `CHAR BINARY`. For decisions use
    /// [`Column::base_type`], which knows all spellings.
    pub type_name: String,
    /// Of text, ENUM and SET columns, always known; `None` for all others.
    pub charset: Option<String>,
    /// Characters, bytes, digits or fractional seconds, as the type understands it. Only what was declared:
    /// `CHAR` and `BINARY` without a length have `None`, but BIT has 1 and DECIMAL 10.
    pub length: Option<i32>,
    pub scale: Option<i32>,
    /// Counted from 1.
    pub position: usize,
    pub optional: bool,
    /// On MySQL also true for `ON UPDATE CURRENT_TIMESTAMP`, as in Debezium.
    pub auto_incremented: bool,
    /// AUTO_INCREMENT or ON UPDATE, as in Debezium; not GENERATED ALWAYS AS.
    pub generated: bool,
    /// True for every nullable column: without another default it is NULL.
    pub has_default: bool,
    /// The default as the statement spells it inside its quotes, escapes included (`0`, `a''b`, `back\\slash`);
    /// `CURRENT_TIMESTAMP` and its kin are `1970-01-01 00:00:00`, as in Debezium. `None` with `has_default` is NULL
    /// or an expression.
    pub default: Option<String>,
    /// Unquoted members of an ENUM or SET.
    pub enum_values: Vec<String>,
    pub comment: Option<String>,
}

impl Column {
    /// The type under its one usual name, without attributes: TINYINT SMALLINT MEDIUMINT INT BIGINT, FLOAT DOUBLE REAL
    /// DECIMAL, BIT BOOLEAN, CHAR VARCHAR TINYTEXT TEXT MEDIUMTEXT LONGTEXT, BINARY VARBINARY TINYBLOB BLOB MEDIUMBLOB
    /// LONGBLOB, ENUM SET JSON, DATE TIME DATETIME TIMESTAMP YEAR, GEOMETRY POINT LINESTRING POLYGON MULTIPOINT
    /// MULTILINESTRING MULTIPOLYGON GEOMETRYCOLLECTION, VECTOR, INET4 INET6 UUID. Any other name is returned as it is.
    pub fn base_type(&self) -> &str {
        base_type(&self.type_name)
    }

    pub fn is_unsigned(&self) -> bool {
        self.type_name.split(' ').any(|word| word == "UNSIGNED")
    }
}

fn base_type(type_name: &str) -> &str {
    let mut name = type_name;
    while let Some((head, "UNSIGNED" | "SIGNED" | "ZEROFILL" | "BINARY")) = name.rsplit_once(' ') {
        name = head;
    }
    match name {
        "INT1" => "TINYINT",
        "INT2" => "SMALLINT",
        "INT3" | "MIDDLEINT" => "MEDIUMINT",
        "INT4" | "INTEGER" => "INT",
        "INT8" => "BIGINT",
        "FLOAT4" => "FLOAT",
        "FLOAT8" | "DOUBLE PRECISION" => "DOUBLE",
        "DEC" | "FIXED" | "NUMERIC" | "NUMBER" => "DECIMAL",
        "BOOL" => "BOOLEAN",
        "CHARACTER" | "NCHAR" | "NATIONAL CHAR" | "NATIONAL CHARACTER" => "CHAR",
        "CHAR VARYING"
        | "CHARACTER VARYING"
        | "VARCHARACTER"
        | "VARCHAR2"
        | "NVARCHAR"
        | "NCHAR VARCHAR"
        | "NCHAR VARYING"
        | "NATIONAL VARCHAR"
        | "NATIONAL CHAR VARYING"
        | "NATIONAL CHARACTER VARYING"
        | "NATIONAL VARCHARACTER"
        | "NCHAR VARCHARACTER" => "VARCHAR",
        "LONG" | "LONG VARCHAR" | "LONG VARCHARACTER" | "LONG CHAR VARYING" | "LONG CHARACTER VARYING" => "MEDIUMTEXT",
        "LONG VARBINARY" => "MEDIUMBLOB",
        "CLOB" => "LONGTEXT",
        "GEOMCOLLECTION" => "GEOMETRYCOLLECTION",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_type_have_one_base_type() {
        for (spelt, base) in [
            ("INT UNSIGNED ZEROFILL", "INT"),
            ("INTEGER", "INT"),
            ("BIGINT SIGNED", "BIGINT"),
            ("DOUBLE PRECISION UNSIGNED", "DOUBLE"),
            ("CHAR VARYING BINARY", "VARCHAR"),
            ("BINARY", "BINARY"),
            ("NATIONAL CHARACTER VARYING", "VARCHAR"),
            ("GEOMCOLLECTION", "GEOMETRYCOLLECTION"),
            ("SOMETHING NEW", "SOMETHING NEW"),
        ] {
            assert_eq!(base_type(spelt), base, "{spelt}");
        }
    }
}
