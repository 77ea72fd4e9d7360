//! How fast can librdkafka alone write and read a topic here? The limit that `tests/bench/run` compares with.
//!
//! `raw produce BROKER TOPIC RECORDS BYTES` and `raw consume BROKER TOPIC RECORDS`; prints records per second.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails has no result")]

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["produce", broker, topic, records, bytes] => produce(broker, topic, records.parse().unwrap(), bytes.parse().unwrap()),
        ["consume", broker, topic, records] => consume(broker, topic, records.parse().unwrap()),
        _ => println!("usage: raw produce BROKER TOPIC RECORDS BYTES | raw consume BROKER TOPIC RECORDS; see tests/bench/run"),
    }
}

fn produce(broker: &str, topic: &str, records: usize, bytes: usize) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("batch.size", "1048576")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .unwrap();
    // Every record differs a little, as rows do.
    let mut value = vec![b'x'; bytes];
    let start = Instant::now();
    for number in 0..records {
        let digits = number.to_string();
        value[..digits.len()].copy_from_slice(digits.as_bytes());
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).payload(&value).key(digits.as_bytes());
        loop {
            match producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    producer.poll(Duration::from_millis(1));
                }
                Err((error, _)) => panic!("cannot write to {topic}: {error}"),
            }
        }
        if number % 1000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(120)).unwrap();
    println!("{:.0}", records as f64 / start.elapsed().as_secs_f64());
}

fn consume(broker: &str, topic: &str, records: usize) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("group.id", "raw")
        .set("enable.auto.commit", "false")
        .set("fetch.message.max.bytes", "8388608")
        .create()
        .unwrap();
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&assignment).unwrap();
    let (mut seen, mut first, mut bytes) = (0, None, 0);
    while seen < records {
        let message = consumer.poll(Duration::from_secs(30)).expect("the topic has fewer records").unwrap();
        bytes += message.payload().map_or(0, <[u8]>::len);
        first.get_or_insert_with(Instant::now);
        seen += 1;
    }
    assert!(bytes > 0, "only empty records");
    println!("{:.0}", records as f64 / first.unwrap().elapsed().as_secs_f64());
}
