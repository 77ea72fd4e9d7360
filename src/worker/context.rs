//! Holds what every connector and task of a worker shares.

use std::sync::Arc;

use crate::config::ConfigMap;
use crate::config::worker::WorkerConfig;
use crate::kafka::JavaSettings;
use crate::plugin::{ConnectError, Registry, Result};
use crate::storage::{OffsetStore, StatusStore, TopicStatus};

pub struct WorkerContext {
    pub config: WorkerConfig,
    pub registry: Arc<Registry>,
    pub statuses: Arc<StatusStore>,
    pub offsets: Arc<OffsetStore>,
    /// Advertised `host:port`.
    pub worker_id: String,
}

impl WorkerContext {
    /// Remembers that a connector uses a topic, unless that is known or not wanted.
    pub async fn record_topic(&self, id: &TaskId, topic: &str) {
        if !self.config.topic_tracking_enable || self.statuses.has_topic(&id.connector, topic) {
            return;
        }
        let discovered = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let status = TopicStatus {
            topic: topic.to_owned(),
            connector: id.connector.to_string(),
            task: id.task,
            discovered_ms: i64::try_from(discovered.as_millis()).unwrap_or(i64::MAX),
        };
        if let Err(error) = self.statuses.put_topic(&status).await {
            tracing::warn!("the use of topic '{topic}' could not be recorded: {}", error.trace());
        }
    }
}

/// A task by its connector and number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    pub connector: Arc<str>,
    pub task: usize,
}

impl TaskId {
    pub fn new(connector: impl Into<Arc<str>>, task: usize) -> Self {
        Self { connector: connector.into(), task }
    }
}

impl std::fmt::Display for TaskId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// Settings of a source task's producer. Each layer overrides the one before: Connect's own, the worker's
/// `producer.*`, the connector's `producer.override.*` (contracts/connect-runtime.md, section 1.6).
pub fn producer_settings(context: &WorkerContext, id: &TaskId, connector: &ConfigMap) -> Result<JavaSettings> {
    let own = [
        ("acks", "all"),
        ("enable.idempotence", "false"),
        ("max.in.flight.requests.per.connection", "1"),
        ("max.block.ms", "9223372036854775807"),
        ("delivery.timeout.ms", "2147483647"),
    ];
    layered(&context.config, connector, "producer", &format!("connector-producer-{id}"), &own)
}

/// Settings of a sink task's consumer.
pub fn consumer_settings(context: &WorkerContext, id: &TaskId, connector: &ConfigMap) -> Result<JavaSettings> {
    base_consumer_settings(&context.config, &id.connector, connector, &format!("connector-consumer-{id}"))
}

/// The consumer group whose offsets are those of a sink connector.
pub fn sink_group(worker: &WorkerConfig, name: &str, connector: &ConfigMap) -> Result<String> {
    let mut settings = base_consumer_settings(worker, name, connector, "")?;
    Ok(settings.remove("group.id").unwrap_or_default())
}

/// Settings of the client that reads and changes the offsets of a sink connector's group.
pub fn group_admin_settings(worker: &WorkerConfig, name: &str, connector: &ConfigMap) -> Result<JavaSettings> {
    admin_layers(worker, connector, &format!("connector-worker-adminclient-{name}"))
}

fn base_consumer_settings(worker: &WorkerConfig, name: &str, connector: &ConfigMap, client_id: &str) -> Result<JavaSettings> {
    let group = format!("connect-{name}");
    let own = [("group.id", group.as_str()), ("enable.auto.commit", "false"), ("auto.offset.reset", "earliest")];
    layered(worker, connector, "consumer", client_id, &own)
}

/// Settings of the producer of a sink's dead letter queue.
pub fn dead_letter_producer_settings(context: &WorkerContext, id: &TaskId, connector: &ConfigMap) -> Result<JavaSettings> {
    let own = [("acks", "all"), ("enable.idempotence", "false"), ("max.in.flight.requests.per.connection", "1")];
    layered(&context.config, connector, "producer", &format!("connector-dlq-producer-{id}"), &own)
}

/// Settings of the admin client that creates the topic of a dead letter queue; nothing follows the dash in Connect's name.
pub fn dead_letter_admin_settings(context: &WorkerContext, connector: &ConfigMap) -> Result<JavaSettings> {
    admin_layers(&context.config, connector, "connector-dlq-adminclient-")
}

/// Settings of a connector's admin client: every worker setting that is not for another kind of client comes first.
pub fn admin_settings(context: &WorkerContext, id: &TaskId, connector: &ConfigMap) -> Result<JavaSettings> {
    admin_layers(&context.config, connector, &format!("connector-adminclient-{id}"))
}

fn admin_layers(worker: &WorkerConfig, connector: &ConfigMap, client_id: &str) -> Result<JavaSettings> {
    let prefixed = |key: &str| ["admin.", "producer.", "consumer."].iter().any(|prefix| key.starts_with(prefix));
    let shared = worker.originals.iter().filter(|(key, _)| !prefixed(key)).collect::<Vec<_>>();
    layered(worker, connector, "admin", client_id, &shared)
}

fn layered(
    worker: &WorkerConfig,
    connector: &ConfigMap,
    kind: &str,
    client_id: &str,
    own: &[(&str, &str)],
) -> Result<JavaSettings> {
    let mut settings = JavaSettings::new();
    let mut set = |key: &str, value: &str| drop(settings.insert(key.to_owned(), value.to_owned()));
    set("bootstrap.servers", &worker.bootstrap_servers.join(","));
    set("client.id", client_id);
    own.iter().for_each(|(key, value)| set(key, value));
    worker.originals.with_prefix(&format!("{kind}.")).iter().for_each(|(key, value)| set(key, value));
    let prefix = format!("{kind}.override.");
    for (key, value) in connector.with_prefix(&prefix).iter() {
        worker.client_override_policy.check(key).map_err(ConnectError::config)?;
        set(key, value);
    }
    Ok(settings)
}
