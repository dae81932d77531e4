//! The three topics: found, or created as the log needs them, and refused if they would lose what they are to keep.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;

use super::client::{Reporting, blocking, failed};
use super::config::KafkaConfig;
use crate::{LogError, Topic};

const CALL: Duration = Duration::from_secs(10);
const DAY_MS: &str = "86400000";
const HOUR_MS: u128 = 3_600_000;

/// Partitions by topic.
pub(super) type Partitions = HashMap<Topic, u32>;

/// The client for all of this.
pub(super) type Admin = Arc<AdminClient<Reporting>>;

/// The partitions of those topics that are there and led.
pub(super) async fn existing(admin: &Admin, config: &KafkaConfig) -> Result<Partitions, LogError> {
    let (admin, config) = (Arc::clone(admin), config.clone());
    blocking(move || list(&admin, &config)).await
}

fn list(admin: &AdminClient<Reporting>, config: &KafkaConfig) -> Result<Partitions, LogError> {
    // Asking for one topic by name could create it, on brokers that do so.
    let metadata = admin.inner().fetch_metadata(None, CALL).map_err(|e| failed("listing topics", &e))?;
    let mut found = Partitions::new();
    for topic in Topic::ALL {
        let name = config.topic_name(topic);
        let Some(topic_metadata) = metadata.topics().iter().find(|t| t.name() == name) else { continue };
        let led = |p: &rdkafka::metadata::MetadataPartition| {
            p.leader() >= 0 && p.error().is_none_or(|e| e == RDKafkaRespErr::RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE)
        };
        let partitions = topic_metadata.partitions();
        if !partitions.is_empty() && partitions.iter().all(led) {
            found.insert(topic, u32::try_from(partitions.len()).unwrap_or(u32::MAX));
        }
    }
    Ok(found)
}

/// How many partitions a topic has, led or not; `None`: there is no such topic.
pub(super) async fn present(admin: &Admin, config: &KafkaConfig, topic: Topic) -> Result<Option<u32>, LogError> {
    let (admin, name) = (Arc::clone(admin), config.topic_name(topic));
    blocking(move || {
        let metadata = admin.inner().fetch_metadata(None, CALL).map_err(|e| failed("listing topics", &e))?;
        let found = metadata.topics().iter().find(|t| t.name() == name);
        Ok(found.map(|t| u32::try_from(t.partitions().len()).unwrap_or(u32::MAX)))
    })
    .await
}

/// Deletes a topic and returns once the brokers no longer list it.
pub(super) async fn delete(
    admin: &Admin,
    config: &KafkaConfig,
    topic: Topic,
    patience: Duration,
) -> Result<(), LogError> {
    let name = config.topic_name(topic);
    let until = Instant::now() + patience;
    let options = AdminOptions::new().request_timeout(Some(CALL)).operation_timeout(Some(CALL));
    while present(admin, config, topic).await?.is_some() {
        let answers = admin.delete_topics(&[&name], &options).await;
        let answers = answers.map_err(|e| failed(&format!("deleting the topic {name}"), &e))?;
        if let Some(Err((_, code))) = answers.into_iter().next()
            && !matches!(code, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::OperationTimedOut)
        {
            return Err(LogError::Misconfigured(format!(
                "the topic {name} cannot be deleted ({code}): allow it, or delete and create it yourself, and run this again"
            )));
        }
        if Instant::now() > until {
            return Err(LogError::Unavailable(format!(
                "the topic {name} is still there {patience:?} after its deletion"
            )));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tracing::info!(topic = name, "topic deleted");
    Ok(())
}

/// Creates what is missing of `topics`, and waits until every topic has leaders.
pub(super) async fn create(
    admin: &AdminClient<Reporting>,
    config: &KafkaConfig,
    topics: &[Topic],
) -> Result<(), LogError> {
    for topic in topics {
        create_one(admin, config, *topic).await?;
    }
    Ok(())
}

async fn create_one(admin: &AdminClient<Reporting>, config: &KafkaConfig, topic: Topic) -> Result<(), LogError> {
    let name = config.topic_name(topic);
    let retention = config.retention.as_millis().to_string();
    let segment = (config.retention.as_millis() / 8).max(HOUR_MS).to_string();
    let partitions = if topic == Topic::Events { config.partitions } else { 1 };
    let replicas = config.replication.map_or(-1, i32::from);
    let partitions =
        i32::try_from(partitions).map_err(|_| LogError::Misconfigured("too many partitions".to_owned()))?;
    let mut new = NewTopic::new(&name, partitions, TopicReplication::Fixed(replicas))
        // The log's own time, not that of the many clocks that append.
        .set("message.timestamp.type", "LogAppendTime");
    if replicas >= 3 {
        new = new.set("min.insync.replicas", "2");
    }
    new = if topic == Topic::Control {
        new.set("cleanup.policy", "compact").set("delete.retention.ms", DAY_MS).set("segment.ms", DAY_MS)
    } else {
        // A segment goes as a whole: one that is open for long would keep what is past its retention.
        new.set("cleanup.policy", "delete").set("retention.ms", &retention).set("segment.ms", &segment)
    };
    let what = format!("creating the topic {name}");
    let options = AdminOptions::new().request_timeout(Some(CALL)).operation_timeout(Some(CALL));
    let answers = admin.create_topics([&new], &options).await.map_err(|e| failed(&what, &e))?;
    for answer in answers {
        match answer {
            Ok(_) => tracing::info!(topic = name, partitions, "topic created"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(LogError::Unavailable(format!("{what}: {code}"))),
        }
    }
    Ok(())
}

/// Waits until all three topics are there with leaders, and checks what the log relies on.
pub(super) async fn settled(admin: &Admin, config: &KafkaConfig, patience: Duration) -> Result<Partitions, LogError> {
    let until = Instant::now() + patience;
    let found = loop {
        let found = existing(admin, config).await?;
        if found.len() == Topic::ALL.len() {
            break found;
        }
        if Instant::now() > until {
            return Err(LogError::Unavailable(format!("not every topic has a leader: {found:?}")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    if found.get(&Topic::Control) != Some(&1) {
        return Err(LogError::Misconfigured(format!(
            "the topic {} must have one partition: settings are read in one order",
            config.topic_name(Topic::Control)
        )));
    }
    check_compaction(admin, config).await?;
    Ok(found)
}

/// A control topic that forgets by age would forget sites and tokens.
async fn check_compaction(admin: &AdminClient<Reporting>, config: &KafkaConfig) -> Result<(), LogError> {
    let name = config.topic_name(Topic::Control);
    let options = AdminOptions::new().request_timeout(Some(CALL));
    let answers = admin.describe_configs([&ResourceSpecifier::Topic(&name)], &options).await;
    let described = answers.ok().and_then(|all| all.into_iter().next()).and_then(Result::ok);
    let policy = described.as_ref().and_then(|c| c.get("cleanup.policy")).and_then(|entry| entry.value.as_deref());
    match policy {
        Some("compact") => Ok(()),
        Some(other) => Err(LogError::Misconfigured(format!(
            "the topic {name} has cleanup.policy={other} and would lose settings: alter it to cleanup.policy=compact"
        ))),
        None => {
            tracing::warn!(topic = name, "cannot see the topic's cleanup.policy; it must be compact");
            Ok(())
        }
    }
}
