//! Reads and changes the committed offsets of a consumer group from outside of it.
//!
//! librdkafka's own calls for this are not in the safe API, so a consumer that subscribes to nothing does the work: it asks
//! for the offsets of every partition there is, and commits with no generation, which brokers allow while a group has no
//! members. There is no such way to forget one partition of several: the group is deleted and the rest written again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::admin::{Admin, Deleted, close_aside, run_blocking};
use super::client_config::{ClientKind, ClientSettings, JavaSettings};
use super::context::Context;
use super::error::connect_error;
use crate::data::TopicPartition;
use crate::plugin::{ConnectError, Result};

/// A request that waits for several calls shall still end within the limit of the REST API.
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// Complaints of a client that are listened to before its error is reported.
const TOLD_AT_MOST: usize = 100;

/// Changes are made one after the other, because forgetting offsets reads and writes the whole group.
static CHANGE: Mutex<()> = Mutex::new(());

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupChange {
    Made,
    /// The group has members, and nobody else may change its offsets.
    GroupIsActive,
}

/// The offsets of one group. Cheap to clone.
#[derive(Clone)]
pub struct GroupOffsets {
    client: Arc<Client>,
    settings: Arc<JavaSettings>,
    group: Arc<str>,
    limit: Duration,
}

/// The native client waits for its threads when dropped, so the last owner hands it to a thread of its own.
struct Client(Option<BaseConsumer<Context>>);

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            close_aside(client);
        }
    }
}

impl GroupOffsets {
    /// Takes the settings of an admin client.
    ///
    /// # Errors
    /// `Config` if the settings are not valid. No connection is made yet.
    pub fn new(java: &JavaSettings, group: &str) -> Result<Self> {
        let mut settings = ClientSettings::from_java(ClientKind::Admin, java)?;
        settings.set("group.id", group);
        settings.set("enable.auto.commit", "false");
        settings.set("isolation.level", "read_uncommitted");
        let client = settings
            .native()
            .create_with_context(Context::default())
            .map_err(|error| connect_error("cannot create a Kafka consumer", &error))?;
        let limit = settings.api_timeout.min(CALL_LIMIT);
        Ok(Self { client: Arc::new(Client(Some(client))), settings: Arc::new(java.clone()), group: group.into(), limit })
    }

    /// The offset to consume next of every partition that has one; none of a group that does not exist.
    pub async fn committed(&self) -> Result<BTreeMap<TopicPartition, i64>> {
        let this = self.clone();
        run_blocking(move || this.read(&this.partitions()?)).await?
    }

    /// Sets offsets, or forgets them where there is `None`; other partitions keep theirs. Goes on when the future is
    /// dropped.
    ///
    /// # Errors
    /// Why not all of it was done; the part that concerns partitions that exist may have been.
    pub async fn alter(&self, offsets: BTreeMap<TopicPartition, Option<i64>>) -> Result<GroupChange> {
        let (this, runtime) = (self.clone(), Handle::current());
        run_blocking(move || {
            let _alone = CHANGE.lock();
            this.alter_alone(offsets, &runtime)
        })
        .await?
    }

    /// Forgets all offsets; a group that does not exist is fine.
    pub async fn delete(&self) -> Result<GroupChange> {
        let (this, runtime) = (self.clone(), Handle::current());
        run_blocking(move || {
            let _alone = CHANGE.lock();
            this.delete_alone(&runtime)
        })
        .await?
    }

    fn alter_alone(&self, offsets: BTreeMap<TopicPartition, Option<i64>>, runtime: &Handle) -> Result<GroupChange> {
        let existing = self.partitions()?;
        let (known, unknown) = offsets.into_iter().partition::<BTreeMap<_, _>, _>(|(partition, _)| existing.contains(partition));
        let mut wanted = known.iter().filter_map(|(partition, offset)| Some((partition.clone(), (*offset)?))).collect();
        if known.values().any(Option::is_none) {
            let committed = self.read(&existing)?;
            if known.iter().any(|(partition, offset)| offset.is_none() && committed.contains_key(partition)) {
                let mut kept = committed;
                kept.retain(|partition, _| known.get(partition) != Some(&None));
                kept.append(&mut wanted);
                // Should the worker die before they are written again, this says how to put them back.
                tracing::info!("consumer group '{}' is reset and keeps these offsets: {}", self.group, listed(&kept));
                if self.delete_alone(runtime)? == GroupChange::GroupIsActive {
                    return Ok(GroupChange::GroupIsActive);
                }
                wanted = kept;
            }
        }
        if !wanted.is_empty() && self.commit(&wanted)? == GroupChange::GroupIsActive {
            return Ok(GroupChange::GroupIsActive);
        }
        match unknown.first_key_value() {
            None => Ok(GroupChange::Made),
            Some((partition, _)) => Err(self
                .failed_change()
                .caused_by(format!("there is no partition {} of topic '{}'", partition.partition, partition.topic))),
        }
    }

    fn delete_alone(&self, runtime: &Handle) -> Result<GroupChange> {
        let admin = Admin::new(&self.settings)?;
        Ok(match runtime.block_on(admin.delete_group(&self.group))? {
            Deleted::Now | Deleted::Before => GroupChange::Made,
            Deleted::NotWithMembers => GroupChange::GroupIsActive,
        })
    }

    fn client(&self) -> &BaseConsumer<Context> {
        match &self.client.0 {
            Some(client) => client,
            None => unreachable!("the client is taken only on drop"),
        }
    }

    /// All partitions this principal may see.
    fn partitions(&self) -> Result<BTreeSet<TopicPartition>> {
        let found = self.client().fetch_metadata(None, self.limit);
        let metadata = found.map_err(|error| self.failed("cannot list topics".to_owned(), &error))?;
        let of_topic = |topic: &rdkafka::metadata::MetadataTopic| {
            let name: Arc<str> = topic.name().into();
            topic.partitions().iter().map(|part| TopicPartition { topic: name.clone(), partition: part.id() }).collect::<Vec<_>>()
        };
        Ok(metadata.topics().iter().flat_map(of_topic).collect())
    }

    fn read(&self, partitions: &BTreeSet<TopicPartition>) -> Result<BTreeMap<TopicPartition, i64>> {
        let what = || format!("cannot read the offsets of consumer group '{}'", self.group);
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for TopicPartition { topic, partition } in partitions {
            list.add_partition(topic, *partition);
        }
        if list.count() == 0 {
            return Ok(BTreeMap::new());
        }
        let list = self.client().committed_offsets(list, self.limit).map_err(|error| self.failed(what(), &error))?;
        let mut committed = BTreeMap::new();
        for element in list.elements() {
            element.error().map_err(|error| self.failed(what(), &error))?;
            if let Offset::Offset(offset) = element.offset() {
                committed.insert(TopicPartition { topic: element.topic().into(), partition: element.partition() }, offset);
            }
        }
        Ok(committed)
    }

    fn commit(&self, offsets: &BTreeMap<TopicPartition, i64>) -> Result<GroupChange> {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (TopicPartition { topic, partition }, offset) in offsets {
            let added = list.add_partition_offset(topic, *partition, Offset::Offset(*offset));
            added.map_err(|error| connect_error(self.failed_change().message(), &error))?;
        }
        match self.client().commit(&list, CommitMode::Sync) {
            Ok(()) => {}
            Err(KafkaError::ConsumerCommit(
                RDKafkaErrorCode::UnknownMemberId | RDKafkaErrorCode::IllegalGeneration | RDKafkaErrorCode::RebalanceInProgress,
            )) => return Ok(GroupChange::GroupIsActive),
            Err(error) => return Err(self.failed(self.failed_change().message().to_owned(), &error)),
        }
        // The client reports a failure only if every partition failed.
        let stored = self.read(&offsets.keys().cloned().collect())?;
        match offsets.iter().find(|(partition, offset)| stored.get(partition) != Some(offset)) {
            None => Ok(GroupChange::Made),
            Some((TopicPartition { topic, partition }, _)) => {
                let cause = format!("the brokers did not take the offset of partition {partition} of topic '{topic}'");
                Err(self.failed_change().caused_by(cause))
            }
        }
    }

    fn failed_change(&self) -> ConnectError {
        ConnectError::fatal(format!("cannot change the offsets of consumer group '{}'", self.group))
    }

    fn failed(&self, what: String, error: &KafkaError) -> ConnectError {
        // Nobody polls this consumer, and what it has to say about its brokers is told only then.
        for _ in 0..TOLD_AT_MOST {
            if self.client().poll(Duration::ZERO).is_none() {
                break;
            }
        }
        self.client().client().context().explain(connect_error(what, error))
    }
}

fn listed(offsets: &BTreeMap<TopicPartition, i64>) -> String {
    let one = |(partition, offset): (&TopicPartition, &i64)| format!("{}-{} {offset}", partition.topic, partition.partition);
    if offsets.is_empty() { "none".to_owned() } else { offsets.iter().map(one).collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::test_broker::TestBroker;

    fn offsets(bootstrap_servers: String) -> GroupOffsets {
        let java =
            [("bootstrap.servers".to_owned(), bootstrap_servers), ("default.api.timeout.ms".to_owned(), "2000".to_owned())];
        GroupOffsets::new(&JavaSettings::from(java), "g").unwrap()
    }

    fn partition(partition: i32) -> TopicPartition {
        TopicPartition { topic: "t".into(), partition }
    }

    #[tokio::test]
    async fn offsets_are_put_where_there_is_a_partition() {
        let broker = TestBroker::with_values("t", &[]);
        let group = offsets(broker.bootstrap_servers());
        assert_eq!(group.committed().await.unwrap(), BTreeMap::new());
        let unknown = TopicPartition { topic: "no\0topic".into(), partition: 0 };
        let error = group.alter([(partition(0), Some(7)), (unknown, Some(1))].into()).await.unwrap_err();
        assert!(error.trace().contains("there is no partition 0 of topic"), "{}", error.trace());
        assert_eq!(group.committed().await.unwrap(), [(partition(0), 7)].into());
        assert_eq!(group.alter([(partition(0), Some(3))].into()).await.unwrap(), GroupChange::Made);
        assert_eq!(offsets(broker.bootstrap_servers()).committed().await.unwrap(), [(partition(0), 3)].into());
    }

    #[tokio::test]
    async fn brokers_that_are_away_are_reported() {
        let error = offsets("127.0.0.1:1".to_owned()).committed().await.unwrap_err();
        assert!(error.trace().starts_with("cannot list topics\nCaused by: "), "{}", error.trace());
    }
}
