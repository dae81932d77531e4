//! What all of our librdkafka clients share: their words go to `tracing`, their errors become [`LogError`].

use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::LogError;

/// The context of a client that has nothing else to say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reporting;

impl ClientContext for Reporting {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
    }
}

impl rdkafka::consumer::ConsumerContext for Reporting {}

/// librdkafka repeats itself while a broker is away; what matters of it is reported by whoever waits for that broker.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "{message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::warn!(facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(facility, "{message}");
        }
    }
}

/// `error`, met while doing `what`.
pub(super) fn failed(what: &str, error: &KafkaError) -> LogError {
    let text = format!("{what}: {error}");
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition,
        ) => LogError::Misconfigured(text),
        _ if matches!(error, KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_)) => {
            LogError::Misconfigured(text)
        }
        _ => LogError::Unavailable(text),
    }
}

/// How long a call that nobody's append waits for may take: opening a log, reading it, finding its ends.
pub(super) const CALL: Duration = Duration::from_secs(5);

/// For how long a client may hold that there is no broker, or not this partition, until that is believed.
const MOMENT: Duration = Duration::from_secs(1);

/// `(first position kept, one past the last acknowledged)` by the partition's leader. Blocks.
pub(super) fn watermarks<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partition: u32,
    timeout: Duration,
) -> Result<(u64, u64), LogError> {
    let number = i32::try_from(partition).unwrap_or(-1);
    let begun = Instant::now();
    let range = loop {
        let range = client.fetch_watermarks(topic, number, timeout);
        let error = range.as_ref().err().and_then(KafkaError::rdkafka_error_code);
        let is_momentary = match error {
            // It says so as soon as a connection broke, while the next one is being made.
            Some(RDKafkaErrorCode::AllBrokersDown) => true,
            // What it knows is old: the partition has another leader, or it met no broker that had it. By itself it may
            // ask minutes later.
            Some(RDKafkaErrorCode::NotLeaderForPartition | RDKafkaErrorCode::UnknownPartition) => {
                client.fetch_metadata(Some(topic), timeout).is_ok()
            }
            _ => false,
        };
        if !is_momentary || begun.elapsed() >= timeout.min(MOMENT) {
            break range;
        }
        std::thread::sleep(MOMENT / 10);
    };
    let (low, high) = range.map_err(|e| failed(&format!("the range of {topic}/{partition}"), &e))?;
    Ok((u64::try_from(low).unwrap_or(0), u64::try_from(high).unwrap_or(0)))
}

/// Runs a blocking call of librdkafka where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| LogError::Unavailable(format!("abandoned: {e}")))?
}
