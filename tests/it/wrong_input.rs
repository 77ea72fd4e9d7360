//! Does a user who got something wrong read one clear sentence, wherever the mistake was, and lose nothing?

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::sql::{Database, USER};
use crate::support::stack::{self, Server};
use crate::support::wait::{Look, wait_until};
use crate::support::worker::WorkerSetup;
use crate::support::{kafka, unique};

/// A connector that works, on all tables of a database.
fn source(database: &str, name: &str) -> Value {
    let (host, port) = stack::host_and_port(Server::MySql);
    json!({
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "database.hostname": host,
        "database.port": port.to_string(),
        "database.user": USER,
        "database.server.id": (200_000 + u32::from(port)).to_string(),
        "topic.prefix": name,
        "table.include.list": format!("{database}.t"),
        "include.schema.changes": "false",
        "schema.history.internal.store.only.captured.tables.ddl": "true",
        "schema.history.internal.kafka.bootstrap.servers": stack::address(Server::Kafka),
        "schema.history.internal.kafka.topic": format!("{name}.history"),
    })
}

fn with(config: &Value, changes: &[(&str, &str)]) -> Value {
    let mut config = config.clone();
    for (key, value) in changes {
        config[*key] = json!(value);
    }
    config
}

#[tokio::test]
async fn wrong_settings_are_told_by_create_and_by_validate() {
    let worker = WorkerSetup::standalone(&[]).start().await;
    let name = unique("wrong");
    let good = with(&source("no_such_database", &name), &[("name", &name)]);
    for (changes, key, sentence) in [
        (&[("tasks.max", "many")][..], "tasks.max", "Invalid value many for configuration tasks.max: Not a number of type INT"),
        (&[("database.port", "x")], "database.port", "The 'database.port' value is invalid: An integer is expected"),
        (
            &[("snapshot.locking.mode", "x")],
            "snapshot.locking.mode",
            "The 'snapshot.locking.mode' value is invalid: Value must be one of minimal, extended, none, minimal_percona, \
             minimal_percona_no_table_locks",
        ),
        (
            &[("database.user", "nobody"), ("database.password", "s3cret")],
            "database.hostname",
            "cannot log in to the database at 127.0.0.1:{port} as user 'nobody'; check database.user and database.password",
        ),
        (
            &[("database.hostname", "no.such.host.invalid")],
            "database.hostname",
            "Unable to connect: cannot find host 'no.such.host.invalid'; check database.hostname",
        ),
        (&[("value.converter", "Nope")], "value.converter", "Invalid value Nope for configuration value.converter: "),
        (
            &[("transforms", "x"), ("transforms.x.type", "Nope")],
            "transforms.x.type",
            "Invalid value Nope for configuration transforms.x.type: Class Nope could not be found.",
        ),
    ] {
        let sentence = sentence.replace("{port}", good["database.port"].as_str().unwrap());
        let config = with(&good, changes);
        let (status, answer) = worker.rest.post("/connectors", Some(&json!({"name": name, "config": config}))).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{changes:?}: {answer}");
        assert!(message.starts_with("Connector configuration is invalid and contains the following "), "{message}");
        assert!(message.contains(&sentence) && !message.contains("s3cret"), "{message}");

        let (status, report) = worker.rest.put("/connector-plugins/MySqlConnector/config/validate", Some(&config)).await;
        assert_eq!(status, StatusCode::OK, "{report}");
        let entries = report["configs"].as_array().unwrap().iter();
        let errors: Vec<_> =
            entries.filter(|entry| entry["value"]["name"] == key).map(|entry| &entry["value"]["errors"]).collect();
        assert!(errors.iter().any(|errors| errors.to_string().contains(&sentence)), "{changes:?}: {errors:?}");
    }
    let config = with(&good, &[("connector.class", "com.example.Nope")]);
    let (status, answer) = worker.rest.post("/connectors", Some(&json!({"name": name, "config": config}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let message = answer["message"].as_str().unwrap();
    let sentence =
        "Failed to find any class that implements Connector and which name matches com.example.Nope, available connectors are: ";
    assert!(message.starts_with(sentence), "{message}");
    assert_eq!(worker.rest.get("/connectors").await.1, json!([]), "nothing was created");
}

#[tokio::test]
async fn a_table_that_is_not_there_fails_the_task_until_it_is() {
    let worker = WorkerSetup::distributed().start().await;
    let mut database = Database::create(Server::MySql, "wrong").await;
    let name = unique("wrong");
    worker.rest.create(&name, &source(&database.name, &name)).await;
    let trace = worker.rest.wait_task_trace(&name).await;
    let sentence = format!("no table of the server matches table.include.list={}.t: correct the list, ", database.name);
    assert!(trace.starts_with(&sentence), "{trace}");

    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY)").await;
    database.run("INSERT INTO t VALUES (1), (2)").await;
    worker.rest.post(&format!("/connectors/{name}/tasks/0/restart"), None).await;
    let topic = format!("{name}.{}.t", database.name);
    kafka::wait_for_records(&topic, 2, Duration::from_secs(60)).await;
    worker.rest.delete(&format!("/connectors/{name}")).await;
    database.drop().await;
}

/// Runs a worker that ends by itself; its exit code and what it printed.
async fn run(arguments: &[&Path]) -> (Option<i32>, String) {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique("wrong_log"));
    let file = std::fs::File::create(&log).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tributary"))
        .arg("standalone")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let code = wait_until(Duration::from_secs(60), "the worker to end", async || match child.try_wait().unwrap() {
        Some(status) => Look::Done(status.code()),
        None => Look::NotYet("it runs"),
    })
    .await;
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    (code, text)
}

#[tokio::test]
async fn files_that_cannot_be_used_end_the_worker_with_their_name() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique("wrong_files"));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (missing, is_folder) = (folder.join("missing.properties"), folder.clone());
    let escape = write("escape.properties", "a=b\nbootstrap.servers=\\u12\n");
    let value = write("value.properties", "offset.flush.interval.ms=soon\n");
    for (file, sentence) in [
        (&missing, "cannot read the worker properties file {file}\nCaused by: No such file or directory"),
        (&is_folder, "cannot read the worker properties file {file}\nCaused by: Is a directory"),
        (&escape, "cannot read the worker properties file {file}\nCaused by: line 2: "),
        (&value, "the worker properties file {file} is wrong\nCaused by: "),
    ] {
        let (code, text) = run(&[file]).await;
        let sentence = sentence.replace("{file}", &file.display().to_string());
        assert!(code == Some(2) && text.contains(&format!("Stopping due to error: {sentence}")), "{code:?}: {text}");
    }

    let worker = write(
        "worker.properties",
        &format!(
            "bootstrap.servers={}\nlisteners=http://127.0.0.1:0\noffset.storage.file.filename={}\n\
             key.converter=JsonConverter\nvalue.converter=JsonConverter\n",
            stack::address(Server::Kafka),
            folder.join("offsets").display()
        ),
    );
    let no_name = write("no_name.properties", "connector.class=FileStreamSource\n");
    let no_class = write("no_class.properties", "name=x\ntopic=t\n");
    let unknown = write("unknown.properties", "name=x\nconnector.class=com.example.Nope\n");
    let bad = write("bad.properties", "name=x\nconnector.class=FileStreamSource\ntopic=t\ntasks.max=many\n");
    for (file, sentence) in [
        (&missing, "No such file or directory"),
        (&is_folder, "Is a directory"),
        (&escape, "line 2: "),
        (&no_name, "the file has no setting 'name'"),
        (&no_class, "contains no connector type"),
        (&unknown, "Failed to find any class that implements Connector and which name matches com.example.Nope"),
        (&bad, "Invalid value many for configuration tasks.max: Not a number of type INT"),
    ] {
        let (code, text) = run(&[&worker, file]).await;
        let first = format!("Failed to create connector for {}: ", file.display());
        let line = text.lines().find(|line| line.contains(&first)).unwrap_or_else(|| panic!("{code:?}: {text}"));
        assert!(code == Some(3) && text.contains(sentence), "{code:?}: {line}\n{text}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
