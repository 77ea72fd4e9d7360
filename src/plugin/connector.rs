//! What a connector class is to the runtime.

use async_trait::async_trait;

use super::error::Result;
use super::sink_task::{NewSinkOffsets, SinkTask, SinkTaskContext};
use super::source_task::{NewSourceOffsets, SourceTask, SourceTaskContext};
use crate::config::{ConfigDef, ConfigMap, ConfigReport};

/// What a connector says to offsets that a client wants to have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetChange {
    /// Nothing else has to be changed anywhere.
    Confirmed,
    /// The connector does not look at such changes, so it may keep a position elsewhere too.
    NotLookedAt,
}

/// A connector class. One stateless value serves every connector of that class.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// The Java class name clients send.
    fn class(&self) -> &'static str;
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
    /// The Java class name of the connector's task, which is part of the task configs in the config topic.
    fn task_class(&self) -> &'static str;
    fn config_def(&self) -> &'static ConfigDef;
    /// Whether a setting counts that is not in `config_def`: an old name, or one of a family of names.
    fn also_knows(&self, _key: &str) -> bool {
        false
    }
    /// Checks each key alone, keys against each other, and may ask the external system (with a time limit).
    async fn validate(&self, config: &ConfigMap) -> ConfigReport {
        self.config_def().validate(config)
    }
    /// Splits the work into at most `max_tasks` task configs.
    async fn task_configs(&self, config: &ConfigMap, max_tasks: usize) -> Result<Vec<ConfigMap>>;
    /// Resolves when the task configs should be computed again.
    async fn reconfiguration_needed(&self, _config: &ConfigMap) {
        std::future::pending().await
    }
}

#[async_trait]
pub trait SourceConnector: Connector {
    /// Returns a task that is ready to poll, or the reason why it cannot be. Work that may take long
    /// (recovery, connecting) belongs into the first poll or must give up in seconds.
    async fn start_task(&self, config: &ConfigMap, context: SourceTaskContext) -> Result<Box<dyn SourceTask>>;
    /// Asked before the offsets of a stopped connector are changed; to refuse is an error.
    async fn alter_offsets(&self, _config: &ConfigMap, _offsets: &NewSourceOffsets) -> Result<OffsetChange> {
        Ok(OffsetChange::NotLookedAt)
    }
}

#[async_trait]
pub trait SinkConnector: Connector {
    async fn start_task(&self, config: &ConfigMap, context: SinkTaskContext) -> Result<Box<dyn SinkTask>>;
    /// Asked before the offsets of a stopped connector's consumer group are changed; to refuse is an error.
    async fn alter_offsets(&self, _config: &ConfigMap, _offsets: &NewSinkOffsets) -> Result<OffsetChange> {
        Ok(OffsetChange::NotLookedAt)
    }
}
