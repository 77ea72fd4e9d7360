//! Each server away for 20 s in the middle of a run.

use std::process::Command;
use std::time::Duration;

use crate::path::Path;

const AWAY: Duration = Duration::from_secs(20);

/// Runs `tests/stack/<action> <server>`.
fn stack(action: &str, server: &str) {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack").join(action);
    let output = Command::new(&script).arg(server).output().unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    assert!(output.status.success(), "{action} {server}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Rows keep arriving while the server is away, unless it is the database itself. The tasks have to go on by
/// themselves: nobody restarts anything.
async fn survives(server: &str) {
    let mut path = Path::start(5_000).await;
    path.insert_for(Duration::from_secs(3)).await;
    stack("down", server);
    if server == "mysql" {
        tokio::time::sleep(AWAY).await;
    } else {
        path.insert_for(AWAY).await;
    }
    stack("up", server);
    path.database.reconnect().await;
    path.insert_for(Duration::from_secs(3)).await;
    path.check().await;
    path.wait_running().await;
}

#[tokio::test]
async fn the_broker_may_go_and_come_back() {
    survives("kafka").await;
}

#[tokio::test]
async fn the_namenode_may_go_and_come_back() {
    survives("hdfs").await;
}

#[tokio::test]
async fn the_metastore_may_go_and_come_back() {
    survives("hive").await;
}

#[tokio::test]
async fn mysql_may_go_and_come_back() {
    survives("mysql").await;
}
