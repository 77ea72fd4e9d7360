//! Runs Java regular expressions and replacement texts on Rust's engine.

use regex::{Captures, Regex};

use crate::config::{ConfigError, TypedValue};

/// A Java pattern, ready to match whole texts and to replace.
#[derive(Clone, Debug)]
pub(super) struct JavaRegex {
    whole: Regex,
    find: Regex,
}

impl JavaRegex {
    /// # Errors
    /// The reason, if the pattern is wrong or uses what a linear-time engine cannot do.
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        let pattern = without_quotes(pattern);
        let compile = |pattern: &str| {
            Regex::new(pattern).map_err(|error| {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("Invalid regex: {reason}")
            })
        };
        Ok(Self { whole: compile(&format!("^(?:{pattern})$"))?, find: compile(&pattern)? })
    }

    /// `Matcher.matches()`.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// `Matcher.replaceFirst()`.
    pub(super) fn replace_first(&self, text: &str, replacement: &Replacement) -> String {
        self.find.replacen(text, 1, |captures: &Captures<'_>| replacement.expand(captures)).into_owned()
    }

    /// Checks a pattern setting.
    pub(super) fn check(value: Option<&TypedValue>) -> Result<(), String> {
        match value {
            Some(TypedValue::Text(pattern)) => Self::compile(pattern).map(|_| ()),
            _ => Ok(()),
        }
    }
}

/// Java's `\Q...\E` means literal text.
fn without_quotes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(start) = rest.find(r"\Q") {
        out.push_str(&rest[..start]);
        let quoted = &rest[start + 2..];
        let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
        out.push_str(&regex::escape(literal));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A Java replacement text: `$1`, `${name}`, and `\` before a literal character.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Replacement(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Group(usize),
    Named(String),
}

impl Replacement {
    /// # Errors
    /// `ConfigError` in Java's words if the text is wrong or refers to a group the pattern does not have.
    pub(super) fn compile(text: &str, regex: &JavaRegex) -> Result<Self, ConfigError> {
        let groups = regex.find.captures_len();
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => literal.push(chars.next().ok_or_else(|| ConfigError::new("character to be escaped is missing"))?),
                '$' => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    if chars.next_if_eq(&'{').is_some() {
                        let name: String = std::iter::from_fn(|| chars.next_if(|c| *c != '}')).collect();
                        if chars.next().is_none() || !regex.find.capture_names().flatten().any(|known| known == name) {
                            return Err(ConfigError::new(format!("No group with name {{{name}}}")));
                        }
                        pieces.push(Piece::Named(name));
                        continue;
                    }
                    let digit =
                        chars.next().and_then(|c| c.to_digit(10)).ok_or_else(|| ConfigError::new("Illegal group reference"))?;
                    let mut group = digit as usize;
                    if group >= groups {
                        return Err(ConfigError::new(format!("No group {group}")));
                    }
                    // More digits belong to the number as long as such a group exists.
                    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                        let longer = group * 10 + digit as usize;
                        if longer >= groups {
                            break;
                        }
                        group = longer;
                        chars.next();
                    }
                    pieces.push(Piece::Group(group));
                }
                other => literal.push(other),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    fn expand(&self, captures: &Captures<'_>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            out.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Group(index) => captures.get(*index).map_or("", |group| group.as_str()),
                Piece::Named(name) => captures.name(name).map_or("", |group| group.as_str()),
            });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(pattern: &str, replacement: &str, text: &str) -> String {
        let regex = JavaRegex::compile(pattern).unwrap();
        regex.replace_first(text, &Replacement::compile(replacement, &regex).unwrap())
    }

    #[test]
    fn replaces_as_java_does() {
        assert_eq!(replace(r"([^.]+)\.([^.]+)\.([^.]+)", "$3", "srv.db.table"), "table");
        assert_eq!(replace(r"(.*)", "$1$2x".replace("$2", r"\$").as_str(), "a"), "a$x");
        assert_eq!(replace(r"(?<db>\w+)\.(\w+)", "${db}-$22", "a.b"), "a-b2");
        assert_eq!(replace(r"\Qa.b\E(.)", "$1", "a.bc"), "c");
    }

    #[test]
    fn matches_whole_texts_only() {
        let regex = JavaRegex::compile("a|ab").unwrap();
        assert!(regex.matches("ab") && regex.matches("a") && !regex.matches("abc"));
    }

    #[test]
    fn what_cannot_work_is_refused_early() {
        assert!(JavaRegex::compile("(").is_err());
        assert!(JavaRegex::compile("(?=a)").unwrap_err().contains("look-around"));
        let regex = JavaRegex::compile("(a)").unwrap();
        assert_eq!(Replacement::compile("$2", &regex).unwrap_err().to_string(), "No group 2");
        assert_eq!(Replacement::compile("$x", &regex).unwrap_err().to_string(), "Illegal group reference");
    }
}
