//! Reads MySQL and MariaDB: a consistent snapshot, then the binlog.

pub mod catalog;
pub mod ddl;
pub mod filters;
pub mod schema_history;
pub mod table;
pub mod table_reader;
