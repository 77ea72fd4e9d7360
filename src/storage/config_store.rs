//! Holds the configs, task configs and target states of all connectors.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::journal::{InternalTopic, Journal, Replayed};
use super::record_format::{ConfigRecord, RestartRequest, TargetState};
use crate::config::ConfigMap;
use crate::plugin::Result;

/// What the cluster knows of one connector.
#[derive(Clone, Default, PartialEq)]
pub struct ConnectorEntry {
    pub config: ConfigMap,
    pub target_state: TargetState,
    /// The committed task configs, by task number; empty while none are committed or the set is incomplete.
    pub tasks: Vec<Arc<ConfigMap>>,
    /// Raised by each commit of task configs.
    pub task_generation: u64,
    /// The connector config that the committed tasks came from.
    pub applied_config: Option<ConfigMap>,
    /// Compaction took part of the task configs; only a new set repairs that.
    pub inconsistent: bool,
}

/// An immutable view of all connectors.
#[derive(Clone, Default)]
pub struct ClusterConfig {
    /// The last record's offset + 1, which members of a group compare.
    pub offset_next: i64,
    pub connectors: BTreeMap<String, Arc<ConnectorEntry>>,
}

impl ClusterConfig {
    pub fn connector(&self, name: &str) -> Option<&Arc<ConnectorEntry>> {
        self.connectors.get(name)
    }
}

#[derive(Default)]
struct State {
    current: ClusterConfig,
    /// Task configs whose commit has not come, by connector and task.
    deferred: BTreeMap<String, BTreeMap<usize, Arc<ConfigMap>>>,
    /// Target states of connectors whose config has not come: with an initial state it is written first.
    early_target_states: BTreeMap<String, TargetState>,
    restarts: BTreeMap<String, RestartRequest>,
    logger_levels: BTreeMap<String, Option<String>>,
    /// False while old records are replayed, whose requests were answered long ago.
    live: bool,
}

impl Replayed for State {
    fn apply(&mut self, key: Option<&[u8]>, value: Option<&[u8]>, offset: i64) {
        // Every record counts whose body could be decoded, of whatever kind (contracts/connect-runtime.md, 3.2).
        self.current.offset_next = offset + 1;
        let Some(key) = key else { return };
        match ConfigRecord::parse(key, value) {
            Ok(record) => self.apply_record(record),
            Err(error) => tracing::warn!("ignored: {error}"),
        }
    }
}

impl State {
    fn apply_record(&mut self, record: ConfigRecord) {
        match record {
            ConfigRecord::Connector { name, config: Some(config) } => {
                let early = self.early_target_states.remove(&name);
                let entry = Arc::make_mut(self.current.connectors.entry(name).or_default());
                entry.config = config;
                if let Some(state) = early {
                    entry.target_state = state;
                }
            }
            ConfigRecord::Connector { name, config: None } => {
                self.current.connectors.remove(&name);
                self.deferred.remove(&name);
                self.restarts.remove(&name);
            }
            ConfigRecord::TargetState { connector, state } => match self.current.connectors.get_mut(&connector) {
                Some(entry) => Arc::make_mut(entry).target_state = state.unwrap_or_default(),
                None => {
                    self.early_target_states.remove(&connector);
                    self.early_target_states.extend(state.map(|state| (connector, state)));
                }
            },
            ConfigRecord::Task { connector, task, config } => {
                self.deferred.entry(connector).or_default().insert(task, Arc::new(config));
            }
            ConfigRecord::Commit { connector, tasks } => self.commit(&connector, tasks),
            ConfigRecord::Restart { connector, request } if self.live => {
                let stronger = match self.restarts.get(&connector) {
                    Some(pending) if strength(*pending) >= strength(request) => *pending,
                    _ => request,
                };
                self.restarts.insert(connector, stronger);
            }
            ConfigRecord::LoggerLevel { logger, level } if self.live => {
                self.logger_levels.insert(logger, level);
            }
            ConfigRecord::Restart { .. }
            | ConfigRecord::LoggerLevel { .. }
            | ConfigRecord::TasksFencing { .. }
            | ConfigRecord::SessionKey { .. } => {}
        }
    }

    fn commit(&mut self, connector: &str, tasks: usize) {
        let mut deferred = self.deferred.remove(connector).unwrap_or_default();
        // Left over from a connector that was deleted.
        let Some(entry) = self.current.connectors.get_mut(connector) else { return };
        let entry = Arc::make_mut(entry);
        let complete = deferred.len() == tasks && deferred.keys().copied().eq(0..tasks);
        if complete {
            entry.tasks = std::mem::take(&mut deferred).into_values().collect();
            entry.task_generation += 1;
            entry.inconsistent = false;
            entry.applied_config = Some(entry.config.clone());
        } else {
            tracing::debug!("the task configs of connector '{connector}' are incomplete; new ones are needed");
            entry.tasks.clear();
            entry.inconsistent = true;
        }
    }
}

/// Connect: RestartRequest#compareTo. A request for the connector beats one for what failed.
fn strength(request: RestartRequest) -> (bool, bool) {
    (!request.only_failed, request.include_tasks)
}

/// The config store of a worker.
pub struct ConfigStore {
    journal: Journal<State>,
}

impl ConfigStore {
    /// A store that lasts as long as the process.
    pub fn in_memory() -> Self {
        Self { journal: Journal::in_memory(State { live: true, ..State::default() }) }
    }

    /// Reads the config topic, which is created if it is missing.
    pub async fn open(topic: &InternalTopic) -> Result<Self> {
        let journal = Journal::replay(topic, State::default(), true).await?;
        journal.state().live = true;
        Ok(Self { journal })
    }

    pub fn snapshot(&self) -> ClusterConfig {
        self.journal.state().current.clone()
    }

    /// Changes when a record of any kind was read.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.journal.changes()
    }

    /// Waits until this worker has read everything written so far.
    pub async fn refresh(&self) -> Result<()> {
        self.journal.read_to_end().await
    }

    /// Writes a connector's config, and before it the state it starts in, if one is given.
    pub async fn put_connector(&self, name: &str, config: &ConfigMap, initial_state: Option<TargetState>) -> Result<()> {
        let state = initial_state.map(|state| ConfigRecord::TargetState { connector: name.to_owned(), state: Some(state) });
        let config = ConfigRecord::Connector { name: name.to_owned(), config: Some(config.clone()) };
        self.write(state.into_iter().chain([config])).await
    }

    /// Forgets a connector with its target state; its task configs stay in the topic without effect.
    pub async fn delete_connector(&self, name: &str) -> Result<()> {
        let records = [
            ConfigRecord::Connector { name: name.to_owned(), config: None },
            ConfigRecord::TargetState { connector: name.to_owned(), state: None },
        ];
        self.write(records).await
    }

    /// Replaces a connector's task configs: all are written and read before the commit record makes them count.
    pub async fn put_task_configs(&self, connector: &str, tasks: &[ConfigMap]) -> Result<()> {
        if !tasks.is_empty() {
            let tasks = tasks.iter().enumerate();
            let record = |(task, config): (usize, &ConfigMap)| ConfigRecord::Task {
                connector: connector.to_owned(),
                task,
                config: config.clone(),
            };
            self.write(tasks.map(record)).await?;
        }
        self.write([ConfigRecord::Commit { connector: connector.to_owned(), tasks: tasks.len() }]).await
    }

    pub async fn put_target_state(&self, connector: &str, state: TargetState) -> Result<()> {
        self.write([ConfigRecord::TargetState { connector: connector.to_owned(), state: Some(state) }]).await
    }

    pub async fn put_restart_request(&self, connector: &str, request: RestartRequest) -> Result<()> {
        self.write([ConfigRecord::Restart { connector: connector.to_owned(), request }]).await
    }

    pub async fn put_logger_level(&self, logger: &str, level: &str) -> Result<()> {
        self.write([ConfigRecord::LoggerLevel { logger: logger.to_owned(), level: Some(level.to_owned()) }]).await
    }

    /// Takes the restart requests that came since the last call, the strongest of each connector.
    pub fn take_restart_requests(&self) -> BTreeMap<String, RestartRequest> {
        std::mem::take(&mut self.journal.state().restarts)
    }

    /// Takes the cluster-wide log levels that came since the last call.
    pub fn take_logger_levels(&self) -> BTreeMap<String, Option<String>> {
        std::mem::take(&mut self.journal.state().logger_levels)
    }

    async fn write(&self, records: impl IntoIterator<Item = ConfigRecord>) -> Result<()> {
        let mut entries = records.into_iter().map(|record| record.entry()).collect::<Vec<_>>();
        // The topic has one partition and the order of records with different keys counts.
        let last = entries.pop();
        for entry in entries {
            self.journal.append(&[entry]).await?;
        }
        self.journal.write(&last.into_iter().collect::<Vec<_>>()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(value: &str) -> ConfigMap {
        [("k", value)].into_iter().collect()
    }

    #[tokio::test]
    async fn task_configs_count_only_after_their_commit() {
        let store = ConfigStore::in_memory();
        store.put_connector("c", &config("1"), None).await.unwrap();
        store.write([ConfigRecord::Task { connector: "c".into(), task: 0, config: config("t") }]).await.unwrap();
        assert!(store.snapshot().connector("c").unwrap().tasks.is_empty());
        store.put_task_configs("c", &[config("a"), config("b")]).await.unwrap();
        let entry = store.snapshot().connector("c").unwrap().clone();
        assert_eq!((entry.tasks.len(), entry.task_generation, entry.inconsistent), (2, 1, false));
        assert!(entry.applied_config == Some(config("1")));
    }

    #[tokio::test]
    async fn an_incomplete_set_leaves_the_connector_without_tasks() {
        let store = ConfigStore::in_memory();
        store.put_connector("c", &config("1"), None).await.unwrap();
        store.write([ConfigRecord::Task { connector: "c".into(), task: 1, config: config("t") }]).await.unwrap();
        store.write([ConfigRecord::Commit { connector: "c".into(), tasks: 2 }]).await.unwrap();
        let entry = store.snapshot().connector("c").unwrap().clone();
        assert!(entry.inconsistent && entry.tasks.is_empty());
        store.put_task_configs("c", &[]).await.unwrap();
        assert!(!store.snapshot().connector("c").unwrap().inconsistent);
    }

    #[tokio::test]
    async fn an_initial_state_holds_from_the_first_sight_of_the_connector() {
        let store = ConfigStore::in_memory();
        store.put_connector("c", &config("1"), Some(TargetState::Stopped)).await.unwrap();
        assert_eq!(store.snapshot().connector("c").unwrap().target_state, TargetState::Stopped);
        store.delete_connector("c").await.unwrap();
        assert!(store.snapshot().connector("c").is_none());
        store.put_connector("c", &config("1"), None).await.unwrap();
        assert_eq!(store.snapshot().connector("c").unwrap().target_state, TargetState::Started);
    }

    #[tokio::test]
    async fn the_stronger_of_two_restart_requests_wins() {
        let store = ConfigStore::in_memory();
        let request = |include_tasks, only_failed| RestartRequest { include_tasks, only_failed };
        store.put_restart_request("c", request(false, false)).await.unwrap();
        store.put_restart_request("c", request(true, true)).await.unwrap();
        assert_eq!(store.take_restart_requests().get("c"), Some(&request(false, false)));
        assert!(store.take_restart_requests().is_empty());
    }

    #[tokio::test]
    async fn a_commit_of_a_deleted_connector_is_ignored() {
        let store = ConfigStore::in_memory();
        store.put_task_configs("gone", &[config("a")]).await.unwrap();
        assert!(store.snapshot().connectors.is_empty());
        assert_eq!(store.snapshot().offset_next, 2);
    }
}
