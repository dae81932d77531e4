//! The writer: one thread per partition that turns waiting appends into frames, one frame and one sync for all that came
//! in while the sync before was under way (group commit).
//!
//! **When the disk fails.** After a failed write or sync nobody knows what the file holds, and a second sync that succeeds
//! proves nothing (the kernel may have dropped the pages). So the segment ends where it was last known to be durable, the
//! writer never touches it again, and the next append begins a new segment whose base is that end. Readers and the opening
//! of the log take frames of a segment only below the base of the next, so whatever remains of the failed write is dead.
//!
//! **When the disk is full**, that same path answers [`LogError::Full`]: room is reserved before it is written to, a
//! segment at a time, less where little is left. The writer tries again by itself, so health returns without traffic.

use std::fs::{self, File};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::compaction;
use super::disk::{Disk, is_full, sync_dir};
use super::frame::{FOOTER_LEN, HEADER_LEN, encoded_len};
use super::partition::{Active, Partition};
use super::segment::{self, SEGMENT_HEADER_LEN, Segment, SegmentHeader, SparseIndex};
use crate::{LogError, Record, Topic};

/// What one frame holds at most, unless a single record is larger.
pub(super) const GROUP_BYTES: usize = 4 << 20;
/// How often a writer, idle or busy, looks whether the disk has recovered or a segment has outlived its retention.
const TICK: Duration = Duration::from_secs(1);
/// Below this, a segment is not worth beginning.
const SMALLEST_SEGMENT: u64 = 64 * 1024;

/// What a writer is asked to do.
pub(super) enum Job {
    /// Append these (never empty) and answer the first one's position. The permit holds their share of the queue.
    Append {
        records: Vec<Record>,
        bytes: usize,
        answer: oneshot::Sender<Result<u64, LogError>>,
        _room: OwnedSemaphorePermit,
    },
    /// Remove or compact what may go now.
    Tidy(oneshot::Sender<()>),
    /// Answer what came before, then end.
    Close,
}

/// How a writer treats its partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub segment_bytes: u64,
    pub retention: Duration,
    pub compact_bytes: u64,
    pub tombstones_kept: Duration,
}

pub(super) struct Writer {
    partition: Arc<Partition>,
    disk: Arc<dyn Disk>,
    rules: Rules,
    queue: Receiver<Job>,
    active: Option<Active>,
    frame: Vec<u8>,
    /// Control topic: the size at which compaction is next worth its work.
    compact_at: u64,
    /// Keeps the log's path ours until the last writer has ended.
    _lock: Arc<File>,
}

type Waiting = (Vec<Record>, oneshot::Sender<Result<u64, LogError>>, OwnedSemaphorePermit);

impl Writer {
    pub fn new(
        (partition, active): (Arc<Partition>, Option<Active>),
        disk: Arc<dyn Disk>,
        rules: Rules,
        queue: Receiver<Job>,
        lock: Arc<File>,
    ) -> Self {
        let compact_at = rules.compact_bytes;
        Self { partition, disk, rules, queue, active, frame: Vec::new(), compact_at, _lock: lock }
    }

    /// Works until [`Job::Close`], or until nobody can send any more.
    pub fn run(mut self) {
        let mut next = None;
        let mut ticked = Instant::now();
        loop {
            if ticked.elapsed() >= TICK {
                self.tick();
                ticked = Instant::now();
            }
            let job = match next.take() {
                Some(job) => Ok(job),
                None => self.queue.recv_timeout(TICK),
            };
            match job {
                Ok(Job::Append { records, bytes, answer, _room }) => {
                    next = self.append_group((records, answer, _room), bytes);
                }
                Ok(Job::Tidy(answer)) => {
                    self.tidy();
                    // The one who asked may have gone away.
                    let _ = answer.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Job::Close) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.seal();
    }

    /// Appends `first` with everything that waits behind it; gives back a job that is not part of the group.
    fn append_group(&mut self, first: Waiting, first_bytes: usize) -> Option<Job> {
        let mut bytes = first_bytes;
        let mut group = vec![first];
        let mut left = None;
        while bytes < GROUP_BYTES {
            match self.queue.try_recv() {
                Ok(Job::Append { records, bytes: more, answer, _room }) if bytes + more <= GROUP_BYTES => {
                    bytes += more;
                    group.push((records, answer, _room));
                }
                Ok(other) => {
                    left = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        let result = self.commit(&group);
        self.partition.set_healthy(result.is_ok());
        let mut base = result;
        for (records, answer, _room) in group {
            let count = records.len() as u64;
            // An appender that went away has its records in the log all the same.
            let _ = answer.send(base.clone());
            base = base.map(|b| b + count);
        }
        if self.partition.home.topic == Topic::Control {
            self.compact_if_grown();
        }
        left
    }

    /// Makes one frame of `group` durable and visible; the answer is its first position.
    fn commit(&mut self, group: &[Waiting]) -> Result<u64, LogError> {
        let base = self.partition.end();
        let mut frame = std::mem::take(&mut self.frame);
        let records = group.iter().flat_map(|(records, _, _)| records);
        let count = self.partition.codec.encode(&mut frame, base, now_ms(), records);
        let written = self.write(&frame, base);
        frame.clear();
        frame.shrink_to(GROUP_BYTES + GROUP_BYTES / 4);
        self.frame = frame;
        written?;
        self.partition.set_end(base + u64::from(count));
        Ok(base)
    }

    fn write(&mut self, frame: &[u8], base: u64) -> Result<(), LogError> {
        self.make_room(frame.len() as u64)?;
        let Some(active) = self.active.as_mut() else {
            return Err(LogError::Unavailable("there is no segment to write to".to_owned()));
        };
        let written =
            self.disk.write_at(&active.file, frame, active.offset).and_then(|()| self.disk.sync(&active.file));
        match written {
            Ok(()) => {
                active.segment.note(base, active.offset);
                active.offset += frame.len() as u64;
                Ok(())
            }
            Err(error) => {
                let error = failure(&active.segment.path.display().to_string(), &error);
                tracing::error!(%error, position = base, "an append failed; the segment ends before it");
                self.seal();
                Err(error)
            }
        }
    }

    /// Ends the active segment where it is durable, and gives back the room it had reserved.
    fn seal(&mut self) {
        if let Some(active) = self.active.take()
            && let Err(error) = active.file.set_len(active.offset)
        {
            // Only room is lost: frames at or above the next segment's base are not read.
            tracing::warn!(%error, file = %active.segment.path.display(), "cannot cut a finished segment to its length");
        }
    }

    /// Sees to an active segment with room for `len` bytes.
    fn make_room(&mut self, len: u64) -> Result<(), LogError> {
        if self.active.as_ref().is_some_and(|a| a.offset + len <= a.capacity) {
            return Ok(());
        }
        self.seal();
        self.begin_segment(len)
    }

    fn begin_segment(&mut self, len: u64) -> Result<(), LogError> {
        let base = self.partition.end();
        let header = SegmentHeader { home: self.partition.home, base, created_at_ms: now_ms(), until: None, length: 0 };
        let least = len + SEGMENT_HEADER_LEN as u64;
        let mut capacity = self.rules.segment_bytes.max(least);
        let created = loop {
            let made = segment::create(&self.partition.dir, &header, |file| self.disk.allocate(file, capacity));
            match made {
                Err(e) if is_full(&e) && capacity > least.max(SMALLEST_SEGMENT) => {
                    capacity = (capacity / 4).max(least).max(SMALLEST_SEGMENT.min(capacity));
                }
                other => break other,
            }
        };
        let (path, file) = created.map_err(|e| failure(&self.partition.dir.display().to_string(), &e))?;
        let segment = Arc::new(Segment::new(header, path, Some(SparseIndex::default())));
        self.partition.change_segments(|segments| {
            // A segment that failed before its first frame was durable is replaced, as is its file.
            segments.retain(|s| s.base() != base || s.header.until.is_some());
            segments.push(Arc::clone(&segment));
        });
        self.active = Some(Active { segment, file, offset: SEGMENT_HEADER_LEN as u64, capacity });
        Ok(())
    }

    fn tick(&mut self) {
        if !self.partition.is_healthy() && self.make_room(0).is_ok() {
            tracing::info!(dir = %self.partition.dir.display(), "the log takes records again");
            self.partition.set_healthy(true);
        }
        self.tidy();
    }

    /// Removes what may go: segments past their retention whose events are derived; for the control topic, old values.
    fn tidy(&mut self) {
        if self.partition.home.topic == Topic::Control {
            self.compact_if_grown();
            return;
        }
        let retention = millis(self.rules.retention);
        // A quiet partition must forget too: its segment is ended once it spans an eighth of the retention.
        let outlived = |a: &Active| {
            a.offset > SEGMENT_HEADER_LEN as u64 && a.segment.header.created_at_ms + retention / 8 <= now_ms()
        };
        if self.active.as_ref().is_some_and(outlived) {
            self.seal();
            if let Err(error) = self.begin_segment(0) {
                tracing::warn!(%error, "cannot begin a new segment");
            }
        }
        let upto = match self.partition.home.topic {
            Topic::Events => self.partition.processed(),
            Topic::Control | Topic::Rejected => u64::MAX,
        };
        let segments = self.partition.segments();
        // A segment ended when its successor was created.
        let now = now_ms();
        let gone = segments
            .windows(2)
            .take_while(|pair| pair[1].base() <= upto && pair[1].header.created_at_ms + retention <= now)
            .count();
        if gone > 0 {
            self.remove(&segments[..gone]);
        }
    }

    fn remove(&self, gone: &[Arc<Segment>]) {
        self.partition.change_segments(|segments| {
            segments.drain(..gone.len());
        });
        // Oldest first, so that a crash in between leaves no hole.
        for segment in gone {
            if let Err(error) = fs::remove_file(&segment.path) {
                tracing::warn!(%error, file = %segment.path.display(), "cannot remove a segment that is no longer needed");
                return;
            }
            tracing::debug!(file = %segment.path.display(), "segment removed");
        }
        if let Err(error) = sync_dir(&self.partition.dir) {
            tracing::warn!(%error, dir = %self.partition.dir.display(), "cannot sync the directory");
        }
    }

    fn compact_if_grown(&mut self) {
        let mut size = self.active.as_ref().map_or(0, |a| a.offset);
        let segments = self.partition.segments();
        let finished = segments.len() - usize::from(self.active.is_some());
        for segment in &segments[..finished] {
            size += fs::metadata(&segment.path).map_or(0, |m| m.len());
        }
        if size < self.compact_at {
            return;
        }
        match self.compact() {
            Ok(left) => self.compact_at = self.rules.compact_bytes.max(left * 2),
            Err(error) => {
                tracing::warn!(%error, "cannot compact the control topic");
                self.compact_at = size + self.rules.compact_bytes;
            }
        }
    }

    /// Puts one compacted segment in the place of all that are written; the answer is its size.
    fn compact(&mut self) -> Result<u64, LogError> {
        let old = self.partition.segments();
        let until = self.partition.end();
        if self.active.as_ref().is_none_or(|a| a.segment.base() == until) {
            return Ok(0);
        }
        self.seal();
        let keep_tombstones_from = now_ms() - millis(self.rules.tombstones_kept);
        let (compacted, size) = compaction::write(&self.partition, &old, until, now_ms(), keep_tombstones_from)?;
        self.partition.change_segments(|segments| {
            segments.clear();
            segments.push(Arc::new(compacted));
        });
        for segment in old.iter() {
            if let Err(error) = fs::remove_file(&segment.path) {
                // The next opening removes it: the compacted segment covers it.
                tracing::warn!(%error, file = %segment.path.display(), "cannot remove a compacted segment");
            }
        }
        self.begin_segment(0)?;
        Ok(size)
    }
}

impl Drop for Writer {
    /// Also on a panic: whoever waits is answered (their senders go), and health says so.
    fn drop(&mut self) {
        self.partition.set_healthy(false);
    }
}

fn failure(place: &str, error: &io::Error) -> LogError {
    let text = format!("{place}: {error}");
    if is_full(error) { LogError::Full(text) } else { LogError::Unavailable(text) }
}

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Bytes that a group of these records takes, which is what queues and groups are measured in.
pub(super) fn batch_bytes(records: &[Record]) -> usize {
    HEADER_LEN + FOOTER_LEN + records.iter().map(encoded_len).sum::<usize>()
}
