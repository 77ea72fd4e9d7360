//! Writes the statuses of one run of a connector or task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::context::WorkerContext;
use crate::storage::{InstanceState, InstanceStatus};

/// Reports for one start of an instance. Once silenced it writes nothing more, so that a run that was given up cannot
/// overwrite what its successor reports.
#[derive(Clone)]
pub struct StatusReporter {
    context: Arc<WorkerContext>,
    connector: Arc<str>,
    /// `None` for the connector itself.
    task: Option<usize>,
    generation: i64,
    version: Option<String>,
    silenced: Arc<AtomicBool>,
}

impl StatusReporter {
    pub fn new(
        context: Arc<WorkerContext>,
        connector: Arc<str>,
        task: Option<usize>,
        generation: i64,
        version: Option<String>,
    ) -> Self {
        Self { context, connector, task, generation, version, silenced: Arc::default() }
    }

    pub async fn running(&self) {
        self.write(InstanceState::Running, None).await;
    }

    pub async fn paused(&self) {
        self.write(InstanceState::Paused, None).await;
    }

    pub async fn stopped(&self) {
        self.write(InstanceState::Stopped, None).await;
    }

    pub async fn unassigned(&self) {
        self.write(InstanceState::Unassigned, None).await;
    }

    pub async fn failed(&self, trace: String) {
        self.write(InstanceState::Failed, Some(trace)).await;
    }

    pub fn silence(&self) {
        self.silenced.store(true, Ordering::Relaxed);
    }

    async fn write(&self, state: InstanceState, trace: Option<String>) {
        if self.silenced.load(Ordering::Relaxed) {
            return;
        }
        let status = InstanceStatus {
            state,
            trace,
            worker_id: self.context.worker_id.clone(),
            generation: self.generation,
            version: self.version.clone(),
        };
        let statuses = &self.context.statuses;
        let written = match state {
            // Connect: putSafe for what a worker may say late.
            InstanceState::Unassigned | InstanceState::Failed => statuses.put_safe(&self.connector, self.task, &status).await,
            _ => statuses.put(&self.connector, self.task, &status).await,
        };
        if let Err(error) = written {
            tracing::error!("the status {} could not be written: {}", state.name(), error.trace());
        }
    }
}
