//! Following the control topic. Changing it is `follow/change.rs`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use avow_log::{Log, LogError, ReadLimit, StoredRecord, Topic};
use avow_schemas::banner::InvalidArtefact;
use avow_schemas::control::{ControlValue, TokenRecord, WriterSchema};
use avow_schemas::ids::SiteId;
use avow_schemas::record::Framing;
use avow_schemas::settings::InvalidSettings;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::directory::Directory;
use crate::snapshot::{Kept, Place};
use crate::token::{self, Caller, Secret};

mod banners;
mod change;
mod hooks;
mod identities;
mod ledger_keys;
mod people;
mod rights;
mod services;
mod sessions;
mod shares;

pub use people::{NewPerson, PeopleError, PersonChange};
pub use rights::{Asked, MarkKind};
pub use sessions::NewSession;
pub use shares::NewShare;

const LIMIT: ReadLimit = ReadLimit { max_records: 1000, max_bytes: 8 << 20, max_wait: Duration::from_millis(500) };
/// How long this process's follower may take to read what is known to be in the topic.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("{0}")]
    Invalid(#[from] InvalidSettings),
    /// Another number of shards for a site that exists.
    #[error(
        "ledger.shards of {site} is {current} and stays so while the log is in use: with {asked}, its subjects' events \
         would move to partitions that do not know their ids. Stop Avow and run `avow migrate log --shards {site}={asked}`"
    )]
    ShardsFixed { site: SiteId, current: u32, asked: u32 },
    #[error("there is no site {0}")]
    UnknownSite(SiteId),
    #[error(transparent)]
    InvalidArtefact(#[from] InvalidArtefact),
    #[error("what is durable in the control topic has not been read back within {} s", IN_FORCE_WITHIN.as_secs())]
    NotYetInForce,
    #[error("no randomness: {0}")]
    Randomness(String),
    #[error("cannot encode: {0}")]
    Encode(String),
}

/// A token just made. `secret` is shown once and kept nowhere.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub record: TokenRecord,
    pub secret: String,
}

/// The control plane of this process.
pub struct Control {
    log: Arc<dyn Log>,
    directory: RwLock<Arc<Directory>>,
    /// One past the last position that is applied.
    applied: watch::Sender<u64>,
    bootstrap: Option<String>,
    framing: OnceLock<Framing>,
    snapshot: Option<Place>,
    /// True while this process goes on with a snapshot, since the log has not answered yet.
    stale: AtomicBool,
    /// One change of people at a time in this process.
    people: Mutex<()>,
    /// Sessions whose use is being noted.
    noting: std::sync::Mutex<HashSet<Uuid>>,
}

/// What was read of the topic: what it says, and the records that say it.
#[derive(Default)]
struct Read {
    directory: Directory,
    kept: Kept,
}

impl Read {
    fn apply(&mut self, record: &StoredRecord) {
        let key = String::from_utf8_lossy(&record.key);
        let value = match record.value.as_ref() {
            b"" => None,
            value => match serde_json::from_slice::<ControlValue>(value) {
                Ok(value) => Some(value),
                // Another version may write kinds that this one does not know: they are not for this one.
                Err(error) => {
                    tracing::warn!(%key, position = record.position, %error, "control.not_understood");
                    return;
                }
            },
        };
        self.kept.apply(record.position, &key, value.as_ref());
        self.directory.apply(&key, value);
    }
}

impl Control {
    /// Reads the topic to its end, then follows it until `shutdown`. `bootstrap` is the token of the configuration that
    /// has every scope.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn start(
        log: Arc<dyn Log>,
        bootstrap: Option<&str>,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, ControlError> {
        Self::start_with(log, bootstrap, None, shutdown).await
    }

    /// As [`Control::start`], with a snapshot in the file `snapshot`: what the topic says is kept there, and gone on with
    /// where the log does not answer at the start, until it does.
    ///
    /// # Errors
    /// Where the log cannot be read and there is no snapshot of it.
    pub async fn start_with(
        log: Arc<dyn Log>,
        bootstrap: Option<&str>,
        snapshot: Option<PathBuf>,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, ControlError> {
        let log_id = log.identity().log_id;
        let control = Arc::new(Self {
            log,
            directory: RwLock::default(),
            applied: watch::Sender::new(0),
            bootstrap: bootstrap.map(token::hash),
            framing: OnceLock::new(),
            snapshot: snapshot.map(|path| Place { path, log_id }),
            stale: AtomicBool::new(false),
            people: Mutex::default(),
            noting: std::sync::Mutex::default(),
        });
        let read = match control.read_whole().await {
            Ok(read) => Some(read),
            Err(LogError::Unavailable(why)) if control.go_on_with_snapshot(&why) => None,
            Err(error) => return Err(error.into()),
        };
        let follower = Arc::clone(&control);
        tokio::spawn(async move { follower.follow(read, shutdown).await });
        Ok(control)
    }

    /// Takes what the snapshot says for what the topic says; whether there is one.
    fn go_on_with_snapshot(&self, why: &str) -> bool {
        let Some(place) = &self.snapshot else { return false };
        let lines = match place.read() {
            Ok(lines) => lines,
            Err(error) => {
                tracing::info!(%error, path = %place.path.display(), "control.no_snapshot");
                return false;
            }
        };
        let mut directory = Directory::default();
        lines.into_iter().for_each(|line| directory.apply(&line.key, Some(line.value)));
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
        self.stale.store(true, Ordering::Release);
        tracing::warn!(why, "control.goes_on_with_snapshot");
        true
    }

    /// Whether this process goes on with what the topic said when it was last seen.
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    async fn follow(&self, mut read: Option<Read>, shutdown: CancellationToken) {
        let mut unwritten = true;
        loop {
            let step = async {
                match &mut read {
                    Some(read) => self.step(read).await,
                    None => {
                        read = Some(self.read_whole().await?);
                        Ok(true)
                    }
                }
            };
            let step = tokio::select! {
                () = shutdown.cancelled() => return,
                step = step => step,
            };
            match step {
                Ok(true) => unwritten = true,
                // Quiet for a moment: the time to write.
                Ok(false) if unwritten => {
                    unwritten = false;
                    self.write_snapshot(&mut read).await;
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "control.read_failed");
                    tokio::select! {
                        () = shutdown.cancelled() => return,
                        () = tokio::time::sleep(Duration::from_millis(500)) => {}
                    }
                }
            }
        }
    }

    async fn write_snapshot(&self, read: &mut Option<Read>) {
        let (Some(place), Some(taken)) = (self.snapshot.clone(), read.take()) else { return };
        let writing = tokio::task::spawn_blocking(move || {
            if let Err(error) = taken.kept.write(&place.path, place.log_id) {
                tracing::warn!(%error, path = %place.path.display(), "control.snapshot_not_written");
            }
            taken
        });
        // A panic there leaves nothing to go on with: the topic is read anew.
        *read = writing.await.ok();
    }

    /// Reads the topic from its beginning to its end.
    async fn read_whole(&self) -> Result<Read, LogError> {
        let mut next = self.log.start(Topic::Control, 0).await?;
        let end = self.log.end(Topic::Control, 0).await?;
        let mut read = Read::default();
        while next < end {
            let chunk = self.log.read(Topic::Control, 0, next, LIMIT).await?;
            chunk.records.iter().for_each(|record| read.apply(record));
            next = chunk.next;
        }
        self.put_in_force(&read, next);
        if self.stale.swap(false, Ordering::AcqRel) {
            tracing::info!("control.read_anew");
        }
        Ok(read)
    }

    /// Reads on; whether there was something.
    async fn step(&self, read: &mut Read) -> Result<bool, LogError> {
        let from = *self.applied.borrow();
        let chunk = self.log.read(Topic::Control, 0, from, LIMIT).await?;
        if chunk.next == from {
            return Ok(false);
        }
        chunk.records.iter().for_each(|record| read.apply(record));
        self.put_in_force(read, chunk.next);
        Ok(!chunk.records.is_empty())
    }

    fn put_in_force(&self, read: &Read, upto: u64) {
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read.directory.clone());
        self.applied.send_replace(upto);
    }

    /// The current snapshot: cheap, never blocks on the log.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once the directory holds everything that was in the topic when this was called.
    ///
    /// # Errors
    /// Where the log cannot be read, or this process's follower does not get there in time.
    pub async fn catch_up(&self) -> Result<(), ControlError> {
        let end = self.log.end(Topic::Control, 0).await?;
        self.reaches(end).await
    }

    /// Publishes this process's schema where it is not there yet, and frames so what is written from now on. To be called
    /// before the first record: whoever reads a record finds its schema here, whichever version wrote it.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn write_as(&self, framing: Framing) -> Result<(), ControlError> {
        let schema = WriterSchema::own(framing, now());
        if !self.directory().has_published(&schema) {
            self.put(&schema.key(), Some(&ControlValue::Schema(schema.clone()))).await?;
        }
        let _ = self.framing.set(framing);
        Ok(())
    }

    /// How this process frames the records of the events topic: single-object encoding unless [`Control::write_as`] says
    /// otherwise.
    pub fn framing(&self) -> Framing {
        self.framing.get().copied().unwrap_or_default()
    }

    /// A receiver that changes whenever the directory has.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Who holds this token now; `None` where it is none of ours, revoked or expired.
    pub fn authenticate(&self, token: &str) -> Option<Caller> {
        let hash = token::hash(token);
        if self.bootstrap.as_deref().is_some_and(|bootstrap| same(bootstrap, &hash)) {
            return Some(Caller::bootstrap());
        }
        let directory = self.directory();
        let record = directory.token(token::id_of(Secret::Token, token)?)?;
        let expired = record.expires_at.is_some_and(|at| at <= now());
        (same(&record.hash, &hash) && !expired).then(|| Caller::of(record))
    }

    /// Waits until everything below `end` is applied.
    async fn reaches(&self, end: u64) -> Result<(), ControlError> {
        let mut applied = self.applied.subscribe();
        let waited = tokio::time::timeout(IN_FORCE_WITHIN, applied.wait_for(|applied| *applied >= end)).await;
        waited.map_err(|_| ControlError::NotYetInForce)?.map_err(|_| ControlError::NotYetInForce)?;
        Ok(())
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Compares hashes without telling by time where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
