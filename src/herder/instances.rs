//! What the herder asks of the part of the worker that runs connectors and tasks.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::handle::Context;
use crate::cluster::TaskId;
use crate::config::ConfigMap;
use crate::storage::TargetState;
use crate::worker::{self, Supervisor, WorkerContext, WorkerEvent};

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

/// A queue for what runs tell: a few words from each connector at a time, so that runs hardly ever wait for room.
const QUEUED_EVENTS: usize = 1024;

/// The real thing: connectors and tasks of this process.
pub struct Supervised {
    supervisor: Supervisor,
    events: mpsc::Receiver<WorkerEvent>,
}

impl Supervised {
    /// Everything runs on the `data` runtime, so that a busy task cannot hold up the event loop.
    pub fn new(context: &Context, data: Handle) -> Self {
        let (sender, events) = mpsc::channel(QUEUED_EVENTS);
        let context = WorkerContext {
            config: context.worker.as_ref().clone(),
            registry: context.registry.clone(),
            statuses: context.statuses.clone(),
            offsets: context.offsets.clone(),
            worker_id: context.worker_id.to_string(),
        };
        Self { supervisor: Supervisor::new(Arc::new(context), data, sender), events }
    }
}

fn run_id(id: &TaskId) -> worker::TaskId {
    worker::TaskId::new(id.connector.as_str(), id.task)
}

#[async_trait]
impl Instances for Supervised {
    fn start_connector(&mut self, name: &str, config: &ConfigMap, target: TargetState, generation: i64) {
        if let Err(error) = self.supervisor.start_connector(name, config, target, generation) {
            tracing::error!("connector '{name}' was not started: {}", error.trace());
        }
    }

    fn start_task(&mut self, start: StartTask<'_>) {
        let StartTask { id, connector_config, task_config, target, generation } = start;
        let started = self.supervisor.start_task(&run_id(id), connector_config, task_config, target, generation);
        if let Err(error) = started {
            tracing::error!("task '{id}' was not started: {}", error.trace());
        }
    }

    fn set_target_state(&mut self, connector: &str, target: TargetState) {
        self.supervisor.set_target_state(connector, target);
    }

    async fn stop(&mut self, connectors: &[String], tasks: &[TaskId]) {
        let tasks = tasks.iter().map(run_id).collect::<Vec<_>>();
        if !self.supervisor.stop(connectors, &tasks).await {
            tracing::warn!("something did not stop in time and was aborted, as if the worker had crashed under it");
        }
    }

    async fn next_event(&mut self) -> InstanceEvent {
        match self.events.recv().await {
            Some(WorkerEvent::TaskConfigs { connector, configs }) => InstanceEvent::TaskConfigs { connector, configs },
            Some(WorkerEvent::ConnectorStarted { name }) => InstanceEvent::ConnectorStarted { connector: name },
            Some(WorkerEvent::ConnectorFailed { name, error }) => InstanceEvent::ConnectorFailed { connector: name, error },
            // The supervisor keeps a sender, so the queue never closes.
            None => std::future::pending().await,
        }
    }

    async fn stop_all(&mut self) -> bool {
        self.supervisor.stop_all().await
    }
}
