//! Lists every plugin that this binary offers.

use crate::plugin::Registry;

pub fn registry() -> Registry {
    Registry { connectors: vec![], converters: vec![], header_converters: vec![], transforms: vec![], predicates: vec![] }
}
