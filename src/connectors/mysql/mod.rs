//! Reads MySQL and MariaDB: a consistent snapshot, then the binlog.

pub mod binlog_rows;
pub mod catalog;
pub mod column_types;
pub mod ddl;
pub mod envelope;
pub mod filters;
pub mod options;
pub mod schema_history;
pub mod table;
pub mod table_reader;
