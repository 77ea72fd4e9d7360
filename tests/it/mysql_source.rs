//! Does the MySQL source send every row once and in order, whatever happens in between?

mod outages;
mod own_server;
mod startup;
mod transactions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tributary::config::ConfigMap;
use tributary::connectors::mysql::{MariaDbConnector, MySqlConnector};
use tributary::data::{ConnectRecord, SourceBatch, SourceOffset, SourcePartition, Value};
use tributary::plugin::{ConnectError, Connector, OffsetReader, Result, SourceConnector, SourceTask, SourceTaskContext};

use crate::support::sql::Database;
use crate::support::stack::{self, Server};
use crate::support::unique;

/// Long enough for a busy machine; a test that waits this long has failed.
const LIMIT: Duration = Duration::from_secs(60);

struct StoredOffset(Option<SourceOffset>);

#[async_trait]
impl OffsetReader for StoredOffset {
    async fn offset(&self, _: &SourcePartition) -> Result<Option<SourceOffset>> {
        Ok(self.0.clone())
    }
}

/// A connector on one database, with a schema history of its own.
struct Source {
    server: Server,
    config: ConfigMap,
    offset: Option<SourceOffset>,
}

impl Source {
    fn new(database: &Database, settings: &[(&str, &str)]) -> Self {
        let (host, port) = stack::host_and_port(database.server);
        Self::at(database.server, &host, port, &database.name, settings)
    }

    fn at(server: Server, host: &str, port: u16, database: &str, settings: &[(&str, &str)]) -> Self {
        let name = unique("reader");
        let server_id = 100_000 + u32::from_str_radix(&name[7..13], 16).unwrap() % 1_000_000;
        let mut config: ConfigMap = [
            ("database.hostname", host),
            ("database.port", &port.to_string()),
            ("database.user", crate::support::sql::USER),
            ("database.server.id", &server_id.to_string()),
            ("topic.prefix", &name),
            ("table.include.list", &format!("{database}\\..*")),
            ("include.schema.changes", "false"),
            ("schema.history.internal.store.only.captured.tables.ddl", "true"),
            ("schema.history.internal.kafka.bootstrap.servers", &stack::address(Server::Kafka)),
            ("schema.history.internal.kafka.topic", &format!("{name}.history")),
        ]
        .into_iter()
        .collect();
        for (key, value) in settings {
            config.set(*key, *value);
        }
        Self { server, config, offset: None }
    }

    async fn start(&self) -> Reading {
        let context =
            SourceTaskContext { connector: "reader".into(), task: 0, offsets: Arc::new(StoredOffset(self.offset.clone())) };
        let task = match self.server {
            Server::MariaDb => MariaDbConnector.start_task(&self.config, context).await,
            _ => MySqlConnector.start_task(&self.config, context).await,
        };
        Reading { task: task.unwrap(), batches: Vec::new() }
    }
}

/// Why a task ends that cannot work.
async fn failure(source: &Source) -> ConnectError {
    let mut reading = source.start().await;
    loop {
        if let Err(error) = reading.poll().await {
            return error;
        }
    }
}

/// What is wrong with a connector's settings, as its validation says it.
async fn validation_errors(source: &Source) -> Vec<String> {
    let report = match source.server {
        Server::MariaDb => MariaDbConnector.validate(&source.config).await,
        _ => MySqlConnector.validate(&source.config).await,
    };
    report.errors().map(str::to_owned).collect()
}

struct Reading {
    task: Box<dyn SourceTask>,
    batches: Vec<SourceBatch>,
}

impl Reading {
    async fn poll(&mut self) -> Result<&SourceBatch> {
        let batch = tokio::time::timeout(LIMIT, self.task.poll()).await.expect("no batch in time")?;
        self.batches.push(batch);
        Ok(self.batches.last().unwrap())
    }

    /// Polls until a row of this id was inserted or read.
    async fn until(&mut self, id: i64) {
        loop {
            let batch = self.poll().await.unwrap();
            let found = batch.records.iter().any(|record| {
                !matches!(text(record, "op").as_deref(), Some("d") | None)
                    && row(record, "after").get("id") == Some(&id.to_string())
            });
            if found {
                return;
            }
        }
    }

    /// Polls until the position of a complete snapshot comes.
    async fn until_snapshot(&mut self) {
        loop {
            let batch = self.poll().await.unwrap();
            if batch.resume_at.iter().any(|(_, offset)| !offset.contains_key("snapshot")) {
                return;
            }
        }
    }

    fn offset(&self) -> Option<SourceOffset> {
        self.batches.iter().rev().find_map(|batch| batch.resume_at.last()).map(|(_, offset)| offset.clone())
    }

    fn records(&self) -> impl Iterator<Item = &ConnectRecord> {
        self.batches.iter().flat_map(|batch| &batch.records)
    }

    async fn stop(self) -> (Vec<SourceBatch>, Option<SourceOffset>) {
        let offset = self.offset();
        tokio::time::timeout(LIMIT, self.task.stop()).await.expect("the task does not stop").unwrap();
        (self.batches, offset)
    }
}

fn member<'a>(record: &'a ConnectRecord, name: &str) -> Option<(&'a tributary::data::Schema, &'a Value)> {
    let schema = record.value.schema.as_ref()?;
    let field = schema.field(name)?;
    Some((schema.fields()?[field.index].schema.as_ref(), record.value.value.as_struct()?.get(field.index)?))
}

fn text(record: &ConnectRecord, name: &str) -> Option<String> {
    member(record, name)?.1.as_str().map(str::to_owned)
}

/// `before` or `after` by column name, values as text.
fn row(record: &ConnectRecord, name: &str) -> BTreeMap<String, String> {
    let Some((schema, Value::Struct(values))) = member(record, name) else { return BTreeMap::new() };
    let fields = schema.fields().unwrap();
    fields.iter().zip(values).map(|(field, value)| (field.name.to_string(), shown(value))).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => text.to_string(),
        other => other.as_i64().map_or_else(|| format!("{other:?}"), |number| number.to_string()),
    }
}

/// What a consumer that applies all records in order holds: rows by key.
fn applied<'a>(records: impl Iterator<Item = &'a ConnectRecord>) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut table = BTreeMap::new();
    for record in records {
        for data in [&record.key, &record.value] {
            if let Some(schema) = &data.schema {
                data.value.check(schema).unwrap_or_else(|error| panic!("{error} in {record:?}"));
            }
        }
        let key = format!("{}{:?}", record.topic, record.key.value);
        match text(record, "op").as_deref() {
            Some("d") => drop(table.remove(&key)),
            Some("c" | "r" | "u") => drop(table.insert(key, row(record, "after"))),
            _ => {}
        }
    }
    table
}

/// The table as the server has it now.
async fn stored(database: &mut Database, sql: &str, columns: &[&str]) -> Vec<BTreeMap<String, String>> {
    let rows = database.rows(sql).await;
    let name = |index: usize| columns[index].to_owned();
    rows.into_iter()
        .map(|row| row.into_iter().enumerate().map(|(i, x)| (name(i), x.unwrap_or_else(|| "NULL".into()))).collect())
        .collect()
}

fn sorted(rows: impl IntoIterator<Item = BTreeMap<String, String>>) -> Vec<BTreeMap<String, String>> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort();
    rows
}

async fn insert(database: &mut Database, ids: std::ops::Range<i64>) {
    for chunk in ids.collect::<Vec<_>>().chunks(500) {
        let values = chunk.iter().map(|id| format!("({id}, 'ação {id}', {})", id * 7)).collect::<Vec<_>>().join(", ");
        database.run(&format!("INSERT INTO t (id, nome, valor) VALUES {values}")).await;
    }
}

async fn snapshot_changes_alter_restart(server: Server) {
    let mut database = Database::create(server, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40) NOT NULL, valor INT)").await;
    insert(&mut database, 1..5001).await;
    let mut source = Source::new(&database, &[]);
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    assert_eq!(reading.records().count(), 5000);

    insert(&mut database, 5001..7001).await;
    database.run("UPDATE t SET nome = CONCAT(nome, '!'), valor = NULL WHERE id % 10 = 0").await;
    database.run("DELETE FROM t WHERE id % 7 = 0").await;
    database.run("UPDATE t SET id = id + 100000 WHERE id BETWEEN 100 AND 120").await;
    database.run("ALTER TABLE t ADD COLUMN extra INT NULL AFTER id, DROP COLUMN valor").await;
    database.run("INSERT INTO t (id, extra, nome) VALUES (900000, 3, 'fim')").await;
    reading.until(900_000).await;
    let columns = ["id", "extra", "nome"];
    let select = "SELECT id, extra, nome FROM t";
    let strip = |rows: BTreeMap<String, BTreeMap<String, String>>| {
        sorted(rows.into_values().map(|mut row| {
            row.remove("valor");
            row.entry("extra".to_owned()).or_insert_with(|| "NULL".to_owned());
            row
        }))
    };
    assert_eq!(strip(applied(reading.records())), sorted(stored(&mut database, select, &columns).await));

    let (mut batches, offset) = reading.stop().await;
    source.offset = offset;
    database.run("UPDATE t SET extra = 5 WHERE id < 1000").await;
    database.run("RENAME TABLE t TO u").await;
    database.run("ALTER TABLE u RENAME TO t, MODIFY nome VARCHAR(80)").await;
    database.run("INSERT INTO t (id, extra, nome) VALUES (900001, 3, 'fim')").await;
    let mut reading = source.start().await;
    reading.until(900_001).await;
    assert!(reading.records().all(|record| text(record, "op").as_deref() != Some("r")), "there is no second snapshot");
    let (more, _) = reading.stop().await;
    batches.extend(more);
    let all = batches.iter().flat_map(|batch| &batch.records);
    assert_eq!(strip(applied(all)), sorted(stored(&mut database, select, &columns).await));
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_snapshot_changes_alter_and_restart_give_the_table() {
    snapshot_changes_alter_restart(Server::MySql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_snapshot_changes_alter_and_restart_give_the_table() {
    snapshot_changes_alter_restart(Server::MariaDb).await;
}

/// Every place that is handed out is good to resume at: what follows it is exactly what was not yet sent.
async fn resumes_anywhere(server: Server) {
    let mut database = Database::create(server, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    database.run("CREATE TABLE w (id BIGINT PRIMARY KEY)").await;
    let mut source = Source::new(&database, &[("max.batch.size", "3"), ("tombstones.on.delete", "false")]);
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    let (_, offset) = reading.stop().await;
    source.offset = offset;

    database.run("BEGIN").await;
    insert(&mut database, 1..12).await;
    database.run("INSERT INTO w VALUES (1), (2)").await;
    database.run("UPDATE t SET valor = 1 WHERE id < 8").await;
    database.run("COMMIT").await;
    database.run("DELETE FROM t WHERE id < 5").await;
    database.run("INSERT INTO t VALUES (99, 'fim', 0)").await;

    let mut reading = source.start().await;
    reading.until(99).await;
    let (batches, _) = reading.stop().await;
    let seen = |batches: &[SourceBatch]| -> Vec<String> {
        let records = batches.iter().flat_map(|batch| &batch.records);
        records.map(|record| format!("{:?} {:?}", text(record, "op"), record.key.value)).collect()
    };
    let all = seen(&batches);
    assert_eq!(all.len(), 11 + 2 + 7 + 4 + 1);
    assert!(batches.len() > 8, "batches hold at most three records, there were {}", batches.len());
    let inside = batches.iter().flat_map(|batch| &batch.resume_at).filter(|(_, offset)| offset.contains_key("row")).count();
    assert!(inside > 2, "some places lie inside of an event");
    for cut in 0..batches.len() {
        let Some((_, offset)) = batches[cut].resume_at.last() else { continue };
        source.offset = Some(offset.clone());
        let sent = seen(&batches[..=cut]);
        if sent.len() == all.len() {
            continue;
        }
        let mut again = source.start().await;
        again.until(99).await;
        let (rest, _) = again.stop().await;
        assert_eq!([sent, seen(&rest)].concat(), all, "resumed at {offset:?}");
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_resumes_at_every_place_it_hands_out() {
    resumes_anywhere(Server::MySql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_resumes_at_every_place_it_hands_out() {
    resumes_anywhere(Server::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committed_row_comes_within_milliseconds() {
    for server in [Server::MySql, Server::MariaDb] {
        let mut database = Database::create(server, "reader").await;
        database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
        let mut reading = Source::new(&database, &[]).start().await;
        reading.until_snapshot().await;
        database.run("INSERT INTO t VALUES (1, 'a', 1)").await;
        reading.until(1).await;
        let mut delays = Vec::new();
        for id in 2..22 {
            database.run(&format!("INSERT INTO t VALUES ({id}, 'a', 1)")).await;
            let committed = std::time::Instant::now();
            reading.until(id).await;
            delays.push(committed.elapsed());
        }
        delays.sort();
        assert!(delays[10] < Duration::from_millis(50), "{server:?}: {delays:?}");
        reading.stop().await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_a_deletion_and_an_insertion() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    let mut reading = Source::new(&database, &[]).start().await;
    reading.until_snapshot().await;
    database.run("INSERT INTO t VALUES (1, 'a', 1)").await;
    database.run("UPDATE t SET id = 2").await;
    reading.until(2).await;
    let seen: Vec<_> =
        reading.records().map(|record| (text(record, "op"), shown(&record.key.value.as_struct().unwrap()[0]))).collect();
    let expected = [(Some("c"), "1"), (Some("d"), "1"), (None, "1"), (Some("c"), "2")]
        .map(|(op, key)| (op.map(str::to_owned), key.to_owned()));
    assert_eq!(seen, expected);
    reading.stop().await;
    database.drop().await;
}
