//! Keeps Hive tables in step with the files that the sink commits.
//!
//! Work goes into a bounded queue that one worker of the task drains in order, so a slow or absent metastore delays
//! tables and not data. What a crash leaves undone is found again by `Sync::reconcile` on the next assignment.

pub mod metastore;
mod partition_name;
mod sync;
mod table_schema;
mod thrift;

pub use sync::{Sync, SyncOptions};
pub use table_schema::{PartitionField, SchemaText, TableFormat};
