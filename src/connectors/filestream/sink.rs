//! Appends the value of each record to a file, a line each.

use std::fmt::Write as _;

use async_trait::async_trait;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use super::file_error;
use crate::data::{Schema, SchemaKind, SinkRecord, TopicPartition, Value};
use crate::plugin::{Result, SinkOffsets, SinkTask};

pub(super) struct Task {
    path: String,
    file: File,
}

impl Task {
    pub(super) async fn start(path: Option<&str>) -> Result<Self> {
        // Opened by its name, because the log goes to the same place and neither may overwrite the other.
        let path = path.unwrap_or("/dev/stdout");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .await
            .map_err(|error| file_error("open for appending", path, error))?;
        Ok(Self { path: path.to_owned(), file })
    }
}

#[async_trait]
impl SinkTask for Task {
    async fn open(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    async fn put(&mut self, batch: &mut Vec<SinkRecord>) -> Result<()> {
        let mut text = String::new();
        for record in batch.drain(..) {
            let value = &record.record.value;
            write_text(&mut text, &value.value, value.schema.as_deref());
            text.push('\n');
        }
        self.file.write_all(text.as_bytes()).await.map_err(|error| file_error("append to", &self.path, error))
    }

    async fn pre_commit(&mut self, consumed: &SinkOffsets) -> Result<SinkOffsets> {
        self.file.flush().await.map_err(|error| file_error("append to", &self.path, error))?;
        Ok(consumed.clone())
    }

    async fn close(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    async fn stop(mut self: Box<Self>) -> Result<()> {
        self.file.flush().await.map_err(|error| file_error("append to", &self.path, error))
    }
}

/// Writes a value as Java's `toString` does. Bytes, for which that is only an address, are shown as text.
fn write_text(out: &mut String, value: &Value, schema: Option<&Schema>) {
    let written = match value {
        Value::Null => write!(out, "null"),
        Value::Boolean(x) => write!(out, "{x}"),
        Value::Int8(x) => write!(out, "{x}"),
        Value::Int16(x) => write!(out, "{x}"),
        Value::Int32(x) => write!(out, "{x}"),
        Value::Int64(x) => write!(out, "{x}"),
        Value::Float32(x) => write!(out, "{x:?}"),
        Value::Float64(x) => write!(out, "{x:?}"),
        Value::String(x) => write!(out, "{x}"),
        Value::Bytes(x) => write!(out, "{}", String::from_utf8_lossy(x)),
        Value::Array(items) => {
            let item = match schema.map(|schema| &schema.kind) {
                Some(SchemaKind::Array(item)) => Some(item.as_ref()),
                _ => None,
            };
            separated(out, "[", items, ", ", "]", |out, x| write_text(out, x, item));
            Ok(())
        }
        Value::Map(entries) => {
            let (key, value) = match schema.map(|schema| &schema.kind) {
                Some(SchemaKind::Map { key, value }) => (Some(key.as_ref()), Some(value.as_ref())),
                _ => (None, None),
            };
            separated(out, "{", entries, ", ", "}", |out, (k, v)| {
                write_text(out, k, key);
                out.push('=');
                write_text(out, v, value);
            });
            Ok(())
        }
        Value::Struct(values) => {
            let fields = schema.and_then(|schema| schema.fields());
            let fields = fields.into_iter().flat_map(|fields| fields.iter()).zip(values);
            // Connect: Struct#toString leaves out what is null.
            let present = fields.filter(|(_, value)| !value.is_null()).collect::<Vec<_>>();
            separated(out, "Struct{", &present, ",", "}", |out, (field, value)| {
                out.push_str(&field.name);
                out.push('=');
                write_text(out, value, Some(&field.schema));
            });
            Ok(())
        }
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn separated<T>(out: &mut String, open: &str, items: &[T], separator: &str, close: &str, mut write: impl FnMut(&mut String, &T)) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        write(out, item);
    }
    out.push_str(close);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ConnectRecord, Headers, SchemaAndValue, SchemaBuilder};
    use std::sync::Arc;

    fn record(value: SchemaAndValue) -> SinkRecord {
        let headers = Headers::default();
        let key = SchemaAndValue::NULL;
        let record =
            ConnectRecord { topic: "t".into(), partition: Some(0), kafka_offset: None, key, value, timestamp_ms: None, headers };
        SinkRecord { record, kafka_topic: "t".into(), kafka_partition: 0, kafka_offset: 0, raw: None }
    }

    #[tokio::test]
    async fn appends_a_line_for_each_record() {
        let path = std::env::temp_dir().join(format!("tributary-sink-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, "old\n").unwrap();
        let mut task = Task::start(path.to_str()).await.unwrap();
        let int = Arc::new(Schema::new(SchemaKind::Int32));
        let optional = Schema::builder(SchemaKind::String).optional().build();
        let schema = SchemaBuilder::structure([("id", int), ("nome", optional)]).build();
        let row = |name: Value| record(SchemaAndValue::new(schema.clone(), Value::Struct(vec![Value::Int32(7), name].into())));
        let map = Value::Map(vec![(Value::from("a"), Value::Array(vec![Value::Boolean(true), Value::Float64(1.0)]))]);
        let mut batch = vec![
            record(SchemaAndValue::schemaless(Value::from("olá"))),
            record(SchemaAndValue::NULL),
            row(Value::from("João")),
            row(Value::Null),
            record(SchemaAndValue::schemaless(map)),
        ];
        task.put(&mut batch).await.unwrap();
        assert!(batch.is_empty());
        let consumed = SinkOffsets::from([(TopicPartition::new("t", 0), 5)]);
        assert_eq!(task.pre_commit(&consumed).await.unwrap(), consumed);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "old\nolá\nnull\nStruct{id=7,nome=João}\nStruct{id=7}\n{a=[true, 1.0]}\n");
        std::fs::remove_file(path).unwrap();
    }
}
