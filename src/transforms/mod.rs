//! The transforms and predicates that records may pass.

mod java_regex;
mod record_part;
mod schema_cache;

pub mod cast;
pub mod extract_field;
pub mod extract_new_record_state;
pub mod filter;
pub mod flatten;
pub mod headers;
pub mod hoist_field;
pub mod insert_field;
pub mod mask_field;
pub mod regex_router;
pub mod replace_field;
pub mod set_schema_metadata;
pub mod timestamp_converter;
pub mod timestamp_router;
pub mod value_to_key;

pub mod predicates;

#[cfg(test)]
mod test_records;

use crate::plugin::registry::Factory;
use crate::plugin::{Predicate, Transform};

/// Every transform.
pub fn all() -> Vec<Factory<dyn Transform>> {
    vec![
        extract_new_record_state::TRANSFORM,
        extract_new_record_state::OLD_TRANSFORM,
        cast::KEY,
        cast::VALUE,
        headers::DROP,
        extract_field::KEY,
        extract_field::VALUE,
        filter::TRANSFORM,
        flatten::KEY,
        flatten::VALUE,
        headers::FROM_KEY,
        headers::FROM_VALUE,
        hoist_field::KEY,
        hoist_field::VALUE,
        insert_field::KEY,
        insert_field::VALUE,
        headers::INSERT,
        mask_field::KEY,
        mask_field::VALUE,
        regex_router::TRANSFORM,
        replace_field::KEY,
        replace_field::VALUE,
        set_schema_metadata::KEY,
        set_schema_metadata::VALUE,
        timestamp_converter::KEY,
        timestamp_converter::VALUE,
        timestamp_router::TRANSFORM,
        value_to_key::TRANSFORM,
    ]
}

/// Every predicate.
pub fn all_predicates() -> Vec<Factory<dyn Predicate>> {
    vec![predicates::HAS_HEADER_KEY, predicates::RECORD_IS_TOMBSTONE, predicates::TOPIC_NAME_MATCHES]
}
