//! Tells and remembers what state every connector and task is in, and which topics a connector uses.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::journal::{InternalTopic, Journal, Replayed};
use super::record_format::{InstanceState, InstanceStatus};
use crate::kafka::LogEntry;
use crate::plugin::Result;

/// A topic that a connector has used since its topics were last reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicStatus {
    pub topic: String,
    pub connector: String,
    /// The task that used it first.
    pub task: usize,
    pub discovered_ms: i64,
}

#[derive(Default)]
struct State {
    connectors: BTreeMap<String, Statuses>,
    /// By connector, then topic.
    topics: BTreeMap<String, BTreeMap<String, TopicStatus>>,
}

#[derive(Default)]
struct Statuses {
    connector: Option<InstanceStatus>,
    tasks: BTreeMap<usize, InstanceStatus>,
}

impl Replayed for State {
    fn apply(&mut self, key: Option<&[u8]>, value: Option<&[u8]>, _offset: i64) {
        let Some(key) = key.and_then(|key| std::str::from_utf8(key).ok()) else { return };
        if let Some(name) = key.strip_prefix("status-connector-") {
            match value.map(InstanceStatus::parse) {
                None => drop(self.connectors.remove(name)),
                Some(Some(status)) => replace(&mut self.connectors.entry(name.to_owned()).or_default().connector, status),
                Some(None) => tracing::warn!("ignored: record '{key}' of the status topic is not a status"),
            }
        } else if let Some(rest) = key.strip_prefix("status-task-") {
            let parsed = rest.rsplit_once('-').and_then(|(name, task)| Some((name, task.parse::<usize>().ok()?)));
            let Some((name, task)) = parsed else { return };
            match value.map(InstanceStatus::parse) {
                None => {
                    if let Some(statuses) = self.connectors.get_mut(name) {
                        statuses.tasks.remove(&task);
                    }
                }
                Some(Some(status)) => {
                    let tasks = &mut self.connectors.entry(name.to_owned()).or_default().tasks;
                    let mut slot = tasks.remove(&task);
                    replace(&mut slot, status);
                    tasks.extend(slot.map(|status| (task, status)));
                }
                Some(None) => tracing::warn!("ignored: record '{key}' of the status topic is not a status"),
            }
        } else if let Some(rest) = key.strip_prefix("status-topic-") {
            let Some((topic, connector)) = rest.split_once(":connector-") else { return };
            match value {
                None => {
                    if let Some(topics) = self.topics.get_mut(connector) {
                        topics.remove(topic);
                    }
                }
                Some(value) => match parse_topic(value) {
                    Some(status) => {
                        drop(self.topics.entry(status.connector.clone()).or_default().insert(status.topic.clone(), status))
                    }
                    None => tracing::warn!("ignored: record '{key}' of the status topic is not a topic"),
                },
            }
        }
    }
}

/// Connect: KafkaStatusBackingStore. A late UNASSIGNED of a worker that is gone does not hide that another one runs it.
fn replace(slot: &mut Option<InstanceStatus>, status: InstanceStatus) {
    let late = status.state == InstanceState::Unassigned
        && slot.as_ref().is_some_and(|now| now.state == InstanceState::Running && now.generation >= status.generation)
        && slot.as_ref().is_some_and(|now| now.worker_id != status.worker_id || now.generation > status.generation);
    if !late {
        *slot = Some(status);
    }
}

fn parse_topic(value: &[u8]) -> Option<TopicStatus> {
    let body: Json = serde_json::from_slice(value).ok()?;
    let topic = body.get("topic")?;
    Some(TopicStatus {
        topic: topic.get("name")?.as_str()?.to_owned(),
        connector: topic.get("connector")?.as_str()?.to_owned(),
        task: usize::try_from(topic.get("task")?.as_u64()?).ok()?,
        discovered_ms: topic.get("discoverTimestamp")?.as_i64()?,
    })
}

/// The status store of a worker.
pub struct StatusStore {
    journal: Journal<State>,
}

impl StatusStore {
    /// A store that lasts as long as the process.
    pub fn in_memory() -> Self {
        Self { journal: Journal::in_memory(State::default()) }
    }

    /// Reads the status topic, which is created if it is missing.
    pub async fn open(topic: &InternalTopic) -> Result<Self> {
        Ok(Self { journal: Journal::replay(topic, State::default(), false).await? })
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.journal.changes()
    }

    /// Every connector that has a status, or a task with one.
    pub fn connectors(&self) -> Vec<String> {
        self.journal.state().connectors.keys().cloned().collect()
    }

    pub fn connector(&self, name: &str) -> Option<InstanceStatus> {
        self.journal.state().connectors.get(name)?.connector.clone()
    }

    pub fn task(&self, connector: &str, task: usize) -> Option<InstanceStatus> {
        self.journal.state().connectors.get(connector)?.tasks.get(&task).cloned()
    }

    /// Statuses of all tasks of a connector, by task number.
    pub fn tasks(&self, connector: &str) -> BTreeMap<usize, InstanceStatus> {
        self.journal.state().connectors.get(connector).map(|statuses| statuses.tasks.clone()).unwrap_or_default()
    }

    /// Writes the status of a connector (`task` is `None`) or of one of its tasks.
    pub async fn put(&self, connector: &str, task: Option<usize>, status: &InstanceStatus) -> Result<()> {
        let value = (status.state != InstanceState::Destroyed).then(|| status.body().into());
        self.journal.write(&[LogEntry { key: status_key(connector, task).into(), value }]).await
    }

    /// The same, unless a newer generation has spoken since: a worker that was replaced may not overwrite its successor.
    pub async fn put_safe(&self, connector: &str, task: Option<usize>, status: &InstanceStatus) -> Result<()> {
        let now = match task {
            None => self.connector(connector),
            Some(task) => self.task(connector, task),
        };
        let stale = now.is_some_and(|now| now.worker_id != status.worker_id && now.generation > status.generation);
        if stale { Ok(()) } else { self.put(connector, task, status).await }
    }

    /// Forgets a connector and these of its tasks.
    pub async fn delete(&self, connector: &str, tasks: impl IntoIterator<Item = usize>) -> Result<()> {
        let keys = tasks.into_iter().map(Some).chain([None]).map(|task| status_key(connector, task));
        let entries = keys.map(|key| LogEntry { key: key.into(), value: None }).collect::<Vec<_>>();
        self.journal.write(&entries).await
    }

    /// The topics that a connector has used, by name.
    pub fn topics(&self, connector: &str) -> Vec<TopicStatus> {
        let state = self.journal.state();
        state.topics.get(connector).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    pub fn has_topic(&self, connector: &str, topic: &str) -> bool {
        self.journal.state().topics.get(connector).is_some_and(|topics| topics.contains_key(topic))
    }

    pub async fn put_topic(&self, status: &TopicStatus) -> Result<()> {
        let body = json!({"topic": {
            "name": status.topic,
            "connector": status.connector,
            "task": status.task,
            "discoverTimestamp": status.discovered_ms,
        }});
        let key = topic_key(&status.connector, &status.topic);
        self.journal.write(&[LogEntry { key: key.into(), value: Some(body.to_string().into()) }]).await
    }

    /// Forgets the topics that a connector has used.
    pub async fn reset_topics(&self, connector: &str) -> Result<()> {
        let topics = self.topics(connector).into_iter();
        let entry = |topic: TopicStatus| LogEntry { key: topic_key(connector, &topic.topic).into(), value: None };
        self.journal.write(&topics.map(entry).collect::<Vec<_>>()).await
    }
}

fn status_key(connector: &str, task: Option<usize>) -> String {
    match task {
        None => format!("status-connector-{connector}"),
        Some(task) => format!("status-task-{connector}-{task}"),
    }
}

fn topic_key(connector: &str, topic: &str) -> String {
    format!("status-topic-{topic}:connector-{connector}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: InstanceState, worker: &str, generation: i64) -> InstanceStatus {
        InstanceStatus { state, trace: None, worker_id: worker.to_owned(), generation, version: None }
    }

    #[tokio::test]
    async fn a_replaced_worker_does_not_overwrite_its_successor() {
        let store = StatusStore::in_memory();
        store.put("c", Some(0), &status(InstanceState::Running, "new", 2)).await.unwrap();
        store.put_safe("c", Some(0), &status(InstanceState::Failed, "old", 1)).await.unwrap();
        assert_eq!(store.task("c", 0).unwrap().state, InstanceState::Running);
        store.put("c", Some(0), &status(InstanceState::Unassigned, "old", 1)).await.unwrap();
        assert_eq!(store.task("c", 0).unwrap().worker_id, "new");
        store.put_safe("c", Some(0), &status(InstanceState::Failed, "new", 2)).await.unwrap();
        assert_eq!(store.task("c", 0).unwrap().state, InstanceState::Failed);
    }

    #[tokio::test]
    async fn a_connectors_tombstone_clears_its_tasks() {
        let store = StatusStore::in_memory();
        store.put("c", None, &status(InstanceState::Running, "w", 1)).await.unwrap();
        store.put("c", Some(1), &status(InstanceState::Running, "w", 1)).await.unwrap();
        store.put("c", None, &status(InstanceState::Destroyed, "w", 1)).await.unwrap();
        assert!(store.connector("c").is_none() && store.tasks("c").is_empty());
    }

    #[tokio::test]
    async fn topics_are_remembered_until_reset() {
        let store = StatusStore::in_memory();
        let topic = TopicStatus { topic: "a:b".into(), connector: "c".into(), task: 1, discovered_ms: 5 };
        store.put_topic(&topic).await.unwrap();
        assert_eq!(store.topics("c"), [topic]);
        store.reset_topics("c").await.unwrap();
        assert!(!store.has_topic("c", "a:b"));
    }
}
