//! The only module that speaks to Kafka brokers.
