//! What the integration tests share: where the servers are, and handles on them and on the worker.
//!
//! Nothing here skips: a server that is not up is a panic that says how to start it.
#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
#![allow(dead_code, reason = "each test module uses its own part")]

pub mod connect_rest;
pub mod hdfs;
pub mod kafka;
pub mod spark;
pub mod sql;
pub mod stack;
pub mod wait;
pub mod worker;

/// A name no other test and no earlier run has used, safe for topics, databases, connectors and paths.
pub fn unique(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let run = u64::from(std::process::id()) ^ (since_epoch.as_millis() as u64).rotate_left(20);
    format!("{prefix}_{:08x}_{}", run as u32, NEXT.fetch_add(1, Ordering::Relaxed))
}
