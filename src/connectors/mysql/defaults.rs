//! Turns column defaults, as DDL writes them, into typed values for schemas.
//!
//! Debezium converts a default as it converts data, with a few accidents of its own; contracts/mysql-source.md, 12.3,
//! and mysql-observed.md name them.

use bytes::Bytes;
use jiff::civil;

use super::column_types::{Convert, DateTime, Decimal, Kind, Phase, ValueError, binary_form, parse_datetime, parse_time};
use super::options::{BigintUnsignedHandling, ConversionFailure, EventOptions, Profile, SnapshotValues};
use super::table::Column;
use crate::data::Value;
use crate::plugin::{ConnectError, Result};

/// The schema default of a column, or nothing.
///
/// # Errors
/// `Config` if the default cannot be converted and `event.converting.failure.handling.mode` says fail.
pub fn parse(kind: Kind, column: &Column, convert: &Convert, options: &EventOptions) -> Result<Option<Value>> {
    let Some(text) = column.default.as_deref().filter(|_| column.has_default) else { return Ok(None) };
    match typed(kind, column, text, convert, options) {
        Ok(value) => Ok(value),
        Err(reason) if options.conversion_failure == ConversionFailure::Fail => Err(ConnectError::config(format!(
            "cannot convert the default of column '{}' of type {}: {reason}; set event.converting.failure.handling.mode=warn \
             to leave it out of the schema",
            column.name, column.type_name
        ))),
        Err(reason) => {
            tracing::warn!(column = column.name, "left the default out of the schema: {reason}");
            Ok(None)
        }
    }
}

type Typed = std::result::Result<Option<Value>, &'static str>;

fn typed(kind: Kind, column: &Column, text: &str, convert: &Convert, options: &EventOptions) -> Typed {
    let trimmed = without_introducer(text.trim());
    match kind {
        Kind::Text | Kind::Enum | Kind::Set => Ok(Some(Value::from(without_introducer(text)))),
        Kind::Inet4 | Kind::Inet6 | Kind::Uuid => Ok(Some(Value::from(without_introducer(text)))),
        Kind::Binary { .. } | Kind::Bytes => binary(without_introducer(text), options),
        Kind::Boolean => Ok(Some(Value::Boolean(truth(trimmed)))),
        Kind::Bit { bits: 1 } => Ok(Some(Value::Boolean(truth(bit_digits(trimmed))))),
        Kind::Bit { .. } => convert.bits(&bit_bytes(bit_digits(trimmed))?).map(Some).map_err(reason),
        Kind::Integer { .. } | Kind::Year => integer(kind, trimmed, convert, options).map(Some),
        Kind::Float { .. } | Kind::Real | Kind::Double => {
            let number: f64 = as_number(trimmed).parse().map_err(|_| "not a number")?;
            convert.double(number).map(Some).map_err(reason)
        }
        Kind::Decimal { scale, .. } => {
            let number = Decimal::from_text(as_number(trimmed), scale.into()).ok_or("not a decimal number")?;
            convert.decimal(&number).map(Some).map_err(reason)
        }
        Kind::Date => date(column, trimmed, convert),
        Kind::Time { .. } => time(trimmed, convert),
        Kind::DateTime { .. } => datetime(column, trimmed, convert),
        Kind::Timestamp { .. } => timestamp(column, trimmed, convert, options),
        // Only expressions can be defaults of these, and they have no value.
        Kind::Json | Kind::Geometry | Kind::Point | Kind::Vector => Ok(None),
    }
}

fn reason(error: ValueError) -> &'static str {
    match error {
        ValueError::Malformed(reason) | ValueError::Unrepresentable(reason) => reason,
        ValueError::InvalidDate => "a date that no calendar has",
        ValueError::Replaced(_) => "text with bytes that mean nothing",
    }
}

/// `_utf8mb4'abc'` becomes `abc`.
fn without_introducer(text: &str) -> &str {
    let body = text.strip_prefix('_').and_then(|rest| rest.split_once('\'')).and_then(|(name, rest)| {
        let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        rest.strip_suffix('\'').filter(|_| named)
    });
    body.unwrap_or(text)
}

fn is_now(text: &str) -> bool {
    let name = text.split('(').next().unwrap_or_default().trim();
    ["CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP"].iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// `true` and `false` are numbers to MySQL.
fn as_number(text: &str) -> &str {
    if text.eq_ignore_ascii_case("true") {
        "1"
    } else if text.eq_ignore_ascii_case("false") {
        "0"
    } else {
        text
    }
}

fn truth(text: &str) -> bool {
    as_number(text).parse::<i64>().is_ok_and(|number| number != 0)
}

/// `b'101'` becomes `101`.
fn bit_digits(text: &str) -> &str {
    let quoted = text.strip_prefix(['b', 'B']).and_then(|rest| rest.strip_prefix('\'')).and_then(|rest| rest.strip_suffix('\''));
    quoted.unwrap_or(text)
}

/// Binary digits as big-endian bytes.
fn bit_bytes(digits: &str) -> std::result::Result<Vec<u8>, &'static str> {
    let number = u64::from_str_radix(as_number(digits), 2).map_err(|_| "not a bit value")?;
    let count = digits.len().div_ceil(8).clamp(1, 8);
    Ok(number.to_be_bytes()[8 - count..].to_vec())
}

fn integer(kind: Kind, text: &str, convert: &Convert, options: &EventOptions) -> std::result::Result<Value, &'static str> {
    let text = as_number(text);
    let decimal = matches!(kind, Kind::Integer { .. })
        && convert.is_unsigned()
        && options.bigint_unsigned == BigintUnsignedHandling::Precise;
    // Debezium reads integers as doubles, so large ones lose digits and those beyond 2^63-1 become it; the precise form
    // of BIGINT UNSIGNED is read as a decimal.
    let number = match text.parse::<u64>() {
        Ok(number) if decimal || options.snapshot_values == SnapshotValues::AsStream => number as i64,
        _ => (text.parse::<f64>().map_err(|_| "not a number")? + 0.5).floor() as i64,
    };
    convert.integer(number, Phase::Snapshot).map_err(reason)
}

fn binary(text: &str, options: &EventOptions) -> Typed {
    // The text's own bytes: Debezium takes BINARY defaults as SHOW CREATE TABLE prints them, without padding.
    if options.profile < Profile::V2_0 && (text.starts_with("0x") || text.starts_with("0X")) {
        return Ok(None);
    }
    Ok(Some(binary_form(options.binary, Bytes::copy_from_slice(text.as_bytes()))))
}

/// True for a date or a date at midnight of which year, month or day is zero, and for `0`.
fn is_zero(text: &str) -> bool {
    text == "0"
        || parse_datetime(text).is_some_and(|at| {
            let midnight = (at.hour, at.minute, at.second, at.micros) == (0, 0, 0, 0);
            midnight && (at.year == 0 || at.month == 0 || at.day == 0)
        })
}

const EPOCH: DateTime = DateTime { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, micros: 0 };

fn date(column: &Column, text: &str, convert: &Convert) -> Typed {
    let parsed = parse_datetime(text).filter(|at| !is_zero(text) && at.is_valid());
    match parsed {
        Some(at) => convert.date(at, Phase::Snapshot).map_err(reason),
        None if is_now(text) => convert.date(EPOCH, Phase::Snapshot).map_err(reason),
        None if column.optional => Ok(None),
        None => convert.date(EPOCH, Phase::Snapshot).map_err(reason),
    }
}

fn datetime(column: &Column, text: &str, convert: &Convert) -> Typed {
    // Debezium's parser turns CURRENT_TIMESTAMP into the epoch's digits.
    let parsed = if is_now(text) { Some(EPOCH) } else { parse_datetime(text).filter(|at| !is_zero(text) && at.is_valid()) };
    match parsed {
        Some(at) => convert.datetime(at, Phase::Snapshot).map_err(reason),
        None if column.optional => Ok(None),
        None => convert.datetime(EPOCH, Phase::Snapshot).map_err(reason),
    }
}

fn time(text: &str, convert: &Convert) -> Typed {
    let time = match parse_datetime(text).filter(|_| text.contains(' ')) {
        Some(at) => {
            ((i64::from(at.hour) * 60 + i64::from(at.minute)) * 60 + i64::from(at.second)) * 1_000_000 + i64::from(at.micros)
        }
        None => parse_time(text).ok_or("not a time")?,
    };
    convert.time(time).map(Some).map_err(reason)
}

fn timestamp(column: &Column, text: &str, convert: &Convert, options: &EventOptions) -> Typed {
    if is_now(text) || is_zero(text) || text == "1970-01-01 00:00:00" {
        return Ok(if column.optional { None } else { Some(Value::from("1970-01-01T00:00:00Z")) });
    }
    let at = parse_datetime(text).filter(DateTime::is_valid).ok_or("not a timestamp")?;
    let second = |part: u8| i8::try_from(part).unwrap_or_default();
    let year = i16::try_from(at.year).unwrap_or_default();
    let nanos = i32::try_from(at.micros * 1000).unwrap_or_default();
    let local = civil::DateTime::new(
        year,
        second(at.month),
        second(at.day),
        second(at.hour),
        second(at.minute),
        second(at.second),
        nanos,
    );
    // Java reads the digits in its own zone and prints them with that zone's offset.
    let zoned = local.and_then(|local| options.default_time_zone.to_zoned(local)).map_err(|_| "not a timestamp")?;
    let offset = zoned.offset().seconds();
    let micros = zoned.timestamp().as_microsecond() + i64::from(offset) * 1_000_000;
    Ok(Some(convert.default_timestamp(&DateTime::from_epoch_micros(micros), offset)))
}
