//! The log over Apache Kafka.
