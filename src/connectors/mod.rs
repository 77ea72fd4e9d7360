//! One folder per external system; none imports another.

pub mod filestream;
pub mod hdfs;
pub mod mysql;
