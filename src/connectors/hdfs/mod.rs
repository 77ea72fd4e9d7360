//! Writes topics to files on HDFS and registers them as Hive tables.

pub mod hive;
