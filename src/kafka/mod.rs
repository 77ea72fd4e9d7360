//! The only module that speaks to Kafka brokers.
//!
//! Settings come in under their Java names ([`ClientSettings`]); everything below is librdkafka, whose blocking calls
//! run on threads of their own or on the blocking pool, never on a runtime thread.

mod admin;
mod client_config;
mod client_log;
mod consumer;
mod consumer_thread;
mod context;
mod error;
mod group_offsets;
mod jaas;
mod log_reader;
mod log_tail;
mod log_writer;
mod producer;
#[cfg(test)]
pub mod test_broker;
mod topic_log;

pub use admin::{Admin, Created, NewTopic};
pub use client_config::{ClientKind, ClientSettings, JavaSettings, is_client_setting};
pub use consumer::{Assignment, ConsumedRecord, Consumer, ConsumerEvent, Revocation, Subscription};
pub use group_offsets::{GroupChange, GroupOffsets};
pub use log_reader::LogRecord;
pub use log_tail::{LogEntry, LogTail};
pub use producer::{Outgoing, Producer, Sent};
pub use topic_log::{LogOptions, TopicLog};
