//! Starts, stops, aborts and joins connectors and tasks; the only place of this module that spawns.
//!
//! Every start raises a run of its own with a stop token, a target state and a reporter. A run ends stopped
//! (UNASSIGNED), failed (FAILED with its chain of causes) or panicked (FAILED). Nothing is restarted by itself.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::connector_watcher::ConnectorRun;
use super::context::{TaskId, WorkerContext};
use super::sink_runner::SinkRun;
use super::source_runner::SourceRun;
use super::status_reporter::StatusReporter;
use crate::config::ConfigMap;
use crate::plugin::registry::ConnectorPlugin;
use crate::plugin::{ConnectError, Result};
use crate::storage::TargetState;

/// Connect gives connectors this long, whatever the tasks get.
const CONNECTOR_GRACE: Duration = Duration::from_secs(5);

/// What a run tells the herder.
#[derive(Debug)]
pub enum WorkerEvent {
    /// Task configs as they belong into the config store, after each start, resume and request of the connector.
    TaskConfigs {
        connector: String,
        configs: Vec<ConfigMap>,
    },
    /// The connector runs, or is paused or stopped as wanted.
    ConnectorStarted {
        name: String,
    },
    ConnectorFailed {
        name: String,
        error: String,
    },
}

struct Run {
    stop: CancellationToken,
    target: watch::Sender<TargetState>,
    status: StatusReporter,
    handle: JoinHandle<()>,
}

/// The connectors and tasks that run on this worker.
pub struct Supervisor {
    context: Arc<WorkerContext>,
    /// Where tasks run; the caller's own runtime stays free of them.
    data: Handle,
    events: mpsc::Sender<WorkerEvent>,
    connectors: BTreeMap<String, Run>,
    tasks: BTreeMap<TaskId, Run>,
}

impl Supervisor {
    /// `events` must be drained at all times; runs wait for room in it.
    pub fn new(context: Arc<WorkerContext>, data: Handle, events: mpsc::Sender<WorkerEvent>) -> Self {
        Self { context, data, events, connectors: BTreeMap::new(), tasks: BTreeMap::new() }
    }

    pub fn runs_connector(&self, name: &str) -> bool {
        self.connectors.contains_key(name)
    }

    pub fn runs_task(&self, connector: &str, task: usize) -> bool {
        self.tasks.contains_key(&TaskId::new(connector, task))
    }

    pub fn connectors(&self) -> impl Iterator<Item = &str> {
        self.connectors.keys().map(String::as_str)
    }

    pub fn tasks(&self) -> impl Iterator<Item = &TaskId> {
        self.tasks.keys()
    }

    /// Starts a connector with its raw config and returns at once; events and status tell the rest.
    ///
    /// # Errors
    /// `Fatal` if it already runs here.
    pub fn start_connector(&mut self, name: &str, raw_config: &ConfigMap, target: TargetState, generation: i64) -> Result<()> {
        if self.connectors.contains_key(name) {
            return Err(ConnectError::fatal(format!("connector {name} runs already on this worker")));
        }
        let connector: Arc<str> = name.into();
        let version = self.version(raw_config);
        let status = StatusReporter::new(self.context.clone(), connector.clone(), None, generation, version);
        let (target, target_seen) = watch::channel(target);
        let stop = CancellationToken::new();
        let run = ConnectorRun {
            context: self.context.clone(),
            name: connector,
            raw_config: raw_config.clone(),
            target: target_seen,
            status: status.clone(),
            events: self.events.clone(),
            stop: stop.clone(),
        };
        let (events, failed_name) = (self.events.clone(), name.to_owned());
        let span = tracing::info_span!("connector", connector = %name);
        let reporter = status.clone();
        let body = async move {
            if let Some(trace) = report(run.run(), &reporter, "Connector").await {
                let _ = events.send(WorkerEvent::ConnectorFailed { name: failed_name, error: trace }).await;
            }
        };
        let handle = self.data.spawn(body.instrument(span));
        self.connectors.insert(name.to_owned(), Run { stop, target, status, handle });
        Ok(())
    }

    /// Starts a task and returns at once. Both configs are raw.
    ///
    /// # Errors
    /// `Fatal` if it already runs here.
    pub fn start_task(
        &mut self,
        id: &TaskId,
        connector_config: &ConfigMap,
        task_config: &ConfigMap,
        target: TargetState,
        generation: i64,
    ) -> Result<()> {
        if self.tasks.contains_key(id) {
            return Err(ConnectError::fatal(format!("task {id} runs already on this worker")));
        }
        let version = self.version(connector_config);
        let status = StatusReporter::new(self.context.clone(), id.connector.clone(), Some(id.task), generation, version);
        let (target, target_seen) = watch::channel(target);
        let stop = CancellationToken::new();
        let start = TaskStart {
            context: self.context.clone(),
            id: id.clone(),
            connector_config: connector_config.clone(),
            task_config: task_config.clone(),
            target: target_seen,
            status: status.clone(),
            stop: stop.clone(),
        };
        let span = tracing::info_span!("task", connector = %id.connector, task = id.task);
        let reporter = status.clone();
        let body = async move { drop(report(run_task(start), &reporter, "Task").await) };
        let handle = self.data.spawn(body.instrument(span));
        self.tasks.insert(id.clone(), Run { stop, target, status, handle });
        Ok(())
    }

    /// Tells a connector and its tasks that run here what is wanted of them.
    pub fn set_target_state(&self, connector: &str, target: TargetState) {
        let tasks = self.tasks.iter().filter(|(id, _)| &*id.connector == connector).map(|(_, run)| run);
        for run in self.connectors.get(connector).into_iter().chain(tasks) {
            run.target.send_if_modified(|now| std::mem::replace(now, target) != target);
        }
    }

    /// Stops these connectors and tasks, all at once; false if one had to be given up.
    pub async fn stop(&mut self, connectors: &[String], tasks: &[TaskId]) -> bool {
        let connectors = connectors.iter().filter_map(|name| self.connectors.remove(name)).collect();
        let tasks = tasks.iter().filter_map(|id| self.tasks.remove(id)).collect();
        self.stop_runs(connectors, tasks).await
    }

    /// Stops everything; false if something had to be given up.
    pub async fn stop_all(&mut self) -> bool {
        let connectors = std::mem::take(&mut self.connectors).into_values().collect();
        let tasks = std::mem::take(&mut self.tasks).into_values().collect();
        self.stop_runs(connectors, tasks).await
    }

    async fn stop_runs(&self, connectors: Vec<Run>, tasks: Vec<Run>) -> bool {
        let limit = self.context.config.task_shutdown_timeout;
        let (connectors, tasks) = tokio::join!(stop_within(connectors, CONNECTOR_GRACE), stop_within(tasks, limit));
        connectors && tasks
    }

    fn version(&self, config: &ConfigMap) -> Option<String> {
        let plugin = self.context.registry.connector(config.get("connector.class")?.trim()).ok()?;
        Some(plugin.connector().version().to_owned())
    }
}

/// Everything a task needs to start.
pub(super) struct TaskStart {
    pub context: Arc<WorkerContext>,
    pub id: TaskId,
    pub connector_config: ConfigMap,
    pub task_config: ConfigMap,
    pub target: watch::Receiver<TargetState>,
    pub status: StatusReporter,
    pub stop: CancellationToken,
}

async fn run_task(mut start: TaskStart) -> Result<()> {
    let providers = &start.context.config.providers;
    start.connector_config = providers.resolve(&start.connector_config)?;
    start.task_config = providers.resolve(&start.task_config)?;
    let class = start.connector_config.get("connector.class").unwrap_or_default().trim().to_owned();
    let plugin = start.context.registry.connector(&class)?.clone();
    if !start.wait_until_started().await {
        return Ok(());
    }
    match plugin {
        ConnectorPlugin::Source(plugin) => Box::pin(SourceRun::new(start, plugin)?.run()).await,
        ConnectorPlugin::Sink(plugin) => Box::pin(SinkRun::new(start, plugin)?.run()).await,
    }
}

impl TaskStart {
    /// A task that starts while paused reports that and does nothing until it is resumed. False if it is to stop.
    async fn wait_until_started(&mut self) -> bool {
        loop {
            if *self.target.borrow_and_update() == TargetState::Started {
                return true;
            }
            self.status.paused().await;
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return false,
                changed = self.target.changed() => if changed.is_err() { return false },
            }
        }
    }
}

/// Sees a run to its end and writes how it ended. Returns the trace of a failure.
async fn report(run: impl Future<Output = Result<()>>, status: &StatusReporter, what: &str) -> Option<String> {
    let trace = match AssertUnwindSafe(run).catch_unwind().await {
        Ok(Ok(())) => {
            status.unassigned().await;
            return None;
        }
        Ok(Err(error)) => error.trace(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            format!("{what} panicked: {}", text.unwrap_or("no message"))
        }
    };
    tracing::error!(
        "{what} threw an uncaught and unrecoverable exception. {what} is being killed and will not recover until manually \
         restarted: {trace}"
    );
    status.failed(trace.clone()).await;
    Some(trace)
}

/// Signals all, then joins each until one common deadline; what is late is aborted, which equals a crash.
async fn stop_within(runs: Vec<Run>, grace: Duration) -> bool {
    for run in &runs {
        run.stop.cancel();
    }
    let deadline = Instant::now() + grace;
    let joined = runs.into_iter().map(|mut run| async move {
        if timeout_at(deadline, &mut run.handle).await.is_ok() {
            return true;
        }
        run.handle.abort();
        tracing::error!("a run did not stop within {grace:?} and was given up");
        run.status.unassigned().await;
        run.status.silence();
        false
    });
    join_all(joined).await.into_iter().all(|clean| clean)
}
