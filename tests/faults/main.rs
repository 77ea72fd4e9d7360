//! Reliability of the whole path, MySQL to Kafka to HDFS to Hive, while the worker or a server dies.
//!
//! These tests are long and load the machine, so they are a binary of their own that runs one test at a time.
#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod kills;
mod path;
mod servers;
