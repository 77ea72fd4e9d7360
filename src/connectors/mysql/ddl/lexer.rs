//! Cuts SQL text into tokens, comments removed.

use super::Dialect;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An unquoted name or keyword.
    Word,
    /// A name in backticks.
    Backtick,
    /// Text in single quotes.
    Single,
    /// Text in double quotes: a string, or a name where ANSI_QUOTES is on.
    Double,
    Number,
    /// `0x1F` or `0b101`.
    Radix,
    /// `@name`, `@@name`.
    Variable,
    /// Any other single character.
    Sign(char),
    /// A quotation that never ends.
    Broken,
}

/// A token and its bytes in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// Never fails: what is not SQL becomes signs or a broken quotation, and the parser decides.
pub fn tokenize(text: &str, dialect: Dialect) -> Vec<Token> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, dialect, executable_comments: 0, tokens: Vec::new() };
    while lexer.at < lexer.bytes.len() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    dialect: Dialect,
    /// Open `/*! ... */`, whose content is part of the statement.
    executable_comments: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest_starts_with(&self, prefix: &str) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(prefix.as_bytes()))
    }

    fn step(&mut self) {
        let c = self.byte(0);
        match c {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0 => self.at += 1,
            b'#' => self.skip_line(),
            // MySQL manual, Comments: two dashes need a blank or control character after them.
            b'-' if self.byte(1) == b'-' && (self.byte(2) <= b' ') => self.skip_line(),
            b'/' if self.byte(1) == b'*' => self.comment(),
            b'*' if self.byte(1) == b'/' && self.executable_comments > 0 => {
                self.executable_comments -= 1;
                self.at += 2;
            }
            b'`' => self.quoted(b'`', Kind::Backtick, false),
            b'\'' => self.quoted(b'\'', Kind::Single, true),
            b'"' => self.quoted(b'"', Kind::Double, true),
            b'@' => self.variable(),
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() && !self.follows_name() => self.number(),
            _ if is_name_byte(c) => {
                let start = self.at;
                self.skip_name();
                self.push(Kind::Word, start);
            }
            _ => {
                let start = self.at;
                // Name bytes cover everything beyond ASCII, so this is an ASCII character.
                self.at += 1;
                self.push(Kind::Sign(char::from(c)), start);
            }
        }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, start, end: self.at });
    }

    fn skip_line(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    fn skip_name(&mut self) {
        while self.at < self.bytes.len() && is_name_byte(self.byte(0)) {
            self.at += 1;
        }
    }

    fn comment(&mut self) {
        let executable = if self.rest_starts_with("/*!") {
            Some(3)
        } else if self.dialect == Dialect::MariaDb && self.rest_starts_with("/*M!") {
            Some(4)
        } else {
            None
        };
        if let Some(prefix) = executable {
            self.at += prefix;
            // The server has already decided by the version, and blanks the `!` of what it did not execute.
            while self.byte(0).is_ascii_digit() {
                self.at += 1;
            }
            self.executable_comments += 1;
            return;
        }
        let body = self.text.get(self.at + 2..).unwrap_or_default();
        self.at = body.find("*/").map_or(self.bytes.len(), |end| self.at + 2 + end + 2);
    }

    fn quoted(&mut self, quote: u8, kind: Kind, backslash: bool) {
        let start = self.at;
        self.at += 1;
        while self.at < self.bytes.len() {
            let c = self.byte(0);
            self.at += 1;
            if c == quote {
                if self.byte(0) != quote || self.at >= self.bytes.len() {
                    return self.push(kind, start);
                }
                self.at += 1;
            } else if c == b'\\' && backslash && self.at < self.bytes.len() {
                self.at += 1;
            }
        }
        self.push(Kind::Broken, start);
    }

    fn variable(&mut self) {
        let start = self.at;
        while self.byte(0) == b'@' {
            self.at += 1;
        }
        match self.byte(0) {
            quote @ (b'`' | b'\'' | b'"') => {
                self.quoted(quote, Kind::Variable, quote != b'`');
                if let Some(last) = self.tokens.last_mut() {
                    last.start = start;
                }
            }
            _ => {
                while self.at < self.bytes.len() && (is_name_byte(self.byte(0)) || self.byte(0) == b'.') {
                    self.at += 1;
                }
                self.push(Kind::Variable, start);
            }
        }
    }

    /// A name may start with digits (`1st`), so what follows the digits decides.
    fn number(&mut self) {
        let start = self.at;
        let radix = match (self.byte(0), self.byte(1)) {
            (b'0', b'x') => Some(u8::is_ascii_hexdigit as fn(&u8) -> bool),
            (b'0', b'b') => Some((|b: &u8| matches!(b, b'0' | b'1')) as fn(&u8) -> bool),
            _ => None,
        };
        if let Some(is_digit) = radix {
            let mut end = self.at + 2;
            while self.bytes.get(end).is_some_and(is_digit) {
                end += 1;
            }
            if end > self.at + 2 && !self.bytes.get(end).is_some_and(|b| is_name_byte(*b)) {
                self.at = end;
                return self.push(Kind::Radix, start);
            }
        }
        self.skip_digits();
        if self.follows_name() {
            // `db.1table`, `db.12`: part of a qualified name.
            self.skip_name();
            return self.push(Kind::Word, start);
        }
        if self.byte(0) == b'.' {
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.skip_digits();
            }
        }
        if self.at < self.bytes.len() && is_name_byte(self.byte(0)) {
            self.skip_name();
            return self.push(Kind::Word, start);
        }
        self.push(Kind::Number, start);
    }

    fn skip_digits(&mut self) {
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    /// True right after `name.` or, for a dot, right after `name`.
    fn follows_name(&self) -> bool {
        let is_name = |token: &Token| matches!(token.kind, Kind::Word | Kind::Backtick | Kind::Double);
        match self.tokens.as_slice() {
            [.., name, dot] if dot.kind == Kind::Sign('.') => is_name(name),
            [.., name] => self.byte(0) == b'.' && name.end == self.at && is_name(name),
            [] => false,
        }
    }
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        tokenize(sql, Dialect::MySql).iter().map(|token| &sql[token.start..token.end]).collect()
    }

    #[test]
    fn cuts_names_numbers_and_quotations() {
        assert_eq!(
            texts("a `b``c` 'd''e\\'f' \"g\\\"\" 1 1.5e-3 .5 0x1F 0b10 1st @@x.y @'u v' <>"),
            ["a", "`b``c`", "'d''e\\'f'", "\"g\\\"\"", "1", "1.5e-3", ".5", "0x1F", "0b10", "1st", "@@x.y", "@'u v'", "<", ">"]
        );
        assert_eq!(texts("`d`.1t.2"), ["`d`", ".", "1t", ".", "2"]);
        assert_eq!(texts("é.ação"), ["é", ".", "ação"]);
    }

    #[test]
    fn leaves_out_comments_but_not_what_the_server_executes() {
        assert_eq!(texts("a /* x */ b -- c\nd # e\nf --g"), ["a", "b", "d", "f", "-", "-", "g"]);
        assert_eq!(texts("a /*!40101 b /* c */ */ d */"), ["a", "b", "d", "*", "/"]);
        assert_eq!(texts("a /*M! b */ c"), ["a", "c"]);
        let maria: Vec<_> = tokenize("a /*M!100501 b */ c", Dialect::MariaDb);
        assert_eq!(maria.len(), 3);
    }

    #[test]
    fn a_quotation_without_end_is_broken() {
        assert_eq!(tokenize("a 'b", Dialect::MySql).last().map(|token| token.kind), Some(Kind::Broken));
        assert_eq!(tokenize("'\\", Dialect::MySql).last().map(|token| token.kind), Some(Kind::Broken));
    }

    proptest::proptest! {
        #[test]
        fn tokens_lie_inside_the_text_in_order(sql in r"[ -~é\n]{0,60}") {
            let mut end = 0;
            for token in tokenize(&sql, Dialect::MariaDb) {
                assert!(token.start >= end && token.end > token.start && token.end <= sql.len());
                assert!(sql.get(token.start..token.end).is_some());
                end = token.end;
            }
        }
    }
}
