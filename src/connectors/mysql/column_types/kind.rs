//! Tells the type of a column from its definition.

use super::super::table::Column;

/// Widths of MySQL's integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegerWidth {
    Tiny,
    Small,
    Medium,
    Int,
    Big,
}

/// A column type with what its definition says about it. Lengths are as DDL gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `BOOL` and `BOOLEAN`, seen only in streamed DDL: `SHOW CREATE TABLE` prints `tinyint(1)`.
    Boolean,
    Bit {
        bits: u16,
    },
    Integer {
        width: IntegerWidth,
        unsigned: bool,
    },
    /// `FLOAT(length)` or `FLOAT(length,scale)`.
    Float {
        length: Option<i32>,
        scale: Option<i32>,
    },
    /// `REAL` in streamed DDL. Stored as a double.
    Real,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// CHAR, VARCHAR and the TEXT types.
    Text,
    /// `BINARY(length)`, which row images carry without its trailing zeros.
    Binary {
        length: usize,
    },
    /// VARBINARY and the BLOB types.
    Bytes,
    Json,
    Enum,
    Set,
    Year,
    Date,
    /// `digits` are those of the fraction, for TIME, DATETIME and TIMESTAMP.
    Time {
        digits: u8,
    },
    DateTime {
        digits: u8,
    },
    Timestamp {
        digits: u8,
    },
    Geometry,
    Point,
    Vector,
    /// MariaDB's UUID, INET4 and INET6.
    Uuid,
    Inet4,
    Inet6,
}

impl Kind {
    /// The kind of a column, or nothing if the type is unknown.
    pub fn of(column: &Column) -> Option<Self> {
        let name = column.type_name.to_ascii_uppercase();
        let name = match name.split_once('(') {
            Some((before, after)) => format!("{before} {}", after.split_once(')').map_or("", |(_, rest)| rest)),
            None => name,
        };
        let words: Vec<&str> = name.split_ascii_whitespace().collect();
        let unsigned = words.iter().any(|word| matches!(*word, "UNSIGNED" | "ZEROFILL"));
        let integer = |width| Self::Integer { width, unsigned };
        let digits = column.length.and_then(|length| u8::try_from(length).ok()).filter(|digits| *digits <= 6).unwrap_or(0);
        let second = words.get(1).copied().unwrap_or_default();
        Some(match *words.first()? {
            "BOOL" | "BOOLEAN" => Self::Boolean,
            "BIT" => Self::Bit { bits: column.length.and_then(|bits| u16::try_from(bits).ok()).unwrap_or(1).clamp(1, 64) },
            "TINYINT" | "INT1" => integer(IntegerWidth::Tiny),
            "SMALLINT" | "INT2" => integer(IntegerWidth::Small),
            "MEDIUMINT" | "INT3" | "MIDDLEINT" => integer(IntegerWidth::Medium),
            "INT" | "INTEGER" | "INT4" => integer(IntegerWidth::Int),
            "BIGINT" | "INT8" => integer(IntegerWidth::Big),
            "SERIAL" => Self::Integer { width: IntegerWidth::Big, unsigned: true },
            "FLOAT" | "FLOAT4" => Self::Float { length: column.length, scale: column.scale },
            "REAL" => Self::Real,
            "DOUBLE" | "FLOAT8" => Self::Double,
            "DECIMAL" | "DEC" | "FIXED" | "NUMERIC" => Self::Decimal {
                precision: column.length.and_then(|digits| u8::try_from(digits).ok()).filter(|digits| *digits > 0).unwrap_or(10),
                scale: column.scale.and_then(|digits| u8::try_from(digits).ok()).unwrap_or(0),
            },
            "LONG" if matches!(second, "VARBINARY") => Self::Bytes,
            "CHAR" | "CHARACTER" if second == "BYTE" => Self::Binary { length: length_of(column) },
            "CHAR" | "CHARACTER" | "VARCHAR" | "NCHAR" | "NVARCHAR" | "NATIONAL" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT"
            | "LONGTEXT" | "LONG" | "VARCHARACTER" | "CLOB" | "VARCHAR2" => Self::Text,
            "BINARY" => Self::Binary { length: length_of(column) },
            "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" | "RAW" => Self::Bytes,
            "JSON" => Self::Json,
            "ENUM" => Self::Enum,
            "SET" => Self::Set,
            "YEAR" => Self::Year,
            "DATE" => Self::Date,
            "TIME" => Self::Time { digits },
            "DATETIME" => Self::DateTime { digits },
            "TIMESTAMP" => Self::Timestamp { digits },
            "POINT" => Self::Point,
            "GEOMETRY" | "LINESTRING" | "POLYGON" | "MULTIPOINT" | "MULTILINESTRING" | "MULTIPOLYGON" | "GEOMETRYCOLLECTION"
            | "GEOMCOLLECTION" => Self::Geometry,
            "VECTOR" => Self::Vector,
            "UUID" => Self::Uuid,
            "INET4" => Self::Inet4,
            "INET6" => Self::Inet6,
            _ => return None,
        })
    }
}

fn length_of(column: &Column) -> usize {
    column.length.and_then(|length| usize::try_from(length).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(type_name: &str, length: Option<i32>, scale: Option<i32>) -> Option<Kind> {
        Kind::of(&Column { type_name: type_name.into(), length, scale, ..Column::default() })
    }

    #[test]
    fn every_spelling_finds_its_kind() {
        let integer = |width, unsigned| Some(Kind::Integer { width, unsigned });
        assert_eq!(kind("INT", None, None), integer(IntegerWidth::Int, false));
        assert_eq!(kind("INTEGER UNSIGNED", None, None), integer(IntegerWidth::Int, true));
        assert_eq!(kind("TINYINT UNSIGNED ZEROFILL", Some(3), None), integer(IntegerWidth::Tiny, true));
        assert_eq!(kind("INT8 UNSIGNED", None, None), integer(IntegerWidth::Big, true));
        assert_eq!(kind("bigint(20) unsigned", None, None), integer(IntegerWidth::Big, true));
        assert_eq!(kind("FLOAT UNSIGNED", Some(7), Some(4)), Some(Kind::Float { length: Some(7), scale: Some(4) }));
        assert_eq!(kind("DOUBLE PRECISION", None, None), Some(Kind::Double));
        assert_eq!(kind("DECIMAL", None, None), Some(Kind::Decimal { precision: 10, scale: 0 }));
        assert_eq!(kind("NUMERIC", Some(65), Some(30)), Some(Kind::Decimal { precision: 65, scale: 30 }));
        assert_eq!(kind("BIT", None, None), Some(Kind::Bit { bits: 1 }));
        assert_eq!(kind("BIT", Some(64), None), Some(Kind::Bit { bits: 64 }));
        for text in ["CHAR", "VARCHAR", "NATIONAL CHARACTER VARYING", "NCHAR", "LONGTEXT", "CHAR BINARY", "LONG VARCHAR"] {
            assert_eq!(kind(text, None, None), Some(Kind::Text), "{text}");
        }
        assert_eq!(kind("BINARY", Some(3), None), Some(Kind::Binary { length: 3 }));
        assert_eq!(kind("LONG VARBINARY", None, None), Some(Kind::Bytes));
        assert_eq!(kind("DATETIME", Some(3), None), Some(Kind::DateTime { digits: 3 }));
        assert_eq!(kind("TIMESTAMP", None, None), Some(Kind::Timestamp { digits: 0 }));
        assert_eq!(kind("GEOMCOLLECTION", None, None), Some(Kind::Geometry));
        assert_eq!(kind("HYPERCUBE", None, None), None);
    }
}
