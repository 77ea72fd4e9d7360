//! Settings: string maps in, typed values and per-key error lists out.

pub mod def;
pub mod framework;
pub mod map;
pub mod parse;
pub mod properties;
pub mod provider;
pub mod secret;
pub mod worker;

pub use def::{ConfigDef, ConfigKey, ConfigType, Default, Importance, Validator, Width};
pub use map::ConfigMap;
pub use parse::{ConfigError, ConfigReport, KeyReport, ParsedConfig, TypedValue};
pub use provider::Providers;
pub use secret::Secret;
pub use worker::WorkerConfig;
