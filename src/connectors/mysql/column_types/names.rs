//! Builds topic, schema and field names, with Debezium's replacements for characters that are not allowed.

use super::super::options::{EventOptions, NameAdjustment};
use super::super::table::TableId;

/// Kafka's limit.
const TOPIC_LENGTH_MAX: usize = 249;

/// `<prefix>.<database>.<table>`, sanitised. Schema names are built from it too (mysql-observed.md, 4).
pub fn topic(options: &EventOptions, id: &TableId) -> String {
    let parts = [&*options.server_name, &*id.database, &*id.table];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.trim().is_empty()).collect();
    sanitize_topic(&parts.join(&options.topic_delimiter))
}

/// Replaces what Kafka does not allow in topic names by `_`, one per UTF-16 unit, and cuts at the limit.
pub fn sanitize_topic(name: &str) -> String {
    let units = name.chars().flat_map(|c| std::iter::repeat_n(c, c.len_utf16()));
    let mut topic: String = units.map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    topic.truncate(TOPIC_LENGTH_MAX);
    match topic.as_str() {
        "." => "_".into(),
        ".." => "__".into(),
        _ => topic,
    }
}

/// Applies `schema.name.adjustment.mode`.
pub fn schema_name(mode: NameAdjustment, name: &str) -> String {
    adjust(mode, name, true)
}

/// Applies `field.name.adjustment.mode`; unlike in schema names, a dot is replaced.
pub fn field_name(mode: NameAdjustment, name: &str) -> String {
    adjust(mode, name, false)
}

fn adjust(mode: NameAdjustment, name: &str, dots: bool) -> String {
    if mode == NameAdjustment::None {
        return name.to_owned();
    }
    let unicode = mode == NameAdjustment::AvroUnicode;
    let starts = |c: u16| matches!(u8::try_from(c), Ok(b'A'..=b'Z' | b'a'..=b'z')) || (!unicode && c == u16::from(b'_'));
    let continues = |c: u16| starts(c) || matches!(u8::try_from(c), Ok(b'0'..=b'9')) || (dots && c == u16::from(b'.'));
    let mut adjusted = String::with_capacity(name.len());
    for (index, unit) in name.encode_utf16().enumerate() {
        let valid = if index == 0 { starts(unit) } else { continues(unit) };
        let ascii = u8::try_from(unit).map(char::from);
        match ascii {
            Ok(c) if valid => adjusted.push(c),
            _ if unicode => adjusted.push_str(&unicode_escape(unit)),
            Ok(digit @ '0'..='9') => adjusted.extend(['_', digit]),
            _ => adjusted.push('_'),
        }
    }
    adjusted
}

/// `_u` and the hexadecimal number, with `00` before it if it has at most two digits.
fn unicode_escape(unit: u16) -> String {
    let hex = format!("{unit:x}");
    if hex.len() <= 2 { format!("_u00{hex}") } else { format!("_u{hex}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_sanitised() {
        let options = EventOptions { server_name: "santander".into(), ..EventOptions::default() };
        assert_eq!(topic(&options, &TableId::new("bank", "operações")), "santander.bank.opera__es");
        assert_eq!(topic(&options, &TableId::new("bank", "a b$😀")), "santander.bank.a_b___".to_owned() + "_".repeat(0).as_str());
        assert_eq!(sanitize_topic(".."), "__");
        assert_eq!(sanitize_topic(&"x".repeat(300)).len(), 249);
    }

    #[test]
    fn names_become_avro_names() {
        let avro = |name| schema_name(NameAdjustment::Avro, name);
        assert_eq!(avro("1server.my-db.t.Value"), "_1server.my_db.t.Value");
        assert_eq!(avro("a.9b"), "a.9b");
        assert_eq!(field_name(NameAdjustment::Avro, "a.b c"), "a_b_c");
        assert_eq!(schema_name(NameAdjustment::AvroUnicode, "a_b.c-d"), "a_u005fb.c_u002dd");
        assert_eq!(schema_name(NameAdjustment::AvroUnicode, "9"), "_u0039");
        assert_eq!(field_name(NameAdjustment::AvroUnicode, "é€"), "_u00e9_u20ac");
        assert_eq!(schema_name(NameAdjustment::None, "é"), "é");
    }
}
