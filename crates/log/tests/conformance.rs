//! One behaviour, two logs: the suite of `suite/mod.rs` against the embedded log and against a real Kafka broker.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod suite;

use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::kafka::{KafkaConfig, KafkaLog};
use avow_testkit::kafka::Kafka;

#[tokio::test(flavor = "multi_thread")]
async fn embedded() {
    let dir = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig { path: dir.path().join("log"), event_partitions: 3, ..EmbeddedConfig::default() };
    suite::all(EmbeddedLog::open(config.clone()).unwrap()).await;
}

/// Segments so small that nearly every batch begins a new one.
#[tokio::test(flavor = "multi_thread")]
async fn embedded_in_tiny_segments() {
    let dir = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig {
        path: dir.path().join("log"),
        event_partitions: 3,
        segment_bytes: 4096,
        ..EmbeddedConfig::default()
    };
    suite::all(EmbeddedLog::open(config).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka() {
    let kafka = Kafka::start().unwrap();
    let config = KafkaConfig { brokers: kafka.brokers(), partitions: 3, ..KafkaConfig::default() };
    suite::all(KafkaLog::connect(config).await.unwrap()).await;
}
