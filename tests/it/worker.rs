//! Does a worker do with records, failures and offsets what Kafka Connect's does? Seen in Kafka and in files.
//!
//! Source: contracts/connect-runtime.md, sections 2, 5, 8 and 10.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::kafka::{Message, Sent};
use crate::support::sql::{Database, USER};
use crate::support::stack::{Server, address, host_and_port};
use crate::support::wait::wait_for;
use crate::support::worker::{Worker, WorkerSetup};
use crate::support::{hdfs, kafka, unique};

const WITHIN: Duration = Duration::from_secs(60);

/// A text file that a FileStream connector reads or writes.
struct Lines(PathBuf);

impl Lines {
    fn new(lines: &[&str]) -> Self {
        let file = Self(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique("lines")));
        file.append(lines);
        file
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn append(&self, lines: &[&str]) {
        let mut file = File::options().create(true).append(true).open(&self.0).unwrap();
        file.write_all(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes()).unwrap();
    }

    async fn wait_for(&self, wanted: &[&str]) {
        let what = format!("{} to have the lines {wanted:?}", self.name());
        let lines = async || std::fs::read_to_string(&self.0).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
        wait_for(WITHIN, &what, lines, |lines| lines == wanted).await;
    }
}

async fn wait_for_lines(topic: &str, wanted: &[&str]) {
    let records = kafka::wait_for_records(topic, wanted.len(), WITHIN).await;
    assert_eq!(records.iter().map(|record| text(record.value.as_deref())).collect::<Vec<_>>(), wanted);
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap()
}

fn source(lines: &Lines, topic: &str) -> Value {
    json!({"connector.class": "FileStreamSource", "file": lines.name(), "topic": topic,
        "value.converter": "org.apache.kafka.connect.storage.StringConverter"})
}

fn sink(lines: &Lines, topic: &str) -> Value {
    json!({"connector.class": "FileStreamSink", "file": lines.name(), "topics": topic,
        "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter"})
}

fn with(mut config: Value, more: Value) -> Value {
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a [u8]> {
    message.headers.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref())
}

fn tolerant(queue: &str) -> Value {
    json!({"errors.tolerance": "all", "errors.deadletterqueue.topic.name": queue,
        "errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true"})
}

/// Records that a transform, a converter or the sink itself fails on go to the dead letter topic as they came, with the
/// reason; the others go on.
#[tokio::test]
async fn bad_records_go_to_the_dead_letter_topic() {
    let (topic, queue) = (unique("worker_bad"), unique("worker_dead"));
    kafka::create_topic(&topic, 1).await;
    let values: [Option<&[u8]>; 5] =
        [Some(br#"{"em":"2024-01-02"}"#), Some(b"nada"), Some(br#"{"em":"ontem"}"#), None, Some(br#"{"em":"2024-01-03"}"#)];
    let sent: Vec<_> = (0..)
        .zip(values)
        .map(|(number, value)| Sent {
            key: Some(b"chave"),
            value,
            header: Some(("origem", b"\xff\x00")),
            timestamp_ms: Some(1000 + number),
            ..Sent::default()
        })
        .collect();
    kafka::send(&topic, &sent).await;
    let worker = WorkerSetup::distributed().start().await;
    let convert = json!({"transforms": "em", "transforms.em.type": "org.apache.kafka.connect.transforms.TimestampConverter$Value",
        "transforms.em.field": "em", "transforms.em.target.type": "unix", "transforms.em.format": "yyyy-MM-dd"});
    let lines = Lines::new(&[]);
    let name = unique("tolerant");
    worker.rest.create(&name, &with(with(sink(&lines, &topic), convert), tolerant(&queue))).await;
    lines.wait_for(&["{em=1704153600000}", "null", "{em=1704240000000}"]).await;

    let letters = kafka::wait_for_records(&queue, 2, WITHIN).await;
    let stages = [
        (1, "VALUE_CONVERTER", "org.apache.kafka.connect.json.JsonConverter"),
        (2, "TRANSFORMATION", "org.apache.kafka.connect.transforms.TimestampConverter$Value"),
    ];
    assert_eq!(letters.len(), stages.len());
    for (letter, (offset, stage, class)) in letters.iter().zip(stages) {
        let original = &sent[offset];
        assert_eq!(
            (letter.key.as_deref(), letter.value.as_deref(), letter.timestamp_ms),
            (original.key, original.value, original.timestamp_ms)
        );
        assert_eq!(header(letter, "origem"), Some(&b"\xff\x00"[..]));
        let offset = offset.to_string();
        let context = [
            ("topic", topic.as_str()),
            ("partition", "0"),
            ("offset", offset.as_str()),
            ("connector.name", name.as_str()),
            ("task.id", "0"),
            ("stage", stage),
            ("class.name", class),
            ("exception.class.name", "org.apache.kafka.connect.errors.DataException"),
        ];
        for (key, value) in context {
            assert_eq!(text(header(letter, &format!("__connect.errors.{key}"))), value, "{key}");
        }
        let message = text(header(letter, "__connect.errors.exception.message"));
        let trace = text(header(letter, "__connect.errors.exception.stacktrace"));
        assert!(!message.is_empty() && trace.contains(&message), "'{message}' is not in '{trace}'");
        assert_eq!(letter.headers.len(), 11);
    }

    // A sink that refuses a record itself.
    let (name, folder, queue) = (unique("tolerant_lake"), unique("lake"), unique("worker_dead"));
    let lake = json!({"connector.class": "io.confluent.connect.hdfs.HdfsSinkConnector", "topics": topic, "hdfs.url": hdfs::url(),
        "topics.dir": format!("/{folder}/topics"), "logs.dir": format!("/{folder}/logs"), "flush.size": "2",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter"});
    worker.rest.create(&name, &with(lake, tolerant(&queue))).await;
    let letters = kafka::wait_for_records(&queue, 1, WITHIN).await;
    assert_eq!((letters[0].value.as_deref(), letters[0].timestamp_ms), (None, Some(1003)));
    assert_eq!(text(header(&letters[0], "__connect.errors.stage")), "TASK_PUT");
    assert_eq!(text(header(&letters[0], "__connect.errors.class.name")), "io.confluent.connect.hdfs.HdfsSinkTask");
    let files = async || hdfs::committed_files(&format!("/{folder}/topics")).await;
    let files = wait_for(WITHIN, "two files without the refused record", files, |files| files.len() == 2).await;
    let mut values = Vec::new();
    for file in files {
        values.extend(hdfs::read_avro(&file).await.iter().map(hdfs::avro_json));
    }
    assert_eq!(values, [r#"{"em":"2024-01-02"}"#, "nada", r#"{"em":"ontem"}"#, r#"{"em":"2024-01-03"}"#]);
}

#[tokio::test]
async fn a_bad_record_fails_a_strict_task_until_it_is_told_to_skip_it() {
    let topic = unique("worker_strict");
    kafka::create_topic(&topic, 1).await;
    let records: [&[u8]; 3] = [b"1", b"nada", b"3"];
    kafka::produce(&topic, &records.map(|value| (None, Some(value)))).await;
    let worker = WorkerSetup::distributed().start().await;
    let lines = Lines::new(&[]);
    let name = unique("strict");
    worker.rest.create(&name, &sink(&lines, &topic)).await;
    let trace = worker.rest.wait_task_trace(&name).await;
    for part in
        ["Tolerance exceeded in error handler", &format!("{topic}-0"), "offset 1", "errors.tolerance=all", "JsonConverter"]
    {
        assert!(trace.contains(part), "'{part}' is not in the trace: {trace}");
    }
    assert!(!trace.contains("nada"), "the trace shows the record's value: {trace}");
    let status = worker.rest.status(&name).await;
    assert_eq!(status["connector"]["state"], "RUNNING", "only the task fails: {status}");
    assert!(worker.log().contains("Task is being killed and will not recover until manually restarted"));

    let (status, _) = worker
        .rest
        .put(&format!("/connectors/{name}/config"), Some(&with(sink(&lines, &topic), tolerant(&unique("worker_dead")))))
        .await;
    assert_eq!(status, StatusCode::OK);
    let restart = format!("/connectors/{name}/restart?includeTasks=true&onlyFailed=true");
    let (status, _) = worker.rest.post(&restart, None).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    lines.wait_for(&["1", "3"]).await;
    worker.rest.wait_running(&name).await;
}

/// Rows of a table through all transforms that the main job uses, up to the records in Kafka.
#[tokio::test]
async fn transforms_shape_the_records_in_kafka() {
    let mut database = Database::create(Server::MySql, "worker").await;
    database.run("CREATE TABLE clientes (id INT PRIMARY KEY, nome VARCHAR(20), quando DATETIME(3))").await;
    database.run("INSERT INTO clientes VALUES (1, 'João', '2021-03-04 05:06:07.089'), (2, NULL, NULL)").await;
    let worker = WorkerSetup::distributed().start().await;
    let (prefix, topic) = (unique("worker_shape"), unique("bank.clientes"));
    kafka::create_topic(&topic, 1).await;
    let (host, port) = host_and_port(Server::MySql);
    let config = json!({
        "connector.class": "io.debezium.connector.mysql.MySqlConnector", "tasks.max": "1",
        "database.hostname": host, "database.port": port.to_string(), "database.user": USER, "database.password": "",
        "database.server.id": (300_000 + std::process::id()).to_string(), "topic.prefix": prefix,
        "database.include.list": database.name, "include.schema.changes": "false", "time.precision.mode": "connect",
        "schema.history.internal.kafka.bootstrap.servers": address(Server::Kafka),
        "schema.history.internal.kafka.topic": format!("{prefix}.history"),
        "value.converter.schemas.enable": "false", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "transforms": "unwrap,route,from,when",
        "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.unwrap.delete.handling.mode": "rewrite", "transforms.unwrap.drop.tombstones": "true",
        "transforms.unwrap.add.fields": "op,table",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": "([^.]+)\\.([^.]+)\\.clientes", "transforms.route.replacement": topic,
        "transforms.from.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.from.static.field": "origem", "transforms.from.static.value": "agência",
        "transforms.from.topic.field": "topico",
        "transforms.when.type": "org.apache.kafka.connect.transforms.TimestampConverter$Value",
        "transforms.when.field": "quando", "transforms.when.target.type": "string",
        "transforms.when.format": "dd/MM/yyyy HH:mm:ss.SSS",
    });
    let name = unique("shape");
    worker.rest.create(&name, &config).await;
    kafka::wait_for_records(&topic, 2, WITHIN).await;
    for change in ["UPDATE clientes SET nome = 'Inês' WHERE id = 2", "DELETE FROM clientes WHERE id = 1"] {
        database.run(change).await;
    }
    let row = |id: i32, nome: Value, quando: Value, op: &str| {
        json!({"id": id, "nome": nome, "quando": quando, "__deleted": if op == "d" { "true" } else { "false" }, "__op": op,
            "__table": "clientes", "topico": topic, "origem": "agência"})
    };
    let when = json!("04/03/2021 05:06:07.089");
    let wanted = [
        row(1, json!("João"), when.clone(), "r"),
        row(2, Value::Null, Value::Null, "r"),
        row(2, json!("Inês"), Value::Null, "u"),
        row(1, json!("João"), when, "d"),
    ];
    let records = kafka::wait_for_records(&topic, wanted.len(), WITHIN).await;
    assert_eq!(records.iter().map(Message::value_json).collect::<Vec<_>>(), wanted);
    let keys: Vec<_> = records.iter().map(|record| record.key_json()["payload"]["id"].clone()).collect();
    assert_eq!(keys, [1, 2, 2, 1]);
    worker.rest.delete(&format!("/connectors/{name}")).await;
    database.drop().await;
}

async fn change_state(worker: &Worker, name: &str, change: &str) {
    let (status, answer) = worker.rest.put(&format!("/connectors/{name}/{change}"), None).await;
    assert!(status.is_success(), "{change}: {status} {answer}");
    if change == "stop" {
        let stopped = |status: &Value| status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([]);
        wait_for(WITHIN, "STOPPED and no tasks", async || worker.rest.status(name).await, stopped).await;
    } else {
        worker.rest.wait_state(name, if change == "pause" { "PAUSED" } else { "RUNNING" }).await;
    }
}

/// A file through Kafka into another file, while its connectors are paused, stopped and restarted, and the worker too.
#[tokio::test]
async fn nothing_is_lost_or_repeated_by_what_users_do() {
    let (from, to) = (Lines::new(&["1", "2"]), Lines::new(&[]));
    let (topic, reading, writing) = (unique("worker_life"), unique("reading"), unique("writing"));
    kafka::create_topic(&topic, 1).await;
    let mut worker = WorkerSetup::distributed().start().await;
    worker.rest.create(&reading, &source(&from, &topic)).await;
    worker.rest.create(&writing, &sink(&to, &topic)).await;
    to.wait_for(&["1", "2"]).await;

    change_state(&worker, &writing, "pause").await;
    from.append(&["3"]);
    wait_for_lines(&topic, &["1", "2", "3"]).await;
    change_state(&worker, &reading, "pause").await;
    from.append(&["4"]);
    assert_eq!((kafka::end_offsets(&topic), std::fs::read_to_string(&to.0).unwrap().as_str()), (vec![3], "1\n2\n"));
    change_state(&worker, &writing, "resume").await;
    to.wait_for(&["1", "2", "3"]).await;
    change_state(&worker, &reading, "resume").await;
    to.wait_for(&["1", "2", "3", "4"]).await;

    for name in [&reading, &writing] {
        change_state(&worker, name, "stop").await;
    }
    from.append(&["5"]);
    assert_eq!(kafka::end_offsets(&topic), [4]);
    for name in [&reading, &writing] {
        change_state(&worker, name, "resume").await;
    }
    to.wait_for(&["1", "2", "3", "4", "5"]).await;

    for name in [&reading, &writing] {
        let (status, _) = worker.rest.post(&format!("/connectors/{name}/tasks/0/restart"), None).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        let (status, _) = worker.rest.post(&format!("/connectors/{name}/restart?includeTasks=true"), None).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    from.append(&["6"]);
    to.wait_for(&["1", "2", "3", "4", "5", "6"]).await;

    assert!(worker.stop().await.success());
    from.append(&["7"]);
    worker.start().await;
    to.wait_for(&["1", "2", "3", "4", "5", "6", "7"]).await;
    assert_eq!(kafka::end_offsets(&topic), [7], "the source repeated nothing either");
}

/// A Java-serialised map of one entry, as Connect's standalone worker stores offsets.
fn java_map(key: &str, value: &str) -> Vec<u8> {
    let array = |bytes: &str| [(bytes.len() as u32).to_be_bytes().as_slice(), bytes.as_bytes()].concat();
    let mut bytes = b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02".to_vec();
    bytes.extend(b"F\x00\x0aloadFactorI\x00\x09thresholdxp?\x40\x00\x00\x00\x00\x00\x0cw\x08\x00\x00\x00\x10\x00\x00\x00\x01");
    bytes.extend(b"ur\x00\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00xp");
    bytes.extend(array(key));
    bytes.extend(b"uq\x00\x7e\x00\x02");
    bytes.extend(array(value));
    bytes.push(b'x');
    bytes
}

#[tokio::test]
async fn a_standalone_worker_goes_on_where_a_java_worker_stopped() {
    let lines = Lines::new(&["um", "dois"]);
    let (topic, name) = (unique("worker_alone"), unique("alone"));
    kafka::create_topic(&topic, 1).await;
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (offsets, properties) = (folder.join(unique("offsets")), folder.join(unique("properties")));
    let key = json!([name, {"filename": lines.name()}]).to_string();
    std::fs::write(&offsets, java_map(&key, r#"{"position":3}"#)).unwrap();
    let mut text = format!("name={name}\n");
    for (key, value) in source(&lines, &topic).as_object().unwrap() {
        text.push_str(&format!("{key}={}\n", value.as_str().unwrap()));
    }
    std::fs::write(&properties, text).unwrap();
    let setup = WorkerSetup::standalone(&[&properties]).set("offset.storage.file.filename", offsets.to_str().unwrap());
    let mut worker = setup.start().await;
    wait_for_lines(&topic, &["dois"]).await;
    lines.append(&["três"]);
    wait_for_lines(&topic, &["dois", "três"]).await;
    assert!(worker.stop().await.success());
    assert_eq!(std::fs::read(&offsets).unwrap(), java_map(&key, r#"{"position":14}"#));
    lines.append(&["quatro"]);
    worker.start().await;
    wait_for_lines(&topic, &["dois", "três", "quatro"]).await;
}
