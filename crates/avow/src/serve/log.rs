//! Which log this process stands on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::kafka::{KafkaConfig, KafkaLog, Membership};
use avow_log::{Intake, Log, LogError, LogIdentity, SpoolConfig};
use avow_telemetry::SpoolMetrics;

use super::Roles;
use crate::config::Config;

const DAY: Duration = Duration::from_secs(86_400);

/// Kafka where brokers are configured, the embedded log otherwise.
pub async fn open(config: &Config, roles: Roles) -> anyhow::Result<Arc<dyn Log>> {
    if let Some(brokers) = &config.kafka.brokers {
        return over_kafka(config, kafka(config, brokers, roles)).await;
    }
    let embedded = embedded(config);
    Ok(tokio::task::spawn_blocking(move || EmbeddedLog::open(embedded)).await??)
}

/// Connects; where the brokers do not answer, goes on with the log that this data directory was used with before.
async fn over_kafka(config: &Config, kafka: KafkaConfig) -> anyhow::Result<Arc<dyn Log>> {
    let remembered = config.data_dir.join("log-identity.json");
    match KafkaLog::connect(kafka.clone()).await {
        Ok(log) => {
            let text = serde_json::to_vec(log.identity())?;
            std::fs::write(&remembered, text).with_context(|| format!("{}", remembered.display()))?;
            Ok(log)
        }
        Err(LogError::Unavailable(why)) => {
            let identity = std::fs::read(&remembered).ok().and_then(|text| serde_json::from_slice(&text).ok());
            let identity: LogIdentity = identity.ok_or_else(|| anyhow::anyhow!("the log is unavailable: {why}"))?;
            tracing::warn!(why, log_id = %identity.log_id, "server.starts_without_kafka");
            Ok(KafkaLog::resume(kafka, &identity)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// How the embedded log is configured.
pub fn embedded(config: &Config) -> EmbeddedConfig {
    EmbeddedConfig {
        path: config.data_dir.join("log"),
        event_partitions: config.log.partitions,
        segment_bytes: config.log.segment_mib << 20,
        retention: retention(config),
        ..EmbeddedConfig::default()
    }
}

/// How long the embedded log keeps what is derived.
fn retention(config: &Config) -> Duration {
    let days = DAY * u32::try_from(config.log.retention_days).unwrap_or(u32::MAX);
    config.log.retention_seconds.map_or(days, Duration::from_secs)
}

/// Within this time the log forgets a record that is derived: its retention, and an eighth of it at most until the record's
/// segment is ended.
pub fn keeps(config: &Config) -> Duration {
    // What Kafka takes between a segment's end and its removal.
    const UNTIL_REMOVED: Duration = Duration::from_secs(600);
    if config.kafka.brokers.is_some() {
        let retention = DAY * u32::try_from(config.kafka.retention_days).unwrap_or(u32::MAX);
        return retention + (retention / 8).max(Duration::from_secs(3600)) + UNTIL_REMOVED;
    }
    let retention = retention(config);
    retention + retention / 8 + Duration::from_secs(10)
}

/// How the log over Kafka is configured.
pub fn kafka(config: &Config, brokers: &str, roles: Roles) -> KafkaConfig {
    let section = &config.kafka;
    let membership =
        if roles.processor { Membership::Member { static_id: section.instance.clone() } } else { Membership::Outside };
    KafkaConfig {
        brokers: brokers.to_owned(),
        events_topic: section.topic.clone(),
        partitions: section.partitions,
        replication: section.replication,
        retention: DAY * u32::try_from(section.retention_days).unwrap_or(u32::MAX),
        group: section.group.clone(),
        membership,
        append_timeout: Duration::from_millis(section.append_timeout_ms),
        properties: section.properties.iter().map(|(key, value)| (key.clone(), value.reveal().to_owned())).collect(),
        ..KafkaConfig::default()
    }
}

/// The way in for events: with a spool beside it where the log is not on this machine.
pub async fn intake(config: &Config, log: &Arc<dyn Log>, metrics: &SpoolMetrics) -> anyhow::Result<Arc<Intake>> {
    let section = &config.spool;
    if config.kafka.brokers.is_none() || !section.enabled {
        return Ok(Intake::direct(Arc::clone(log)));
    }
    let spool = SpoolConfig {
        path: section.path.clone().unwrap_or_else(|| config.data_dir.join("spool")),
        max_bytes: section.max_mib << 20,
        after: Duration::from_millis(section.after_ms),
        adopt: section.adopt.clone(),
        max_record_bytes: KafkaConfig::default().max_record_bytes,
    };
    Intake::spooled(Arc::clone(log), spool, metrics.clone()).await.context("the spool")
}
