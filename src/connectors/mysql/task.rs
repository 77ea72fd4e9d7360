//! The source task: starts the reader and hands its batches to the runtime.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};

use super::capture::Capture;
use super::config::MySqlConfig;
use super::filters::TableFilter;
use super::options::ConnectorKind;
use super::output::{BATCHES_AHEAD, Output};
use super::position::{self, BinlogPosition};
use super::reader::Reader;
use super::schema_history::SchemaHistory;
use crate::config::ConfigMap;
use crate::data::SourceBatch;
use crate::plugin::{ConnectError, Result, SourceTask, SourceTaskContext};

/// A reader that does not end by itself in this time is aborted.
const STOP_LIMIT: Duration = Duration::from_secs(5);

pub struct MySqlSourceTask {
    /// Holds exactly the reader; dropping the task aborts it.
    reader: JoinSet<Result<()>>,
    batches: mpsc::Receiver<SourceBatch>,
    stop: CancellationToken,
}

impl MySqlSourceTask {
    /// Reads settings and stored offset and starts reading in the background.
    ///
    /// # Errors
    /// `Config` for wrong settings; the offset store's errors.
    pub async fn start(kind: ConnectorKind, config: &ConfigMap, context: &SourceTaskContext) -> Result<Self> {
        let config = Arc::new(MySqlConfig::parse(kind, config)?);
        for (key, instead) in config.without_effect() {
            warn!(setting = key, "a setting is of no effect here: {instead}");
        }
        let filter = Arc::new(TableFilter::new(&config.filters)?);
        let options = config.event_options(&filter, context.task, uuid::Uuid::new_v4().to_string());
        let history = SchemaHistory::from_config(&config.settings)?;
        let partition = position::source_partition(&config.logical_name);
        let stored = context.offsets.offset(&partition).await?;
        let stored = stored.map(|offset| BinlogPosition::from_offset(&offset)).transpose()?;

        let stop = CancellationToken::new();
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let output = Output::new(sender, &config.logical_name, config.profile, config.max_batch_size);
        let capture = Capture::new(config.clone(), filter, options, history);
        let reader = Reader { config, capture, output, stored, stop: stop.clone() };
        let span = info_span!("mysql", connector = &*context.connector);
        let mut tasks = JoinSet::new();
        tasks.spawn(Box::pin(reader.run()).instrument(span));
        Ok(Self { reader: tasks, batches, stop })
    }
}

#[async_trait]
impl SourceTask for MySqlSourceTask {
    async fn poll(&mut self) -> Result<SourceBatch> {
        // Receiving takes a batch or nothing, and joining leaves the reader where it is: both are cancel safe.
        if let Some(batch) = self.batches.recv().await {
            return Ok(batch);
        }
        match self.reader.join_next().await {
            Some(Ok(Ok(()))) | None => std::future::pending().await,
            Some(Ok(Err(error))) => Err(error),
            Some(Err(error)) => Err(ConnectError::fatal("the reader of the database broke down").caused_by(error)),
        }
    }

    async fn stop(mut self: Box<Self>) -> Result<()> {
        self.stop.cancel();
        // A reader that waits to hand over a batch must see that nobody takes it.
        self.batches.close();
        if tokio::time::timeout(STOP_LIMIT, self.reader.join_next()).await.is_err() {
            warn!("the reader of the database did not end in time and is aborted");
            self.reader.shutdown().await;
        }
        Ok(())
    }
}
