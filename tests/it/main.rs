//! The integration tests: one binary, one module per subject, on the servers that `tests/stack/up` starts.
#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod fidelity;
mod hdfs_sink;
mod hive;
mod main_job;
mod mysql_source;
mod mysql_types;
mod offsets;
mod rest;
mod servers;
mod worker;
mod wrong_input;
