//! Does the MySQL source say what is wrong with a server's binlog? Each test has a server of its own to do the wrong with.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row};
use tributary::plugin::ErrorKind;

use super::{LIMIT, Source, applied, failure, validation_errors};
use crate::support::sql::USER;
use crate::support::stack::{self, Server};
use crate::support::unique;
use crate::support::wait::{Look, wait_until};

/// Makes a data folder or runs the server on it, with the programs of the stack.
const LAUNCH: &str = r#"
. "$1/frame.sh"; . "$1/mysql.sh"; DOWNLOADS=$2/downloads; step=$3; shift 3
if [ "$(id -u)" = 0 ]; then set -- "$@" --user=root; fi
tree=$DOWNLOADS/mysql/usr
case $step in
  mysql-make) mysql_run sbin/mysqld --basedir="$tree" --lc-messages-dir="$tree/share/mysql" --initialize-insecure "$@" ;;
  mysql-run)
    mysql_command sbin/mysqld --basedir="$tree" --lc-messages-dir="$tree/share/mysql" --mysqlx=OFF --secure-file-priv= "$@"
    exec "${MYSQL_COMMAND[@]}" ;;
  mariadb-make) mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db "$@" ;;
  mariadb-run) exec "$(PATH=$PATH:/usr/sbin command -v mariadbd)" --no-defaults "$@" ;;
esac
"#;

struct OwnServer {
    kind: Server,
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl OwnServer {
    async fn start(kind: Server, options: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique("own_server"));
        std::fs::create_dir_all(&folder).unwrap();
        let mut server = Self { kind, folder, port: stack::free_port(), process: None };
        let made = server.launch("make", &[]).wait().unwrap();
        assert!(made.success(), "no data folder was made: {}", server.log());
        server.run(options).await;
        server
    }

    fn launch(&self, step: &str, options: &[&str]) -> Child {
        let name = if self.kind == Server::MariaDb { "mariadb" } else { "mysql" };
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        Command::new("bash")
            .args(["-c", LAUNCH, "launch"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack"))
            .arg(stack::folder())
            .arg(format!("{name}-{step}"))
            .arg(format!("--datadir={}", self.folder.join("data").display()))
            .args(options)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    async fn run(&mut self, options: &[&str]) {
        let port = format!("--port={}", self.port);
        let always = [
            port.as_str(),
            "--bind-address=127.0.0.1",
            "--socket=s.sock",
            "--performance-schema=OFF",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=2",
            "--sync-binlog=0",
        ];
        self.process = Some(self.launch("run", &[&always, options].concat()));
        wait_until(LIMIT, "the server to answer", async || {
            if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.log());
            }
            match self.connect().await {
                Ok(_) => Look::Done(()),
                Err(error) => Look::NotYet(error.to_string()),
            }
        })
        .await;
    }

    /// Stops the server in order and runs it with other options.
    async fn restart(&mut self, options: &[&str]) {
        let mut process = self.process.take().unwrap();
        let told = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
        assert!(told.success());
        wait_until(LIMIT, "the server to end", async || match process.try_wait().unwrap() {
            Some(_) => Look::Done(()),
            None => Look::NotYet(()),
        })
        .await;
        self.run(options).await;
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    async fn connect(&self) -> mysql_async::Result<Conn> {
        let options =
            OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(self.port).user(Some(USER)).prefer_socket(false);
        Conn::new(options).await
    }

    async fn execute(&self, statements: &[&str]) {
        let mut connection = self.connect().await.unwrap();
        for sql in statements {
            connection.query_drop(*sql).await.unwrap_or_else(|error| panic!("{error}\nin {sql}"));
        }
        connection.disconnect().await.unwrap();
    }

    async fn binlog_files(&self) -> Vec<String> {
        let rows: Vec<Row> = self.connect().await.unwrap().query("SHOW BINARY LOGS").await.unwrap();
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    }

    fn source(&self, settings: &[(&str, &str)]) -> Source {
        Source::at(self.kind, "127.0.0.1", self.port, "d", settings)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

async fn binlog_is_off_then_wrong_then_purged(kind: Server, good: &[&str]) {
    let mut server = OwnServer::start(kind, &["--skip-log-bin"]).await;
    server
        .execute(&[
            "CREATE DATABASE d",
            "CREATE TABLE d.t (id BIGINT PRIMARY KEY, nome VARCHAR(40), valor INT)",
            "INSERT INTO d.t VALUES (1, 'a', 0)",
        ])
        .await;
    let off = "the server writes no binlog (log_bin is OFF)";
    let errors = validation_errors(&server.source(&[])).await;
    assert!(errors.len() == 1 && errors[0].starts_with(off), "{errors:?}");
    let error = failure(&server.source(&[])).await;
    assert!(error.kind() == ErrorKind::Config && error.trace().starts_with(off), "{}", error.trace());
    // What the message advises works.
    let once = server.source(&[("snapshot.mode", "initial_only")]);
    assert_eq!(validation_errors(&once).await, Vec::<String>::new());
    let mut reading = once.start().await;
    reading.until_snapshot().await;
    assert_eq!(reading.records().count(), 1);
    reading.stop().await;

    server.restart(&["--log-bin=binlog", "--server-id=1", "--binlog-format=STATEMENT", "--binlog-row-image=MINIMAL"]).await;
    let errors = validation_errors(&server.source(&[])).await;
    let error = failure(&server.source(&[])).await.trace();
    for part in ["binlog_format=ROW and restart the connector", "binlog_row_image=FULL and restart the connector"] {
        assert!(errors.iter().any(|error| error.contains(part)), "{errors:?}");
        assert!(error.contains(part), "{error}");
    }

    server.restart(good).await;
    // The first numbered transaction: a position without any goes by file.
    server.execute(&["UPDATE d.t SET valor = 2"]).await;
    let mut source = server.source(&[]);
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    // The server goes away under the reader and comes back logging without checksums.
    server.restart(&[good, &["--binlog-checksum=NONE"]].concat()).await;
    server
        .execute(&["INSERT INTO d.t VALUES (2, 'b', 0)", "UPDATE d.t SET valor = 1", "INSERT INTO d.t VALUES (3, 'c', 0)"])
        .await;
    reading.until(3).await;
    assert_eq!(applied(reading.records()).len(), 3);
    let (_, offset) = reading.stop().await;
    source.offset = offset;

    server.execute(&["INSERT INTO d.t VALUES (4, 'd', 0)", "FLUSH BINARY LOGS"]).await;
    let last = server.binlog_files().await.pop().unwrap();
    // Files that a dump still reads are not purged, and the server takes a moment to see that its reader is gone.
    wait_until(Duration::from_secs(30), "the binlog files to be purged", async || {
        server.execute(&[&format!("PURGE BINARY LOGS TO '{last}'")]).await;
        let files = server.binlog_files().await;
        if files == [last.as_str()] { Look::Done(()) } else { Look::NotYet(files) }
    })
    .await;
    let error = failure(&source).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.trace().starts_with("the server has purged binlog files that are still needed (transactions "),
        "{}",
        error.trace()
    );
    assert!(error.trace().contains("Set snapshot.mode=when_needed to read all tables again"), "{}", error.trace());
    source.config.set("snapshot.mode", "when_needed");
    let mut reading = source.start().await;
    reading.until_snapshot().await;
    assert_eq!(applied(reading.records()).len(), 4);
    reading.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_says_when_its_binlog_is_off_wrong_or_purged() {
    let good = ["--log-bin=binlog", "--server-id=1", "--gtid-mode=ON", "--enforce-gtid-consistency=ON"];
    binlog_is_off_then_wrong_then_purged(Server::MySql, &good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_says_when_its_binlog_is_off_wrong_or_purged() {
    let good = ["--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--binlog-row-image=FULL"];
    binlog_is_off_then_wrong_then_purged(Server::MariaDb, &good).await;
}
