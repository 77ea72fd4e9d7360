//! Lists every plugin that this binary offers.

use std::sync::Arc;

use crate::connectors::hdfs::{Hdfs3SinkConnector, HdfsSinkConnector};
use crate::connectors::mysql::{MariaDbConnector, MySqlConnector};
use crate::plugin::Registry;
use crate::plugin::registry::ConnectorPlugin;
use crate::{converters, transforms};

pub fn registry() -> Registry {
    Registry {
        connectors: vec![
            ConnectorPlugin::Sink(Arc::new(HdfsSinkConnector)),
            ConnectorPlugin::Sink(Arc::new(Hdfs3SinkConnector)),
            ConnectorPlugin::Source(Arc::new(MariaDbConnector)),
            ConnectorPlugin::Source(Arc::new(MySqlConnector)),
        ],
        converters: converters::all(),
        header_converters: converters::all_header_converters(),
        transforms: transforms::all(),
        predicates: transforms::all_predicates(),
    }
}
