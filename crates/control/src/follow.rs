//! Following the control topic, and changing it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use avow_log::{Log, LogError, ReadLimit, Record, StoredRecord, Topic};
use avow_schemas::control::{ControlValue, Scope, TokenRecord, WriterSchema};
use avow_schemas::ids::{EventId, SiteId};
use avow_schemas::record::{ControlKind, ControlRecord, Framing, LogRecord, derived_id, keys};
use avow_schemas::settings::{InvalidSettings, SiteSettings, SiteVersion};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::directory::Directory;
use crate::snapshot::{Kept, Place};
use crate::token::{self, Caller};

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
        let record = directory.token(token::id_of(token)?)?;
        let expired = record.expires_at.is_some_and(|at| at <= now());
        (same(&record.hash, &hash) && !expired).then(|| Caller::of(record))
    }

    /// Creates or replaces a site's settings. Returns once that is durable, in force here, and its settings record lies
    /// in the site's partition of the events topic. Settings equal to the current ones make no new version.
    ///
    /// # Errors
    /// Invalid settings, another number of shards than the site has, or a log that does not take them.
    pub async fn put_site(&self, site: &SiteId, settings: SiteSettings) -> Result<Arc<SiteVersion>, ControlError> {
        let settings = settings.checked()?;
        if let Some(current) = self.directory().site(site.as_str()).map(|h| Arc::clone(h.current())) {
            if current.settings == settings {
                self.write_settings_leaf(&current).await?;
                return Ok(current);
            }
            let (shards, asked) = (current.settings.ledger.shards, settings.ledger.shards);
            if shards != asked {
                return Err(ControlError::ShardsFixed { site: site.clone(), current: shards, asked });
            }
        }
        self.append(vec![version(site, settings.clone())?]).await?;
        let directory = self.directory();
        // A racing change of the same site may already have followed; ours is the newest version that says what we said.
        let mine =
            directory.site(site.as_str()).and_then(|h| h.versions().iter().rev().find(|v| v.settings == settings));
        let mine = Arc::clone(mine.ok_or(ControlError::NotYetInForce)?);
        self.write_settings_leaf(&mine).await?;
        Ok(mine)
    }

    /// Writes the settings records that a crash between the two appends may have left out. They are idempotent.
    ///
    /// # Errors
    /// Where the log does not take them.
    pub async fn reconcile_settings_leaves(&self) -> Result<(), ControlError> {
        for (_, history) in self.directory().sites() {
            self.write_settings_leaf(history.current()).await?;
        }
        Ok(())
    }

    async fn write_settings_leaf(&self, version: &SiteVersion) -> Result<(), ControlError> {
        let body = serde_json_canonicalizer::to_string(version).map_err(|e| ControlError::Encode(e.to_string()))?;
        // One for each key, with an id of its own: two shards that share a partition have a ledger each.
        let record = |key: String| {
            let record = ControlRecord {
                id: EventId(derived_id(&format!("settings/{key}/{}", version.version.0))),
                site: version.site.clone(),
                kind: ControlKind::SettingsVersion,
                version: version.version.0,
                made_at: version.in_force_from,
                body: body.clone(),
            };
            let value = self.framing().encode(&LogRecord::ControlRecord(record));
            let value = value.map_err(|e| ControlError::Encode(e.to_string()))?;
            Ok::<_, ControlError>(Record { key: key.into(), value: value.into() })
        };
        let keys = keys(&version.site, version.settings.ledger.shards);
        let records = keys.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
        self.log.append(Topic::Events, records).await?;
        Ok(())
    }

    /// Makes a token; its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn create_token(
        &self,
        name: &str,
        scopes: Vec<Scope>,
        sites: Option<Vec<SiteId>>,
        expires_at: Option<i64>,
    ) -> Result<NewToken, ControlError> {
        let (id, secret) = token::fresh().map_err(|e| ControlError::Randomness(e.to_string()))?;
        let record = TokenRecord {
            id,
            name: name.into(),
            hash: token::hash(&secret),
            scopes,
            sites,
            made_at: now(),
            expires_at,
        };
        self.put(&format!("token/{id}"), Some(&ControlValue::Token(record.clone()))).await?;
        Ok(NewToken { record, secret })
    }

    /// Revokes a token. `false` where there is none of that id.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn revoke_token(&self, id: Uuid) -> Result<bool, ControlError> {
        if self.directory().token(id).is_none() {
            return Ok(false);
        }
        self.put(&format!("token/{id}"), None).await?;
        Ok(true)
    }

    /// The records that give these sites other numbers of shards, of those whose number is another now. They are for the
    /// control topic of a log that is only being begun ([`Control::append`] where that is this one's).
    ///
    /// # Errors
    /// A site that is not there, a number that is not allowed.
    pub fn resharded(&self, shards: &[(SiteId, u32)]) -> Result<Vec<Record>, ControlError> {
        let directory = self.directory();
        let mut records = Vec::new();
        for (site, shards) in shards {
            let unknown = || InvalidSettings { field: "site".into(), problem: format!("there is no site {site}") };
            let mut settings = directory.site(site.as_str()).ok_or_else(unknown)?.current().settings.clone();
            if settings.ledger.shards != *shards {
                settings.ledger.shards = *shards;
                records.push(version(site, settings.checked()?)?);
            }
        }
        Ok(records)
    }

    async fn put(&self, key: &str, value: Option<&ControlValue>) -> Result<(), ControlError> {
        self.append(vec![record(key, value)?]).await
    }

    /// Appends records of the control topic. Returns once they are durable and applied here.
    ///
    /// # Errors
    /// Where the log does not take them.
    pub async fn append(&self, records: Vec<Record>) -> Result<(), ControlError> {
        let positions = self.log.append(Topic::Control, records).await?;
        self.reaches(positions.last().map_or(0, |p| p.position + 1)).await
    }

    /// Waits until everything below `end` is applied.
    async fn reaches(&self, end: u64) -> Result<(), ControlError> {
        let mut applied = self.applied.subscribe();
        let waited = tokio::time::timeout(IN_FORCE_WITHIN, applied.wait_for(|applied| *applied >= end)).await;
        waited.map_err(|_| ControlError::NotYetInForce)?.map_err(|_| ControlError::NotYetInForce)?;
        Ok(())
    }
}

/// A new version of a site's settings.
fn version(site: &SiteId, settings: SiteSettings) -> Result<Record, ControlError> {
    let value = ControlValue::Site { site: site.clone(), made_at: now(), settings };
    record(&format!("site/{site}/{}", Uuid::now_v7()), Some(&value))
}

/// A record of the control topic; no value deletes the key.
fn record(key: &str, value: Option<&ControlValue>) -> Result<Record, ControlError> {
    let value = match value {
        Some(value) => serde_json::to_vec(value).map_err(|e| ControlError::Encode(e.to_string()))?,
        None => Vec::new(),
    };
    Ok(Record { key: key.to_owned().into(), value: value.into() })
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Compares hashes without telling by time where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
    use avow_schemas::record::SchemaRef;

    fn log_in(dir: &std::path::Path) -> Arc<dyn Log> {
        let config = EmbeddedConfig { path: dir.join("log"), ..EmbeddedConfig::default() };
        EmbeddedLog::open(config).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_schema_is_published_once_and_older_versions_pass_over_what_they_do_not_know() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_in(dir.path());
        let later = Record { key: "later/1".into(), value: br#"{"kind":"later","made_at":1}"#.as_slice().into() };
        log.append(Topic::Control, vec![later]).await.unwrap();
        for round in 0..3 {
            let control = Control::start(Arc::clone(&log), None, CancellationToken::new()).await.unwrap();
            assert_eq!(control.directory().schema(SchemaRef::own()).is_some(), round > 0);
            control.write_as(Framing::SingleObject).await.unwrap();
            control.write_as(Framing::SingleObject).await.unwrap();
            assert_eq!(log.end(Topic::Control, 0).await.unwrap(), 2);
        }
        let control = Control::start(Arc::clone(&log), None, CancellationToken::new()).await.unwrap();
        control.write_as(Framing::Registered(7)).await.unwrap();
        assert_eq!(control.framing(), Framing::Registered(7));
        assert_eq!(control.directory().schema(SchemaRef::Id(7)), Some(avow_schemas::record::SCHEMA_V1));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn shards_change_with_the_log_alone() {
        let dir = tempfile::tempdir().unwrap();
        let config = EmbeddedConfig { path: dir.path().join("log"), ..EmbeddedConfig::default() };
        let control = Control::start(EmbeddedLog::open(config).unwrap(), None, CancellationToken::new()).await.unwrap();
        let site = SiteId::new("shop.example").unwrap();
        let mut settings = SiteSettings::named("Shop");
        settings.ledger.shards = 4;
        control.put_site(&site, settings.clone()).await.unwrap();
        settings.ledger.shards = 2;
        let refused = control.put_site(&site, settings.clone()).await.unwrap_err();
        assert!(matches!(refused, ControlError::ShardsFixed { current: 4, asked: 2, .. }), "{refused}");
        assert!(refused.to_string().contains("avow migrate log --shards shop.example=2"), "{refused}");

        assert!(control.resharded(&[(site.clone(), 4)]).unwrap().is_empty());
        assert!(control.resharded(&[(site.clone(), 0)]).is_err());
        assert!(control.resharded(&[(SiteId::new("other.example").unwrap(), 2)]).is_err());
        let records = control.resharded(&[(site.clone(), 2)]).unwrap();
        control.append(records).await.unwrap();
        assert_eq!(control.directory().site(site.as_str()).unwrap().current().settings, settings);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_catches_up_knows_what_another_process_has_put() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_in(dir.path());
        let start = || Control::start(Arc::clone(&log), None, CancellationToken::new());
        let (writer, reader) = (start().await.unwrap(), start().await.unwrap());
        let site = SiteId::new("shop.example").unwrap();
        for n in 1..50 {
            let name = format!("Shop {n}");
            writer.put_site(&site, SiteSettings::named(&name)).await.unwrap();
            reader.catch_up().await.unwrap();
            assert_eq!(reader.directory().site(site.as_str()).unwrap().current().settings.name, name);
        }
    }
}
