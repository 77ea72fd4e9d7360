//! The converters of Apache Kafka Connect.
