//! Lists every plugin that this binary offers.

use std::sync::Arc;

use crate::connectors::filestream::{FileStreamSinkConnector, FileStreamSourceConnector};
use crate::connectors::hdfs::{Hdfs3SinkConnector, HdfsSinkConnector};
use crate::connectors::mysql::{MariaDbConnector, MySqlConnector};
use crate::plugin::Registry;
use crate::plugin::registry::ConnectorPlugin::{Sink, Source};
use crate::{converters, transforms};

/// One line for each connector; modules that offer several plugins of a kind list them themselves.
pub fn registry() -> Registry {
    Registry {
        connectors: vec![
            Source(Arc::new(MySqlConnector)),
            Source(Arc::new(MariaDbConnector)),
            Source(Arc::new(FileStreamSourceConnector)),
            Sink(Arc::new(HdfsSinkConnector)),
            Sink(Arc::new(Hdfs3SinkConnector)),
            Sink(Arc::new(FileStreamSinkConnector)),
        ],
        converters: converters::all(),
        header_converters: converters::all_header_converters(),
        transforms: transforms::all(),
        predicates: transforms::all_predicates(),
    }
}
