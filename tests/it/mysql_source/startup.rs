//! Does the MySQL source say clearly why it cannot work, and start as its modes promise?

use std::sync::Arc;
use std::time::Duration;

use tributary::connectors::mysql::MySqlConnector;
use tributary::data::ConnectRecord;
use tributary::plugin::{Connector, ErrorKind};

use super::{Source, applied, insert};
use crate::support::sql::Database;
use crate::support::stack::Server;
use crate::support::unique;
use crate::support::wait::wait_for;

#[tokio::test(flavor = "multi_thread")]
async fn validation_says_what_is_wrong_with_the_server() {
    let mut database = Database::create(Server::MySql, "reader").await;
    let user = unique("u");
    database.run(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'right'")).await;
    let good = Source::new(&database, &[]).config;
    let errors = async |changes: &[(&str, &str)]| -> Vec<String> {
        let mut config = good.clone();
        for (key, value) in changes {
            config.set(*key, *value);
        }
        MySqlConnector.validate(&config).await.errors().map(str::to_owned).collect()
    };
    assert_eq!(errors(&[]).await, Vec::<String>::new());
    for (changes, expected) in [
        (
            &[("database.user", user.as_str()), ("database.password", "wrong")][..],
            "Unable to connect: cannot log in to the database at",
        ),
        (
            &[("database.hostname", "no.such.host.invalid")],
            "Unable to connect: cannot find host 'no.such.host.invalid'; check database.hostname",
        ),
        (&[("database.port", "1")], "Unable to connect: cannot connect to the database at 127.0.0.1:1"),
        (&[("database.user", user.as_str()), ("database.password", "right")], "lacks REPLICATION SLAVE"),
    ] {
        let errors = errors(changes).await;
        assert!(errors.iter().any(|error| error.contains(expected)), "{changes:?}: {errors:?}");
        assert!(!errors.join(" ").contains("wrong"), "a password is never shown");
    }
    database.run(&format!("DROP USER '{user}'@'%'")).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_cannot_work_says_why() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY)").await;
    let failure = async |settings: &[(&str, &str)], offset: Option<&str>| {
        let mut source = Source::new(&database, settings);
        source.offset = offset.map(|offset| Arc::new(serde_json::from_str(offset).unwrap()));
        super::failure(&source).await
    };
    let error = failure(&[("database.user", "nobody")], None).await;
    assert!(error.trace().starts_with("cannot log in to the database at"), "{}", error.trace());
    let error = failure(&[("database.hostname", "no.such.host.invalid")], None).await;
    assert!(error.trace().starts_with("cannot find host 'no.such.host.invalid'"), "{}", error.trace());
    let purged = r#"{"file": "gone.000001", "pos": 4, "ts_sec": 1}"#;
    let error = failure(&[], Some(purged)).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.trace().contains("no longer has the binlog file gone.000001"), "{}", error.trace());
    let other_server = r#"{"file": "binlog.000001", "pos": 4, "gtids": "00000000-0000-0000-0000-000000000001:1-5"}"#;
    let error = failure(&[], Some(other_server)).await;
    assert!(error.trace().contains("transactions the server never had"), "{}", error.trace());
    let missing = format!("{}.no_such", database.name);
    let error = failure(&[("table.include.list", missing.as_str())], None).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.trace().starts_with(&format!("no table of the server matches table.include.list={missing}: ")),
        "{}",
        error.trace()
    );
    database.drop().await;
}

/// Where no rows are asked for, a table that is not there yet is nothing wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_created_later_is_captured() {
    for server in [Server::MySql, Server::MariaDb] {
        let mut database = Database::create(server, "reader").await;
        let mut reading = Source::new(&database, &[("snapshot.mode", "no_data")]).start().await;
        reading.until_snapshot().await;
        database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
        insert(&mut database, 1..4).await;
        reading.until(3).await;
        assert_eq!(applied(reading.records()).len(), 3);
        reading.stop().await;
        database.drop().await;
    }
}

/// A managed database: the account may not stop all writes.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_the_global_lock_locks_its_tables() {
    for server in [Server::MySql, Server::MariaDb] {
        let mut database = Database::create(server, "reader").await;
        database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
        insert(&mut database, 1..3000).await;
        let user = unique("u");
        database.run(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'pw'")).await;
        database.run(&format!("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '{user}'@'%'")).await;
        database.run(&format!("GRANT SELECT, LOCK TABLES ON {}.* TO '{user}'@'%'", database.name)).await;
        let mut source = Source::new(&database, &[("database.user", user.as_str()), ("database.password", "pw")]);
        let report = if server == Server::MySql { Some(MySqlConnector.validate(&source.config).await) } else { None };
        if let Some(report) = report {
            assert_eq!(report.errors().collect::<Vec<_>>(), Vec::<&str>::new());
        }
        let mut reading = source.start().await;
        reading.until_snapshot().await;
        insert(&mut database, 3000..3010).await;
        reading.until(3009).await;
        assert_eq!(applied(reading.records()).len(), 3009);
        reading.stop().await;

        database.run(&format!("REVOKE LOCK TABLES ON {}.* FROM '{user}'@'%'", database.name)).await;
        source.offset = None;
        let mut reading = source.start().await;
        let error = loop {
            if let Err(error) = reading.poll().await {
                break error;
            }
        };
        assert!(error.trace().contains("grant RELOAD, or LOCK TABLES"), "{}", error.trace());
        database.run(&format!("DROP USER '{user}'@'%'")).await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_written_during_a_snapshot_come_once_or_twice_but_always() {
    for (server, locking) in [
        (Server::MySql, "minimal"),
        (Server::MySql, "extended"),
        (Server::MySql, "none"),
        (Server::MariaDb, "minimal"),
        (Server::MariaDb, "none"),
    ] {
        let mut database = Database::create(server, "reader").await;
        database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
        insert(&mut database, 1..20_001).await;
        let source = Source::new(&database, &[("snapshot.locking.mode", locking)]);
        let mut reading = source.start().await;
        // Writes go on from before the lock until after the last row.
        let writer = async {
            for id in 20_001..20_400 {
                database.run(&format!("INSERT INTO t VALUES ({id}, 'x', 0)")).await;
            }
            database.run("DELETE FROM t WHERE id BETWEEN 50 AND 60").await;
            database.run("INSERT INTO t VALUES (99999, 'fim', 0)").await;
        };
        tokio::join!(writer, reading.until(99_999));
        let count = database.rows("SELECT COUNT(*) FROM t").await[0][0].clone().unwrap();
        assert_eq!(applied(reading.records()).len().to_string(), count, "{server:?} {locking}");
        reading.stop().await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_snapshot_mode_reads_what_it_promises() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    insert(&mut database, 1..11).await;

    let mut no_data = Source::new(&database, &[("snapshot.mode", "schema_only")]);
    let mut reading = no_data.start().await;
    reading.until_snapshot().await;
    assert_eq!(reading.records().count(), 0);
    insert(&mut database, 11..12).await;
    reading.until(11).await;
    let (_, offset) = reading.stop().await;
    no_data.offset = offset;

    // The history is lost; recovery rebuilds it and keeps the position.
    database.run("INSERT INTO t VALUES (12, 'a', 0)").await;
    let lost = format!("{}.lost", unique("reader"));
    no_data.config.set("schema.history.internal.kafka.topic", lost);
    let mut reading = no_data.start().await;
    let error = reading.poll().await.unwrap_err();
    assert!(error.trace().starts_with("The db history topic is missing."), "{}", error.trace());
    no_data.config.set("snapshot.mode", "recovery");
    let mut reading = no_data.start().await;
    reading.until(12).await;
    assert_eq!(reading.records().count(), 1);
    let (_, offset) = reading.stop().await;
    no_data.offset = offset;

    // A position that is gone leads to a new snapshot where that is allowed.
    let mut when_needed = Source::new(&database, &[("snapshot.mode", "when_needed")]);
    when_needed.offset = Some(Arc::new(serde_json::from_str(r#"{"file": "gone.000001", "pos": 4}"#).unwrap()));
    let mut reading = when_needed.start().await;
    reading.until_snapshot().await;
    assert_eq!(applied(reading.records()).len(), 12);
    reading.stop().await;

    let initial_only = Source::new(&database, &[("snapshot.mode", "initial_only")]);
    let mut reading = initial_only.start().await;
    reading.until_snapshot().await;
    assert_eq!(reading.records().count(), 12);
    database.run("INSERT INTO t VALUES (13, 'a', 0)").await;
    let idle = tokio::time::timeout(Duration::from_millis(300), reading.task.poll()).await;
    assert!(idle.is_err(), "nothing is streamed");
    reading.stop().await;

    let select = format!("SELECT id, nome, valor FROM {}.t WHERE id > 11", database.name);
    let tables = format!("{}.t", database.name);
    let key = format!("snapshot.select.statement.overrides.{tables}");
    let overridden =
        Source::new(&database, &[("snapshot.select.statement.overrides", tables.as_str()), (key.as_str(), select.as_str())]);
    let mut reading = overridden.start().await;
    reading.until_snapshot().await;
    assert_eq!(reading.records().count(), 2);
    reading.stop().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_stops_at_once_in_the_middle_of_a_snapshot() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    insert(&mut database, 1..50_001).await;
    let mut reading = Source::new(&database, &[]).start().await;
    reading.poll().await.unwrap();
    reading.stop().await;
    let select = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT `id`%{}%'", database.name);
    wait_for(
        Duration::from_secs(10),
        "the server to drop the snapshot's query",
        async || database.rows(&select).await[0][0].clone(),
        |running| running.as_deref() == Some("0"),
    )
    .await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_come_on_time_and_run_their_query() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    database.run("CREATE TABLE beats (id INT PRIMARY KEY AUTO_INCREMENT)").await;
    let query = format!("INSERT INTO {}.beats VALUES (NULL)", database.name);
    let tables = format!("{}\\.t", database.name);
    let source = Source::new(
        &database,
        &[("heartbeat.interval.ms", "100"), ("heartbeat.action.query", query.as_str()), ("table.include.list", tables.as_str())],
    );
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    let topic = format!("__debezium-heartbeat.{}", source.config.get("topic.prefix").unwrap());
    while reading.records().count() < 5 {
        reading.poll().await.unwrap();
    }
    assert!(reading.records().all(|record| *record.topic == *topic && record.partition == Some(0)));
    let beats: u64 = database.rows("SELECT COUNT(*) FROM beats").await[0][0].as_deref().unwrap().parse().unwrap();
    assert!(beats >= 4, "{beats}");
    reading.stop().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_changes_are_published() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY COMMENT 'x', nome ENUM('a','b') DEFAULT 'a')").await;
    let source = Source::new(&database, &[("include.schema.changes", "true")]);
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    database.run("ALTER TABLE t ADD COLUMN z INT DEFAULT 5").await;
    database.run("INSERT INTO t VALUES (1, 'a', 0)").await;
    reading.until(1).await;
    let prefix = source.config.get("topic.prefix").unwrap();
    // Changes of databases outside the filter are published as well, as Debezium does.
    let own = |record: &&ConnectRecord| super::text(record, "databaseName").as_deref() == Some(database.name.as_str());
    let changes: Vec<_> = reading.records().filter(|record| *record.topic == *prefix).filter(own).collect();
    for change in &changes {
        change.value.value.check(change.value.schema.as_ref().unwrap()).unwrap();
    }
    let ddl: Vec<String> = changes.iter().filter_map(|change| super::text(change, "ddl")).collect();
    assert_eq!(ddl.last().map(String::as_str), Some("ALTER TABLE t ADD COLUMN z INT DEFAULT 5"));
    assert!(ddl.iter().any(|ddl| ddl.starts_with("CREATE TABLE `t`")), "{ddl:?}");
    let (_, table_changes) = super::member(changes.last().unwrap(), "tableChanges").unwrap();
    assert!(format!("{table_changes:?}").contains("\"z\""), "{table_changes:?}");
    reading.stop().await;
    database.drop().await;
}
