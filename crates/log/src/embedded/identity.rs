//! Who owns the path, and which log lies there: the lock file and `identity.json`.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::disk::sync_dir;
use crate::{LogError, LogIdentity};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    log_id: Uuid,
    event_partitions: u32,
    /// The log before, where a migration began this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follows: Option<Uuid>,
}

fn unavailable(path: &Path, error: &io::Error) -> LogError {
    LogError::Unavailable(format!("{}: {error}", path.display()))
}

/// Takes the path for this process, for as long as the file stays open.
pub(super) fn lock(dir: &Path) -> Result<File, LogError> {
    let path = dir.join("LOCK");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| unavailable(&path, &e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Only for the message: a process that has just started may not have written its number yet.
            let _ = file.read_to_string(&mut owner);
            return Err(LogError::Misconfigured(format!(
                "another process (pid {}) owns the log at {}: stop it, or give this one another data directory",
                owner.trim(),
                dir.display()
            )));
        }
        Err(TryLockError::Error(e)) => return Err(unavailable(&path, &e)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(|e| unavailable(&path, &e))?;
    Ok(file)
}

/// The identity of the log at `dir`, if there is one.
pub(super) fn load(dir: &Path) -> Result<Option<LogIdentity>, LogError> {
    let path = dir.join("identity.json");
    let stored: Stored = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|e| LogError::Damaged(format!("{}: {e}; restore this file from a backup", path.display())))?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unavailable(&path, &e)),
    };
    if stored.format != FORMAT {
        return Err(LogError::Misconfigured(format!(
            "the log at {} has format {}, this version reads format {FORMAT}",
            dir.display(),
            stored.format
        )));
    }
    Ok(Some(LogIdentity { log_id: stored.log_id, partitions: stored.event_partitions, follows: stored.follows }))
}

/// The identity of the log at `dir`, made up at random if nothing is there yet.
pub(super) fn load_or_create(dir: &Path, event_partitions: u32) -> Result<LogIdentity, LogError> {
    let Some(identity) = load(dir)? else { return create(dir, event_partitions, None) };
    if identity.partitions != event_partitions {
        return Err(LogError::Misconfigured(format!(
            "the log at {} has {has} event partitions, {event_partitions} are configured: keys would change their \
             partition. Configure log.partitions = {has}, or go over to a new log: stop Avow and run `avow migrate log \
             --partitions {event_partitions}`",
            dir.display(),
            has = identity.partitions,
        )));
    }
    Ok(identity)
}

/// Makes up an identity for the empty directory `dir` and writes it there.
pub(super) fn create(dir: &Path, event_partitions: u32, follows: Option<Uuid>) -> Result<LogIdentity, LogError> {
    let path = &dir.join("identity.json");
    for entry in fs::read_dir(dir).map_err(|e| unavailable(dir, &e))? {
        let entry = entry.map_err(|e| unavailable(dir, &e))?;
        if entry.path().is_dir() {
            return Err(LogError::Damaged(format!(
                "{} is missing, but {} is there: restore it from a backup, or empty the directory",
                path.display(),
                entry.path().display()
            )));
        }
    }
    let stored = Stored { format: FORMAT, log_id: Uuid::new_v4(), event_partitions, follows };
    let write = || {
        let temporary = path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        serde_json::to_writer(&mut file, &stored)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_dir(dir)
    };
    write().map_err(|e| unavailable(path, &e))?;
    Ok(LogIdentity { log_id: stored.log_id, partitions: event_partitions, follows })
}
