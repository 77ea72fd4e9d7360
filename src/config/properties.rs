//! Reads Java `.properties` files.
//!
//! Source: contracts/connect-runtime.md, section 1.5.

use super::map::ConfigMap;
use super::parse::ConfigError;

/// How the bytes of a file become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// What `java.util.Properties` reads from a stream: worker and connector files.
    Latin1,
    /// What the `file` config provider reads.
    Utf8,
}

/// Parses a whole file; of two equal keys the last one wins.
///
/// # Errors
/// If a `\u` escape is malformed or an UTF-8 file is not UTF-8; the message names the line.
pub fn parse(bytes: &[u8], encoding: Encoding) -> Result<ConfigMap, ConfigError> {
    let text = match encoding {
        Encoding::Latin1 => bytes.iter().map(|&byte| char::from(byte)).collect::<String>(),
        Encoding::Utf8 => std::str::from_utf8(bytes)
            .map_err(|error| ConfigError::new(format!("the file is not UTF-8 after byte {}", error.valid_up_to())))?
            .to_owned(),
    };
    let mut map = ConfigMap::new();
    let mut lines = natural_lines(&text).enumerate();
    while let Some((index, line)) = lines.next() {
        let start = line.trim_start_matches(is_blank);
        if start.is_empty() || start.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = start.to_owned();
        while ends_with_odd_backslashes(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(is_blank));
        }
        let (key, value) = split_key(&logical);
        let unescape = |part| unescape(part).map_err(|what| ConfigError::new(format!("line {}: {what}", index + 1)));
        map.set(unescape(key)?, unescape(value)?);
    }
    Ok(map)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// Lines end at `\n`, `\r` or `\r\n`.
fn natural_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}

fn ends_with_odd_backslashes(line: &str) -> bool {
    line.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1
}

/// The key ends at the first unescaped `=`, `:` or blank; one separator and the blanks around it are dropped.
fn split_key(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c| {
        if escaped {
            escaped = false;
            return false;
        }
        escaped = c == '\\';
        matches!(c, '=' | ':') || is_blank(c)
    });
    let Some(end) = end else { return (line, "") };
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(is_blank))
}

fn unescape(text: &str) -> Result<String, String> {
    // Escapes are UTF-16 units, so a character beyond U+FFFF comes as two of them.
    let mut units = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            let escape = chars.next();
            if escape == Some('u') {
                let digits = chars.by_ref().take(4).collect::<String>();
                let unit = (digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
                    .then(|| u16::from_str_radix(&digits, 16).ok())
                    .flatten();
                units.push(unit.ok_or("malformed \\uXXXX escape")?);
                continue;
            }
            flush_units(&mut units, &mut out)?;
            match escape {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('f') => out.push('\x0c'),
                Some(other) => out.push(other),
                None => {}
            }
        } else {
            flush_units(&mut units, &mut out)?;
            out.push(c);
        }
    }
    flush_units(&mut units, &mut out)?;
    Ok(out)
}

fn flush_units(units: &mut Vec<u16>, out: &mut String) -> Result<(), String> {
    for c in char::decode_utf16(units.drain(..)) {
        out.push(c.map_err(|_| "a \\uXXXX escape is half of a surrogate pair")?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let map = parse(text.as_bytes(), Encoding::Latin1).unwrap();
        map.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[track_caller]
    fn reads(text: &str, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect::<Vec<_>>();
        assert_eq!(read(text), expected, "{text:?}");
    }

    #[test]
    fn separators_and_the_blanks_around_them_are_dropped() {
        for text in ["a=b", "a:b", "a b", "a = b", "a\t:\x0cb", "  a=b", "\t\x0c a   b"] {
            reads(text, &[("a", "b")]);
        }
        reads("p==q", &[("p", "=q")]);
        reads("p = = q", &[("p", "= q")]);
        reads("key", &[("key", "")]);
        reads("=o", &[("", "o")]);
    }

    #[test]
    fn lines_end_with_any_of_the_three_line_ends() {
        reads("a=1\nb=2\rc=3\r\nd=4", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
    }

    #[test]
    fn comments_are_not_continued() {
        reads("# a=1\\\nb=2\n  ! c=3\n", &[("b", "2")]);
        reads("a=x # y", &[("a", "x # y")]);
    }

    #[test]
    fn an_odd_number_of_trailing_backslashes_joins_lines() {
        reads("a=1,\\\n   2", &[("a", "1,2")]);
        reads("a=1\\\\\nb=2", &[("a", "1\\"), ("b", "2")]);
        reads("a=1\\\\\\\n b", &[("a", "1\\b")]);
        reads("a=1\\\r\n 2", &[("a", "12")]);
        reads("a=1\\\n# not a comment", &[("a", "1# not a comment")]);
        reads("a=1\\", &[("a", "1")]);
    }

    #[test]
    fn trailing_blanks_of_a_value_are_kept() {
        reads("a= b  \t", &[("a", "b  \t")]);
    }

    #[test]
    fn escapes() {
        reads("a=\\t\\n\\r\\f\\q\\\\", &[("a", "\t\n\r\x0cq\\")]);
        reads("a\\ b\\=c\\:d=1", &[("a b=c:d", "1")]);
        reads("\\#a=\\ b", &[("#a", " b")]);
        reads("a=\\u00e9\\u20AC\\ud83d\\ude00", &[("a", "é€😀")]);
        for text in ["a=\\u12", "x=1\na=\\u12g4", "a=\\ud83d"] {
            assert!(parse(text.as_bytes(), Encoding::Latin1).is_err(), "{text}");
        }
        let error = parse(b"x=1\n\na=\\u+123", Encoding::Latin1).unwrap_err();
        assert_eq!(error.to_string(), "line 3: malformed \\uXXXX escape");
    }

    #[test]
    fn the_last_duplicate_wins() {
        reads("a=1\na=2", &[("a", "2")]);
    }

    #[test]
    fn worker_files_are_latin1_and_provider_files_utf8() {
        let bytes = "a=é".as_bytes();
        assert_eq!(parse(bytes, Encoding::Latin1).unwrap().get("a"), Some("Ã©"));
        assert_eq!(parse(bytes, Encoding::Utf8).unwrap().get("a"), Some("é"));
        assert!(parse(b"a=\xff", Encoding::Utf8).is_err());
    }
}
