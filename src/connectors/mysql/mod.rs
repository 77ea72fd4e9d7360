//! Reads MySQL and MariaDB: a consistent snapshot, then the binlog.
//!
//! Guarantee: every committed row change of a captured table is sent at least once, in the order of the binlog. After a
//! crash at most the batches that were in flight are sent again, or the whole snapshot if it was not complete.
//!
//! Limits: a row, and a compressed transaction (`binlog_transaction_compression`) as a whole once unpacked, must fit in
//! memory; all else is read in pieces. Rows that a server logs as statements are not seen, with a warning, as in Debezium.

pub mod binlog;
pub mod binlog_events;
pub mod binlog_rows;
pub mod binlog_stream;
pub mod capture;
pub mod catalog;
pub mod charset;
pub mod column_types;
pub mod config;
pub mod config_keys;
pub mod connection;
pub mod ddl;
pub mod defaults;
pub mod envelope;
pub mod filters;
pub mod gtid;
pub mod heartbeat;
pub mod old_keys;
pub mod options;
pub mod output;
pub mod position;
pub mod preflight;
pub mod reader;
pub mod schema_changes;
pub mod schema_history;
pub mod server;
pub mod snapshot;
pub mod table;
pub mod table_reader;
pub mod task;
pub mod tracker;

use async_trait::async_trait;

use self::options::ConnectorKind;
use self::task::MySqlSourceTask;
use crate::config::{ConfigDef, ConfigMap, ConfigReport};
use crate::plugin::{Connector, Result, SourceConnector, SourceTask, SourceTaskContext};

/// `io.debezium.connector.mysql.MySqlConnector`
pub struct MySqlConnector;

/// `io.debezium.connector.mariadb.MariaDbConnector`
pub struct MariaDbConnector;

async fn validate(kind: ConnectorKind, config: &ConfigMap) -> ConfigReport {
    let (mut report, parsed) = config::validate(kind, config);
    // As Debezium does: only settings that are right in themselves are tried on the server.
    if let Some(parsed) = parsed {
        preflight::validate(&parsed, &mut report).await;
    }
    report
}

/// One task reads one server, whatever `max_tasks` says.
fn task_configs(kind: ConnectorKind, config: &ConfigMap) -> Result<Vec<ConfigMap>> {
    config::MySqlConfig::parse(kind, config)?;
    Ok(vec![config.clone()])
}

#[async_trait]
impl Connector for MySqlConnector {
    fn class(&self) -> &'static str {
        "io.debezium.connector.mysql.MySqlConnector"
    }

    fn task_class(&self) -> &'static str {
        "io.debezium.connector.mysql.MySqlConnectorTask"
    }

    fn config_def(&self) -> &'static ConfigDef {
        config::definition(ConnectorKind::MySql)
    }

    fn also_knows(&self, key: &str) -> bool {
        config::knows(ConnectorKind::MySql, key)
    }

    async fn validate(&self, config: &ConfigMap) -> ConfigReport {
        validate(ConnectorKind::MySql, config).await
    }

    async fn task_configs(&self, config: &ConfigMap, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
        task_configs(ConnectorKind::MySql, config)
    }
}

#[async_trait]
impl SourceConnector for MySqlConnector {
    async fn start_task(&self, config: &ConfigMap, context: SourceTaskContext) -> Result<Box<dyn SourceTask>> {
        Ok(Box::new(MySqlSourceTask::start(ConnectorKind::MySql, config, &context).await?))
    }
}

#[async_trait]
impl Connector for MariaDbConnector {
    fn class(&self) -> &'static str {
        "io.debezium.connector.mariadb.MariaDbConnector"
    }

    fn task_class(&self) -> &'static str {
        "io.debezium.connector.mariadb.MariaDbConnectorTask"
    }

    fn config_def(&self) -> &'static ConfigDef {
        config::definition(ConnectorKind::MariaDb)
    }

    fn also_knows(&self, key: &str) -> bool {
        config::knows(ConnectorKind::MariaDb, key)
    }

    async fn validate(&self, config: &ConfigMap) -> ConfigReport {
        validate(ConnectorKind::MariaDb, config).await
    }

    async fn task_configs(&self, config: &ConfigMap, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
        task_configs(ConnectorKind::MariaDb, config)
    }
}

#[async_trait]
impl SourceConnector for MariaDbConnector {
    async fn start_task(&self, config: &ConfigMap, context: SourceTaskContext) -> Result<Box<dyn SourceTask>> {
        Ok(Box::new(MySqlSourceTask::start(ConnectorKind::MariaDb, config, &context).await?))
    }
}
