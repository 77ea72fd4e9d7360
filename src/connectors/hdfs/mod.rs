//! Writes topics to files on HDFS and registers them as Hive tables.
//!
//! Every record is in exactly one committed file, whenever the task, the worker, HDFS or the metastore stop: see `commit`.
//! Two class names, for users of the connectors of HDFS 2 and HDFS 3, share one implementation.

pub mod config;
pub mod task;
mod topic;

mod compatibility;
mod partition_writer;
mod partitioner;
mod projection;
mod rotation;

mod commit;
mod file_name;
mod scrap;
mod wal;

mod format;
pub mod storage;

pub mod hive;

#[cfg(test)]
mod behaviour_tests;
#[cfg(test)]
mod exactly_once_tests;

use async_trait::async_trait;

use crate::config::{ConfigDef, ConfigMap, ConfigReport};
use crate::plugin::{Connector, Result, SinkConnector, SinkTask, SinkTaskContext};
use config::HdfsSinkConfig;
use task::HdfsSinkTask;

/// `io.confluent.connect.hdfs.HdfsSinkConnector`.
pub struct HdfsSinkConnector;

/// `io.confluent.connect.hdfs3.Hdfs3SinkConnector`.
pub struct Hdfs3SinkConnector;

/// Versions of the Java connectors whose behaviour this is.
const HDFS2_VERSION: &str = "10.2.17";
const HDFS3_VERSION: &str = "3.0.15";

#[async_trait]
impl Connector for HdfsSinkConnector {
    fn class(&self) -> &'static str {
        "io.confluent.connect.hdfs.HdfsSinkConnector"
    }

    fn version(&self) -> &'static str {
        HDFS2_VERSION
    }

    fn task_class(&self) -> &'static str {
        "io.confluent.connect.hdfs.HdfsSinkTask"
    }

    fn config_def(&self) -> &'static ConfigDef {
        config::hdfs2_definition()
    }

    fn also_knows(&self, key: &str) -> bool {
        config::also_knows(key)
    }

    async fn validate(&self, config: &ConfigMap) -> ConfigReport {
        config::validate(self.config_def(), config)
    }

    async fn task_configs(&self, config: &ConfigMap, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        task_configs(self.config_def(), config, max_tasks)
    }
}

#[async_trait]
impl SinkConnector for HdfsSinkConnector {
    async fn start_task(&self, config: &ConfigMap, context: SinkTaskContext) -> Result<Box<dyn SinkTask>> {
        start_task(self.config_def(), config, context).await
    }
}

#[async_trait]
impl Connector for Hdfs3SinkConnector {
    fn class(&self) -> &'static str {
        "io.confluent.connect.hdfs3.Hdfs3SinkConnector"
    }

    fn version(&self) -> &'static str {
        HDFS3_VERSION
    }

    fn task_class(&self) -> &'static str {
        "io.confluent.connect.hdfs3.Hdfs3SinkTask"
    }

    fn config_def(&self) -> &'static ConfigDef {
        config::hdfs3_definition()
    }

    fn also_knows(&self, key: &str) -> bool {
        config::also_knows(key)
    }

    async fn validate(&self, config: &ConfigMap) -> ConfigReport {
        config::validate(self.config_def(), config)
    }

    async fn task_configs(&self, config: &ConfigMap, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        task_configs(self.config_def(), config, max_tasks)
    }
}

#[async_trait]
impl SinkConnector for Hdfs3SinkConnector {
    async fn start_task(&self, config: &ConfigMap, context: SinkTaskContext) -> Result<Box<dyn SinkTask>> {
        start_task(self.config_def(), config, context).await
    }
}

/// All tasks get the same settings; the partitions are spread by the consumer group.
fn task_configs(definition: &ConfigDef, config: &ConfigMap, max_tasks: usize) -> Result<Vec<ConfigMap>> {
    HdfsSinkConfig::parse(definition, config)?;
    Ok((0..max_tasks)
        .map(|task| {
            let mut config = config.clone();
            config.set("task.id", task.to_string());
            config
        })
        .collect())
}

async fn start_task(definition: &ConfigDef, config: &ConfigMap, context: SinkTaskContext) -> Result<Box<dyn SinkTask>> {
    for sentence in config::without_effect(config) {
        tracing::warn!("{sentence}");
    }
    let config = HdfsSinkConfig::parse(definition, config)?;
    Ok(Box::new(HdfsSinkTask::start(config, context).await?))
}
