//! Reading: from a position on, through as many segments as the limit allows. Runs on blocking threads, opens files by
//! name, takes no lock that the writer holds while it works, and hands out slices of the buffers that it read.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::frame::{Codec, FOOTER_LEN, FrameHeader, HEADER_LEN, Records};
use super::partition::Partition;
use super::scan::Window;
use super::segment::{SEGMENT_HEADER_LEN, Segment, SparseIndex};
use crate::{Chunk, LogError, ReadLimit};

/// How much is read from a file at once; also the most that one small record kept by a caller can pin in memory.
const READ_AHEAD: usize = 1 << 20;

/// What is there from `from` on, within `limit`; at least one record if there is one.
pub(super) fn read(partition: &Partition, from: u64, limit: ReadLimit) -> Result<Chunk, LogError> {
    // A segment that was just removed or compacted is gone from the next list too.
    const TRIES: usize = 8;
    let mut last = None;
    for _ in 0..TRIES {
        match read_once(partition, from, limit) {
            Err(Failure::Gone(text)) => last = Some(text),
            Err(Failure::Log(error)) => return Err(error),
            Ok(chunk) => return Ok(chunk),
        }
    }
    Err(LogError::Unavailable(last.unwrap_or_default()))
}

fn read_once(partition: &Partition, from: u64, limit: ReadLimit) -> Result<Chunk, Failure> {
    let end = partition.end();
    let segments = partition.segments();
    let start = segments.first().map_or(0, |s| s.base());
    if from < start {
        let (topic, partition) = (partition.home.topic, partition.home.partition);
        return Err(LogError::Trimmed { topic, partition, asked: from, start }.into());
    }
    let mut chunk = Chunk { records: Vec::new(), next: from };
    let mut bytes = 0;
    let done = visit(partition.codec, &segments, from, end, &mut |place, header, body| {
        for record in Records::new(header, body, from) {
            let Some(record) = record else {
                return Err(place.segment.damaged(place.offset, "a frame's lengths contradict each other").into());
            };
            let size = record.key.len() + record.value.len();
            let full = chunk.records.len() >= limit.max_records || bytes + size > limit.max_bytes;
            if full && !chunk.records.is_empty() {
                return Ok(ControlFlow::Break(()));
            }
            bytes += size;
            chunk.next = record.position + 1;
            chunk.records.push(record);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if done.is_continue() {
        // Nothing is left below the end, even where the last positions were compacted away.
        chunk.next = chunk.next.max(end);
    }
    Ok(chunk)
}

/// Where a frame lies.
pub(super) struct Place<'a> {
    pub segment: &'a Segment,
    pub offset: u64,
}

/// Why a walk over frames ended early.
pub(super) enum Failure {
    /// A file is no longer there: the list of segments was out of date.
    Gone(String),
    Log(LogError),
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

/// What [`visit`] calls with each frame: its place, header and checked body.
pub(super) type Visitor<'a> = dyn FnMut(&Place<'_>, &FrameHeader, &Bytes) -> Result<ControlFlow<()>, Failure> + 'a;

/// Calls `visitor` with every frame that holds a position of `[from, end)`, in order.
pub(super) fn visit(
    codec: Codec,
    segments: &[Arc<Segment>],
    from: u64,
    end: u64,
    visitor: &mut Visitor<'_>,
) -> Result<ControlFlow<()>, Failure> {
    let first = segments.partition_point(|s| s.base() <= from).saturating_sub(1);
    let mut position = from;
    for (i, segment) in segments.iter().enumerate().skip(first) {
        let segment_end = segments.get(i + 1).map_or(end, |next| next.base()).min(end);
        if position < segment_end && Walk::open(codec, segment, position, segment_end)?.run(visitor)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        position = position.max(segment_end);
    }
    Ok(ControlFlow::Continue(()))
}

/// A walk over the frames of one segment.
struct Walk<'a> {
    codec: Codec,
    segment: &'a Segment,
    file: File,
    size: u64,
    offset: u64,
    /// Positions below are skipped, positions at or above `end` are not ours to see.
    position: u64,
    end: u64,
    /// What was read ahead, and where it begins.
    buf: Bytes,
    buf_at: u64,
}

impl<'a> Walk<'a> {
    fn open(codec: Codec, segment: &'a Segment, position: u64, end: u64) -> Result<Self, Failure> {
        let failed = |e: io::Error| {
            let text = format!("{}: {e}", segment.path.display());
            if e.kind() == io::ErrorKind::NotFound { Failure::Gone(text) } else { LogError::Unavailable(text).into() }
        };
        let file = File::open(&segment.path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        if segment.header.until.is_some() && size != segment.header.length {
            return Err(segment.damaged(size, "a compacted segment has not the length it was written with").into());
        }
        let offset = {
            let mut index = segment.index.lock().unwrap_or_else(PoisonError::into_inner);
            match index.as_ref() {
                Some(index) => index.before(position),
                None => index.insert(index_of(codec, segment, &file, size).map_err(failed)?).before(position),
            }
        };
        Ok(Self { codec, segment, file, size, offset, position, end, buf: Bytes::new(), buf_at: 0 })
    }

    fn run(mut self, visitor: &mut Visitor<'_>) -> Result<ControlFlow<()>, Failure> {
        let compacted = self.segment.header.until.is_some();
        let mut expected = None;
        while expected.is_none_or(|e| e < self.end) {
            if compacted && self.offset == self.size {
                break;
            }
            let head = self.bytes(HEADER_LEN)?;
            let Some(header) = self.codec.header(&head) else { return self.damaged("a frame header is wrong") };
            let in_place = if compacted {
                header.sparse && expected.is_none_or(|e| header.base >= e)
            } else {
                !header.sparse && expected.is_none_or(|e| header.base == e)
            };
            if !in_place || header.count == 0 {
                return self.damaged("a frame is out of place");
            }
            let next = header.base.saturating_add(u64::from(header.count));
            // A sparse frame may reach further than its count says; the visitor skips what it does not want.
            if compacted || next > self.position {
                let len = header.body_len as usize;
                let rest = self.bytes(HEADER_LEN + len + FOOTER_LEN)?.slice(HEADER_LEN..);
                if !self.codec.body_is_whole(&header, &rest) {
                    return self.damaged("a frame's checksum is wrong");
                }
                let place = Place { segment: self.segment, offset: self.offset };
                if visitor(&place, &header, &rest.slice(..len))?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            expected = Some(next);
            self.offset += header.frame_len();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The next `len` bytes of the file, from the read-ahead if they are in it.
    fn bytes(&mut self, len: usize) -> Result<Bytes, Failure> {
        if self.offset.saturating_add(len as u64) > self.size {
            return self.damaged("the file ends before its last acknowledged record");
        }
        let held = self.buf_at + self.buf.len() as u64;
        if self.offset < self.buf_at || self.offset + len as u64 > held {
            let left = usize::try_from(self.size - self.offset).unwrap_or(usize::MAX);
            let mut buf = vec![0; len.max(READ_AHEAD).min(left)];
            let read = read_at(&self.file, &mut buf, self.offset)
                .map_err(|e| LogError::Unavailable(format!("{}: {e}", self.segment.path.display())))?;
            // The writer cuts off what it had reserved when it ends a segment.
            buf.truncate(read);
            if read < len {
                return self.damaged("the file ends before its last acknowledged record");
            }
            self.buf = buf.into();
            self.buf_at = self.offset;
        }
        // Within the buffer, whose length is a usize.
        let at = usize::try_from(self.offset - self.buf_at).unwrap_or(usize::MAX);
        Ok(self.buf.slice(at..at + len))
    }

    fn damaged<T>(&self, reason: &str) -> Result<T, Failure> {
        Err(self.segment.damaged(self.offset, reason).into())
    }
}

/// Fills `buf` as far as the file goes.
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match file.read_at(&mut buf[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Builds the index of a segment that an earlier process wrote, from its headers alone. It ends at the first thing that
/// is no frame: whoever reads on from there finds out what it is.
fn index_of(codec: Codec, segment: &Segment, file: &File, size: u64) -> io::Result<SparseIndex> {
    let mut index = SparseIndex::default();
    let mut window = Window::new((file, size));
    let mut offset = SEGMENT_HEADER_LEN as u64;
    let mut next = segment.base();
    while offset < size {
        let Some(header) = codec.header(window.bytes(offset, HEADER_LEN)?) else { break };
        if header.base < next {
            break;
        }
        index.note(header.base, offset);
        next = header.base + u64::from(header.count);
        offset += header.frame_len();
    }
    Ok(index)
}
