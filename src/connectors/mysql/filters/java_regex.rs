//! Compiles the regular expressions of Java that filters are written in.
//!
//! The regex crate has no backtracking, so look-around, back references and possessive quantifiers have no
//! counterpart. Look-ahead at the start of a pattern (`(?!tmp_).*`), the one form filters do use, is a second
//! expression on the same text; everything else of that kind is refused in plain words.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// A pattern for whole texts, without regard to case.
#[derive(Clone, Debug)]
pub struct JavaRegex {
    whole: Regex,
    /// What the text must, or must not, start with.
    look_ahead: Vec<(bool, Regex)>,
}

/// Parentheses and classes deeper than this are refused.
const MAX_DEPTH: usize = 50;

impl JavaRegex {
    /// # Errors
    /// What is wrong with the pattern, or what of it has no counterpart here.
    pub fn new(pattern: &str) -> Result<Self, String> {
        Self::build(pattern, false)
    }

    /// Like `new`; a dot stands for line breaks, too.
    pub fn for_texts(pattern: &str) -> Result<Self, String> {
        Self::build(pattern, true)
    }

    fn build(pattern: &str, dot_matches_new_line: bool) -> Result<Self, String> {
        let compile = |pattern: &str| compile(pattern, dot_matches_new_line);
        let mut rest = pattern;
        let mut look_ahead = Vec::new();
        while let Some((wanted, inner, after)) = leading_look_ahead(rest) {
            look_ahead.push((wanted, compile(&format!(r"\A(?:{})", translate(inner)?))?));
            rest = after;
        }
        if !look_ahead.is_empty() && has_top_level_alternative(rest) {
            return Err("look-ahead works here only if the pattern has no alternatives outside parentheses".to_owned());
        }
        Ok(Self { whole: compile(&format!(r"\A(?:{})\z", translate(rest)?))?, look_ahead })
    }

    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text) && self.look_ahead.iter().all(|(wanted, regex)| regex.is_match(text) == *wanted)
    }
}

fn compile(pattern: &str, dot_matches_new_line: bool) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .dot_matches_new_line(dot_matches_new_line)
        .size_limit(4 << 20)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The message draws a picture of several lines; its last line is the reason.
            other => other.to_string().lines().last().unwrap_or("it is not a regular expression").trim().to_owned(),
        })
}

/// Splits `^(?!inner)after` into whether a match is wanted, inner and after.
fn leading_look_ahead(pattern: &str) -> Option<(bool, &str, &str)> {
    let start = pattern.strip_prefix('^').unwrap_or(pattern);
    let (wanted, body) = match (start.strip_prefix("(?="), start.strip_prefix("(?!")) {
        (Some(body), _) => (true, body),
        (_, Some(body)) => (false, body),
        _ => return None,
    };
    let end = scan(body, |depth, c| depth == 0 && c == ')')?;
    Some((wanted, &body[..end], &body[end + 1..]))
}

fn has_top_level_alternative(pattern: &str) -> bool {
    scan(pattern, |depth, c| depth == 0 && c == '|').is_some()
}

/// Finds the first character outside escapes and classes for which `stop` says so; told the number of open parentheses.
fn scan(pattern: &str, stop: impl Fn(usize, char) -> bool) -> Option<usize> {
    let (mut depth, mut class) = (0_usize, 0_usize);
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                if let Some((at, 'Q')) = chars.next() {
                    let quoted = pattern[at..].find("\\E").map_or(pattern.len(), |end| at + end + 2);
                    while chars.offset() < quoted && chars.next().is_some() {}
                }
            }
            '[' => class += 1,
            ']' if class > 0 => class -= 1,
            _ if class > 0 => {}
            _ if stop(depth, c) => return Some(at),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator { chars: pattern.chars().peekable(), out: String::new(), class: 0, depth: 0 };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'a> {
    chars: Peekable<Chars<'a>>,
    out: String,
    /// Open brackets.
    class: usize,
    /// Open parentheses.
    depth: usize,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), String> {
        let mut quantified = false;
        while let Some(c) = self.chars.next() {
            let was_quantified = std::mem::take(&mut quantified);
            match c {
                '\\' => self.escape()?,
                '[' => {
                    self.class += 1;
                    self.out.push(c);
                }
                ']' if self.class > 0 => {
                    self.class -= 1;
                    self.out.push(c);
                }
                // Set operations of the regex crate that Java does not know.
                '-' | '~' if self.class > 0 && self.chars.peek() == Some(&c) => {
                    self.chars.next();
                    self.out.extend(['\\', c, '\\', c]);
                }
                _ if self.class > 0 => self.out.push(c),
                '(' => {
                    self.depth += 1;
                    self.group()?;
                }
                ')' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.out.push(c);
                }
                '+' if was_quantified => return Err("possessive quantifiers (such as '*+') are not supported".to_owned()),
                '*' | '+' | '?' | '}' => {
                    // `a*?` is lazy, and a third sign would be an error anyhow.
                    quantified = !was_quantified;
                    self.out.push(c);
                }
                _ => self.out.push(c),
            }
            if self.class + self.depth > MAX_DEPTH {
                return Err(format!("it nests deeper than {MAX_DEPTH} levels"));
            }
        }
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.chars.peek() != Some(&'?') {
            return Ok(());
        }
        self.chars.next();
        self.out.push('?');
        match self.chars.peek() {
            Some('=' | '!') => Err("look-ahead is supported only at the very start of a pattern".to_owned()),
            Some('>') => Err("atomic groups '(?>...)' are not supported".to_owned()),
            Some('<') => {
                self.chars.next();
                self.out.push('<');
                match self.chars.peek() {
                    Some('=' | '!') => Err("look-behind is not supported".to_owned()),
                    _ => Ok(()),
                }
            }
            _ => {
                while let Some(flag) = self.chars.next_if(|c| c.is_ascii_alphabetic() || *c == '-') {
                    match flag {
                        'i' | 's' | 'm' | 'x' | '-' => self.out.push(flag),
                        // Unicode case rules are on already.
                        'u' => {}
                        other => return Err(format!("the flag '{other}' is not supported")),
                    }
                }
                // `(?u)` alone: nothing is left of it.
                if self.out.ends_with('?') && self.chars.next_if_eq(&')').is_some() {
                    self.out.truncate(self.out.len() - 2);
                    self.depth = self.depth.saturating_sub(1);
                }
                Ok(())
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.chars.next() else {
            return Err("it ends in a backslash".to_owned());
        };
        let (open, close) = if self.class > 0 { ("", "") } else { ("[", "]") };
        match c {
            'Q' => self.quotation(),
            'E' => {}
            'd' => self.push(&[open, "0-9", close]),
            'w' => self.push(&[open, "0-9A-Za-z_", close]),
            's' => self.push(&[open, r" \t\n\x0B\x0C\r", close]),
            'h' => self.push(&[open, r" \t", close]),
            'D' => self.push(&["[^0-9]"]),
            'W' => self.push(&["[^0-9A-Za-z_]"]),
            'S' => self.push(&[r"[^ \t\n\x0B\x0C\r]"]),
            'Z' => self.push(&[r"\z"]),
            'e' => self.push(&[r"\x1B"]),
            'p' | 'P' => self.property(c)?,
            't' | 'n' | 'r' | 'f' | 'a' | 'x' | 'u' | 'b' | 'B' | 'A' | 'z' => self.out.extend(['\\', c]),
            '1'..='9' | 'k' => return Err("back references are not supported".to_owned()),
            _ if c.is_ascii_alphanumeric() => return Err(format!("the escape '\\{c}' is not supported")),
            _ => self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    fn push(&mut self, parts: &[&str]) {
        self.out.extend(parts.iter().copied());
    }

    /// `\Q...\E`: everything between stands for itself.
    fn quotation(&mut self) {
        let mut quoted = String::new();
        while let Some(c) = self.chars.next() {
            if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                break;
            }
            quoted.push(c);
        }
        // A quantifier after the quotation counts for its last character, as in Java.
        self.out.push_str(&regex::escape(&quoted));
    }

    fn property(&mut self, sign: char) -> Result<(), String> {
        let mut name = String::new();
        match self.chars.next() {
            Some('{') => name.extend(std::iter::from_fn(|| self.chars.next_if(|c| *c != '}'))),
            Some(c) => {
                self.out.extend(['\\', sign, c]);
                return Ok(());
            }
            None => return Err("it ends in a backslash and a letter".to_owned()),
        }
        self.chars.next();
        let posix = [
            "Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank", "Cntrl", "XDigit", "Space",
        ];
        if posix.contains(&name.as_str()) {
            let not = if sign == 'P' { "^" } else { "" };
            self.push(&["[[:", not, &name.to_lowercase(), ":]]"]);
            return Ok(());
        }
        if name.starts_with("java") {
            return Err(format!("the class '\\{sign}{{{name}}}' is not supported"));
        }
        self.push(&["\\", sign.encode_utf8(&mut [0; 4]), "{", name.strip_prefix("Is").unwrap_or(&name), "}"]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        JavaRegex::new(pattern).unwrap().matches(text)
    }

    #[test]
    fn java_forms_mean_what_they_mean_in_java() {
        for (pattern, text, expected) in [
            (r"db\.t\d+", "db.t12", true),
            (r"db\.t\d+", "db.t١", false),
            (r"\Qa.b\E\.c", "a.b.c", true),
            (r"\Qa.b\E\.c", "axb.c", false),
            (r"[\w&&[^x]]+", "abc_1", true),
            (r"[\w&&[^x]]+", "abxc", false),
            (r"a\-b\_c\<", "a-b_c<", true),
            (r"[a--z]", "-", true),
            (r"\p{Alpha}+\p{L}", "abcé", true),
            (r"(?<name>a)b", "ab", true),
            (r"(?u)é|x", "x", true),
            (r"a.*?b", "axxb", true),
            (r"A\u0042", "ab", true),
            (r"a|bc", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn look_ahead_at_the_start_works() {
        let pattern = r"^(?!tmp_|old\.)(?=.*s)\w+\.\w+$";
        for (text, expected) in [("db.tables", true), ("tmp_db.tables", false), ("old.tables", false), ("db.table", false)] {
            assert_eq!(matches(pattern, text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_counterpart_is_refused_in_plain_words() {
        for (pattern, reason) in [
            ("db.(?!x).*", "look-ahead"),
            ("(?!a)b|c", "look-ahead"),
            ("a(?<=b)", "look-behind"),
            ("a*+b", "possessive"),
            (r"(a)\1", "back references"),
            ("(?>a)", "atomic"),
            (r"a\", "backslash"),
            ("(?U)a", "flag"),
            ("a(b", "unclosed group"),
        ] {
            let error = JavaRegex::new(pattern).unwrap_err();
            assert!(error.contains(reason), "{pattern}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_compiles_or_is_refused(pattern in r"[\\\[\]()?!=<>*+{}|^$.a-cQEdwp&~,-]{0,30}") {
            if let Ok(regex) = JavaRegex::new(&pattern) {
                regex.matches("a.b");
            }
        }
    }
}
