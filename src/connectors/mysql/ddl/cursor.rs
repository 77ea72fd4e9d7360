//! Walks over the tokens of a statement.

use super::Dialect;
use super::lexer::{Kind, Token};

/// Why a statement was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub at: usize,
    pub detail: String,
}

pub type Result<T> = std::result::Result<T, Problem>;

/// A name as the statement has it, perhaps with its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub database: Option<String>,
    pub table: String,
    /// Its bytes in the text.
    pub start: usize,
    pub end: usize,
}

/// The tokens of one text and a position in them. A statement ends at `;` or at the end of the text.
#[derive(Clone)]
pub struct Cursor<'a> {
    pub text: &'a str,
    pub dialect: Dialect,
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str, dialect: Dialect, tokens: &'a [Token]) -> Self {
        Self { text, dialect, tokens, at: 0 }
    }

    pub fn peek(&self) -> Option<Token> {
        self.peek_at(0)
    }

    pub fn peek_at(&self, ahead: usize) -> Option<Token> {
        self.tokens.get(self.at + ahead).copied()
    }

    pub fn advance(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    pub fn text_of(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Where the next token starts.
    pub fn offset(&self) -> usize {
        self.peek().map_or(self.text.len(), |token| token.start)
    }

    /// Where the last token read ends.
    pub fn offset_before(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.end)
    }

    pub fn at_end(&self) -> bool {
        matches!(self.peek(), None | Some(Token { kind: Kind::Sign(';'), .. }))
    }

    pub fn problem<T>(&self, detail: impl Into<String>) -> Result<T> {
        Err(Problem { at: self.offset(), detail: detail.into() })
    }

    pub fn expected<T>(&self, what: &str) -> Result<T> {
        match self.peek() {
            Some(token) => self.problem(format!("expected {what}, found {}", self.text_of(token))),
            None => self.problem(format!("expected {what}, found the end")),
        }
    }

    /// The unquoted word `ahead` tokens from here.
    pub fn word_at(&self, ahead: usize) -> Option<&'a str> {
        self.peek_at(ahead).filter(|token| token.kind == Kind::Word).map(|token| self.text_of(token))
    }

    pub fn is_at(&self, ahead: usize, keyword: &str) -> bool {
        self.word_at(ahead).is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }

    pub fn is(&self, keyword: &str) -> bool {
        self.is_at(0, keyword)
    }

    pub fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// Steps over these words if all of them come next.
    pub fn eat(&mut self, keywords: &[&str]) -> bool {
        let all = keywords.iter().enumerate().all(|(ahead, keyword)| self.is_at(ahead, keyword));
        if all {
            self.at += keywords.len();
        }
        all
    }

    /// Steps over one of these words.
    pub fn eat_any(&mut self, keywords: &[&str]) -> bool {
        let found = self.is_any(keywords);
        if found {
            self.at += 1;
        }
        found
    }

    pub fn is_sign(&self, sign: char) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    pub fn eat_sign(&mut self, sign: char) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.at += 1;
        }
        found
    }

    pub fn expect_sign(&mut self, sign: char) -> Result<()> {
        if self.eat_sign(sign) { Ok(()) } else { self.expected(&format!("'{sign}'")) }
    }

    /// A name, with whatever quotes. Double quotes are accepted in any SQL mode, since no string can stand here.
    pub fn identifier(&mut self) -> Result<String> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Backtick | Kind::Double) => {
                self.at += 1;
                Ok(identifier_text(self.text_of(token), token.kind))
            }
            _ => self.expected("a name"),
        }
    }

    pub fn name(&mut self) -> Result<Name> {
        let start = self.offset();
        let first = self.identifier()?;
        let (database, table) = if self.eat_sign('.') { (Some(first), self.identifier()?) } else { (None, first) };
        Ok(Name { database, table, start, end: self.offset_before() })
    }

    /// The inside of one or more adjacent strings, escapes and doubled quotes kept as they are.
    pub fn raw_string(&mut self) -> Result<String> {
        let mut text = None;
        while let Some(token) = self.peek().filter(|token| matches!(token.kind, Kind::Single | Kind::Double)) {
            self.at += 1;
            let quoted = self.text_of(token);
            let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
            let text: &mut String = text.get_or_insert_default();
            match token.kind {
                // Debezium for MySQL rewrites "it's" to 'it''s' before it parses.
                Kind::Double if self.dialect == Dialect::MySql => text.push_str(&inner.replace('\'', "''")),
                _ => text.push_str(inner),
            }
        }
        match text {
            Some(text) => Ok(text),
            None => self.expected("a string"),
        }
    }

    /// One string, its escapes resolved.
    pub fn string(&mut self) -> Result<String> {
        match self.peek().filter(|token| matches!(token.kind, Kind::Single | Kind::Double)) {
            Some(token) => {
                self.at += 1;
                Ok(unescape(self.text_of(token)))
            }
            None => self.expected("a string"),
        }
    }

    pub fn number(&mut self) -> Result<&'a str> {
        match self.peek().filter(|token| token.kind == Kind::Number) {
            Some(token) => {
                self.at += 1;
                Ok(self.text_of(token))
            }
            None => self.expected("a number"),
        }
    }

    /// Steps over `( ... )` with everything in it.
    pub fn skip_parentheses(&mut self) -> Result<()> {
        let opening = self.clone();
        self.expect_sign('(')?;
        let mut depth = 1_usize;
        while let Some(token) = self.advance() {
            match token.kind {
                Kind::Sign('(') => depth += 1,
                Kind::Sign(')') if depth == 1 => return Ok(()),
                Kind::Sign(')') => depth -= 1,
                Kind::Broken => break,
                _ => {}
            }
        }
        opening.problem("a parenthesis is not closed")
    }

    /// Steps to the next comma or closing parenthesis outside parentheses, or to the end.
    pub fn skip_to_separator(&mut self) -> Result<()> {
        while !self.at_end() && !self.is_sign(',') && !self.is_sign(')') {
            self.skip_one()?;
        }
        Ok(())
    }

    pub fn skip_to_end(&mut self) {
        while !self.at_end() {
            self.at += 1;
        }
    }

    /// Steps over one token or one pair of parentheses.
    pub fn skip_one(&mut self) -> Result<()> {
        match self.peek() {
            Some(token) if token.kind == Kind::Broken => self.problem("a quotation is not closed"),
            Some(token) if token.kind == Kind::Sign('(') => self.skip_parentheses(),
            _ => {
                self.at += 1;
                Ok(())
            }
        }
    }
}

fn identifier_text(quoted: &str, kind: Kind) -> String {
    let (quote, double) = match kind {
        Kind::Backtick => ("`", "``"),
        Kind::Double => ("\"", "\"\""),
        _ => return quoted.to_owned(),
    };
    quoted.get(1..quoted.len() - 1).unwrap_or_default().replace(double, quote)
}

/// Resolves a quoted string. MySQL manual, String Literals; an unknown escape stands for its character.
pub fn unescape(quoted: &str) -> String {
    let mut chars = quoted.chars();
    let Some(quote) = chars.next() else {
        return String::new();
    };
    chars.next_back();
    let mut text = String::with_capacity(quoted.len());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('0') => text.push('\0'),
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('b') => text.push('\u{8}'),
                Some('Z') => text.push('\u{1a}'),
                Some(pattern @ ('%' | '_')) => text.extend(['\\', pattern]),
                Some(other) => text.push(other),
                None => {}
            },
            _ if c == quote => {
                chars.next();
                text.push(c);
            }
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_resolved_as_mysql_does() {
        for (quoted, text) in
            [("'a''b'", "a'b"), (r"'a\'b\\c\n\q'", "a'b\\c\nq"), ("\"it's \"\"x\"\"\"", "it's \"x\""), ("''", ""), ("'é'", "é")]
        {
            assert_eq!(unescape(quoted), text, "{quoted}");
        }
    }
}
