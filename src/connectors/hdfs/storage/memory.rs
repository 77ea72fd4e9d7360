//! A file system in memory for tests, which fails or loses its client at any call one asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::{Failure, FoundFile, Result, Storage, StorageError, StorageFile};
use crate::connectors::hdfs::file_name::parent;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call has no effect and says so.
    Fail,
    /// The call has its effect, but the answer is lost.
    LoseAnswer,
    /// The client dies before the call.
    CrashBefore,
    /// The client dies after the call.
    CrashAfter,
    /// The client dies within the call: of what a sync or close makes durable, only the first half is.
    CrashWithin,
}

impl Fault {
    pub const ALL: [Self; 5] = [Self::Fail, Self::LoseAnswer, Self::CrashBefore, Self::CrashAfter, Self::CrashWithin];
}

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    writer: Option<u64>,
    /// A recovered lease takes a moment.
    recovering: bool,
}

#[derive(Default)]
struct Disk {
    files: BTreeMap<String, File>,
    directories: BTreeSet<String>,
    calls: usize,
    faults: BTreeMap<usize, Fault>,
    next_writer: u64,
    client: u64,
    slow_leases: bool,
    log: Vec<String>,
}

/// The file system, which survives its clients.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

impl MemoryDisk {
    /// A client. The one before it counts as dead from now on.
    pub fn client(&self) -> Arc<MemoryStorage> {
        let mut disk = self.0.lock();
        disk.client += 1;
        Arc::new(MemoryStorage { disk: self.0.clone(), client: disk.client, dies: true })
    }

    /// A client that goes on although there are others.
    pub fn zombie(&self) -> Arc<MemoryStorage> {
        Arc::new(MemoryStorage { disk: self.0.clone(), client: 0, dies: false })
    }

    /// Lets the call of this number go wrong; calls are counted from 0.
    pub fn fault(&self, call: usize, fault: Fault) {
        self.0.lock().faults.insert(call, fault);
    }

    /// Forgets the faults whose calls have not come.
    pub fn no_more_faults(&self) {
        self.0.lock().faults.clear();
    }

    /// Lets the recovery of a lease take two calls.
    pub fn slow_leases(&self) {
        self.0.lock().slow_leases = true;
    }

    pub fn calls(&self) -> usize {
        self.0.lock().calls
    }

    /// The calls so far, for messages.
    pub fn log(&self) -> Vec<String> {
        self.0.lock().log.clone()
    }

    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().files.iter().map(|(path, file)| (path.clone(), file.durable.clone())).collect()
    }

    pub fn write(&self, path: &str, bytes: Vec<u8>) {
        let mut disk = self.0.lock();
        disk.make_directories(parent(path));
        disk.files.insert(path.to_owned(), File { durable: bytes, ..File::default() });
    }

    pub fn remove(&self, path: &str) -> Option<Vec<u8>> {
        self.0.lock().files.remove(path).map(|file| file.durable)
    }
}

impl Disk {
    fn make_directories(&mut self, path: &str) {
        let mut path = path;
        while path != "/" {
            self.directories.insert(path.to_owned());
            path = parent(path);
        }
    }
}

pub struct MemoryStorage {
    disk: Arc<Mutex<Disk>>,
    client: u64,
    dies: bool,
}

fn dead() -> StorageError {
    StorageError::new(Failure::Fatal, "this client has crashed")
}

fn fail(failure: Failure, message: String) -> StorageError {
    StorageError::new(failure, message)
}

impl MemoryStorage {
    pub fn crashed(&self) -> bool {
        self.dies && self.disk.lock().client != self.client
    }

    /// Counts a call and lets it go wrong if it is its turn. `work` is told whether to do only half.
    fn call<T>(&self, what: String, work: impl FnOnce(&mut Disk, bool) -> Result<T>) -> Result<T> {
        let mut disk = self.disk.lock();
        if self.dies && disk.client != self.client {
            return Err(dead());
        }
        let call = disk.calls;
        disk.calls += 1;
        let fault = disk.faults.remove(&call);
        disk.log.push(format!("{call}: {what}{}", fault.map_or(String::new(), |fault| format!(" ({fault:?})"))));
        match fault {
            None => work(&mut disk, false),
            Some(Fault::Fail) => Err(fail(Failure::Retry, format!("{what}: told to fail"))),
            Some(Fault::LoseAnswer) => {
                work(&mut disk, false)?;
                Err(fail(Failure::Retry, format!("{what}: the answer is lost")))
            }
            Some(crash) => {
                if crash != Fault::CrashBefore {
                    // Nobody is there to hear the answer.
                    let _ = work(&mut disk, crash == Fault::CrashWithin);
                }
                disk.client += 1;
                Err(dead())
            }
        }
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn create(&self, path: &str) -> Result<Box<dyn StorageFile>> {
        let writer = self.call(format!("create {path}"), |disk, _| {
            if disk.files.contains_key(path) {
                return Err(fail(Failure::Exists, format!("{path} exists")));
            }
            disk.make_directories(parent(path));
            disk.next_writer += 1;
            let writer = disk.next_writer;
            disk.files.insert(path.to_owned(), File { writer: Some(writer), ..File::default() });
            Ok(writer)
        })?;
        let storage = Self { disk: self.disk.clone(), client: self.client, dies: self.dies };
        Ok(Box::new(MemoryFile { storage, path: path.to_owned(), writer, buffer: Vec::new() }))
    }

    async fn recover_lease(&self, path: &str) -> Result<bool> {
        self.call(format!("recover {path}"), |disk, _| {
            let file = disk.files.get_mut(path).ok_or_else(|| fail(Failure::Gone, format!("{path} is gone")))?;
            if file.writer.take().is_some() && disk.slow_leases {
                file.recovering = true;
                return Ok(false);
            }
            Ok(!std::mem::take(&mut file.recovering))
        })
    }

    async fn read(&self, path: &str, limit: Option<usize>) -> Result<Bytes> {
        self.call(format!("read {path}"), |disk, _| {
            let file = disk.files.get(path).ok_or_else(|| fail(Failure::Gone, format!("{path} is gone")))?;
            assert!(file.writer.is_none() && !file.recovering, "{path} is read while it is open");
            let length = limit.map_or(file.durable.len(), |limit| limit.min(file.durable.len()));
            Ok(Bytes::copy_from_slice(&file.durable[..length]))
        })
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.call(format!("rename {from} to {to}"), |disk, _| {
            if disk.files.contains_key(to) {
                return Err(fail(Failure::Exists, format!("{to} exists")));
            }
            if !disk.files.contains_key(from) || !disk.directories.contains(parent(to)) {
                return Err(fail(Failure::Gone, format!("{from} or the directory of {to} is gone")));
            }
            let file = disk.files.remove(from).unwrap();
            disk.files.insert(to.to_owned(), file);
            Ok(())
        })
    }

    async fn replace(&self, from: &str, to: &str) -> Result<()> {
        self.call(format!("replace {to} by {from}"), |disk, _| {
            let file = disk.files.remove(from).ok_or_else(|| fail(Failure::Gone, format!("{from} is gone")))?;
            disk.files.insert(to.to_owned(), file);
            Ok(())
        })
    }

    async fn make_directory(&self, path: &str) -> Result<()> {
        self.call(format!("make {path}"), |disk, _| {
            disk.make_directories(path);
            Ok(())
        })
    }

    async fn delete(&self, path: &str) -> Result<bool> {
        self.call(format!("delete {path}"), |disk, _| Ok(disk.files.remove(path).is_some()))
    }

    async fn length(&self, path: &str) -> Result<Option<u64>> {
        self.call(format!("length of {path}"), |disk, _| Ok(disk.files.get(path).map(|file| file.durable.len() as u64)))
    }

    async fn list(&self, directory: &str) -> Result<Vec<FoundFile>> {
        self.call(format!("list {directory}"), |disk, _| {
            let below = format!("{directory}/");
            let found = disk.files.iter().filter(|(path, _)| path.starts_with(&below));
            Ok(found.map(|(path, file)| FoundFile { path: path.clone(), length: file.durable.len() as u64 }).collect())
        })
    }
}

struct MemoryFile {
    storage: MemoryStorage,
    path: String,
    writer: u64,
    buffer: Vec<u8>,
}

impl MemoryFile {
    fn make_durable(&mut self, what: &str, close: bool) -> Result<()> {
        let Self { storage, path, writer, buffer } = self;
        let taken = std::mem::take(buffer);
        storage.call(format!("{what} {path}"), |disk, half| {
            // A moved file keeps its writer.
            let file = disk.files.values_mut().find(|file| file.writer == Some(*writer));
            let file = file.ok_or_else(|| fail(Failure::Fenced, format!("{path} was taken")))?;
            file.durable.extend_from_slice(if half { &taken[..taken.len() / 2] } else { &taken });
            if close && !half {
                file.writer = None;
            }
            Ok(())
        })
    }
}

#[async_trait]
impl StorageFile for MemoryFile {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let buffer = &mut self.buffer;
        self.storage.call(format!("write {} bytes to {}", bytes.len(), self.path), |_, _| {
            buffer.extend_from_slice(&bytes);
            Ok(())
        })
    }

    async fn sync(&mut self) -> Result<()> {
        self.make_durable("sync", false)
    }

    async fn close(&mut self) -> Result<()> {
        self.make_durable("close", true)
    }
}
