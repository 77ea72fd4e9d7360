//! Turns the rows of a SELECT into table rows.

use std::sync::Arc;

use bytes::Bytes;
use mysql_common::packets::Column as ResultColumn;
use mysql_common::value::Value as SqlValue;

use super::super::charset::Charset;
use super::convert::{Convert, Phase, Result as ConvertResult, Takes, ValueError};
use super::plan::{ColumnPlan, Row, RowBuilder, TablePlan};
use super::temporal::{DateTime, MICROS_PER_SECOND, parse_datetime, parse_time};
use crate::data::Value;
use crate::plugin::{ConnectError, Result};

/// Reads one result set.
#[derive(Debug)]
pub struct SnapshotReader {
    plan: Arc<TablePlan>,
    /// Needed columns in table order.
    sources: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    /// In the plan's columns.
    column: usize,
    /// In the result.
    index: usize,
    charset: Option<Charset>,
}

impl SnapshotReader {
    pub(super) fn new(plan: &Arc<TablePlan>, result: &[ResultColumn]) -> Result<Self> {
        let mut sources = Vec::new();
        for (column, needed) in plan.columns.iter().enumerate().filter(|(_, column)| column.is_needed()) {
            let found = result.iter().position(|candidate| candidate.name_str().eq_ignore_ascii_case(&needed.name));
            let index = found.ok_or_else(|| {
                ConnectError::fatal(format!(
                    "cannot read table {}: the SELECT gives no column '{}'; add it to the statement or leave it out with \
                     column.exclude.list",
                    plan.table.id, needed.name
                ))
            })?;
            sources.push(Source { column, index, charset: Charset::by_collation(result[index].character_set()) });
        }
        Ok(Self { plan: plan.clone(), sources })
    }

    /// # Errors
    /// Names table and column if a value cannot be represented and the settings say fail.
    pub fn row(&self, row: mysql_common::Row) -> Result<Row> {
        let mut values = row.unwrap_raw();
        let mut builder = RowBuilder::new(&self.plan);
        for source in &self.sources {
            let column = &self.plan.columns[source.column];
            let raw = values.get_mut(source.index).and_then(Option::take).ok_or_else(|| {
                ConnectError::fatal(format!("cannot read table {}: a row has too few columns", self.plan.table.id))
            })?;
            builder.push(column, self.value(column, raw, source.charset)?);
        }
        Ok(builder.finish())
    }

    fn value(&self, column: &ColumnPlan, raw: SqlValue, charset: Option<Charset>) -> Result<Value> {
        let table = &self.plan.table.id;
        let Some(convert) = &column.convert else { return Ok(Value::Null) };
        match raw {
            SqlValue::NULL => Ok(column.null.clone()),
            SqlValue::Int(number) => column.settle(table, convert.integer(number, Phase::Snapshot)),
            SqlValue::UInt(number) => column.settle(table, convert.integer(number as i64, Phase::Snapshot)),
            SqlValue::Float(number) => column.settle(table, convert.float(number, Phase::Snapshot)),
            SqlValue::Double(number) => column.settle(table, convert.double(number)),
            SqlValue::Date(year, month, day, hour, minute, second, micros) => {
                let at = DateTime { year, month, day, hour, minute, second, micros };
                column.settle_optional(table, temporal(convert, at))
            }
            SqlValue::Time(negative, days, hours, minutes, seconds, micros) => {
                let seconds = ((i64::from(days) * 24 + i64::from(hours)) * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
                let total = seconds * MICROS_PER_SECOND + i64::from(micros);
                column.settle(table, convert.time(if negative { -total } else { total }))
            }
            SqlValue::Bytes(bytes) => column.settle_optional(table, bytes_value(convert, bytes.into(), charset)),
        }
    }
}

fn temporal(convert: &Convert, at: DateTime) -> ConvertResult<Option<Value>> {
    match convert.takes() {
        Takes::Date => convert.date(at, Phase::Snapshot),
        Takes::DateTime => convert.datetime(at, Phase::Snapshot),
        Takes::Timestamp => convert.timestamp(at),
        _ => Err(ValueError::Malformed("a date for a column of another type")),
    }
}

/// Converts bytes: what has no other form in the binary protocol, and everything in the text protocol.
fn bytes_value(convert: &Convert, bytes: Bytes, charset: Option<Charset>) -> ConvertResult<Option<Value>> {
    fn text(bytes: &[u8]) -> ConvertResult<&str> {
        std::str::from_utf8(bytes).map_err(|_| ValueError::Malformed("a number or date that is not text"))
    }
    fn number<T: std::str::FromStr>(bytes: &[u8]) -> ConvertResult<T> {
        text(bytes)?.parse().map_err(|_| ValueError::Malformed("text for a column of numbers"))
    }
    let value = match convert.takes() {
        Takes::Text => convert.text(bytes, charset),
        Takes::PlainText => convert.plain_text(bytes),
        Takes::Label => convert.label_text(bytes, charset),
        Takes::Json => convert.json_text(bytes),
        Takes::Binary => convert.binary(bytes),
        Takes::Bits => convert.bits(&bytes),
        Takes::Boolean if matches!(&bytes[..], [b'0'..=b'9', ..]) => convert.integer(number(&bytes)?, Phase::Snapshot),
        Takes::Boolean => convert.bits(&bytes),
        Takes::Geometry => convert.geometry(bytes),
        Takes::Vector => convert.vector(&bytes),
        Takes::Decimal => convert.decimal_text(text(&bytes)?),
        Takes::Integer if convert.is_unsigned() => convert.integer(number::<u64>(&bytes)? as i64, Phase::Snapshot),
        Takes::Integer => convert.integer(number(&bytes)?, Phase::Snapshot),
        Takes::Double => convert.double(number(&bytes)?),
        Takes::Time => convert.time(parse_time(text(&bytes)?).ok_or(ValueError::Malformed("text for a TIME column"))?),
        Takes::Date | Takes::DateTime | Takes::Timestamp => {
            let at = parse_datetime(text(&bytes)?).ok_or(ValueError::Malformed("text for a column of dates"))?;
            return temporal(convert, at);
        }
    };
    value.map(Some)
}
