//! Prints numbers and JSON strings with the characters Java would use.

use serde_json::Value as Json;

use crate::data::Value;

/// Appends a double as `Double.toString` of JDK 19 and later prints it (earlier ones now and then add a digit).
pub fn push_f64(x: f64, out: &mut Vec<u8>) {
    if push_special(x, out) {
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(x);
    // The one case where Java does not print the shortest text: it wants two digits, so that the smallest numbers
    // show as 4.9E-324 and not as 5.0E-324.
    if x.abs() < 1e-320 && x != 0.0 {
        let two = format!("{x:.1e}");
        if two.parse() == Ok(x) {
            return push_java(&two, out);
        }
    }
    push_java(text, out);
}

/// Appends a float as `Float.toString` prints it.
pub fn push_f32(x: f32, out: &mut Vec<u8>) {
    if push_special(f64::from(x), out) {
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(x);
    if x.abs() < 1e-43 && x != 0.0 {
        let two = format!("{x:.1e}");
        if two.parse() == Ok(x) {
            return push_java(&two, out);
        }
    }
    push_java(text, out);
}

pub fn f64_text(x: f64) -> String {
    to_string(|out| push_f64(x, out))
}

pub fn f32_text(x: f32) -> String {
    to_string(|out| push_f32(x, out))
}

fn to_string(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(24);
    write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// NaN, infinities and zeros.
fn push_special(x: f64, out: &mut Vec<u8>) -> bool {
    let text: &[u8] = if x.is_nan() {
        b"NaN"
    } else if x.is_infinite() {
        if x > 0.0 { b"Infinity" } else { b"-Infinity" }
    } else if x == 0.0 {
        if x.is_sign_negative() { b"-0.0" } else { b"0.0" }
    } else {
        return false;
    };
    out.extend_from_slice(text);
    true
}

/// Rewrites a finite decimal text (`12.5`, `1e23`, `1.5e-7`) into Java's notation: plain from 10^-3 up to 10^7, else
/// with one digit before the point, at least one behind it, and a capital `E`.
fn push_java(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let (negative, bytes) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, bytes),
    };
    // Most numbers are already right: digits, a point, digits, in the plain range.
    if let Some(point) = bytes.iter().position(|b| *b == b'.')
        && (1..=7).contains(&point)
        && !bytes.contains(&b'e')
        && (bytes[0] != b'0'
            || bytes.get(2).is_some_and(|b| *b != b'0')
            || bytes.get(3).is_some_and(|b| *b != b'0')
            || bytes.get(4).is_some_and(|b| *b != b'0'))
    {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut digits = [0_u8; 40];
    let mut count = 0;
    let mut point_at = None; // digits before the point
    let mut exponent = 0_i32;
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'.' => point_at = Some(count),
            b'e' => {
                exponent = std::str::from_utf8(rest.as_slice()).ok().and_then(|x| x.parse().ok()).unwrap_or(0);
                break;
            }
            digit if count < digits.len() => {
                digits[count] = *digit;
                count += 1;
            }
            _ => {}
        }
    }
    let before = point_at.unwrap_or(count) as i32;
    let leading = digits[..count].iter().take_while(|d| **d == b'0').count();
    let mut end = count;
    while end > leading + 1 && digits[end - 1] == b'0' {
        end -= 1;
    }
    let digits = &digits[leading..end];
    // value = 0.d1d2d3... * 10^scale
    let scale = before - leading as i32 + exponent;
    if negative {
        out.push(b'-');
    }
    if (-2..=7).contains(&scale) {
        if scale <= 0 {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', scale.unsigned_abs() as usize));
            out.extend_from_slice(digits);
        } else {
            let whole = scale as usize;
            if digits.len() <= whole {
                out.extend_from_slice(digits);
                out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
                out.extend_from_slice(b".0");
            } else {
                out.extend_from_slice(&digits[..whole]);
                out.push(b'.');
                out.extend_from_slice(&digits[whole..]);
            }
        }
    } else {
        out.push(digits[0]);
        out.push(b'.');
        out.extend_from_slice(if digits.len() > 1 { &digits[1..] } else { b"0" });
        out.push(b'E');
        out.extend_from_slice(itoa::Buffer::new().format(scale - 1).as_bytes());
    }
}

/// For each byte: 0 = as is, `u` = `\u00XX`, else the letter after the backslash (Jackson's table).
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 0x20 {
        table[i] = b'u';
        i += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Appends a JSON string with its quotes, escaped as Jackson does when it writes characters: all text beyond ASCII
/// stays as it is.
pub fn push_json_string(text: &str, out: &mut Vec<u8>) {
    push_escaped::<false>(text, out);
}

/// Appends a JSON string with its quotes, escaped as Jackson does when it writes bytes: characters beyond the basic
/// plane become a pair of `\u` escapes.
pub fn push_json_string_bytes(text: &str, out: &mut Vec<u8>) {
    push_escaped::<true>(text, out);
}

fn push_escaped<const PAIRS: bool>(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = next_special::<PAIRS>(bytes, from) {
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        match ESCAPES[usize::from(bytes[at])] {
            0 => {
                let Some(character) = text[at..].chars().next() else { break };
                for unit in character.encode_utf16(&mut [0; 2]) {
                    push_unicode(*unit, out);
                }
                from = at + character.len_utf8();
            }
            b'u' => push_unicode(u16::from(bytes[at]), out),
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

fn push_unicode(unit: u16, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |shift: u16| HEX[usize::from(unit >> shift & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// The next byte that cannot be copied: a control character, a quote, a backslash and, with `PAIRS`, the first byte of
/// a four-byte character. Looks at eight bytes at a time.
#[inline]
pub(crate) fn next_special<const PAIRS: bool>(bytes: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_bytes = |x: u64| x.wrapping_sub(ONES) & !x & HIGH;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..at + 8).and_then(|chunk| <[u8; 8]>::try_from(chunk).ok()) {
        let x = u64::from_le_bytes(chunk);
        let mut found = (x.wrapping_sub(ONES * 0x20) & !x & HIGH) | zero_bytes(x ^ (ONES * 0x22)) | zero_bytes(x ^ (ONES * 0x5c));
        if PAIRS {
            found |= x & (x << 1) & (x << 2) & (x << 3) & HIGH;
        }
        if found != 0 {
            // Only the lowest mark is sure to be right, and it is the one that is wanted.
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    rest.iter().position(|byte| ESCAPES[usize::from(*byte)] != 0 || PAIRS && *byte >= 0xf0).map(|found| at + found)
}

/// The Java class that holds such a value, for messages.
pub fn java_class(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "java.lang.Boolean",
        Value::Int8(_) => "java.lang.Byte",
        Value::Int16(_) => "java.lang.Short",
        Value::Int32(_) => "java.lang.Integer",
        Value::Int64(_) => "java.lang.Long",
        Value::Float32(_) => "java.lang.Float",
        Value::Float64(_) => "java.lang.Double",
        Value::String(_) => "java.lang.String",
        Value::Bytes(_) => "java.nio.HeapByteBuffer",
        Value::Array(_) => "java.util.ArrayList",
        Value::Map(_) => "java.util.HashMap",
        Value::Struct(_) => "org.apache.kafka.connect.data.Struct",
    }
}

/// Appends a JSON tree without blanks, as Jackson prints it.
pub fn push_json(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(x) => out.extend_from_slice(if *x { b"true" } else { b"false" }),
        Json::Number(number) => match number.as_f64() {
            Some(x) if number.is_f64() => push_f64(x, out),
            _ => out.extend_from_slice(number.to_string().as_bytes()),
        },
        Json::String(text) => push_json_string(text, out),
        Json::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_json(item, out);
            }
            out.push(b']');
        }
        Json::Object(members) => {
            out.push(b'{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_json_string(key, out);
                out.push(b':');
                push_json(value, out);
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_look_as_java_prints_them() {
        // Printed by Double.toString (JDK 19+ rules; 17 agrees on these).
        for (x, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1234567.0, "1234567.0"),
            (9999999.0, "9999999.0"),
            (1.0e7, "1.0E7"),
            (12345678.9, "1.23456789E7"),
            (1.0e10, "1.0E10"),
            (1.5e300, "1.5E300"),
            (0.001, "0.001"),
            (0.0010005, "0.0010005"),
            (0.01, "0.01"),
            (0.1, "0.1"),
            (0.05, "0.05"),
            (0.00099, "9.9E-4"),
            (1.0e-5, "1.0E-5"),
            (12.2, "12.2"),
            (-12.25, "-12.25"),
            (-1.0e-5, "-1.0E-5"),
            (123456.789, "123456.789"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (5e-324, "4.9E-324"),
            (f64::MAX, "1.7976931348623157E308"),
            (1e23, "1.0E23"),
            (123456789012345680.0, "1.23456789012345677E17"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            if text == "1.23456789012345677E17" {
                // JDK 17 prints the digit too many that JDK 19 fixed; we print the fixed form.
                assert_eq!(f64_text(x), "1.2345678901234568E17");
            } else {
                assert_eq!(f64_text(x), text);
            }
        }
    }

    #[test]
    fn floats_look_as_java_prints_them() {
        for (x, text) in [
            (12.2_f32, "12.2"),
            (1e10, "1.0E10"),
            (1e-4, "1.0E-4"),
            (0.1, "0.1"),
            (f32::MAX, "3.4028235E38"),
            (f32::from_bits(1), "1.4E-45"),
            (3.0, "3.0"),
        ] {
            assert_eq!(f32_text(x), text);
        }
    }

    #[test]
    fn strings_are_escaped_as_jackson_does() {
        let text = to_string(|out| push_json_string("a\"\\/\u{1f}\n\u{7f}é\u{2028}😀", out));
        assert_eq!(text, "\"a\\\"\\\\/\\u001F\\n\u{7f}é\u{2028}😀\"");
        let bytes = to_string(|out| push_json_string_bytes("é😀\u{1}", out));
        assert_eq!(bytes, "\"é\\uD83D\\uDE00\\u0001\"");
    }

    #[test]
    fn every_position_of_a_special_byte_is_found() {
        for special in ["\"", "\\", "\n", "\u{1f}"] {
            for before in 0..20 {
                let text = "x".repeat(before) + special + &"é ~!#[]".repeat(3);
                let json = to_string(|out| push_json_string_bytes(&text, out));
                assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            }
        }
    }
}
