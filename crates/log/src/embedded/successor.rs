//! Beginning a new log in the place of one that is used up (`avow migrate log`): another number of partitions, other keys.
//!
//! ```text
//! <path>            the old log, drained                  <path>          the new one
//! <path>.next       the new log, being prepared    ->     <path>-<id>     the old one, kept aside
//! ```
//! The new log is whole and synced before anything moves; then the old one is renamed aside and the new one into its
//! place. A kill before the first rename leaves the old log in force and the preparation is begun anew; a kill between the
//! two leaves no log, which [`EmbeddedLog::open`] refuses to mistake for a first start, and [`finish`] moves the new one in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::disk::{create_dir, sync_dir};
use super::{EmbeddedConfig, EmbeddedLog, identity};
use crate::{Log as _, LogError, LogIdentity, ReadLimit, Record, Topic};

const LIMIT: ReadLimit = ReadLimit { max_records: 1000, max_bytes: 4 << 20, max_wait: Duration::ZERO };

/// A point of [`succeed`] that has been passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The new log lies beside the old one, whole.
    Prepared,
    /// The old log is out of the way, and there is none in its place.
    MovedAside,
    /// The new log is in force.
    MovedIn,
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(what);
    path.with_file_name(name)
}

fn next(path: &Path) -> PathBuf {
    beside(path, ".next")
}

/// Where the log `log_id` that lay at `path` is kept.
#[must_use]
pub fn aside(path: &Path, log_id: Uuid) -> PathBuf {
    beside(path, &format!("-{log_id}"))
}

fn rename(from: &Path, to: &Path) -> Result<(), LogError> {
    let parent = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::rename(from, to)
        .and_then(|()| sync_dir(parent))
        .map_err(|e| LogError::Unavailable(format!("moving {} to {}: {e}", from.display(), to.display())))
}

/// Which log lies at `path`; `None` where there is none.
///
/// # Errors
/// Where its identity cannot be read.
pub fn identity_at(path: &Path) -> Result<Option<LogIdentity>, LogError> {
    identity::load(path)
}

/// Whether a kill between the two moves left no log at `path`.
#[must_use]
pub fn is_interrupted(path: &Path) -> bool {
    !path.exists() && next(path).join("identity.json").is_file()
}

/// Refuses a place whose log is between its two moves.
pub(super) fn refuse_interrupted(path: &Path) -> Result<(), LogError> {
    if !is_interrupted(path) {
        return Ok(());
    }
    Err(LogError::Misconfigured(format!(
        "`avow migrate log` was interrupted, the new log still lies at {}: run it again, with the same arguments",
        next(path).display()
    )))
}

/// Ends what a kill between the two moves left ([`is_interrupted`]).
///
/// # Errors
/// [`LogError::Unavailable`] where the directory cannot be moved.
pub fn finish(path: &Path) -> Result<(), LogError> {
    rename(&next(path), path)
}

/// Begins a new log in the place of `old`, with the number of partitions of `config`: the control topic is carried over,
/// followed by `settings`; events and refusals stay in the old log, which is closed and kept aside. The caller has seen to
/// it that all events of `old` are derived. `passed` is called after each step.
///
/// # Errors
/// The logs'. The old log is then in force still, or [`finish`] ends what was begun.
pub async fn succeed(
    old: &EmbeddedLog,
    config: EmbeddedConfig,
    settings: Vec<Record>,
    passed: &(dyn Fn(Step) + Sync),
) -> Result<LogIdentity, LogError> {
    let path = old.path.clone();
    // Nobody may open the old log between its closing and its moving.
    let held = old.lock.upgrade().ok_or_else(|| LogError::Unavailable("the old log is closed".to_owned()))?;
    let prepared = next(&path);
    let failed = |e: io::Error| LogError::Unavailable(format!("{}: {e}", prepared.display()));
    if prepared.exists() {
        fs::remove_dir_all(&prepared).map_err(failed)?;
    }
    create_dir(&prepared).map_err(failed)?;
    let identity = identity::create(&prepared, config.event_partitions, Some(old.identity.log_id))?;
    let new = EmbeddedLog::open(EmbeddedConfig { path: prepared.clone(), ..config })?;
    let copied = copy_control(old, &new, settings).await;
    new.close().await;
    copied?;
    passed(Step::Prepared);
    old.close().await;
    rename(&path, &aside(&path, old.identity.log_id))?;
    passed(Step::MovedAside);
    rename(&prepared, &path)?;
    passed(Step::MovedIn);
    drop(held);
    Ok(identity)
}

async fn copy_control(old: &EmbeddedLog, new: &EmbeddedLog, settings: Vec<Record>) -> Result<(), LogError> {
    let (mut from, end) = (old.start(Topic::Control, 0).await?, old.end(Topic::Control, 0).await?);
    while from < end {
        let chunk = old.read(Topic::Control, 0, from, LIMIT).await?;
        if chunk.next == from {
            return Err(LogError::Damaged(format!("the control topic cannot be read from {from} to its end {end}")));
        }
        from = chunk.next;
        let records = chunk.records.into_iter().map(|r| Record { key: r.key, value: r.value });
        new.append(Topic::Control, records.collect()).await?;
    }
    if !settings.is_empty() {
        new.append(Topic::Control, settings).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    fn record(key: &str, value: &str) -> Record {
        Record { key: key.to_owned().into(), value: value.to_owned().into() }
    }

    async fn control(log: &EmbeddedLog) -> Vec<(String, String)> {
        let chunk = log.read(Topic::Control, 0, log.start(Topic::Control, 0).await.unwrap(), LIMIT).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        chunk.records.iter().map(|r| (text(&r.key), text(&r.value))).collect()
    }

    /// A panic stands for the kill: nothing after it runs, and what holds the lock is gone.
    #[test]
    fn killed_after_any_step_and_run_again_there_is_one_new_log() {
        for killed_after in [Step::Prepared, Step::MovedAside, Step::MovedIn] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log");
            let config = |partitions| EmbeddedConfig {
                path: path.clone(),
                event_partitions: partitions,
                ..EmbeddedConfig::default()
            };
            let runtime = || tokio::runtime::Runtime::new().unwrap();
            let old = {
                let (runtime, log) = (runtime(), EmbeddedLog::open(config(2)).unwrap());
                runtime.block_on(log.append(Topic::Control, vec![record("a", "1"), record("b", "2")])).unwrap();
                runtime.block_on(log.append(Topic::Events, vec![record("site", "event")])).unwrap();
                let killed = catch_unwind(AssertUnwindSafe(|| {
                    let passed = |step| assert_ne!(step, killed_after, "killed");
                    runtime.block_on(succeed(&log, config(3), vec![record("c", "3")], &passed))
                }));
                assert!(killed.is_err());
                runtime.block_on(log.close());
                log.identity().clone()
            };
            if killed_after == Step::MovedAside {
                let refused = EmbeddedLog::open(config(3)).map(drop).unwrap_err().to_string();
                assert!(refused.contains("avow migrate log"), "{refused}");
            }
            assert_eq!(is_interrupted(&path), killed_after == Step::MovedAside);
            if is_interrupted(&path) {
                finish(&path).unwrap();
            }
            let runtime = runtime();
            let found = identity_at(&path).unwrap().unwrap();
            if found.log_id == old.log_id {
                let log = EmbeddedLog::open(config(2)).unwrap();
                runtime.block_on(succeed(&log, config(3), vec![record("c", "3")], &|_| {})).unwrap();
            }
            let log: Arc<EmbeddedLog> = EmbeddedLog::open(config(3)).unwrap();
            assert_eq!((log.identity().partitions, log.identity().follows), (3, Some(old.log_id)));
            let carried = [("a", "1"), ("b", "2"), ("c", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
            assert_eq!(runtime.block_on(control(&log)), carried, "after {killed_after:?}");
            for partition in 0..3 {
                assert_eq!(runtime.block_on(log.end(Topic::Events, partition)).unwrap(), 0);
            }
            let kept = EmbeddedConfig { path: aside(&path, old.log_id), ..config(2) };
            let kept = EmbeddedLog::open(kept).unwrap();
            assert_eq!(*kept.identity(), old);
        }
    }
}
