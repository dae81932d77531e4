//! What happens when the disk fails or is full. Writing, syncing and reserving are made to fail one by one by a [`Disk`]
//! that otherwise is the real one; a real full disk is a small tmpfs, where this process may mount one.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use avow_testkit::disk::SmallDisk;
use bytes::Bytes;

use super::disk::{Disk, RealDisk};
use super::{EmbeddedConfig, EmbeddedLog};
use crate::{Log, LogError, ReadLimit, Record, Topic};

/// A disk with switches.
#[derive(Default)]
struct Faulty {
    /// Reserving fails for want of room.
    full: AtomicBool,
    /// So many writes stop half-way and fail.
    half_writes: AtomicU32,
    /// So many syncs fail.
    failing_syncs: AtomicU32,
}

fn take(counter: &AtomicU32) -> bool {
    counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1)).is_ok()
}

impl Disk for Faulty {
    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        if self.full.load(Ordering::Acquire) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealDisk.allocate(file, len)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if take(&self.half_writes) {
            RealDisk.write_at(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if take(&self.failing_syncs) {
            return Err(io::Error::other("the disk does not answer"));
        }
        RealDisk.sync(file)
    }
}

fn record(value: impl Into<Bytes>) -> Record {
    Record { key: Bytes::from_static(b"site"), value: value.into() }
}

async fn append(log: &EmbeddedLog, value: &str) -> Result<u64, LogError> {
    Ok(log.append(Topic::Events, vec![record(value.to_owned())]).await?[0].position)
}

async fn values(log: &EmbeddedLog) -> Vec<Bytes> {
    let limit = ReadLimit { max_records: 10_000, max_bytes: 100 << 20, max_wait: Duration::ZERO };
    let chunk = log.read(Topic::Events, 0, 0, limit).await.unwrap();
    assert!(chunk.records.iter().map(|r| r.position).eq(0..chunk.next), "dense");
    chunk.records.into_iter().map(|r| r.value).collect()
}

fn config(dir: &std::path::Path) -> EmbeddedConfig {
    EmbeddedConfig {
        path: dir.join("log"),
        event_partitions: 1,
        segment_bytes: 256 * 1024,
        ..EmbeddedConfig::default()
    }
}

#[tokio::test]
async fn a_failed_sync_ends_the_segment_and_nothing_of_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let log = EmbeddedLog::open_on(config(dir.path()), Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
    // Once in a segment that holds acknowledged records, once in one that holds none yet.
    let mut expected = Vec::new();
    for round in 0..3 {
        expected.push(format!("kept {round}"));
        assert_eq!(append(&log, &expected[round]).await.unwrap(), round as u64);
        for _ in 0..round {
            disk.failing_syncs.store(1, Ordering::Release);
            let failed = append(&log, "never acknowledged").await;
            assert!(matches!(failed, Err(LogError::Unavailable(_))), "{failed:?}");
            assert!(!log.healthy());
            assert_eq!(log.end(Topic::Events, 0).await.unwrap(), round as u64 + 1);
            assert_eq!(values(&log).await, expected);
        }
    }
    assert_eq!(append(&log, "again").await.unwrap(), 3);
    expected.push("again".to_owned());
    assert!(log.healthy());
    log.close().await;
    drop(log);
    let log = EmbeddedLog::open(config(dir.path())).unwrap();
    assert_eq!(values(&log).await, expected);
}

#[tokio::test]
async fn a_write_that_stops_half_way_leaves_nothing_half_readable() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let log = EmbeddedLog::open_on(config(dir.path()), Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
    append(&log, "first").await.unwrap();
    disk.half_writes.store(1, Ordering::Release);
    let batch = (0..100).map(|i| record(format!("value {i} of a batch that is cut in two"))).collect();
    let failed = log.append(Topic::Events, batch).await;
    assert!(matches!(failed, Err(LogError::Full(_))), "{failed:?}");
    assert_eq!(values(&log).await, ["first"]);
    assert_eq!(append(&log, "second").await.unwrap(), 1);
    log.close().await;
    drop(log);
    assert_eq!(values(&EmbeddedLog::open(config(dir.path())).unwrap()).await, ["first", "second"]);
}

#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let log = EmbeddedLog::open_on(config(dir.path()), Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
    append(&log, "first").await.unwrap();
    disk.full.store(true, Ordering::Release);
    // What is reserved is still there to be used; then it is full.
    let mut written = vec![Bytes::from_static(b"first")];
    let full = loop {
        let value = Bytes::from(vec![b'x'; 10_000]);
        match log.append(Topic::Events, vec![record(value.clone())]).await {
            Ok(_) => written.push(value),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, LogError::Full(_)), "{full}");
    assert!(!log.healthy());
    assert_eq!(values(&log).await, written);
    disk.full.store(false, Ordering::Release);
    // Health comes back by itself: readiness keeps the traffic away that would show it.
    while !log.healthy() {
        tokio::task::yield_now().await;
    }
    append(&log, "last").await.unwrap();
    written.push(Bytes::from_static(b"last"));
    assert_eq!(values(&log).await, written);
}

#[tokio::test]
async fn a_really_full_disk_is_said_and_survived() {
    let Ok(disk) = SmallDisk::mount(3) else {
        eprintln!("mounting is not allowed here; the faulty disk above stands for it");
        return;
    };
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![1; 1 << 20]).unwrap();
    let config = EmbeddedConfig { segment_bytes: 1 << 20, ..config(disk.path()) };
    let log = EmbeddedLog::open(config.clone()).unwrap();
    let mut written = Vec::new();
    let mut fill = async || loop {
        let value = Bytes::from(format!("{:0>10000}", written.len()));
        match log.append(Topic::Events, vec![record(value.clone())]).await {
            Ok(_) => written.push(value),
            Err(error) => break (error, written.clone()),
        }
    };
    let (full, so_far) = fill().await;
    assert!(matches!(full, LogError::Full(_)), "{full}");
    assert!(so_far.len() > 100, "most of the two megabytes was used: {}", so_far.len());
    assert_eq!(values(&log).await, so_far);
    std::fs::remove_file(&ballast).unwrap();
    let (full, in_the_end) = fill().await;
    assert!(matches!(full, LogError::Full(_)), "{full}");
    assert!(in_the_end.len() > so_far.len() + 50, "the room that came back was used: {}", in_the_end.len());
    log.close().await;
    drop(log);
    // A full disk can be opened and read.
    let log = EmbeddedLog::open(config).unwrap();
    assert_eq!(values(&log).await, in_the_end);
}
