//! How everybody else talks to the herder: reads from snapshots that never wait, changes through the event loop's queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::command::{Command, Reply};
use super::connector_changes::{Change, patched};
use super::connector_offsets::{self, ConnectorOffsets, SentOffsets};
use super::error::{HerderError, Result};
use super::info::{ConnectorInfo, ConnectorStatus, TaskInfo, kind_of_config};
use super::validation::{self, Report};
use crate::cluster::TaskId;
use crate::config::{ConfigMap, WorkerConfig};
use crate::plugin::Registry;
use crate::storage::{ConfigStore, ConnectorEntry, InstanceStatus, OffsetStore, RestartRequest, StatusStore, TargetState};
use crate::telemetry::Level;

/// Connect: RestRequestTimeout. What was asked goes on and may still take effect.
const REQUEST_LIMIT: Duration = Duration::from_secs(90);

/// Who this worker says it is.
#[derive(Clone, Debug)]
pub struct ServerIdentity {
    pub kafka_version: String,
    pub commit: String,
    pub kafka_cluster_id: Option<String>,
}

/// What a worker's parts share.
#[derive(Clone)]
pub struct Context {
    pub worker: Arc<WorkerConfig>,
    pub registry: Arc<Registry>,
    pub configs: Arc<ConfigStore>,
    pub offsets: Arc<OffsetStore>,
    pub statuses: Arc<StatusStore>,
    /// Advertised `host:port`.
    pub worker_id: Arc<str>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct HerderHandle {
    shared: Arc<Shared>,
}

struct Shared {
    context: Context,
    server: ServerIdentity,
    commands: mpsc::Sender<Command>,
    ready: AtomicBool,
}

impl HerderHandle {
    pub(super) fn new(context: Context, server: ServerIdentity, commands: mpsc::Sender<Command>) -> Self {
        Self { shared: Arc::new(Shared { context, server, commands, ready: AtomicBool::new(false) }) }
    }

    pub fn server(&self) -> &ServerIdentity {
        &self.shared.server
    }

    pub fn registry(&self) -> &Registry {
        &self.shared.context.registry
    }

    pub fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Relaxed)
    }

    /// Says that start-up is complete; a worker never goes back from that.
    pub fn set_ready(&self) {
        self.shared.ready.store(true, Ordering::Relaxed);
    }

    pub fn connectors(&self) -> Vec<String> {
        self.shared.context.configs.snapshot().connectors.into_keys().collect()
    }

    /// # Errors
    /// `NotFound`.
    pub fn connector_info(&self, name: &str) -> Result<ConnectorInfo> {
        let entry = self.entry(name)?;
        Ok(self.info(name, &entry.config, entry.tasks.len()))
    }

    /// # Errors
    /// `NotFound`.
    pub fn task_infos(&self, name: &str) -> Result<Vec<TaskInfo>> {
        let entry = self.entry(name)?;
        let task = |(task, config): (usize, &Arc<ConfigMap>)| TaskInfo { task, config: config.as_ref().clone() };
        Ok(entry.tasks.iter().enumerate().map(task).collect())
    }

    /// What the status store says, even of a connector that was just deleted.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn connector_status(&self, name: &str) -> Result<ConnectorStatus> {
        let Context { statuses, configs, registry, .. } = &self.shared.context;
        let connector =
            statuses.connector(name).ok_or_else(|| HerderError::NotFound(format!("No status found for connector {name}")))?;
        let snapshot = configs.snapshot();
        let kind = kind_of_config(registry, snapshot.connector(name).map(|entry| &entry.config));
        Ok(ConnectorStatus { name: name.to_owned(), connector, tasks: statuses.tasks(name), kind })
    }

    /// # Errors
    /// `NotFound`.
    pub fn task_status(&self, connector: &str, task: i32) -> Result<InstanceStatus> {
        let found = usize::try_from(task).ok().and_then(|task| self.shared.context.statuses.task(connector, task));
        found.ok_or_else(|| HerderError::NotFound(format!("No status found for task {connector}-{task}")))
    }

    /// Checks a config; several may be checked at the same time, because each may wait for an external system.
    ///
    /// # Errors
    /// See [`validation::validate`].
    pub async fn validate(&self, config: &ConfigMap) -> Result<Report> {
        validation::validate(&self.shared.context.registry, &self.shared.context.worker, config).await
    }

    /// # Errors
    /// `BadRequest` for a wrong config, `AlreadyExists`, or why it could not be stored.
    pub async fn create(&self, name: &str, config: ConfigMap, initial_state: Option<TargetState>) -> Result<ConnectorInfo> {
        self.validate(&config).await?.into_result()?;
        self.change(name, Change::Create { config: config.clone(), initial_state }).await?;
        Ok(self.info_after_write(name, &config))
    }

    /// Creates or replaces; tells whether the connector is new.
    ///
    /// # Errors
    /// `BadRequest` for a wrong config, or why it could not be stored.
    pub async fn put_config(&self, name: &str, config: ConfigMap) -> Result<(bool, ConnectorInfo)> {
        self.validate(&config).await?.into_result()?;
        let is_new = self.entry(name).is_err();
        self.change(name, Change::Put { config: config.clone() }).await?;
        Ok((is_new, self.info_after_write(name, &config)))
    }

    /// # Errors
    /// `NotFound`, then as `put_config`.
    pub async fn patch_config(&self, name: &str, patch: ConfigMap) -> Result<ConnectorInfo> {
        let config = patched(&self.entry(name)?.config, patch);
        Ok(self.put_config(name, config).await?.1)
    }

    pub async fn delete(&self, name: &str) -> Result<()> {
        self.change(name, Change::Delete).await
    }

    pub async fn set_target_state(&self, name: &str, state: TargetState) -> Result<()> {
        self.change(name, Change::SetTargetState(state)).await
    }

    /// Restarts the connector alone and waits until it runs again.
    pub async fn restart_connector(&self, name: &str) -> Result<()> {
        self.ask(|reply| Command::RestartConnector { connector: name.to_owned(), reply }).await
    }

    /// Has the parts that the request covers restarted, wherever they run; returns the plan.
    pub async fn restart_by_plan(&self, name: &str, request: RestartRequest) -> Result<ConnectorStatus> {
        self.ask(|reply| Command::RestartByPlan { connector: name.to_owned(), request, reply }).await
    }

    pub async fn restart_task(&self, connector: &str, task: i32) -> Result<()> {
        self.entry(connector).map_err(|_| HerderError::unknown_connector_to_restart(connector))?;
        let unknown = |_| HerderError::NotFound(format!("Unknown task: {connector}-{task}"));
        let id = TaskId { connector: connector.to_owned(), task: usize::try_from(task).map_err(unknown)? };
        self.ask(|reply| Command::RestartTask { id, reply }).await
    }

    /// The topics a connector has used since the last reset; known or not, as Connect does.
    ///
    /// # Errors
    /// `Forbidden` if the worker does not track topics.
    pub fn active_topics(&self, name: &str) -> Result<Vec<String>> {
        if !self.shared.context.worker.topic_tracking_enable {
            return Err(HerderError::Forbidden("Topic tracking is disabled.".to_owned()));
        }
        Ok(self.shared.context.statuses.topics(name).into_iter().map(|status| status.topic).collect())
    }

    /// # Errors
    /// `Forbidden` if the worker's settings say so, or why the status topic could not be written.
    pub async fn reset_active_topics(&self, name: &str) -> Result<()> {
        let worker = &self.shared.context.worker;
        if !worker.topic_tracking_enable {
            return Err(HerderError::Forbidden("Topic tracking is disabled.".to_owned()));
        }
        if !worker.topic_tracking_allow_reset {
            return Err(HerderError::Forbidden("Topic tracking reset is disabled.".to_owned()));
        }
        let reset = self.shared.context.statuses.reset_topics(name);
        within_limit(reset).await?.map_err(|error| HerderError::Internal(error.trace()))
    }

    /// # Errors
    /// `NotFound`, or why the offsets could not be read.
    pub async fn offsets(&self, name: &str) -> Result<ConnectorOffsets> {
        let entry = self.entry(name)?;
        within_limit(connector_offsets::read(&self.shared.context, name, &entry.config)).await?
    }

    /// Sets or forgets offsets of a stopped connector; returns the sentence for the client.
    ///
    /// # Errors
    /// `NotFound`, `BadRequest` if the connector is not stopped or the offsets are malformed.
    pub async fn alter_offsets(&self, name: &str, offsets: SentOffsets) -> Result<String> {
        let change = async {
            let entry = self.find_stopped(name).await?;
            connector_offsets::alter(&self.shared.context, name, &entry.config, offsets).await
        };
        within_limit(change).await?
    }

    /// # Errors
    /// As `alter_offsets`.
    pub async fn reset_offsets(&self, name: &str) -> Result<String> {
        let change = async {
            let entry = self.find_stopped(name).await?;
            connector_offsets::reset(&self.shared.context, name, &entry.config).await
        };
        within_limit(change).await?
    }

    /// The event loop knows best; what follows may take long, so that is done outside of it.
    async fn find_stopped(&self, name: &str) -> Result<Arc<ConnectorEntry>> {
        self.ask(|reply| Command::FindStopped { connector: name.to_owned(), reply }).await
    }

    /// Sets a logger's level on every worker that runs now.
    ///
    /// # Errors
    /// Why the config topic could not be written.
    pub async fn set_cluster_log_level(&self, logger: &str, level: Level) -> Result<()> {
        let written = self.shared.context.configs.put_logger_level(logger, level.name());
        within_limit(written).await?.map_err(|error| HerderError::Internal(error.trace()))
    }

    /// Whether the event loop answers within this time.
    pub async fn answers_within(&self, limit: Duration) -> bool {
        let probe = self.ask(|reply| Command::Probe { reply });
        matches!(tokio::time::timeout(limit, probe).await, Ok(Ok(())))
    }

    async fn change(&self, name: &str, change: Change) -> Result<()> {
        self.ask(|reply| Command::Change { connector: name.to_owned(), change, reply }).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let stopping = || HerderError::Internal("the worker is shutting down".to_owned());
        let command = command(reply);
        let exchange = async {
            self.shared.commands.send(command).await.map_err(|_| stopping())?;
            answer.await.map_err(|_| stopping())?
        };
        within_limit(exchange).await?
    }

    fn entry(&self, name: &str) -> Result<Arc<ConnectorEntry>> {
        let snapshot = self.shared.context.configs.snapshot();
        snapshot.connector(name).cloned().ok_or_else(|| HerderError::connector_not_found(name))
    }

    fn info(&self, name: &str, config: &ConfigMap, tasks: usize) -> ConnectorInfo {
        let kind = kind_of_config(&self.shared.context.registry, Some(config));
        ConnectorInfo { name: name.to_owned(), config: config.clone(), tasks, kind }
    }

    fn info_after_write(&self, name: &str, config: &ConfigMap) -> ConnectorInfo {
        self.info(name, config, self.entry(name).map_or(0, |entry| entry.tasks.len()))
    }
}

async fn within_limit<T>(answer: impl Future<Output = T>) -> Result<T> {
    let timed_out = |_| HerderError::Timeout("Request timed out".to_owned());
    tokio::time::timeout(REQUEST_LIMIT, answer).await.map_err(timed_out)
}
