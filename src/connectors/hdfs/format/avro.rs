//! Avro container files.
//!
//! Source: contracts/hdfs-sink.md, sections 9.1 and 9.2.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::{FileFormat, FormatWriter, StoredSchema};
use crate::codec::CodecError;
use crate::codec::avro::{AvroOptions, AvroSchema, Codec, ContainerHeader, ContainerWriter, Encoder, to_connect};
use crate::connectors::hdfs::config::AvroSettings;
use crate::connectors::hdfs::storage::{self, Storage};
use crate::data::{Schema, Value};
use crate::plugin::{ConnectError, ErrorKind, Result};

/// Schemas in use at the same time: a few topics, and old and new while a schema changes.
const ENCODERS: usize = 32;
/// Enough for most headers; a longer one is read by a second call.
const HEADER_GUESS: usize = 64 << 10;
const HEADER_LIMIT: usize = 16 << 20;

pub struct AvroFormat {
    codec: Codec,
    options: AvroOptions,
    /// The newest last.
    encoders: Mutex<Vec<(Option<Arc<Schema>>, Arc<Encoder>)>>,
}

impl AvroFormat {
    pub fn new(settings: &AvroSettings) -> Result<Self> {
        let codec = Codec::from_name(&settings.codec)
            .ok_or_else(|| ConnectError::config(format!("avro.codec '{}' is not available", settings.codec)))?;
        let options = AvroOptions {
            enhanced: settings.enhanced,
            connect_meta_data: settings.meta_data,
            allow_optional_map_keys: settings.optional_map_keys,
            ..AvroOptions::default()
        };
        Ok(Self { codec, options, encoders: Mutex::new(Vec::new()) })
    }

    fn encoder(&self, schema: Option<&Arc<Schema>>) -> Result<Arc<Encoder>> {
        let mut encoders = self.encoders.lock();
        let same = |known: &Option<Arc<Schema>>| match (known, schema) {
            (None, None) => true,
            (Some(known), Some(schema)) => Arc::ptr_eq(known, schema) || known == schema,
            _ => false,
        };
        if let Some((_, encoder)) = encoders.iter().find(|(known, _)| same(known)) {
            return Ok(encoder.clone());
        }
        let encoder = match schema {
            Some(schema) => Encoder::compile(schema, &self.options),
            None => Encoder::schemaless(),
        };
        let encoder = Arc::new(encoder.map_err(|error| cannot_express(schema, error))?);
        if encoders.len() == ENCODERS {
            encoders.remove(0);
        }
        encoders.push((schema.cloned(), encoder.clone()));
        Ok(encoder)
    }
}

impl AvroFormat {
    fn understand(&self, path: &str, text: String) -> Option<StoredSchema> {
        let schema = AvroSchema::parse(&text).and_then(|avro| to_connect::to_connect(&avro, &self.options));
        match schema {
            Ok(schema) => schema.map(|schema| StoredSchema { text, schema }),
            Err(error) => self.give_up(path, error),
        }
    }

    /// Without the schema of the last file, the first record decides, as for a new topic.
    fn give_up(&self, path: &str, reason: impl std::fmt::Display) -> Option<StoredSchema> {
        tracing::warn!("cannot read the schema of the committed file {path}: {reason}; the next record's schema counts");
        None
    }
}

fn cannot_express(schema: Option<&Arc<Schema>>, error: CodecError) -> ConnectError {
    let name = schema.and_then(|schema| schema.name.as_deref()).unwrap_or("(no name)");
    ConnectError::new(ErrorKind::Fatal, format!("cannot write records of the schema '{name}' to Avro files")).caused_by(error)
}

#[async_trait]
impl FileFormat for AvroFormat {
    fn extension(&self) -> &'static str {
        ".avro"
    }

    fn start(&self, schema: Option<&Arc<Schema>>) -> Result<Box<dyn FormatWriter>> {
        let encoder = self.encoder(schema)?;
        let container = ContainerWriter::new(encoder.schema_text(), self.codec, rand::random())
            .map_err(|error| cannot_express(schema, error))?;
        Ok(Box::new(AvroWriter { encoder, container }))
    }

    async fn stored_schema(&self, storage: &dyn Storage, path: &str) -> storage::Result<Option<StoredSchema>> {
        if !path.ends_with(self.extension()) {
            return Ok(None);
        }
        for limit in [HEADER_GUESS, HEADER_LIMIT] {
            let start = storage.read(path, Some(limit)).await?;
            match ContainerHeader::read(&start) {
                Ok(None) if start.len() == limit => {}
                Ok(Some(header)) => return Ok(self.understand(path, header.schema_text)),
                Ok(None) => return Ok(self.give_up(path, "the file is cut off")),
                Err(error) => return Ok(self.give_up(path, error)),
            }
        }
        Ok(self.give_up(path, "its header is too long"))
    }

    fn schema_text(&self, schema: &Arc<Schema>) -> Result<String> {
        Ok(self.encoder(Some(schema))?.schema_text().to_owned())
    }
}

struct AvroWriter {
    encoder: Arc<Encoder>,
    container: ContainerWriter,
}

impl FormatWriter for AvroWriter {
    fn append(&mut self, value: &Value) -> Result<()> {
        let encoder = &self.encoder;
        self.container
            .append(|out| encoder.encode(value, out))
            .map_err(|error| ConnectError::bad_record("cannot encode the record's value as Avro").caused_by(error))
    }

    fn ready_bytes(&self) -> usize {
        self.container.ready_bytes()
    }

    fn take(&mut self) -> Bytes {
        self.container.take()
    }

    fn finish(self: Box<Self>) -> Result<Bytes> {
        self.container.finish().map_err(|error| ConnectError::fatal("cannot end an Avro file").caused_by(error))
    }
}
