//! What a source task is to the runtime.

use std::sync::Arc;

use async_trait::async_trait;

use super::error::Result;
use crate::data::{SourceBatch, SourceOffset, SourcePartition};

#[async_trait]
pub trait SourceTask: Send {
    /// Waits for the next records. An empty batch is allowed (for example only a new position).
    ///
    /// # Cancel safety
    /// A dropped poll loses nothing: the half-built batch stays in the task.
    async fn poll(&mut self) -> Result<SourceBatch>;
    /// Told after these offsets are durable in the offset store.
    async fn committed(&mut self, _offsets: &[(SourcePartition, SourceOffset)]) -> Result<()> {
        Ok(())
    }
    async fn stop(self: Box<Self>) -> Result<()>;
}

/// Offsets to store, as a client sent them: it may have left out the partition, and `None` forgets an offset.
pub type NewSourceOffsets = Vec<(Option<SourcePartition>, Option<SourceOffset>)>;

/// Looks up offsets stored by earlier runs.
#[async_trait]
pub trait OffsetReader: Send + Sync {
    async fn offset(&self, partition: &SourcePartition) -> Result<Option<SourceOffset>>;
}

/// What a source task gets from the runtime.
#[derive(Clone)]
pub struct SourceTaskContext {
    pub connector: Arc<str>,
    pub task: usize,
    pub offsets: Arc<dyn OffsetReader>,
}
