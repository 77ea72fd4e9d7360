//! The transforms and predicates that records may pass.

mod java_regex;
mod record_part;
mod schema_cache;

pub mod extract_new_record_state;
pub mod insert_field;
pub mod regex_router;
pub mod timestamp_converter;

pub mod predicates;

use crate::plugin::registry::Factory;
use crate::plugin::{Predicate, Transform};

/// Every transform.
pub fn all() -> Vec<Factory<dyn Transform>> {
    vec![
        extract_new_record_state::TRANSFORM,
        extract_new_record_state::OLD_TRANSFORM,
        insert_field::KEY,
        insert_field::VALUE,
        regex_router::TRANSFORM,
        timestamp_converter::KEY,
        timestamp_converter::VALUE,
    ]
}

/// Every predicate.
pub fn all_predicates() -> Vec<Factory<dyn Predicate>> {
    vec![predicates::HAS_HEADER_KEY, predicates::RECORD_IS_TOMBSTONE, predicates::TOPIC_NAME_MATCHES]
}
