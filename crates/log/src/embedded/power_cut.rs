//! A power cut, not only a kill: what was written and not synced is there, or not, or in part, sector by sector. Under the
//! embedded log, and under the spool, which is one.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::disk::{Disk, RealDisk};
use super::{EmbeddedConfig, EmbeddedLog};
use crate::{Log, LogError, ReadLimit, Record, Topic};

const SECTOR: u64 = 512;

/// A disk that remembers how to take back what was not synced.
#[derive(Default)]
pub(crate) struct Volatile {
    state: Mutex<State>,
    /// It says that it has synced, and has not.
    lies: bool,
}

#[derive(Default)]
struct State {
    /// By inode, oldest first.
    unsynced: HashMap<u64, Vec<Change>>,
    off: bool,
}

/// What a file held before a write, or how long it was before it was made longer.
struct Change {
    file: File,
    offset: u64,
    before: Vec<u8>,
    length: u64,
}

impl Volatile {
    fn change(&self, file: &File, offset: u64, len: usize, apply: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        if state.off {
            return Err(io::Error::other("the power is off"));
        }
        let meta = file.metadata()?;
        let there = meta.len().saturating_sub(offset).min(len as u64);
        let mut before = vec![0; usize::try_from(there).unwrap()];
        file.read_exact_at(&mut before, offset)?;
        before.resize(len, 0);
        let change = Change { file: file.try_clone()?, offset, before, length: meta.len() };
        state.unsynced.entry(meta.ino()).or_default().push(change);
        apply()
    }

    /// The power goes: each sector that was written since its file's last sync stays or goes back, as `rng` has it.
    pub(crate) fn cut(&self, rng: &mut StdRng) {
        let mut state = self.state.lock().unwrap();
        state.off = true;
        for changes in std::mem::take(&mut state.unsynced).into_values() {
            let odds = [0.0, 0.5, 1.0][rng.random_range(0..3)];
            let mut stay = HashSet::new();
            for change in changes.into_iter().rev() {
                let mut at = change.offset;
                for piece in change.before.chunks(usize::try_from(SECTOR).unwrap()) {
                    if rng.random_bool(odds) {
                        stay.insert(at / SECTOR);
                    } else if !stay.contains(&(at / SECTOR)) {
                        change.file.write_all_at(piece, at).unwrap();
                    }
                    at += piece.len() as u64;
                }
                if stay.is_empty() {
                    change.file.set_len(change.length).unwrap();
                }
            }
        }
    }
}

impl Disk for Volatile {
    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        self.change(file, 0, 0, || RealDisk.allocate(file, len))
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(file, offset, bytes.len(), || RealDisk.write_at(file, bytes, offset))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        if state.off {
            return Err(io::Error::other("the power is off"));
        }
        RealDisk.sync(file)?;
        if !self.lies {
            state.unsynced.remove(&file.metadata()?.ino());
        }
        Ok(())
    }
}

/// Appends from several sides until the power goes; what was acknowledged.
pub(crate) async fn append_until_cut(
    log: &Arc<EmbeddedLog>,
    disk: &Volatile,
    rng: &mut StdRng,
    round: u32,
) -> Vec<(u64, Bytes)> {
    let tasks: Vec<_> = (0..3)
        .map(|task| {
            let (log, mut rng) = (Arc::clone(log), StdRng::seed_from_u64(rng.random()));
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0.. {
                    let values: Vec<Bytes> = (0..rng.random_range(1..20))
                        .map(|i| format!("{round} {task} {n} {i} {}", "x".repeat(rng.random_range(0..700))).into())
                        .collect();
                    let record = |value: &Bytes| Record { key: Bytes::from_static(b"site"), value: value.clone() };
                    let Ok(at) = log.append(Topic::Events, values.iter().map(record).collect()).await else { break };
                    acknowledged.extend(at.into_iter().map(|at| at.position).zip(values));
                }
                acknowledged
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_micros(rng.random_range(0..20_000))).await;
    disk.cut(rng);
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    log.close().await;
    all
}

/// All values from the first position on.
pub(crate) async fn values(log: &EmbeddedLog) -> Result<Vec<Bytes>, LogError> {
    let limit = ReadLimit { max_records: usize::MAX, max_bytes: usize::MAX, max_wait: Duration::ZERO };
    let (mut at, mut values) = (0, Vec::new());
    loop {
        let chunk = log.read(Topic::Events, 0, at, limit).await?;
        if chunk.records.is_empty() {
            return Ok(values);
        }
        assert!(chunk.records.iter().map(|r| r.position).eq(at..chunk.next), "dense");
        values.extend(chunk.records.into_iter().map(|r| r.value));
        at = chunk.next;
    }
}

/// Cuts the power of one log four times and opens it again. How many records were promised, and how many of them are gone.
async fn cut_four_times(seed: u64, lies: bool) -> (usize, usize) {
    let rng = &mut StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig {
        path: dir.path().join("log"),
        event_partitions: 1,
        segment_bytes: 64 << 10,
        ..EmbeddedConfig::default()
    };
    let mut expected: HashMap<u64, Bytes> = HashMap::new();
    let mut gone = 0;
    for round in 0..4 {
        let disk = Arc::new(Volatile { lies, ..Volatile::default() });
        let log = EmbeddedLog::open_on(config.clone(), Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
        expected.extend(append_until_cut(&log, &disk, rng, round).await);
        drop(log);
        // Damage that is noticed is a loss all the same.
        let Ok(log) = EmbeddedLog::open(config.clone()) else { return (expected.len(), expected.len()) };
        let Ok(found) = values(&log).await else { return (expected.len(), expected.len()) };
        let there = |(at, value): &(&u64, &Bytes)| found.get(usize::try_from(**at).unwrap()) == Some(value);
        gone += expected.iter().filter(|record| !there(record)).count();
        log.close().await;
    }
    (expected.len(), gone)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_a_power_cut() {
    let mut promised = 0;
    for seed in 0..60 {
        let (records, gone) = cut_four_times(seed, false).await;
        assert_eq!(gone, 0, "seed {seed}");
        promised += records;
    }
    println!("{promised} records were promised before 240 cuts");
}

/// So the test above would see it, if the log did not sync before it acknowledges.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_lies_about_syncing_loses_some() {
    let mut lost = 0;
    for seed in 0..5 {
        lost += cut_four_times(seed, true).await.1;
    }
    assert!(lost > 0);
}
