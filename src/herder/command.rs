//! One variant for each thing a client can ask the event loop to do, with the channel for the answer.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::connector_changes::Change;
use super::error::Result;
use super::info::ConnectorStatus;
use crate::cluster::TaskId;
use crate::storage::{ConnectorEntry, RestartRequest};

pub type Reply<T> = oneshot::Sender<Result<T>>;

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
    /// Answered with the connector as it is now, if it is stopped for good.
    FindStopped {
        connector: String,
        reply: Reply<Arc<ConnectorEntry>>,
    },
    Probe {
        reply: Reply<()>,
    },
}
