//! Runs connectors and tasks; knows nothing of REST or groups.

mod connector_watcher;
pub mod context;
pub mod dead_letter_queue;
pub mod in_flight;
pub mod record_pipeline;
mod sink_runner;
mod source_runner;
mod status_reporter;
mod supervisor;
pub mod tolerance;
pub mod topic_creation;
pub mod unknown_settings;

pub use context::{TaskId, WorkerContext};
pub use supervisor::{Supervisor, WorkerEvent};
