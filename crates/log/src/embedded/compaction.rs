//! Compaction of the control topic: the newest value of each key stays, at its position and with its time; a deletion
//! stays until everybody has had time to see it, then it goes too.

use std::collections::HashMap;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use super::frame::{FrameHeader, Records};
use super::partition::Partition;
use super::reader::{Failure, Place, visit};
use super::segment::{self, SEGMENT_HEADER_LEN, Segment, SegmentHeader};
use crate::{LogError, StoredRecord};

/// Writes one segment that stands for all of `old`, up to the position `until`. Deletions older than
/// `keep_tombstones_from` (milliseconds since 1970) are dropped. The answer is the segment and the size of its file.
pub(super) fn write(
    partition: &Partition,
    old: &[Arc<Segment>],
    until: u64,
    created_at_ms: i64,
    keep_tombstones_from: i64,
) -> Result<(Segment, u64), LogError> {
    let base = old.first().map_or(until, |s| s.base());
    let mut newest: HashMap<Bytes, u64> = HashMap::new();
    each(partition, old, until, &mut |_, records| {
        for record in records {
            // A copy: a slice would pin the whole buffer that it was read into.
            newest.insert(Bytes::copy_from_slice(&record.key), record.position);
        }
    })?;

    let mut frames = Vec::new();
    let mut frame = Vec::new();
    each(partition, old, until, &mut |header, mut records| {
        records.retain(|r| {
            newest.get(&r.key) == Some(&r.position) && (!r.value.is_empty() || r.appended_at_ms >= keep_tombstones_from)
        });
        if !records.is_empty() {
            partition.codec.encode_sparse(&mut frame, header.appended_at_ms, &records);
            frames.extend_from_slice(&frame);
        }
    })?;

    let length = (SEGMENT_HEADER_LEN + frames.len()) as u64;
    let header = SegmentHeader { home: partition.home, base, created_at_ms, until: Some(until), length };
    let (path, _) = segment::create(&partition.dir, &header, |file| file.write_all(&frames))
        .map_err(|e| LogError::Unavailable(format!("{}: {e}", partition.dir.display())))?;
    tracing::info!(file = %path.display(), bytes = length, keys = newest.len(), "control topic compacted");
    Ok((Segment::new(header, path, None), length))
}

fn each(
    partition: &Partition,
    segments: &[Arc<Segment>],
    until: u64,
    work: &mut dyn FnMut(&FrameHeader, Vec<StoredRecord>),
) -> Result<(), LogError> {
    let from = segments.first().map_or(until, |s| s.base());
    let walked = visit(partition.codec, segments, from, until, &mut |place: &Place<'_>, header, body| {
        let records: Option<Vec<_>> = Records::new(header, body, from).collect();
        let wrong = || place.segment.damaged(place.offset, "a frame's lengths contradict each other");
        work(header, records.ok_or_else(wrong)?);
        Ok(ControlFlow::Continue(()))
    });
    match walked {
        Ok(_) => Ok(()),
        Err(Failure::Log(error)) => Err(error),
        Err(Failure::Gone(text)) => Err(LogError::Unavailable(text)),
    }
}
