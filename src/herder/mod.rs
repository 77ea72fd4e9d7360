//! Decides what should run.
//!
//! The event loop owns all decisions and runs alone; everybody else holds a [`HerderHandle`].

pub mod connector_file;
pub mod error;
pub mod event_loop;
pub mod handle;
pub mod info;
pub mod instances;
pub mod validation;

mod command;
mod connector_changes;
mod connector_offsets;
mod reconcile;
mod restart_plan;
mod transform_settings;

pub use crate::storage::{InstanceState, InstanceStatus, RestartRequest, TargetState};
pub use connector_offsets::{ConnectorOffsets, SentOffsets};
pub use error::HerderError;
pub use event_loop::EventLoop;
pub use handle::{Context, HerderHandle, ServerIdentity};
