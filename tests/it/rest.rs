//! Does the REST API answer as Kafka Connect does? Asked of the real binary, and where it is cheap of the Java worker too.

use reqwest::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST, LOCATION};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::connect_rest::ConnectRest;
use crate::support::stack::{self, Server};
use crate::support::unique;
use crate::support::worker::{Worker, WorkerSetup};

struct Answer {
    status: StatusCode,
    body: String,
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// Sends bytes as they are, with these headers and no others of the client's own choice.
async fn raw(rest: &ConnectRest, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = client().request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", rest.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    Answer { status: answer.status(), body: answer.text().await.unwrap() }
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
    crate::support::wait::wait_for(
        std::time::Duration::from_secs(10),
        "the level to arrive through the config topic",
        async || worker.rest.get("/admin/loggers/some.other").await.1,
        |level| level["level"] == "TRACE",
    )
    .await;
}
