//! Reads DECIMAL from its binary and text forms and writes it as unscaled bytes, text or double.

use bytes::Bytes;

/// MySQL allows 65 digits.
const DIGITS_MAX: usize = 65;
const DIGITS_PER_WORD: usize = 9;
/// Bytes of a group of 0 to 9 digits (MySQL, decimal2bin).
const GROUP_BYTES: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

/// A decimal number as its digits, most significant first; `scale` of them stand after the point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: [u8; DIGITS_MAX + 7],
    count: usize,
    scale: usize,
}

/// Bytes that a DECIMAL(precision, scale) takes in row images.
pub fn binary_size(precision: usize, scale: usize) -> Option<usize> {
    let whole = precision.checked_sub(scale)?;
    if precision > DIGITS_MAX {
        return None;
    }
    let size = |digits: usize| digits / DIGITS_PER_WORD * 4 + GROUP_BYTES[digits % DIGITS_PER_WORD];
    Some(size(whole) + size(scale))
}

impl Decimal {
    fn new(scale: usize) -> Self {
        Self { negative: false, digits: [0; DIGITS_MAX + 7], count: 0, scale }
    }

    /// Reads a row image's form: groups of nine digits, big endian, sign in the first bit, negatives inverted.
    /// `bytes` must be exactly `binary_size` long.
    pub fn from_binary(bytes: &[u8], precision: usize, scale: usize) -> Option<Self> {
        if binary_size(precision, scale)? != bytes.len() || bytes.is_empty() {
            return None;
        }
        let mut number = Self::new(scale);
        number.negative = bytes[0] & 0x80 == 0;
        let invert = if number.negative { 0xFF } else { 0 };
        let mut at = 0;
        let mut group = |digits: usize, number: &mut Self| {
            let mut value: u32 = 0;
            for _ in 0..GROUP_BYTES[digits] {
                let byte = bytes[at] ^ invert ^ if at == 0 { 0x80 } else { 0 };
                value = (value << 8) | u32::from(byte);
                at += 1;
            }
            number.push_group(value, digits)
        };
        let whole = precision - scale;
        group(whole % DIGITS_PER_WORD, &mut number)?;
        for _ in 0..whole / DIGITS_PER_WORD {
            group(DIGITS_PER_WORD, &mut number)?;
        }
        for _ in 0..scale / DIGITS_PER_WORD {
            group(DIGITS_PER_WORD, &mut number)?;
        }
        group(scale % DIGITS_PER_WORD, &mut number)?;
        Some(number)
    }

    fn push_group(&mut self, mut value: u32, digits: usize) -> Option<()> {
        let end = self.count + digits;
        let places = self.digits.get_mut(self.count..end)?;
        for place in places.iter_mut().rev() {
            *place = (value % 10) as u8;
            value /= 10;
        }
        self.count = end;
        (value == 0).then_some(())
    }

    /// Reads `[+-]digits[.digits]`, rounding half away from zero or padding to `scale` digits after the point.
    pub fn from_text(text: &str, scale: usize) -> Option<Self> {
        let (negative, text) = match text.as_bytes() {
            [b'-', ..] => (true, &text[1..]),
            [b'+', ..] => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() + scale > DIGITS_MAX || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut number = Self::new(scale);
        number.negative = negative;
        let padded = fraction.bytes().chain(std::iter::repeat(b'0')).take(scale);
        for digit in whole.bytes().chain(padded) {
            number.digits[number.count] = digit - b'0';
            number.count += 1;
        }
        if fraction.as_bytes().get(scale).is_some_and(|digit| *digit >= b'5') {
            number.increment();
        }
        Some(number)
    }

    fn increment(&mut self) {
        for place in self.digits[..self.count].iter_mut().rev() {
            if *place < 9 {
                *place += 1;
                return;
            }
            *place = 0;
        }
        self.digits.copy_within(..self.count, 1);
        self.digits[0] = 1;
        self.count += 1;
    }

    pub fn is_zero(&self) -> bool {
        self.digits[..self.count].iter().all(|digit| *digit == 0)
    }

    /// The unscaled value as the shortest big-endian two's complement, as Java's `BigInteger.toByteArray`.
    pub fn unscaled_bytes(&self) -> Bytes {
        let digits = &self.digits[..self.count];
        if digits.len() <= 38 {
            let magnitude = digits.iter().fold(0_i128, |value, digit| value * 10 + i128::from(*digit));
            let value = if self.negative { -magnitude } else { magnitude };
            return shortest(&value.to_be_bytes());
        }
        // 72 digits need 240 bits; one more word holds the sign.
        let mut words = [0_u32; 9];
        for group in digits.chunks(DIGITS_PER_WORD) {
            let factor = 10_u64.pow(group.len() as u32);
            let mut carry = group.iter().fold(0_u64, |value, digit| value * 10 + u64::from(*digit));
            for word in words.iter_mut().rev() {
                let value = u64::from(*word) * factor + carry;
                *word = value as u32;
                carry = value >> 32;
            }
        }
        if self.negative {
            let mut carry = true;
            for word in words.iter_mut().rev() {
                let (value, overflow) = (!*word).overflowing_add(u32::from(carry));
                *word = value;
                carry = overflow;
            }
        }
        let mut bytes = [0; 36];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        shortest(&bytes)
    }

    /// Plain notation with all digits after the point: `-0.10`.
    pub fn plain_text(&self) -> String {
        let mut text = String::with_capacity(self.count + 3);
        if self.negative && !self.is_zero() {
            text.push('-');
        }
        let (whole, fraction) = self.digits[..self.count].split_at(self.count.saturating_sub(self.scale));
        let first = whole.iter().position(|digit| *digit != 0).unwrap_or(whole.len());
        if first == whole.len() {
            text.push('0');
        }
        text.extend(whole[first..].iter().map(|digit| char::from(b'0' + digit)));
        if self.scale > 0 {
            text.push('.');
            text.extend(fraction.iter().map(|digit| char::from(b'0' + digit)));
        }
        text
    }

    /// Java's `BigDecimal.toString`: scientific if the number is smaller than 1e-6.
    pub fn scientific_text(&self) -> String {
        let digits = &self.digits[..self.count];
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len().saturating_sub(1));
        let significant = &digits[first..];
        let exponent = significant.len() as i64 - 1 - self.scale as i64;
        if exponent >= -6 || significant.is_empty() {
            return self.plain_text();
        }
        let mut text = String::new();
        if self.negative && !self.is_zero() {
            text.push('-');
        }
        for (place, digit) in significant.iter().enumerate() {
            if place == 1 {
                text.push('.');
            }
            text.push(char::from(b'0' + digit));
        }
        text.push_str(&format!("E{exponent}"));
        text
    }

    pub fn to_double(&self) -> f64 {
        self.plain_text().parse().unwrap_or_default()
    }
}

/// The shortest two's complement of an unsigned number, for BIGINT UNSIGNED as a decimal.
pub fn unsigned_bytes(value: u64) -> Bytes {
    shortest(&i128::from(value).to_be_bytes())
}

fn shortest(bytes: &[u8]) -> Bytes {
    let mut start = 0;
    while let [first, second, ..] = bytes[start..] {
        let redundant = (first == 0 && second & 0x80 == 0) || (first == 0xFF && second & 0x80 != 0);
        if !redundant {
            break;
        }
        start += 1;
    }
    Bytes::copy_from_slice(&bytes[start..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn binary_form_of_the_manual_is_read() {
        // MySQL manual, decimal storage: 1234567890.1234 as DECIMAL(14,4).
        let bytes = [0x81, 0x0D, 0xFB, 0x38, 0xD2, 0x04, 0xD2];
        let number = Decimal::from_binary(&bytes, 14, 4).unwrap();
        assert_eq!(number.plain_text(), "1234567890.1234");
        let inverted: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
        assert_eq!(Decimal::from_binary(&inverted, 14, 4).unwrap().plain_text(), "-1234567890.1234");
        assert_eq!(Decimal::from_binary(&bytes[1..], 14, 4), None);
    }

    #[test]
    fn unscaled_bytes_are_java_s() {
        let bytes = |text: &str, scale| Decimal::from_text(text, scale).unwrap().unscaled_bytes().to_vec();
        assert_eq!(bytes("0", 0), [0]);
        assert_eq!(bytes("-0.00", 2), [0]);
        assert_eq!(bytes("1.27", 2), [127]);
        assert_eq!(bytes("1.28", 2), [0, 128]);
        assert_eq!(bytes("-1.28", 2), [128]);
        assert_eq!(bytes("-1.29", 2), [255, 127]);
        let largest = "9".repeat(65);
        let value = bytes(&largest, 0);
        assert_eq!(value.len(), 28);
        assert_eq!(value[..2], [0, 0xF3]);
        let negative = bytes(&format!("-{largest}"), 0);
        assert_eq!(negative.len(), 28);
        assert_eq!(negative[..2], [0xFF, 0x0C]);
        assert_eq!(unsigned_bytes(u64::MAX).to_vec(), [0, 255, 255, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn texts_are_plain_or_java_s() {
        let number = |text: &str, scale| Decimal::from_text(text, scale).unwrap();
        assert_eq!(number("-.5", 2).plain_text(), "-0.50");
        assert_eq!(number("007", 0).plain_text(), "7");
        assert_eq!(number("1.005", 2).plain_text(), "1.01");
        assert_eq!(number("9.995", 2).plain_text(), "10.00");
        assert_eq!(number("0", 30).scientific_text(), "0E-30");
        assert_eq!(number("0.000000000000000000000000000001", 30).scientific_text(), "1E-30");
        assert_eq!(number("0.0000012", 7).scientific_text(), "0.0000012");
        assert_eq!(number("0.00000012", 8).scientific_text(), "1.2E-7");
        assert_eq!(number("12.50", 2).scientific_text(), "12.50");
        assert_eq!(number("12.50", 2).to_double(), 12.5);
        for bad in ["", ".", "-", "1e5", "1.2.3", "x"] {
            assert_eq!(Decimal::from_text(bad, 2), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_to_unscaled_bytes_agree(value in -99_999_999_999_999_999_i64..100_000_000_000_000_000, zeros in 0_usize..30) {
            let text = format!("{value}{}", "0".repeat(zeros));
            let long = Decimal::from_text(&text, 0).unwrap().unscaled_bytes();
            // A second way: multiply in i128 where it fits.
            if let Some(product) = 10_i128.checked_pow(zeros as u32).and_then(|factor| i128::from(value).checked_mul(factor)) {
                prop_assert_eq!(long, shortest(&product.to_be_bytes()));
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), precision in 0_usize..80, scale in 0_usize..40) {
            if let Some(number) = Decimal::from_binary(&bytes, precision, scale) {
                let _ = (number.plain_text(), number.scientific_text(), number.unscaled_bytes());
            }
        }
    }
}
