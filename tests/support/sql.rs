//! Sends SQL to the stack's MySQL and MariaDB.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row};

use super::stack::{self, Server};

/// The account the tests and their connectors use.
pub const USER: &str = "root";

/// A database of one test on one of the servers.
pub struct Database {
    pub server: Server,
    pub name: String,
    connection: Conn,
}

impl Database {
    /// Creates an empty database whose name nobody else uses and selects it.
    pub async fn create(server: Server, prefix: &str) -> Self {
        let name = super::unique(prefix);
        let mut connection = connect(server).await;
        connection.query_drop(format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")).await.unwrap();
        connection.query_drop(format!("USE {name}")).await.unwrap();
        Self { server, name, connection }
    }

    /// Connects again after the server was away.
    pub async fn reconnect(&mut self) {
        self.connection = connect(self.server).await;
        self.connection.query_drop(format!("USE {}", self.name)).await.unwrap();
    }

    /// Runs one statement.
    pub async fn run(&mut self, sql: &str) {
        self.connection.query_drop(sql).await.unwrap_or_else(|error| panic!("{error}\nin {sql}"));
    }

    /// Runs one query; every value as the server prints it, None for NULL.
    pub async fn rows(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        let rows: Vec<Row> = self.connection.query(sql).await.unwrap_or_else(|error| panic!("{error}\nin {sql}"));
        rows.into_iter().map(|row| row.unwrap().into_iter().map(mysql_async::from_value).collect()).collect()
    }

    pub async fn drop(mut self) {
        self.connection.query_drop(format!("DROP DATABASE {}", self.name)).await.unwrap();
    }
}

/// A connection without a database.
pub async fn connect(server: Server) -> Conn {
    let (host, port) = stack::host_and_port(server);
    let options = OptsBuilder::default().ip_or_hostname(host).tcp_port(port).user(Some(USER)).prefer_socket(false);
    Conn::new(options).await.unwrap_or_else(|error| panic!("cannot log in to {server:?} as {USER}: {error}"))
}
