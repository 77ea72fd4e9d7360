//! Drops every record it gets; a predicate decides which (`org.apache.kafka.connect.transforms.Filter`).

use crate::config::ConfigDef;
use crate::data::ConnectRecord;
use crate::plugin::registry::Factory;
use crate::plugin::{Result, Transform};

pub const TRANSFORM: Factory<dyn Transform> = Factory {
    class: "org.apache.kafka.connect.transforms.Filter",
    config_def: &ConfigDef::EMPTY,
    build: |_| Ok(Box::new(Filter)),
};

struct Filter;

impl Transform for Filter {
    fn apply(&mut self, _record: ConnectRecord) -> Result<Option<ConnectRecord>> {
        Ok(None)
    }
}
