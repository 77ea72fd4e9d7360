//! Opens connections to the server within a time limit, and says which failures may pass by themselves.

use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{ClientIdentity, Conn, DriverError, Error, Opts, OptsBuilder, SslOpts};

use super::config::{ConnectionSettings, TlsMode};
use crate::plugin::{ConnectError, ErrorKind, Result};

/// The largest packet of the protocol's successor packets: rows and events may be as large as the server allows.
const MAX_PACKET: usize = 1 << 30;
/// A dead peer is noticed by the kernel even where nothing is sent.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Opens a connection for queries: UTF-8, UTC, and the user's own statements.
///
/// # Errors
/// `Retriable` if the server cannot be reached, `Config` if it refuses the account.
pub async fn connect(settings: &ConnectionSettings) -> Result<Conn> {
    let mut statements = vec!["SET NAMES utf8mb4".to_owned(), "SET time_zone = '+00:00'".to_owned()];
    statements.extend(settings.initial_statements.iter().cloned());
    connect_with(settings, statements).await
}

/// Opens a connection that runs only these statements first.
pub async fn connect_with(settings: &ConnectionSettings, statements: Vec<String>) -> Result<Conn> {
    let attempt = async {
        if settings.tls != TlsMode::Preferred {
            return Conn::new(options(settings, settings.tls != TlsMode::Disabled, &statements)).await;
        }
        // What never leaves this machine needs no encryption, unless the account demands it.
        let local = is_loopback(&settings.host);
        match Conn::new(options(settings, !local, &statements)).await {
            Err(Error::Driver(DriverError::NoClientSslFlagFromServer)) if !local => {
                Conn::new(options(settings, false, &statements)).await
            }
            Err(Error::Server(error)) if local && [1045, 3159].contains(&error.code) => {
                match Conn::new(options(settings, true, &statements)).await {
                    Err(Error::Driver(DriverError::NoClientSslFlagFromServer)) => Err(Error::Server(error)),
                    outcome => outcome,
                }
            }
            outcome => outcome,
        }
    };
    let place = format!("{}:{}", settings.host, settings.port);
    match tokio::time::timeout(settings.connect_timeout, Box::pin(attempt)).await {
        Err(_) => Err(ConnectError::retriable(format!(
            "cannot connect to the database at {place}: no answer within {} ms (connect.timeout.ms)",
            settings.connect_timeout.as_millis()
        ))),
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(Error::Server(error))) if is_refused(error.code) => Err(refused(settings, &place).caused_by(error)),
        // MySQL answers for an account it does not know with a plugin it picks by the name, perhaps one we do not speak.
        Ok(Err(Error::Driver(error @ DriverError::UnknownAuthPlugin { .. }))) => Err(refused(settings, &place).caused_by(error)),
        Ok(Err(error)) => Err(failure(format!("cannot connect to the database at {place}"), error)),
    }
}

fn refused(settings: &ConnectionSettings, place: &str) -> ConnectError {
    ConnectError::config(format!(
        "cannot log in to the database at {place} as user '{}'; check database.user and database.password",
        settings.user
    ))
}

/// Checks that the server's name means something, which a wrong `database.hostname` does not.
///
/// # Errors
/// `Config` if nobody knows the name.
pub async fn resolve(settings: &ConnectionSettings) -> Result<()> {
    let host = settings.host.as_str();
    let lookup = tokio::net::lookup_host((host, settings.port));
    match tokio::time::timeout(settings.connect_timeout, lookup).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            Err(ConnectError::config(format!("cannot find host '{host}'; check database.hostname")).caused_by(error))
        }
        Err(_) => Err(ConnectError::retriable(format!("cannot find host '{host}': the name service does not answer"))),
    }
}

fn options(settings: &ConnectionSettings, tls: bool, statements: &[String]) -> Opts {
    let tls = tls.then(|| tls_options(settings));
    OptsBuilder::default()
        .ip_or_hostname(&settings.host)
        .tcp_port(settings.port)
        .user(Some(&settings.user))
        .pass(Some(&settings.password.0))
        .ssl_opts(tls)
        .prefer_socket(false)
        .tcp_keepalive(Some(TCP_KEEP_ALIVE))
        .max_allowed_packet(Some(MAX_PACKET))
        .init(statements.to_vec())
        .into()
}

fn tls_options(settings: &ConnectionSettings) -> SslOpts {
    // The first caller decides for the process; a second call is refused and of no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = |path: &String| PathBuf::from(path);
    let options = SslOpts::default()
        .with_root_certs(settings.truststore.iter().map(|path| pem(path).into()).collect())
        .with_client_identity(settings.keystore.as_ref().map(|path| ClientIdentity::new(pem(path).into(), pem(path).into())));
    match settings.tls {
        TlsMode::VerifyIdentity => options,
        TlsMode::VerifyCa => options.with_danger_skip_domain_validation(true),
        _ => options.with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Server errors that a retry does not mend: the account is wrong, locked or may not come from here.
fn is_refused(code: u16) -> bool {
    matches!(code, 1044 | 1045 | 1129 | 1130 | 1251 | 1698 | 1862 | 3118 | 3159 | 3955 | 4151)
}

/// Server errors that pass by themselves: too busy, shutting down, lost, timed out, deadlocked, killed.
fn is_transient(code: u16) -> bool {
    matches!(code, 1040 | 1041 | 1053 | 1077..=1080 | 1158..=1161 | 1184 | 1189 | 1190 | 1203 | 1205 | 1213 | 1226 | 1317 | 1927 | 3024 | 3032 | 3169 | 4031)
}

/// Wraps a driver error with what was attempted; lost connections and busy servers are `Retriable`.
pub fn failure(what: impl Into<String>, error: Error) -> ConnectError {
    let retriable = match &error {
        Error::Io(_) => true,
        Error::Driver(error) => matches!(error, DriverError::ConnectionClosed | DriverError::PacketOutOfOrder),
        Error::Server(error) => is_transient(error.code),
        Error::Other(_) | Error::Url(_) => false,
    };
    let wrapped = ConnectError::new(if retriable { ErrorKind::Retriable } else { ErrorKind::Fatal }, what);
    // The driver prints the cause in its own text; taking the cause itself says it once.
    match error {
        Error::Server(error) => wrapped.caused_by(error),
        Error::Io(mysql_async::IoError::Io(error)) => wrapped.caused_by(error),
        other => wrapped.caused_by(other),
    }
}

/// The server's number for an error, if it is the server's.
pub fn server_code(error: &ConnectError) -> Option<u16> {
    std::error::Error::source(error)?.downcast_ref::<mysql_async::ServerError>().map(|error| error.code)
}

/// The SQL state of an error, if it is the server's.
pub fn server_state(error: &ConnectError) -> Option<&str> {
    std::error::Error::source(error)?.downcast_ref::<mysql_async::ServerError>().map(|error| error.state.as_str())
}

/// Waits no longer than `limit` for an answer of the server.
///
/// # Errors
/// `Retriable` after the limit. The connection must not be used again then.
pub async fn within<T>(limit: Duration, what: &str, answer: impl Future<Output = std::result::Result<T, Error>>) -> Result<T> {
    match tokio::time::timeout(limit, answer).await {
        Ok(outcome) => outcome.map_err(|error| failure(format!("cannot {what}"), error)),
        Err(_) => Err(ConnectError::retriable(format!("cannot {what}: no answer within {} ms", limit.as_millis()))),
    }
}

/// A connection together with the longest time a query may take.
pub struct Session {
    pub connection: Conn,
    limit: Duration,
}

impl Session {
    pub async fn open(settings: &ConnectionSettings) -> Result<Self> {
        // A clock cannot be set that far ahead.
        let limit = settings.query_timeout.min(Duration::from_secs(365 * 24 * 3600));
        Ok(Self { connection: connect(settings).await?, limit })
    }

    /// All rows of a query. `what` completes "cannot ...".
    pub async fn query<T: FromRow + Send + 'static>(&mut self, what: &str, sql: &str) -> Result<Vec<T>> {
        within(self.limit, what, self.connection.query(sql)).await
    }

    pub async fn first<T: FromRow + Send + 'static>(&mut self, what: &str, sql: &str) -> Result<Option<T>> {
        within(self.limit, what, self.connection.query_first(sql)).await
    }

    pub async fn run(&mut self, what: &str, sql: &str) -> Result<()> {
        within(self.limit, what, self.connection.query_drop(sql)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_server_errors_pass_by_themselves() {
        let error = |code: u16| {
            let error = mysql_async::ServerError { code, message: "m".to_owned(), state: "HY000".to_owned() };
            failure("cannot x", Error::Server(error))
        };
        assert_eq!(error(1053).kind(), ErrorKind::Retriable);
        assert_eq!(error(1236).kind(), ErrorKind::Fatal);
        assert_eq!(server_code(&error(1236)), Some(1236));
        assert_eq!(error(1142).trace(), "cannot x\nCaused by: ERROR 1142 (HY000): m");
    }

    #[test]
    fn knows_this_machine() {
        for host in ["localhost", "127.0.0.1", "::1", "127.3.2.1"] {
            assert!(is_loopback(host));
        }
        assert!(!is_loopback("10.0.0.1") && !is_loopback("db.example.com"));
    }
}
