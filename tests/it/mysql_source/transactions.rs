//! Does the MySQL source understand every way in which a transaction stands in the binlog?

use super::{Reading, Source, insert, row, shown, text};
use crate::support::sql::Database;
use crate::support::stack::Server;

/// Operation and id of each record, tombstones left out.
fn changes(reading: &Reading) -> Vec<(String, String)> {
    reading
        .records()
        .filter_map(|record| {
            let operation = text(record, "op")?;
            let side = if operation == "d" { "before" } else { "after" };
            Some((operation, row(record, side).remove("id").unwrap_or_default()))
        })
        .collect()
}

fn expected(list: &[(&str, i64)]) -> Vec<(String, String)> {
    list.iter().map(|(operation, id)| ((*operation).to_owned(), id.to_string())).collect()
}

async fn table(server: Server) -> (Database, Source) {
    let mut database = Database::create(server, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    let source = Source::new(&database, &[("max.batch.size", "3"), ("skipped.operations", "none")]);
    (database, source)
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_transactions_resume_at_every_place() {
    let (mut database, mut source) = table(Server::MySql).await;
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    let (_, offset) = reading.stop().await;
    source.offset = offset;
    database.run("SET SESSION binlog_transaction_compression = ON").await;
    insert(&mut database, 1..6).await;
    database.run("BEGIN").await;
    insert(&mut database, 6..12).await;
    database.run("UPDATE t SET valor = 0 WHERE id > 8").await;
    database.run("COMMIT").await;
    database.run("INSERT INTO t VALUES (99, 'fim', 0)").await;
    let mut reading = source.start().await;
    reading.until(99).await;
    let all = changes(&reading);
    assert_eq!(all.len(), 5 + 6 + 3 + 1);
    let (batches, _) = reading.stop().await;
    let inside = batches.iter().flat_map(|batch| &batch.resume_at).filter(|(_, offset)| offset.contains_key("event")).count();
    assert!(inside > 2, "some places lie inside a transaction");
    let mut sent = 0;
    for batch in &batches[..batches.len() - 1] {
        sent += batch.records.len();
        source.offset = Some(batch.resume_at[0].1.clone());
        let mut again = source.start().await;
        again.until(99).await;
        assert_eq!(changes(&again), all[sent..], "resumed at {:?}", source.offset);
        again.stop().await;
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_of_every_kind_keep_the_order() {
    for server in [Server::MySql, Server::MariaDb] {
        let (mut database, source) = table(server).await;
        let mut reading = source.start().await;
        reading.until_snapshot().await;
        database
            .run("CREATE TABLE n (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT) SELECT 1 AS id, 'a' AS nome, 2 AS valor")
            .await;
        database.run("CREATE TEMPORARY TABLE tmp (id INT)").await;
        database.run("INSERT INTO tmp VALUES (1)").await;
        database.run("CREATE TABLE m (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT) ENGINE=MyISAM").await;
        database.run("INSERT INTO m VALUES (2, 'b', 0)").await;
        database.run("REPLACE INTO t VALUES (3, 'c', 0)").await;
        database.run("REPLACE INTO t VALUES (3, 'd', 0)").await;
        database.run("INSERT INTO t VALUES (3, 'x', 0) ON DUPLICATE KEY UPDATE valor = 7").await;
        database.run("BEGIN").await;
        database.run("INSERT INTO t VALUES (4, 'e', 0)").await;
        database.run("SAVEPOINT s").await;
        database.run("INSERT INTO t VALUES (5, 'f', 0)").await;
        database.run("ROLLBACK TO s").await;
        database.run("COMMIT").await;
        database.run("BEGIN").await;
        database.run("INSERT INTO t VALUES (6, 'g', 0)").await;
        database.run("ROLLBACK").await;
        database.run("ALTER TABLE t ADD COLUMN z INT DEFAULT 5, ALGORITHM=INSTANT").await;
        database.run("INSERT INTO t (id) VALUES (7)").await;
        database.run("TRUNCATE TABLE t").await;
        database.run("CREATE VIEW v AS SELECT id FROM t").await;
        database.run("CREATE INDEX i ON t (nome)").await;
        database.run("DROP TABLE tmp, n").await;
        database.run("INSERT INTO t (id) VALUES (99)").await;
        reading.until(99).await;
        let seen = changes(&reading);
        let list = [("c", 1), ("c", 2), ("c", 3), ("u", 3), ("u", 3), ("c", 4), ("c", 7), ("t", -1), ("c", 99)];
        let wanted: Vec<_> =
            expected(&list).into_iter().map(|(op, id)| if op == "t" { (op, String::new()) } else { (op, id) }).collect();
        assert_eq!(seen, wanted, "{server:?}");
        reading.stop().await;
        database.drop().await;
    }
}

/// The protocol cuts what is larger than 2^24 - 2 bytes into several packets; a last one of that size is followed by an
/// empty one.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_several_packets_come_whole() {
    for server in [Server::MySql, Server::MariaDb] {
        let mut database = Database::create(server, "reader").await;
        database.run("SET GLOBAL max_allowed_packet = 67108864").await;
        database.reconnect().await;
        database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome LONGTEXT, valor INT)").await;
        let row = |id: i64, size: usize| format!("INSERT INTO t VALUES ({id}, CONCAT(REPEAT('a', {}), 'fim'), {size})", size - 3);
        database.run(&row(1, 20_000_000)).await;
        let mut reading = Source::new(&database, &[]).start().await;
        reading.until_snapshot().await;
        // Around the size at which the event ends exactly with a packet.
        let sizes = [20_000_000, 16_777_161, 16_777_162, 16_777_163, 33_554_377, 33_554_378];
        for (id, size) in (2..).zip(sizes) {
            if id == 7 && server == Server::MySql {
                database.run("SET SESSION binlog_transaction_compression = ON").await;
            }
            database.run(&row(id, size)).await;
            reading.until(id).await;
        }
        for (record, size) in reading.records().zip([20_000_000].into_iter().chain(sizes)) {
            let after = super::row(record, "after");
            assert_eq!((after["nome"].len(), after["valor"].as_str()), (size, size.to_string().as_str()));
            assert!(after["nome"].starts_with("aaa") && after["nome"].ends_with("aafim"));
        }
        assert_eq!(reading.records().count(), 7);
        reading.stop().await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn xa_transactions_come_when_they_are_prepared() {
    for server in [Server::MySql, Server::MariaDb] {
        let (mut database, mut source) = table(server).await;
        let mut reading = source.start().await;
        reading.until_snapshot().await;
        let xid = format!("'{}'", database.name);
        database.run(&format!("XA START {xid}")).await;
        insert(&mut database, 1..8).await;
        for step in ["END", "PREPARE", "COMMIT"] {
            database.run(&format!("XA {step} {xid}")).await;
        }
        database.run("INSERT INTO t VALUES (99, 'fim', 0)").await;
        reading.until(99).await;
        let all = changes(&reading);
        assert_eq!(all.len(), 8, "{server:?}");
        let (batches, _) = reading.stop().await;
        // A place inside such a transaction is its start: rows may come twice, none is lost.
        let mut sent = 0;
        for batch in &batches[..batches.len() - 1] {
            source.offset = Some(batch.resume_at[0].1.clone());
            let mut again = source.start().await;
            again.until(99).await;
            let seen = changes(&again);
            sent += batch.records.len();
            assert!(all[sent..].iter().all(|change| seen.contains(change)), "resumed at {:?}", source.offset);
            again.stop().await;
        }
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_outside_the_filter_only_move_the_position() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    database.run("CREATE TABLE other (id BIGINT PRIMARY KEY, x GEOMETRY)").await;
    let tables = format!("{}\\.t", database.name);
    let source =
        Source::new(&database, &[("table.include.list", tables.as_str()), ("database.include.list", database.name.as_str())]);
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    let before = reading.offset().unwrap();
    database.run("INSERT INTO other (id) VALUES (1), (2), (3)").await;
    // The new place comes without a record.
    let batch = loop {
        let batch = reading.poll().await.unwrap().clone();
        if !batch.resume_at.is_empty() {
            break batch;
        }
    };
    assert!(batch.records.is_empty());
    assert_ne!(batch.resume_at[0].1, before);
    reading.stop().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn source_fields_tell_where_a_row_stands() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    let source = Source::new(&database, &[("include.query", "true")]);
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    database.run("SET SESSION binlog_rows_query_log_events = ON").await;
    let thread = database.rows("SELECT CONNECTION_ID()").await[0][0].clone().unwrap();
    database.run("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)").await;
    reading.until(2).await;
    let record = reading.records().last().unwrap();
    let (schema, block) = super::member(record, "source").unwrap();
    let values = block.as_struct().unwrap();
    let of = |name: &str| shown(&values[schema.field(name).unwrap().index]);
    assert_eq!(of("row"), "1");
    assert_eq!(of("thread"), thread);
    assert_eq!(of("query"), "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
    assert_eq!(of("snapshot"), "NULL");
    assert_eq!(of("server_id"), "1");
    assert_eq!((of("db"), of("table")), (database.name.clone(), "t".to_owned()));
    let gtid = of("gtid");
    let executed = database.rows("SELECT @@global.gtid_executed").await[0][0].clone().unwrap();
    assert_eq!(gtid.split(':').next(), executed.split(':').next());
    let events = database.rows(&format!("SHOW BINLOG EVENTS IN '{}' FROM {} LIMIT 1", of("file"), of("pos"))).await;
    assert_eq!(events[0][2].as_deref(), Some("Write_rows"));
    let micros: i64 = of("ts_us").parse().unwrap();
    assert_eq!(of("ts_ms"), (micros / 1000).to_string());
    assert_ne!(micros % 1_000_000, 0, "the commit time is known in microseconds");
    reading.stop().await;
    database.drop().await;
}
