//! Puts a topic's name and the groups of its pattern into a directory setting.
//!
//! Source: contracts/hdfs-sink.md, section 2.3.

use regex::Regex;

/// A directory setting with its substitutions found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryTemplate(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Topic,
    Group(usize),
}

impl DirectoryTemplate {
    /// # Errors
    /// The reason, if there is a substitution other than `${topic}` and `${number}`, or a number without a pattern.
    pub fn parse(text: &str, has_pattern: bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else { break };
            let name = &rest[start + 2..start + length];
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            parts.push(match name.parse() {
                _ if name == "topic" => Part::Topic,
                Ok(group) if name.bytes().all(|b| b.is_ascii_digit()) && has_pattern => Part::Group(group),
                Ok(_) if name.bytes().all(|b| b.is_ascii_digit()) => {
                    return Err(format!("${{{name}}} needs the setting topic.capture.groups.regex"));
                }
                _ => {
                    return Err(format!(
                        "${{{name}}} is unknown; only ${{topic}} and the numbers of capture groups may stand here"
                    ));
                }
            });
            rest = &rest[start + length + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// # Errors
    /// The reason, if the pattern does not match the topic or lacks a group.
    pub fn fill(&self, topic: &str, pattern: Option<&Regex>) -> Result<String, String> {
        let groups =
            match pattern {
                None => None,
                Some(pattern) => Some(pattern.captures(topic).ok_or_else(|| {
                    format!("topic '{topic}' does not match the setting topic.capture.groups.regex as a whole")
                })?),
            };
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Topic => out.push_str(topic),
                Part::Group(number) => {
                    let groups = groups
                        .as_ref()
                        .filter(|groups| *number < groups.len())
                        .ok_or_else(|| format!("${{{number}}} has no group in the setting topic.capture.groups.regex"))?;
                    out.push_str(groups.get(*number).map_or("", |group| group.as_str()));
                }
            }
        }
        Ok(out)
    }
}

/// Checks `hive.table.name`.
pub fn check_table_name(name: &str) -> Result<(), String> {
    if !name.contains("${topic}") {
        return Err(format!("hive.table.name: '{name}' has to contain '${{topic}}' to have a table for each topic"));
    }
    let rest = name.replace("${topic}", "");
    match (rest.find("${"), rest.rfind('}')) {
        (Some(start), Some(end)) if start < end => Err(format!(
            "hive.table.name: '{name}' contains an invalid substitution '{}'; only '${{topic}}' may stand there",
            &rest[start..=end]
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_and_groups_are_put_in() {
        let pattern = Regex::new(r"^(?:([a-z])\.([a-z])\.([a-z])\.([a-z]))$").unwrap();
        let fill = |template: &str| DirectoryTemplate::parse(template, true).and_then(|x| x.fill("a.b.c.d", Some(&pattern)));
        assert_eq!(fill("${1}-${2}-${3}-${4}").unwrap(), "a-b-c-d");
        assert_eq!(fill("x/${topic}/${0}").unwrap(), "x/a.b.c.d/a.b.c.d");
        assert_eq!(fill("plain").unwrap(), "plain");
        assert!(fill("${5}").unwrap_err().contains("${5} has no group"));
        let other = DirectoryTemplate::parse("plain", true).unwrap().fill("a.b.c.d.e", Some(&pattern));
        assert!(other.unwrap_err().contains("does not match"));
    }

    #[test]
    fn unknown_substitutions_are_refused() {
        assert!(DirectoryTemplate::parse("${topik}", true).unwrap_err().contains("${topik} is unknown"));
        assert!(DirectoryTemplate::parse("${1}", false).unwrap_err().contains("topic.capture.groups.regex"));
        assert!(DirectoryTemplate::parse("${", false).is_ok());
    }

    #[test]
    fn a_table_name_contains_the_topic_and_nothing_else() {
        assert_eq!(check_table_name("a-${topic}-table"), Ok(()));
        assert!(check_table_name("fixed").unwrap_err().contains("has to contain"));
        assert!(check_table_name("${topic}${x}").unwrap_err().contains("'${x}'"));
    }
}
