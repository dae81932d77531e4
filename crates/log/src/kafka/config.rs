//! How the log over Kafka is configured, and what that means in librdkafka's properties.

use std::time::Duration;

use rdkafka::ClientConfig;

use crate::Topic;

/// Whether this process takes part in the group that shares the partitions of [`Topic::Events`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// It only appends, or reads positions that it knows (ingest, api).
    Outside,
    /// It owns partitions (processor). With a static id (`group.instance.id`) a restart within the session timeout keeps
    /// them, and no other member is disturbed.
    Member { static_id: Option<String> },
    /// It owns every partition and asks nobody: the migration of a log, while no other process works on it.
    Alone,
}

/// Where and how. `Default` is one broker on this machine, without membership.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    /// Bootstrap servers, `host:port` separated by commas.
    pub brokers: String,
    /// The events topic. The other two are named beside it: `<prefix>.events` gives `<prefix>.control` and
    /// `<prefix>.rejected`; a name that does not end in `.events` is itself the prefix.
    pub events_topic: String,
    /// Partitions of the events topic, if it is created.
    pub partitions: u32,
    /// Replicas of the topics, if they are created; `None`: the broker's default. With three or more, two must be in sync.
    pub replication: Option<u16>,
    /// How long created topics keep events and refusals (the control topic keeps the newest value of each key).
    pub retention: Duration,
    pub group: String,
    pub membership: Membership,
    /// After this long an append that is not acknowledged fails. Seconds: callers have a spool to turn to.
    pub append_timeout: Duration,
    /// How long a revoked partition waits for [`crate::Log::released`] before it is given up all the same.
    pub release_timeout: Duration,
    /// Key and value of one record at most; the brokers' `message.max.bytes` must take it.
    pub max_record_bytes: usize,
    /// Further librdkafka properties (security, for example); they win over everything but what the log's promises rest on.
    pub properties: Vec<(String, String)>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            events_topic: Topic::Events.default_name().to_owned(),
            partitions: 6,
            replication: None,
            retention: Duration::from_secs(7 * 24 * 60 * 60),
            group: "avow-processor".to_owned(),
            membership: Membership::Outside,
            append_timeout: Duration::from_secs(5),
            release_timeout: Duration::from_secs(30),
            max_record_bytes: 1_000_000,
            properties: Vec::new(),
        }
    }
}

impl KafkaConfig {
    /// The name of a topic.
    #[must_use]
    pub fn topic_name(&self, topic: Topic) -> String {
        let prefix = self.events_topic.strip_suffix(".events").unwrap_or(&self.events_topic);
        match topic {
            Topic::Events => self.events_topic.clone(),
            Topic::Control => format!("{prefix}.control"),
            Topic::Rejected => format!("{prefix}.rejected"),
        }
    }

    fn client(&self, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        let common = [
            ("client.id", "avow"),
            ("socket.keepalive.enable", "true"),
            ("reconnect.backoff.max.ms", "1000"),
            ("topic.metadata.refresh.interval.ms", "30000"),
        ];
        for (name, value) in common.iter().chain(defaults) {
            config.set(*name, *value);
        }
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    pub(super) fn admin(&self) -> ClientConfig {
        self.client(&[])
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let timeout = self.append_timeout.as_millis().max(100).to_string();
        let mut config = self.client(&[
            ("compression.type", "lz4"),
            ("linger.ms", "5"),
            ("queue.buffering.max.messages", "1000000"),
            ("queue.buffering.max.kbytes", "131072"),
        ]);
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", &timeout)
            .set("request.timeout.ms", &timeout)
            // The limit counts what surrounds key and value too.
            .set("message.max.bytes", (self.max_record_bytes + 4096).to_string());
        config
    }

    /// A consumer that is told which positions to read.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = self.client(&[
            ("fetch.wait.max.ms", "100"),
            ("fetch.error.backoff.ms", "100"),
            ("fetch.queue.backoff.ms", "10"),
            ("fetch.max.bytes", "8388608"),
            ("queued.max.messages.kbytes", "8192"),
        ]);
        config
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("check.crcs", "true")
            .set("auto.offset.reset", "error");
        config
    }

    /// A consumer that holds partitions and never reads them.
    pub(super) fn member(&self, static_id: Option<&str>) -> ClientConfig {
        let mut config = self.client(&[
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "2000"),
            ("queued.min.messages", "1"),
        ]);
        config
            .set("group.id", &self.group)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "latest");
        if let Some(id) = static_id {
            config.set("group.instance.id", id);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_named_beside_the_events() {
        let named = |events: &str| {
            let config = KafkaConfig { events_topic: events.to_owned(), ..KafkaConfig::default() };
            Topic::ALL.map(|topic| config.topic_name(topic))
        };
        assert_eq!(named("consent.events"), Topic::ALL.map(|t| t.default_name().to_owned()));
        assert_eq!(named("eu.consent.events"), ["eu.consent.events", "eu.consent.control", "eu.consent.rejected"]);
        assert_eq!(named("consent"), ["consent", "consent.control", "consent.rejected"]);
    }

    #[test]
    fn the_promises_cannot_be_configured_away() {
        let properties = vec![("acks".to_owned(), "0".to_owned()), ("linger.ms".to_owned(), "20".to_owned())];
        let config = KafkaConfig { properties, ..KafkaConfig::default() }.producer();
        assert_eq!(config.get("acks"), Some("all"));
        assert_eq!(config.get("linger.ms"), Some("20"));
    }
}
