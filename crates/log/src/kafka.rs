//! The log over Apache Kafka (3.x or later): durable when every in-sync replica has it.
//!
//! What "durable" means is the cluster's: Kafka does not sync to disk per acknowledgement, its replication is its
//! durability. With one replica a power cut may lose what was acknowledged; with three of which two must be in sync
//! (what [`KafkaConfig::replication`] of 3 creates), the loss of one machine loses nothing.
//!
//! - appending: `append.rs`, an idempotent producer with `acks=all`;
//! - reading by position: `read.rs`;
//! - who owns which partition: `membership.rs`;
//! - which log it is: `identity.rs`.

mod append;
mod client;
mod config;
mod identity;
mod membership;
mod read;
mod topics;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::append::Appender;
use self::client::{Reporting, blocking, failed};
pub use self::config::{KafkaConfig, Membership};
use self::membership::Member;
use self::read::{Readers, Target};
use self::topics::{Admin, Partitions};
use crate::{Assignment, Chunk, Log, LogError, LogIdentity, LogPosition, ReadLimit, Record, Topic};

/// How long a new topic may take to get its leaders.
const SETTLE: Duration = Duration::from_secs(30);
/// How often it is tried whether appends are acknowledged again.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// The log over Kafka.
pub struct KafkaLog {
    config: KafkaConfig,
    identity: LogIdentity,
    partitions: Partitions,
    appender: Arc<Appender>,
    readers: Arc<Readers>,
    member: Option<Arc<Member>>,
    closed: CancellationToken,
}

impl KafkaLog {
    /// Connects, creates the topics that are missing, finds or writes the log's identity, and answers once an append has
    /// been acknowledged (the first one takes about half a second: connections, the producer's id).
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if the brokers cannot be reached or do not acknowledge, [`LogError::Misconfigured`] if
    /// the topics are not what the log needs; the text says what to change.
    pub async fn connect(config: KafkaConfig) -> Result<Arc<Self>, LogError> {
        let admin: Admin = Arc::new(
            config.admin().create_with_context(Reporting).map_err(|e| failed("creating the admin client", &e))?,
        );
        let appender = Arc::new(Appender::new(&config)?);
        let (identity, partitions, readers) = establish(&config, &admin, &appender).await?;
        let member = match &config.membership {
            Membership::Outside => None,
            Membership::Member { static_id } => Some(Arc::new(Member::join(&config, static_id.as_deref())?)),
        };
        let closed = CancellationToken::new();
        let log = Arc::new(Self { config, identity, partitions, appender, readers, member, closed });
        log.probe().await?;
        tokio::spawn(watch_health(Arc::downgrade(&log), log.closed.clone()));
        Ok(log)
    }

    fn target(&self, topic: Topic, partition: u32) -> Result<Target, LogError> {
        let (name, has) = (self.config.topic_name(topic), self.partitions(topic));
        if partition >= has {
            return Err(LogError::Misconfigured(format!("{name} has {has} partitions, there is no {partition}")));
        }
        Ok(Target { topic, name, partition })
    }

    /// Appends something that nobody reads, and asks every events partition's leader for its end.
    async fn probe(&self) -> Result<(), LogError> {
        let probe = Record { key: Bytes::from_static(identity::PROBE_KEY), value: Bytes::new() };
        let name = self.config.topic_name(Topic::Events);
        for partition in 0..self.identity.partitions {
            self.appender.watermarks(&name, partition).await?;
        }
        self.append(Topic::Control, vec![probe]).await.map(drop)
    }
}

/// Sees to topics and identity.
async fn establish(
    config: &KafkaConfig,
    admin: &Admin,
    appender: &Appender,
) -> Result<(LogIdentity, Partitions, Arc<Readers>), LogError> {
    let found = topics::existing(admin, config).await?;
    let keep = found.get(&Topic::Events).copied().unwrap_or(config.partitions) as usize + 4;
    let readers = Arc::new(Readers::new(config.reader(), keep));
    let control = Target { topic: Topic::Control, name: config.topic_name(Topic::Control), partition: 0 };
    let mut known = None;
    if found.contains_key(&Topic::Control) {
        known = identify(appender, &readers, &control).await?;
    }
    // Asked again after the identity was seen: another process may just have made both.
    if known.is_some() && !topics::existing(admin, config).await?.contains_key(&Topic::Events) {
        return Err(LogError::Misconfigured(format!(
            "the topic {} has no leader or is gone, while {} says which log it was: wait for its brokers or restore it, or, \
             to begin a new log, delete the control topic too",
            config.events_topic, control.name
        )));
    }
    let missing: Vec<_> = Topic::ALL.into_iter().filter(|topic| !found.contains_key(topic)).collect();
    topics::create(admin, config, &missing).await?;
    let partitions = topics::settled(admin, config, SETTLE).await?;
    let events = partitions.get(&Topic::Events).copied().unwrap_or(0);
    let identity = match known {
        Some(identity) => identity,
        None => {
            appender.append(&control.name, 1, true, vec![identity::candidate(events)?]).await?;
            let found = identify(appender, &readers, &control).await?;
            found.ok_or_else(|| LogError::Unavailable("the log's identity was written and is not there".to_owned()))?
        }
    };
    if identity.partitions != events {
        return Err(LogError::Misconfigured(format!(
            "the topic {} has {events} partitions, the log was begun with {}: keys would change their partition. Begin a \
             new log with another topic name",
            config.events_topic, identity.partitions
        )));
    }
    Ok((identity, partitions, readers))
}

async fn identify(
    appender: &Appender,
    readers: &Arc<Readers>,
    control: &Target,
) -> Result<Option<LogIdentity>, LogError> {
    let (start, end) = appender.watermarks(&control.name, 0).await?;
    let (readers, control) = (Arc::clone(readers), control.clone());
    blocking(move || identity::find(&readers, &control, start, end)).await
}

/// Tries again, while appends fail, whether they are acknowledged: readiness must not depend on traffic that it keeps away.
async fn watch_health(log: std::sync::Weak<KafkaLog>, closed: CancellationToken) {
    loop {
        tokio::select! {
            () = closed.cancelled() => return,
            () = tokio::time::sleep(PROBE_EVERY) => {}
        }
        let Some(log) = log.upgrade() else { return };
        if !log.appender.is_healthy()
            && let Err(error) = log.probe().await
        {
            log.appender.set_healthy(false);
            tracing::debug!(%error, "kafka does not acknowledge");
        }
    }
}

/// Sets a flag when dropped: a read whose caller has gone away must not block a thread any longer.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[async_trait]
impl Log for KafkaLog {
    fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.partitions.get(&topic).copied().unwrap_or(0)
    }

    /// The records of one batch are acknowledged one by one: after an error some of them may be there.
    async fn append(&self, topic: Topic, records: Vec<Record>) -> Result<Vec<LogPosition>, LogError> {
        let name = self.config.topic_name(topic);
        self.appender.append(&name, self.partitions(topic), topic == Topic::Control, records).await
    }

    async fn read(&self, topic: Topic, partition: u32, from: u64, limit: ReadLimit) -> Result<Chunk, LogError> {
        let target = self.target(topic, partition)?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let _abandon = Abandon(Arc::clone(&abandoned));
        let until = Instant::now() + limit.max_wait;
        let mut from = from;
        loop {
            let (readers, target, abandoned) = (Arc::clone(&self.readers), target.clone(), Arc::clone(&abandoned));
            let limit = ReadLimit { max_wait: until.saturating_duration_since(Instant::now()), ..limit };
            let mut chunk = blocking(move || readers.read(&target, from, limit, &abandoned)).await?;
            let seen = chunk.records.len();
            if topic == Topic::Control {
                chunk.records.retain(|r| !r.key.starts_with(identity::OWN_KEYS));
            }
            // Only the log's own records came: go on waiting for one that the caller may see.
            let hidden = seen > 0 && chunk.records.is_empty();
            if !hidden || Instant::now() >= until {
                return Ok(chunk);
            }
            from = chunk.next;
        }
    }

    async fn start(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        let target = self.target(topic, partition)?;
        Ok(self.appender.watermarks(&target.name, partition).await?.0)
    }

    /// The high watermark: what every in-sync replica has.
    async fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        let target = self.target(topic, partition)?;
        Ok(self.appender.watermarks(&target.name, partition).await?.1)
    }

    /// Commits the offset, if this process is a member of the group; monitoring tools then see the lag.
    async fn processed(&self, partition: u32, upto: u64) -> Result<(), LogError> {
        self.target(Topic::Events, partition)?;
        self.member.as_ref().map_or(Ok(()), |member| member.commit(partition, upto))
    }

    async fn assignments(&self) -> Result<watch::Receiver<Assignment>, LogError> {
        let outside = || LogError::Misconfigured("this process was not configured to join the group".to_owned());
        Ok(self.member.as_ref().ok_or_else(outside)?.owned())
    }

    async fn released(&self, partitions: &[u32]) {
        if let Some(member) = &self.member {
            member.released(partitions);
        }
    }

    fn healthy(&self) -> bool {
        self.appender.is_healthy() && !self.member.as_ref().is_some_and(|m| m.is_lost())
    }

    async fn close(&self) {
        self.closed.cancel();
        self.appender.close().await;
        let (readers, member) = (Arc::clone(&self.readers), self.member.clone());
        let left = blocking(move || {
            readers.close();
            if let Some(member) = member {
                member.leave();
            }
            Ok(())
        });
        if let Err(error) = left.await {
            tracing::warn!(%error, "closing the log");
        }
    }
}
