//! The log: one trait, two logs. Whatever is appended here and answered with `Ok` is durable; everything else in Avow is
//! derived from it. [`embedded`] keeps segment files on this machine, [`kafka`] speaks to a broker; callers cannot tell.
//!
//! A log has three topics ([`Topic`]); each topic has partitions; a record's key decides its partition (murmur2, as
//! Kafka's own clients do); a partition has one order, its positions are dense (`0, 1, 2, ...`) and never reused.

pub mod embedded;
mod intake;
pub mod kafka;
mod partitioner;
mod spool;

pub use partitioner::partition_for;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use intake::Intake;
pub use spool::{SpoolConfig, Taking};

/// The three topics of an Avow installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// `consent.events`: consent events and the control records that become ledger leaves. Key: `site` or `site#k`.
    Events,
    /// `consent.control`: sites, banners, tokens, people; compacted (the newest value of a key stays). One partition.
    Control,
    /// `consent.rejected`: refused events and dead letters, without personal data.
    Rejected,
}

impl Topic {
    /// Every topic, in the order in which they are opened.
    pub const ALL: [Self; 3] = [Self::Events, Self::Control, Self::Rejected];

    /// The topic's name where nothing else is configured.
    #[must_use]
    pub const fn default_name(self) -> &'static str {
        match self {
            Self::Events => "consent.events",
            Self::Control => "consent.control",
            Self::Rejected => "consent.rejected",
        }
    }
}

/// What is appended: a routing key and an opaque value. An empty value on [`Topic::Control`] deletes its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: Bytes,
    pub value: Bytes,
}

/// Where an appended record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogPosition {
    pub partition: u32,
    pub position: u64,
}

/// A record as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    pub position: u64,
    /// The log's own append time in milliseconds since 1970 (Kafka: the record's timestamp). Not necessarily monotone.
    pub appended_at_ms: i64,
    pub key: Bytes,
    pub value: Bytes,
}

/// A run of records of one partition, in order. `next` is the position to read from afterwards; it exceeds the last
/// record's position by more than one only where compaction left a hole ([`Topic::Control`] alone).
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    pub records: Vec<StoredRecord>,
    pub next: u64,
}

/// How much one [`Log::read`] returns at most, and how long it waits for the first record.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimit {
    pub max_records: usize,
    pub max_bytes: usize,
    pub max_wait: Duration,
}

/// Which log this is. It is recorded beside every watermark; a mismatch refuses to start, and `avow migrate log` is the way
/// from one log to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogIdentity {
    /// Random at creation.
    pub log_id: Uuid,
    /// Partitions of [`Topic::Events`].
    pub partitions: u32,
    /// The log that this one took over from, all of it derived, where `avow migrate log` began it.
    pub follows: Option<Uuid>,
}

/// The partitions of [`Topic::Events`] that this process owns now. Embedded: all of them, for ever.
pub type Assignment = Vec<u32>;

/// What may go wrong with a log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The log cannot take or give records now; the same call may succeed later. Nothing is promised of an append that
    /// answers this: the records may or may not be there.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// No room on the disk. Nothing of the batch is promised; reads go on working.
    #[error("the log's disk is full: {0}")]
    Full(String),
    /// The position asked for is no longer kept.
    #[error("position {asked} of {topic:?}/{partition} is gone, the log begins at {start}")]
    Trimmed { topic: Topic, partition: u32, asked: u64, start: u64 },
    /// A record larger than the log takes.
    #[error("a record of {size} bytes exceeds the log's limit of {limit}")]
    TooLarge { size: usize, limit: usize },
    /// What is on disk contradicts itself in a way that a torn tail does not explain.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// This log is closed, or another one has taken its place (`avow migrate log`): this process must not go on.
    #[error("{0}")]
    Superseded(String),
    /// The log is not what the caller was configured for (wrong identity, missing topic, partition out of range).
    #[error("{0}")]
    Misconfigured(String),
}

/// The log. All methods may be called from many tasks at once.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    fn identity(&self) -> &LogIdentity;

    /// Partitions of a topic.
    fn partitions(&self, topic: Topic) -> u32;

    /// Appends a batch; `Ok` means every record of it is durable (embedded: synced to disk; Kafka: on all in-sync
    /// replicas), with one position per record, in the order given. Records of one key keep their order. If the future is
    /// dropped before it answers, the records may or may not be there, as after an error. Over Kafka a record may be there
    /// a second time, acknowledged or not, after a broker or a connection was lost: librdkafka's idempotent producer then
    /// begins a new epoch and sends anew what other partitions had stored without an answer (its issue 4953). Readers know
    /// records by their idempotency keys; the first one counts.
    async fn append(&self, topic: Topic, records: Vec<Record>) -> Result<Vec<LogPosition>, LogError>;

    /// Reads from `from` on. Waits up to `max_wait` for the first record, then returns what is there (perhaps nothing).
    /// If there is a record, at least one is returned, however large. Records may share one buffer of about a megabyte:
    /// copy what is kept for long. [`LogError::Damaged`] if `from` lies beyond the end: whoever holds such a position has
    /// derived records that this log does not have.
    async fn read(&self, topic: Topic, partition: u32, from: u64, limit: ReadLimit) -> Result<Chunk, LogError>;

    /// The first position still kept.
    async fn start(&self, topic: Topic, partition: u32) -> Result<u64, LogError>;

    /// One past the last durable position.
    async fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError>;

    /// Says that everything below `upto` of an events partition is durably derived. Advisory: Kafka commits the offset,
    /// the embedded log may trim segments that are also past their retention.
    async fn processed(&self, partition: u32, upto: u64) -> Result<(), LogError>;

    /// The owned partitions of [`Topic::Events`], now and after each change. The receiver must stop working on a
    /// partition that left before calling [`Log::released`].
    async fn assignments(&self) -> Result<tokio::sync::watch::Receiver<Assignment>, LogError>;

    /// Answers a revocation: the work on these partitions has ended.
    async fn released(&self, partitions: &[u32]);

    /// True while appends are being acknowledged; what readiness reports.
    fn healthy(&self) -> bool;

    /// Flushes and closes. Appends that are under way are answered first.
    async fn close(&self);
}
