//! Lists and reads what lies in the stack's HDFS.

use hdfs_native::{Client, ClientBuilder, WriteOptions};

use super::stack::{self, Server};

/// The `hdfs.url` a connector is given.
pub fn url() -> String {
    format!("hdfs://{}", stack::address(Server::Hdfs))
}

pub fn client() -> Client {
    ClientBuilder::new().with_url(url()).with_user("root").build().unwrap()
}

/// Paths and lengths of all files below a folder, sorted; empty if there is no such folder.
pub async fn files(folder: &str) -> Vec<(String, usize)> {
    let mut files: Vec<_> = match client().list_status(folder, true).await {
        Ok(entries) => entries.into_iter().filter(|entry| !entry.isdir).map(|entry| (entry.path, entry.length)).collect(),
        Err(hdfs_native::HdfsError::FileNotFound(_)) => Vec::new(),
        Err(error) => panic!("cannot list {folder}: {error}"),
    };
    files.sort();
    files
}

/// Committed files below a folder: no temporary ones.
pub async fn committed_files(folder: &str) -> Vec<String> {
    files(folder).await.into_iter().map(|(path, _)| path).filter(|path| !path.contains("/+tmp/")).collect()
}

pub async fn read(path: &str) -> Vec<u8> {
    let mut file = client().read(path).await.unwrap_or_else(|error| panic!("cannot open {path}: {error}"));
    let length = file.file_length();
    file.read_bytes(length).await.unwrap().to_vec()
}

/// Writes a whole file; its folders are made, an older one is replaced.
pub async fn write(path: &str, bytes: Vec<u8>) {
    let options = WriteOptions::default().replication(1).overwrite(true);
    // The writer's futures are large; the boxes keep them off the test's stack.
    let mut file = Box::pin(client().create(path, options)).await.unwrap_or_else(|error| panic!("cannot create {path}: {error}"));
    Box::pin(file.write_bytes(bytes.into())).await.unwrap();
    Box::pin(file.close()).await.unwrap();
}

pub async fn delete(path: &str) {
    client().delete(path, true).await.unwrap();
}

/// All records of an Avro file, read by a library that is not ours.
pub async fn read_avro(path: &str) -> Vec<apache_avro::types::Value> {
    let bytes = read(path).await;
    let reader = apache_avro::Reader::new(bytes.as_slice()).unwrap_or_else(|error| panic!("{path} is not Avro: {error}"));
    reader.map(|record| record.unwrap_or_else(|error| panic!("bad record in {path}: {error}"))).collect()
}

/// What the header of an Avro file says: its schema as written, and its codec.
pub async fn avro_header(path: &str) -> (serde_json::Value, String) {
    let bytes = read(path).await;
    let mut rest = bytes.strip_prefix(b"Obj\x01").unwrap_or_else(|| panic!("{path} is not Avro"));
    let (mut schema, mut codec) = (serde_json::Value::Null, String::new());
    for _ in 0..avro_long(&mut rest) {
        let (key, value) = (avro_bytes(&mut rest).to_vec(), avro_bytes(&mut rest));
        match key.as_slice() {
            b"avro.schema" => schema = serde_json::from_slice(value).unwrap(),
            b"avro.codec" => codec = String::from_utf8(value.to_vec()).unwrap(),
            other => panic!("{path} has metadata {}", String::from_utf8_lossy(other)),
        }
    }
    (schema, codec)
}

fn avro_bytes<'a>(from: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::try_from(avro_long(from)).unwrap();
    let (bytes, rest) = from.split_at(length);
    *from = rest;
    bytes
}

fn avro_long(from: &mut &[u8]) -> i64 {
    let mut raw = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = from[0];
        *from = &from[1..];
        raw |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}

/// A value of an Avro file as JSON has it: bytes and decimals as base64, logical types as their numbers, unions opened.
pub fn avro_json(value: &apache_avro::types::Value) -> serde_json::Value {
    use apache_avro::types::Value as Avro;
    use base64::Engine as _;
    use serde_json::json;
    let base64 = |bytes: &[u8]| json!(base64::engine::general_purpose::STANDARD.encode(bytes));
    match value {
        Avro::Null => serde_json::Value::Null,
        Avro::Boolean(value) => json!(value),
        Avro::Int(value) | Avro::Date(value) | Avro::TimeMillis(value) => json!(value),
        Avro::Long(value) | Avro::TimestampMillis(value) => json!(value),
        Avro::Float(value) => json!(value),
        Avro::Double(value) => json!(value),
        Avro::Bytes(value) => base64(value),
        Avro::Decimal(value) => base64(&Vec::try_from(value).unwrap()),
        Avro::String(value) | Avro::Enum(_, value) => json!(value),
        Avro::Union(_, value) => avro_json(value),
        Avro::Array(items) => items.iter().map(avro_json).collect(),
        Avro::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), avro_json(value))).collect(),
        Avro::Record(fields) => fields.iter().map(|(name, value)| (name.clone(), avro_json(value))).collect(),
        other => panic!("{other:?} is not expected in a file of ours"),
    }
}
