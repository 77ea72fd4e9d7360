//! Runs one connector: asks it for task configs at its start, at each resume and whenever it says so.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::context::WorkerContext;
use super::status_reporter::StatusReporter;
use super::supervisor::WorkerEvent;
use super::unknown_settings::unknown_settings;
use crate::config::ConfigMap;
use crate::config::provider::has_variable;
use crate::plugin::{ConnectError, Connector, Result};
use crate::storage::TargetState;

pub(super) struct ConnectorRun {
    pub context: Arc<WorkerContext>,
    pub name: Arc<str>,
    /// With variables unresolved.
    pub raw_config: ConfigMap,
    pub target: watch::Receiver<TargetState>,
    pub status: StatusReporter,
    pub events: mpsc::Sender<WorkerEvent>,
    pub stop: CancellationToken,
}

impl ConnectorRun {
    /// Returns when it is stopped.
    ///
    /// # Errors
    /// What the connector failed with.
    pub async fn run(mut self) -> Result<()> {
        self.tell_unknown_settings();
        loop {
            // Cloned, because a borrow of the watch must not live across an await.
            let target = *self.target.borrow_and_update();
            match target {
                TargetState::Started => self.generate_task_configs().await?,
                TargetState::Paused => self.status.paused().await,
                TargetState::Stopped => self.status.stopped().await,
            }
            if target != TargetState::Started {
                self.send(WorkerEvent::ConnectorStarted { name: self.name.to_string() }).await;
            }
            if !self.wait_for_change(target).await? {
                return Ok(());
            }
        }
    }

    fn tell_unknown_settings(&self) {
        // A config or class that cannot be read is an error where it is used.
        let Ok(config) = self.context.config.providers.resolve(&self.raw_config) else { return };
        let registry = &self.context.registry;
        let Ok(plugin) = registry.connector(config.get("connector.class").unwrap_or_default().trim()) else { return };
        let unknown = unknown_settings(registry, plugin, &config);
        if !unknown.is_empty() {
            let names = unknown.iter().map(|name| format!("'{}'", name.escape_debug())).collect::<Vec<_>>().join(", ");
            tracing::warn!(
                "the configurations {names} were supplied but aren't known configs of the connector, its converters, \
                 transforms or clients; they have no effect"
            );
        }
    }

    /// True when there is something to do again, false when the connector is to stop.
    async fn wait_for_change(&mut self, target: TargetState) -> Result<bool> {
        let context = self.context.clone();
        let config = context.config.providers.resolve(&self.raw_config)?;
        let reconfiguration = async {
            match target {
                TargetState::Started => connector(&context, &config)?.reconfiguration_needed(&config).await,
                TargetState::Paused | TargetState::Stopped => std::future::pending().await,
            }
            Ok::<_, ConnectError>(())
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Ok(false),
            // The sender lives in the supervisor as long as this run.
            changed = self.target.changed() => Ok(changed.is_ok()),
            needed = reconfiguration => needed.map(|()| true),
        }
    }

    async fn generate_task_configs(&mut self) -> Result<()> {
        let config = self.context.config.providers.resolve(&self.raw_config)?;
        let context = self.context.clone();
        let connector = connector(&context, &config)?;
        let max_tasks = max_tasks(&config)?;
        let stop = self.stop.clone();
        let configs = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            configs = connector.task_configs(&config, max_tasks) => configs?,
        };
        let enforce = !config.get("tasks.max.enforce").is_some_and(|text| text.trim().eq_ignore_ascii_case("false"));
        if configs.len() > max_tasks {
            let message = format!(
                "the connector {} wants {} tasks, more than its tasks.max of {max_tasks}; raise tasks.max, or set \
                 tasks.max.enforce=false to allow it",
                self.name,
                configs.len()
            );
            if enforce {
                return Err(ConnectError::config(message));
            }
            tracing::warn!("{message}");
        }
        let task_class = connector.task_class();
        let configs = configs.into_iter().map(|task| complete(task, task_class, &config, &self.raw_config)).collect();
        self.status.running().await;
        let name = self.name.to_string();
        self.send(WorkerEvent::ConnectorStarted { name: name.clone() }).await;
        self.send(WorkerEvent::TaskConfigs { connector: name, configs }).await;
        Ok(())
    }

    async fn send(&self, event: WorkerEvent) {
        // The receiver is gone only when the process ends.
        let _ = self.events.send(event).await;
    }
}

fn connector<'a>(context: &'a WorkerContext, config: &ConfigMap) -> Result<&'a dyn Connector> {
    let class = config.get("connector.class").unwrap_or_default();
    Ok(context.registry.connector(class.trim())?.connector())
}

fn max_tasks(config: &ConfigMap) -> Result<usize> {
    let text = config.get("tasks.max").unwrap_or("1");
    let parsed = text.trim().parse::<usize>().ok().filter(|count| *count > 0);
    parsed.ok_or_else(|| {
        ConnectError::config(format!("Invalid value {text} for configuration tasks.max: Value must be at least 1"))
    })
}

/// Adds what the framework puts into every task config, and puts variables back in place of what they resolved to.
/// Connect: AbstractHerder#reverseTransform and Worker#connectorTaskConfigs.
fn complete(mut task: ConfigMap, task_class: &str, resolved: &ConfigMap, raw: &ConfigMap) -> ConfigMap {
    for (key, value) in raw.iter().filter(|(_, value)| has_variable(value)) {
        if task.get(key).is_some() && task.get(key) == resolved.get(key) {
            task.set(key, value);
        }
    }
    task.set("task.class", task_class);
    for key in ["topics", "topics.regex"] {
        if let Some(value) = raw.get(key) {
            task.set(key, value);
        }
    }
    task
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> ConfigMap {
        pairs.iter().copied().collect()
    }

    #[test]
    fn task_configs_hold_variables_and_not_what_they_stand_for() {
        let raw = map(&[("password", "${file:/s:p}"), ("topics", "a,b"), ("user", "me")]);
        let resolved = map(&[("password", "secret"), ("topics", "a,b"), ("user", "me")]);
        let task = complete(map(&[("password", "secret"), ("user", "me")]), "T", &resolved, &raw);
        assert!(task == map(&[("password", "${file:/s:p}"), ("user", "me"), ("task.class", "T"), ("topics", "a,b")]));
    }
}
