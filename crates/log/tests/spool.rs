//! The spool before a real Kafka: taken up when the broker is gone or silent, shipped when it is back, kept over a
//! restart, adopted by another, and full at its limit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "only its tools are used here")]
mod suite;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use avow_log::kafka::{KafkaConfig, KafkaLog};
use avow_log::{Intake, Log, LogError, Record, SpoolConfig, Taking, Topic};
use avow_telemetry::Metrics;
use avow_testkit::kafka::Kafka;
use suite::{read_all, record};

async fn connect(kafka: &Kafka) -> Arc<dyn Log> {
    let config = KafkaConfig { brokers: kafka.brokers(), partitions: 3, ..KafkaConfig::default() };
    KafkaLog::connect(config).await.unwrap()
}

fn at(path: &Path) -> SpoolConfig {
    SpoolConfig {
        path: path.to_owned(),
        max_bytes: 64 << 20,
        after: Duration::from_millis(500),
        adopt: Vec::new(),
        max_record_bytes: 1_000_000,
    }
}

struct Server {
    intake: Arc<Intake>,
    metrics: Arc<Metrics>,
}

impl Server {
    async fn start(log: &Arc<dyn Log>, config: SpoolConfig) -> Self {
        let metrics = Metrics::new().unwrap();
        let intake = Intake::spooled(Arc::clone(log), config, metrics.spool.clone()).await.unwrap();
        Self { intake, metrics }
    }

    /// Ten records, each a value of its own.
    async fn take(&self, name: &str) -> BTreeSet<String> {
        let values: BTreeSet<String> = (0..10).map(|n| format!("{name} {n}")).collect();
        let records = values.iter().enumerate().map(|(n, value)| record(&format!("site {}", n % 4), value));
        self.intake.append(records.collect()).await.unwrap();
        values
    }

    async fn until(&self, what: impl Fn(&Taking) -> bool) {
        while !what(&self.intake.taking()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn shipped(&self, records: u64) {
        while self.metrics.spool.forwarded.get() < records {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until nothing waits: a log that has come back may be slow once more, and what it did not answer in time is spooled.
    async fn all_shipped(&self) {
        self.shipped(self.metrics.spool.spooled.get()).await;
    }
}

async fn in_the_log(log: &Arc<dyn Log>) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for partition in 0..log.partitions(Topic::Events) {
        let end = log.end(Topic::Events, partition).await.unwrap();
        let records = read_all(log.as_ref(), Topic::Events, partition, 0, end).await;
        values.extend(records.iter().map(|r| String::from_utf8(r.value.to_vec()).unwrap()));
    }
    values
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_a_silent_and_a_late_broker_lose_nothing() {
    let mut kafka = Kafka::start().unwrap();
    let log = connect(&kafka).await;
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&log, at(dir.path())).await;
    let mut taken = server.take("direct").await;
    assert_eq!(server.metrics.spool.spooled.get(), 0);

    kafka.kill9(0);
    taken.extend(server.take("dead").await);
    taken.extend(server.take("still dead").await);
    assert!(matches!(server.intake.taking(), Taking::Spooled { records: 20, .. }), "{:?}", server.intake.taking());
    kafka.restart(0).unwrap();
    server.shipped(20).await;
    server.until(|taking| *taking == Taking::Directly).await;

    kafka.sigstop(0).unwrap();
    taken.extend(server.take("silent").await);
    assert!(matches!(server.intake.taking(), Taking::Spooled { records: 10, .. }), "{:?}", server.intake.taking());
    kafka.sigcont(0).unwrap();
    server.shipped(30).await;
    taken.extend(server.take("in the end").await);
    server.all_shipped().await;
    assert_eq!(in_the_log(&log).await, taken);
    server.intake.close().await;
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_outlives_the_process_and_may_be_adopted() {
    let mut kafka = Kafka::start().unwrap();
    let log = connect(&kafka).await;
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let server = Server::start(&log, at(&first)).await;
    kafka.kill9(0);
    let mut taken = server.take("before the restart").await;
    server.intake.close().await;
    drop(server);

    let again = Server::start(&log, at(&first)).await;
    taken.extend(again.take("after the restart").await);
    // While its owner lives, nobody else gets it.
    let other = Server::start(&log, SpoolConfig { adopt: vec![first.clone()], ..at(&second) }).await;
    again.intake.close().await;
    drop(again);
    taken.extend(other.take("of the other").await);
    kafka.restart(0).unwrap();
    other.shipped(30).await;
    assert_eq!(in_the_log(&log).await, taken);
    other.intake.close().await;
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_limit_it_says_no_and_takes_again_when_it_is_shipped() {
    let mut kafka = Kafka::start().unwrap();
    let log = connect(&kafka).await;
    let dir = tempfile::tempdir().unwrap();
    let small = SpoolConfig { max_bytes: 1 << 20, ..at(dir.path()) };
    let refused = Intake::spooled(Arc::clone(&log), small, Metrics::new().unwrap().spool.clone()).await;
    assert!(matches!(refused.map(drop), Err(LogError::Misconfigured(_))));

    let server = Server::start(&log, SpoolConfig { max_bytes: 32 << 20, ..at(dir.path()) }).await;
    kafka.kill9(0);
    let mut taken = 0;
    let full = loop {
        let value = "x".repeat(900_000);
        let batch: Vec<Record> = (0..4).map(|n| record("site", format!("{taken} {n} {value}"))).collect();
        match server.intake.append(batch).await {
            Ok(()) => taken += 4,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, LogError::Full(_)), "{full}");
    server.until(|taking| matches!(taking, Taking::Not(_))).await;
    kafka.restart(0).unwrap();
    server.shipped(taken).await;
    server.until(|taking| *taking == Taking::Directly).await;
    server.take("room again").await;
    server.all_shipped().await;
    assert_eq!(in_the_log(&log).await.len() as u64, taken + 10);
    server.intake.close().await;
    log.close().await;
}
