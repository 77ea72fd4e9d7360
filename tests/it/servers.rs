//! Does each server of the stack do what the other tests rely on?

use std::time::Duration;

use crate::support::sql::Database;
use crate::support::stack::{self, Server};
use crate::support::{hdfs, kafka, unique};

#[tokio::test]
async fn kafka_keeps_records_in_order() {
    let topic = unique("servers");
    kafka::create_topic(&topic, 1).await;
    kafka::produce(&topic, &[(Some(b"k"), Some(b"1")), (None, Some("é".as_bytes())), (Some(b"k"), None)]).await;
    let records = kafka::wait_for_records(&topic, 3, Duration::from_secs(20)).await;
    let seen: Vec<_> = records.iter().map(|record| (record.offset, record.key.as_deref(), record.value.as_deref())).collect();
    assert_eq!(seen, [(0, Some(&b"k"[..]), Some(&b"1"[..])), (1, None, Some("é".as_bytes())), (2, Some(&b"k"[..]), None)]);
}

#[tokio::test]
async fn mysql_and_mariadb_log_whole_rows() {
    for server in [Server::MySql, Server::MariaDb] {
        let mut database = Database::create(server, "servers").await;
        database.run("CREATE TABLE t (id INT PRIMARY KEY, nome VARCHAR(40))").await;
        database.run("INSERT INTO t VALUES (1, 'João')").await;
        assert_eq!(database.rows("SELECT * FROM t").await, [[Some("1".to_owned()), Some("João".to_owned())]]);
        for (variable, wanted) in [("binlog_format", "ROW"), ("binlog_row_image", "FULL"), ("binlog_row_metadata", "FULL")] {
            let rows = database.rows(&format!("SHOW GLOBAL VARIABLES LIKE '{variable}'")).await;
            assert_eq!(rows[0][1].as_deref(), Some(wanted), "{variable} of {server:?}");
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn hdfs_takes_a_file_and_gives_it_back() {
    let folder = format!("/{}", unique("servers"));
    let path = format!("{folder}/a/b");
    hdfs::write(&path, b"ola".to_vec()).await;
    assert_eq!(hdfs::files(&folder).await, [(path.clone(), 3)]);
    assert_eq!(hdfs::read(&path).await, b"ola");
    hdfs::delete(&folder).await;
}

#[test]
fn both_metastores_listen() {
    stack::address(Server::Hive);
    stack::address(Server::Hive3);
}
