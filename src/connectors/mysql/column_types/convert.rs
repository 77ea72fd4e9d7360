//! Turns one raw value of a column into the value its schema promises.
//!
//! Snapshot and binlog reader both end here; where Debezium's phases differ, [`Phase`] decides.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE as BASE64_URL_SAFE};
use bytes::Bytes;

use super::super::charset::Charset;
use super::super::options::{BinaryHandling, DecimalHandling, EventOptions, Profile, SnapshotValues, TimePrecision};
use super::super::table::Column;
use super::decimal::{self, Decimal};
use super::json::{self, JsonStyle};
use super::kind::{IntegerWidth, Kind};
use super::schema::{escape_commas, is_single};
use super::temporal::{DateTime, Fraction, MICROS_PER_DAY, iso_date, iso_time, iso_timestamp};
use crate::data::{SchemaKind, Utf8Bytes, Value};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Snapshot,
    Stream,
}

/// Why a value could not be converted.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueError {
    /// The bytes are not what the column's type has, so event and definition do not fit.
    Malformed(&'static str),
    /// The value is sound, but the configured form has no room for it.
    Unrepresentable(&'static str),
    /// A date that no calendar has.
    InvalidDate,
    /// Text with bytes that mean nothing in its charset; here with replacement characters.
    Replaced(Value),
}

pub type Result<T> = std::result::Result<T, ValueError>;

fn mismatch() -> ValueError {
    ValueError::Malformed("a value of another type than the column's")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DateForm {
    Days,
    Iso,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeForm {
    ConnectMillis,
    Micros,
    Nanos,
    Iso,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DateTimeForm {
    Millis,
    Micros,
    Nanos,
    Iso,
}

/// What a column's values become.
#[derive(Clone, Debug)]
enum Target {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    UnsignedDecimal,
    Float32,
    Float64,
    Decimal { scale: usize, form: DecimalForm },
    Text(Charset),
    Binary { pad_to: usize, form: BinaryHandling },
    Bits { bytes: usize },
    Json,
    Enum { labels: Box<[Utf8Bytes]> },
    Set { labels: Box<[Utf8Bytes]> },
    Year,
    Date(DateForm),
    Time(TimeForm),
    DateTime(DateTimeForm),
    Timestamp { snapshot: Fraction, stream: Fraction, stream_zero_is_epoch: bool },
    Geometry { extensions: bool },
    Point,
    Vector,
    Uuid,
    Inet4,
    Inet6,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DecimalForm {
    Unscaled,
    Plain,
    Scientific,
    Double,
}

/// The compiled conversion of one column.
#[derive(Clone, Debug)]
pub struct Convert {
    target: Target,
    style: SnapshotValues,
    adjust_years: bool,
    unsigned: bool,
    /// FLOAT without a scale, which the server prints with six digits.
    prints_six_digits: bool,
}

impl Convert {
    /// `charset` is what the definition says; a table map or result set may know better.
    pub fn new(kind: Kind, column: &Column, charset: Charset, options: &EventOptions) -> Self {
        let mut unsigned = false;
        let target = match kind {
            Kind::Boolean | Kind::Bit { bits: 1 } => Target::Boolean,
            Kind::Bit { bits } => Target::Bits { bytes: usize::from(bits).div_ceil(8) },
            Kind::Integer { width, unsigned: sign } => {
                unsigned = sign;
                match super::schema::schema_builder(kind, column, options).build().kind {
                    SchemaKind::Int8 => Target::Int8,
                    SchemaKind::Int16 => Target::Int16,
                    SchemaKind::Int32 => Target::Int32,
                    SchemaKind::Bytes if width == IntegerWidth::Big => Target::UnsignedDecimal,
                    _ => Target::Int64,
                }
            }
            Kind::Float { .. } if is_single(kind, options) => Target::Float32,
            Kind::Real => Target::Float32,
            Kind::Float { .. } | Kind::Double => Target::Float64,
            Kind::Decimal { scale, .. } => Target::Decimal {
                scale: scale.into(),
                form: match options.decimal {
                    DecimalHandling::Precise => DecimalForm::Unscaled,
                    DecimalHandling::Double => DecimalForm::Double,
                    DecimalHandling::String if options.profile <= Profile::V1_2 => DecimalForm::Scientific,
                    DecimalHandling::String => DecimalForm::Plain,
                },
            },
            Kind::Text => Target::Text(charset),
            Kind::Binary { length } => Target::Binary { pad_to: length, form: options.binary },
            Kind::Bytes => Target::Binary { pad_to: 0, form: options.binary },
            Kind::Json => Target::Json,
            Kind::Enum => Target::Enum { labels: labels(column, options) },
            Kind::Set => Target::Set { labels: labels(column, options) },
            Kind::Year => Target::Year,
            Kind::Date if options.time_precision == TimePrecision::IsoString => Target::Date(DateForm::Iso),
            Kind::Date => Target::Date(DateForm::Days),
            Kind::Time { .. } => Target::Time(match options.time_precision {
                TimePrecision::Connect => TimeForm::ConnectMillis,
                TimePrecision::IsoString => TimeForm::Iso,
                TimePrecision::Nanoseconds => TimeForm::Nanos,
                TimePrecision::AdaptiveTimeMicroseconds | TimePrecision::Microseconds => TimeForm::Micros,
            }),
            Kind::DateTime { digits } => Target::DateTime(match options.time_precision {
                TimePrecision::Connect => DateTimeForm::Millis,
                TimePrecision::IsoString => DateTimeForm::Iso,
                TimePrecision::Nanoseconds => DateTimeForm::Nanos,
                TimePrecision::AdaptiveTimeMicroseconds if digits <= 3 => DateTimeForm::Millis,
                TimePrecision::AdaptiveTimeMicroseconds | TimePrecision::Microseconds => DateTimeForm::Micros,
            }),
            Kind::Timestamp { digits } => {
                let uniform = options.snapshot_values == SnapshotValues::AsStream;
                let padded = uniform || options.profile >= Profile::V2_5;
                Target::Timestamp {
                    snapshot: if uniform { Fraction::Padded(digits) } else { Fraction::Shortest },
                    stream: if padded { Fraction::Padded(digits) } else { Fraction::Shortest },
                    stream_zero_is_epoch: !uniform && options.profile < Profile::V3_6,
                }
            }
            Kind::Geometry => Target::Geometry { extensions: options.profile >= Profile::V3_7 },
            Kind::Point => Target::Point,
            Kind::Vector => Target::Vector,
            Kind::Uuid => Target::Uuid,
            Kind::Inet4 => Target::Inet4,
            Kind::Inet6 => Target::Inet6,
        };
        Self {
            target,
            style: options.snapshot_values,
            adjust_years: options.time_adjuster,
            unsigned,
            prints_six_digits: matches!(kind, Kind::Float { scale: None, .. }),
        }
    }

    /// True if integers of this column have no sign.
    pub fn is_unsigned(&self) -> bool {
        self.unsigned
    }

    /// What a NULL in a NOT NULL column without default becomes.
    pub fn fallback(&self) -> Value {
        match &self.target {
            Target::Boolean => Value::Boolean(false),
            Target::Int8 => Value::Int8(0),
            Target::Int16 => Value::Int16(0),
            Target::Int32 | Target::Year | Target::Date(DateForm::Days) | Target::Time(TimeForm::ConnectMillis) => {
                Value::Int32(0)
            }
            Target::Int64 | Target::Time(TimeForm::Micros | TimeForm::Nanos) => Value::Int64(0),
            Target::DateTime(DateTimeForm::Millis | DateTimeForm::Micros | DateTimeForm::Nanos) => Value::Int64(0),
            Target::UnsignedDecimal => Value::Bytes(decimal::unsigned_bytes(0)),
            Target::Float32 => Value::Float32(0.0),
            Target::Float64 => Value::Float64(0.0),
            Target::Decimal { .. } => self.decimal_text("0").unwrap_or_default(),
            Target::Text(_) | Target::Enum { .. } | Target::Set { .. } | Target::Uuid | Target::Inet4 | Target::Inet6 => {
                Value::from("")
            }
            Target::Binary { form: BinaryHandling::Bytes, .. } | Target::Bits { .. } => Value::Bytes(Bytes::new()),
            Target::Binary { .. } => Value::from(""),
            Target::Json => Value::from("{}"),
            Target::Date(DateForm::Iso) => Value::from("1970-01-01Z"),
            Target::Time(TimeForm::Iso) => Value::from("00:00:00Z"),
            Target::DateTime(DateTimeForm::Iso) | Target::Timestamp { .. } => Value::from("1970-01-01T00:00:00Z"),
            // An empty GEOMETRYCOLLECTION.
            Target::Geometry { .. } => self.geometry_struct(Bytes::from_static(&[1, 7, 0, 0, 0, 0, 0, 0, 0]), Value::Null),
            Target::Point => Value::Struct(Box::new([Value::Float64(0.0), Value::Float64(0.0), Value::Null, Value::Null])),
            Target::Vector => Value::Array(Vec::new()),
        }
    }

    /// An integer in the column's own signedness (BIGINT UNSIGNED over 2^63-1 as its bit pattern).
    #[inline]
    pub fn integer(&self, number: i64, phase: Phase) -> Result<Value> {
        Ok(match &self.target {
            Target::Int8 => Value::Int8(number as i8),
            Target::Int16 => Value::Int16(number as i16),
            Target::Int32 => Value::Int32(number as i32),
            Target::Int64 => Value::Int64(number),
            Target::Boolean => Value::Boolean(number != 0),
            Target::UnsignedDecimal => Value::Bytes(decimal::unsigned_bytes(number as u64)),
            Target::Year => Value::Int32(self.year(number as i32, phase)),
            _ => return self.integer_of_another_type(number),
        })
    }

    /// A replacement SELECT of a snapshot may give an integer for a column of another type.
    fn integer_of_another_type(&self, number: i64) -> Result<Value> {
        match &self.target {
            Target::Float32 => Ok(Value::Float32(number as f32)),
            Target::Float64 => Ok(Value::Float64(number as f64)),
            Target::Decimal { .. } => self.decimal_text(itoa::Buffer::new().format(number)),
            _ => Err(mismatch()),
        }
    }

    /// YEAR 0000 is 1900 in Debezium's stream and 2000 in its snapshot (mysql-observed.md, 12.1).
    fn year(&self, year: i32, phase: Phase) -> i32 {
        match (year, self.style, phase) {
            (0, SnapshotValues::AsStream, _) => 0,
            (0, SnapshotValues::AsDebezium, Phase::Stream) => 1900,
            (0..=69, _, _) => year + 2000,
            (70..=99, _, _) => year + 1900,
            _ => year,
        }
    }

    pub fn float(&self, number: f32, phase: Phase) -> Result<Value> {
        // A text result has six digits, and Debezium reads text (mysql-observed.md, 12.1).
        let as_text = phase == Phase::Snapshot && self.style == SnapshotValues::AsDebezium && self.prints_six_digits;
        let number = if as_text { six_digits(number) } else { number };
        match &self.target {
            Target::Float32 => Ok(Value::Float32(number)),
            Target::Float64 => Ok(Value::Float64(number.into())),
            _ => Err(mismatch()),
        }
    }

    pub fn double(&self, number: f64) -> Result<Value> {
        match &self.target {
            Target::Float32 => Ok(Value::Float32(number as f32)),
            Target::Float64 => Ok(Value::Float64(number)),
            _ => Err(mismatch()),
        }
    }

    pub fn decimal(&self, number: &Decimal) -> Result<Value> {
        let Target::Decimal { form, .. } = &self.target else { return Err(mismatch()) };
        Ok(match form {
            DecimalForm::Unscaled => Value::Bytes(number.unscaled_bytes()),
            DecimalForm::Plain => Value::string(number.plain_text()),
            DecimalForm::Scientific => Value::string(number.scientific_text()),
            DecimalForm::Double => Value::Float64(number.to_double()),
        })
    }

    pub fn decimal_text(&self, text: &str) -> Result<Value> {
        let Target::Decimal { scale, .. } = &self.target else { return Err(mismatch()) };
        self.decimal(&Decimal::from_text(text, *scale).ok_or(ValueError::Malformed("a decimal number that is none"))?)
    }

    /// Text in `charset`, or in the column's if the source does not know.
    #[inline]
    pub fn text(&self, bytes: Bytes, charset: Option<Charset>) -> Result<Value> {
        let Target::Text(own) = &self.target else { return Err(mismatch()) };
        let decoded = charset.unwrap_or(*own).decode(bytes);
        let value = Value::String(decoded.text);
        if decoded.replaced { Err(ValueError::Replaced(value)) } else { Ok(value) }
    }

    pub fn binary(&self, bytes: Bytes) -> Result<Value> {
        let Target::Binary { pad_to, form } = &self.target else { return Err(mismatch()) };
        let bytes = if bytes.len() < *pad_to {
            let mut padded = bytes.to_vec();
            padded.resize(*pad_to, 0);
            padded.into()
        } else {
            bytes
        };
        Ok(binary_form(*form, bytes))
    }

    /// BIT as MySQL has it: big endian.
    pub fn bits(&self, bytes: &[u8]) -> Result<Value> {
        match &self.target {
            Target::Boolean => Ok(Value::Boolean(bytes.iter().any(|byte| *byte != 0))),
            Target::Bits { bytes: count } => {
                let mut little: Vec<u8> = bytes.iter().rev().copied().collect();
                little.resize((*count).max(little.len()), 0);
                Ok(Value::Bytes(little.into()))
            }
            _ => Err(mismatch()),
        }
    }

    /// JSON in binary form, from the stream. `None` is the empty document of a column added to rows of an old server.
    pub fn json_binary(&self, document: &[u8]) -> Result<Option<Value>> {
        let Target::Json = &self.target else { return Err(mismatch()) };
        if document.is_empty() {
            return Ok(None);
        }
        let style = match self.style {
            SnapshotValues::AsDebezium => JsonStyle::Debezium,
            SnapshotValues::AsStream => JsonStyle::Server,
        };
        let mut text = String::with_capacity(document.len());
        json::print(document, style, &mut text).map_err(ValueError::Malformed)?;
        Ok(Some(Value::string(text)))
    }

    /// JSON as text: snapshots, and MariaDB, whose JSON is text.
    pub fn json_text(&self, text: Bytes) -> Result<Value> {
        let Target::Json = &self.target else { return Err(mismatch()) };
        let decoded = Charset::Utf8.decode(text);
        let value = Value::String(decoded.text);
        if decoded.replaced { Err(ValueError::Replaced(value)) } else { Ok(value) }
    }

    /// The number of a label, counted from 1; 0 is the empty text of an invalid value.
    #[inline]
    pub fn enum_index(&self, index: usize) -> Result<Value> {
        let Target::Enum { labels } = &self.target else { return Err(mismatch()) };
        match index.checked_sub(1) {
            None => Ok(Value::from("")),
            Some(index) => {
                let label =
                    labels.get(index).ok_or(ValueError::Malformed("the number of a label that the ENUM does not have"))?;
                Ok(Value::String(label.clone()))
            }
        }
    }

    pub fn set_bits(&self, mut bits: u64) -> Result<Value> {
        let Target::Set { labels } = &self.target else { return Err(mismatch()) };
        // One member alone needs no new text.
        if let Some(label) = labels.get(bits.trailing_zeros() as usize).filter(|_| bits.is_power_of_two()) {
            return Ok(Value::String(label.clone()));
        }
        let mut text = String::new();
        while bits != 0 {
            let label = labels.get(bits.trailing_zeros() as usize);
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(label.ok_or(ValueError::Malformed("a member that the SET does not have"))?);
            bits &= bits - 1;
        }
        Ok(Value::string(text))
    }

    /// An ENUM or SET as the server prints it.
    pub fn label_text(&self, bytes: Bytes, charset: Option<Charset>) -> Result<Value> {
        let (Target::Enum { .. } | Target::Set { .. }) = &self.target else { return Err(mismatch()) };
        let decoded = charset.unwrap_or(Charset::Utf8).decode(bytes);
        Ok(Value::String(decoded.text))
    }

    /// `None` is a zero date, which the caller replaces by null or the default.
    pub fn date(&self, at: DateTime, phase: Phase) -> Result<Option<Value>> {
        let Target::Date(form) = &self.target else { return Err(mismatch()) };
        let Some(at) = self.calendar(at, phase)? else { return Ok(None) };
        Ok(Some(match form {
            DateForm::Days => Value::Int32(at.epoch_day() as i32),
            DateForm::Iso => Value::string(iso_date(&at)),
        }))
    }

    /// `None` is a zero date.
    pub fn datetime(&self, mut at: DateTime, phase: Phase) -> Result<Option<Value>> {
        let Target::DateTime(form) = &self.target else { return Err(mismatch()) };
        if at.year == 0 && phase == Phase::Snapshot && self.style == SnapshotValues::AsDebezium {
            // java.sql.Timestamp takes year 0 for 1 BC and gives back 1.
            at.year = 1;
        }
        let Some(at) = self.calendar(at, phase)? else { return Ok(None) };
        Ok(Some(match form {
            DateTimeForm::Millis => Value::Int64(at.epoch_micros().div_euclid(1000)),
            DateTimeForm::Micros => Value::Int64(at.epoch_micros()),
            DateTimeForm::Nanos => Value::Int64(
                at.epoch_micros()
                    .checked_mul(1000)
                    .ok_or(ValueError::Unrepresentable("a DATETIME outside 1677 to 2262 with time.precision.mode=nanoseconds"))?,
            ),
            DateTimeForm::Iso => Value::string(iso_timestamp(&at, Fraction::Shortest)),
        }))
    }

    /// Checks and repairs a date. Debezium's snapshot keeps year 0 if month and day are given, its stream does not.
    fn calendar(&self, at: DateTime, phase: Phase) -> Result<Option<DateTime>> {
        let keeps_year_zero = phase == Phase::Snapshot && self.style == SnapshotValues::AsDebezium;
        if at.month == 0 || at.day == 0 || (at.year == 0 && !keeps_year_zero) {
            return Ok(None);
        }
        if !at.is_valid() {
            return Err(ValueError::InvalidDate);
        }
        Ok(Some(if self.adjust_years { at.adjusted() } else { at }))
    }

    /// TIME in microseconds.
    pub fn time(&self, micros: i64) -> Result<Value> {
        let Target::Time(form) = &self.target else { return Err(mismatch()) };
        let of_day = (0..=MICROS_PER_DAY).contains(&micros);
        match form {
            TimeForm::Micros => Ok(Value::Int64(micros)),
            TimeForm::Nanos => Ok(Value::Int64(micros * 1000)),
            TimeForm::ConnectMillis if of_day => Ok(Value::Int32((micros / 1000) as i32)),
            TimeForm::Iso if of_day => Ok(Value::string(iso_time(micros))),
            TimeForm::ConnectMillis | TimeForm::Iso => Err(ValueError::Unrepresentable(
                "a TIME outside 00:00:00 to 24:00:00 with time.precision.mode connect or isostring",
            )),
        }
    }

    /// TIMESTAMP from the stream; `None` is the zero timestamp.
    pub fn timestamp_seconds(&self, seconds: u32, micros: u32) -> Result<Option<Value>> {
        let Target::Timestamp { stream, stream_zero_is_epoch, .. } = &self.target else { return Err(mismatch()) };
        if seconds == 0 && micros == 0 && !stream_zero_is_epoch {
            return Ok(None);
        }
        if micros >= 1_000_000 {
            return Err(ValueError::Malformed("a TIMESTAMP with a fraction over a second"));
        }
        let at = DateTime::from_epoch_micros(i64::from(seconds) * 1_000_000 + i64::from(micros));
        Ok(Some(Value::string(iso_timestamp(&at, *stream))))
    }

    /// TIMESTAMP from a snapshot, as UTC digits; `None` is the zero timestamp.
    pub fn timestamp(&self, at: DateTime) -> Result<Option<Value>> {
        let Target::Timestamp { snapshot, .. } = &self.target else { return Err(mismatch()) };
        let Some(at) = self.calendar(at, Phase::Snapshot)? else { return Ok(None) };
        Ok(Some(Value::string(iso_timestamp(&at, *snapshot))))
    }

    /// The text of a TIMESTAMP default: padded like streamed values from 2.1 on, with the offset of the zone it was read in.
    pub fn default_timestamp(&self, at: &DateTime, offset_seconds: i32) -> Value {
        let fraction = if let Target::Timestamp { stream, .. } = &self.target { *stream } else { Fraction::Shortest };
        let mut text = iso_timestamp(at, fraction);
        if offset_seconds != 0 {
            text.pop();
            let sign = if offset_seconds < 0 { '-' } else { '+' };
            let minutes = offset_seconds.unsigned_abs() / 60;
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        Value::string(text)
    }

    /// Geometry as the server stores it: four bytes SRID, then WKB.
    pub fn geometry(&self, bytes: Bytes) -> Result<Value> {
        let srid = bytes.get(..4).and_then(|srid| srid.try_into().ok()).map(i32::from_le_bytes);
        let srid = srid.ok_or(ValueError::Malformed("a geometry that is cut short"))?;
        let wkb = bytes.slice(4..);
        let srid = if srid == 0 { Value::Null } else { Value::Int32(srid) };
        match &self.target {
            Target::Geometry { .. } => Ok(self.geometry_struct(wkb, srid)),
            Target::Point => {
                let (x, y) = point(&wkb).ok_or(ValueError::Malformed("a POINT that is none"))?;
                Ok(Value::Struct(Box::new([Value::Float64(x), Value::Float64(y), Value::Bytes(wkb), srid])))
            }
            _ => Err(mismatch()),
        }
    }

    fn geometry_struct(&self, wkb: Bytes, srid: Value) -> Value {
        match &self.target {
            Target::Geometry { extensions: true } => Value::Struct(Box::new([Value::Bytes(wkb), srid, Value::Null])),
            _ => Value::Struct(Box::new([Value::Bytes(wkb), srid])),
        }
    }

    pub fn vector(&self, bytes: &[u8]) -> Result<Value> {
        let Target::Vector = &self.target else { return Err(mismatch()) };
        let floats = bytes.chunks_exact(4);
        if !floats.remainder().is_empty() {
            return Err(ValueError::Malformed("a VECTOR that is cut short"));
        }
        Ok(Value::Array(floats.map(|x| Value::Float32(f32::from_le_bytes([x[0], x[1], x[2], x[3]]))).collect()))
    }

    /// MariaDB's UUID, INET4 and INET6 in their stored bytes, which row images carry without trailing spaces or zeros.
    pub fn fixed_bytes(&self, bytes: &[u8]) -> Result<Value> {
        fn padded<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
            let mut all = [0; N];
            all.get_mut(..bytes.len()).ok_or_else(mismatch)?.copy_from_slice(bytes);
            Ok(all)
        }
        Ok(Value::string(match &self.target {
            Target::Uuid => uuid::Uuid::from_bytes(padded(bytes)?).hyphenated().to_string(),
            Target::Inet4 => std::net::Ipv4Addr::from(padded::<4>(bytes)?).to_string(),
            Target::Inet6 => std::net::Ipv6Addr::from(padded::<16>(bytes)?).to_string(),
            _ => return Err(mismatch()),
        }))
    }

    /// Which method takes bytes of this column.
    pub(super) fn takes(&self) -> Takes {
        match &self.target {
            Target::Boolean => Takes::Boolean,
            Target::Int8 | Target::Int16 | Target::Int32 | Target::Int64 | Target::UnsignedDecimal => Takes::Integer,
            Target::Float32 | Target::Float64 => Takes::Double,
            Target::Decimal { .. } => Takes::Decimal,
            Target::Text(_) => Takes::Text,
            Target::Binary { .. } => Takes::Binary,
            Target::Bits { .. } => Takes::Bits,
            Target::Json => Takes::Json,
            Target::Enum { .. } | Target::Set { .. } => Takes::Label,
            Target::Year => Takes::Integer,
            Target::Date(_) => Takes::Date,
            Target::Time(_) => Takes::Time,
            Target::DateTime(_) => Takes::DateTime,
            Target::Timestamp { .. } => Takes::Timestamp,
            Target::Geometry { .. } | Target::Point => Takes::Geometry,
            Target::Vector => Takes::Vector,
            Target::Uuid | Target::Inet4 | Target::Inet6 => Takes::PlainText,
        }
    }

    /// Text that the server printed and that needs no conversion.
    pub(super) fn plain_text(&self, bytes: Bytes) -> Result<Value> {
        Ok(Value::String(Charset::Utf8.decode(bytes).text))
    }
}

/// The families of conversions, to choose one for the bytes of a result set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Boolean,
    Integer,
    Double,
    Decimal,
    Text,
    PlainText,
    Binary,
    Bits,
    Json,
    Label,
    Date,
    Time,
    DateTime,
    Timestamp,
    Geometry,
    Vector,
}

/// Writes bytes as `binary.handling.mode` says.
pub fn binary_form(form: BinaryHandling, bytes: Bytes) -> Value {
    match form {
        BinaryHandling::Bytes => Value::Bytes(bytes),
        BinaryHandling::Base64 => Value::string(BASE64.encode(bytes)),
        BinaryHandling::Base64UrlSafe => Value::string(BASE64_URL_SAFE.encode(bytes)),
        BinaryHandling::Hex => Value::string(hex(&bytes)),
    }
}

fn labels(column: &Column, options: &EventOptions) -> Box<[Utf8Bytes]> {
    let escaped = options.snapshot_values == SnapshotValues::AsDebezium && options.profile < Profile::V3_7;
    let labels = column.enum_values.iter();
    labels.map(|label| if escaped { escape_commas(label).into() } else { label.as_str().into() }).collect()
}

/// Rounds to six significant digits, as the server prints FLOAT without a scale.
fn six_digits(number: f32) -> f32 {
    if !number.is_finite() || (number.fract() == 0.0 && number.abs() < 1e6) {
        return number;
    }
    format!("{:.5e}", f64::from(number)).parse().unwrap_or(number)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Coordinates of a WKB point: byte order, type 1, two doubles.
fn point(wkb: &[u8]) -> Option<(f64, f64)> {
    let wkb: &[u8; 21] = wkb.try_into().ok()?;
    let eight = |at: usize| wkb[at..at + 8].try_into().ok();
    let kind = [wkb[1], wkb[2], wkb[3], wkb[4]];
    if wkb[0] != 0 {
        (u32::from_le_bytes(kind) == 1).then_some((f64::from_le_bytes(eight(5)?), f64::from_le_bytes(eight(13)?)))
    } else {
        (u32::from_be_bytes(kind) == 1).then_some((f64::from_be_bytes(eight(5)?), f64::from_be_bytes(eight(13)?)))
    }
}
