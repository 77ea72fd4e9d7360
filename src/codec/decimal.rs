//! Turns the bytes of a Decimal into the text of Java's BigDecimal and back.

use bytes::Bytes;

use super::CodecError;

/// Appends `BigDecimal.toString()` of an unscaled big-endian two's complement number.
pub fn push_text(unscaled: &[u8], scale: i32, out: &mut Vec<u8>) {
    let (negative, digits) = digits(unscaled);
    if negative {
        out.push(b'-');
    }
    // BigDecimal: the exponent the number has when written with one digit before the point.
    let adjusted = digits.len() as i64 - 1 - i64::from(scale);
    if scale >= 0 && adjusted >= -6 {
        push_plain_digits(&digits, scale.unsigned_abs() as usize, out);
        return;
    }
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    if adjusted != 0 {
        out.extend_from_slice(if adjusted > 0 { b"E+" } else { b"E" });
        out.extend_from_slice(itoa::Buffer::new().format(adjusted).as_bytes());
    }
}

/// Appends `BigDecimal.toPlainString()`.
pub fn push_plain(unscaled: &[u8], scale: i32, out: &mut Vec<u8>) {
    let (negative, mut digits) = digits(unscaled);
    if negative {
        out.push(b'-');
    }
    if scale < 0 && digits != b"0" {
        // No column has more digits than this; a hostile scale must not make us print billions of zeros.
        digits.extend(std::iter::repeat_n(b'0', scale.unsigned_abs().min(100_000) as usize));
    }
    push_plain_digits(&digits, scale.max(0).unsigned_abs() as usize, out);
}

fn push_plain_digits(digits: &[u8], scale: usize, out: &mut Vec<u8>) {
    if scale == 0 {
        out.extend_from_slice(digits);
    } else if digits.len() > scale {
        out.extend_from_slice(&digits[..digits.len() - scale]);
        out.push(b'.');
        out.extend_from_slice(&digits[digits.len() - scale..]);
    } else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', scale - digits.len()));
        out.extend_from_slice(digits);
    }
}

/// Sign and decimal digits of a two's complement number.
fn digits(unscaled: &[u8]) -> (bool, Vec<u8>) {
    let negative = unscaled.first().is_some_and(|byte| byte & 0x80 != 0);
    if unscaled.len() <= 16 {
        let mut wide = [if negative { 0xff } else { 0 }; 16];
        wide[16 - unscaled.len()..].copy_from_slice(unscaled);
        return (negative, i128::from_be_bytes(wide).unsigned_abs().to_string().into_bytes());
    }
    let mut magnitude = unscaled.to_vec();
    if negative {
        negate(&mut magnitude);
    }
    // Repeated division by 10^9, least significant group first.
    let mut groups = Vec::new();
    let mut start = 0;
    while start < magnitude.len() {
        let mut remainder = 0_u64;
        for byte in &mut magnitude[start..] {
            let value = remainder << 8 | u64::from(*byte);
            *byte = (value / 1_000_000_000) as u8;
            remainder = value % 1_000_000_000;
        }
        groups.push(remainder);
        while magnitude.get(start) == Some(&0) {
            start += 1;
        }
    }
    let mut text = String::new();
    for (index, group) in groups.iter().rev().enumerate() {
        if index == 0 { text.push_str(&group.to_string()) } else { text.push_str(&format!("{group:09}")) }
    }
    (negative, text.into_bytes())
}

fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
    }
}

/// Parses a decimal text (`-12.50`, `1E+3`) to unscaled bytes at this scale, in as few bytes as two's complement needs.
///
/// # Errors
/// `Data` if the text is not a number or has more digits behind the point than the scale allows.
pub fn parse(text: &str, scale: i32) -> Result<Bytes, CodecError> {
    /// Longer numbers are refused; MySQL's longest decimal has 65 digits.
    const MAX_DIGITS: i64 = 10_000;
    let not_a_number = || CodecError::Data(format!("'{text}' is not a decimal number"));
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| not_a_number())?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = [whole.as_bytes(), fraction.as_bytes()].concat();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(not_a_number());
    }
    let own_scale = fraction.len() as i64 - exponent;
    let missing = i64::from(scale) - own_scale;
    if digits.iter().all(|digit| *digit == b'0') {
        digits = vec![b'0'];
    } else if missing > MAX_DIGITS || digits.len() as i64 > MAX_DIGITS {
        return Err(CodecError::Data(format!("a decimal of more than {MAX_DIGITS} digits is refused")));
    } else if missing >= 0 {
        digits.extend(std::iter::repeat_n(b'0', missing.unsigned_abs() as usize));
    } else {
        for _ in 0..missing.unsigned_abs() {
            if digits.pop().is_some_and(|digit| digit != b'0') {
                return Err(CodecError::Data(format!(
                    "Decimal value has mismatching scale for given Decimal schema. Schema has scale {scale}, value has scale {own_scale}."
                )));
            }
        }
    }
    // Big-endian magnitude with a free leading byte for the sign.
    let mut bytes = vec![0_u8; digits.len() * 10 / 24 + 2];
    for digit in digits {
        let mut carry = u32::from(digit - b'0');
        for byte in bytes.iter_mut().rev() {
            let value = u32::from(*byte) * 10 + carry;
            *byte = value as u8;
            carry = value >> 8;
        }
    }
    if negative {
        negate(&mut bytes);
    }
    let sign = if bytes[0] & 0x80 != 0 { 0xff } else { 0 };
    let spare = bytes.windows(2).take_while(|pair| pair[0] == sign && (pair[1] ^ sign) & 0x80 == 0).count();
    Ok(Bytes::from(bytes.split_off(spare)))
}

/// The low 64 bits of a number's whole part, which is what Java's `BigDecimal.longValue()` gives.
pub fn whole_low_bits(text: &str) -> i64 {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            // An exponent beyond these leaves nothing in 64 bits, or nothing before the point.
            let limit = if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 };
            (mantissa, exponent.parse::<i64>().unwrap_or(limit))
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let kept = whole.len() as i64 + exponent.clamp(i64::MIN / 4, i64::MAX / 4);
    let mut x = 0_u64;
    let mut digits = 0_i64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if digits >= kept {
            break;
        }
        x = x.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')));
        digits += 1;
    }
    // Ten to the 64 is a multiple of two to the 64.
    for _ in digits..kept.min(digits + 64) {
        x = x.wrapping_mul(10);
    }
    if negative { x.wrapping_neg() as i64 } else { x as i64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: &[u8], scale: i32) -> String {
        let mut out = Vec::new();
        push_text(bytes, scale, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn plain(bytes: &[u8], scale: i32) -> String {
        let mut out = Vec::new();
        push_plain(bytes, scale, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prints_as_big_decimal_does() {
        for (bytes, scale, expected, plain_text) in [
            (&[3, 252][..], 2, "10.20", "10.20"),
            (&[1], -3, "1E+3", "1000"),
            (&[12], -3, "1.2E+4", "12000"),
            (&[0], 2, "0.00", "0.00"),
            (&[0], 30, "0E-30", "0.000000000000000000000000000000"),
            (&[0xff], 2, "-0.01", "-0.01"),
            (&[5], 7, "5E-7", "0.0000005"),
            (&[15], 8, "1.5E-7", "0.00000015"),
            (&[123], 8, "0.00000123", "0.00000123"),
        ] {
            assert_eq!(text(bytes, scale), expected);
            assert_eq!(plain(bytes, scale), plain_text);
        }
    }

    #[test]
    fn wide_numbers_survive() {
        let digits = "-12345678901234567890123456789012345678901234567890123456789012345.67";
        let bytes = parse(digits, 2).unwrap();
        assert!(bytes.len() > 16);
        assert_eq!(text(&bytes, 2), digits);
    }

    #[test]
    fn rescales_only_without_loss() {
        assert_eq!(parse("1.5", 2).unwrap(), &[0, 150][..]);
        assert_eq!(parse("1.500", 2).unwrap(), &[0, 150][..]);
        assert_eq!(parse("-128", 0).unwrap(), &[0x80][..]);
        assert_eq!(parse("1E3", 0).unwrap(), &[3, 232][..]);
        assert!(parse("1.234", 2).unwrap_err().to_string().contains("mismatching scale"));
        assert!(parse("1e999999999", 2).is_err());
        assert!(parse("", 2).is_err() && parse("1x", 0).is_err());
    }

    proptest! {
        #[test]
        fn text_and_bytes_agree(x: i64, scale in 0..30_i32) {
            let bytes = x.to_be_bytes();
            let minimal = parse(&text(&bytes, scale), scale).unwrap();
            prop_assert_eq!(text(&minimal, scale), text(&bytes, scale));
            prop_assert_eq!(plain(&minimal, 0), x.to_string());
        }
    }
}
