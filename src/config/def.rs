//! Declares settings: static tables of name, type, default, validator and description.

use super::parse::TypedValue;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    Boolean,
    String,
    Int,
    Short,
    Long,
    Double,
    List,
    Class,
    Password,
}

impl ConfigType {
    /// Connect's spelling, in REST answers and error texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    High,
    Medium,
    Low,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    None,
    Short,
    Medium,
    Long,
}

/// What an absent setting means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// The setting must be given.
    Required,
    /// Absent stays absent.
    Null,
    /// As if this text had been given.
    Text(&'static str),
}

/// Checks one parsed value. `Custom` returns the detail that follows `Invalid value {v} for configuration {name}: `.
#[derive(Clone, Copy)]
pub enum Validator {
    None,
    AtLeast(i64),
    Between(i64, i64),
    OneOf(&'static [&'static str]),
    OneOfIgnoreCase(&'static [&'static str]),
    NonEmpty,
    Custom(fn(Option<&TypedValue>) -> Result<(), String>),
}

/// One setting. Build it with [`ConfigKey::new`] and the `const` setters, in a `static` table.
#[derive(Clone, Copy)]
pub struct ConfigKey {
    pub name: &'static str,
    pub kind: ConfigType,
    pub default: Default,
    pub validator: Validator,
    pub importance: Importance,
    pub doc: &'static str,
    pub group: Option<&'static str>,
    pub order: i32,
    pub width: Width,
    pub display_name: &'static str,
    pub dependents: &'static [&'static str],
    pub recommended: &'static [&'static str],
}

impl ConfigKey {
    /// A setting without UI metadata, as `ConfigDef.define` without a group makes it.
    pub const fn new(name: &'static str, kind: ConfigType, default: Default, importance: Importance, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            default,
            validator: Validator::None,
            importance,
            doc,
            group: None,
            order: -1,
            width: Width::None,
            display_name: name,
            dependents: &[],
            recommended: &[],
        }
    }

    pub const fn validator(mut self, validator: Validator) -> Self {
        self.validator = validator;
        self
    }

    pub const fn ui(mut self, group: &'static str, order: i32, width: Width, display_name: &'static str) -> Self {
        self.group = Some(group);
        self.order = order;
        self.width = width;
        self.display_name = display_name;
        self
    }

    /// Width and display name of a setting that belongs to no group.
    pub const fn width(mut self, width: Width, display_name: &'static str) -> Self {
        self.width = width;
        self.display_name = display_name;
        self
    }

    pub const fn dependents(mut self, dependents: &'static [&'static str]) -> Self {
        self.dependents = dependents;
        self
    }

    pub const fn recommended(mut self, values: &'static [&'static str]) -> Self {
        self.recommended = values;
        self
    }
}

impl std::fmt::Debug for ConfigKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The settings of one plugin, in the order REST lists them.
#[derive(Clone, Copy)]
pub struct ConfigDef {
    pub keys: &'static [ConfigKey],
}

impl ConfigDef {
    pub const EMPTY: Self = Self { keys: &[] };

    pub fn get(&self, name: &str) -> Option<&'static ConfigKey> {
        self.keys.iter().find(|key| key.name == name)
    }
}
