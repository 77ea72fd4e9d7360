//! Reads MySQL and MariaDB: a consistent snapshot, then the binlog.

pub mod binlog_rows;
pub mod catalog;
pub mod charset;
pub mod column_types;
pub mod config;
pub mod config_keys;
pub mod connection;
pub mod ddl;
pub mod defaults;
pub mod envelope;
pub mod filters;
pub mod gtid;
pub mod old_keys;
pub mod options;
pub mod position;
pub mod preflight;
pub mod schema_history;
pub mod server;
pub mod table;
pub mod table_reader;
