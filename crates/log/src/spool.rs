//! The spool: where events wait, durably, while the log does not acknowledge. It is an embedded log of one partition on a
//! volume of its own, which a later process, or another ingest, can take up. What is in it was promised (202); a forwarder
//! ships it to the log in order (`forward.rs`), and only what the log has acknowledged may leave.
//!
//! ```text
//! <path>/log/        segment files, as of the embedded log
//! <path>/forwarded   the position up to which the log has acknowledged; behind after a crash, never ahead
//! ```
//! A record may reach the log twice: an append that was not answered in time may have landed all the same, and so may a
//! shipment whose acknowledgement was lost. The processor's idempotency key drops the second one.

mod forward;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use avow_telemetry::SpoolMetrics;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::embedded::disk::{Disk, RealDisk};
use crate::embedded::{EmbeddedConfig, EmbeddedLog};
use crate::{Log, LogError, Record, Topic};

/// Segments are small, so that what is shipped frees its room soon.
const SEGMENT_BYTES: u64 = 16 << 20;
/// How long a segment that has been shipped stays on the disk.
const KEPT_AFTER: Duration = Duration::from_secs(30);
/// The smallest limit that makes sense: one segment being written and one being shipped.
const LEAST_BYTES: u64 = 2 * SEGMENT_BYTES;

/// Where the spool lies, and when it is used.
#[derive(Debug, Clone)]
pub struct SpoolConfig {
    pub path: PathBuf,
    /// What it may hold on the disk; more is not taken.
    pub max_bytes: u64,
    /// After this long without the log's answer the spool takes the events.
    pub after: Duration,
    /// Spools of processes that are gone, to be shipped by this one.
    pub adopt: Vec<PathBuf>,
    /// Key and value of one record at most, as the log has it.
    pub max_record_bytes: usize,
}

/// One spool on disk.
struct Store {
    log: Arc<EmbeddedLog>,
    path: PathBuf,
    /// The log has acknowledged everything below.
    forwarded: AtomicU64,
    /// When the oldest record that waits was appended, ms since 1970; 0: none waits.
    oldest_ms: AtomicI64,
    /// On the disk, as last measured, with what came since.
    bytes: AtomicU64,
}

impl Store {
    /// Blocks: recovering the last segment reads it.
    fn open(path: PathBuf, max_record_bytes: usize) -> Result<Self, LogError> {
        Self::open_on(path, max_record_bytes, Arc::new(RealDisk))
    }

    fn open_on(path: PathBuf, max_record_bytes: usize, disk: Arc<dyn Disk>) -> Result<Self, LogError> {
        let config = EmbeddedConfig {
            path: path.join("log"),
            event_partitions: 1,
            segment_bytes: SEGMENT_BYTES,
            retention: KEPT_AFTER,
            max_record_bytes,
            ..EmbeddedConfig::default()
        };
        let log = EmbeddedLog::open_on(config, disk)?;
        let store = Self { log, path, forwarded: 0.into(), oldest_ms: 0.into(), bytes: 0.into() };
        let (start, end) = store.log.range(Topic::Events, 0)?;
        let written = fs::read_to_string(store.position_file()).ok().and_then(|text| text.trim().parse().ok());
        // A note that cannot be true is no reason to leave anything out.
        let forwarded = written.filter(|at| (start..=end).contains(at)).unwrap_or(start);
        store.forwarded.store(forwarded, Ordering::Release);
        store.measure();
        Ok(store)
    }

    fn position_file(&self) -> PathBuf {
        self.path.join("forwarded")
    }

    /// Records that wait.
    fn waiting(&self) -> u64 {
        let end = self.log.range(Topic::Events, 0).map_or(0, |(_, end)| end);
        end.saturating_sub(self.forwarded.load(Ordering::Acquire))
    }

    fn measure(&self) {
        self.bytes.store(self.log.disk_bytes(Topic::Events, 0), Ordering::Release);
    }

    fn age_ms(&self, now_ms: i64) -> i64 {
        match self.oldest_ms.load(Ordering::Acquire) {
            0 => 0,
            oldest => (now_ms - oldest).max(0),
        }
    }
}

/// How events are being taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// The log acknowledges.
    Directly,
    /// The log does not; the spool does. Records that wait, and the age of the oldest.
    Spooled { records: u64, age: Duration },
    /// Nothing does, for this reason.
    Not(String),
}

/// The way into the log, with a spool beside it.
pub(crate) struct Spool {
    log: Arc<dyn Log>,
    store: Arc<Store>,
    config: SpoolConfig,
    /// True from the first append that was not answered in time until the log acknowledges again.
    suspended: watch::Sender<bool>,
    /// Why nothing is taken any more, once the log behind is closed for good: what would be kept now has its key, and so
    /// its place, from the settings of a log that is no more.
    superseded: OnceLock<String>,
    metrics: SpoolMetrics,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Spool {
    /// Opens the spool in front of `log` and begins to ship what it holds. Needs a running tokio runtime.
    pub(crate) async fn open(
        log: Arc<dyn Log>,
        config: SpoolConfig,
        metrics: SpoolMetrics,
    ) -> Result<Arc<Self>, LogError> {
        if config.max_bytes < LEAST_BYTES {
            let least = LEAST_BYTES >> 20;
            return Err(LogError::Misconfigured(format!(
                "a spool of less than {least} MiB cannot take and ship at once"
            )));
        }
        let (path, limit) = (config.path.clone(), config.max_record_bytes);
        let opening = tokio::task::spawn_blocking(move || Store::open(path, limit));
        let store = Arc::new(opening.await.map_err(|e| LogError::Unavailable(e.to_string()))??);
        if store.waiting() > 0 {
            tracing::info!(records = store.waiting(), path = %store.path.display(), "the spool holds records to be shipped");
        }
        // What waits has waited for a log that did not acknowledge; the first shipment says whether it does now.
        let suspended = watch::Sender::new(false);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let superseded = OnceLock::new();
        let spool = Arc::new(Self { log, store, config, suspended, superseded, metrics, stop, tasks });
        spool.tasks.spawn(forward::ship(Arc::clone(&spool), Arc::clone(&spool.store)));
        spool.tasks.spawn(forward::report(Arc::clone(&spool)));
        for path in spool.config.adopt.clone() {
            spool.tasks.spawn(forward::adopt(Arc::clone(&spool), path));
        }
        Ok(spool)
    }

    /// Appends to the log, or, where that does not answer in time, to the spool. `Ok`: durable in one of them.
    pub(crate) async fn append(&self, records: Vec<Record>) -> Result<(), LogError> {
        let mut suspended = self.suspended.subscribe();
        if !*suspended.borrow_and_update() {
            let answer = tokio::select! {
                answer = self.log.append(Topic::Events, records.clone()) => Some(answer),
                () = tokio::time::sleep(self.config.after) => None,
                // Somebody else has waited for as long as it takes: nobody else needs to.
                _ = suspended.wait_for(|suspended| *suspended) => None,
            };
            match answer {
                Some(Ok(_)) => return Ok(()),
                Some(Err(error @ (LogError::TooLarge { .. } | LogError::Superseded(_)))) => return Err(error),
                Some(Err(error)) => self.suspend(&error.to_string()),
                None => self.suspend("an append was not answered in time"),
            }
        }
        self.keep(records).await
    }

    async fn keep(&self, records: Vec<Record>) -> Result<(), LogError> {
        if let Some(why) = self.superseded.get() {
            return Err(LogError::Superseded(why.clone()));
        }
        let store = &self.store;
        let size: usize = records.iter().map(|record| record.key.len() + record.value.len()).sum();
        let count = records.len() as u64;
        if store.bytes.load(Ordering::Acquire) + size as u64 > self.config.max_bytes {
            let limit = self.config.max_bytes >> 20;
            return Err(LogError::Full(format!(
                "the log does not acknowledge and the spool holds its limit of {limit} MiB"
            )));
        }
        store.log.append(Topic::Events, records).await?;
        store.bytes.fetch_add(size as u64, Ordering::AcqRel);
        self.metrics.spooled.inc_by(count);
        Ok(())
    }

    fn suspend(&self, reason: &str) {
        let changed = self.suspended.send_if_modified(|suspended| !std::mem::replace(suspended, true));
        if changed {
            tracing::warn!(reason, "the log does not acknowledge; events go to the spool");
        }
    }

    fn resume(&self) {
        let changed = self.suspended.send_if_modified(|suspended| std::mem::replace(suspended, false));
        if changed {
            tracing::info!(waiting = self.store.waiting(), "the log acknowledges again");
        }
    }

    pub(crate) fn taking(&self) -> Taking {
        if let Some(why) = self.superseded.get() {
            return Taking::Not(why.clone());
        }
        if !*self.suspended.borrow() && self.log.healthy() {
            return Taking::Directly;
        }
        if self.store.bytes.load(Ordering::Acquire) >= self.config.max_bytes {
            return Taking::Not("the log does not acknowledge appends and the spool holds its limit".to_owned());
        }
        if !self.store.log.healthy() {
            return Taking::Not("the log does not acknowledge appends and the spool's disk takes none".to_owned());
        }
        let age = u64::try_from(self.store.age_ms(now_ms())).unwrap_or(0);
        Taking::Spooled { records: self.store.waiting(), age: Duration::from_millis(age) }
    }

    pub(crate) fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// Ships what waits for as long as the log acknowledges and `patience` allows, then closes the spool. What is left
    /// waits on the disk for the next process.
    pub(crate) async fn close(&self, patience: Duration) {
        let until = tokio::time::Instant::now() + patience;
        while self.store.waiting() > 0 && !*self.suspended.borrow() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if self.store.waiting() > 0 {
            let path = self.store.path.display();
            tracing::warn!(records = self.store.waiting(), %path, "the spool still holds records; they are shipped at the next start");
        }
        self.store.log.close().await;
    }
}

fn now_ms() -> i64 {
    crate::embedded::now_ms()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::embedded::power_cut::{Volatile, append_until_cut, values};

    /// What the spool has taken waits after a power cut, whatever became of the note of how far it was shipped.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_spooled_waits_after_a_power_cut() {
        for seed in 0..30 {
            let rng = &mut StdRng::seed_from_u64(seed);
            let dir = tempfile::tempdir().unwrap();
            let disk = Arc::new(Volatile::default());
            let path = dir.path().join("spool");
            let store = Store::open_on(path.clone(), 1 << 20, Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
            let taken = append_until_cut(&store.log, &disk, rng, 0).await;
            drop(store);
            let note = ["", "garb", "999999999", "7\n"][usize::try_from(seed % 4).unwrap()];
            fs::write(path.join("forwarded"), note).unwrap();
            let store = Store::open(path, 1 << 20).unwrap();
            let found: HashSet<_> = values(&store.log).await.unwrap().into_iter().collect();
            assert!(taken.iter().all(|(_, value)| found.contains(value)), "seed {seed}");
            let end = store.log.range(Topic::Events, 0).unwrap().1;
            let expected = if seed % 4 == 3 && end >= 7 { end - 7 } else { end };
            assert_eq!(store.waiting(), expected, "seed {seed}, {note:?}");
            store.log.close().await;
        }
    }
}
