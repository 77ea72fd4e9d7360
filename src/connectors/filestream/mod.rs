//! Lines of a file to a topic and back: the smoke-test connectors of Apache Kafka.
//!
//! Source: contracts/connect-runtime.md, section 12. Unlike Java's, positions count bytes, so resuming after text that is
//! not ASCII is right. After a crash the source sends again what it sent since its last commit; the sink appends again
//! what it wrote since then.

mod lines;
mod offset_check;
mod sink;
mod source;

use async_trait::async_trait;

use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator};
use crate::plugin::{
    ConnectError, Connector, NewSinkOffsets, NewSourceOffsets, OffsetChange, Result, SinkConnector, SinkTask, SinkTaskContext,
    SourceConnector, SourceTask, SourceTaskContext,
};

pub struct FileStreamSourceConnector;

pub struct FileStreamSinkConnector;

static SOURCE: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new("file", ConfigType::String, Default::Null, Importance::High, "File to read; absent: standard input."),
        ConfigKey::new("topic", ConfigType::String, Default::Required, Importance::High, "Topic that the lines go to.")
            .validator(Validator::NonEmpty),
        ConfigKey::new("batch.size", ConfigType::Int, Default::Text("2000"), Importance::Low, "Most lines of one poll.")
            .validator(Validator::AtLeast(1)),
    ],
};

static SINK: ConfigDef = ConfigDef {
    keys: &[ConfigKey::new(
        "file",
        ConfigType::String,
        Default::Null,
        Importance::High,
        "File to append to; absent: standard output.",
    )],
};

/// A path that was given, as Connect reads it: an empty one counts as absent nowhere but here.
fn file_of(config: &ConfigMap) -> Option<&str> {
    config.get("file").map(str::trim).filter(|path| !path.is_empty())
}

#[async_trait]
impl Connector for FileStreamSourceConnector {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSourceConnector"
    }

    fn task_class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSourceTask"
    }

    fn config_def(&self) -> &'static ConfigDef {
        &SOURCE
    }

    /// One file is read by one task.
    async fn task_configs(&self, config: &ConfigMap, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![config.clone()])
    }
}

#[async_trait]
impl SourceConnector for FileStreamSourceConnector {
    async fn start_task(&self, config: &ConfigMap, context: SourceTaskContext) -> Result<Box<dyn SourceTask>> {
        let parsed = SOURCE.parse(config)?;
        let topic = parsed.text("topic").unwrap_or_default().into();
        let batch_size = parsed.integer("batch.size").and_then(|size| usize::try_from(size).ok()).unwrap_or(1);
        Ok(Box::new(source::Task::start(file_of(config), topic, batch_size, &context).await?))
    }

    async fn alter_offsets(&self, config: &ConfigMap, offsets: &NewSourceOffsets) -> Result<OffsetChange> {
        offset_check::check(file_of(config), offsets).map(|()| OffsetChange::Confirmed)
    }
}

#[async_trait]
impl Connector for FileStreamSinkConnector {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSinkConnector"
    }

    fn task_class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSinkTask"
    }

    fn config_def(&self) -> &'static ConfigDef {
        &SINK
    }

    /// All tasks append to the same file, a line at a time.
    async fn task_configs(&self, config: &ConfigMap, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![config.clone(); max_tasks])
    }
}

#[async_trait]
impl SinkConnector for FileStreamSinkConnector {
    async fn start_task(&self, config: &ConfigMap, _context: SinkTaskContext) -> Result<Box<dyn SinkTask>> {
        Ok(Box::new(sink::Task::start(file_of(config)).await?))
    }

    /// The consumer group is all there is.
    async fn alter_offsets(&self, _config: &ConfigMap, _offsets: &NewSinkOffsets) -> Result<OffsetChange> {
        Ok(OffsetChange::Confirmed)
    }
}

fn file_error(what: &str, path: &str, error: std::io::Error) -> ConnectError {
    ConnectError::fatal(format!("cannot {what} file '{path}'")).caused_by(error)
}
