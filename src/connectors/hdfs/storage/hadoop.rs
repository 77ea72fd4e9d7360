//! Speaks to a Hadoop file system.
//!
//! The client library has no time limit on NameNode calls, so every call gets one here. A call that ran into its limit
//! may sit on a dead connection: the client is then made anew, while files that are open keep the old one.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use hdfs_native::client::FileStatus;
use hdfs_native::file::FileWriter;
use hdfs_native::{Client, ClientBuilder, HdfsError, WriteOptions};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::{Failure, FoundFile, Result, Storage, StorageError, StorageFile, hadoop_files};
use crate::plugin::ConnectError;

/// A NameNode answers in milliseconds; this covers a failover and the client's own retries of refused connections.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// A DataNode pipeline may be rebuilt once within this.
const DATA_LIMIT: Duration = Duration::from_secs(90);
/// The client repeats calls by itself; from here on somebody should hear of it.
const SILENCE: Duration = Duration::from_secs(5);
/// How often a silence that lasts is told.
const SILENCE_INTERVAL: Duration = Duration::from_secs(60);
/// The pauses between looks at a file that is being closed: the first, and the longest.
const FIRST_LOOK: Duration = Duration::from_millis(15);
const LAST_LOOK: Duration = Duration::from_millis(480);
/// How long an answer to a `complete` may take before it counts as a refusal.
const ANSWER_LIMIT: Duration = Duration::from_millis(150);
/// As long as Java's client tries.
const COMPLETE_LIMIT: Duration = Duration::from_secs(25);
const DEFAULT_PORT: u16 = 8020;
const DIRECTORY_PERMISSION: u32 = 0o755;

/// How to reach a file system.
#[derive(Clone, Debug, Default)]
pub struct HadoopOptions {
    /// `hdfs://host:port`, `hdfs://nameservice` or `viewfs://...`; a path after it is ignored.
    pub url: String,
    /// A directory with `core-site.xml` and `hdfs-site.xml`. Without it, `HADOOP_CONF_DIR` and `HADOOP_HOME` count.
    pub conf_dir: Option<String>,
    pub kerberos: Option<Kerberos>,
}

#[derive(Clone, Debug, Default)]
pub struct Kerberos {
    pub principal: Option<String>,
    pub keytab: Option<String>,
    pub namenode_principal: Option<String>,
}

pub struct HadoopStorage {
    options: HadoopOptions,
    /// Of all new files.
    write_options: WriteOptions,
    client: ArcSwap<Client>,
    silence: Arc<Silence>,
}

impl HadoopStorage {
    /// # Errors
    /// `Config` if the URL or the configuration files do not say where the NameNode is, its host name is unknown, or
    /// the files have a wrong value.
    pub async fn connect(options: HadoopOptions) -> std::result::Result<Self, ConnectError> {
        let (client, authority) = build(&options)?;
        let directory = hadoop_files::directory(options.conf_dir.as_deref(), |name| std::env::var(name).ok());
        let write_options = hadoop_files::write_options(directory.as_deref())?;
        // Java, too, refuses to start on a host name that does not resolve; a NameNode that is down may come back.
        if let Some(address) = authority.filter(|authority| authority.contains(':')) {
            let lookup = timeout(CALL_LIMIT, tokio::net::lookup_host(&address)).await;
            if let Ok(Err(error)) = lookup {
                return Err(ConnectError::config(format!("cannot find the NameNode '{address}' of {}: {error}", options.url))
                    .caused_by(error));
            }
        }
        Ok(Self { options, write_options, client: ArcSwap::from_pointee(client), silence: Arc::default() })
    }

    async fn call<T>(
        &self,
        what: &str,
        path: &str,
        limit: Duration,
        call: impl Future<Output = hdfs_native::Result<T>>,
    ) -> Result<T> {
        match self.silence.wait(what, path, limit, Box::pin(call)).await {
            Some(result) => result.map_err(|error| describe(what, path, &error)),
            None => {
                if let Ok((client, _)) = build(&self.options) {
                    self.client.store(Arc::new(client));
                }
                Err(out_of_time(what, path, limit))
            }
        }
    }

    fn client(&self) -> Arc<Client> {
        self.client.load_full()
    }
}

/// Builds a client; it connects on its first call. Also returns the authority that it connects to.
fn build(options: &HadoopOptions) -> std::result::Result<(Client, Option<String>), ConnectError> {
    let url = &options.url;
    let wrong = |reason: &str| ConnectError::config(format!("cannot use '{url}' as HDFS address: {reason}"));
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it is not of the form hdfs://host:port"))?;
    if !matches!(scheme, "hdfs" | "viewfs") {
        return Err(wrong(&format!("file systems of type '{scheme}' are not supported, only hdfs and viewfs")));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let build = |authority: &str| {
        let mut builder = ClientBuilder::new().with_url(format!("{scheme}://{authority}"));
        if let Some(dir) = &options.conf_dir {
            builder = builder.with_config_dir(dir);
        }
        if let Some(kerberos) = &options.kerberos {
            let mut settings = vec![("hadoop.security.authentication", "kerberos".to_owned())];
            if let Some(principal) = &kerberos.namenode_principal {
                settings.push(("dfs.namenode.kerberos.principal", principal.clone()));
            }
            builder = builder.with_config(settings);
            if let Some(principal) = &kerberos.principal {
                builder = builder.with_kerberos_principal(principal);
            }
            if let Some(keytab) = &kerberos.keytab {
                builder = builder.with_kerberos_keytab(keytab);
            }
        }
        builder.build()
    };
    match build(authority) {
        Ok(client) => Ok((client, Some(authority.to_owned()).filter(|authority| !authority.is_empty()))),
        // Not the name of a nameservice, so it is a host, and Hadoop's default port is meant.
        Err(HdfsError::InvalidArgument(_)) if scheme == "hdfs" && !authority.is_empty() && !authority.contains(':') => {
            let authority = format!("{authority}:{DEFAULT_PORT}");
            build(&authority).map(|client| (client, Some(authority))).map_err(|error| wrong(&error.to_string()))
        }
        Err(error) => Err(wrong(&error.to_string())),
    }
}

#[async_trait]
impl Storage for HadoopStorage {
    async fn create(&self, path: &str) -> Result<Box<dyn StorageFile>> {
        let client = self.client();
        let writer = self.call("create", path, CALL_LIMIT, client.create(path, &self.write_options)).await?;
        let silence = self.silence.clone();
        Ok(Box::new(HadoopFile { path: path.to_owned(), client, writer, written: 0, synced: false, silence }))
    }

    async fn recover_lease(&self, path: &str) -> Result<bool> {
        let client = self.client();
        let recover = async {
            match client.recover_lease(path).await {
                // A recovery runs, or the DataNodes have not reported the last block yet.
                Err(HdfsError::AlreadyExists(_)) => Ok(false),
                Err(HdfsError::RPCError(class, _)) if class.ends_with(".RecoveryInProgressException") => Ok(false),
                other => other,
            }
        };
        self.call("recover the lease of", path, CALL_LIMIT, recover).await
    }

    async fn read(&self, path: &str, limit: Option<usize>) -> Result<Bytes> {
        let client = self.client();
        let read = async {
            let mut reader = client.read(path).await?;
            let length = limit.map_or(reader.file_length(), |limit| limit.min(reader.file_length()));
            reader.read_bytes(length).await
        };
        self.call("read", path, DATA_LIMIT, read).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let client = self.client();
        self.call("rename", &format!("{from} to {to}"), CALL_LIMIT, client.rename(from, to, false)).await
    }

    async fn replace(&self, from: &str, to: &str) -> Result<()> {
        let client = self.client();
        self.call("rename", &format!("{from} to {to}"), CALL_LIMIT, client.rename(from, to, true)).await
    }

    async fn make_directory(&self, path: &str) -> Result<()> {
        let client = self.client();
        self.call("make the directory", path, CALL_LIMIT, client.mkdirs(path, DIRECTORY_PERMISSION, true)).await
    }

    async fn delete(&self, path: &str) -> Result<bool> {
        let client = self.client();
        self.call("delete", path, CALL_LIMIT, client.delete(path, false)).await
    }

    async fn length(&self, path: &str) -> Result<Option<u64>> {
        let client = self.client();
        match self.call("look up", path, CALL_LIMIT, client.get_file_info(path)).await {
            Ok(status) => Ok(Some(status.length as u64)),
            Err(error) if error.failure == Failure::Gone => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, directory: &str) -> Result<Vec<FoundFile>> {
        let client = self.client();
        let mut entries = client.list_status_iter(directory, true).into_stream();
        let mut files = Vec::new();
        // The limit is for each answer: a large tree may take long as a whole.
        loop {
            let next = async { entries.next().await.transpose() };
            match self.call("list", directory, CALL_LIMIT, next).await {
                Ok(None) => return Ok(files),
                Ok(Some(FileStatus { isdir: false, path, length, .. })) => files.push(FoundFile { path, length: length as u64 }),
                Ok(Some(_)) => {}
                // The directory, or one below it, is not there or was removed meanwhile.
                Err(error) if error.failure == Failure::Gone => {}
                Err(error) => return Err(error),
            }
        }
    }
}

struct HadoopFile {
    path: String,
    client: Arc<Client>,
    writer: FileWriter,
    written: usize,
    synced: bool,
    silence: Arc<Silence>,
}

impl HadoopFile {
    /// Ends some time after the NameNode knows the last block as committed, which `close` has asked for and been
    /// answered then; never ends if it cannot tell. Before, the file has a smaller length, unless it was synced.
    async fn committed(client: &Client, path: &str, written: usize) {
        let mut pause = FIRST_LOOK;
        loop {
            sleep(pause).await;
            if client.get_file_info(path).await.is_ok_and(|status| status.length == written) {
                return sleep(FIRST_LOOK).await;
            }
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    /// Asks again and again to complete a file whose last block is committed.
    async fn complete(&mut self) -> Result<()> {
        let deadline = Instant::now() + COMPLETE_LIMIT;
        let mut pause = FIRST_LOOK;
        loop {
            // An answer takes a millisecond or two; after a refusal the library goes to sleep.
            match timeout(ANSWER_LIMIT, Box::pin(self.writer.close())).await {
                Ok(Ok(())) => return Ok(()),
                // Given up just when it had worked.
                Ok(Err(_)) if self.is_closed().await => return Ok(()),
                Ok(Err(error)) => return Err(describe("close", &self.path, &error)),
                Err(_) if Instant::now() < deadline => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LAST_LOOK);
                }
                Err(_) => return Err(out_of_time("close", &self.path, COMPLETE_LIMIT)),
            }
        }
    }

    /// Takes the file away from whoever writes it, and tells whether that left it closed and whole.
    async fn is_closed(&self) -> bool {
        let closed = async {
            self.client.recover_lease(&self.path).await.is_ok_and(|closed| closed)
                && self.client.get_file_info(&self.path).await.is_ok_and(|status| status.length == self.written)
        };
        timeout(CALL_LIMIT, Box::pin(closed)).await.unwrap_or(false)
    }
}

#[async_trait]
impl StorageFile for HadoopFile {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.written += bytes.len();
        self.silence.data_call("write", &self.path, Box::pin(self.writer.write_bytes(bytes))).await.map(|_| ())
    }

    async fn sync(&mut self) -> Result<()> {
        self.synced = true;
        self.silence.data_call("sync", &self.path, Box::pin(self.writer.hsync())).await
    }

    /// The NameNode refuses to complete a file until the DataNode has reported its last block, which takes some
    /// milliseconds, and the library asks again only after half a second. So as soon as the block is committed, the
    /// asking is done here: then all that is left of the library's `close` is to ask once more.
    async fn close(&mut self) -> Result<()> {
        let Self { path, client, writer, written, synced, silence } = self;
        let close = silence.data_call("close", path, Box::pin(writer.close()));
        if *synced || *written == 0 {
            return close.await;
        }
        tokio::select! {
            biased;
            closed = close => return closed,
            () = Box::pin(Self::committed(client, path, *written)) => {}
        }
        self.complete().await
    }
}

/// Tells when HDFS does not answer for long, and when it does again.
#[derive(Default)]
struct Silence(Mutex<Option<Told>>);

struct Told {
    since: Instant,
    last: Instant,
}

impl Silence {
    async fn data_call<T>(
        &self,
        what: &str,
        path: &str,
        call: impl Future<Output = hdfs_native::Result<T>> + Unpin,
    ) -> Result<T> {
        match self.wait(what, path, DATA_LIMIT, call).await {
            Some(result) => result.map_err(|error| describe(what, path, &error)),
            None => Err(out_of_time(what, path, DATA_LIMIT)),
        }
    }

    /// The answer of a call, or nothing after the limit.
    async fn wait<T>(
        &self,
        what: &str,
        path: &str,
        limit: Duration,
        mut call: impl Future<Output = hdfs_native::Result<T>> + Unpin,
    ) -> Option<hdfs_native::Result<T>> {
        if let Ok(answer) = timeout(SILENCE.min(limit), &mut call).await {
            if answer.is_ok() {
                self.end();
            }
            return Some(answer);
        }
        if self.is_news(Instant::now()) {
            tracing::warn!("HDFS does not answer: it took more than {} s to {what} {path}; trying on", SILENCE.as_secs());
        }
        let answer = timeout(limit.saturating_sub(SILENCE), call).await.ok();
        if matches!(answer, Some(Ok(_))) {
            self.end();
        }
        answer
    }

    fn is_news(&self, now: Instant) -> bool {
        let mut told = self.0.lock();
        match &mut *told {
            Some(told) if now < told.last + SILENCE_INTERVAL => false,
            Some(told) => {
                told.last = now;
                true
            }
            None => {
                *told = Some(Told { since: now, last: now });
                true
            }
        }
    }

    fn end(&self) {
        let told = self.0.lock().take();
        if let Some(told) = told {
            tracing::info!("HDFS answers again after {:.0} s", (told.since.elapsed() + SILENCE).as_secs_f64());
        }
    }
}

fn out_of_time(what: &str, path: &str, limit: Duration) -> StorageError {
    StorageError::new(Failure::Retry, format!("cannot {what} {path} on HDFS: no answer within {} s", limit.as_secs()))
}

fn describe(what: &str, path: &str, error: &HdfsError) -> StorageError {
    // The server appends its stack trace.
    let text = error.to_string();
    let reason = text.lines().next().unwrap_or_default();
    StorageError::new(classify(error), format!("cannot {what} {path} on HDFS: {reason}"))
}

/// Java exceptions after which the same call will fail again.
const HOPELESS: &[&str] = &[
    "AccessControlException",
    "AuthorizationException",
    "InvalidPathException",
    "ParentNotDirectoryException",
    "PathIsNotDirectoryException",
    "FSLimitException$PathComponentTooLongException",
    "IllegalArgumentException",
    "HadoopIllegalArgumentException",
    "RpcNoSuchMethodException",
    "RpcNoSuchProtocolException",
];

/// Decides what a failed call means. Everything unknown is worth another try, as in Java.
pub fn classify(error: &HdfsError) -> Failure {
    match error {
        HdfsError::FileNotFound(_) => Failure::Gone,
        // The library folds "already being created" into this one, which is about a lease and not about a file.
        HdfsError::AlreadyExists(message) if speaks_of_lease(message) => Failure::Retry,
        HdfsError::AlreadyExists(_) => Failure::Exists,
        HdfsError::RPCError(class, _) | HdfsError::FatalRPCError(class, _) => match class.rsplit('.').next().unwrap_or(class) {
            "FileNotFoundException" => Failure::Gone,
            "FileAlreadyExistsException" => Failure::Exists,
            "LeaseExpiredException" => Failure::Fenced,
            name if HOPELESS.contains(&name) => Failure::Fatal,
            _ => Failure::Retry,
        },
        HdfsError::InvalidPath(_)
        | HdfsError::InvalidArgument(_)
        | HdfsError::UrlParseError(_)
        | HdfsError::IsADirectoryError(_)
        | HdfsError::UnsupportedErasureCodingPolicy(_)
        | HdfsError::UnsupportedFeature(_)
        | HdfsError::XmlParseError(_)
        | HdfsError::NoSASLMechanism => Failure::Fatal,
        _ => Failure::Retry,
    }
}

fn speaks_of_lease(message: &str) -> bool {
    let first = message.lines().next().unwrap_or_default();
    ["lease", "being created", "minimally replicated", "being recovered"].iter().any(|word| first.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpc(class: &str, message: &str) -> HdfsError {
        HdfsError::RPCError(class.to_owned(), message.to_owned())
    }

    #[test]
    fn failures_are_told_apart_by_class_and_text() {
        let io = HdfsError::IOError(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        let exists = |message: &str| HdfsError::AlreadyExists(message.to_owned());
        for (error, failure) in [
            (io, Failure::Retry),
            (exists("rename destination /a already exists\n\tat org.apache.hadoop...LeaseManager"), Failure::Exists),
            (exists("Failed to APPEND_FILE /a for x on y because x is already the current lease holder."), Failure::Retry),
            (exists("Failed to CREATE_FILE /a because this file lease is currently owned by z"), Failure::Retry),
            (rpc("org.apache.hadoop.hdfs.protocol.RecoveryInProgressException", "busy"), Failure::Retry),
            (rpc("org.apache.hadoop.hdfs.server.namenode.SafeModeException", "safe mode"), Failure::Retry),
            (rpc("java.io.IOException", "could only be written to 0 of the 1 minReplication nodes"), Failure::Retry),
            (rpc("java.io.FileNotFoundException", "rename source /a is not found."), Failure::Gone),
            (rpc("org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException", "No lease on /a"), Failure::Fenced),
            (rpc("org.apache.hadoop.security.AccessControlException", "Permission denied"), Failure::Fatal),
            (rpc("org.apache.hadoop.fs.InvalidPathException", "Invalid path name /a:b"), Failure::Fatal),
            (HdfsError::OperationFailed("Failed to complete file in time".to_owned()), Failure::Retry),
        ] {
            assert_eq!(classify(&error), failure, "{error}");
        }
    }

    #[test]
    fn messages_leave_the_servers_stack_trace_out() {
        let error = describe("rename", "/a to /b", &rpc("java.io.FileNotFoundException", "no /a\n\tat x.y.z"));
        assert_eq!(error.message, "cannot rename /a to /b on HDFS: RPC error: java.io.FileNotFoundException no /a");
    }

    #[tokio::test]
    async fn a_long_silence_is_told_once_a_minute_until_a_call_works() {
        let silence = Silence::default();
        let told = |silence: &Silence, from: u64| {
            (from..from + 130).filter(|&s| silence.is_news(Instant::now() + Duration::from_secs(s))).collect::<Vec<_>>()
        };
        assert_eq!(told(&silence, 0), [0, 60, 120]);
        let answer = async |answer: hdfs_native::Result<i32>| {
            silence.wait("look up", "/a", CALL_LIMIT, Box::pin(async { answer })).await.is_some_and(|answer| answer.is_ok())
        };
        assert!(!answer(Err(HdfsError::OperationFailed("x".to_owned()))).await);
        assert_eq!(told(&silence, 130), [180, 240]);
        assert!(answer(Ok(1)).await);
        assert_eq!(told(&silence, 250), [250, 310, 370]);
    }

    #[tokio::test]
    async fn addresses_that_cannot_work_are_refused_with_a_reason() {
        let error = async |url: &str| {
            let options = HadoopOptions { url: url.to_owned(), ..HadoopOptions::default() };
            HadoopStorage::connect(options).await.err().map(|error| error.to_string())
        };
        assert_eq!(
            error("s3://bucket").await.unwrap(),
            "cannot use 's3://bucket' as HDFS address: file systems of type 's3' are not supported, only hdfs and viewfs"
        );
        assert!(error("localhost:9000").await.unwrap().contains("not of the form hdfs://host:port"));
        assert!(
            error("hdfs://no-such-host.invalid:9000")
                .await
                .unwrap()
                .contains("cannot find the NameNode 'no-such-host.invalid:9000'")
        );
        assert_eq!(error("hdfs://127.0.0.1:9000/").await, None);
        assert_eq!(error("hdfs://localhost").await, None);
    }
}
