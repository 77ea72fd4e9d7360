//! Calls a Hive metastore over Thrift, on whichever of its addresses answers.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::thrift::{self, ReadError, Reply, Struct, Value};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The metastore creates directories and may wait for its database (Hive: hive.metastore.client.socket.timeout).
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
const UNKNOWN_METHOD: i32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    AlreadyExists(String),
    #[error("{0}")]
    NoSuchObject(String),
    /// The metastore understood the call and refused it.
    #[error("metastore refused {method}: {message}")]
    Refused { method: &'static str, message: String },
    /// The metastore itself failed (MetaException), perhaps because its file system or database is away.
    #[error("metastore failed at {method}: {message}")]
    Unable { method: &'static str, message: String },
    #[error("metastore does not know the method {0}")]
    UnknownMethod(&'static str),
    /// Whether the call took effect is unknown.
    #[error("metastore {uri} did not answer {method}")]
    NoAnswer {
        method: &'static str,
        uri: String,
        #[source]
        source: io::Error,
    },
    #[error("invalid metastore address '{0}'; expected thrift://host:port")]
    Address(String),
}

impl Error {
    /// True if the metastore was not reached, so the same call works once it is back.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NoAnswer { .. })
    }

    /// True if the metastore answered, but may answer otherwise once what it depends on is back.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unable { .. })
    }
}

type Result<T> = std::result::Result<T, Error>;

/// A connection to the first address that answers; a broken one is replaced by the next call.
pub struct Metastore {
    addresses: Vec<String>,
    current: usize,
    connection: Option<TcpStream>,
    sequence: i32,
}

impl Metastore {
    /// Does not connect yet.
    ///
    /// # Errors
    /// `Address` if a URI is not `thrift://host:port`.
    pub fn new(uris: &[String]) -> Result<Self> {
        let address = |uri: &String| {
            let address = uri.trim().strip_prefix("thrift://").unwrap_or_default();
            let (host, port) = address.rsplit_once(':').unwrap_or_default();
            let valid = !host.is_empty() && port.parse::<u16>().is_ok();
            if valid { Ok(address.to_owned()) } else { Err(Error::Address(uri.clone())) }
        };
        let addresses = uris.iter().map(address).collect::<Result<Vec<_>>>()?;
        if addresses.is_empty() {
            return Err(Error::Address(String::new()));
        }
        Ok(Self { addresses, current: 0, connection: None, sequence: 0 })
    }

    pub async fn create_database(&mut self, name: &str, description: &str) -> Result<()> {
        let database =
            Struct::new([(1, Value::text(name)), (2, Value::text(description)), (4, Value::text_map::<&str, &str>([]))]);
        self.call("create_database", Struct::new([(1, Value::Struct(database))]), &["AlreadyExists", "", "Meta"]).await.map(drop)
    }

    pub async fn create_table(&mut self, table: Struct) -> Result<()> {
        let arguments = Struct::new([(1, Value::Struct(table))]);
        self.call("create_table", arguments, &["AlreadyExists", "", "Meta", "NoSuchObject"]).await.map(drop)
    }

    /// Reads a table. Hive 4 has only `get_table_req`, Hive 2.1 and older only `get_table`.
    pub async fn table(&mut self, database: &str, table: &str) -> Result<Struct> {
        let request = Struct::new([(1, Value::text(database)), (2, Value::text(table))]);
        let exceptions = ["Meta", "NoSuchObject"];
        match self.call("get_table_req", Struct::new([(1, Value::Struct(request.clone()))]), &exceptions).await {
            Ok(Some(Value::Struct(result))) => {
                let table = result.get(1).and_then(Value::as_struct).cloned();
                table.ok_or(Error::Refused { method: "get_table_req", message: "the answer holds no table".to_owned() })
            }
            Err(Error::UnknownMethod(_)) => match self.call("get_table", request, &exceptions).await? {
                Some(Value::Struct(table)) => Ok(table),
                _ => Err(Error::Refused { method: "get_table", message: "the answer holds no table".to_owned() }),
            },
            Ok(_) => Err(Error::Refused { method: "get_table_req", message: "the answer holds no table".to_owned() }),
            Err(error) => Err(error),
        }
    }

    /// Replaces a table's definition without touching its partitions.
    pub async fn alter_table(&mut self, database: &str, name: &str, table: Struct) -> Result<()> {
        let context = Struct::new([(1, Value::text_map::<&str, &str>([]))]);
        let arguments = Struct::new([
            (1, Value::text(database)),
            (2, Value::text(name)),
            (3, Value::Struct(table)),
            (4, Value::Struct(context)),
        ]);
        self.call("alter_table_with_environment_context", arguments, &["", "Meta"]).await.map(drop)
    }

    pub async fn append_partition_by_name(&mut self, database: &str, table: &str, name: &str) -> Result<()> {
        let arguments = Struct::new([(1, Value::text(database)), (2, Value::text(table)), (3, Value::text(name))]);
        self.call("append_partition_by_name", arguments, &["", "AlreadyExists", "Meta"]).await.map(drop)
    }

    pub async fn add_partition(&mut self, partition: Struct) -> Result<()> {
        let arguments = Struct::new([(1, Value::Struct(partition))]);
        self.call("add_partition", arguments, &["", "AlreadyExists", "Meta"]).await.map(drop)
    }

    /// Names of all partitions, in Hive's escaped spelling.
    pub async fn partition_names(&mut self, database: &str, table: &str) -> Result<Vec<String>> {
        let arguments = Struct::new([(1, Value::text(database)), (2, Value::text(table)), (3, Value::I16(-1))]);
        let names = self.call("get_partition_names", arguments, &["NoSuchObject"]).await?;
        Ok(names.iter().flat_map(Value::as_list).filter_map(Value::as_text).map(str::to_owned).collect())
    }

    /// Makes one call. `exceptions` names the kind of the exceptions that a method declares, by field id from 1.
    ///
    /// A call is not repeated on another address once it was sent: it may have taken effect.
    async fn call(&mut self, method: &'static str, arguments: Struct, exceptions: &[&str]) -> Result<Option<Value>> {
        self.sequence = self.sequence.wrapping_add(1);
        let message = thrift::call(method, self.sequence, &arguments);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect(method).await?,
        };
        let answer = match timeout(CALL_TIMEOUT, exchange(&mut connection, &message, self.sequence)).await {
            Ok(answer) => answer,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {CALL_TIMEOUT:?}"))),
        };
        let reply = answer.map_err(|source| {
            let uri = self.uri();
            // The next call starts with another address, in case this one is the broken one.
            self.current = (self.current + 1) % self.addresses.len();
            Error::NoAnswer { method, uri, source }
        })?;
        self.connection = Some(connection);
        match reply {
            Reply::Exception { kind: UNKNOWN_METHOD, .. } => Err(Error::UnknownMethod(method)),
            Reply::Exception { message, .. } => Err(Error::Refused { method, message }),
            Reply::Result(result) => match result.first() {
                None => Ok(None),
                Some((0, value)) => Ok(Some(value.clone())),
                Some((id, exception)) => {
                    let message = exception.as_struct().and_then(|e| e.text(1)).unwrap_or("no reason given").to_owned();
                    let kind = usize::try_from(id - 1).ok().and_then(|index| exceptions.get(index)).copied();
                    Err(match kind {
                        Some("AlreadyExists") => Error::AlreadyExists(message),
                        Some("NoSuchObject") => Error::NoSuchObject(message),
                        Some("Meta") => Error::Unable { method, message },
                        _ => Error::Refused { method, message },
                    })
                }
            },
        }
    }

    async fn connect(&mut self, method: &'static str) -> Result<TcpStream> {
        let mut last = None;
        for _ in 0..self.addresses.len() {
            let address = &self.addresses[self.current];
            let error = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // A failure here only costs latency.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => error,
                Err(_) => io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {CONNECT_TIMEOUT:?}")),
            };
            last = Some(Error::NoAnswer { method, uri: self.uri(), source: error });
            self.current = (self.current + 1) % self.addresses.len();
        }
        Err(last.expect("there is at least one address"))
    }

    fn uri(&self) -> String {
        format!("thrift://{}", self.addresses[self.current])
    }
}

async fn exchange(connection: &mut TcpStream, message: &[u8], sequence: i32) -> io::Result<Reply> {
    connection.write_all(message).await?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        connection.readable().await?;
        // All that has arrived is read before parsing, so a long answer is not parsed once per packet.
        loop {
            buffer.reserve(16 * 1024);
            match connection.try_read_buf(&mut buffer) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the metastore closed the connection")),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        match thrift::reply(&buffer, sequence) {
            Ok(reply) => return Ok(reply),
            Err(ReadError::Incomplete) => {}
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_scheme_host_and_port() {
        for uri in ["", "localhost:9083", "thrift://:9083", "thrift://localhost", "thrift://localhost:x"] {
            let error = Metastore::new(&[uri.to_owned()]).err().map(|e| e.to_string());
            assert_eq!(error, Some(format!("invalid metastore address '{uri}'; expected thrift://host:port")));
        }
        assert!(Metastore::new(&["thrift://localhost:9083".to_owned(), " thrift://b:1".to_owned()]).is_ok());
    }
}
