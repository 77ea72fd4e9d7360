//! Lines of a file to a topic and back: the smoke-test connectors of Apache Kafka.
