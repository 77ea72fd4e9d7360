//! Are offsets read, altered and reset through REST as the Java worker does it? Case by case on both.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::connect_rest::{ConnectRest, is_put_off};
use crate::support::kafka::{self, Sent};
use crate::support::sql::USER;
use crate::support::stack::{self, Server, address, host_and_port};
use crate::support::wait::wait_for;
use crate::support::worker::WorkerSetup;
use crate::support::{hdfs, unique};

const WITHIN: Duration = Duration::from_secs(60);
const ALTERED: &str = "The offsets for this connector have been altered successfully";
const RESET: &str = "The offsets for this connector have been reset successfully";
const ALTERED_BUT: &str = "The Connect framework-managed offsets for this connector have been altered successfully. However, if \
                           this connector manages offsets externally, they will need to be manually altered in the system that \
                           the connector uses.";
const RESET_BUT: &str = "The Connect framework-managed offsets for this connector have been reset successfully. However, if \
                         this connector manages offsets externally, they will need to be manually reset in the system that \
                         the connector uses.";

/// A connector on one of the two workers.
struct Side {
    rest: ConnectRest,
    name: String,
}

impl Side {
    fn new(rest: &ConnectRest, prefix: &str) -> Self {
        Self { rest: rest.clone(), name: unique(prefix) }
    }

    /// The same connector on both.
    fn pair(ours: &ConnectRest, prefix: &str) -> [Self; 2] {
        let java = ConnectRest::at(format!("http://{}", stack::address(Server::Connect)));
        [Self::new(ours, prefix), Self::new(&java, prefix)]
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let path = format!("/connectors/{}{path}", self.name);
        let ask = async || {
            let (status, answer) = self.rest.send(method.clone(), &path, body).await.unwrap();
            (status.as_u16(), answer)
        };
        wait_for(WITHIN, &format!("{method} {path} to be accepted"), ask, |(_, answer)| !is_put_off(&answer.to_string())).await
    }

    async fn offsets(&self) -> (u16, Value) {
        let (status, answer) = self.send(Method::GET, "/offsets", None).await;
        (status, self.neutral(&answer))
    }

    /// Leaves out which of the two connectors this is, and sorts what has no order.
    fn neutral(&self, answer: &Value) -> Value {
        let mut answer: Value = serde_json::from_str(&answer.to_string().replace(&self.name, "NAME")).unwrap();
        if let Some(offsets) = answer["offsets"].as_array_mut() {
            offsets.sort_by_key(|one| one["partition"].to_string());
        }
        answer
    }

    async fn create_stopped(&self, config: &Value) {
        let body = json!({"name": self.name, "config": config, "initial_state": "STOPPED"});
        let (status, answer) = self.rest.post("/connectors", Some(&body)).await;
        assert_eq!(status, StatusCode::CREATED, "{answer:#}");
        self.wait_stopped().await;
    }

    async fn stop(&self) {
        assert_eq!(self.send(Method::PUT, "/stop", None).await.0, 204);
        self.wait_stopped().await;
    }

    async fn wait_stopped(&self) {
        let stopped = |status: &Value| status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([]);
        wait_for(WITHIN, &format!("{} to be stopped", self.name), async || self.rest.status(&self.name).await, stopped).await;
    }

    async fn wait_offsets(&self, wanted: &Value) {
        let read = async || self.offsets().await.1["offsets"].take();
        wait_for(Duration::from_secs(90), &format!("{} to have {wanted}", self.name), read, |offsets| offsets == wanted).await;
    }

    /// Waits until the group of a sink has no members left.
    async fn wait_inactive(&self) {
        let reset = async || self.send(Method::DELETE, "/offsets", None).await;
        wait_for(WITHIN, &format!("the group of {} to be empty", self.name), reset, |(status, _)| *status == 200).await;
    }

    /// A consumer that is in the group of the sink, as a task that did not stop would be.
    async fn zombie(&self, topic: &str) -> BaseConsumer {
        let mut config = kafka::client_config();
        config.set("group.id", format!("connect-{}", self.name)).set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[topic]).unwrap();
        tokio::task::spawn_blocking(move || {
            let began = std::time::Instant::now();
            while consumer.assignment().unwrap().count() == 0 {
                assert!(began.elapsed() < WITHIN, "the consumer got no partitions");
                drop(consumer.poll(Duration::from_millis(100)));
            }
            consumer
        })
        .await
        .unwrap()
    }
}

/// A request both sides are sent, and whether only the status of the answers has to be the same.
enum Step {
    Alter(Value),
    /// The answer's text is that of the JSON parser.
    Unreadable(Value),
    Reset,
}

fn to(partition: Value, offset: Value) -> Step {
    Step::Alter(json!({"offsets": [{"partition": partition, "offset": offset}]}))
}

fn both(first: (Value, Value), second: (Value, Value)) -> Step {
    let one = |(partition, offset)| json!({"partition": partition, "offset": offset});
    Step::Alter(json!({"offsets": [one(first), one(second)]}))
}

/// Sends each request to both and reads the offsets after it; panics with all answers that differ.
async fn compare([ours, java]: &[Side; 2], steps: &[Step]) {
    let mut different = Vec::new();
    for step in steps {
        let (method, body) = match step {
            Step::Alter(body) | Step::Unreadable(body) => (Method::PATCH, Some(body)),
            Step::Reset => (Method::DELETE, None),
        };
        let request = format!("{method} {}", body.unwrap_or(&Value::Null));
        let run = async |side: &Side| {
            let (status, answer) = side.send(method.clone(), "/offsets", body).await;
            (status, if matches!(step, Step::Unreadable(_)) { Value::Null } else { side.neutral(&answer) })
        };
        let (answered, theirs) = tokio::join!(run(ours), run(java));
        if answered != theirs {
            different.push(format!("{request}\n  ours {answered:?}\n  java {theirs:?}"));
        }
        // Java's worker may take a moment until it sees what it wrote for a source.
        let expected = ours.offsets().await;
        let what = format!("Java's worker to have the offsets of ours, {expected:?}, after {request}");
        wait_for(Duration::from_secs(10), &what, async || java.offsets().await, |offsets| *offsets == expected).await;
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// A topic with 4 records in partition 0 and 2 in partition 1.
async fn topic_of_two_partitions(prefix: &str) -> String {
    let topic = unique(prefix);
    kafka::create_topic(&topic, 2).await;
    let values: [(i32, &[u8]); 6] = [(0, b"a0"), (0, b"a1"), (0, b"a2"), (0, b"a3"), (1, b"b0"), (1, b"b1")];
    let records = values.map(|(partition, value)| Sent { partition, value: Some(value), ..Sent::default() });
    kafka::send(&topic, &records).await;
    topic
}

fn file_sink(topic: &str, file: &str) -> Value {
    json!({"connector.class": "FileStreamSink", "topics": topic, "file": file,
        "value.converter": "org.apache.kafka.connect.storage.StringConverter"})
}

fn at(topic: &str, partition: i32, offset: i64) -> Value {
    json!({"partition": {"kafka_partition": partition, "kafka_topic": topic}, "offset": {"kafka_offset": offset}})
}

#[tokio::test]
async fn offsets_of_a_sink_are_altered_as_on_the_java_worker() {
    let worker = WorkerSetup::distributed().start().await;
    let topic = topic_of_two_partitions("offsets_sink").await;
    let sides = Side::pair(&worker.rest, "offsets_sink");
    for side in &sides {
        let file = worker.folder.join(&side.name);
        side.rest.create(&side.name, &file_sink(&topic, file.to_str().unwrap())).await;
    }
    let part = |partition: i32| json!({"kafka_topic": topic, "kafka_partition": partition});
    let set = |offset: Value| to(part(0), json!({"kafka_offset": offset}));
    let nobodys = json!({"kafka_topic": unique("nobodys"), "kafka_partition": 0});
    for side in &sides {
        side.rest.wait_running(&side.name).await;
        side.wait_offsets(&json!([at(&topic, 0, 4), at(&topic, 1, 2)])).await;
    }
    compare(&sides, &[set(json!(1)), Step::Reset, to(json!(null), json!(null)), Step::Alter(json!({"offsets": []}))]).await;
    for side in &sides {
        side.stop().await;
        side.wait_inactive().await;
    }
    let topics = |name: Value, partition: Value| json!({"kafka_topic": name, "kafka_partition": partition});
    let one = json!({"kafka_offset": 1});
    compare(
        &sides,
        &[
            // What is written.
            set(json!(1)),
            set(json!("2")),
            to(topics(json!(topic), json!("+1")), json!({"kafka_offset": "+3", "other": 1})),
            to(json!({"kafka_topic": topic, "kafka_partition": 1, "other": 1}), json!({"kafka_offset": 0})),
            set(json!(99_999)),
            set(json!(i64::MAX)),
            both((part(0), json!({"kafka_offset": 1})), (part(1), json!({"kafka_offset": 2}))),
            both((part(0), json!({"kafka_offset": 1})), (part(0), json!({"kafka_offset": 3}))),
            // One of two is forgotten, is set again while the other is forgotten, both are forgotten.
            to(part(0), json!(null)),
            both((part(0), json!({"kafka_offset": 2})), (part(1), json!(null))),
            to(part(1), json!(null)),
            to(part(0), json!(null)),
            to(part(0), json!(null)),
            set(json!(0)),
            Step::Reset,
            Step::Reset,
            set(json!(2)),
            // Offsets that are none.
            set(json!(-1)),
            set(json!(1.0)),
            set(json!(1.5e30)),
            set(json!(true)),
            set(json!(null)),
            set(json!([1, "x", null, {"a": 1.5}])),
            set(json!(i64::MAX as u64 + 1)),
            set(json!(" 1")),
            set(json!("")),
            set(json!("x")),
            to(part(0), json!({})),
            to(part(0), json!({"other": 1})),
            // Partitions that are none.
            to(json!(null), one.clone()),
            to(json!({}), json!(null)),
            to(json!({"kafka_topic": topic}), json!(null)),
            to(json!({"kafka_partition": 0}), json!(null)),
            to(topics(json!(null), json!(0)), json!(null)),
            to(topics(json!(topic), json!(null)), json!(null)),
            to(topics(json!(null), json!(null)), json!(null)),
            to(topics(json!(topic), json!("x")), json!(null)),
            to(topics(json!(topic), json!(0.0)), one.clone()),
            to(topics(json!(topic), json!(2_147_483_648_i64)), one.clone()),
            // Partitions that do not exist; the others are changed all the same.
            to(part(-1), one.clone()),
            to(part(99), one.clone()),
            to(part(99), json!(null)),
            to(nobodys.clone(), one.clone()),
            to(nobodys.clone(), json!(null)),
            both((nobodys.clone(), one.clone()), (part(1), json!({"kafka_offset": 1}))),
            both((part(0), json!({"kafka_offset": 0})), (nobodys, json!(null))),
            to(topics(json!(""), json!(0)), one.clone()),
            to(topics(json!("not a topic!"), json!(0)), one.clone()),
            to(topics(json!(5), json!(0)), one.clone()),
            to(topics(json!(["a"]), json!(0)), one),
            // Bodies.
            Step::Alter(json!({})),
            Step::Alter(json!({"offsets": null})),
            Step::Alter(json!({"offsets": [{}]})),
            Step::Alter(json!({"offsets": [{"partition": {}}]})),
            Step::Unreadable(json!(null)),
            Step::Unreadable(json!([])),
            Step::Unreadable(json!({"offsets": {}})),
            Step::Unreadable(json!({"offsets": [null]})),
            Step::Unreadable(json!({"offsets": [1]})),
            Step::Unreadable(json!({"offsets": [], "other": 1})),
            Step::Unreadable(json!({"offsets": [{"partition": 1, "offset": null}]})),
            Step::Unreadable(json!({"offsets": [{"partition": {}, "offset": null, "other": 1}]})),
        ],
    )
    .await;
    // Forgetting what was never there succeeds here; Java's worker fails if there is no group at all.
    for (side, expected) in sides.iter().zip([200, 500]) {
        assert_eq!(side.send(Method::DELETE, "/offsets", None).await.0, 200);
        let body = json!({"offsets": [{"partition": part(0), "offset": null}]});
        assert_eq!(side.send(Method::PATCH, "/offsets", Some(&body)).await.0, expected, "{}", side.name);
    }
    // A name that Kafka's client cannot even hold.
    let body =
        json!({"offsets": [{"partition": {"kafka_topic": "a\u{0}b", "kafka_partition": 0}, "offset": {"kafka_offset": 1}}]});
    assert_eq!(sides[0].send(Method::PATCH, "/offsets", Some(&body)).await.0, 500);
    for side in &sides {
        assert_eq!(side.send(Method::DELETE, "", None).await.0, 204);
    }
    let gone = [Side::new(&sides[0].rest, "none"), Side::new(&sides[1].rest, "none")];
    compare(&gone, &[set(json!(1)), Step::Reset, Step::Alter(json!({"offsets": []}))]).await;
}

#[tokio::test]
async fn a_group_with_members_keeps_its_offsets() {
    let worker = WorkerSetup::distributed().start().await;
    let topic = topic_of_two_partitions("offsets_active").await;
    let sides = Side::pair(&worker.rest, "offsets_active");
    let part = json!({"kafka_topic": topic, "kafka_partition": 0});
    let set = || to(part.clone(), json!({"kafka_offset": 1}));
    let mut zombies = Vec::new();
    for side in &sides {
        side.create_stopped(&file_sink(&topic, worker.folder.join(&side.name).to_str().unwrap())).await;
        let body = json!({"offsets": [at(&topic, 0, 3), at(&topic, 1, 1)]});
        assert_eq!(side.send(Method::PATCH, "/offsets", Some(&body)).await, (200, json!({"message": ALTERED})));
        zombies.push(side.zombie(&topic).await);
    }
    compare(&sides, &[set(), to(part.clone(), json!(null)), Step::Reset]).await;
    tokio::task::spawn_blocking(|| drop(zombies)).await.unwrap();
    for side in &sides {
        side.wait_inactive().await;
    }
    compare(&sides, &[set(), Step::Reset]).await;
}

#[tokio::test]
async fn a_resumed_sink_goes_on_where_its_offsets_were_put() {
    let worker = WorkerSetup::distributed().start().await;
    let topic = topic_of_two_partitions("offsets_resume").await;
    let side = Side::new(&worker.rest, "offsets_resume");
    let file = worker.folder.join("resumed.txt");
    let mut config = file_sink(&topic, file.to_str().unwrap());
    let group = unique("own_group");
    config["consumer.override.group.id"] = json!(group);
    side.create_stopped(&config).await;
    let body = json!({"offsets": [at(&topic, 0, 2), at(&topic, 1, 1)]});
    assert_eq!(side.send(Method::PATCH, "/offsets", Some(&body)).await, (200, json!({"message": ALTERED})));
    assert_eq!(side.send(Method::PUT, "/resume", None).await.0, 202);
    side.wait_offsets(&json!([at(&topic, 0, 4), at(&topic, 1, 2)])).await;
    side.stop().await;
    let mut lines = std::fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    lines.sort_unstable();
    assert_eq!(lines, ["a2", "a3", "b1"]);
    // The group of the connector's name has nothing to do with it.
    let mut named = kafka::client_config();
    let consumer: BaseConsumer = named.set("group.id", &group).create().unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition(&topic, 0);
    let found = tokio::task::spawn_blocking(move || consumer.committed_offsets(list, WITHIN)).await.unwrap().unwrap();
    assert_eq!(found.elements()[0].offset(), rdkafka::Offset::Offset(4));
    side.wait_inactive().await;
    assert_eq!(side.send(Method::PUT, "/resume", None).await.0, 202);
    side.wait_offsets(&json!([at(&topic, 0, 4), at(&topic, 1, 2)])).await;
    side.stop().await;
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3 + 6, "reset: everything once more");
}

#[tokio::test]
async fn offsets_of_a_source_are_altered_as_on_the_java_worker() {
    let worker = WorkerSetup::distributed().start().await;
    let topic = unique("offsets_source");
    kafka::create_topic(&topic, 1).await;
    let file = worker.folder.join("lines.txt").display().to_string();
    std::fs::write(&file, "um\ndois\ntres\n").unwrap();
    let config = json!({"connector.class": "FileStreamSource", "topic": topic, "file": file});
    let sides = Side::pair(&worker.rest, "offsets_source");
    for side in &sides {
        side.create_stopped(&config).await;
    }
    let here = || json!({"filename": file});
    let set = |position: Value| to(here(), json!({ "position": position }));
    compare(
        &sides,
        &[
            Step::Reset,
            set(json!(3)),
            set(json!(i64::MAX)),
            to(here(), json!({"position": 4, "b": true, "d": 1.5, "s": "x", "n": null})),
            to(json!({"filename": "other"}), json!({"position": 1})),
            to(json!({"filename": null}), json!({"position": 1})),
            to(json!({"filename": 5}), json!({"position": 1})),
            both((here(), json!({"position": 1})), (here(), json!({"position": 2}))),
            // What Java's connector refuses.
            set(json!(2.0)),
            set(json!("2")),
            set(json!(-2)),
            set(json!(null)),
            to(here(), json!({})),
            to(here(), json!({"other": 1})),
            to(json!({}), json!({"position": 1})),
            to(json!(null), json!({"position": 1})),
            // What cannot be stored.
            set(json!({"a": 1})),
            set(json!([1])),
            set(json!(i64::MAX as u64 + 1)),
            to(here(), json!({"position": 1, "other": [1]})),
            to(json!({"filename": {"a": 1}}), json!({"position": 1})),
            to(json!({"filename": [1]}), json!(null)),
            // Forgetting.
            to(json!({}), json!(null)),
            to(json!(null), json!(null)),
            Step::Alter(json!({"offsets": [{}]})),
            Step::Unreadable(json!({"offsets": [null]})),
            to(here(), json!(null)),
            to(here(), json!(null)),
            Step::Reset,
            Step::Reset,
        ],
    )
    .await;
    // Standard input has no offsets.
    let sides = Side::pair(&worker.rest, "offsets_stdin");
    for side in &sides {
        side.create_stopped(&json!({"connector.class": "FileStreamSource", "topic": topic})).await;
    }
    compare(&sides, &[Step::Reset, set(json!(1)), to(here(), json!(null))]).await;
}

#[tokio::test]
async fn a_connector_that_does_not_look_at_offsets_is_said_to() {
    let worker = WorkerSetup::distributed().start().await;
    let (host, port) = host_and_port(Server::MySql);
    let sides = Side::pair(&worker.rest, "offsets_mysql");
    for (side, id) in sides.iter().zip(["990001", "990002"]) {
        side.create_stopped(&json!({
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "database.hostname": host,
            "database.port": port.to_string(),
            "database.user": USER,
            "database.password": "",
            "database.server.id": id,
            "topic.prefix": side.name,
            "schema.history.internal.kafka.bootstrap.servers": address(Server::Kafka),
            "schema.history.internal.kafka.topic": format!("{}.history", side.name),
        }))
        .await;
    }
    let position = json!({"file": "binlog.000001", "pos": 4});
    compare(
        &sides,
        &[
            to(json!({"server": "x"}), position.clone()),
            to(json!({"server": "x"}), json!({"anything": 1})),
            to(json!(null), position.clone()),
            to(json!({"a": 1, "b": 2}), position.clone()),
            to(json!({"b": 2, "a": 1}), json!(null)),
            to(json!({}), position),
            Step::Reset,
            Step::Reset,
        ],
    )
    .await;
    let side = &sides[0];
    let body = json!({"offsets": [{"partition": {"server": "x"}, "offset": null}]});
    assert_eq!(side.send(Method::PATCH, "/offsets", Some(&body)).await, (200, json!({"message": ALTERED_BUT})));

    // Confluent's HDFS sink leaves the method out too, although it finds its offsets in file names.
    let side = Side::new(&worker.rest, "offsets_hdfs");
    let topic = topic_of_two_partitions("offsets_hdfs").await;
    let class = "io.confluent.connect.hdfs.HdfsSinkConnector";
    side.create_stopped(&json!({"connector.class": class, "topics": topic, "hdfs.url": hdfs::url(), "flush.size": "3"})).await;
    let body = json!({"offsets": [at(&topic, 0, 2)]});
    assert_eq!(side.send(Method::PATCH, "/offsets", Some(&body)).await, (200, json!({"message": ALTERED_BUT})));
    side.wait_offsets(&json!([at(&topic, 0, 2)])).await;
    assert_eq!(side.send(Method::DELETE, "/offsets", None).await, (200, json!({"message": RESET_BUT})));
}

#[tokio::test]
async fn a_standalone_worker_has_the_same_offsets_api() {
    let worker = WorkerSetup::standalone(&[]).start().await;
    let topic = topic_of_two_partitions("offsets_alone").await;
    let file = worker.folder.join("lines.txt").display().to_string();
    let (sink, source) = (Side::new(&worker.rest, "offsets_alone"), Side::new(&worker.rest, "offsets_alone"));
    let running = file_sink(&topic, worker.folder.join("sink.txt").to_str().unwrap());
    sink.rest.create(&sink.name, &running).await;
    sink.wait_offsets(&json!([at(&topic, 0, 4), at(&topic, 1, 2)])).await;
    let (status, refused) = sink.send(Method::DELETE, "/offsets", None).await;
    assert!(status == 400 && refused["message"].as_str().unwrap().starts_with("Connectors must be in the STOPPED state"));
    sink.stop().await;
    let body = json!({"offsets": [at(&topic, 0, 1), {"partition": {"kafka_topic": topic, "kafka_partition": 1}}]});
    assert_eq!(sink.send(Method::PATCH, "/offsets", Some(&body)).await, (200, json!({"message": ALTERED})));
    sink.wait_offsets(&json!([at(&topic, 0, 1)])).await;
    assert_eq!(sink.send(Method::DELETE, "/offsets", None).await, (200, json!({"message": RESET})));
    sink.wait_offsets(&json!([])).await;

    source.create_stopped(&json!({"connector.class": "FileStreamSource", "topic": topic, "file": file})).await;
    let moved = json!({"partition": {"filename": file}, "offset": {"position": 3}});
    let body = json!({"offsets": [moved]});
    assert_eq!(source.send(Method::PATCH, "/offsets", Some(&body)).await, (200, json!({"message": ALTERED})));
    source.wait_offsets(&json!([moved])).await;
    assert_eq!(source.send(Method::DELETE, "/offsets", None).await, (200, json!({"message": RESET})));
    source.wait_offsets(&json!([])).await;
    let none = Side::new(&worker.rest, "none");
    for (method, body) in [(Method::GET, None), (Method::PATCH, Some(&body)), (Method::DELETE, None)] {
        let expected = json!({"error_code": 404, "message": format!("Connector {} not found", none.name)});
        assert_eq!(none.send(method, "/offsets", body).await, (404, expected));
    }
}
