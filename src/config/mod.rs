//! Settings: string maps in, typed values and per-key error lists out.

pub mod def;
pub mod map;
pub mod parse;

pub use def::{ConfigDef, ConfigKey, ConfigType, Default, Importance, Validator, Width};
pub use map::ConfigMap;
pub use parse::{ConfigError, ConfigReport, KeyReport, ParsedConfig, TypedValue};
