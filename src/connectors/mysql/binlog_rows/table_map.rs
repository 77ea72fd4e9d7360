//! Reads TABLE_MAP events: which table the next rows events are about and how its columns lie in them.

use bytes::Bytes;

use super::wire::{Cursor, Truncated, Wire};
use crate::plugin::{ConnectError, Result};

/// A TABLE_MAP event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableMap {
    pub table_id: u64,
    pub database: String,
    pub table: String,
    pub(super) columns: Vec<MappedColumn>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MappedColumn {
    code: u8,
    metadata: [u8; 2],
    /// The collation of a text column, if the server says so (`binlog_row_metadata`, MySQL 8.0 and MariaDB 10.5).
    pub collation: Option<u16>,
    /// With `binlog_row_metadata=FULL`.
    pub name: Option<String>,
}

impl MappedColumn {
    pub fn wire(&self) -> std::result::Result<Wire, String> {
        Wire::new(self.code, self.metadata)
    }

    /// MySQL's is_character_type: CHAR, VARCHAR and the BLOB types, binary ones too, but neither ENUM nor SET.
    fn is_character(&self) -> bool {
        matches!(self.wire(), Ok(Wire::Chars { .. } | Wire::Blob { .. }))
    }
}

impl TableMap {
    /// # Errors
    /// `Fatal` if the body is cut short or holds an unknown column type.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let body = Bytes::copy_from_slice(body);
        let mut cursor = Cursor::new(&body, 0);
        let map =
            parse(&mut cursor).map_err(|Truncated| ConnectError::fatal("cannot read a table map event: it is cut short"))?;
        if let Some(column) = map.columns.iter().find(|column| Wire::metadata_bytes(column.code).is_none()) {
            return Err(ConnectError::fatal(format!(
                "cannot read the table map of {}.{}: it has a column of type {}, which is not known",
                map.database, map.table, column.code
            )));
        }
        Ok(map)
    }

    /// Number of columns in the table when the event was written.
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// The columns' names, with `binlog_row_metadata=FULL`.
    pub fn column_names(&self) -> Option<Vec<&str>> {
        self.columns.iter().map(|column| column.name.as_deref()).collect()
    }
}

fn parse(cursor: &mut Cursor<'_>) -> std::result::Result<TableMap, Truncated> {
    let table_id = cursor.little(6)?;
    let _flags = cursor.take(2)?;
    let database = name(cursor)?;
    let table = name(cursor)?;
    let count = usize::try_from(cursor.length_encoded()?).map_err(|_| Truncated)?;
    let codes = cursor.take(count)?;
    let metadata_length = usize::try_from(cursor.length_encoded()?).map_err(|_| Truncated)?;
    let metadata = cursor.shared(metadata_length)?;
    let _nullable = cursor.take(count.div_ceil(8))?;
    let mut metadata = Cursor::new(&metadata, 0);
    let mut columns = Vec::with_capacity(count);
    for code in codes {
        let mut column = MappedColumn { code: *code, metadata: [0; 2], collation: None, name: None };
        let Some(length) = Wire::metadata_bytes(*code) else {
            // The caller reports it; where the next column's metadata starts is not known.
            columns.push(column);
            break;
        };
        column.metadata[..length].copy_from_slice(metadata.take(length)?);
        columns.push(column);
    }
    let mut map = TableMap { table_id, database, table, columns };
    // The optional part only helps; what cannot be understood there is left alone.
    let _understood = optional_metadata(cursor, &mut map.columns);
    Ok(map)
}

/// A length byte, the name and a zero byte.
fn name(cursor: &mut Cursor<'_>) -> std::result::Result<String, Truncated> {
    let length = cursor.little(1)? as usize;
    let name = String::from_utf8_lossy(cursor.take(length)?).into_owned();
    cursor.take(1)?;
    Ok(name)
}

fn optional_metadata(cursor: &mut Cursor<'_>, columns: &mut [MappedColumn]) -> std::result::Result<(), Truncated> {
    while !cursor.is_at_end() {
        let kind = cursor.little(1)?;
        let length = usize::try_from(cursor.length_encoded()?).map_err(|_| Truncated)?;
        let field = cursor.shared(length)?;
        let field = Cursor::new(&field, 0);
        match kind {
            2 => default_charset(field, columns)?,
            3 => column_charsets(field, columns)?,
            4 => column_names(field, columns)?,
            _ => {}
        }
    }
    Ok(())
}

/// The most common collation, then pairs of column number (among text columns) and collation for the others.
fn default_charset(mut field: Cursor<'_>, columns: &mut [MappedColumn]) -> std::result::Result<(), Truncated> {
    let default = field.length_encoded()? as u16;
    let mut others = Vec::new();
    while !field.is_at_end() {
        others.push((field.length_encoded()?, field.length_encoded()? as u16));
    }
    let characters = || columns.iter().filter(|column| column.is_character()).count() as u64;
    if others.iter().any(|(index, _)| *index >= characters()) {
        return Ok(()); // The server counts other types as text than we do.
    }
    for (index, column) in columns.iter_mut().filter(|column| column.is_character()).enumerate() {
        let other = others.iter().find(|(other, _)| *other == index as u64);
        column.collation = Some(other.map_or(default, |(_, collation)| *collation));
    }
    Ok(())
}

fn column_charsets(mut field: Cursor<'_>, columns: &mut [MappedColumn]) -> std::result::Result<(), Truncated> {
    let mut collations = Vec::new();
    while !field.is_at_end() {
        collations.push(field.length_encoded()? as u16);
    }
    let mut characters: Vec<_> = columns.iter_mut().filter(|column| column.is_character()).collect();
    if characters.len() == collations.len() {
        for (column, collation) in characters.iter_mut().zip(collations) {
            column.collation = Some(collation);
        }
    }
    Ok(())
}

fn column_names(mut field: Cursor<'_>, columns: &mut [MappedColumn]) -> std::result::Result<(), Truncated> {
    for column in columns {
        let length = usize::try_from(field.length_encoded()?).map_err(|_| Truncated)?;
        column.name = Some(String::from_utf8_lossy(field.take(length)?).into_owned());
    }
    Ok(())
}
