//! Prints MySQL's binary JSON as text, in Debezium's form or in the server's.
//!
//! Format: MySQL's json_binary.h. A value is a type byte and data; objects and arrays hold offsets relative to their
//! own start. The reader is total: offsets are checked, depth and the number of values are bounded.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::decimal::Decimal;
use super::temporal::{DateTime, Fraction, MICROS_PER_SECOND, sql_date, sql_datetime, sql_time};

/// Which program's spelling is reproduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonStyle {
    /// Debezium while streaming: no spaces, numbers over 1e7 written out, temporal values with the shortest fraction.
    Debezium,
    /// The server, and so every snapshot: a space after `:` and `,`, `1e100`, six digits of fraction.
    Server,
}

/// The server allows 100.
const DEPTH_MAX: usize = 128;

type Result<T> = std::result::Result<T, &'static str>;

/// Appends the text of one document.
///
/// # Errors
/// Says what is broken if the bytes are not a JSON document of MySQL.
pub fn print(document: &[u8], style: JsonStyle, text: &mut String) -> Result<()> {
    let (kind, data) = document.split_first().ok_or("an empty JSON document")?;
    let mut printer = Printer { style, text, values_left: document.len(), text_left: document.len() };
    printer.value(*kind, data, 0)
}

struct Printer<'a> {
    style: JsonStyle,
    text: &'a mut String,
    /// Every value has an entry of its own in a sound document, so there are fewer values than bytes.
    values_left: usize,
    /// And all texts together are shorter than the document.
    text_left: usize,
}

/// Offsets and counts take two bytes in small containers, four in large ones.
#[derive(Clone, Copy)]
struct Width {
    large: bool,
}

impl Width {
    fn bytes(self) -> usize {
        if self.large { 4 } else { 2 }
    }

    fn read(self, data: &[u8], at: usize) -> Result<usize> {
        Ok(if self.large { u32::from_le_bytes(array(data, at)?) as usize } else { u16::from_le_bytes(array(data, at)?).into() })
    }
}

fn array<const N: usize>(data: &[u8], at: usize) -> Result<[u8; N]> {
    at.checked_add(N)
        .and_then(|end| data.get(at..end))
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("a JSON document that is cut short")
}

impl Printer<'_> {
    fn value(&mut self, kind: u8, data: &[u8], depth: usize) -> Result<()> {
        self.values_left = self.values_left.checked_sub(1).ok_or("a JSON document whose offsets overlap")?;
        if depth > DEPTH_MAX {
            return Err("a JSON document that is nested too deeply");
        }
        match kind {
            0x00 | 0x01 => self.object(Width { large: kind == 0x01 }, data, depth),
            0x02 | 0x03 => self.array(Width { large: kind == 0x03 }, data, depth),
            0x04 => self.literal(*data.first().ok_or("a JSON literal that is cut short")?),
            0x05 => self.display(i16::from_le_bytes(array(data, 0)?)),
            0x06 => self.display(u16::from_le_bytes(array(data, 0)?)),
            0x07 => self.display(i32::from_le_bytes(array(data, 0)?)),
            0x08 => self.display(u32::from_le_bytes(array(data, 0)?)),
            0x09 => self.display(i64::from_le_bytes(array(data, 0)?)),
            0x0A => self.display(u64::from_le_bytes(array(data, 0)?)),
            0x0B => {
                let number = f64::from_le_bytes(array(data, 0)?);
                match self.style {
                    JsonStyle::Debezium => java_double(number, self.text),
                    JsonStyle::Server => server_double(number, self.text),
                }
                Ok(())
            }
            0x0C => self.string(variable_length(data)?),
            0x0F => self.opaque(data),
            _ => Err("a JSON value of unknown type"),
        }
    }

    fn display(&mut self, number: impl std::fmt::Display) -> Result<()> {
        let _ = write!(self.text, "{number}");
        Ok(())
    }

    fn literal(&mut self, code: u8) -> Result<()> {
        self.text.push_str(match code {
            0 => "null",
            1 => "true",
            2 => "false",
            _ => return Err("a JSON literal that is none of null, true and false"),
        });
        Ok(())
    }

    fn object(&mut self, width: Width, data: &[u8], depth: usize) -> Result<()> {
        let count = width.read(data, 0)?;
        let size = width.read(data, width.bytes())?;
        let data = data.get(..size).ok_or("a JSON object that is cut short")?;
        let keys = 2 * width.bytes();
        let key_entry = width.bytes() + 2;
        let values =
            count.checked_mul(key_entry).and_then(|bytes| bytes.checked_add(keys)).ok_or("a JSON object that is too large")?;
        self.text.push('{');
        for index in 0..count {
            self.separator(index);
            let entry = keys + index * key_entry;
            let offset = width.read(data, entry)?;
            let length = usize::from(u16::from_le_bytes(array(data, entry + width.bytes())?));
            let name = offset.checked_add(length).and_then(|end| data.get(offset..end));
            self.string(name.ok_or("a JSON key that is cut short")?)?;
            self.text.push_str(if self.style == JsonStyle::Server { ": " } else { ":" });
            self.entry(width, data, values + index * (1 + width.bytes()), depth)?;
        }
        self.text.push('}');
        Ok(())
    }

    fn array(&mut self, width: Width, data: &[u8], depth: usize) -> Result<()> {
        let count = width.read(data, 0)?;
        let size = width.read(data, width.bytes())?;
        let data = data.get(..size).ok_or("a JSON array that is cut short")?;
        self.text.push('[');
        for index in 0..count {
            self.separator(index);
            self.entry(width, data, 2 * width.bytes() + index * (1 + width.bytes()), depth)?;
        }
        self.text.push(']');
        Ok(())
    }

    fn separator(&mut self, index: usize) {
        if index > 0 {
            self.text.push_str(if self.style == JsonStyle::Server { ", " } else { "," });
        }
    }

    /// A value entry: the type and, if it fits, the value itself; else where to find it.
    fn entry(&mut self, width: Width, data: &[u8], at: usize, depth: usize) -> Result<()> {
        let [kind] = array(data, at)?;
        let inline = matches!(kind, 0x04..=0x06) || (width.large && matches!(kind, 0x07 | 0x08));
        let offset = if inline { at + 1 } else { width.read(data, at + 1)? };
        self.value(kind, data.get(offset..).ok_or("a JSON value beyond its document")?, depth + 1)
    }

    fn string(&mut self, bytes: &[u8]) -> Result<()> {
        self.text_left = self.text_left.checked_sub(bytes.len()).ok_or("a JSON document whose texts overlap")?;
        let text = std::str::from_utf8(bytes).map_err(|_| "a JSON text that is not UTF-8")?;
        self.text.push('"');
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.text.push_str(&text[plain..at]);
            plain = at + 1;
            match byte {
                b'"' => self.text.push_str("\\\""),
                b'\\' => self.text.push_str("\\\\"),
                0x08 => self.text.push_str("\\b"),
                0x09 => self.text.push_str("\\t"),
                0x0A => self.text.push_str("\\n"),
                0x0C => self.text.push_str("\\f"),
                0x0D => self.text.push_str("\\r"),
                _ => {
                    let _ = match self.style {
                        JsonStyle::Debezium => write!(self.text, "\\u{byte:04X}"),
                        JsonStyle::Server => write!(self.text, "\\u{byte:04x}"),
                    };
                }
            }
        }
        self.text.push_str(&text[plain..]);
        self.text.push('"');
        Ok(())
    }

    /// A value of an SQL type that JSON does not have.
    fn opaque(&mut self, data: &[u8]) -> Result<()> {
        let (kind, rest) = data.split_first().ok_or("a JSON value that is cut short")?;
        let bytes = variable_length(rest)?;
        let fraction = if self.style == JsonStyle::Server { Fraction::Padded(6) } else { Fraction::Shortest };
        let packed = || array(bytes, 0).map(i64::from_le_bytes);
        let quoted = match kind {
            // DECIMAL, NEWDECIMAL
            0 | 246 => {
                let [precision, scale] = array(bytes, 0)?;
                let number = Decimal::from_binary(&bytes[2..], precision.into(), scale.into());
                self.text.push_str(&number.ok_or("a JSON decimal that is cut short")?.plain_text());
                return Ok(());
            }
            // DATE
            10 => sql_date(&unpack_datetime(packed()?)),
            // TIME, TIME2
            11 | 19 => sql_time(unpack_time(packed()?), fraction),
            // TIMESTAMP, DATETIME and their second forms
            7 | 12 | 17 | 18 => sql_datetime(&unpack_datetime(packed()?), fraction),
            kind => match self.style {
                JsonStyle::Debezium => BASE64.encode(bytes),
                JsonStyle::Server => format!("base64:type{kind}:{}", BASE64.encode(bytes)),
            },
        };
        self.text.push('"');
        self.text.push_str(&quoted);
        self.text.push('"');
        Ok(())
    }
}

/// Reads a length of seven bits a byte and returns as many bytes.
fn variable_length(data: &[u8]) -> Result<&[u8]> {
    let mut length = 0_usize;
    for index in 0..5 {
        let [byte] = array(data, index)?;
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            let start = index + 1;
            return start.checked_add(length).and_then(|end| data.get(start..end)).ok_or("a JSON text that is cut short");
        }
    }
    Err("a JSON length of more than five bytes")
}

/// MySQL's TIME_from_longlong_datetime_packed: 17 bits of year and month, 5 day, 5 hour, 6 minute, 6 second, 24 micros.
fn unpack_datetime(packed: i64) -> DateTime {
    let packed = packed.unsigned_abs();
    let (whole, micros) = (packed >> 24, packed & 0xFF_FFFF);
    let year_month = whole >> 22;
    DateTime {
        year: (year_month / 13) as u16,
        month: (year_month % 13) as u8,
        day: (whole >> 17 & 0x1F) as u8,
        hour: (whole >> 12 & 0x1F) as u8,
        minute: (whole >> 6 & 0x3F) as u8,
        second: (whole & 0x3F) as u8,
        micros: (micros % 1_000_000) as u32,
    }
}

/// MySQL's TIME_from_longlong_time_packed, in microseconds.
fn unpack_time(packed: i64) -> i64 {
    let magnitude = packed.unsigned_abs();
    let (whole, micros) = ((magnitude >> 24) as i64, (magnitude & 0xFF_FFFF) as i64);
    let seconds = (whole >> 12 & 0x3FF) * 3600 + (whole >> 6 & 0x3F) * 60 + (whole & 0x3F);
    let total = seconds * MICROS_PER_SECOND + micros;
    if packed < 0 { -total } else { total }
}

/// Java's `Double.toString`, but all digits of the exact value where that would have an exponent.
fn java_double(number: f64, text: &mut String) {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-3..1e7).contains(&magnitude) {
        let bits = number.to_bits();
        // The value is an odd integer times 2^exponent; a negative exponent needs as many decimals.
        let exponent = ((bits >> 52 & 0x7FF) as i64).max(1) - 1075;
        let mantissa = bits & 0xF_FFFF_FFFF_FFFF | if bits >> 52 & 0x7FF == 0 { 0 } else { 1 << 52 };
        let decimals = (-(exponent + i64::from(mantissa.trailing_zeros()))).max(0);
        let _ = write!(text, "{number:.*}", usize::try_from(decimals).unwrap_or_default());
    } else {
        let _ = write!(text, "{number:?}");
    }
}

/// MySQL's my_gcvt as JSON uses it: shortest digits, an exponent below 1e-15 and from 1e15 on, and at least `.0`.
fn server_double(number: f64, text: &mut String) {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-15..1e15).contains(&magnitude) {
        let _ = write!(text, "{number:e}");
    } else {
        let start = text.len();
        let _ = write!(text, "{number}");
        if !text[start..].contains('.') {
            text.push_str(".0");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(document: &[u8]) -> [String; 2] {
        [JsonStyle::Debezium, JsonStyle::Server].map(|style| {
            let mut text = String::new();
            print(document, style, &mut text).unwrap();
            text
        })
    }

    #[test]
    fn containers_and_scalars_print_in_both_styles() {
        // {"a": [1, null, true], "b": "x\"y"}, written by MySQL 9.7.
        let document = [
            0x00, 2, 0, 41, 0, 18, 0, 1, 0, 19, 0, 1, 0, 0x02, 20, 0, 0x0C, 36, 0, // header, keys, values
        ];
        let mut bytes = document.to_vec();
        bytes.extend(b"ab");
        bytes.extend([3, 0, 16, 0, 0x05, 1, 0, 0x04, 0, 0, 0x04, 1, 0, 0, 0, 0]);
        bytes.extend([3, b'x', b'"', b'y', 0]);
        assert_eq!(both(&bytes), [r#"{"a":[1,null,true],"b":"x\"y"}"#, r#"{"a": [1, null, true], "b": "x\"y"}"#]);
    }

    #[test]
    fn doubles_print_as_java_and_as_the_server() {
        let double = |number: f64| {
            let mut document = vec![0x0B];
            document.extend(number.to_le_bytes());
            both(&document)
        };
        assert_eq!(double(1.0), ["1.0", "1.0"]);
        assert_eq!(double(-0.5), ["-0.5", "-0.5"]);
        assert_eq!(double(0.0), ["0.0", "0.0"]);
        assert_eq!(double(12345678.9)[0], "12345678.90000000037252902984619140625");
        assert_eq!(double(1e22), ["10000000000000000000000", "1e22"]);
        assert_eq!(double(1e100)[0].len(), 101);
        assert_eq!(double(0.0001)[0], "0.000100000000000000004792173602385929598312941379845142364501953125");
        assert_eq!(double(0.0001)[1], "0.0001");
        assert_eq!(double(1.5e-10)[1], "0.00000000015");
        assert_eq!(double(1.5e-16)[1], "1.5e-16");
        assert_eq!(double(1e14)[1], "100000000000000.0");
        assert_eq!(double(1e15)[1], "1e15");
    }

    #[test]
    fn integers_of_every_width_print() {
        for (document, text) in [
            (&[0x05, 0xFF, 0xFF][..], "-1"),
            (&[0x06, 0xFF, 0xFF], "65535"),
            (&[0x07, 0, 0, 0, 0x80], "-2147483648"),
            (&[0x08, 0xFF, 0xFF, 0xFF, 0xFF], "4294967295"),
            (&[0x09, 0, 0, 0, 0, 0, 0, 0, 0x80], "-9223372036854775808"),
            (&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "18446744073709551615"),
            (&[0x04, 0], "null"),
            (&[0x04, 2], "false"),
        ] {
            assert_eq!(both(document), [text, text]);
        }
    }

    #[test]
    fn sql_types_inside_json_print() {
        let opaque = |kind: u8, data: &[u8]| {
            let mut document = vec![0x0F, kind, data.len() as u8];
            document.extend(data);
            both(&document)
        };
        assert_eq!(opaque(246, &[4, 2, 0x8C, 0x22]), ["12.34", "12.34"]);
        let packed = ((2024_i64 * 13 + 1) << 22 | 31 << 17 | 10 << 12 | 15 << 6 | 30) << 24 | 500_000;
        let [debezium, server] = opaque(12, &packed.to_le_bytes());
        assert_eq!((debezium.as_str(), server.as_str()), ("\"2024-01-31 10:15:30.5\"", "\"2024-01-31 10:15:30.500000\""));
        assert_eq!(opaque(10, &packed.to_le_bytes())[0], "\"2024-01-31\"");
        let time = -((10_i64 << 12 | 15 << 6 | 30) << 24);
        assert_eq!(opaque(11, &time.to_le_bytes()), ["\"-10:15:30\"", "\"-10:15:30.000000\""]);
        assert_eq!(opaque(252, b"abc"), ["\"YWJj\"", "\"base64:type252:YWJj\""]);
    }

    #[test]
    fn control_characters_are_escaped() {
        let [debezium, server] = both(&[0x0C, 4, 0x01, b'\n', 0x1F, 0x7F]);
        assert_eq!(debezium, "\"\\u0001\\n\\u001F\u{7f}\"");
        assert_eq!(server, "\"\\u0001\\n\\u001f\u{7f}\"");
    }

    #[test]
    fn overlapping_offsets_do_not_multiply() {
        // An array whose two entries are itself would print for ever.
        let document = [0x02, 2, 0, 10, 0, 0x02, 0, 0, 0x02, 0, 0];
        assert!(print(&document, JsonStyle::Debezium, &mut String::new()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_printer_panic(document in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut text = String::new();
            let _ = print(&document, JsonStyle::Debezium, &mut text);
            let _ = print(&document, JsonStyle::Server, &mut text);
        }

        #[test]
        fn small_types_make_the_printer_dig_deeper(mut document in prop::collection::vec(0_u8..16, 0..80), kind in 0_u8..4) {
            document.insert(0, kind);
            let _ = print(&document, JsonStyle::Server, &mut String::new());
        }

        #[test]
        fn exact_digits_of_doubles_read_back(number in any::<f64>().prop_filter("finite", |x| x.is_finite())) {
            let mut text = String::new();
            java_double(number, &mut text);
            prop_assert_eq!(text.parse::<f64>().unwrap(), number);
            text.clear();
            server_double(number, &mut text);
            prop_assert_eq!(text.parse::<f64>().unwrap(), number);
        }
    }
}
