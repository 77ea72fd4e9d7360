//! Runs connectors and tasks; knows nothing of REST or groups.

pub mod in_flight;
pub mod record_pipeline;
pub mod tolerance;
pub mod topic_creation;
