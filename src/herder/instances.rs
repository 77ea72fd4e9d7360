//! What the herder asks of the part of the worker that runs connectors and tasks.

use async_trait::async_trait;

use crate::cluster::TaskId;
use crate::config::ConfigMap;
use crate::storage::TargetState;

/// What a running connector or task tells the herder. Statuses are not told; they go to the status store.
#[derive(Clone, Debug, PartialEq)]
pub enum InstanceEvent {
    /// The connector is up, or paused or stopped as it is meant to be.
    ConnectorStarted {
        connector: String,
    },
    ConnectorFailed {
        connector: String,
        error: String,
    },
    /// The connector's tasks as they should be from now on.
    TaskConfigs {
        connector: String,
        configs: Vec<ConfigMap>,
    },
}

/// Configs are raw: provider references are resolved by whoever builds the connector or task.
#[async_trait]
pub trait Instances: Send {
    /// Returns at once; the outcome comes as an event.
    fn start_connector(&mut self, name: &str, config: &ConfigMap, target: TargetState, generation: i64);
    /// Returns at once; the outcome is in the status store.
    fn start_task(&mut self, start: StartTask<'_>);
    /// Changes a connector and its tasks that run here.
    fn set_target_state(&mut self, connector: &str, target: TargetState);
    /// Stops all of these in parallel and returns when none of them runs any more.
    async fn stop(&mut self, connectors: &[String], tasks: &[TaskId]);
    /// # Cancel safety
    /// A dropped wait loses no event.
    async fn next_event(&mut self) -> InstanceEvent;
    /// Stops everything; `false` if something had to be aborted.
    async fn stop_all(&mut self) -> bool;
}

pub struct StartTask<'a> {
    pub id: &'a TaskId,
    pub connector_config: &'a ConfigMap,
    pub task_config: &'a ConfigMap,
    pub target: TargetState,
    pub generation: i64,
}
