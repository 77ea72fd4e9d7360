//! The three internal topics, and their standalone twins.
//!
//! Each store keeps its state in memory and replays it from a journal: a compacted topic that all workers share, or
//! nothing but memory in a standalone worker. A write returns after it has been read back, so what a caller then reads
//! is what every worker will read.

pub mod config_store;
mod java_map;
mod journal;
pub mod offset_store;
pub mod record_format;
pub mod status_store;

pub use config_store::{ClusterConfig, ConfigStore, ConnectorEntry};
pub use journal::InternalTopic;
pub use offset_store::OffsetStore;
pub use record_format::{InstanceState, InstanceStatus, RestartRequest, TargetState};
pub use status_store::{StatusStore, TopicStatus};
