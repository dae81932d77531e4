//! The log over Apache Kafka (3.x or later): durable when every in-sync replica has it.
//!
//! What "durable" means is the cluster's: Kafka does not sync to disk per acknowledgement, its replication is its
//! durability. With one replica a power cut may lose what was acknowledged; with three of which two must be in sync
//! (what [`KafkaConfig::replication`] of 3 creates), the loss of one machine loses nothing.
//!
//! - appending: `append.rs`, an idempotent producer with `acks=all`;
//! - reading by position: `read.rs`;
//! - who owns which partition: `membership.rs`;
//! - which log it is: `identity.rs`; whether it still is: `in_force.rs`; the way from one log to the next: `successor.rs`.

mod append;
mod client;
mod config;
mod identity;
mod in_force;
mod membership;
mod read;
mod successor;
mod topics;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::append::Appender;
use self::client::{CALL, Reporting, blocking, failed};
pub use self::config::{KafkaConfig, Membership};
use self::identity::Known;
use self::membership::Member;
use self::read::{Readers, Target};
pub use self::successor::Standing;
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
    /// What [`Membership::Alone`] owns.
    alone: watch::Sender<Assignment>,
    known: Mutex<Known>,
    /// When it was last seen which log is in force.
    looked: Mutex<Instant>,
    /// Why this process must not go on, once another log has taken the place of this one.
    ended: OnceLock<String>,
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
        let admin = admin(&config)?;
        let appender = Arc::new(Appender::new(&config)?);
        let (known, partitions, readers) = establish(&config, &admin, &appender).await?;
        let log = Self::of(config, known, partitions, appender, readers)?;
        log.probe().await?;
        watch(&log);
        Ok(log)
    }

    /// Opens a log that this process had open before, without waiting for the brokers. It acknowledges nothing until they
    /// answer, and then looks first whether it is still the log in force.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] for settings that librdkafka refuses.
    pub fn resume(config: KafkaConfig, identity: &LogIdentity) -> Result<Arc<Self>, LogError> {
        let appender = Arc::new(Appender::new(&config)?);
        let readers = Arc::new(Readers::new(config.reader(), identity.partitions as usize + 4));
        let partitions = Topic::ALL.map(|t| (t, if t == Topic::Events { identity.partitions } else { 1 }));
        let log = Self::of(config, Known::remembered(identity), partitions.into(), appender, readers)?;
        if let Some(long_ago) = Instant::now().checked_sub(log.look_holds()) {
            *log.looked.lock().unwrap_or_else(PoisonError::into_inner) = long_ago;
        }
        watch(&log);
        Ok(log)
    }

    fn of(
        config: KafkaConfig,
        known: Known,
        partitions: Partitions,
        appender: Arc<Appender>,
        readers: Arc<Readers>,
    ) -> Result<Arc<Self>, LogError> {
        let none = || LogError::Unavailable("the log's identity was written and is not there".to_owned());
        let identity = known.identity().ok_or_else(none)?;
        let member = match &config.membership {
            Membership::Outside | Membership::Alone => None,
            Membership::Member { static_id } => Some(Arc::new(Member::join(&config, static_id.as_deref())?)),
        };
        let alone = watch::Sender::new((0..identity.partitions).collect());
        let (known, looked) = (Mutex::new(known), Mutex::new(Instant::now()));
        let (ended, closed) = (OnceLock::new(), CancellationToken::new());
        Ok(Arc::new(Self {
            config,
            identity,
            partitions,
            appender,
            readers,
            member,
            alone,
            known,
            looked,
            ended,
            closed,
        }))
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
            self.appender.watermarks(&name, partition, self.config.append_timeout).await?;
        }
        self.append(Topic::Control, vec![probe]).await.map(drop)
    }
}

fn admin(config: &KafkaConfig) -> Result<Admin, LogError> {
    let client = config.admin().create_with_context(Reporting).map_err(|e| failed("creating the admin client", &e))?;
    Ok(Arc::new(client))
}

/// Sees to topics and identity.
async fn establish(
    config: &KafkaConfig,
    admin: &Admin,
    appender: &Appender,
) -> Result<(Known, Partitions, Arc<Readers>), LogError> {
    let found = topics::existing(admin, config).await?;
    let keep = found.get(&Topic::Events).copied().unwrap_or(config.partitions) as usize + 4;
    let readers = Arc::new(Readers::new(config.reader(), keep));
    let control = Target { topic: Topic::Control, name: config.topic_name(Topic::Control), partition: 0 };
    let mut known = Known::default();
    if found.contains_key(&Topic::Control) {
        known = read_on(appender, &readers, &control, known, CALL).await?;
    }
    if let Some(identity) = known.identity()
        && known.sealed(identity.log_id).is_some()
    {
        return Err(LogError::Misconfigured(format!(
            "log {} is closed: `avow migrate log` is under way or was interrupted. Wait for it, or run it again with the \
             same arguments",
            identity.log_id
        )));
    }
    // Asked again after the identity was seen: another process may just have made both.
    if known.identity().is_some() && !topics::existing(admin, config).await?.contains_key(&Topic::Events) {
        return Err(LogError::Misconfigured(format!(
            "the topic {} has no leader or is gone, while {} says which log it was: wait for its brokers or restore it, or, \
             to go on with a new log, stop Avow and run `avow migrate log`",
            config.events_topic, control.name
        )));
    }
    let missing: Vec<_> = Topic::ALL.into_iter().filter(|topic| !found.contains_key(topic)).collect();
    topics::create(admin, config, &missing).await?;
    let partitions = topics::settled(admin, config, SETTLE).await?;
    let events = partitions.get(&Topic::Events).copied().unwrap_or(0);
    if known.identity().is_none() {
        appender.append(&control.name, 1, true, vec![identity::candidate(events)?]).await?;
        known = read_on(appender, &readers, &control, known, CALL).await?;
    }
    if let Some(identity) = known.identity()
        && identity.partitions != events
    {
        return Err(LogError::Misconfigured(format!(
            "the topic {} has {events} partitions, the log was begun with {}: keys would change their partition. To go over \
             to a new log, stop Avow and run `avow migrate log --partitions {events}`",
            config.events_topic, identity.partitions
        )));
    }
    Ok((known, partitions, readers))
}

async fn read_on(
    appender: &Appender,
    readers: &Arc<Readers>,
    control: &Target,
    mut known: Known,
    timeout: Duration,
) -> Result<Known, LogError> {
    let (start, end) = appender.watermarks(&control.name, 0, timeout).await?;
    if end <= known.upto {
        return Ok(known);
    }
    let (readers, control) = (Arc::clone(readers), control.clone());
    blocking(move || known.read_on(&readers, &control, start, end).map(|()| known)).await
}

/// Follows for as long as the log is open what its brokers say of it.
fn watch(log: &Arc<KafkaLog>) {
    tokio::spawn(watch_health(Arc::downgrade(log), log.closed.clone()));
    tokio::spawn(in_force::watch(Arc::downgrade(log), log.closed.clone()));
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
        self.look_if_due().await?;
        self.in_force()?;
        let name = self.config.topic_name(topic);
        self.appender.append(&name, self.partitions(topic), topic == Topic::Control, records).await
    }

    async fn read(&self, topic: Topic, partition: u32, from: u64, limit: ReadLimit) -> Result<Chunk, LogError> {
        if topic == Topic::Events {
            self.in_force()?;
        }
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
        Ok(self.appender.watermarks(&target.name, partition, CALL).await?.0)
    }

    /// The high watermark: what every in-sync replica has.
    async fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        let target = self.target(topic, partition)?;
        Ok(self.appender.watermarks(&target.name, partition, CALL).await?.1)
    }

    /// Commits the offset, if this process is a member of the group; monitoring tools then see the lag.
    async fn processed(&self, partition: u32, upto: u64) -> Result<(), LogError> {
        self.target(Topic::Events, partition)?;
        self.member.as_ref().map_or(Ok(()), |member| member.commit(partition, upto))
    }

    async fn assignments(&self) -> Result<watch::Receiver<Assignment>, LogError> {
        if self.config.membership == Membership::Alone {
            return Ok(self.alone.subscribe());
        }
        let outside = || LogError::Misconfigured("this process was not configured to join the group".to_owned());
        Ok(self.member.as_ref().ok_or_else(outside)?.owned())
    }

    async fn released(&self, partitions: &[u32]) {
        if let Some(member) = &self.member {
            member.released(partitions);
        }
    }

    fn healthy(&self) -> bool {
        self.ended.get().is_none() && self.appender.is_healthy() && !self.member.as_ref().is_some_and(|m| m.is_lost())
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
