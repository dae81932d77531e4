//! Membership: which partitions of the events topic are this process's. A consumer joins the group and holds partitions,
//! paused; what is read of them goes by position (`read.rs`), so that a rebalance moves nothing but ownership.
//!
//! A revocation is answered before it takes effect: the partition leaves [`Group::owned`], whoever works on it stops and
//! calls [`Group::released`], and only then does the callback return and the group gives the partition to somebody else.
//! That wait is bounded; the warehouse's conditional inserts hold even if two work on one partition for a moment.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::watch;

use super::client::{failed, log};
use super::config::KafkaConfig;
use crate::{Assignment, LogError, Topic};

const POLL: Duration = Duration::from_millis(100);

/// What the group's callbacks and the rest of the process share.
struct Group {
    owned: watch::Sender<Assignment>,
    /// Revoked, and not yet released.
    leaving: Mutex<BTreeSet<u32>>,
    released: Condvar,
    patience: Duration,
    closing: AtomicBool,
    /// Set when the group has thrown this member out for good.
    lost: AtomicBool,
}

impl Group {
    fn add(&self, partitions: &BTreeSet<u32>) {
        self.owned.send_modify(|owned| {
            let all: BTreeSet<u32> = owned.iter().chain(partitions).copied().collect();
            *owned = all.into_iter().collect();
        });
        tracing::info!(?partitions, "partitions assigned");
    }

    /// Takes `partitions` away and waits until the work on them has ended.
    fn remove(&self, partitions: &BTreeSet<u32>) {
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        leaving.extend(self.owned.borrow().iter().filter(|p| partitions.contains(p)));
        self.owned.send_modify(|owned| owned.retain(|p| !partitions.contains(p)));
        // Nobody watches: nobody works.
        if self.owned.receiver_count() == 0 || self.closing.load(Ordering::Acquire) {
            leaving.clear();
        }
        let until = Instant::now() + self.patience;
        while !leaving.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!(partitions = ?*leaving, "revoked partitions were not released in time");
                leaving.clear();
                break;
            }
            leaving = self.released.wait_timeout(leaving, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(leaving);
        tracing::info!(?partitions, "partitions given up");
    }
}

struct Callbacks(Arc<Group>);

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka group");
    }
}

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(list) => self.0.remove(&numbers(list)),
            Rebalance::Error(error) => tracing::warn!(%error, "rebalance failed"),
            Rebalance::Assign(_) => {}
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(list) = rebalance else { return };
        if let Err(error) = consumer.pause(list) {
            // Only wasteful: what is fetched here is dropped.
            tracing::warn!(%error, "cannot pause the assigned partitions");
        }
        self.0.add(&numbers(list));
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(%error, "an advisory offset was not committed");
        }
    }
}

fn numbers(list: &TopicPartitionList) -> BTreeSet<u32> {
    list.elements().iter().filter_map(|e| u32::try_from(e.partition()).ok()).collect()
}

/// This process's place in the group.
pub(super) struct Member {
    group: Arc<Group>,
    consumer: Arc<BaseConsumer<Callbacks>>,
    topic: String,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Member {
    pub fn join(config: &KafkaConfig, static_id: Option<&str>) -> Result<Self, LogError> {
        let group = Arc::new(Group {
            owned: watch::Sender::new(Assignment::new()),
            leaving: Mutex::new(BTreeSet::new()),
            released: Condvar::new(),
            patience: config.release_timeout,
            closing: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        });
        let topic = config.topic_name(Topic::Events);
        let consumer: BaseConsumer<Callbacks> = config
            .member(static_id)
            .create_with_context(Callbacks(Arc::clone(&group)))
            .map_err(|e| failed("creating the group's consumer", &e))?;
        consumer.subscribe(&[&topic]).map_err(|e| failed("joining the group", &e))?;
        let consumer = Arc::new(consumer);
        let (polled, shared) = (Arc::clone(&consumer), Arc::clone(&group));
        let thread = std::thread::Builder::new()
            .name("kafka-group".to_owned())
            .spawn(move || poll(&polled, &shared))
            .map_err(|e| LogError::Unavailable(format!("cannot start the group's thread: {e}")))?;
        Ok(Self { group, consumer, topic, thread: Mutex::new(Some(thread)) })
    }

    pub fn owned(&self) -> watch::Receiver<Assignment> {
        self.group.owned.subscribe()
    }

    pub fn is_lost(&self) -> bool {
        self.group.lost.load(Ordering::Acquire)
    }

    pub fn released(&self, partitions: &[u32]) {
        let mut leaving = self.group.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        for partition in partitions {
            leaving.remove(partition);
        }
        self.group.released.notify_all();
    }

    pub fn commit(&self, partition: u32, upto: u64) -> Result<(), LogError> {
        let mut list = TopicPartitionList::new();
        let offset = Offset::Offset(i64::try_from(upto).unwrap_or(i64::MAX));
        list.add_partition_offset(&self.topic, i32::try_from(partition).unwrap_or(-1), offset)
            .and_then(|()| self.consumer.commit(&list, CommitMode::Async))
            .map_err(|e| failed("committing an offset", &e))
    }

    /// Leaves the group (a static member keeps its partitions until its session ends). Blocks until that is done.
    pub fn leave(&self) {
        self.group.closing.store(true, Ordering::Release);
        self.group.leaving.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.group.released.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|t| t.join().is_err()) {
            tracing::error!("the group's thread panicked");
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Serves the group's callbacks until closing.
fn poll(consumer: &BaseConsumer<Callbacks>, group: &Group) {
    while !group.closing.load(Ordering::Acquire) {
        match consumer.poll(POLL) {
            // Fetched before it was paused; it is read elsewhere, by position.
            None | Some(Ok(_)) => {}
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                tracing::error!(%code, "the group has thrown this process out; another one may have its static id");
                group.lost.store(true, Ordering::Release);
                // Collected first: what is borrowed of a watch must not be held while it changes.
                let all: BTreeSet<u32> = group.owned.borrow().iter().copied().collect();
                group.remove(&all);
                return;
            }
            Some(Err(error)) => tracing::debug!(%error, "kafka group"),
        }
    }
    consumer.unsubscribe();
    let until = Instant::now() + Duration::from_secs(5);
    while !group.owned.borrow().is_empty() && Instant::now() < until {
        let _ = consumer.poll(POLL);
    }
}
