//! Does the MySQL source get over lost connections?

use super::{Source, applied, insert, member, row};
use crate::support::sql::Database;
use crate::support::stack::{self, Server};

/// A way to the server that can be cut.
struct Cable {
    address: std::net::SocketAddr,
    connected: tokio::sync::watch::Sender<bool>,
    _carrier: tokio::task::JoinSet<()>,
}

impl Cable {
    async fn to(server: Server) -> Self {
        let target = stack::address(server);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connected, state) = tokio::sync::watch::channel(true);
        let mut carrier = tokio::task::JoinSet::new();
        carrier.spawn(async move {
            let mut links = tokio::task::JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut state = state.clone();
                if !*state.borrow() {
                    continue;
                }
                let target = target.clone();
                links.spawn(async move {
                    let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|connected| !connected) => {}
                    }
                });
            }
        });
        Self { address, connected, _carrier: carrier }
    }

    fn cut(&self) {
        self.connected.send_replace(false);
    }

    fn mend(&self) {
        self.connected.send_replace(true);
    }
}

/// The connection breaks again and again, inside transactions too; nothing is lost and nothing comes twice.
async fn survives_lost_connections(server: Server) {
    let mut database = Database::create(server, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    let cable = Cable::to(server).await;
    let port = cable.address.port().to_string();
    let source = Source::new(&database, &[("database.port", port.as_str()), ("retriable.restart.connector.wait.ms", "500")]);
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    let mut next = 1;
    for round in 0..6 {
        insert(&mut database, next..next + 3000).await;
        next += 3000;
        if round % 2 == 0 {
            // In the middle of what was just written.
            reading.poll().await.unwrap();
        } else {
            reading.until(next - 1).await;
        }
        cable.cut();
        insert(&mut database, next..next + 10).await;
        next += 10;
        cable.mend();
    }
    reading.until(next - 1).await;
    let ids: Vec<i64> = reading.records().map(|record| row(record, "after")["id"].parse().unwrap()).collect();
    assert_eq!(ids, (1..next).collect::<Vec<_>>());
    reading.stop().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_stream_survives_lost_connections() {
    survives_lost_connections(Server::MySql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_stream_survives_lost_connections() {
    survives_lost_connections(Server::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_breaks_off_begins_again() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    insert(&mut database, 1..20_001).await;
    let cable = Cable::to(Server::MySql).await;
    let source = Source::new(&database, &[("database.port", cable.address.port().to_string().as_str())]);
    let mut reading = source.start().await;
    let first = reading.poll().await.unwrap();
    assert!(!first.records.is_empty() && first.resume_at[0].1["snapshot"] == "INITIAL");
    cable.cut();
    cable.mend();
    reading.until_snapshot().await;
    let rows = applied(reading.records());
    assert_eq!(rows.len(), 20_000);
    let last = reading.batches.last().unwrap().records.last().unwrap();
    let (schema, source_block) = member(last, "source").unwrap();
    let marker = &source_block.as_struct().unwrap()[schema.field("snapshot").unwrap().index];
    assert_eq!(marker.as_str(), Some("last"));
    reading.stop().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_end_where_the_settings_say() {
    let mut database = Database::create(Server::MySql, "reader").await;
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)").await;
    let cable = Cable::to(Server::MySql).await;
    let port = cable.address.port().to_string();
    let source = Source::new(&database, &[("database.port", port.as_str()), ("errors.max.retries", "2")]);
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    cable.cut();
    let error = loop {
        if let Err(error) = reading.poll().await {
            break error;
        }
    };
    assert!(error.trace().starts_with("gave up after 3 failures in a row (errors.max.retries)"), "{}", error.trace());
    database.drop().await;
}
