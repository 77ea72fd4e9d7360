//! Reads a file line by line, waits at its end for more, and resumes where it was.

use std::io::SeekFrom;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde_json::{Map, Value as Json};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::file_error;
use super::lines::{LONGEST_LINE_BYTES, Lines};
use crate::data::{ConnectRecord, Headers, Schema, SchemaAndValue, SchemaKind, SourceBatch, SourcePartition, Value};
use crate::plugin::{ConnectError, Result, SourceTask, SourceTaskContext};

/// How long a poll waits for a file that is not there.
const MISSING_FILE_PAUSE: Duration = Duration::from_secs(1);
/// How long a poll waits at the end of the file.
const END_PAUSE: Duration = Duration::from_millis(100);
const CHUNK_BYTES: usize = 64 * 1024;

pub(super) struct Task {
    /// `None`: standard input, which has no positions.
    path: Option<String>,
    partition: SourcePartition,
    topic: Arc<str>,
    value_schema: Arc<Schema>,
    batch_size: usize,
    /// Where the next line begins.
    position: u64,
    file: Option<File>,
    lines: Lines,
    chunk: Vec<u8>,
    missing_logged: bool,
}

impl Task {
    pub(super) async fn start(
        path: Option<&str>,
        topic: Arc<str>,
        batch_size: usize,
        context: &SourceTaskContext,
    ) -> Result<Self> {
        let mut partition = Map::new();
        let mut position = 0;
        if let Some(path) = path {
            partition.insert("filename".to_owned(), path.into());
        }
        let partition = Arc::new(partition);
        if let Some(path) = path
            && let Some(offset) = context.offsets.offset(&partition).await?
            && let Some(stored) = offset.get("position").filter(|stored| !stored.is_null())
        {
            position = stored.as_u64().ok_or_else(|| {
                ConnectError::fatal(format!(
                    "the stored offset of file '{path}' has position {stored}, which is not a whole number; reset the \
                     connector's offsets"
                ))
            })?;
        }
        Ok(Self {
            path: path.map(str::to_owned),
            partition,
            topic,
            value_schema: Arc::new(Schema::new(SchemaKind::String)),
            batch_size,
            position,
            file: None,
            lines: Lines::default(),
            chunk: vec![0; CHUNK_BYTES],
            missing_logged: false,
        })
    }

    /// Opens the file at the position; false while there is none.
    async fn open(&mut self) -> Result<bool> {
        let path = self.path.as_deref().unwrap_or("/dev/stdin");
        match File::open(path).await {
            Ok(mut file) => {
                if self.path.is_some() {
                    let moved = file.seek(SeekFrom::Start(self.position)).await;
                    moved.map_err(|error| file_error("resume in", path, error))?;
                }
                tracing::debug!("opened {path} at byte {}", self.position);
                self.file = Some(file);
                self.missing_logged = false;
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if !self.missing_logged {
                    tracing::warn!("Couldn't find file {path} for FileStreamSourceTask, sleeping to wait for it to be created");
                    self.missing_logged = true;
                }
                Ok(false)
            }
            Err(error) => Err(file_error("open", path, error)),
        }
    }

    fn take_lines(&mut self, records: &mut Vec<ConnectRecord>) {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|now| i64::try_from(now.as_millis()).ok());
        while records.len() < self.batch_size {
            let Some((line, bytes)) = self.lines.next_line() else { break };
            // As Java's reader does, bytes that are not UTF-8 become U+FFFD.
            let text = String::from_utf8_lossy(line).into_owned();
            records.push(ConnectRecord {
                topic: self.topic.clone(),
                partition: None,
                kafka_offset: None,
                key: SchemaAndValue::NULL,
                value: SchemaAndValue::new(self.value_schema.clone(), Value::string(text)),
                timestamp_ms: now_ms,
                headers: Headers::default(),
            });
            self.position += bytes as u64;
        }
    }
}

#[async_trait]
impl SourceTask for Task {
    async fn poll(&mut self) -> Result<SourceBatch> {
        let mut batch = SourceBatch::default();
        self.take_lines(&mut batch.records);
        if batch.records.is_empty() {
            if self.file.is_none() && !self.open().await? {
                tokio::time::sleep(MISSING_FILE_PAUSE).await;
                return Ok(batch);
            }
            let Some(file) = &mut self.file else { return Ok(batch) };
            // A read that is dropped leaves its bytes in the file's buffer.
            let read = file.read(&mut self.chunk).await;
            let read = read.map_err(|error| file_error("read", self.path.as_deref().unwrap_or("standard input"), error))?;
            if read == 0 {
                tokio::time::sleep(END_PAUSE).await;
                return Ok(batch);
            }
            self.lines.push(&self.chunk[..read]);
            self.take_lines(&mut batch.records);
            if self.lines.pending() > LONGEST_LINE_BYTES && batch.records.is_empty() {
                let file = self.path.as_deref().unwrap_or("standard input");
                return Err(ConnectError::fatal(format!(
                    "file '{file}' has a line of more than {LONGEST_LINE_BYTES} bytes at byte {}",
                    self.position
                )));
            }
        }
        if self.path.is_some() && !batch.records.is_empty() {
            let offset = Map::from_iter([("position".to_owned(), Json::from(self.position))]);
            batch.resume_at.push((self.partition.clone(), Arc::new(offset)));
        }
        Ok(batch)
    }

    async fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SourceOffset;
    use crate::plugin::OffsetReader;

    struct Stored(Option<SourceOffset>);

    #[async_trait]
    impl OffsetReader for Stored {
        async fn offset(&self, _: &SourcePartition) -> Result<Option<SourceOffset>> {
            Ok(self.0.clone())
        }
    }

    async fn task(path: &str, position: Option<Json>) -> Result<Task> {
        let offset = position.map(|position| Arc::new(Map::from_iter([("position".to_owned(), position)])));
        let context = SourceTaskContext { connector: "c".into(), task: 0, offsets: Arc::new(Stored(offset)) };
        Task::start(Some(path), "t".into(), 2, &context).await
    }

    fn texts(batch: &SourceBatch) -> Vec<&str> {
        batch.records.iter().map(|record| record.value.value.as_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn reads_lines_in_batches_and_resumes_by_bytes() {
        let path = std::env::temp_dir().join(format!("tributary-lines-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, "São\nPaulo\nRio\nunfinished").unwrap();
        let name = path.to_str().unwrap();
        let mut first = task(name, None).await.unwrap();
        let batch = first.poll().await.unwrap();
        assert_eq!(texts(&batch), ["São", "Paulo"]);
        assert_eq!(batch.resume_at[0].0["filename"], name);
        assert_eq!(batch.resume_at[0].1["position"], 11);

        let mut resumed = task(name, Some(11.into())).await.unwrap();
        let batch = resumed.poll().await.unwrap();
        assert_eq!(texts(&batch), ["Rio"]);
        assert_eq!(batch.resume_at[0].1["position"], 15);
        assert!(resumed.poll().await.unwrap().records.is_empty());
        std::fs::write(&path, "São\nPaulo\nRio\nunfinished\n").unwrap();
        assert_eq!(texts(&resumed.poll().await.unwrap()), ["unfinished"]);
        std::fs::remove_file(&path).unwrap();
        assert!(task(name, Some("x".into())).await.is_err());
    }

    #[tokio::test]
    async fn a_missing_file_is_no_error() {
        assert!(!task("/no/such/file", None).await.unwrap().open().await.unwrap());
    }
}
