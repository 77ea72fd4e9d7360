//! Remembers how far each source connector has read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ahash::AHashMap;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::java_map;
use super::journal::{InternalTopic, Journal, Replayed};
use crate::data::{SourceOffset, SourcePartition};
use crate::kafka::LogEntry;
use crate::plugin::{ConnectError, OffsetReader, Result};

/// The newest offset of one source partition.
#[derive(Clone)]
struct Entry {
    partition: SourcePartition,
    /// The bytes this partition was written under, the newest last. Java finds an offset by the bytes of its key, and
    /// writes a map's entries in hash order, so one partition may have several spellings.
    keys: Vec<Bytes>,
    /// `None` after a tombstone.
    offset: Option<SourceOffset>,
}

/// All offsets, by connector and then by the partition with its fields sorted.
#[derive(Default)]
struct State {
    connectors: AHashMap<String, BTreeMap<String, Entry>>,
}

impl Replayed for State {
    fn apply(&mut self, key: Option<&[u8]>, value: Option<&[u8]>, _offset: i64) {
        let parsed = key.and_then(|key| Some((key, parse_key(key)?)));
        let Some((key, (connector, partition))) = parsed else {
            tracing::warn!("ignored: a record of the offset topic whose key is not [connector, partition]");
            return;
        };
        let offset = match value.map(serde_json::from_slice::<Json>) {
            None | Some(Ok(Json::Null)) => None,
            Some(Ok(Json::Object(offset))) => Some(Arc::new(offset)),
            Some(_) => {
                tracing::warn!("ignored: an offset of connector '{connector}' that is not a JSON object");
                return;
            }
        };
        let key = Bytes::copy_from_slice(key);
        let entry = self.connectors.entry(connector).or_default().entry(canonical(&partition)).or_insert_with(|| Entry {
            partition: Arc::new(partition),
            keys: Vec::new(),
            offset: None,
        });
        entry.keys.retain(|known| *known != key);
        entry.keys.push(key);
        entry.offset = offset;
    }
}

/// `["connector",{partition}]`
fn parse_key(key: &[u8]) -> Option<(String, Map<String, Json>)> {
    match serde_json::from_slice(key).ok()? {
        Json::Array(parts) => match <[Json; 2]>::try_from(parts).ok()? {
            [Json::String(connector), Json::Object(partition)] => Some((connector, partition)),
            _ => None,
        },
        _ => None,
    }
}

fn key_bytes(connector: &str, partition: &Map<String, Json>) -> Bytes {
    let connector = Json::String(connector.to_owned());
    format!("[{connector},{}]", object(partition)).into()
}

fn object(map: &Map<String, Json>) -> String {
    serde_json::to_string(map).expect("JSON maps have text keys")
}

/// The same text for the same fields in any order.
fn canonical(partition: &Map<String, Json>) -> String {
    let sorted = partition.iter().collect::<BTreeMap<_, _>>();
    serde_json::to_string(&sorted).expect("JSON maps have text keys")
}

/// The offset store of a worker.
pub struct OffsetStore {
    journal: Journal<State>,
    /// Standalone: where the offsets are kept between runs.
    file: Option<PathBuf>,
    /// Writes of the file go one after the other.
    writing: tokio::sync::Mutex<()>,
}

impl OffsetStore {
    /// A store that lasts as long as the process.
    pub fn in_memory() -> Self {
        Self { journal: Journal::in_memory(State::default()), file: None, writing: tokio::sync::Mutex::default() }
    }

    /// A standalone worker's store, in the file format of Java workers. A missing or empty file is an empty store.
    ///
    /// # Errors
    /// `Config` if the file cannot be read or is something else.
    pub async fn open_file(path: &Path) -> Result<Self> {
        let failed = || ConnectError::config(format!("cannot read offset.storage.file.filename '{}'", path.display()));
        let bytes = match tokio::fs::read(path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed().caused_by(error)),
        };
        let entries = if bytes.is_empty() { Vec::new() } else { java_map::read(&bytes).map_err(|e| failed().caused_by(e))? };
        let mut state = State::default();
        for (key, value) in entries {
            state.apply(Some(&key), value.as_deref(), 0);
        }
        let journal = Journal::in_memory(state);
        Ok(Self { journal, file: Some(path.to_owned()), writing: tokio::sync::Mutex::default() })
    }

    /// Reads the offset topic, which is created if it is missing.
    pub async fn open(topic: &InternalTopic) -> Result<Self> {
        let journal = Journal::replay(topic, State::default(), false).await?;
        Ok(Self { journal, file: None, writing: tokio::sync::Mutex::default() })
    }

    /// Waits until everything written by any worker so far is seen.
    pub async fn refresh(&self) -> Result<()> {
        self.journal.read_to_end().await
    }

    pub fn get(&self, connector: &str, partition: &SourcePartition) -> Option<SourceOffset> {
        let state = self.journal.state();
        state.connectors.get(connector)?.get(&canonical(partition))?.offset.clone()
    }

    /// All offsets of a connector.
    pub fn of_connector(&self, connector: &str) -> Vec<(SourcePartition, SourceOffset)> {
        let state = self.journal.state();
        let entries = state.connectors.get(connector).into_iter().flat_map(BTreeMap::values);
        entries.filter_map(|entry| Some((entry.partition.clone(), entry.offset.clone()?))).collect()
    }

    /// Stores offsets and waits until they are durable; `None` forgets a partition's offset.
    ///
    /// # Errors
    /// `BadRecord` if an offset holds nested values, which Java workers could not read; otherwise why they could not be
    /// written, in which case some may have been.
    pub async fn set(&self, connector: &str, offsets: &[(SourcePartition, Option<SourceOffset>)]) -> Result<()> {
        let mut entries = Vec::new();
        {
            let state = self.journal.state();
            let known = state.connectors.get(connector);
            for (partition, offset) in offsets {
                check_flat(connector, partition)?;
                let keys = known.and_then(|known| known.get(&canonical(partition))).map_or(&[][..], |entry| &entry.keys);
                match offset {
                    Some(offset) => {
                        check_flat(connector, offset)?;
                        let key = keys.last().cloned().unwrap_or_else(|| key_bytes(connector, partition));
                        entries.push(LogEntry { key, value: Some(object(offset).into()) });
                    }
                    // A deletion has to reach every spelling.
                    None => entries.extend(keys.iter().map(|key| LogEntry { key: key.clone(), value: None })),
                }
            }
        }
        self.journal.write(&entries).await?;
        self.save().await
    }

    /// Rewrites the file aside and renames it, so that a crash leaves the old or the new one.
    async fn save(&self) -> Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        let _writing = self.writing.lock().await;
        let entries = {
            let state = self.journal.state();
            let entries = state.connectors.values().flat_map(BTreeMap::values);
            let value = |entry: &Entry| entry.offset.as_ref().map(|offset| Bytes::from(object(offset)));
            entries.filter_map(|entry| Some((entry.keys.last()?.clone(), value(entry)))).collect::<Vec<_>>()
        };
        let target = path.clone();
        let written = tokio::task::spawn_blocking(move || replace_file(&target, &java_map::write(&entries))).await;
        let failed = || ConnectError::retriable(format!("cannot write the offset file '{}'", path.display()));
        written.map_err(|error| failed().caused_by(error))?.map_err(|error| failed().caused_by(error))
    }
}

fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let mut file = std::fs::File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    // The rename is durable once the folder is; not every file system can sync one.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Connect: OffsetUtils.validateFormat.
fn check_flat(connector: &str, map: &Map<String, Json>) -> Result<()> {
    match map.iter().find(|(_, value)| value.is_array() || value.is_object()) {
        None => Ok(()),
        Some((name, _)) => Err(ConnectError::bad_record(format!(
            "offset of connector '{connector}': field '{name}' is nested; only null, booleans, numbers and text can be stored"
        ))),
    }
}

/// Offsets of one connector, as its tasks ask for them.
pub struct ConnectorOffsets {
    store: Arc<OffsetStore>,
    connector: String,
}

impl ConnectorOffsets {
    pub fn new(store: Arc<OffsetStore>, connector: impl Into<String>) -> Self {
        Self { store, connector: connector.into() }
    }
}

#[async_trait]
impl OffsetReader for ConnectorOffsets {
    /// The task may have run on another worker before, so the store reads up to now first.
    async fn offset(&self, partition: &SourcePartition) -> Result<Option<SourceOffset>> {
        self.store.refresh().await?;
        Ok(self.store.get(&self.connector, partition))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> Arc<Map<String, Json>> {
        Arc::new(serde_json::from_str(text).unwrap())
    }

    #[tokio::test]
    async fn finds_an_offset_whatever_the_order_of_the_partitions_fields() {
        let store = OffsetStore::in_memory();
        store.set("c", &[(map(r#"{"a":1,"b":"x"}"#), Some(map(r#"{"p":1}"#)))]).await.unwrap();
        assert_eq!(store.get("c", &map(r#"{"b":"x","a":1}"#)), Some(map(r#"{"p":1}"#)));
        assert_eq!(store.get("d", &map(r#"{"b":"x","a":1}"#)), None);
    }

    #[tokio::test]
    async fn writes_under_the_bytes_it_found_and_deletes_every_spelling() {
        let mut state = State::default();
        state.apply(Some(br#"["c",{"b":2,"a":1}]"#), Some(br#"{"p":1}"#), 0);
        state.apply(Some(br#"["c",{"a":1,"b":2}]"#), Some(br#"{"p":2}"#), 1);
        state.apply(Some(br#"["c",{"b":2,"a":1}]"#), Some(br#"{"p":3}"#), 2);
        let entry = state.connectors["c"].values().next().unwrap().clone();
        assert_eq!(entry.keys, [Bytes::from(r#"["c",{"a":1,"b":2}]"#), Bytes::from(r#"["c",{"b":2,"a":1}]"#)]);
        assert_eq!(entry.offset, Some(map(r#"{"p":3}"#)));
    }

    #[test]
    fn malformed_keys_are_ignored() {
        let mut state = State::default();
        for key in ["", "{}", "[1,{}]", r#"["c",{},1]"#, r#"["c",[]]"#] {
            state.apply(Some(key.as_bytes()), Some(b"{}"), 0);
        }
        state.apply(None, Some(b"{}"), 0);
        assert!(state.connectors.is_empty());
    }

    #[tokio::test]
    async fn the_file_survives_a_restart_with_its_tombstones() {
        let folder = std::env::temp_dir().join(format!("tributary-offsets-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("connect.offsets");
        let store = OffsetStore::open_file(&path).await.unwrap();
        store.set("c", &[(map(r#"{"f":"a"}"#), Some(map(r#"{"p":1}"#))), (map(r#"{"f":"b"}"#), Some(map("{}")))]).await.unwrap();
        store.set("c", &[(map(r#"{"f":"b"}"#), None)]).await.unwrap();
        let again = OffsetStore::open_file(&path).await.unwrap();
        assert_eq!(again.of_connector("c"), [(map(r#"{"f":"a"}"#), map(r#"{"p":1}"#))]);
        assert_eq!(java_map::read(&std::fs::read(&path).unwrap()).unwrap().len(), 2);
        std::fs::write(&path, b"text").unwrap();
        let error = OffsetStore::open_file(&path).await.err().unwrap();
        assert!(error.trace().contains("not a serialised java.util.HashMap"), "{}", error.trace());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn nested_offsets_are_refused() {
        let store = OffsetStore::in_memory();
        let error = store.set("c", &[(map("{}"), Some(map(r#"{"a":[1]}"#)))]).await.unwrap_err();
        assert_eq!(error.kind(), crate::plugin::ErrorKind::BadRecord);
    }
}
