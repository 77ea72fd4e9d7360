//! The converters of Apache Kafka Connect.

pub mod byte_array;
pub mod json;
pub mod number;
pub mod simple_header;
pub mod string;

use crate::config::{ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator};
use crate::plugin::registry::Factory;
use crate::plugin::{Converter, HeaderConverter};

/// Every converter, in the order Connect lists them.
pub fn all() -> Vec<Factory<dyn Converter>> {
    vec![
        byte_array::CONVERTER,
        number::BOOLEAN,
        number::DOUBLE,
        number::FLOAT,
        number::INTEGER,
        number::LONG,
        number::SHORT,
        json::CONVERTER,
        string::CONVERTER,
    ]
}

/// Every header converter.
pub fn all_header_converters() -> Vec<Factory<dyn HeaderConverter>> {
    vec![
        byte_array::HEADER_CONVERTER,
        number::BOOLEAN_HEADER,
        number::DOUBLE_HEADER,
        number::FLOAT_HEADER,
        number::INTEGER_HEADER,
        number::LONG_HEADER,
        number::SHORT_HEADER,
        json::HEADER_CONVERTER,
        simple_header::HEADER_CONVERTER,
        string::HEADER_CONVERTER,
    ]
}

/// What a converter converts; every converter knows this setting.
const CONVERTER_TYPE: ConfigKey = ConfigKey::new(
    "converter.type",
    ConfigType::String,
    Default::Required,
    Importance::Low,
    "Whether this converter is for keys, values or headers. The worker sets it.",
)
.validator(Validator::OneOf(&["key", "value", "header"]));

/// The settings with `converter.type`, which tells nothing that matters here and so may be missing.
fn with_type(config: &ConfigMap) -> ConfigMap {
    let mut config = config.clone();
    if !config.contains(CONVERTER_TYPE.name) {
        config.set(CONVERTER_TYPE.name, "value");
    }
    config
}
