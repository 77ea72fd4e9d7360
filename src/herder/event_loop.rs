//! Carries out commands, config changes, assignments and what running connectors tell, one at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::command::{Command, Reply};
use super::connector_changes::{Change, Write, writes};
use super::connector_offsets::check_stopped;
use super::error::{HerderError, Result};
use super::handle::{Context, HerderHandle, ServerIdentity};
use super::info::{ConnectorStatus, kind_of_config};
use super::instances::{InstanceEvent, Instances, StartTask};
use super::reconcile::{self, Plan, Running, RunningConnector, RunningTask};
use super::restart_plan::RestartPlan;
use crate::cluster::{Assignment, Membership, TaskId};
use crate::config::ConfigMap;
use crate::plugin::ConnectError;
use crate::storage::{ConnectorEntry, InstanceState, RestartRequest, TargetState};
use crate::telemetry::{Level, Loggers};

/// Enough for a burst of requests; more wait in their connections.
const QUEUED_COMMANDS: usize = 64;
/// Connect: DistributedHerder, the wait before task configs that could not be stored are tried again.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// The brain of a worker. Owns what it decides on; [`HerderHandle`]s talk to it.
pub struct EventLoop<M, I> {
    context: Context,
    membership: M,
    instances: I,
    loggers: Loggers,
    commands: mpsc::Receiver<Command>,
    handle: HerderHandle,
    assignment: Option<Assignment>,
    running: Running,
    /// Who waits for a connector to come up.
    waiting: BTreeMap<String, Vec<Waiting>>,
    /// Task configs that could not be stored yet.
    unsaved: BTreeMap<String, Vec<ConfigMap>>,
    retry_at: Option<Instant>,
    retry_delay: Duration,
}

struct Waiting {
    until: Until,
    reply: Reply<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Started,
    HasTasks,
}

impl<M: Membership, I: Instances> EventLoop<M, I> {
    pub fn new(context: Context, server: ServerIdentity, membership: M, instances: I, loggers: Loggers) -> Self {
        let (sender, commands) = mpsc::channel(QUEUED_COMMANDS);
        let handle = HerderHandle::new(context.clone(), server, sender);
        Self {
            context,
            membership,
            instances,
            loggers,
            commands,
            handle,
            assignment: None,
            running: Running::default(),
            waiting: BTreeMap::new(),
            unsaved: BTreeMap::new(),
            retry_at: None,
            retry_delay: FIRST_RETRY,
        }
    }

    pub fn handle(&self) -> HerderHandle {
        self.handle.clone()
    }

    /// Runs until `stop`, then stops everything that runs here; `false` if something had to be aborted.
    pub async fn run(mut self, stop: CancellationToken) -> bool {
        let mut changes = self.context.configs.changes();
        self.on_config_change().await;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                assignment = self.membership.next_assignment() => {
                    self.on_assignment(assignment);
                    self.reconcile().await;
                }
                () = changed(&mut changes) => drop(self.on_config_change().await),
                event = self.instances.next_event() => self.on_event(event).await,
                () = due(self.retry_at) => self.retry_unsaved().await,
                Some(command) = self.commands.recv() => self.on_command(command).await,
            }
        }
        self.shut_down().await
    }

    async fn shut_down(mut self) -> bool {
        tracing::info!("Herder stopping");
        self.commands.close();
        self.waiting.clear();
        let clean = self.instances.stop_all().await;
        self.membership.leave().await;
        tracing::info!("Herder stopped");
        clean
    }

    fn on_assignment(&mut self, assignment: Assignment) {
        tracing::info!(
            "Joined group at generation {} with {} connectors and {} tasks, leader {}",
            assignment.generation,
            assignment.work.connectors.len(),
            assignment.work.tasks.len(),
            assignment.leader_url
        );
        self.assignment = Some(assignment);
        if self.context.worker.distributed().is_some() {
            self.handle.set_ready();
        }
    }

    /// Returns the connectors that were started.
    async fn on_config_change(&mut self) -> BTreeSet<String> {
        for (logger, level) in self.context.configs.take_logger_levels() {
            if let Some(level) = level.as_deref().and_then(Level::parse) {
                self.loggers.set(&logger, level);
            }
        }
        let configs = self.context.configs.snapshot();
        self.membership.offer(reconcile::all_work(&configs), configs.offset_next);
        // A group of one has decided already.
        if let Some(assignment) = self.membership.next_assignment().now_or_never() {
            self.on_assignment(assignment);
        }
        let started = self.reconcile().await;
        for (connector, request) in self.context.configs.take_restart_requests() {
            self.restart_by_request(&connector, request).await;
        }
        started
    }

    async fn reconcile(&mut self) -> BTreeSet<String> {
        let Some(assignment) = self.assignment.clone() else { return BTreeSet::new() };
        let configs = self.context.configs.snapshot();
        let plan = reconcile::plan(&assignment.work, &configs, &self.running);
        self.stop(&plan.stop_connectors, &plan.stop_tasks).await;
        if assignment.is_leader {
            self.forget_deleted().await;
        }
        let Plan { start_connectors, start_tasks, new_target_states, .. } = plan;
        for (name, target) in new_target_states {
            self.instances.set_target_state(&name, target);
            if let Some(connector) = self.running.connectors.get_mut(&name) {
                connector.target_state = target;
            }
            let tasks = self.running.tasks.iter_mut().filter(|(id, _)| id.connector == name);
            tasks.for_each(|(_, task)| task.target_state = target);
        }
        for name in &start_connectors {
            self.start_connector(name);
        }
        for id in &start_tasks {
            self.start_task(id);
        }
        start_connectors.into_iter().collect()
    }

    async fn stop(&mut self, connectors: &[String], tasks: &[TaskId]) {
        if connectors.is_empty() && tasks.is_empty() {
            return;
        }
        self.instances.stop(connectors, tasks).await;
        self.running.connectors.retain(|name, _| !connectors.contains(name));
        self.running.tasks.retain(|id, _| !tasks.contains(id));
    }

    fn generation(&self) -> i64 {
        self.assignment.as_ref().map_or(0, |assignment| i64::from(assignment.generation))
    }

    fn start_connector(&mut self, name: &str) {
        let Some(entry) = self.context.configs.snapshot().connector(name).cloned() else { return };
        tracing::info!("Starting connector {name}");
        self.instances.start_connector(name, &entry.config, entry.target_state, self.generation());
        let target_state = entry.target_state;
        self.running.connectors.insert(name.to_owned(), RunningConnector { entry, target_state });
    }

    fn start_task(&mut self, id: &TaskId) {
        let Some(entry) = self.context.configs.snapshot().connector(&id.connector).cloned() else { return };
        let Some(task_config) = entry.tasks.get(id.task) else { return };
        tracing::info!("Starting task {id}");
        let (target, generation) = (entry.target_state, self.generation());
        self.instances.start_task(StartTask { id, connector_config: &entry.config, task_config, target, generation });
        let task = RunningTask { generation: entry.task_generation, target_state: target };
        self.running.tasks.insert(id.clone(), task);
    }

    /// Takes the statuses away of connectors and tasks that no longer exist.
    async fn forget_deleted(&self) {
        let configs = self.context.configs.snapshot();
        let statuses = &self.context.statuses;
        for name in statuses.connectors() {
            let tasks = statuses.tasks(&name).into_keys();
            let forgotten = match configs.connector(&name) {
                None => {
                    let deleted = statuses.delete(&name, tasks).await;
                    match deleted {
                        Ok(()) => statuses.reset_topics(&name).await,
                        failed => failed,
                    }
                }
                Some(entry) => {
                    let surplus = tasks.filter(|&task| task >= entry.tasks.len()).collect::<Vec<_>>();
                    self.destroy_tasks(&name, &surplus).await
                }
            };
            if let Err(error) = forgotten {
                tracing::warn!("statuses of connector '{name}' that are out of date stay visible: {}", error.trace());
            }
        }
    }

    async fn destroy_tasks(&self, connector: &str, tasks: &[usize]) -> crate::plugin::Result<()> {
        for &task in tasks {
            if let Some(status) = self.context.statuses.task(connector, task) {
                let destroyed = crate::storage::InstanceStatus { state: InstanceState::Destroyed, ..status };
                self.context.statuses.put(connector, Some(task), &destroyed).await?;
            }
        }
        Ok(())
    }

    async fn on_event(&mut self, event: InstanceEvent) {
        match event {
            InstanceEvent::ConnectorStarted { connector } => self.answer(&connector, &[Until::Started], &Ok(())),
            InstanceEvent::ConnectorFailed { connector, error } => {
                let failed = Err(HerderError::Internal(format!("Failed to start connector: {connector}: {error}")));
                self.answer(&connector, &[Until::Started, Until::HasTasks], &failed);
            }
            InstanceEvent::TaskConfigs { connector, configs } => {
                self.unsaved.remove(&connector);
                self.save_task_configs(connector.clone(), configs).await;
                self.answer(&connector, &[Until::Started, Until::HasTasks], &Ok(()));
            }
        }
    }

    /// Answers those who wait for this; who no longer listens needs no answer.
    fn answer(&mut self, connector: &str, reached: &[Until], answer: &Result<()>) {
        let (done, still) =
            self.waiting.remove(connector).into_iter().flatten().partition::<Vec<_>, _>(|one| reached.contains(&one.until));
        done.into_iter().for_each(|one| drop(one.reply.send(answer.clone())));
        if !still.is_empty() {
            self.waiting.insert(connector.to_owned(), still);
        }
    }

    fn wait(&mut self, connector: String, until: Until, reply: Reply<()>) {
        self.waiting.entry(connector).or_default().push(Waiting { until, reply });
    }

    async fn save_task_configs(&mut self, connector: String, configs: Vec<ConfigMap>) {
        let Some(entry) = self.context.configs.snapshot().connector(&connector).cloned() else { return };
        if entry.target_state == TargetState::Stopped || !task_configs_changed(&entry, &configs) {
            return;
        }
        tracing::info!("Tasks of connector {connector} have changed, storing {} task configs", configs.len());
        if let Err(error) = self.context.configs.put_task_configs(&connector, &configs).await {
            tracing::error!(
                "cannot store the task configs of connector '{connector}', will try again in {} ms: {}",
                self.retry_delay.as_millis(),
                error.trace()
            );
            self.unsaved.insert(connector, configs);
            self.retry_at = Some(Instant::now() + self.retry_delay);
            return;
        }
        self.retry_delay = FIRST_RETRY;
    }

    async fn retry_unsaved(&mut self) {
        self.retry_at = None;
        self.retry_delay = (self.retry_delay * 2).min(LONGEST_RETRY);
        for (connector, configs) in std::mem::take(&mut self.unsaved) {
            self.save_task_configs(connector, configs).await;
        }
    }

    async fn on_command(&mut self, command: Command) {
        match command {
            Command::Change { connector, change, reply } => self.change(connector, change, reply).await,
            Command::RestartConnector { connector, reply } => self.restart_connector(connector, reply).await,
            Command::RestartByPlan { connector, request, reply } => {
                drop(reply.send(self.plan_restart(&connector, request).await));
            }
            Command::RestartTask { id, reply } => drop(reply.send(self.restart_task(&id).await)),
            Command::FindStopped { connector, reply } => drop(reply.send(self.find_stopped(&connector).await)),
            Command::Probe { reply } => drop(reply.send(Ok(()))),
        }
    }

    async fn change(&mut self, connector: String, change: Change, reply: Reply<()>) {
        if let Err(error) = self.write(&connector, change).await {
            drop(reply.send(Err(error)));
            return;
        }
        if self.context.worker.distributed().is_some() {
            drop(reply.send(Ok(())));
            return;
        }
        // Connect: a standalone worker answers when the connector runs, so that its tasks are in the answer.
        let started = self.on_config_change().await;
        let runs = self.running.connectors.get(&connector);
        if started.contains(&connector) && runs.is_some_and(|runs| runs.target_state == TargetState::Started) {
            self.wait(connector, Until::HasTasks, reply);
        } else {
            drop(reply.send(Ok(())));
        }
    }

    async fn write(&mut self, connector: &str, change: Change) -> Result<()> {
        let configs = &self.context.configs;
        let steps = writes(connector, configs.snapshot().connector(connector).map(AsRef::as_ref), change)?;
        for step in steps {
            let (written, what) = match &step {
                Write::Connector { config, initial_state } => (
                    configs.put_connector(connector, config, *initial_state).await,
                    "Error writing connector configuration to Kafka",
                ),
                Write::DeleteConnector => {
                    (configs.delete_connector(connector).await, "Error removing connector configuration from Kafka")
                }
                Write::NoTasks => (configs.put_task_configs(connector, &[]).await, "Error writing task configurations to Kafka"),
                Write::TargetState(state) => {
                    (configs.put_target_state(connector, *state).await, "Error writing target state to Kafka")
                }
            };
            written.map_err(|error| failed(what, &error))?;
        }
        Ok(())
    }

    async fn restart_connector(&mut self, connector: String, reply: Reply<()>) {
        let Some(entry) = self.context.configs.snapshot().connector(&connector).cloned() else {
            drop(reply.send(Err(HerderError::unknown_connector_to_restart(&connector))));
            return;
        };
        self.stop(std::slice::from_ref(&connector), &[]).await;
        self.show_restarting(&connector, None).await;
        self.start_connector(&connector);
        if entry.target_state == TargetState::Started {
            self.wait(connector, Until::Started, reply);
        } else {
            drop(reply.send(Ok(())));
        }
    }

    async fn restart_task(&mut self, id: &TaskId) -> Result<()> {
        let entry = self.context.configs.snapshot().connector(&id.connector).cloned();
        let entry = entry.ok_or_else(|| HerderError::unknown_connector_to_restart(&id.connector))?;
        if id.task >= entry.tasks.len() {
            return Err(HerderError::NotFound(format!("Unknown task: {id}")));
        }
        self.stop(&[], std::slice::from_ref(id)).await;
        self.show_restarting(&id.connector, Some(id.task)).await;
        self.start_task(id);
        Ok(())
    }

    /// Writes the request for all workers to see; the answer is what each of them will do.
    async fn plan_restart(&mut self, connector: &str, request: RestartRequest) -> Result<ConnectorStatus> {
        let snapshot = self.context.configs.snapshot();
        let entry = snapshot.connector(connector);
        let entry = entry.ok_or_else(|| HerderError::unknown_connector_to_restart(connector))?;
        let statuses = &self.context.statuses;
        let status = statuses.connector(connector);
        let status = status.ok_or_else(|| HerderError::NotFound(format!("Status for connector {connector} not found")))?;
        let tasks = statuses.tasks(connector);
        let plan = RestartPlan::new(request, &status, &tasks);
        self.context
            .configs
            .put_restart_request(connector, request)
            .await
            .map_err(|error| failed("Error writing restart request to Kafka", &error))?;
        Ok(ConnectorStatus {
            name: connector.to_owned(),
            connector: plan.shown(None, &status),
            tasks: tasks.iter().map(|(&task, status)| (task, plan.shown(Some(task), status))).collect(),
            kind: kind_of_config(&self.context.registry, Some(&entry.config)),
        })
    }

    /// Restarts what the request covers and runs here.
    async fn restart_by_request(&mut self, connector: &str, request: RestartRequest) {
        let Some(status) = self.context.statuses.connector(connector) else { return };
        let plan = RestartPlan::new(request, &status, &self.context.statuses.tasks(connector));
        let here = |task: &usize| self.running.tasks.contains_key(&TaskId { connector: connector.to_owned(), task: *task });
        let tasks = plan.tasks.into_iter().filter(here);
        let tasks = tasks.map(|task| TaskId { connector: connector.to_owned(), task }).collect::<Vec<_>>();
        let connectors =
            if plan.connector && self.running.connectors.contains_key(connector) { vec![connector.to_owned()] } else { vec![] };
        self.stop(&connectors, &tasks).await;
        for name in &connectors {
            self.show_restarting(name, None).await;
        }
        for id in &tasks {
            self.show_restarting(connector, Some(id.task)).await;
        }
        for name in &connectors {
            self.start_connector(name);
        }
        for id in &tasks {
            self.start_task(id);
        }
    }

    async fn show_restarting(&self, connector: &str, task: Option<usize>) {
        let status = crate::storage::InstanceStatus {
            state: InstanceState::Restarting,
            trace: None,
            worker_id: self.context.worker_id.to_string(),
            generation: self.generation(),
            version: None,
        };
        if let Err(error) = self.context.statuses.put(connector, task, &status).await {
            tracing::warn!("cannot show that connector '{connector}' is restarting: {}", error.trace());
        }
    }

    async fn find_stopped(&self, connector: &str) -> Result<Arc<ConnectorEntry>> {
        self.context
            .configs
            .refresh()
            .await
            .map_err(|error| failed("Failed to read to end of config topic before modifying connector offsets", &error))?;
        let entry = self.context.configs.snapshot().connector(connector).cloned();
        let entry = entry.ok_or_else(|| HerderError::connector_not_found(connector))?;
        check_stopped(connector, &entry)?;
        Ok(entry)
    }
}

/// Connect: AbstractHerder#taskConfigsChanged.
fn task_configs_changed(entry: &ConnectorEntry, configs: &[ConfigMap]) -> bool {
    entry.inconsistent
        || entry.applied_config.as_ref() != Some(&entry.config)
        || entry.tasks.len() != configs.len()
        || entry.tasks.iter().zip(configs).any(|(stored, new)| **stored != *new)
}

fn failed(what: &str, error: &ConnectError) -> HerderError {
    tracing::error!("{what}: {}", error.trace());
    HerderError::Internal(what.to_owned())
}

/// A store that is gone never changes again.
async fn changed(changes: &mut watch::Receiver<u64>) {
    if changes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
