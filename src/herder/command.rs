//! One variant for each thing a client can ask the event loop to do, with the channel for the answer.

use tokio::sync::oneshot;

use super::connector_changes::Change;
use super::error::Result;
use super::info::ConnectorStatus;
use crate::cluster::TaskId;
use crate::data::{SourceOffset, SourcePartition};
use crate::storage::RestartRequest;

pub type Reply<T> = oneshot::Sender<Result<T>>;

/// New offsets of a source connector by partition; `None` forgets one.
pub type NewOffsets = Vec<(SourcePartition, Option<SourceOffset>)>;

pub enum Command {
    /// Answered when the change is durable; a standalone worker also waits until the connector runs by it.
    Change {
        connector: String,
        change: Change,
        reply: Reply<()>,
    },
    RestartConnector {
        connector: String,
        reply: Reply<()>,
    },
    RestartByPlan {
        connector: String,
        request: RestartRequest,
        reply: Reply<ConnectorStatus>,
    },
    RestartTask {
        id: TaskId,
        reply: Reply<()>,
    },
    /// `None` forgets all offsets of the connector.
    AlterSourceOffsets {
        connector: String,
        offsets: Option<NewOffsets>,
        reply: Reply<()>,
    },
    Probe {
        reply: Reply<()>,
    },
}
