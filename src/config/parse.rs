//! Parses settings by their definitions, collecting every error instead of stopping at the first.

use std::collections::BTreeMap;

use super::def::{ConfigDef, ConfigKey, ConfigType, Default, Validator};
use super::map::ConfigMap;

/// One wrong setting, in Java's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl ConfigError {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub fn invalid(name: &str, value: &str, detail: &str) -> Self {
        Self(format!("Invalid value {value} for configuration {name}: {detail}"))
    }
}

/// A setting after parsing.
#[derive(Clone, PartialEq)]
pub enum TypedValue {
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    List(Vec<String>),
    /// Kept apart from `Text` so that reports can hide it.
    Password(String),
}

impl TypedValue {
    /// The value as REST shows it: trimmed, lists joined with commas, passwords hidden.
    pub fn to_shown(&self) -> String {
        match self {
            Self::Boolean(x) => x.to_string(),
            Self::Integer(x) => x.to_string(),
            Self::Double(x) => format!("{x:?}"),
            Self::Text(x) => x.clone(),
            Self::List(items) => items.join(","),
            Self::Password(_) => "[hidden]".to_owned(),
        }
    }

    /// The value as error texts print it: lists in brackets.
    fn in_message(&self) -> String {
        match self {
            Self::List(items) => format!("[{}]", items.join(", ")),
            other => other.to_shown(),
        }
    }
}

impl std::fmt::Debug for TypedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.in_message())
    }
}

/// What validation found out about one key.
#[derive(Clone, Debug)]
pub struct KeyReport {
    pub key: ConfigKeyRef,
    pub value: Option<TypedValue>,
    pub errors: Vec<String>,
    pub recommended: Vec<String>,
    pub visible: bool,
}

/// A definition, or only a name where nobody defines the setting.
#[derive(Clone)]
pub enum ConfigKeyRef {
    Defined(ConfigKey),
    Undefined(String),
}

impl ConfigKeyRef {
    pub fn name(&self) -> &str {
        match self {
            Self::Defined(key) => key.name,
            Self::Undefined(name) => name,
        }
    }
}

impl std::fmt::Debug for ConfigKeyRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The result of validating a whole config, one entry per key in definition order.
#[derive(Clone, Debug, std::default::Default)]
pub struct ConfigReport {
    pub keys: Vec<KeyReport>,
}

impl ConfigReport {
    pub fn error_count(&self) -> usize {
        self.keys.iter().map(|key| key.errors.len()).sum()
    }

    /// Adds an error to a key; a key nobody defines is appended.
    pub fn add_error(&mut self, name: &str, message: impl Into<String>) {
        let message = message.into();
        match self.keys.iter_mut().find(|report| report.key.name() == name) {
            Some(report) => report.errors.push(message),
            None => self.keys.push(KeyReport {
                key: ConfigKeyRef::Undefined(name.to_owned()),
                value: None,
                errors: vec![message],
                recommended: Vec::new(),
                visible: true,
            }),
        }
    }

    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().flat_map(|key| key.errors.iter().map(String::as_str))
    }
}

/// Settings that all parsed; look-ups are by the names of the definition.
#[derive(Clone, Debug, std::default::Default)]
pub struct ParsedConfig {
    values: BTreeMap<&'static str, Option<TypedValue>>,
}

impl ParsedConfig {
    fn value(&self, name: &str) -> Option<&TypedValue> {
        match self.values.get(name) {
            Some(value) => value.as_ref(),
            None => unreachable!("setting '{name}' is read but not defined"),
        }
    }

    pub fn boolean(&self, name: &str) -> bool {
        matches!(self.value(name), Some(TypedValue::Boolean(true)))
    }

    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            Some(TypedValue::Integer(x)) => Some(*x),
            _ => None,
        }
    }

    pub fn double(&self, name: &str) -> Option<f64> {
        match self.value(name) {
            Some(TypedValue::Double(x)) => Some(*x),
            _ => None,
        }
    }

    /// Text, class or password.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(TypedValue::Text(x) | TypedValue::Password(x)) => Some(x),
            _ => None,
        }
    }

    /// A list whose absence means something else than its emptiness.
    pub fn optional_list(&self, name: &str) -> Option<&[String]> {
        match self.value(name) {
            Some(TypedValue::List(items)) => Some(items),
            _ => None,
        }
    }

    pub fn list(&self, name: &str) -> &[String] {
        match self.value(name) {
            Some(TypedValue::List(items)) => items,
            _ => &[],
        }
    }
}

impl ConfigDef {
    /// Checks every key and reports all errors.
    pub fn validate(&self, config: &ConfigMap) -> ConfigReport {
        ConfigReport { keys: self.keys.iter().map(|key| check_key(key, config.get(key.name))).collect() }
    }

    /// # Errors
    /// The first error of the report, for callers that need all or nothing.
    pub fn parse(&self, config: &ConfigMap) -> Result<ParsedConfig, ConfigError> {
        let report = self.validate(config);
        if let Some(error) = report.errors().next() {
            return Err(ConfigError(error.to_owned()));
        }
        let values = self.keys.iter().zip(report.keys).map(|(key, report)| (key.name, report.value)).collect();
        Ok(ParsedConfig { values })
    }
}

fn check_key(key: &ConfigKey, raw: Option<&str>) -> KeyReport {
    let (value, errors) = key.check(key.name, raw.map(Some));
    let recommended = key.recommended.iter().map(|&value| value.to_owned()).collect();
    KeyReport { key: ConfigKeyRef::Defined(*key), value, errors, recommended, visible: true }
}

impl ConfigKey {
    /// Parses and validates one setting under this name, which may carry a prefix the definition does not know.
    /// `raw` is `None` if the setting is absent and `Some(None)` if it is null.
    pub fn check(&self, name: &str, raw: Option<Option<&str>>) -> (Option<TypedValue>, Vec<String>) {
        let mut errors = Vec::new();
        let text = match (raw, self.default) {
            (Some(given), _) => given,
            (None, Default::Text(text)) => Some(text),
            (None, Default::Null) => None,
            (None, Default::Required) => {
                errors.push(format!("Missing required configuration \"{name}\" which has no default value."));
                // That says enough; its validator would only add that null is wrong.
                return (None, errors);
            }
        };
        let value = text.and_then(|text| parse_value(self, name, text).map_err(|error| errors.push(error.0)).ok());
        if let Err(detail) = self.validator.check(value.as_ref()) {
            let shown = value.as_ref().map_or("null".to_owned(), TypedValue::in_message);
            errors.push(ConfigError::invalid(name, &shown, &detail).0);
        }
        (value, errors)
    }
}

/// Connect: ConfigDef.parseType. Text is trimmed first; an empty list text is an empty list, else items are split on
/// commas with the blanks around them.
fn parse_value(key: &ConfigKey, name: &str, text: &str) -> Result<TypedValue, ConfigError> {
    let trimmed = text.trim();
    let number = |min: i64, max: i64| {
        trimmed
            .parse::<i64>()
            .ok()
            .filter(|x| (min..=max).contains(x))
            .map(TypedValue::Integer)
            .ok_or_else(|| ConfigError::invalid(name, text, &format!("Not a number of type {}", key.kind.name())))
    };
    Ok(match key.kind {
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("true") => TypedValue::Boolean(true),
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("false") => TypedValue::Boolean(false),
        ConfigType::Boolean => {
            return Err(ConfigError::invalid(name, text, "Expected value to be either true or false"));
        }
        ConfigType::Int => number(i64::from(i32::MIN), i64::from(i32::MAX))?,
        ConfigType::Short => number(i64::from(i16::MIN), i64::from(i16::MAX))?,
        ConfigType::Long => number(i64::MIN, i64::MAX)?,
        ConfigType::Double => {
            TypedValue::Double(trimmed.parse().map_err(|_| ConfigError::invalid(name, text, "Not a number of type DOUBLE"))?)
        }
        ConfigType::String | ConfigType::Class => TypedValue::Text(trimmed.to_owned()),
        ConfigType::Password => TypedValue::Password(trimmed.to_owned()),
        ConfigType::List if trimmed.is_empty() => TypedValue::List(Vec::new()),
        ConfigType::List => TypedValue::List(trimmed.split(',').map(|item| item.trim().to_owned()).collect()),
    })
}

impl Validator {
    fn check(&self, value: Option<&TypedValue>) -> Result<(), String> {
        match self {
            Self::None => Ok(()),
            Self::AtLeast(min) => match value {
                None => Err("Value must be non-null".to_owned()),
                Some(TypedValue::Integer(x)) if x < min => Err(format!("Value must be at least {min}")),
                Some(_) => Ok(()),
            },
            Self::Between(min, max) => match value {
                None => Err("Value must be non-null".to_owned()),
                Some(TypedValue::Integer(x)) if x < min => Err(format!("Value must be at least {min}")),
                Some(TypedValue::Integer(x)) if x > max => Err(format!("Value must be no more than {max}")),
                Some(_) => Ok(()),
            },
            Self::OneOf(known) => match value {
                Some(TypedValue::Text(x)) if known.contains(&x.as_str()) => Ok(()),
                _ => Err(format!("String must be one of: {}", known.join(", "))),
            },
            Self::OneOfIgnoreCase(known) => match value {
                Some(TypedValue::Text(x)) if known.iter().any(|name| name.eq_ignore_ascii_case(x)) => Ok(()),
                _ => {
                    let known = known.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>();
                    Err(format!("String must be one of (case insensitive): {}", known.join(", ")))
                }
            },
            Self::NonEmpty => match value {
                Some(TypedValue::Text(x)) if x.is_empty() => Err("String must be non-empty".to_owned()),
                Some(TypedValue::List(x)) if x.is_empty() => Err("List must be non-empty".to_owned()),
                _ => Ok(()),
            },
            Self::Custom(check) => check(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::def::Importance;

    static DEF: ConfigDef = ConfigDef {
        keys: &[
            ConfigKey::new("tasks.max", ConfigType::Int, Default::Text("1"), Importance::High, "")
                .validator(Validator::AtLeast(1)),
            ConfigKey::new("topics", ConfigType::List, Default::Required, Importance::High, ""),
            ConfigKey::new("mode", ConfigType::String, Default::Text("a"), Importance::Low, "")
                .validator(Validator::OneOf(&["a", "b"])),
        ],
    };

    fn errors(pairs: &[(&str, &str)]) -> Vec<String> {
        DEF.validate(&pairs.iter().copied().collect()).errors().map(str::to_owned).collect()
    }

    #[test]
    fn reports_every_error_in_javas_words() {
        assert_eq!(
            errors(&[("tasks.max", "0"), ("mode", "c")]),
            [
                "Invalid value 0 for configuration tasks.max: Value must be at least 1",
                "Missing required configuration \"topics\" which has no default value.",
                "Invalid value c for configuration mode: String must be one of: a, b",
            ]
        );
    }

    #[test]
    fn a_number_that_does_not_parse_gives_two_messages() {
        assert_eq!(
            errors(&[("tasks.max", "x"), ("topics", "t")]),
            [
                "Invalid value x for configuration tasks.max: Not a number of type INT",
                "Invalid value null for configuration tasks.max: Value must be non-null",
            ]
        );
    }

    #[test]
    fn lists_are_split_and_trimmed() {
        let parsed = DEF.parse(&[("topics", " a , b,")].into_iter().collect()).unwrap();
        assert_eq!(parsed.list("topics"), ["a", "b", ""]);
        assert_eq!(parsed.integer("tasks.max"), Some(1));
    }
}
