//! What the sink needs of a file system, and what its failures mean to the sink.

pub mod hadoop;
pub mod hadoop_files;
#[cfg(test)]
pub mod memory;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::plugin::ConnectError;

pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// What a failed call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The call may work later. Whether it took effect this time is unknown.
    Retry,
    /// There is no such file, or its directory is missing.
    Gone,
    /// There is such a file already.
    Exists,
    /// Somebody else took the file that this side was writing.
    Fenced,
    /// Trying again cannot help.
    Fatal,
}

/// A failed call: what it means and a sentence that says what was attempted on what.
#[derive(Clone, Debug)]
pub struct StorageError {
    pub failure: Failure,
    pub message: String,
}

impl StorageError {
    pub fn new(failure: Failure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into() }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StorageError {}

impl From<StorageError> for ConnectError {
    fn from(error: StorageError) -> Self {
        match error.failure {
            Failure::Fatal | Failure::Exists => Self::fatal(error.message),
            Failure::Retry | Failure::Gone | Failure::Fenced => Self::retriable(error.message),
        }
    }
}

/// A file found by a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    pub path: String,
    pub length: u64,
}

/// A file system with leases: a file has at most one writer, and its bytes are certain only after `sync` or `close`.
/// Every call has a time limit. Paths are plain (`/a/b`), without scheme and authority.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Creates a file and its directories. `Exists` if there is one.
    async fn create(&self, path: &str) -> Result<Box<dyn StorageFile>>;
    /// Ends whatever writer the file has. True once it is closed and its length is final; call again while it is false.
    async fn recover_lease(&self, path: &str) -> Result<bool>;
    /// Reads a closed file from its start, at most `limit` bytes of it.
    async fn read(&self, path: &str, limit: Option<usize>) -> Result<Bytes>;
    /// Moves a file. `Exists` if the target exists, `Gone` if the source or the target's directory does not.
    async fn rename(&self, from: &str, to: &str) -> Result<()>;
    /// Moves a file over another one, in one step.
    async fn replace(&self, from: &str, to: &str) -> Result<()>;
    /// Makes a directory with its parents; it may exist.
    async fn make_directory(&self, path: &str) -> Result<()>;
    /// Deletes a file; false if there was none.
    async fn delete(&self, path: &str) -> Result<bool>;
    /// The length of a closed file, or nothing if there is no such file.
    async fn length(&self, path: &str) -> Result<Option<u64>>;
    /// All files below a directory at any depth; none if the directory does not exist.
    async fn list(&self, directory: &str) -> Result<Vec<FoundFile>>;
}

/// A file being written. Dropping it unclosed equals a crash: bytes since the last `sync` may be lost.
#[async_trait]
pub trait StorageFile: Send + Sync {
    async fn write(&mut self, bytes: Bytes) -> Result<()>;
    /// Returns when everything written so far survives a crash of this process.
    async fn sync(&mut self) -> Result<()>;
    /// Returns when the file is whole and closed. After an error it is unknown whether it is.
    async fn close(&mut self) -> Result<()>;
}
