//! Walking through the frames of a file, and telling a torn tail from damage.
//!
//! The writer has at most one frame under way: it writes a frame, syncs, and only then begins the next. After a crash the
//! file therefore holds whole frames and at most one that is not whole, the last, which nobody was told of. Segments are
//! preallocated with zeros, so what was not written reads as zeros (or the file ends). A frame that fails its checks is a
//! *torn tail* only if both hold:
//! - no whole frame header of this log follows it, for that frame would not have been begun before this one was synced;
//! - zeros (or the file's end) explain it: its last byte is zero, or its part of one whole 512-byte sector is.
//!
//! Everything else is damage. (One case is undecidable: damage in the last frame of a log whose *values* hold 512 aligned
//! zero bytes reads as a torn tail. Avro-encoded events do not.)

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::frame::{Codec, FOOTER_LEN, FrameHeader, HEADER_LEN, MAGIC};
use super::segment::SparseIndex;

/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;
const WINDOW: usize = 1 << 20;

/// A file, or bytes standing for one.
pub(super) trait Source {
    fn size(&self) -> u64;
    fn fill(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
}

impl Source for (&File, u64) {
    fn size(&self) -> u64 {
        self.1
    }
    fn fill(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }
    fn fill(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let part = self.get(at..at + buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(part);
        Ok(())
    }
}

/// A view of a source through one buffer, so that walking over small frames is not one system call each.
pub(super) struct Window<S> {
    source: S,
    at: u64,
    buf: Vec<u8>,
}

impl<S: Source> Window<S> {
    pub fn new(source: S) -> Self {
        Self { source, at: 0, buf: Vec::new() }
    }

    pub fn size(&self) -> u64 {
        self.source.size()
    }

    /// Up to `len` bytes at `offset`, fewer where the source ends.
    pub fn bytes(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let size = self.source.size();
        let len = usize::try_from(size.saturating_sub(offset)).map_or(len, |left| left.min(len));
        let held = self.at..self.at + self.buf.len() as u64;
        if offset < held.start || offset + len as u64 > held.end {
            let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
            self.buf.resize(len.max(WINDOW).min(left), 0);
            self.source.fill(&mut self.buf, offset)?;
            self.at = offset;
        }
        // The window begins at or before `offset`, by less than its own length.
        let start = usize::try_from(offset - self.at).map_err(io::Error::other)?;
        Ok(&self.buf[start..start + len])
    }
}

/// What a segment that may end in a torn tail turned out to hold.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// One past the last byte of the last whole frame.
    pub end: u64,
    /// One past the last position.
    pub next: u64,
    /// Whether anything but zeros follows `end`.
    pub torn: bool,
    pub index: SparseIndex,
}

/// Why a segment cannot be believed.
#[derive(Debug)]
pub(super) enum ScanError {
    Io(io::Error),
    Damage { offset: u64, reason: &'static str },
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Walks over the frames from `start`, where the frame of position `base` lies, to the end of what was written.
pub(super) fn recover<S: Source>(
    codec: Codec,
    window: &mut Window<S>,
    start: u64,
    base: u64,
) -> Result<Recovered, ScanError> {
    let mut found = Recovered { end: start, next: base, ..Recovered::default() };
    loop {
        let offset = found.end;
        let head = window.bytes(offset, HEADER_LEN)?;
        if head.iter().all(|b| *b == 0) {
            break;
        }
        let Some(header) = codec.header(head) else {
            if !zeros_explain(head, offset, HEADER_LEN as u64) {
                return Err(ScanError::Damage { offset, reason: "a frame header is wrong" });
            }
            break;
        };
        if header.sparse || header.base != found.next || header.count == 0 {
            return Err(ScanError::Damage { offset, reason: "a frame is out of place" });
        }
        if !frame_is_whole(codec, window, offset, &header)? {
            let after = offset.saturating_add(header.frame_len());
            no_frame_follows(codec, window, offset, after)?;
            found.torn = true;
            return Ok(found);
        }
        found.index.note(header.base, offset);
        found.next += u64::from(header.count);
        found.end += header.frame_len();
    }
    let offset = found.end;
    no_frame_follows(codec, window, offset, offset + 1)?;
    found.torn = !rest_is_zero(window, offset)?;
    Ok(found)
}

/// Whether the frame at `offset` is whole; `Err` if it is not and a torn write does not explain that.
fn frame_is_whole<S: Source>(
    codec: Codec,
    window: &mut Window<S>,
    offset: u64,
    header: &FrameHeader,
) -> Result<bool, ScanError> {
    if offset.saturating_add(header.frame_len()) > window.size() {
        return Ok(false);
    }
    let body_at = offset + HEADER_LEN as u64;
    let rest_len = header.body_len as usize + FOOTER_LEN;
    let rest = window.bytes(body_at, rest_len)?;
    if codec.body_is_whole(header, rest) {
        return Ok(true);
    }
    if zeros_explain(rest, body_at, rest_len as u64) {
        return Ok(false);
    }
    Err(ScanError::Damage { offset, reason: "a frame's checksum is wrong" })
}

/// Whether `bytes`, which were to be `len` bytes at `offset` and to end in a byte that is not zero, look unwritten.
fn zeros_explain(bytes: &[u8], offset: u64, len: u64) -> bool {
    if (bytes.len() as u64) < len || bytes.last().is_none_or(|b| *b == 0) {
        return true;
    }
    let mut rest = bytes;
    let mut at = offset;
    while !rest.is_empty() {
        let to_boundary = SECTOR - at % SECTOR;
        let (part, after) = rest.split_at(usize::try_from(to_boundary).map_or(rest.len(), |n| n.min(rest.len())));
        if part.iter().all(|b| *b == 0) {
            return true;
        }
        at += part.len() as u64;
        rest = after;
    }
    false
}

/// Damage, if a frame header of this log stands anywhere from `from` on: then the one at `offset` had been synced.
fn no_frame_follows<S: Source>(codec: Codec, window: &mut Window<S>, offset: u64, from: u64) -> Result<(), ScanError> {
    let mut at = from;
    while at < window.size() {
        let bytes = window.bytes(at, WINDOW)?;
        let starts = bytes.iter().enumerate().filter(|(_, b)| **b == MAGIC[0]).map(|(i, _)| i);
        if starts.into_iter().any(|i| codec.header(&bytes[i..]).is_some()) {
            return Err(ScanError::Damage { offset, reason: "a frame is broken, and whole ones follow it" });
        }
        // The next window overlaps this one by a header less one byte, lest one be cut in two.
        let step = bytes.len().saturating_sub(HEADER_LEN - 1);
        if step == 0 || at + bytes.len() as u64 >= window.size() {
            break;
        }
        at += step as u64;
    }
    Ok(())
}

fn rest_is_zero<S: Source>(window: &mut Window<S>, from: u64) -> io::Result<bool> {
    let mut at = from;
    while at < window.size() {
        let bytes = window.bytes(at, WINDOW)?;
        if bytes.iter().any(|b| *b != 0) {
            return Ok(false);
        }
        at += bytes.len() as u64;
    }
    Ok(true)
}
