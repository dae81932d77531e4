//! One partition on disk: what its readers and its writer share, and how it is opened after whatever happened.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use super::disk::{self, Disk};
use super::frame::Codec;
use super::scan::{ScanError, Window, recover};
use super::segment::{Home, SEGMENT_HEADER_LEN, Segment, SegmentHeader, damaged, parse_name};
use crate::LogError;

/// What readers and the writer of one partition share. Readers never wait for the writer: they take the durable end
/// first, then the list of segments, and read no position at or above that end.
#[derive(Debug)]
pub(super) struct Partition {
    pub home: Home,
    pub dir: PathBuf,
    pub codec: Codec,
    /// In order of position. Frames of a segment at or above the next one's base are dead (see [`super::writer`]).
    segments: RwLock<Arc<Vec<Arc<Segment>>>>,
    /// One past the last synced position.
    durable: watch::Sender<u64>,
    /// What the events of this partition have been derived up to.
    processed: AtomicU64,
    healthy: AtomicBool,
}

/// The segment being written, as found at opening.
#[derive(Debug)]
pub(super) struct Active {
    pub segment: Arc<Segment>,
    pub file: File,
    /// Where the next frame goes: everything before is synced.
    pub offset: u64,
    /// Bytes reserved in the file.
    pub capacity: u64,
}

impl Partition {
    pub fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn change_segments(&self, change: impl FnOnce(&mut Vec<Arc<Segment>>)) {
        let mut held = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let mut segments = held.as_ref().clone();
        change(&mut segments);
        *held = Arc::new(segments);
    }

    /// The first position still kept.
    pub fn start(&self) -> u64 {
        self.segments().first().map_or(0, |s| s.base())
    }

    /// The sizes of its segment files together.
    pub fn disk_bytes(&self) -> u64 {
        self.segments().iter().map(|segment| fs::metadata(&segment.path).map_or(0, |file| file.len())).sum()
    }

    pub fn end(&self) -> u64 {
        *self.durable.borrow()
    }

    pub fn set_end(&self, end: u64) {
        self.durable.send_replace(end);
    }

    pub fn watch_end(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    pub fn processed(&self) -> u64 {
        self.processed.load(Ordering::Acquire)
    }

    pub fn set_processed(&self, upto: u64) {
        self.processed.fetch_max(upto, Ordering::AcqRel);
    }

    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire)
    }

    pub fn set_healthy(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::Release);
    }

    /// Opens the partition in `dir`, which is created if it is missing, and repairs a torn tail. `segment_bytes` are
    /// reserved again in the last segment, if there is room.
    pub fn open(
        dir: PathBuf,
        home: Home,
        disk: &dyn Disk,
        segment_bytes: u64,
    ) -> Result<(Arc<Self>, Option<Active>), LogError> {
        let failed = |e: io::Error| LogError::Unavailable(format!("{}: {e}", dir.display()));
        disk::create_dir(&dir).map_err(failed)?;
        let codec = Codec::new(home.log_id);
        let segments = list(&dir, home)?;
        let mut end = 0;
        let mut active = None;
        if let Some(last) = segments.last() {
            match last.header.until {
                Some(until) => end = until,
                None => {
                    let (opened, next) = open_last(last, codec, disk, segment_bytes)?;
                    active = Some(opened);
                    end = next;
                }
            }
        }
        let partition = Self {
            home,
            dir,
            codec,
            segments: RwLock::new(Arc::new(segments)),
            durable: watch::Sender::new(end),
            processed: AtomicU64::new(0),
            healthy: AtomicBool::new(true),
        };
        Ok((Arc::new(partition), active))
    }
}

/// The segments in `dir`, in order, after clearing away what an interrupted creation or compaction left behind.
fn list(dir: &Path, home: Home) -> Result<Vec<Arc<Segment>>, LogError> {
    let failed = |e: io::Error| LogError::Unavailable(format!("{}: {e}", dir.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".tmp") {
            fs::remove_file(entry.path()).map_err(failed)?;
        } else if let Some((base, until)) = parse_name(&name) {
            names.push((base, until, entry.path()));
        }
    }
    // Of two that begin at one position the compacted one is the newer, and the longer-reaching of two compacted ones.
    names.sort_by_key(|(base, until, _)| (*base, std::cmp::Reverse(*until)));
    let mut segments: Vec<Arc<Segment>> = Vec::with_capacity(names.len());
    let mut covered = 0;
    for (base, until, path) in names {
        if base < covered {
            fs::remove_file(&path).map_err(failed)?;
            continue;
        }
        covered = until.unwrap_or(covered);
        let header = read_header(&path, home)?;
        if (header.base, header.until) != (base, until) {
            return Err(damaged(&path, 0, "the name and the header contradict each other"));
        }
        segments.push(Arc::new(Segment::new(header, path, None)));
    }
    Ok(segments)
}

fn read_header(path: &Path, home: Home) -> Result<SegmentHeader, LogError> {
    use io::Read as _;
    let mut bytes = Vec::with_capacity(SEGMENT_HEADER_LEN);
    File::open(path)
        .and_then(|f| f.take(SEGMENT_HEADER_LEN as u64).read_to_end(&mut bytes))
        .map_err(|e| LogError::Unavailable(format!("{}: {e}", path.display())))?;
    SegmentHeader::decode(&bytes, home).map_err(|reason| damaged(path, 0, reason))
}

/// Opens the last segment for writing on, and says the position that comes next.
fn open_last(
    segment: &Arc<Segment>,
    codec: Codec,
    disk: &dyn Disk,
    segment_bytes: u64,
) -> Result<(Active, u64), LogError> {
    let path = &segment.path;
    let failed = |e: io::Error| LogError::Unavailable(format!("{}: {e}", path.display()));
    let file = File::options().read(true).write(true).open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut window = Window::new((&file, size));
    let found = recover(codec, &mut window, SEGMENT_HEADER_LEN as u64, segment.base()).map_err(|e| match e {
        ScanError::Io(e) => failed(e),
        ScanError::Damage { offset, reason } => damaged(path, offset, reason),
    })?;
    if found.torn {
        tracing::warn!(
            file = %path.display(), offset = found.end, position = found.next,
            "the last write was cut off before it was acknowledged; what is there of it is removed"
        );
        file.set_len(found.end).map_err(failed)?;
    }
    // After a crash of the process alone, whole frames may be in memory only: durable first, visible after.
    file.sync_all().map_err(failed)?;
    let capacity = match disk.allocate(&file, segment_bytes.max(found.end)) {
        Ok(()) => segment_bytes.max(found.end),
        // No room to go on here; the first append tries again, with a segment of its own.
        Err(_) => found.end,
    };
    *segment.index.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.index);
    Ok((Active { segment: Arc::clone(segment), file, offset: found.end, capacity }, found.next))
}
