//! The contracts a plugin implements; no implementation lives here.

pub mod connector;
pub mod converter;
pub mod error;
pub mod registry;
pub mod sink_task;
pub mod source_task;
pub mod transform;

pub use connector::{Connector, OffsetChange, SinkConnector, SourceConnector};
pub use converter::{ConvertError, Converter, Encoded, HeaderConverter, SchemaLookup};
pub use error::{ConnectError, ErrorKind, Result};
pub use registry::Registry;
pub use sink_task::{ErrantRecordReporter, NewSinkOffsets, SinkOffsets, SinkTask, SinkTaskContext};
pub use source_task::{NewSourceOffsets, OffsetReader, SourceTask, SourceTaskContext};
pub use transform::{Predicate, Transform};
