//! The reserve: what must stay free on the data directory's disk. Below it inserts are refused, and below twice that merges
//! are stopped, until there is room again.
//!
//! ClickHouse 26.7 does not survive a disk that fills while it merges: a merged part was taken into use whose file of marks
//! was empty, each of five times that a disk was filled under load, and its sources were gone soon after. An insert is
//! asked for its room before it begins; a merge that has begun is cancelled by stopping merges.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::thread::{sleep, spawn};
use std::time::Duration;

use crate::engine::Engine;

const POLL: Duration = Duration::from_millis(20);

/// Looks after the engine's disk for as long as there is an engine.
pub(crate) fn watch(engine: &Arc<Engine>, path: &Path, reserve_bytes: u64) {
    let (engine, path) = (Arc::downgrade(engine), path.to_owned());
    spawn(move || keep(&engine, &path, reserve_bytes));
}

fn keep(engine: &Weak<Engine>, path: &Path, reserve_bytes: u64) {
    let mut stopped = false;
    loop {
        sleep(POLL);
        let Some(engine) = engine.upgrade() else { return };
        let Ok(disk) = rustix::fs::statvfs(path) else { continue };
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        let (statement, stops) = match stopped {
            false if free_bytes < 2 * reserve_bytes => ("SYSTEM STOP MERGES", true),
            true if free_bytes > 3 * reserve_bytes => ("SYSTEM START MERGES", false),
            _ => continue,
        };
        match engine.command(statement) {
            Ok(()) => {
                stopped = stops;
                tracing::warn!(free_bytes, reserve_bytes, merges_stopped = stops, path = %path.display(), "engine.disk_reserve");
            }
            Err(error) => tracing::warn!(%error, statement, "engine.disk_reserve_not_kept"),
        }
    }
}
