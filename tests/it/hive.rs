//! Hive tables as two generations of the real metastore keep them.

use std::sync::Arc;
use std::time::Duration;

use tributary::connectors::hdfs::hive::metastore::Metastore;
use tributary::connectors::hdfs::hive::{PartitionField, SchemaText, Sync, SyncOptions, TableFormat};
use tributary::data::logical::plain;
use tributary::data::{Schema, SchemaBuilder, SchemaKind};

use crate::support::stack::{Server, address};
use crate::support::unique;

fn schema(fields: &[&str]) -> Arc<Schema> {
    SchemaBuilder::structure(fields.iter().map(|name| (*name, plain(SchemaKind::String, false)))).build()
}

/// A schema text that is not Avro: what the metastore keeps is under test, not what it means.
fn field_names() -> SchemaText {
    Arc::new(|schema| Ok(schema.fields().unwrap().iter().map(|field| &*field.name).collect::<Vec<_>>().join(" ")))
}

async fn creates_evolves_and_partitions(server: Server) {
    let uris = vec![format!("thrift://{}", address(server))];
    let database = unique("hive");
    let options = SyncOptions {
        metastore_uris: uris.clone(),
        database: database.clone(),
        table_name: "lake_${topic}".to_owned(),
        format: TableFormat::Avro { schema_text: field_names() },
    };
    let sync = Sync::start(options).unwrap();
    let topic: Arc<str> = "bank.clients-v1".into();
    let location = format!("hdfs://{}/topics/{database}/bank.clients-v1", address(Server::Hdfs));
    let keys = [PartitionField { name: "day".to_owned(), hive_type: "string" }];
    sync.create_table(&topic, &location, &schema(&["id", "day"]), &keys).await.unwrap();
    sync.create_table(&topic, &location, &schema(&["id", "day"]), &keys).await.unwrap();
    sync.alter_schema(&topic, &schema(&["id", "name", "day"]), &keys).await.unwrap();
    for directory in ["day=1", "day=1", "day=a%2520b"] {
        sync.add_partition(&topic, &location, directory).await.unwrap();
    }
    let directories = ["day=1", "day=2", "day=a%2520b"].map(str::to_owned).to_vec();
    sync.add_missing_partitions(&topic, &location, directories).await.unwrap();
    assert!(sync.flush(Duration::from_secs(60)).await, "{:?}", sync.last_error());
    assert_eq!(sync.last_error(), None);

    let mut metastore = Metastore::new(&uris).unwrap();
    let mut names = metastore.partition_names(&database, "lake_bank_clients_v1").await.unwrap();
    names.sort();
    assert_eq!(names, ["day=1", "day=2", "day=a%2520b"]);
    let shown = format!("{:?}", metastore.table(&database, "lake_bank_clients_v1").await.unwrap());
    let literal = format!("{:?}", "id name".as_bytes());
    assert!(shown.contains(&literal), "the evolved schema without the partition key is not in {shown}");
}

#[tokio::test]
async fn hive_2_creates_evolves_and_partitions() {
    creates_evolves_and_partitions(Server::Hive).await;
}

#[tokio::test]
async fn hive_3_creates_evolves_and_partitions() {
    creates_evolves_and_partitions(Server::Hive3).await;
}
