//! Finds the temporary files that ended tasks left behind, and deletes them as soon as nobody can need them.
//!
//! A temporary file may belong to a task that does not know yet that it lost the partition. To have taken its log is not
//! enough: it takes the log back, and if nothing was committed meanwhile it commits its files. So a file is deleted only
//! after a commit that this writer began when it had seen the file, and decided. Then:
//! - Whoever had the file open finds that commit in the log before it can decide anything, and gives the file up.
//! - This writer's own files of that time were part of that commit, or were given up before.
//! - The records of the file are in the commits of this writer, now or soon: it reads on from where the log ended.
//!
//! A deletion that arrives late does no harm, because no name is used twice. Only names that bear the mark of this
//! partition's log are looked at. Those of Java, or of a connector with other logs, do not.
//!
//! Source: contracts/hdfs-sink.md, sections 11 (C1, C5, C6) and 13 (no. 11).

use std::sync::Arc;

use tokio::task::JoinSet;

use super::commit::delete_temps;
use super::storage::Storage;
use super::topic::Topic;
use crate::data::TopicPartition;

/// What ended tasks left of one partition. One look at an assignment; all work runs beside the writing.
#[derive(Default)]
pub struct Scrap {
    /// At most one look or deletion; both end with what is still to be deleted.
    work: JoinSet<Vec<String>>,
    /// Nobody needs these after the next commit.
    seen: Vec<String>,
}

impl Scrap {
    /// Looks for files.
    pub fn look(&mut self, topic: Arc<Topic>, partition: i32) {
        self.work.spawn(async move { topic.temps_of(partition).await });
    }

    /// Only tells of files: after a recovery in doubt they may be all that is left of their records.
    pub fn warn(&mut self, topic: Arc<Topic>, partition: TopicPartition) {
        self.work.spawn(async move {
            let found = topic.temps_of(partition.partition).await;
            if let Some(first) = found.first() {
                tracing::warn!(
                    "{partition} has lost its write-ahead log or committed files, and has {} temporary files, as {first}. They \
                     may hold records that no other file has: look into them now, because after the task's next start they \
                     are deleted",
                    found.len()
                );
            }
            Vec::new()
        });
    }

    /// Has to be told of each commit before it begins.
    pub fn commit_begins(&mut self) {
        if let Some(Ok(found)) = self.work.try_join_next() {
            self.seen = found;
        }
    }

    /// Has to be told of each commit that this writer decided and finished.
    pub fn commit_done(&mut self, storage: &Arc<dyn Storage>, partition: &TopicPartition) {
        let scrap = std::mem::take(&mut self.seen);
        if scrap.is_empty() {
            return;
        }
        tracing::info!("{partition}: deleting {} temporary files that ended tasks left behind", scrap.len());
        let storage = storage.clone();
        self.work.spawn(async move {
            delete_temps(&*storage, scrap).await;
            Vec::new()
        });
    }
}
