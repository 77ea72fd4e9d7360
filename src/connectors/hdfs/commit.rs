//! Moves the files of one topic partition to their final names, exactly once whatever fails in between, and finds out
//! after a failure how far that came.
//!
//! A commit goes through three steps: all files are closed; a block that names them is durable in the write-ahead log;
//! every file has its final name. The block is the decision: before it, the files are scrap and their records are read
//! again; from then on they count, and whoever recovers the partition finishes the renames.
//!
//! Only one writer at a time can hold the log. Recovery takes it from whoever had it, so that a task that lost its
//! partition cannot decide anything any more.
//!
//! Source: contracts/hdfs-sink.md, sections 4, 5 and 11.

use std::sync::Arc;
use std::time::Duration;

use ahash::AHashSet;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use super::file_name::{OffsetRange, TopicPaths, committed_range, hdfs_path, parent};
use super::format::FormatWriter;
use super::storage::{Failure, FoundFile, Result, Storage, StorageError, StorageFile};
use super::wal::{Entry, Log, LogEncoder, LogEnd};
use crate::data::TopicPartition;

/// Calls of one commit or recovery that run at the same time.
const CONCURRENT_CALLS: usize = 32;
/// A DataNode needs a few heartbeats to recover the last block of a log.
const LEASE_WAIT: Duration = Duration::from_secs(20);
const LEASE_POLL: Duration = Duration::from_millis(200);
/// Above this, the log moves aside after a commit. Java lets it grow until the next start.
const LOG_LIMIT: usize = 1 << 20;
/// Directories remembered as made.
const KNOWN_DIRECTORIES: usize = 10_000;

/// What stays the same for a topic partition.
pub struct PartitionFiles {
    pub partition: TopicPartition,
    pub paths: Arc<TopicPaths>,
    pub pad_width: usize,
    pub extension: &'static str,
}

/// A temporary file that takes records.
pub struct OpenFile {
    pub encoded_partition: Arc<str>,
    /// The full URL, as the log will name it.
    pub temp: String,
    pub format: Box<dyn FormatWriter>,
    pub file: Box<dyn StorageFile>,
    pub range: OffsetRange,
}

/// How far a commit has come.
pub enum Commit {
    Close(Vec<OpenFile>),
    Log(Vec<Entry>),
    Rename(Vec<Entry>),
}

/// Why a commit stopped.
#[derive(Debug)]
pub enum CommitError {
    /// The files are scrap: their records have to be read again.
    Discard(StorageError),
    /// The commit goes on where it stopped when it is run again.
    Retry(StorageError),
    /// Somebody else committed this partition, or committed files are lost: reading goes on at this offset.
    Elsewhere(Recovery),
    Fatal(StorageError),
}

impl From<StorageError> for CommitError {
    fn from(error: StorageError) -> Self {
        match error.failure {
            Failure::Fatal | Failure::Exists => Self::Fatal(error),
            Failure::Retry | Failure::Gone | Failure::Fenced => Self::Retry(error),
        }
    }
}

/// What recovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Where reading goes on; nothing if no trace of this partition was found.
    pub next_offset: Option<i64>,
    /// The committed file with the greatest offset, if recovery came across it.
    pub newest_file: Option<String>,
    /// Whether the log, or files that it names, are lost. Then a commit may be half done without anybody knowing.
    pub doubtful: bool,
}

/// The committed files of a topic, listed at most once and shared by the topic's partitions.
pub type TopicListing = Arc<OnceCell<Vec<FoundFile>>>;

/// Commits one topic partition. Owns its write-ahead log.
pub struct Committer {
    storage: Arc<dyn Storage>,
    files: Arc<PartitionFiles>,
    log: Option<OpenLog>,
    /// The offset after the last commit.
    committed: Option<i64>,
    known_directories: AHashSet<String>,
}

struct OpenLog {
    file: Box<dyn StorageFile>,
    encoder: LogEncoder,
}

/// Where a file of a block was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    AtTarget,
    Nowhere,
}

impl Committer {
    pub fn new(storage: Arc<dyn Storage>, files: Arc<PartitionFiles>) -> Self {
        Self { storage, files, log: None, committed: None, known_directories: AHashSet::new() }
    }

    /// Runs a commit to its end, from wherever it stopped the last time, and returns the files' final names.
    pub async fn run(&mut self, commit: &mut Commit) -> Result<Vec<Entry>, CommitError> {
        loop {
            match commit {
                Commit::Close(files) => {
                    let entries = self.close(std::mem::take(files)).await.map_err(CommitError::Discard)?;
                    *commit = Commit::Log(entries);
                }
                Commit::Log(entries) => {
                    let entries = entries.clone();
                    if self.decide(&entries).await? {
                        *commit = Commit::Rename(entries);
                    } else {
                        return Ok(entries);
                    }
                }
                Commit::Rename(entries) => {
                    let entries = entries.clone();
                    self.rename_all(&entries).await?;
                    self.committed = self.end_of(&entries).map(|end| end + 1);
                    self.finish_log().await;
                    return Ok(entries);
                }
            }
        }
    }

    /// Ends and closes all files. After an error none of them counts.
    async fn close(&self, files: Vec<OpenFile>) -> Result<Vec<Entry>> {
        let temps: Vec<_> = files.iter().map(|file| hdfs_path(&file.temp)).collect();
        let closings: Vec<_> = files.into_iter().map(|file| self.close_one(file)).collect();
        let closed: Result<Vec<Entry>> = stream::iter(closings).buffered(CONCURRENT_CALLS).try_collect().await;
        if closed.is_err() {
            delete_temps(&*self.storage, temps).await;
        }
        closed
    }

    async fn close_one(&self, file: OpenFile) -> Result<Entry> {
        let OpenFile { encoded_partition, temp, format, file: mut out, range } = file;
        let last = format.finish().map_err(|error| StorageError::new(Failure::Fatal, error.trace()))?;
        out.write(last).await?;
        out.close().await?;
        let PartitionFiles { partition, paths, pad_width, extension } = &*self.files;
        let target = paths.final_file(&encoded_partition, partition.partition, range, *pad_width, extension);
        Ok(Entry { temp, target })
    }

    /// Makes a block durable in the log. False if recovery had to step in, found the block there and finished it.
    async fn decide(&mut self, entries: &[Entry]) -> Result<bool, CommitError> {
        if self.log.is_none() {
            // The log was lost at an unknown point, perhaps just after this block.
            let before = self.committed;
            let recovery = self.recover(None).await?;
            let after = self.end_of(entries).map(|end| end + 1);
            if recovery.next_offset == after {
                return Ok(false);
            }
            if recovery.next_offset != before {
                return Err(CommitError::Elsewhere(recovery));
            }
        }
        let Some(log) = &mut self.log else {
            return Err(CommitError::Retry(StorageError::new(Failure::Retry, "the write-ahead log is not open")));
        };
        let block = log.encoder.block(entries);
        let appended = match log.file.write(block.into()).await {
            Ok(()) => log.file.sync().await,
            Err(error) => Err(error),
        };
        if let Err(error) = appended {
            self.log = None;
            return Err(CommitError::Retry(error));
        }
        Ok(true)
    }

    async fn rename_all(&mut self, entries: &[Entry]) -> Result<(), CommitError> {
        let places = self.move_all(entries).await?;
        if places.contains(&Place::Nowhere) {
            // Recovery knows what to do about lost files.
            return Err(CommitError::Elsewhere(self.recover(None).await?));
        }
        Ok(())
    }

    /// Notes in the log that the last block is done. Not needed for correctness, so a failure only costs the log.
    async fn finish_log(&mut self) {
        let Some(log) = &mut self.log else { return };
        let marker = log.encoder.block(&[]);
        let mut noted = log.file.write(marker.into()).await;
        if noted.is_ok() {
            noted = log.file.sync().await;
        }
        if noted.is_ok() && log.encoder.position() > LOG_LIMIT {
            noted = log.file.close().await;
            self.log = None;
            if noted.is_ok() {
                noted = self.retire_log(true).await;
            }
            if noted.is_ok() {
                noted = self.create_log(&[]).await;
            }
        }
        if let Err(error) = noted {
            tracing::debug!("the write-ahead log of {} has to be recovered at the next commit: {error}", self.files.partition);
            self.log = None;
        }
    }

    /// Takes over the partition: fences whoever wrote to its log, finishes what is decided there, and starts a new log.
    /// Can be repeated after any failure.
    pub async fn recover(&mut self, listing: Option<&TopicListing>) -> Result<Recovery> {
        self.log = None;
        let partition = self.files.partition.partition;
        let log_path = hdfs_path(&self.files.paths.log(partition));
        let old_log_path = hdfs_path(&self.files.paths.old_log(partition));

        let log = self.read_log(&log_path).await?;
        let mut found = match &log {
            Some(log) => self.apply(log).await?,
            None => Found::default(),
        };
        let has_commit = found.end.is_some();
        if !has_commit && let Some(old) = self.read_log(&old_log_path).await? {
            found = self.apply(&old).await?;
        }
        let corrupt = log.as_ref().is_some_and(|log| matches!(log.end, LogEnd::Corrupt(_)));
        let mut recovery =
            Recovery { next_offset: found.end.map(|end| end + 1), newest_file: found.newest_file, doubtful: corrupt };
        if found.end.is_none() || corrupt {
            let newest = self.newest_in_listing(listing).await?;
            if let Some((range, path)) = newest
                && recovery.next_offset.is_none_or(|offset| offset <= range.end)
            {
                recovery = Recovery { next_offset: Some(range.end + 1), newest_file: Some(path), doubtful: true };
            }
        }
        let mut block = Vec::new();
        if let Some(lost) = found.lost_from {
            tracing::error!(
                "the write-ahead log of {} names files that are neither under their temporary nor under their final name; \
                 their records are read again from offset {lost}",
                self.files.partition
            );
            recovery.next_offset = Some(lost);
            recovery.doubtful = true;
            block.extend(self.placeholder(lost));
        }
        if log.is_some() {
            self.retire_log(has_commit).await?;
        }
        self.create_log(&block).await?;
        self.committed = recovery.next_offset;
        Ok(recovery)
    }

    /// Reads a log that nobody writes any more. Nothing if there is none.
    async fn read_log(&self, path: &str) -> Result<Option<Log>> {
        if self.storage.length(path).await?.is_none() {
            return Ok(None);
        }
        let deadline = Instant::now() + LEASE_WAIT;
        loop {
            match self.storage.recover_lease(path).await {
                Ok(true) => break,
                Ok(false) if Instant::now() < deadline => sleep(LEASE_POLL).await,
                Ok(false) => {
                    return Err(StorageError::new(
                        Failure::Retry,
                        format!("HDFS is still recovering {path}, which an ended task had open"),
                    ));
                }
                Err(error) if error.failure == Failure::Gone => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let log = match self.storage.read(path, None).await {
            Ok(bytes) => Log::read(&bytes),
            Err(error) if error.failure == Failure::Gone => return Ok(None),
            Err(error) => return Err(error),
        };
        if let LogEnd::Corrupt(reason) = &log.end {
            tracing::error!("the write-ahead log {path} is damaged: {reason}; what comes before counts, and the committed files");
        }
        Ok(Some(log))
    }

    /// Finishes the commits that a log decided.
    async fn apply(&mut self, log: &Log) -> Result<Found> {
        let mut found = Found::default();
        let last = log.last_commit();
        // Java repeats a block that failed halfway without the files it had already named: they belong to the next block.
        let mut carried: Vec<Entry> = Vec::new();
        for (index, block) in log.blocks.iter().enumerate() {
            if !block.ended {
                carried.extend(block.entries.iter().cloned());
                continue;
            }
            let is_last = Some(index) == last;
            if log.is_done(index) {
                if is_last {
                    found.end = self.end_of(&block.entries);
                }
                carried.clear();
                continue;
            }
            let own = self.move_all(&block.entries).await?;
            let others = self.move_all(&carried).await?;
            if is_last {
                let ranged = |entry: &Entry| self.range_of(entry);
                let own = || block.entries.iter().zip(&own);
                let moved = carried.iter().zip(&others).chain(own()).filter(|(_, place)| **place == Place::AtTarget);
                let newest = moved.filter_map(|(entry, _)| Some((ranged(entry)?.end, entry))).max_by_key(|(end, _)| *end);
                let lost = own().filter(|(_, place)| **place == Place::Nowhere);
                found.lost_from = lost.filter_map(|(entry, _)| Some(ranged(entry)?.start)).min();
                found.newest_file = newest.map(|(_, entry)| hdfs_path(&entry.target));
                found.end = newest.map(|(end, _)| end).max(self.end_of(&block.entries));
            }
            carried.clear();
        }
        Ok(found)
    }

    async fn move_all(&mut self, entries: &[Entry]) -> Result<Vec<Place>> {
        let directories: AHashSet<_> = entries
            .iter()
            .map(|entry| parent(&hdfs_path(&entry.target)).to_owned())
            .filter(|directory| !self.known_directories.contains(directory))
            .collect();
        let makings: Vec<_> = directories.iter().map(|directory| self.storage.make_directory(directory)).collect();
        stream::iter(makings).buffer_unordered(CONCURRENT_CALLS).try_collect::<()>().await?;
        if self.known_directories.len() + directories.len() > KNOWN_DIRECTORIES {
            self.known_directories.clear();
        }
        self.known_directories.extend(directories);
        let moves: Vec<_> = entries.iter().map(|entry| self.move_one(entry)).collect();
        let places: Result<Vec<Place>> = stream::iter(moves).buffered(CONCURRENT_CALLS).try_collect().await;
        if !places.as_ref().is_ok_and(|places| places.iter().all(|place| *place == Place::AtTarget)) {
            // A directory may have been removed from outside.
            self.known_directories.clear();
        }
        places
    }

    /// Brings a file to its final name, whatever an earlier try did.
    async fn move_one(&self, entry: &Entry) -> Result<Place> {
        let (temp, target) = (hdfs_path(&entry.temp), hdfs_path(&entry.target));
        if temp == target {
            return Ok(Place::AtTarget);
        }
        match self.storage.rename(&temp, &target).await {
            Ok(()) => Ok(Place::AtTarget),
            Err(error) if error.failure == Failure::Gone => {
                let exists = self.storage.length(&target).await?.is_some();
                if !exists && self.storage.length(&temp).await?.is_some() {
                    // The target's directory was removed; the next try makes it.
                    return Err(StorageError::new(Failure::Retry, error.message));
                }
                Ok(if exists { Place::AtTarget } else { Place::Nowhere })
            }
            Err(error) if error.failure == Failure::Exists => {
                let lengths = (self.storage.length(&temp).await?, self.storage.length(&target).await?);
                match lengths {
                    (None, Some(_)) => Ok(Place::AtTarget),
                    (Some(new), Some(old)) if new == old => {
                        tracing::warn!("{target} exists already with the same length; the new file {temp} is dropped");
                        self.storage.delete(&temp).await?;
                        Ok(Place::AtTarget)
                    }
                    (Some(new), Some(old)) => Err(StorageError::new(
                        Failure::Fatal,
                        format!(
                            "cannot commit {temp} as {target}: a file of that name exists with {old} bytes instead of {new}. \
                             If the topic was deleted and made again, move its old files and logs away and restart the task"
                        ),
                    )),
                    _ => Err(StorageError::new(Failure::Retry, error.message)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Moves the log aside, or deletes it if it decides nothing that the older log does not say.
    async fn retire_log(&self, keep: bool) -> Result<()> {
        let partition = self.files.partition.partition;
        let log = hdfs_path(&self.files.paths.log(partition));
        let retired = if keep {
            self.storage.replace(&log, &hdfs_path(&self.files.paths.old_log(partition))).await
        } else {
            self.storage.delete(&log).await.map(|_| ())
        };
        match retired {
            // An earlier try did it.
            Err(error) if error.failure == Failure::Gone => Ok(()),
            other => other,
        }
    }

    /// Starts a log, with a block if one is given, and holds it from now on.
    async fn create_log(&mut self, block: &[Entry]) -> Result<()> {
        let path = hdfs_path(&self.files.paths.log(self.files.partition.partition));
        let mut file = match self.storage.create(&path).await {
            // Made by another task, or by an earlier call whose answer was lost: recovery will tell.
            Err(error) if error.failure == Failure::Exists => return Err(StorageError::new(Failure::Retry, error.message)),
            other => other?,
        };
        let (mut encoder, mut bytes) = LogEncoder::start();
        if !block.is_empty() {
            bytes.extend(encoder.block(block));
            bytes.extend(encoder.block(&[]));
        }
        file.write(bytes.into()).await?;
        file.sync().await?;
        self.log = Some(OpenLog { file, encoder });
        Ok(())
    }

    /// An entry that moves nothing and says that the partition is committed up to an offset.
    fn placeholder(&self, next_offset: i64) -> Option<Entry> {
        let end = next_offset.checked_sub(1).filter(|end| *end >= 0)?;
        let PartitionFiles { partition, paths, pad_width, extension } = &*self.files;
        let name = paths.final_file("", partition.partition, OffsetRange { start: end, end }, *pad_width, extension);
        Some(Entry { temp: name.clone(), target: name })
    }

    async fn newest_in_listing(&self, listing: Option<&TopicListing>) -> Result<Option<(OffsetRange, String)>> {
        let fresh = TopicListing::default();
        let listing = listing.unwrap_or(&fresh);
        let directory = hdfs_path(&self.files.paths.topic_directory());
        let files = listing.get_or_try_init(|| self.storage.list(&directory)).await?;
        let ranges =
            files.iter().filter_map(|file| Some((committed_range(&file.path, &self.files.partition)?, file.path.clone())));
        Ok(ranges.max_by_key(|(range, _)| range.end))
    }

    /// The committed file with the greatest offset.
    pub async fn newest_file(&self, listing: Option<&TopicListing>) -> Result<Option<String>> {
        Ok(self.newest_in_listing(listing).await?.map(|(_, path)| path))
    }

    /// Gives the log up so that the next task finds it closed. Records not yet committed stay uncommitted.
    pub async fn close_log(&mut self) {
        if let Some(mut log) = self.log.take()
            && let Err(error) = log.file.close().await
        {
            tracing::debug!("left the write-ahead log of {} open: {error}", self.files.partition);
        }
    }

    fn range_of(&self, entry: &Entry) -> Option<OffsetRange> {
        committed_range(&entry.target, &self.files.partition)
    }

    fn end_of(&self, entries: &[Entry]) -> Option<i64> {
        entries.iter().filter_map(|entry| self.range_of(entry)).map(|range| range.end).max()
    }
}

/// What a log says after its commits were finished.
#[derive(Debug, Default)]
struct Found {
    end: Option<i64>,
    newest_file: Option<String>,
    /// The first offset of files that are gone.
    lost_from: Option<i64>,
}

/// Deletes files that nobody needs; what remains is only garbage.
pub async fn delete_temps(storage: &dyn Storage, paths: Vec<String>) {
    let deletions: Vec<_> = paths.iter().map(|path| storage.delete(path)).collect();
    let results: Vec<_> = stream::iter(deletions).buffered(CONCURRENT_CALLS).collect().await;
    for (path, result) in paths.iter().zip(results) {
        if let Err(error) = result {
            tracing::debug!("left the temporary file {path}: {error}");
        }
    }
}
