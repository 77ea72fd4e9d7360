//! Asks brokers about topics and groups, and changes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic as NativeNewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;

use super::client_config::{ClientKind, ClientSettings, JavaSettings};
use super::context::Context;
use super::error::{code_error, connect_error};
use crate::plugin::{ConnectError, Result};

/// How long one look for the cluster's id waits.
const CLUSTER_ID_LOOK: Duration = Duration::from_millis(100);

/// A topic to create. `-1` for partitions or factor leaves the number to the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    pub partitions: i32,
    pub replication_factor: i32,
    pub config: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// This call created it.
    New,
    Existed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// By this call.
    Now,
    /// There was none.
    Before,
    NotWithMembers,
}

/// A client for administrative requests. Cheap to clone.
#[derive(Clone)]
pub struct Admin {
    inner: Arc<Inner>,
    timeout: Duration,
}

/// The native client joins a thread when dropped, so the last owner hands it to a thread of its own.
struct Inner(Option<AdminClient<Context>>);

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            close_aside(client);
        }
    }
}

impl Admin {
    /// # Errors
    /// `Config` if the settings are not valid. No connection is made yet.
    pub fn new(java: &JavaSettings) -> Result<Self> {
        let settings = ClientSettings::from_java(ClientKind::Admin, java)?;
        let client = settings
            .native()
            .create_with_context(Context::default())
            .map_err(|error| connect_error("cannot create a Kafka admin client", &error))?;
        Ok(Self { inner: Arc::new(Inner(Some(client))), timeout: settings.api_timeout })
    }

    fn client(&self) -> &AdminClient<Context> {
        match &self.inner.0 {
            Some(client) => client,
            None => unreachable!("the client is taken only on drop"),
        }
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.timeout)).operation_timeout(Some(self.timeout))
    }

    /// Creates the topic unless it exists.
    pub async fn create_topic(&self, name: &str, topic: &NewTopic) -> Result<Created> {
        let what = || format!("cannot create topic '{name}'");
        let mut native = NativeNewTopic::new(name, topic.partitions, TopicReplication::Fixed(topic.replication_factor));
        for (key, value) in &topic.config {
            native = native.set(key, value);
        }
        let results =
            self.client().create_topics([&native], &self.options()).await.map_err(|error| self.failed(what(), &error))?;
        match results.into_iter().next() {
            None | Some(Ok(_)) => Ok(Created::New),
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(Created::Existed),
            Some(Err((_, RDKafkaErrorCode::InvalidReplicationFactor))) => {
                Err(ConnectError::retriable(what()).caused_by(format!(
                    "the cluster has fewer brokers than replication factor {}; lower the factor or start more brokers",
                    topic.replication_factor
                )))
            }
            Some(Err((_, code))) => Err(code_error(what(), code)),
        }
    }

    /// The number of partitions, or `None` if the topic does not exist.
    pub async fn partition_count(&self, name: &str) -> Result<Option<i32>> {
        let (admin, topic) = (self.clone(), name.to_owned());
        let found = run_blocking(move || admin.client().inner().fetch_metadata(Some(&topic), admin.timeout)).await?;
        let metadata = found.map_err(|error| self.failed(format!("cannot describe topic '{name}'"), &error))?;
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else { return Ok(None) };
        match topic.error().map(RDKafkaErrorCode::from) {
            None => Ok(Some(i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX))),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Ok(None),
            Some(code) => Err(code_error(format!("cannot describe topic '{name}'"), code)),
        }
    }

    /// The names of all topics this principal may see.
    pub async fn topics(&self) -> Result<Vec<String>> {
        let admin = self.clone();
        let found = run_blocking(move || admin.client().inner().fetch_metadata(None, admin.timeout)).await?;
        let metadata = found.map_err(|error| self.failed("cannot list topics".to_owned(), &error))?;
        Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
    }

    /// The id of the cluster; `None` if the brokers do not tell within the time limit.
    pub async fn cluster_id(&self) -> Result<Option<String>> {
        let admin = self.clone();
        run_blocking(move || {
            let deadline = Instant::now() + admin.timeout;
            loop {
                let began = Instant::now();
                // librdkafka misses an answer that comes just before it begins to wait, and would wait out the limit.
                let id = admin.client().inner().fetch_cluster_id(CLUSTER_ID_LOOK);
                // Brokers that tell no id (before 0.10.1) are known at once.
                let too_old = began.elapsed() < CLUSTER_ID_LOOK / 2;
                if id.is_some() || too_old || Instant::now() >= deadline {
                    return id;
                }
            }
        })
        .await
    }

    /// All settings of a topic with their values.
    pub async fn topic_config(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let what = || format!("cannot read the settings of topic '{name}'");
        let resources = [ResourceSpecifier::Topic(name)];
        let results =
            self.client().describe_configs(&resources, &self.options()).await.map_err(|error| self.failed(what(), &error))?;
        match results.into_iter().next() {
            Some(Ok(resource)) => {
                Ok(resource.entries.into_iter().filter_map(|entry| entry.value.map(|value| (entry.name, value))).collect())
            }
            Some(Err(code)) => Err(code_error(what(), code)),
            None => Err(ConnectError::retriable(what()).caused_by("the broker's answer names no topic")),
        }
    }

    /// Deletes a topic; one that does not exist is fine.
    pub async fn delete_topic(&self, name: &str) -> Result<()> {
        let what = || format!("cannot delete topic '{name}'");
        let results = self.client().delete_topics(&[name], &self.options()).await.map_err(|error| self.failed(what(), &error))?;
        match results.into_iter().next() {
            None | Some(Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition))) => Ok(()),
            Some(Err((_, code))) => Err(code_error(what(), code)),
        }
    }

    /// Deletes a consumer group with its offsets, unless it has members.
    pub async fn delete_group(&self, name: &str) -> Result<Deleted> {
        let what = || format!("cannot delete consumer group '{name}'");
        let results = self.client().delete_groups(&[name], &self.options()).await.map_err(|error| self.failed(what(), &error))?;
        match results.into_iter().next() {
            None | Some(Ok(_)) => Ok(Deleted::Now),
            Some(Err((_, RDKafkaErrorCode::GroupIdNotFound))) => Ok(Deleted::Before),
            Some(Err((_, RDKafkaErrorCode::NonEmptyGroup))) => Ok(Deleted::NotWithMembers),
            Some(Err((_, code))) => Err(code_error(what(), code)),
        }
    }

    fn failed(&self, what: String, error: &rdkafka::error::KafkaError) -> ConnectError {
        self.client().inner().context().explain(connect_error(what, error))
    }
}

/// Drops a client that waits for its own threads on a thread of its own.
pub(super) fn close_aside<T: Send + 'static>(client: T) {
    let thread = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(move || drop(client));
    if let Err(error) = thread {
        // The closure, and the client in it, was dropped here, which only took longer.
        tracing::debug!("no thread to close a Kafka client on: {error}");
    }
}

/// Runs a blocking librdkafka call off the runtime's threads.
pub(super) async fn run_blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(call)
        .await
        .map_err(|error| ConnectError::fatal("a call to the Kafka client did not finish").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::test_broker::TestBroker;

    #[tokio::test]
    async fn the_cluster_id_is_told_to_every_client_at_once() {
        let broker = TestBroker::with_values("t", &[]);
        let java = JavaSettings::from_iter([("bootstrap.servers".to_owned(), broker.bootstrap_servers())]);
        for number in 0..300 {
            let admin = Admin::new(&java).unwrap();
            let id = tokio::time::timeout(Duration::from_secs(20), admin.cluster_id()).await;
            assert!(matches!(id, Ok(Ok(Some(_)))), "client {number}: {id:?}");
        }
    }
}
