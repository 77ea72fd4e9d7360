//! Do the example files move the bank's tables into files of the schemas that `schemas/` promises?

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tributary::config::properties::{self, Encoding};

use crate::support::stack::{self, Server, address, host_and_port};
use crate::support::wait::wait_for;
use crate::support::worker::WorkerSetup;
use crate::support::{hdfs, unique};

const WITHIN: Duration = Duration::from_secs(60);

/// Fills the four tables with the demo's data for this many operations.
fn fill_tables(operations: u32) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique("seed"));
    let seed = Command::new(stack::setting("STACK_PYTHON"))
        .arg("-B")
        .arg(root.join("tests/support/bank/seed.py"))
        .args(["load", "--rows", &operations.to_string()])
        .arg(&folder)
        .status();
    assert!(seed.unwrap().success(), "seed.py failed");
    let load = std::fs::File::open(folder.join("load.sql")).unwrap();
    let client = Command::new(root.join("tests/stack/client"))
        .arg("--at")
        .arg(stack::folder())
        .arg("mysql")
        .stdin(load)
        .stdout(Stdio::null())
        .status();
    assert!(client.unwrap().success(), "MySQL refused load.sql");
}

/// An example file with the addresses of the stack, and a place of its own for what it keeps.
fn example(name: &str, run: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("connector-configs/{name}.properties"));
    let settings = properties::parse(&std::fs::read(file).unwrap(), Encoding::Latin1).unwrap();
    let (host, port) = host_and_port(Server::MySql);
    let changed = BTreeMap::from([
        ("name", format!("{name}-{run}")),
        ("database.hostname", host),
        ("database.port", port.to_string()),
        ("database.history.kafka.bootstrap.servers", address(Server::Kafka)),
        ("database.history.kafka.topic", format!("{name}-{run}-history")),
        ("hdfs.url", hdfs::url()),
        ("topics.dir", format!("/{run}/topics")),
        ("logs.dir", format!("/{run}/logs")),
        ("hive.metastore.uris", format!("thrift://{}", address(Server::Hive))),
        ("hive.database", run.to_owned()),
        ("rotate.schedule.interval.ms", "1000".to_owned()),
    ]);
    let value = |key: &str, value: &str| json!(changed.get(key).map_or(value, String::as_str));
    Value::Object(settings.iter().map(|(key, text)| (key.to_owned(), value(key, text))).collect::<Map<_, _>>())
}

#[tokio::test]
async fn files_have_the_schemas_that_are_promised() {
    fill_tables(100);
    let run = unique("bank");
    let worker = WorkerSetup::distributed().start().await;
    for name in [
        "mysqlSource_santander_data",
        "mysqlSource_stock_market_data",
        "hdfsSink_santander_operations_migration",
        "hdfsSink_santander_clients_migration",
        "hdfsSink_santander_employees_migration",
        "hdfsSink_stockmarket_b3_migration",
    ] {
        let config = example(name, &run);
        worker.rest.create(config["name"].as_str().unwrap(), &config).await;
    }
    for (table, topic) in [
        ("operations", "bank.santander.operations"),
        ("clients", "bank.santander.clients"),
        ("employees", "bank.santander.employees"),
        ("ibovespa", "b3.ibovespa"),
    ] {
        let folder = format!("/{run}/topics/{topic}");
        let files = async || hdfs::committed_files(&folder).await;
        let files = wait_for(WITHIN, &format!("files in {folder}"), files, |files| !files.is_empty()).await;
        let promise = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{table}.avsc"));
        let promise: Value = serde_json::from_slice(&std::fs::read(promise).unwrap()).unwrap();
        for file in files {
            assert_eq!(hdfs::avro_header(&file).await.0, promise, "{file}");
        }
    }
    let (_, names) = worker.rest.get("/connectors").await;
    for name in names.as_array().unwrap() {
        worker.rest.delete(&format!("/connectors/{}", name.as_str().unwrap())).await;
    }
}
