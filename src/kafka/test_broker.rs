//! A broker inside of the test's own process, for unit tests of higher layers.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};

use super::client_config::{ClientKind, ClientSettings, JavaSettings};

/// Keeps a few records in memory and knows consumer groups.
pub struct TestBroker(MockCluster<'static, DefaultProducerContext>);

impl TestBroker {
    /// A broker with one topic of one partition that holds these values.
    pub fn with_values(topic: &str, values: &[&str]) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(topic, 1, 1).unwrap();
        let java = JavaSettings::from_iter([("bootstrap.servers".to_owned(), cluster.bootstrap_servers())]);
        let settings = ClientSettings::from_java(ClientKind::Producer, &java).unwrap();
        let producer: ThreadedProducer<DefaultProducerContext> = settings.native().create().unwrap();
        for value in values {
            producer.send(BaseRecord::<(), str>::to(topic).partition(0).payload(value)).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
        Self(cluster)
    }

    pub fn bootstrap_servers(&self) -> String {
        self.0.bootstrap_servers()
    }
}
