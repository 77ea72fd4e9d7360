//! Reads JSON tokens from a payload; text is sliced from it where possible.
//! Accepts what Jackson accepts: leading zeros in numbers, and anything after the value.

use bytes::Bytes;

use super::MAX_DEPTH;
use crate::codec::CodecError;
use crate::data::Utf8Bytes;

/// A position in a payload.
pub struct Reader<'a> {
    data: &'a Bytes,
    at: usize,
}

/// The kind of the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

impl Token {
    /// Jackson's name of the node type, for messages.
    pub fn node_type(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::True | Self::False => "BOOLEAN",
            Self::Number => "NUMBER",
            Self::String => "STRING",
            Self::Array => "ARRAY",
            Self::Object => "OBJECT",
        }
    }
}

impl<'a> Reader<'a> {
    pub fn new(data: &'a Bytes, at: usize) -> Self {
        Self { data, at }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    /// Goes back to a position that [`Reader::position`] gave.
    pub fn rewind(&mut self, at: usize) {
        self.at = at;
    }

    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    pub fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// True once only blanks are left.
    pub fn at_end(&mut self) -> bool {
        self.skip_blanks();
        self.at >= self.data.len()
    }

    /// Moves behind `text` if it comes next.
    #[inline]
    pub fn eat(&mut self, text: &[u8]) -> bool {
        let next = self.data.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        if next {
            self.at += text.len();
        }
        next
    }

    /// Moves behind blanks and this byte.
    ///
    /// # Errors
    /// `Malformed` if something else comes next.
    pub fn expect(&mut self, byte: u8, purpose: &str) -> Result<(), CodecError> {
        self.skip_blanks();
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected(purpose))
        }
    }

    /// Looks at the next value after blanks, without moving into it.
    ///
    /// # Errors
    /// `Malformed` if no value begins here.
    #[inline]
    pub fn token(&mut self) -> Result<Token, CodecError> {
        self.skip_blanks();
        Ok(match self.peek() {
            Some(b'"') => Token::String,
            Some(b'0'..=b'9' | b'-') => Token::Number,
            Some(b'{') => Token::Object,
            Some(b'[') => Token::Array,
            Some(b'n') => Token::Null,
            Some(b't') => Token::True,
            Some(b'f') => Token::False,
            _ => {
                return Err(self.unexpected(
                    "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
                ));
            }
        })
    }

    /// Moves behind a literal (`null`, `true`, `false`).
    ///
    /// # Errors
    /// `Malformed` if the word is another.
    #[inline]
    pub fn literal(&mut self, token: Token) -> Result<(), CodecError> {
        let word: &[u8] = match token {
            Token::True => b"true",
            Token::False => b"false",
            _ => b"null",
        };
        if !self.eat(word) || self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(self.unexpected(
                "unrecognized token: was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            ));
        }
        Ok(())
    }

    /// Reads an integer of up to 18 digits that is followed by neither a point nor an exponent; otherwise stays put.
    #[inline]
    pub fn small_integer(&mut self) -> Option<i64> {
        let bytes = self.data.get(self.at..)?;
        let negative = bytes.first() == Some(&b'-');
        let digits = &bytes[usize::from(negative)..];
        let mut x = 0_i64;
        let mut count = 0;
        for byte in digits.iter().take(19) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            x = x.wrapping_mul(10).wrapping_add(i64::from(digit));
            count += 1;
        }
        // What may follow a number inside JSON; anything else is left to the careful path.
        if !(1..=18).contains(&count) || !matches!(digits.get(count), Some(b',' | b'}' | b']')) {
            return None;
        }
        self.at += count + usize::from(negative);
        Some(if negative { -x } else { x })
    }

    /// Reads a number and returns its text.
    ///
    /// # Errors
    /// `Malformed` if it is not a JSON number (leading zeros are fine).
    pub fn number(&mut self) -> Result<&'a str, CodecError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        self.digits("expected digit (0-9) to follow minus sign, for valid numeric value")?;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("in numeric value: Decimal point not followed by a digit")?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits("in numeric value: Exponent indicator not followed by a digit")?;
        }
        if !matches!(self.peek(), None | Some(b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r')) {
            return Err(self.unexpected("Expected space separating root-level values"));
        }
        let text = self.data.get(start..self.at).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.ok_or_else(|| self.unexpected("in numeric value"))
    }

    fn digits(&mut self, otherwise: &str) -> Result<(), CodecError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected(otherwise)) } else { Ok(()) }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// `Malformed` if it does not end, has a wrong escape or control character, or is not UTF-8.
    #[inline]
    pub fn string(&mut self) -> Result<Utf8Bytes, CodecError> {
        let start = self.at + 1;
        let end = self.string_end(start)?;
        if self.data[end] == b'"' {
            self.at = end + 1;
            return Utf8Bytes::try_from(self.data.slice(start..end)).map_err(|_| self.not_utf8());
        }
        self.escaped_string(start, end)
    }

    /// The first quote, backslash or control character.
    #[inline]
    fn string_end(&self, start: usize) -> Result<usize, CodecError> {
        match super::super::java_text::next_special::<false>(self.data, start) {
            Some(end) if self.data[end] >= 0x20 => Ok(end),
            Some(end) => Err(CodecError::Malformed(format!(
                "Illegal unquoted character ((CTRL-CHAR, code {})): has to be escaped using backslash to be included in string value at byte {end}",
                self.data[end]
            ))),
            None => Err(CodecError::Malformed("Unexpected end-of-input in VALUE_STRING".to_owned())),
        }
    }

    #[cold]
    fn escaped_string(&mut self, start: usize, mut end: usize) -> Result<Utf8Bytes, CodecError> {
        let mut text = Vec::with_capacity(end - start + 32);
        let mut from = start;
        loop {
            text.extend_from_slice(&self.data[from..end]);
            self.at = end + 1;
            if self.data[end] == b'"' {
                return String::from_utf8(text).map(Utf8Bytes::from).map_err(|_| self.not_utf8());
            }
            let letter = self.peek().ok_or_else(|| self.unexpected("in character escape sequence"))?;
            self.at += 1;
            match letter {
                b'"' | b'\\' | b'/' => text.push(letter),
                b'b' => text.push(8),
                b'f' => text.push(12),
                b'n' => text.push(b'\n'),
                b'r' => text.push(b'\r'),
                b't' => text.push(b'\t'),
                b'u' => {
                    let character = self.unicode()?;
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                other => {
                    return Err(CodecError::Malformed(format!(
                        "Unrecognized character escape '{}' (code {other})",
                        char::from(other).escape_default()
                    )));
                }
            }
            from = self.at;
            end = self.string_end(from)?;
        }
    }

    /// The four digits of a `\u` escape, and a second escape if it takes two. Half a pair becomes the replacement
    /// character, because our text is UTF-8.
    fn unicode(&mut self) -> Result<char, CodecError> {
        let first = self.hex()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        let before = self.at;
        if (0xd800..0xdc00).contains(&first) && self.eat(b"\\u") {
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, CodecError> {
        let digits = self.data.get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let code = code.ok_or_else(|| self.unexpected("expected a hex-digit for character escape sequence"))?;
        self.at += 4;
        Ok(code)
    }

    /// Moves behind the next value and checks its syntax.
    ///
    /// # Errors
    /// `Malformed` if it is not valid JSON.
    pub fn skip_value(&mut self, depth: usize) -> Result<(), CodecError> {
        match self.token()? {
            Token::String => self.skip_string(),
            Token::Number => self.number().map(|_| ()),
            Token::Array => self.array(depth, |reader, depth| reader.skip_value(depth)),
            Token::Object => {
                let mut first = true;
                self.at += 1;
                while self.member(&mut first)? {
                    self.skip_string()?;
                    self.colon()?;
                    self.skip_value(deeper(depth)?)?;
                }
                Ok(())
            }
            literal => self.literal(literal),
        }
    }

    fn skip_string(&mut self) -> Result<(), CodecError> {
        let start = self.at + 1;
        let end = self.string_end(start)?;
        if self.data[end] == b'"' {
            self.at = end + 1;
            return Ok(());
        }
        self.escaped_string(start, end).map(|_| ())
    }

    /// Walks an array; the reader stands at its bracket.
    ///
    /// # Errors
    /// Those of `item`, and `Malformed`.
    pub fn array(
        &mut self,
        depth: usize,
        mut item: impl FnMut(&mut Self, usize) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let depth = deeper(depth)?;
        self.at += 1;
        self.skip_blanks();
        if self.eat(b"]") {
            return Ok(());
        }
        loop {
            item(self, depth)?;
            self.skip_blanks();
            if self.eat(b",") {
                continue;
            }
            if self.eat(b"]") {
                return Ok(());
            }
            return Err(self.unexpected("was expecting comma to separate Array entries"));
        }
    }

    /// Moves to the next key of an object, or behind the object's end and returns false. `first` starts as true.
    ///
    /// # Errors
    /// `Malformed` if neither a key nor the end follows.
    #[inline]
    pub fn member(&mut self, first: &mut bool) -> Result<bool, CodecError> {
        self.skip_blanks();
        if self.eat(b"}") {
            return Ok(false);
        }
        if !std::mem::replace(first, false) {
            if !self.eat(b",") {
                return Err(self.unexpected("was expecting comma to separate Object entries"));
            }
            self.skip_blanks();
        }
        if self.peek() == Some(b'"') { Ok(true) } else { Err(self.unexpected("was expecting double-quote to start field name")) }
    }

    /// Moves behind the colon after a key.
    ///
    /// # Errors
    /// `Malformed` if there is none.
    pub fn colon(&mut self) -> Result<(), CodecError> {
        self.expect(b':', "was expecting a colon to separate field name and value")
    }

    /// Moves behind the bracket or brace at which the reader stands.
    pub fn enter(&mut self) {
        self.at += 1;
    }

    #[cold]
    fn unexpected(&self, purpose: &str) -> CodecError {
        match self.peek() {
            None => CodecError::Malformed(format!("Unexpected end-of-input: {purpose}")),
            Some(byte) => CodecError::Malformed(format!(
                "Unexpected character ('{}' (code {byte})): {purpose} at byte {}",
                char::from(byte).escape_default(),
                self.at
            )),
        }
    }

    #[cold]
    fn not_utf8(&self) -> CodecError {
        CodecError::Malformed(format!("Invalid UTF-8 in the string before byte {}", self.at))
    }
}

/// The depth inside a container.
///
/// # Errors
/// `Malformed` beyond the depth that is accepted.
pub fn deeper(depth: usize) -> Result<usize, CodecError> {
    if depth >= MAX_DEPTH {
        return Err(CodecError::Malformed(format!("Document nesting depth exceeds the maximum allowed ({MAX_DEPTH})")));
    }
    Ok(depth + 1)
}
