//! The transforms and predicates that records may pass.
