//! A segment: one file of consecutive frames of one partition, and its name and header.
//!
//! Names sort by position: `<base>.seg` as written, `<base>-<until>.seg` after compaction, each number 20 digits. A file
//! appears under its name only once its header is synced (written as `.tmp`, synced, renamed, directory synced), so a
//! segment without a valid header is damage, never an accident of starting up.
//!
//! ```text
//!  0  magic "AVOWSEG1"     26  1 if compacted (u16)           36  base position
//!  8  the log's id         28  partition (u32)                44  creation time (ms)
//! 24  topic (u16)          32  file length if compacted, or 0 52  one past the last position if compacted, or 0
//!                                                             60  CRC-32 of bytes 0..60
//! ```

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::disk::sync_dir;
use crate::{LogError, Topic};

pub(super) const SEGMENT_HEADER_LEN: usize = 64;
const MAGIC: [u8; 8] = *b"AVOWSEG1";
/// One index entry per this many bytes: a look-up then skips at most so much, and a week of full segments stays small.
const INDEX_EVERY: u64 = 256 * 1024;

/// Which log, topic and partition a segment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Home {
    pub log_id: Uuid,
    pub topic: Topic,
    pub partition: u32,
}

/// What the header of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub home: Home,
    pub base: u64,
    pub created_at_ms: i64,
    /// Compacted segments: one past the last position that the file stands for. Otherwise `None`.
    pub until: Option<u64>,
    /// Compacted segments: the length of the file, which tells a shortened one.
    pub length: u64,
}

impl SegmentHeader {
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_LEN] {
        let mut out = [0; SEGMENT_HEADER_LEN];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..24].copy_from_slice(self.home.log_id.as_bytes());
        out[24..26].copy_from_slice(&topic_code(self.home.topic).to_le_bytes());
        out[26..28].copy_from_slice(&u16::from(self.until.is_some()).to_le_bytes());
        out[28..32].copy_from_slice(&self.home.partition.to_le_bytes());
        // A compacted segment is bounded by the number of keys in the control topic: megabytes.
        out[32..36].copy_from_slice(&u32::try_from(self.length).unwrap_or(u32::MAX).to_le_bytes());
        out[36..44].copy_from_slice(&self.base.to_le_bytes());
        out[44..52].copy_from_slice(&self.created_at_ms.to_le_bytes());
        out[52..60].copy_from_slice(&self.until.unwrap_or(0).to_le_bytes());
        let crc = crc32fast::hash(&out[0..60]);
        out[60..64].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header that claims to belong to `home`; `Err` says what is wrong with it.
    pub fn decode(bytes: &[u8], home: Home) -> Result<Self, &'static str> {
        let Some(bytes) = bytes.first_chunk::<SEGMENT_HEADER_LEN>() else {
            return Err("the segment header is cut off");
        };
        if bytes[0..8] != MAGIC {
            return Err("this is no segment");
        }
        if crc32fast::hash(&bytes[0..60]).to_le_bytes() != bytes[60..64] {
            return Err("the segment header's checksum is wrong");
        }
        if bytes[8..24] != *home.log_id.as_bytes()
            || bytes[24..26] != topic_code(home.topic).to_le_bytes()
            || bytes[28..32] != home.partition.to_le_bytes()
        {
            return Err("the segment belongs to another log, topic or partition");
        }
        let u64_at = |at: usize| bytes[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
        let length = bytes[32..].first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
        Ok(Self {
            home,
            base: u64_at(36),
            created_at_ms: u64_at(44).cast_signed(),
            until: (bytes[26] != 0).then(|| u64_at(52)),
            length: u64::from(length),
        })
    }
}

fn topic_code(topic: Topic) -> u16 {
    match topic {
        Topic::Events => 1,
        Topic::Control => 2,
        Topic::Rejected => 3,
    }
}

/// Where in a segment to begin looking for a position: frames that begin at or before it.
#[derive(Debug, Clone, Default)]
pub(super) struct SparseIndex(Vec<(u64, u64)>);

impl SparseIndex {
    /// Remembers that the frame at `offset` begins with `position`, if the last entry is far enough away.
    pub fn note(&mut self, position: u64, offset: u64) {
        if self.0.last().is_none_or(|(_, last)| offset - last >= INDEX_EVERY) {
            self.0.push((position, offset));
        }
    }

    /// The offset of a frame that begins at or before `position`.
    pub fn before(&self, position: u64) -> u64 {
        let after = self.0.partition_point(|(p, _)| *p <= position);
        after.checked_sub(1).map_or(SEGMENT_HEADER_LEN as u64, |i| self.0[i].1)
    }
}

/// A segment as readers and the writer share it. Files are opened when needed: a week of segments would otherwise take
/// more descriptors than a process may have.
#[derive(Debug)]
pub(super) struct Segment {
    pub header: SegmentHeader,
    pub path: PathBuf,
    /// Built while writing, or by the first reader that looks for a position inside.
    pub index: Mutex<Option<SparseIndex>>,
}

impl Segment {
    pub fn new(header: SegmentHeader, path: PathBuf, index: Option<SparseIndex>) -> Self {
        Self { header, path, index: Mutex::new(index) }
    }

    pub fn base(&self) -> u64 {
        self.header.base
    }

    pub fn note(&self, position: u64, offset: u64) {
        if let Some(index) = self.index.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            index.note(position, offset);
        }
    }

    pub fn damaged(&self, offset: u64, reason: impl std::fmt::Display) -> LogError {
        damaged(&self.path, offset, reason)
    }
}

/// Damage, with the file and the offset that a person needs to look at it.
pub(super) fn damaged(path: &Path, offset: u64, reason: impl std::fmt::Display) -> LogError {
    LogError::Damaged(format!("{}, offset {offset}: {reason}", path.display()))
}

/// The name of a segment file.
pub(super) fn file_name(base: u64, until: Option<u64>) -> String {
    match until {
        None => format!("{base:020}.seg"),
        Some(until) => format!("{base:020}-{until:020}.seg"),
    }
}

/// Base and end out of a segment file's name; `None` for any other file.
pub(super) fn parse_name(name: &str) -> Option<(u64, Option<u64>)> {
    let stem = name.strip_suffix(".seg")?;
    let number = |s: &str| (s.len() == 20).then(|| s.parse().ok()).flatten();
    match stem.split_once('-') {
        None => Some((number(stem)?, None)),
        Some((base, until)) => Some((number(base)?, Some(number(until)?))),
    }
}

/// Brings a segment file into being under its final name: `fill` writes the rest of the file, then all is synced.
pub(super) fn create(
    dir: &Path,
    header: &SegmentHeader,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<(PathBuf, File)> {
    let path = dir.join(file_name(header.base, header.until));
    let temporary = path.with_extension("tmp");
    let build = || {
        let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&temporary)?;
        file.write_all(&header.encode())?;
        fill(&mut file)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        sync_dir(dir)?;
        Ok(file)
    };
    match build() {
        Ok(file) => Ok((path, file)),
        Err(error) => {
            // Whatever it was, the space goes back; a leftover is also removed at the next start.
            let _ = fs::remove_file(&temporary);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_headers_come_back() {
        for name in [file_name(0, None), file_name(12, Some(99))] {
            let (base, until) = parse_name(&name).unwrap();
            assert_eq!(file_name(base, until), name);
        }
        assert_eq!(parse_name("identity.json"), None);
        assert_eq!(parse_name("12.seg"), None);

        let home = Home { log_id: Uuid::from_u128(5), topic: Topic::Control, partition: 0 };
        let header = SegmentHeader { home, base: 7, created_at_ms: 123, until: Some(90), length: 4_000 };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes, home), Ok(header));
        assert!(SegmentHeader::decode(&bytes, Home { partition: 1, ..home }).is_err());
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bad, home).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn the_index_never_points_past_a_position() {
        let mut index = SparseIndex::default();
        for frame in 0..40_u64 {
            index.note(frame * 10, 64 + frame * 100_000);
        }
        assert_eq!(index.before(0), 64);
        for position in 0..400 {
            let offset = index.before(position);
            assert!((offset - 64) / 100_000 * 10 <= position);
        }
    }
}
