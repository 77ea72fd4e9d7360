//! Reads the row images of rows events straight into values.
//!
//! Works on raw event bodies (`Event::data()` of mysql_common, that is without common header and checksum). One
//! [`RowDecoder`] is built per TABLE_MAP and table version and kept while both stay the same. mysql_common's own row
//! iterator parses the table map's metadata for every row and is seven times slower.

mod table_map;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
pub use table_map::TableMap;
use wire::{Cursor, Truncated, Wire, fraction, length};

use super::charset::Charset;
use super::column_types::{ColumnPlan, Convert, DateTime, Decimal, Kind, Phase, Row, RowBuilder, TablePlan, ValueError};
use crate::data::Value;
use crate::plugin::{ConnectError, Result};

/// What a rows event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsKind {
    Write,
    Update,
    Delete,
}

impl RowsKind {
    /// The kind of this event type code, or nothing for any other event. Includes the forms that
    /// [`RowsHeader::parse`] then refuses: partial JSON updates and MariaDB's compressed events.
    pub fn of_event_type(code: u8) -> Option<Self> {
        match code {
            23 | 30 | 166 | 169 => Some(Self::Write),
            24 | 31 | 39 | 167 | 170 => Some(Self::Update),
            25 | 32 | 168 | 171 => Some(Self::Delete),
            _ => None,
        }
    }
}

/// The start of a rows event, enough to find its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsHeader {
    pub kind: RowsKind,
    pub table_id: u64,
    /// The last rows event of its statement: table ids are void after it.
    pub end_of_statement: bool,
    body_offset: usize,
}

impl RowsHeader {
    /// # Errors
    /// `Fatal` if the body is cut short, `event_type` is no rows event, or is of a kind that cannot be read.
    pub fn parse(event_type: u8, body: &[u8]) -> Result<Self> {
        let kind = RowsKind::of_event_type(event_type)
            .ok_or_else(|| ConnectError::fatal(format!("cannot read event type {event_type} as a rows event")))?;
        match event_type {
            39 => {
                return Err(ConnectError::fatal(
                    "cannot read a rows event: it holds partial JSON updates; set binlog_row_value_options='' on the server",
                ));
            }
            166..=171 => {
                return Err(ConnectError::fatal(
                    "cannot read a rows event: it is compressed; set log_bin_compress=OFF on the MariaDB server",
                ));
            }
            _ => {}
        }
        let cut_short = || ConnectError::fatal("cannot read a rows event: it is cut short");
        let (Some(id), Some(flags)) = (body.get(..6), body.get(6..8)) else { return Err(cut_short()) };
        let table_id = id.iter().rev().fold(0, |id, byte| id << 8 | u64::from(*byte));
        let end_of_statement = flags[0] & 1 != 0;
        // Version 2 adds extra data, whose length counts its own two bytes.
        let body_offset = if event_type >= 30 {
            let extra = body.get(8..10).and_then(|bytes| bytes.try_into().ok()).map(u16::from_le_bytes);
            8 + usize::from(extra.filter(|extra| *extra >= 2).ok_or_else(cut_short)?)
        } else {
            8
        };
        Ok(Self { kind, table_id, end_of_statement, body_offset })
    }
}

/// One changed row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange {
    Create { after: Row },
    Update { before: Row, after: Row },
    Delete { before: Row },
}

/// Decodes rows of one table map with one plan.
#[derive(Debug)]
pub struct RowDecoder {
    plan: Arc<TablePlan>,
    columns: Vec<ColumnReader>,
}

#[derive(Debug)]
struct ColumnReader {
    wire: Wire,
    /// `None` steps over the column.
    charset: Option<Charset>,
}

impl RowDecoder {
    /// # Errors
    /// `Fatal` if the event's columns do not fit the table's definition (count, name, type); names the first such column.
    pub fn new(plan: &Arc<TablePlan>, map: &TableMap) -> Result<Self> {
        let table = &plan.table.id;
        let refuse = |what: String| {
            Err(ConnectError::fatal(format!(
                "cannot read changes of table {table}: {what}; the table's known definition is not the one the changes were \
                 made with; restart with snapshot.mode=recovery if the table has not changed since, else take a new snapshot"
            )))
        };
        if map.columns.len() != plan.columns.len() {
            return refuse(format!("its definition has {} columns, the binlog event {}", plan.columns.len(), map.columns.len()));
        }
        let mut columns = Vec::with_capacity(map.columns.len());
        for (mapped, column) in map.columns.iter().zip(&plan.columns) {
            if mapped.name.as_ref().is_some_and(|name| !name.eq_ignore_ascii_case(&column.name)) {
                let name = mapped.name.as_deref().unwrap_or_default();
                return refuse(format!("its definition has column '{}' where the binlog event has '{name}'", column.name));
            }
            let wire = match mapped.wire() {
                Ok(wire) => wire,
                Err(what) => return refuse(format!("the binlog event gives column '{}' {what}", column.name)),
            };
            if column.is_needed() {
                if let Wire::Compressed { .. } = wire {
                    return Err(ConnectError::fatal(format!(
                        "cannot read changes of table {table}: column '{}' is COMPRESSED, which is not supported; leave it out \
                         with column.exclude.list or store it uncompressed",
                        column.name
                    )));
                }
                if !column.kind.is_some_and(|kind| wire.fits(kind)) {
                    return refuse(format!(
                        "column '{}' is {:?} by its definition, but {wire:?} in the binlog event",
                        column.name, column.kind
                    ));
                }
            }
            columns.push(ColumnReader { wire, charset: mapped.collation.and_then(Charset::by_collation) });
        }
        Ok(Self { plan: plan.clone(), columns })
    }

    pub fn plan(&self) -> &Arc<TablePlan> {
        &self.plan
    }

    /// Walks the rows of an event. Text and bytes of the values are slices of `body`.
    ///
    /// # Errors
    /// `Fatal` if the event lacks a needed column (`binlog_row_image` is not FULL) or its header is damaged.
    pub fn rows<'a>(&'a self, header: &RowsHeader, body: &'a Bytes) -> Result<Rows<'a>> {
        let mut cursor = Cursor::new(body, header.body_offset);
        let (before, after) = self.present_columns(header.kind, &mut cursor).map_err(|Truncated| self.cut_short(0))?;
        let rows = Rows { decoder: self, kind: header.kind, cursor, before, after, index: 0, failed: false };
        for present in [&rows.before, &rows.after].into_iter().flatten() {
            self.check_present(present)?;
        }
        Ok(rows)
    }

    fn present_columns(&self, kind: RowsKind, cursor: &mut Cursor<'_>) -> std::result::Result<BeforeAfter, Truncated> {
        let count = cursor.length_encoded()?;
        if count != self.columns.len() as u64 {
            return Err(Truncated);
        }
        let mut bitmap = || Ok(Present::new(cursor.take(self.columns.len().div_ceil(8))?, self.columns.len()));
        Ok(match kind {
            RowsKind::Write => (None, Some(bitmap()?)),
            RowsKind::Delete => (Some(bitmap()?), None),
            RowsKind::Update => (Some(bitmap()?), Some(bitmap()?)),
        })
    }

    fn check_present(&self, present: &Present) -> Result<()> {
        let Present::Some(bits) = present else { return Ok(()) };
        let missing = self.plan.columns.iter().enumerate().find(|(index, column)| column.is_needed() && !bit(bits, *index));
        match missing {
            None => Ok(()),
            Some((_, column)) => Err(ConnectError::fatal(format!(
                "cannot read changes of table {}: the event has no value for column '{}'; set binlog_row_image=FULL on the \
                 server, for sessions that are connected too",
                self.plan.table.id, column.name
            ))),
        }
    }

    fn cut_short(&self, row: usize) -> ConnectError {
        let table = &self.plan.table.id;
        ConnectError::fatal(format!("cannot read changes of table {table}: the rows event is cut short or damaged at row {row}"))
    }

    /// Reads one row image.
    fn image(&self, cursor: &mut Cursor<'_>, present: &Present, row: usize) -> Result<Row> {
        let cut_short = |Truncated| self.cut_short(row);
        let count = match present {
            Present::All => self.columns.len(),
            Present::Some(bits) => (0..self.columns.len()).filter(|index| bit(bits, *index)).count(),
        };
        let nulls = cursor.take(count.div_ceil(8)).map_err(cut_short)?;
        let mut builder = RowBuilder::new(&self.plan);
        let mut null_index = 0;
        for (index, (reader, column)) in self.columns.iter().zip(&self.plan.columns).enumerate() {
            if matches!(present, Present::Some(bits) if !bit(bits, index)) {
                continue;
            }
            let is_null = bit(nulls, null_index);
            null_index += 1;
            match &column.convert {
                Some(_) if is_null => builder.push(column, column.null.clone()),
                Some(convert) => builder.push(column, self.value(cursor, reader, column, convert, row)?),
                None if is_null => {}
                None => reader.wire.skip(cursor).map_err(cut_short)?,
            }
        }
        Ok(builder.finish())
    }

    #[inline]
    fn value(
        &self,
        cursor: &mut Cursor<'_>,
        reader: &ColumnReader,
        column: &ColumnPlan,
        convert: &Convert,
        row: usize,
    ) -> Result<Value> {
        let table = &self.plan.table.id;
        match read(cursor, reader, column, convert) {
            Ok(Read::Value(value)) => column.settle(table, value),
            Ok(Read::Optional(value)) => column.settle_optional(table, value),
            Err(Truncated) => Err(self.cut_short(row)),
        }
    }
}

type BeforeAfter = (Option<Present>, Option<Present>);

/// Which columns an event's images have.
#[derive(Clone, Debug)]
enum Present {
    All,
    Some(Vec<u8>),
}

impl Present {
    fn new(bits: &[u8], count: usize) -> Self {
        if (0..count).all(|index| bit(bits, index)) { Self::All } else { Self::Some(bits.to_vec()) }
    }
}

fn bit(bits: &[u8], index: usize) -> bool {
    bits.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 != 0)
}

/// The two forms in which conversions answer.
enum Read {
    Value(std::result::Result<Value, ValueError>),
    Optional(std::result::Result<Option<Value>, ValueError>),
}

#[inline]
fn read(
    cursor: &mut Cursor<'_>,
    reader: &ColumnReader,
    column: &ColumnPlan,
    convert: &Convert,
) -> std::result::Result<Read, Truncated> {
    Ok(Read::Value(match reader.wire {
        Wire::Integer { bytes } => convert.integer(integer(cursor, bytes, convert.is_unsigned())?, Phase::Stream),
        Wire::Chars { length_bytes } => {
            let length = length(cursor, length_bytes)?;
            match column.kind {
                Some(Kind::Text) => convert.text(cursor.shared(length)?, reader.charset),
                Some(Kind::Uuid | Kind::Inet4 | Kind::Inet6) => convert.fixed_bytes(cursor.take(length)?),
                _ => convert.binary(cursor.shared(length)?),
            }
        }
        Wire::Blob { length_bytes } => {
            let length = length(cursor, length_bytes)?;
            let bytes = cursor.shared(length)?;
            match column.kind {
                Some(Kind::Text) => convert.text(bytes, reader.charset),
                Some(Kind::Json) => convert.json_text(bytes),
                Some(Kind::Vector) => convert.vector(&bytes),
                _ => convert.binary(bytes),
            }
        }
        Wire::Float => convert.float(f32::from_le_bytes(cursor.array()?), Phase::Stream),
        Wire::Double => convert.double(f64::from_le_bytes(cursor.array()?)),
        Wire::Decimal { precision, scale, bytes } => {
            let number = Decimal::from_binary(cursor.take(bytes.into())?, precision.into(), scale.into());
            number.ok_or(ValueError::Malformed("a decimal number that is none")).and_then(|number| convert.decimal(&number))
        }
        Wire::Enum { bytes } => convert.enum_index(cursor.little(bytes.into())? as usize),
        Wire::Set { bytes } => convert.set_bits(cursor.little(bytes.into())?),
        Wire::Bit { bytes } => convert.bits(cursor.take(bytes.into())?),
        Wire::Year => {
            let year = i64::from(cursor.array::<1>()?[0]);
            convert.integer(if year == 0 { 0 } else { 1900 + year }, Phase::Stream)
        }
        Wire::Geometry { length_bytes } => {
            let length = length(cursor, length_bytes)?;
            convert.geometry(cursor.shared(length)?)
        }
        Wire::Vector { length_bytes } => {
            let length = length(cursor, length_bytes)?;
            convert.vector(cursor.take(length)?)
        }
        Wire::Time { digits } => convert.time(time(cursor, digits)?),
        Wire::OldTime => {
            // hhmmss as a signed decimal number.
            let number = integer(cursor, 3, false)?;
            let (hours, minutes, seconds) = (number / 10_000, number / 100 % 100, number % 100);
            convert.time((hours * 3600 + minutes * 60 + seconds) * 1_000_000)
        }
        wire => return read_optional(cursor, wire, convert).map(Read::Optional),
    }))
}

/// The types that have a value for "nothing", like the zero date.
fn read_optional(
    cursor: &mut Cursor<'_>,
    wire: Wire,
    convert: &Convert,
) -> std::result::Result<std::result::Result<Option<Value>, ValueError>, Truncated> {
    Ok(match wire {
        Wire::Json { length_bytes } => {
            let length = length(cursor, length_bytes)?;
            convert.json_binary(cursor.take(length)?)
        }
        Wire::Date => {
            let packed = cursor.little(3)?;
            let at = DateTime::date((packed >> 9) as u16, (packed >> 5 & 0xF) as u8, (packed & 0x1F) as u8);
            convert.date(at, Phase::Stream)
        }
        Wire::DateTime { digits } => convert.datetime(datetime(cursor, digits)?, Phase::Stream),
        Wire::OldDateTime => {
            // yyyymmddhhmmss as a decimal number.
            let number = cursor.little(8)?;
            let two = |divisor: u64| (number / divisor % 100) as u8;
            let year = u16::try_from(number / 10_000_000_000).unwrap_or(u16::MAX);
            let (month, day) = (two(100_000_000), two(1_000_000));
            let at = DateTime { year, month, day, hour: two(10_000), minute: two(100), second: two(1), micros: 0 };
            convert.datetime(at, Phase::Stream)
        }
        Wire::Timestamp { digits } => {
            let seconds = cursor.big(4)? as u32;
            convert.timestamp_seconds(seconds, fraction(cursor, digits)?)
        }
        Wire::OldTimestamp => convert.timestamp_seconds(cursor.little(4)? as u32, 0),
        _ => Ok(None),
    })
}

/// A little-endian integer of 1 to 8 bytes.
#[inline]
fn integer(cursor: &mut Cursor<'_>, bytes: u8, unsigned: bool) -> std::result::Result<i64, Truncated> {
    Ok(match (bytes, unsigned) {
        (1, false) => i8::from_le_bytes(cursor.array()?).into(),
        (2, false) => i16::from_le_bytes(cursor.array()?).into(),
        (4, false) => i32::from_le_bytes(cursor.array()?).into(),
        (8, _) => i64::from_le_bytes(cursor.array()?),
        (3, false) => {
            let number = cursor.little(3)? as i64;
            (number << 40) >> 40
        }
        (count, _) => cursor.little(count.into())? as i64,
    })
}

/// TIME2 in microseconds: whole and fraction together are one big-endian number, offset so that it has no sign.
fn time(cursor: &mut Cursor<'_>, digits: u8) -> std::result::Result<i64, Truncated> {
    let fraction_bytes = usize::from(digits.div_ceil(2));
    let number = cursor.big(3 + fraction_bytes)? as i64;
    let fraction_bits = fraction_bytes * 8;
    let number = number - (0x80_0000 << fraction_bits);
    let magnitude = number.abs();
    let whole = magnitude >> fraction_bits;
    let fraction = magnitude & ((1 << fraction_bits) - 1);
    let micros = match fraction_bytes {
        1 => fraction * 10_000,
        2 => fraction * 100,
        _ => fraction,
    };
    let seconds = (whole >> 12 & 0x3FF) * 3600 + (whole >> 6 & 0x3F) * 60 + (whole & 0x3F);
    let total = seconds * 1_000_000 + micros;
    Ok(if number < 0 { -total } else { total })
}

/// DATETIME2: sign, 17 bits of year and month, 5 of day, 5 of hour, 6 of minute, 6 of second, then the fraction.
fn datetime(cursor: &mut Cursor<'_>, digits: u8) -> std::result::Result<DateTime, Truncated> {
    let packed = cursor.big(5)? & 0x7F_FFFF_FFFF;
    let year_month = packed >> 22;
    Ok(DateTime {
        year: (year_month / 13) as u16,
        month: (year_month % 13) as u8,
        day: (packed >> 17 & 0x1F) as u8,
        hour: (packed >> 12 & 0x1F) as u8,
        minute: (packed >> 6 & 0x3F) as u8,
        second: (packed & 0x3F) as u8,
        micros: fraction(cursor, digits)?,
    })
}

/// Iterates over the rows of one event. After an error it yields nothing more.
pub struct Rows<'a> {
    decoder: &'a RowDecoder,
    kind: RowsKind,
    cursor: Cursor<'a>,
    before: Option<Present>,
    after: Option<Present>,
    index: usize,
    failed: bool,
}

impl Rows<'_> {
    fn change(&mut self) -> Result<RowChange> {
        let (decoder, index) = (self.decoder, self.index);
        let start = self.cursor.at();
        let mut image = |present: &Option<Present>| match present {
            Some(present) => decoder.image(&mut self.cursor, present, index),
            None => Err(decoder.cut_short(index)),
        };
        let change = match self.kind {
            RowsKind::Write => RowChange::Create { after: image(&self.after)? },
            RowsKind::Delete => RowChange::Delete { before: image(&self.before)? },
            RowsKind::Update => RowChange::Update { before: image(&self.before)?, after: image(&self.after)? },
        };
        self.index += 1;
        // A table whose rows take no bytes would never end.
        if self.cursor.at() == start { Err(decoder.cut_short(index)) } else { Ok(change) }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<RowChange>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.cursor.is_at_end() {
            return None;
        }
        let change = self.change();
        self.failed = change.is_err();
        Some(change)
    }
}

#[cfg(test)]
mod tests;
