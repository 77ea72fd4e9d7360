//! What a file format is to the sink: it turns values into the bytes of one file, and finds the schema of a written one.
//!
//! A new format is one file here and one arm in `of_class`.

pub mod avro;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::config::{FormatClass, HdfsSinkConfig};
use super::storage::{self, Storage};
use crate::data::{Schema, Value};
use crate::plugin::{ConnectError, Result};

/// Makes the writers of one format. Shared by all files of a task.
#[async_trait]
pub trait FileFormat: Send + Sync {
    /// With the dot.
    fn extension(&self) -> &'static str;
    /// Starts a file for values of this schema.
    fn start(&self, schema: Option<&Arc<Schema>>) -> Result<Box<dyn FormatWriter>>;
    /// The schema of the values in a committed file; nothing if the format keeps none or the file is not of this format.
    async fn stored_schema(&self, storage: &dyn Storage, path: &str) -> storage::Result<Option<StoredSchema>>;
    /// The schema as files of this format hold it.
    fn schema_text(&self, schema: &Arc<Schema>) -> Result<String>;
}

/// The schema of a committed file.
#[derive(Clone, Debug)]
pub struct StoredSchema {
    /// As the file holds it.
    pub text: String,
    pub schema: Arc<Schema>,
}

/// Encodes the values of one file. Finished bytes wait in it until they are taken.
pub trait FormatWriter: Send + Sync {
    /// # Errors
    /// `BadRecord` if the value does not fit the schema; the file is as it was before.
    fn append(&mut self, value: &Value) -> Result<()>;
    fn ready_bytes(&self) -> usize;
    fn take(&mut self) -> Bytes;
    /// Ends the file and returns its last bytes.
    fn finish(self: Box<Self>) -> Result<Bytes>;
}

/// The format that the settings name.
pub fn of_class(config: &HdfsSinkConfig) -> Result<Arc<dyn FileFormat>> {
    match config.format {
        FormatClass::Avro => Ok(Arc::new(avro::AvroFormat::new(&config.avro)?)),
        other => Err(ConnectError::config(format!("files of the format {other:?} are not available yet; use AvroFormat"))),
    }
}
