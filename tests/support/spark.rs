//! Reads Hive tables with Spark, which shares no code with us.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::stack;

/// Which metastore Spark asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metastore {
    Hive2,
    Hive3,
}

/// What Spark sees of each table (`database.table`): `schema`, `rows`, `checksum`, `partitions`, up to `sample` rows.
/// One start of Spark takes about ten seconds, so ask for all tables at once.
///
/// # Panics
/// If a table cannot be read.
pub async fn read(metastore: Metastore, tables: &[&str], sample: usize) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack/spark_read.py");
    let mut command = Command::new(stack::setting("STACK_PYTHON"));
    command.arg("-B").arg(script).arg("--stack").arg(stack::folder()).arg("--rows").arg(sample.to_string());
    if metastore == Metastore::Hive3 {
        command.arg("--hive3");
    }
    command.args(tables);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let results: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let errors: Vec<_> = results.iter().filter_map(|result| result.get("error")).collect();
    let complete = results.len() == tables.len() && errors.is_empty();
    assert!(complete, "Spark could not read {tables:?}: {errors:?}\n{}", String::from_utf8_lossy(&output.stderr));
    results
}
