//! Each server killed in the middle of a run and away for 20 s.
//!
//! Nobody restarts a task: all of them have to go on by themselves, also where the Java worker's tasks would be FAILED
//! (a NameNode or DataNode that restarts) or Hive partitions missing (a metastore that is away).

use std::process::Command;
use std::time::Duration;

use crate::path::{PASSWORD, Path};

/// How long a server is away, not counting its start.
const AWAY: Duration = Duration::from_secs(20);
/// An outage is told in a few lines, however often the clients try.
const LINES_OF_AN_OUTAGE: usize = 30;

/// Runs a script of `tests/stack`.
fn stack(script: &str, arguments: &[&str]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack").join(script);
    let output = Command::new(&path).args(arguments).output().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(output.status.success(), "{script} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Kills a part of the stack under a running job and checks that nothing is lost or doubled. Rows keep arriving while it is
/// away, unless it is the database itself. The log has to tell the outage, by this sentence.
async fn survives(part: &str, told: &str) {
    let mut path = Path::start(5_000).await;
    path.insert_for(Duration::from_secs(2)).await;
    let before = path.worker.log().len();
    stack("down", &["--kill", part]);
    if part == "mysql" {
        tokio::time::sleep(AWAY).await;
    } else {
        path.trickle_for(AWAY).await;
    }
    stack("up", &[part.split('/').next().unwrap()]);
    path.database.reconnect().await;
    path.insert_for(Duration::from_secs(1)).await;
    let duplicates = path.check().await;
    path.wait_running().await;
    println!("{part} was away: nothing lost; the source sent {duplicates} records twice");

    let log = path.worker.log();
    let outage = &log[before..];
    assert!(outage.contains(told), "the log does not say '{told}':\n{outage}");
    let lines = outage.lines().filter(|line| !line.contains("RestServer")).count();
    assert!(lines <= LINES_OF_AN_OUTAGE, "{lines} lines of log:\n{outage}");
    assert!(!log.contains(PASSWORD), "the log shows a password:\n{log}");
}

#[tokio::test]
async fn the_broker_may_go_and_come_back() {
    survives("kafka", "cannot reach a Kafka broker").await;
}

#[tokio::test]
async fn the_namenode_may_go_and_come_back() {
    survives("hdfs/namenode", "HDFS does not answer").await;
}

#[tokio::test]
async fn a_datanode_may_go_and_come_back() {
    survives("hdfs/datanode", "on HDFS: ").await;
}

#[tokio::test]
async fn the_metastore_may_go_and_come_back() {
    survives("hive", "did not answer").await;
}

#[tokio::test]
async fn mysql_may_go_and_come_back() {
    survives("mysql", "trying again problem=cannot read the binlog").await;
}
