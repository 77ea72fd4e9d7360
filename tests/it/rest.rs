//! Does the REST API answer as Kafka Connect does? Asked of the real binary, and where it is cheap of the Java worker too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{ALLOW, LOCATION};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::connect_rest::{ConnectRest, is_put_off};
use crate::support::stack::{self, Server};
use crate::support::wait::wait_for;
use crate::support::worker::WorkerSetup;
use crate::support::{kafka, unique};

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    body: String,
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// Sends bytes as they are, with these headers and no others of the client's own choice.
async fn raw(rest: &ConnectRest, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let ask = async || {
        let mut request = client().request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", rest.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        Answer { status: answer.status(), body: answer.text().await.unwrap() }
    };
    let what = format!("{method} {path} to be accepted");
    wait_for(Duration::from_secs(60), &what, ask, |answer| !is_put_off(&answer.body)).await
}

fn java() -> ConnectRest {
    ConnectRest::at(format!("http://{}", stack::address(Server::Connect)))
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn answers_to_wrong_requests_are_those_of_the_java_worker() {
    let worker = WorkerSetup::distributed().start().await;
    let java = java();
    let same: [(&str, &str, &[(&str, &str)], &str); 24] = [
        ("GET", "/nope", &[], ""),
        ("GET", "/CONNECTORS", &[], ""),
        ("GET", "/connector-plugins/FileStreamSource", &[], ""),
        ("GET", "/connectors/none/tasks/0", &[], ""),
        ("PUT", "/connectors", &[JSON], "{}"),
        ("PUT", "/connectors/none/tasks", &[JSON], "[]"),
        ("BREW", "/connectors", &[], ""),
        ("GET", "/connectors/none", &[], ""),
        ("GET", "/connectors/none/", &[], ""),
        ("GET", "/connectors/none/config", &[], ""),
        ("GET", "/connectors/none/status", &[], ""),
        ("GET", "/connectors/none/tasks", &[], ""),
        ("GET", "/connectors/none/topics", &[], ""),
        ("GET", "/connectors/none/tasks/0/status", &[], ""),
        ("PUT", "/connectors/none/pause", &[], ""),
        ("PUT", "/connectors/none/stop", &[], ""),
        ("POST", "/connectors/none/restart", &[], ""),
        ("POST", "/connectors/none/restart?includeTasks=true", &[], ""),
        ("POST", "/connectors/none/tasks/0/restart", &[], ""),
        ("POST", "/connectors/none/tasks/x/restart", &[], ""),
        ("DELETE", "/connectors/none", &[], ""),
        ("GET", "/connectors/none/offsets", &[], ""),
        ("GET", "/connector-plugins/Nope/config", &[], ""),
        ("GET", "/admin/loggers/no.such.logger", &[], ""),
    ];
    for (method, path, headers, body) in same {
        let (ours, theirs) =
            tokio::join!(raw(&worker.rest, method, path, headers, body), raw(&java, method, path, headers, body));
        assert_eq!((ours.status, ours.body), (theirs.status, theirs.body), "{method} {path}");
    }
    // Bodies that cannot be read: the status is Connect's, the text is the parser's own.
    for body in ["", "nope", "null", "[]", "{}", r#"{"name":"x","config":{"a":{}}}"#, r#"{"name":"x","other":1}"#] {
        let (ours, theirs) = tokio::join!(
            raw(&worker.rest, "POST", "/connectors", &[JSON], body),
            raw(&java, "POST", "/connectors", &[JSON], body)
        );
        assert_eq!((ours.status, theirs.status), (StatusCode::INTERNAL_SERVER_ERROR, ours.status), "{body}");
        let envelope: Value = serde_json::from_str(&ours.body).unwrap();
        assert_eq!(envelope["error_code"], 500, "{body}");
    }
}

#[tokio::test]
async fn content_types_are_negotiated() {
    let worker = WorkerSetup::distributed().start().await;
    let java = java();
    let cases: [(&str, &str, &[(&str, &str)]); 8] = [
        ("GET", "/connectors", &[("accept", "text/html")]),
        ("GET", "/connectors", &[("content-type", "text/plain")]),
        ("GET", "/connectors/none", &[("content-type", "text/plain")]),
        ("DELETE", "/connectors/none", &[("content-type", "application/xml")]),
        ("PATCH", "/connectors/none/config", &[("content-type", "application/merge-patch+json")]),
        ("GET", "/admin/loggers", &[("accept", "application/xml")]),
        ("GET", "/connector-plugins", &[("accept", "text/html, */*;q=0.1"), ("content-type", "text/plain")]),
        ("GET", "/health", &[("accept", "text/html")]),
    ];
    for (method, path, headers) in cases {
        let (ours, theirs) = tokio::join!(raw(&worker.rest, method, path, headers, ""), raw(&java, method, path, headers, ""));
        assert_eq!((ours.status, ours.body), (theirs.status, theirs.body), "{method} {path} {headers:?}");
    }
    let accepted = raw(&worker.rest, "GET", "/connectors", &[("accept", "application/*;q=0.2"), JSON], "").await;
    assert_eq!((accepted.status, accepted.body.as_str()), (StatusCode::OK, "[]"));
    let root = raw(&worker.rest, "GET", "/", &[("content-type", "text/plain")], "").await;
    assert_eq!(root.status, StatusCode::OK);
}

#[tokio::test]
async fn head_and_options_are_understood() {
    let worker = WorkerSetup::distributed().start().await;
    let head = client().head(format!("{}/connectors", worker.rest.base)).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    let options = client().request(Method::OPTIONS, format!("{}/connectors", worker.rest.base)).send().await.unwrap();
    assert_eq!(options.status(), StatusCode::OK);
    let mut allowed = options.headers()[ALLOW].to_str().unwrap().split(',').collect::<Vec<_>>();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "OPTIONS", "POST"]);
}

#[tokio::test]
async fn the_worker_says_who_and_how_it_is() {
    let worker = WorkerSetup::distributed().start().await;
    let (ours, theirs) = tokio::join!(worker.rest.get("/"), async { java().get("/").await });
    assert_eq!(ours.1["kafka_cluster_id"], theirs.1["kafka_cluster_id"]);
    let version = ours.1["version"].as_str().unwrap();
    assert!(version.split('.').take(2).all(|part| part.parse::<u32>().is_ok()), "{version}");
    let (status, health) = worker.rest.get("/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::OK, &json!("healthy")));
}

#[tokio::test]
async fn log_levels_change_while_running() {
    let worker = WorkerSetup::distributed().start().await;
    let path = "/admin/loggers/tributary.rest";
    let (status, changed) = worker.rest.put(path, Some(&json!({"level": "warn"}))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(changed.as_array().unwrap().contains(&json!("tributary.rest")), "{changed}");
    let (_, level) = worker.rest.get(path).await;
    assert_eq!(level["level"], "WARN");
    assert!(level["last_modified"].is_u64());
    for (body, status, message) in [
        (json!({}), 400, "Desired 'level' parameter was not specified in request."),
        (json!({"level": "chatty"}), 404, "invalid log level 'chatty'."),
    ] {
        let answer = worker.rest.put(path, Some(&body)).await;
        assert_eq!((answer.0.as_u16(), answer.1["message"].as_str()), (status, Some(message)));
    }
    let (status, body) = worker.rest.put("/admin/loggers/some.other?scope=cluster", Some(&json!({"level": "TRACE"}))).await;
    assert_eq!((status, body), (StatusCode::NO_CONTENT, Value::Null));
    wait_for(
        Duration::from_secs(10),
        "the level to arrive through the config topic",
        async || worker.rest.get("/admin/loggers/some.other").await.1,
        |level| level["level"] == "TRACE",
    )
    .await;
}

/// A file of lines that a FileStreamSource reads.
struct Lines {
    path: PathBuf,
}

impl Lines {
    fn new(folder: &Path, lines: &[&str]) -> Self {
        let path = folder.join(unique("lines"));
        std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        Self { path }
    }

    fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// What a worker answered, step by step, with what is its own taken out.
struct Transcript<'a> {
    rest: &'a ConnectRest,
    steps: Vec<(String, u16, Value)>,
}

impl Transcript<'_> {
    async fn step(&mut self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, mut answer) = wait_for(
            Duration::from_secs(60),
            &format!("{method} {path} to be accepted"),
            async || self.rest.send(method.clone(), path, body.as_ref()).await.unwrap(),
            |(_, answer)| !is_put_off(&answer.to_string()),
        )
        .await;
        neutral(&mut answer);
        self.steps.push((format!("{method} {path} {}", body.unwrap_or_default()), status.as_u16(), answer.clone()));
        answer
    }

    async fn wait_states(&mut self, name: &str, connector: &str, tasks: &[&str]) {
        wait_for(
            Duration::from_secs(60),
            &format!("{name} to be {connector} with tasks {tasks:?}"),
            async || self.rest.status(name).await,
            |status| {
                let states =
                    status["tasks"].as_array().map(|all| all.iter().map(|task| task["state"].as_str()).collect::<Vec<_>>());
                status["connector"]["state"] == connector
                    && states.is_some_and(|states| states.iter().copied().eq(tasks.iter().copied().map(Some)))
            },
        )
        .await;
    }
}

/// Hides who answered, and sorts what has no order.
fn neutral(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("worker_id") {
                fields.insert("worker_id".to_owned(), json!("worker"));
            }
            // A newer Connect than the contract's tells versions of plugins.
            fields.remove("version");
            fields.values_mut().for_each(neutral);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(neutral);
            items.sort_by_key(ToString::to_string);
        }
        _ => {}
    }
}

async fn live(rest: &ConnectRest, name: &str, topic: &str, file: &str) -> Vec<(String, u16, Value)> {
    let config = json!({"connector.class": "FileStreamSource", "topic": topic, "file": file, "tasks.max": 1});
    let at = |rest: &str| format!("/connectors/{name}{rest}");
    let mut life = Transcript { rest, steps: Vec::new() };
    let (get, put, post, patch, delete) = (Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE);

    life.step(post.clone(), "/connectors", Some(json!({"name": name, "config": config}))).await;
    life.wait_states(name, "RUNNING", &["RUNNING"]).await;
    life.step(post.clone(), "/connectors", Some(json!({"name": name, "config": config}))).await;
    for path in ["", "/config", "/tasks", "/status", "/tasks/0/status", "/tasks/1/status", "/tasks/-1/status"] {
        life.step(get.clone(), &at(path), None).await;
    }
    wait_for(
        Duration::from_secs(60),
        "the topic to be known",
        async || rest.get(&at("/topics")).await.1,
        |topics| topics[name]["topics"] == json!([topic]),
    )
    .await;
    wait_for(
        Duration::from_secs(90),
        "offsets to be stored",
        async || rest.get(&at("/offsets")).await.1,
        |offsets| offsets["offsets"].as_array().is_some_and(|offsets| !offsets.is_empty()),
    )
    .await;
    life.step(get.clone(), &at("/offsets"), None).await;

    // Changes of the config.
    let mut two = config.clone();
    two["batch.size"] = json!("7");
    life.step(put.clone(), &at("/config"), Some(two)).await;
    life.wait_states(name, "RUNNING", &["RUNNING"]).await;
    life.step(patch.clone(), &at("/config"), Some(json!({"batch.size": null, "tasks.max": "1"}))).await;
    life.step(get.clone(), &at("/config"), None).await;
    let mut other_name = config.clone();
    other_name["name"] = json!("other");
    life.step(put.clone(), &at("/config"), Some(other_name)).await;
    // Java's text shows the whole config, secrets included; ours only its keys.
    let no_class = rest.put(&at("/config"), Some(&json!({"topic": "t"}))).await;
    assert_eq!(no_class.0, StatusCode::BAD_REQUEST);
    assert!(no_class.1["message"].as_str().unwrap().ends_with("contains no connector type"), "{}", no_class.1);
    life.step(put.clone(), &at("/config"), Some(json!({"connector.class": "FileStreamSource", "tasks.max": "x"}))).await;
    life.wait_states(name, "RUNNING", &["RUNNING"]).await;

    // Target states.
    life.step(put.clone(), &at("/pause"), None).await;
    life.wait_states(name, "PAUSED", &["PAUSED"]).await;
    life.step(put.clone(), &at("/resume"), None).await;
    life.wait_states(name, "RUNNING", &["RUNNING"]).await;
    life.step(patch.clone(), &at("/offsets"), Some(json!({"offsets": [{"partition": {"filename": file}, "offset": null}]})))
        .await;
    life.step(patch.clone(), &at("/offsets"), Some(json!({"offsets": []}))).await;
    life.step(delete.clone(), &at("/offsets"), None).await;
    life.step(put.clone(), &at("/stop"), None).await;
    life.wait_states(name, "STOPPED", &[]).await;
    for path in ["/status", "/tasks", ""] {
        life.step(get.clone(), &at(path), None).await;
    }
    let nested = json!({"offsets": [{"partition": {"filename": file}, "offset": {"position": {"a": 1}}}]});
    life.step(patch.clone(), &at("/offsets"), Some(nested)).await;
    let moved = json!({"offsets": [{"partition": {"filename": file}, "offset": {"position": 3}}]});
    life.step(patch.clone(), &at("/offsets"), Some(moved)).await;
    life.step(get.clone(), &at("/offsets"), None).await;
    life.step(delete.clone(), &at("/offsets"), None).await;
    life.step(get.clone(), &at("/offsets"), None).await;
    life.step(put.clone(), &at("/resume"), None).await;
    life.wait_states(name, "RUNNING", &["RUNNING"]).await;

    // Restarts.
    for flags in ["", "?onlyFailed=true", "?includeTasks=true&onlyFailed=true", "?includeTasks=true"] {
        life.step(post.clone(), &at(&format!("/restart{flags}")), None).await;
        life.wait_states(name, "RUNNING", &["RUNNING"]).await;
    }
    life.step(post.clone(), &at("/tasks/0/restart"), None).await;
    life.wait_states(name, "RUNNING", &["RUNNING"]).await;
    life.step(post.clone(), &at("/tasks/7/restart"), None).await;
    life.step(put.clone(), &at("/topics/reset"), None).await;

    life.step(delete.clone(), &at(""), None).await;
    life.step(get.clone(), &at(""), None).await;
    life.step(delete.clone(), &at(""), None).await;
    wait_for(
        Duration::from_secs(60),
        "the status to be gone",
        async || rest.get(&at("/status")).await.0,
        |status| *status == StatusCode::NOT_FOUND,
    )
    .await;
    life.steps
}

#[tokio::test]
async fn a_connectors_life_is_that_on_the_java_worker() {
    let worker = WorkerSetup::distributed().start().await;
    // Java's positions count characters, so only ASCII has the same offsets.
    let lines = Lines::new(&worker.folder, &["um", "dois", "tres"]);
    let (name, topic) = (unique("rest_life"), unique("rest_life_topic"));
    kafka::create_topic(&topic, 1).await;
    let java = java();
    let (ours, theirs) = tokio::join!(live(&worker.rest, &name, &topic, lines.name()), live(&java, &name, &topic, lines.name()));
    let different = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).collect::<Vec<_>>();
    assert!(different.is_empty(), "ours, then theirs: {different:#?}");
    assert_eq!(ours.len(), theirs.len());
}

#[tokio::test]
async fn names_go_through_paths_unharmed() {
    let worker = WorkerSetup::distributed().start().await;
    let lines = Lines::new(&worker.folder, &["um"]);
    let topic = unique("rest_names");
    kafka::create_topic(&topic, 1).await;
    let config = json!({"connector.class": "FileStreamSource", "topic": topic, "file": lines.name()});
    let created = client()
        .post(format!("{}/connectors", worker.rest.base))
        .json(&json!({"name": " a/b c%+é?#{x} ", "config": config, "initial_state": "stopped"}))
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let location = created.headers()[LOCATION].to_str().unwrap().to_owned();
    assert!(location.ends_with("/connectors/a/b%20c%25+%C3%A9%3F%23%7Bx%7D"), "{location}");
    let (status, info) = worker.rest.get("/connectors/a%2Fb%20c%25+%C3%A9%3F%23%7Bx%7D/").await;
    assert_eq!((status, &info["name"]), (StatusCode::OK, &json!("a/b c%+é?#{x}")));
    let (status, _) = worker.rest.put("/connectors/%20pad%20/config", Some(&config)).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, names) = worker.rest.get("/connectors").await;
    assert_eq!(names, json!([" pad ", "a/b c%+é?#{x}"]));
    let (status, _) = worker.rest.delete("/connectors/a%2Fb%20c%25+%C3%A9%3F%23%7Bx%7D;m=1").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for (name, part) in [("a\u{1}b", "following ASCII chars: 1"), ("  ", "String may not be empty")] {
        let (status, answer) = worker.rest.post("/connectors", Some(&json!({"name": name, "config": config}))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(answer["message"].as_str().unwrap().contains(part), "{answer}");
    }
}

#[tokio::test]
async fn lists_expand_only_by_exact_words() {
    let worker = WorkerSetup::distributed().start().await;
    let lines = Lines::new(&worker.folder, &["um"]);
    let topic = unique("rest_expand");
    kafka::create_topic(&topic, 1).await;
    worker.rest.create("c", &json!({"connector.class": "FileStreamSource", "topic": topic, "file": lines.name()})).await;
    worker.rest.wait_running("c").await;
    for query in ["expand", "expand=", "expand=STATUS", "expand=status,info"] {
        assert_eq!(worker.rest.get(&format!("/connectors?{query}")).await.1, json!({"c": {}}), "{query}");
    }
    let (_, both) = worker.rest.get("/connectors?expand=status&expand=info&search=x").await;
    assert_eq!(both["c"]["status"], worker.rest.get("/connectors/c/status").await.1);
    assert_eq!(both["c"]["info"], worker.rest.get("/connectors/c").await.1);
}

/// The parts of a report that a newer Connect than the contract's has not changed, by name.
fn comparable(report: &Value) -> (Value, BTreeMap<String, Value>) {
    let configs = report["configs"].as_array().unwrap().iter().filter_map(|entry| {
        let name = entry["value"]["name"].as_str().unwrap().to_owned();
        let mut entry = entry.clone();
        for field in ["documentation", "order", "order_in_group"] {
            entry["definition"].as_object_mut().map(|definition| definition.remove(field));
        }
        entry["value"].as_object_mut().unwrap().remove("recommended_values");
        if name.ends_with("converter") {
            // What is not given is the worker's own there, and null in the contract.
            entry["definition"].as_object_mut().unwrap().remove("default_value");
            entry["value"].as_object_mut().unwrap().remove("value");
        }
        (!name.ends_with("plugin.version")).then_some((name, entry))
    });
    (json!([report["name"], report["error_count"], report["groups"]]), configs.collect())
}

#[tokio::test]
async fn reports_on_configs_are_those_of_the_java_worker() {
    let worker = WorkerSetup::distributed().start().await;
    let java = java();
    let source = |more: Value| {
        let mut config = json!({"name": "n", "connector.class": "FileStreamSource", "topic": "t"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("FileStreamSource", config)
    };
    let sink = |more: Value| {
        let mut config = json!({"name": "n", "connector.class": "FileStreamSinkConnector"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("FileStreamSink", config)
    };
    let cases = [
        ("FileStreamSourceConnector", json!({"name": "n", "connector.class": "FileStreamSource", "file": "/data/in.txt"})),
        source(json!({"tasks.max": "x", "errors.tolerance": "some", "value.converter": "Nope", "stray": null})),
        source(json!({"key.converter": "JsonConverter", "key.converter.schemas.enable": "x"})),
        source(json!({"transforms": "h,bad,neg", "transforms.h.type": "org.apache.kafka.connect.transforms.HoistField$Value",
            "transforms.bad.type": "InsertField", "transforms.neg.type": "RegexRouter", "transforms.neg.regex": "a",
            "transforms.neg.replacement": "b", "transforms.neg.negate": "true", "predicates": "p",
            "predicates.p.type": "TopicNameMatches", "predicates.p.pattern": "x"})),
        source(json!({"transforms": "a,a", "predicates": "q", "exactly.once.support": "required", "name": " ",
            "transaction.boundary": "foo", "offsets.storage.topic": "", "transaction.boundary.interval.ms": "-1"})),
        sink(json!({})),
        sink(json!({"topics": "a,b", "topics.regex": "x"})),
        sink(json!({"topics": "a, b", "errors.deadletterqueue.topic.name": "b"})),
        sink(json!({"topics.regex": "b.*", "errors.deadletterqueue.topic.name": "bx"})),
    ];
    for (plugin, config) in cases {
        let path = format!("/connector-plugins/{plugin}/config/validate");
        let (ours, theirs) = tokio::join!(worker.rest.put(&path, Some(&config)), java.put(&path, Some(&config)));
        assert_eq!((ours.0, theirs.0), (StatusCode::OK, StatusCode::OK), "{config}: {} {}", ours.1, theirs.1);
        let ((ours, our_configs), (theirs, their_configs)) = (comparable(&ours.1), comparable(&theirs.1));
        for (name, entry) in &our_configs {
            assert_eq!(Some(entry), their_configs.get(name), "{config}: {name}");
        }
        assert_eq!(our_configs.len(), their_configs.len(), "{config}");
        // The order of a converter's groups is not fixed.
        if config.get("key.converter").is_none() {
            assert_eq!(ours, theirs, "{config}");
        }
    }
    for (plugin, config) in [
        ("FileStreamSink", json!({"connector.class": "FileStreamSource"})),
        ("FileStreamSink", json!({"name": "n"})),
        ("Nope", json!({"connector.class": "Nope"})),
    ] {
        let path = format!("/connector-plugins/{plugin}/config/validate");
        let (ours, theirs) = tokio::join!(worker.rest.put(&path, Some(&config)), java.put(&path, Some(&config)));
        assert_eq!(ours.0, theirs.0, "{config}");
    }
}

#[tokio::test]
async fn a_standalone_worker_creates_the_connectors_of_its_command_line() {
    let folder = std::env::temp_dir();
    let lines = Lines::new(&folder, &["um", "dois"]);
    let topic = unique("rest_standalone");
    kafka::create_topic(&topic, 1).await;
    let properties = folder.join(unique("first"));
    std::fs::write(&properties, format!("name=first\nconnector.class=FileStreamSource\nfile={}\ntopic={topic}\n", lines.name()))
        .unwrap();
    let request = folder.join(unique("second"));
    let body = json!({"name": "second", "config": {"connector.class": "FileStreamSource", "file": lines.name(), "topic": topic},
        "initial_state": "PAUSED"});
    std::fs::write(&request, body.to_string()).unwrap();
    let mut worker = WorkerSetup::standalone(&[&properties, &request]).start().await;
    wait_for(
        Duration::from_secs(20),
        "both connectors",
        async || worker.rest.get("/connectors").await.1,
        |names| *names == json!(["first", "second"]),
    )
    .await;
    worker.rest.wait_running("first").await;
    wait_for(
        Duration::from_secs(20),
        "the second to be paused",
        async || worker.rest.status("second").await,
        |status| status["connector"]["state"] == "PAUSED",
    )
    .await;
    kafka::wait_for_records(&topic, 2, Duration::from_secs(20)).await;
    // An answer to POST comes when the connector runs.
    let config = json!({"connector.class": "FileStreamSource", "file": lines.name(), "topic": topic});
    let (status, info) = worker.rest.post("/connectors", Some(&json!({"name": "third", "config": config}))).await;
    assert_eq!((status, &info["tasks"]), (StatusCode::CREATED, &json!([{"connector": "third", "task": 0}])));
    assert!(worker.stop().await.success());
    let log = worker.log();
    for line in ["Kafka Connect starting", "Created connector first", "Kafka Connect started", "Kafka Connect stopped"] {
        assert!(log.contains(line), "no '{line}' in {log}");
    }
    // Offsets are in the file.
    worker.start().await;
    let stored = json!({"offsets": [{"partition": {"filename": lines.name()}, "offset": {"position": 8}}]});
    assert_eq!(worker.rest.get("/connectors/first/offsets").await.1, stored);
    for file in [&properties, &request, &lines.path] {
        std::fs::remove_file(file).unwrap();
    }
}
