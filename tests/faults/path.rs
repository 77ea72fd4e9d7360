//! The main job in small: one table through a source and a sink, and the check that nothing is lost or doubled.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use apache_avro::types::Value as Avro;
use serde_json::json;

use crate::support::sql::Database;
use crate::support::stack::{Server, address, host_and_port};
use crate::support::wait::{Look, wait_for, wait_until};
use crate::support::worker::{Worker, WorkerSetup};
use crate::support::{hdfs, kafka, unique};

/// Rows of one insert statement, which is one transaction.
const ROWS_A_TRANSACTION: u64 = 200;
const SETTLED_WITHIN: Duration = Duration::from_secs(180);
/// Of the source's account; a log that shows it is at fault.
pub const PASSWORD: &str = "never-to-be-logged";

/// A table, the connectors that move it, and the worker that runs them.
pub struct Path {
    pub worker: Worker,
    pub database: Database,
    pub source: String,
    pub sink: String,
    topic: String,
    folder: String,
    /// Inserted so far.
    pub rows: u64,
}

impl Path {
    /// Starts with this many rows in the table, so that there is a snapshot to interrupt.
    pub async fn start(rows: u64) -> Self {
        let mut database = Database::create(Server::MySql, "faults").await;
        database
            .run("CREATE TABLE operations (id BIGINT PRIMARY KEY, cpf VARCHAR(14), valor DOUBLE, data DATE, op_timestamp TIMESTAMP NULL)")
            .await;
        for statement in [
            format!("CREATE USER '{}'@'%' IDENTIFIED BY '{PASSWORD}'", database.name),
            format!(
                "GRANT SELECT, RELOAD, LOCK TABLES, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '{}'@'%'",
                database.name
            ),
        ] {
            database.run(&statement).await;
        }
        let worker = WorkerSetup::distributed().set("task.shutdown.graceful.timeout.ms", "5000").start().await;
        let prefix = unique("faults");
        let mut path = Self {
            worker,
            topic: format!("{prefix}.{}.operations", database.name),
            folder: format!("/{prefix}"),
            source: format!("{prefix}-source"),
            sink: format!("{prefix}-sink"),
            database,
            rows: 0,
        };
        while path.rows < rows {
            path.insert().await;
        }
        path.create_connectors(&prefix).await;
        path
    }

    async fn create_connectors(&self, prefix: &str) {
        let (host, port) = host_and_port(Server::MySql);
        let source = json!({
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "tasks.max": "1",
            "database.hostname": host,
            "database.port": port.to_string(),
            // An account of its own: one that logs in for the first time after a start of the server takes another path.
            "database.user": self.database.name,
            "database.password": PASSWORD,
            "database.server.id": (200_000 + std::process::id()).to_string(),
            "topic.prefix": prefix,
            "table.include.list": format!("{}.operations", self.database.name),
            "database.include.list": self.database.name,
            "schema.history.internal.kafka.bootstrap.servers": address(Server::Kafka),
            "schema.history.internal.kafka.topic": format!("{prefix}.history"),
            "include.schema.changes": "false",
        });
        let sink = json!({
            "connector.class": "io.confluent.connect.hdfs.HdfsSinkConnector",
            "tasks.max": "1",
            "topics": self.topic,
            "hdfs.url": hdfs::url(),
            "topics.dir": format!("{}/topics", self.folder),
            "logs.dir": format!("{}/logs", self.folder),
            "format.class": "io.confluent.connect.hdfs.avro.AvroFormat",
            "flush.size": "2000",
            "rotate.schedule.interval.ms": "1000",
            "timezone": "UTC",
            "locale": "en",
            "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner",
            "partition.field.name": "cpf",
            "schema.compatibility": "BACKWARD",
            "hive.integration": "true",
            "hive.metastore.uris": format!("thrift://{}", address(Server::Hive)),
            "hive.database": self.database.name,
            "retry.backoff.ms": "500",
            // A killed member holds its partitions until its session ends, and kills come every few seconds.
            "consumer.override.session.timeout.ms": "1500",
            "consumer.override.heartbeat.interval.ms": "300",
            "transforms": "unwrap",
            "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
        });
        self.worker.rest.create(&self.source, &source).await;
        self.worker.rest.create(&self.sink, &sink).await;
    }

    /// Adds one transaction of rows, spread over three partitions of the lake.
    pub async fn insert(&mut self) {
        let row = |id: u64| format!("({id},'cpf{}',{id}.5,'2021-03-{:02}','2021-03-04 05:06:07')", id % 3, id % 28 + 1);
        let rows = (self.rows..self.rows + ROWS_A_TRANSACTION).map(row).collect::<Vec<_>>().join(",");
        self.database.run(&format!("INSERT INTO operations VALUES {rows}")).await;
        self.rows += ROWS_A_TRANSACTION;
    }

    /// Adds rows for this long, as fast as one connection does.
    pub async fn insert_for(&mut self, duration: Duration) {
        self.insert_every(Duration::from_millis(50), duration).await;
    }

    /// Adds rows for this long, slowly enough for a long time.
    pub async fn trickle_for(&mut self, duration: Duration) {
        self.insert_every(Duration::from_millis(250), duration).await;
    }

    async fn insert_every(&mut self, pause: Duration, duration: Duration) {
        let start = Instant::now();
        while start.elapsed() < duration {
            self.insert().await;
            tokio::time::sleep(pause).await;
        }
    }

    /// Waits until both tasks run, restarting nothing: what failed stays failed and is reported.
    pub async fn wait_running(&self) {
        self.worker.rest.wait_running(&self.source).await;
        self.worker.rest.wait_running(&self.sink).await;
    }

    /// Waits until everything has arrived and checks it: every row of the table is in the topic, every record of the
    /// topic is in exactly one file, and Hive knows every partition. Returns how many records the source sent twice.
    pub async fn check(&mut self) -> u64 {
        let rows = self.rows;
        wait_for(
            SETTLED_WITHIN,
            "the topic to hold every row of the table",
            async || self.ids_in_topic().await.len() as u64,
            |distinct| *distinct >= rows,
        )
        .await;
        // Both are read anew until they agree: a source that was killed may still be sending its last batch again.
        let what = "committed files to hold every record of the topic, once";
        let sums = |(topic, files): &(BTreeMap<i64, u64>, BTreeMap<i64, u64>)| {
            (topic.values().sum::<u64>(), files.values().sum::<u64>())
        };
        let (in_topic, _) = wait_until(SETTLED_WITHIN, what, async || {
            let both = (self.ids_in_topic().await, self.ids_in_files().await);
            if both.0 == both.1 { Look::Done(both) } else { Look::NotYet(sums(&both)) }
        })
        .await;
        assert_eq!(in_topic.len() as u64, rows, "the topic has rows that the table has not");
        self.check_partitions().await;
        in_topic.values().sum::<u64>() - rows
    }

    async fn check_partitions(&self) {
        let uri = vec![format!("thrift://{}", address(Server::Hive))];
        let table = self.topic.replace(['.', '-'], "_");
        let names = wait_for(
            SETTLED_WITHIN,
            "Hive to know three partitions",
            async || {
                let mut metastore = tributary::connectors::hdfs::hive::metastore::Metastore::new(&uri).unwrap();
                metastore.partition_names(&self.database.name, &table).await.unwrap_or_default()
            },
            |names| names.len() >= 3,
        )
        .await;
        assert_eq!(names, ["cpf=cpf0", "cpf=cpf1", "cpf=cpf2"]);
    }

    /// Waits until there are no temporary files: neither open ones nor such that killed tasks left behind. Returns the
    /// number of files that count.
    pub async fn wait_without_temporary_files(&self) -> usize {
        wait_until(SETTLED_WITHIN, "no temporary files to be left", async || {
            let files = hdfs::files(&format!("{}/topics", self.folder)).await;
            let temporary: Vec<_> = files.iter().map(|(path, _)| path.clone()).filter(|path| path.contains("/+tmp/")).collect();
            if temporary.is_empty() { Look::Done(files.len()) } else { Look::NotYet(temporary) }
        })
        .await
    }

    /// How often each id is in the topic.
    async fn ids_in_topic(&self) -> BTreeMap<i64, u64> {
        let mut ids = BTreeMap::new();
        for message in kafka::read_all(&self.topic).await {
            *ids.entry(message.key_json()["payload"]["id"].as_i64().unwrap()).or_default() += 1;
        }
        ids
    }

    /// How often each id is in committed files.
    async fn ids_in_files(&self) -> BTreeMap<i64, u64> {
        let mut ids = BTreeMap::new();
        for file in hdfs::committed_files(&format!("{}/topics", self.folder)).await {
            for record in hdfs::read_avro(&file).await {
                *ids.entry(id_of(&record)).or_default() += 1;
            }
        }
        ids
    }
}

fn id_of(record: &Avro) -> i64 {
    let Avro::Record(fields) = record else { panic!("{record:?} is not a record") };
    match fields.iter().find(|(name, _)| name == "id") {
        Some((_, Avro::Long(id))) => *id,
        other => panic!("no id in {other:?}"),
    }
}
