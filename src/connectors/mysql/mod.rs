//! Reads MySQL and MariaDB: a consistent snapshot, then the binlog.

pub mod table;
