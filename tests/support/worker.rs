//! Runs the real `tributary` binary as a worker of its own.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use reqwest::Method;

use super::connect_rest::ConnectRest;
use super::stack::{self, Server};
use super::unique;
use super::wait::{Look, wait_until};

/// A debug build on a busy machine starts in a second or two.
const START_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// Settings of a worker before it starts. Its topics and group are its own.
pub struct WorkerSetup {
    command: &'static str,
    properties: Vec<(String, String)>,
    connector_files: Vec<PathBuf>,
    folder: PathBuf,
    port: u16,
}

impl WorkerSetup {
    pub fn distributed() -> Self {
        let group = unique("worker");
        let mut setup = Self::new("distributed", &group);
        setup = setup.set("group.id", &group);
        for topic in ["config", "offset", "status"] {
            setup = setup
                .set(format!("{topic}.storage.topic"), format!("{group}-{topic}s"))
                .set(format!("{topic}.storage.replication.factor"), "1");
        }
        setup.set("offset.storage.partitions", "1").set("status.storage.partitions", "1")
    }

    pub fn standalone(connector_files: &[&Path]) -> Self {
        let mut setup = Self::new("standalone", &unique("standalone"));
        setup.connector_files = connector_files.iter().map(|file| file.to_path_buf()).collect();
        let offsets = setup.folder.join("offsets").display().to_string();
        setup.set("offset.storage.file.filename", offsets)
    }

    fn new(command: &'static str, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let port = stack::free_port();
        let json = "org.apache.kafka.connect.json.JsonConverter";
        Self { command, properties: Vec::new(), connector_files: Vec::new(), folder, port }
            .set("bootstrap.servers", stack::address(Server::Kafka))
            .set("listeners", format!("http://127.0.0.1:{port}"))
            .set("key.converter", json)
            .set("value.converter", json)
            .set("offset.flush.interval.ms", "1000")
    }

    /// Adds a line to the worker's properties file; the last line of a name wins.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((key.into(), value.into()));
        self
    }

    /// Writes the properties file, starts the worker and waits until `GET /connectors` answers 200.
    pub async fn start(self) -> Worker {
        let mut text = String::new();
        for (key, value) in &self.properties {
            writeln!(text, "{key}={value}").unwrap();
        }
        fs::write(self.folder.join("worker.properties"), text).unwrap();
        let mut worker = Worker {
            rest: ConnectRest::at(format!("http://127.0.0.1:{}", self.port)),
            arguments: self.arguments(),
            folder: self.folder,
            child: None,
        };
        worker.start().await;
        worker
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![self.command.to_owned(), self.folder.join("worker.properties").display().to_string()];
        arguments.extend(self.connector_files.iter().map(|file| file.display().to_string()));
        arguments
    }
}

/// A worker process; killed when dropped. Its log stays in `folder`.
pub struct Worker {
    pub rest: ConnectRest,
    pub folder: PathBuf,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Worker {
    /// Starts the process again with the same settings, after `kill` or `stop`.
    pub async fn start(&mut self) {
        assert!(self.child.is_none(), "the worker is still running");
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_tributary"))
            .args(&self.arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_until(START_WITHIN, "the worker to answer GET /connectors", async || {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("the worker ended with {status} while starting; its log:\n{}", self.log());
            }
            match self.rest.send(Method::GET, "/connectors", None).await {
                Ok((status, _)) if status.is_success() => Look::Done(()),
                Ok((status, body)) => Look::NotYet(format!("{status} {body}")),
                Err(error) => Look::NotYet(error.to_string()),
            }
        })
        .await;
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the worker is running").id()
    }

    /// `kill -9`: the worker gets no chance to finish anything.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM, then waits for the orderly end.
    pub async fn stop(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the worker is running");
        let sent = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
        assert!(sent.success(), "could not signal the worker");
        wait_until(STOP_WITHIN, "the worker to end after SIGTERM", async || match child.try_wait().unwrap() {
            Some(status) => Look::Done(status),
            None => Look::NotYet("still running"),
        })
        .await
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("worker.log")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail = log.lines().rev().take(40).collect::<Vec<_>>();
            eprintln!("last lines of {}:", self.log_file().display());
            tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
    }
}
