//! Where the servers of the test stack are.
//!
//! `tests/stack/up` writes the addresses to `target/stack/env`; `TRIBUTARY_STACK` names another such file.

use std::collections::HashMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

/// How long a server may take to accept a connection before the test gives up on it.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Kafka,
    MySql,
    MariaDb,
    /// The NameNode's RPC port.
    Hdfs,
    /// The NameNode's HTTP port.
    HdfsWeb,
    /// Hive metastore 2.3.
    Hive,
    /// Hive metastore 3.1.
    Hive3,
    /// The Java worker that serves as the reference.
    Connect,
}

impl Server {
    /// The variable in the address file, and the word that `tests/stack/up` takes.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Kafka => ("STACK_KAFKA", "kafka"),
            Self::MySql => ("STACK_MYSQL", "mysql"),
            Self::MariaDb => ("STACK_MARIADB", "mariadb"),
            Self::Hdfs => ("STACK_HDFS", "hdfs"),
            Self::HdfsWeb => ("STACK_HDFS_WEB", "hdfs"),
            Self::Hive => ("STACK_HIVE", "hive"),
            Self::Hive3 => ("STACK_HIVE3", "hive3"),
            Self::Connect => ("STACK_CONNECT", "connect"),
        }
    }
}

/// Returns `host:port` of a server that accepts connections.
///
/// # Panics
/// If the stack has no such server or it does not answer.
pub fn address(server: Server) -> String {
    let (variable, word) = server.names();
    let file = address_file();
    let help = format!("start it with `tests/stack/up {word}`");
    let Some(address) = std::env::var(variable).ok().or_else(|| addresses().remove(variable)) else {
        panic!("{server:?} is not part of the stack: no {variable} in {}; {help}", file.display());
    };
    let resolved = address.to_socket_addrs().ok().and_then(|mut all| all.next());
    let Some(resolved) = resolved else { panic!("{variable} is '{address}', which is not host:port") };
    if let Err(error) = TcpStream::connect_timeout(&resolved, ANSWER_WITHIN) {
        panic!("{server:?} does not answer at {address}: {error}; {help}");
    }
    address
}

/// Host and port of a server that accepts connections.
pub fn host_and_port(server: Server) -> (String, u16) {
    let address = address(server);
    let (host, port) = address.rsplit_once(':').unwrap();
    (host.to_owned(), port.parse().unwrap())
}

/// A port nobody listens on now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// The folder of the stack's address file.
pub fn folder() -> PathBuf {
    address_file().parent().map(PathBuf::from).unwrap_or_default()
}

/// A line of the address file that is not an address.
pub fn setting(name: &str) -> String {
    let found = std::env::var(name).ok().or_else(|| addresses().remove(name));
    found.unwrap_or_else(|| panic!("no {name} in {}; run `tests/stack/up`", address_file().display()))
}

fn address_file() -> PathBuf {
    std::env::var_os("TRIBUTARY_STACK")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/stack/env"))
}

fn addresses() -> HashMap<String, String> {
    let text = std::fs::read_to_string(address_file()).unwrap_or_default();
    text.lines().filter_map(|line| line.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
