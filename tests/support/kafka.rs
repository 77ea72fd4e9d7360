//! Writes and reads topics of the stack's broker.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message as _, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

use super::stack::{self, Server};

const BROKER_LIMIT: Duration = Duration::from_secs(30);

/// A record as it lies in the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Message {
    pub fn key_json(&self) -> serde_json::Value {
        json(self.key.as_deref())
    }

    pub fn value_json(&self) -> serde_json::Value {
        json(self.value.as_deref())
    }
}

fn json(bytes: Option<&[u8]>) -> serde_json::Value {
    bytes.map_or(serde_json::Value::Null, |bytes| {
        serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("not JSON ({error}): {}", String::from_utf8_lossy(bytes)))
    })
}

pub fn client_config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", stack::address(Server::Kafka));
    config
}

pub fn admin() -> AdminClient<DefaultClientContext> {
    client_config().create().unwrap()
}

/// Creates a topic that keeps records of any age.
pub async fn create_topic(name: &str, partitions: i32) {
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
    let results = admin().create_topics([&topic], &AdminOptions::new().operation_timeout(Some(BROKER_LIMIT))).await.unwrap();
    results.into_iter().for_each(|result| {
        result.unwrap_or_else(|(topic, code)| panic!("cannot create topic {topic}: {code}"));
    });
}

/// Key and value.
pub type Pair<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// Appends records to partition 0, in this order.
pub async fn produce(topic: &str, records: &[Pair<'_>]) {
    let sent: Vec<_> = records.iter().map(|(key, value)| Sent { key: *key, value: *value, ..Sent::default() }).collect();
    send(topic, &sent).await;
}

/// A record to be appended. Without a timestamp it has the time of now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent<'a> {
    pub partition: i32,
    pub timestamp_ms: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub header: Option<(&'a str, &'a [u8])>,
}

/// Appends records in this order.
pub async fn send(topic: &str, records: &[Sent<'_>]) {
    let producer: FutureProducer = client_config().create().unwrap();
    let mut answers = Vec::new();
    for Sent { partition, timestamp_ms, key, value, header } in records {
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).partition(*partition);
        (record.timestamp, record.key, record.payload) = (*timestamp_ms, *key, *value);
        record.headers = header.map(|(key, value)| OwnedHeaders::new().insert(Header { key, value: Some(value) }));
        loop {
            match producer.send_result(record) {
                Ok(answer) => break answers.push(answer),
                // Ends at the latest when the records before this one run into their time limit.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err((error, _)) => panic!("cannot write to {topic}: {error}"),
            }
        }
    }
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
}

/// The number of records the topic has taken, by partition; empty while there is no such topic.
pub fn end_offsets(topic: &str) -> Vec<i64> {
    let consumer: BaseConsumer = client_config().create().unwrap();
    partitions(&consumer, topic)
        .into_iter()
        .map(|partition| consumer.fetch_watermarks(topic, partition, BROKER_LIMIT).unwrap().1)
        .collect()
}

/// Everything in the topic from the first offset to the end as of now, by partition and offset.
pub async fn read_all(topic: &str) -> Vec<Message> {
    let topic = topic.to_owned();
    tokio::task::spawn_blocking(move || read_to_end(&topic)).await.unwrap()
}

/// Waits until the topic has at least `count` records and returns all of them.
pub async fn wait_for_records(topic: &str, count: usize, limit: Duration) -> Vec<Message> {
    let what = format!("{count} records in topic {topic}");
    super::wait::wait_for(limit, &what, async || end_offsets(topic), |ends| ends.iter().sum::<i64>() >= count as i64).await;
    read_all(topic).await
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
    let metadata = consumer.fetch_metadata(Some(topic), BROKER_LIMIT).unwrap();
    let mut ids: Vec<i32> = metadata.topics().iter().flat_map(|topic| topic.partitions().iter().map(|part| part.id())).collect();
    ids.sort_unstable();
    ids
}

fn read_to_end(topic: &str) -> Vec<Message> {
    let mut config = client_config();
    config.set("group.id", super::unique("reader")).set("enable.auto.commit", "false").set("enable.partition.eof", "true");
    config.set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut messages = Vec::new();
    let mut waiting = 0;
    let mut assignment = TopicPartitionList::new();
    for partition in partitions(&consumer, topic) {
        assignment.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        waiting += 1;
    }
    consumer.assign(&assignment).unwrap();
    let mut last_progress = Instant::now();
    while waiting > 0 {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                last_progress = Instant::now();
                messages.push(owned(&message));
            }
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => waiting -= 1,
            Some(Err(error)) => panic!("cannot read topic {topic}: {error}"),
            None => assert!(last_progress.elapsed() < BROKER_LIMIT, "topic {topic} stopped after {} records", messages.len()),
        }
    }
    messages.sort_by_key(|message: &Message| (message.partition, message.offset));
    messages
}

fn owned(message: &rdkafka::message::BorrowedMessage<'_>) -> Message {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
    });
    Message {
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
