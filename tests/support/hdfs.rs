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
