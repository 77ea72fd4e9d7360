//! Reads MySQL and MariaDB: a consistent snapshot, then the binlog.
