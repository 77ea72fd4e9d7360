//! Translates an encoded partition path into Hive's partition keys and values.

/// The `key=value` pieces of a path; pieces without `=` are not partitions. Keys are lower case, as the metastore
/// stores them; values are unescaped, as it does itself.
pub fn parse(encoded: &str) -> Vec<(String, String)> {
    encoded
        .split('/')
        .filter_map(|piece| piece.split_once('='))
        .map(|(key, value)| (key.to_lowercase(), unescape(value)))
        .collect()
}

/// Hive's own spelling of a partition: where it would look for the data if not told otherwise.
pub fn hive_name(parts: &[(String, String)]) -> String {
    let parts = parts.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value)));
    parts.collect::<Vec<_>>().join("/")
}

// Hive: FileUtils.escapePathName. An empty value becomes the default partition there.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{1}'..='\u{1f}'
            | '\u{7f}'
            | '"'
            | '#'
            | '%'
            | '\''
            | '*'
            | '/'
            | ':'
            | '='
            | '?'
            | '\\'
            | '{'
            | '['
            | ']'
            | '^' => {
                out.push_str(&format!("%{:02X}", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(u8::is_ascii);
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lower_case_and_other_pieces_ignored() {
        let parts = parse("2024/Country=Brasil/city=São Paulo");
        assert_eq!(parts, [("country".into(), "Brasil".into()), ("city".into(), "São Paulo".into())]);
        assert_eq!(hive_name(&parts), "country=Brasil/city=São Paulo");
    }

    #[test]
    fn special_characters_round_trip() {
        let parts = parse("t=10:30%25");
        assert_eq!(parts, [("t".into(), "10:30%".into())]);
        assert_eq!(hive_name(&parts), "t=10%3A30%25");
        assert_eq!(parse(&hive_name(&parts)), parts);
    }

    #[test]
    fn a_lone_percent_stays() {
        assert_eq!(parse("t=5%/u=%zz"), [("t".into(), "5%".into()), ("u".into(), "%zz".into())]);
    }
}
