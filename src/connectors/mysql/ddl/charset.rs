//! Says which character set a column has.

use super::super::table::Column;

/// MySQL manual, Supported Character Sets and Collations; MariaDB's are among them.
const CHARSETS: &[&str] = &[
    "armscii8", "ascii", "big5", "binary", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866", "cp932", "dec8",
    "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r", "koi8u", "latin1",
    "latin2", "latin5", "latin7", "macce", "macroman", "sjis", "swe7", "tis620", "ucs2", "ujis", "utf16", "utf16le", "utf32",
    "utf8", "utf8mb3", "utf8mb4",
];

/// The character set that a collation belongs to; `None` for MariaDB's collations of any character set (`uca1400_ai_ci`).
pub fn charset_of_collation(collation: &str) -> Option<String> {
    let collation = collation.to_ascii_lowercase();
    let charset = collation.split('_').next().unwrap_or_default();
    CHARSETS.contains(&charset).then(|| charset.to_owned())
}

/// Gives a column the character set it inherits, and turns text of no character set into the binary type it is:
/// the server stores `CHAR(3) CHARACTER SET binary` as `BINARY(3)`.
pub fn settle(column: &mut Column, table_charset: Option<&str>) {
    if !has_charset(column.base_type()) {
        column.charset = None;
        return;
    }
    if column.charset.is_none() {
        column.charset = table_charset.map(str::to_owned);
    }
    if column.charset.as_deref().is_some_and(|charset| charset.eq_ignore_ascii_case("binary")) {
        let binary = match column.base_type() {
            "CHAR" => "BINARY",
            "VARCHAR" => "VARBINARY",
            "TINYTEXT" => "TINYBLOB",
            "TEXT" => "BLOB",
            "MEDIUMTEXT" => "MEDIUMBLOB",
            "LONGTEXT" => "LONGBLOB",
            // ENUM and SET stay what they are.
            _ => return,
        };
        column.type_name = binary.to_owned();
        column.charset = None;
    }
}

pub fn has_charset(base_type: &str) -> bool {
    matches!(base_type, "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM" | "SET")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collation_names_its_charset() {
        for (collation, charset) in [
            ("utf8mb4_0900_ai_ci", Some("utf8mb4")),
            ("latin1_swedish_ci", Some("latin1")),
            ("UTF8_BIN", Some("utf8")),
            ("binary", Some("binary")),
            ("uca1400_ai_ci", None),
        ] {
            assert_eq!(charset_of_collation(collation).as_deref(), charset, "{collation}");
        }
    }

    #[test]
    fn text_without_charset_is_binary() {
        let mut column = Column { type_name: "VARCHAR".to_owned(), ..Column::default() };
        settle(&mut column, Some("binary"));
        assert_eq!((column.type_name.as_str(), column.charset), ("VARBINARY", None));
    }
}
