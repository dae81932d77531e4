//! The frame: what one group commit writes, and the unit that is either wholly in the log or not at all.
//!
//! ```text
//!  0  magic "AVLF"        20  count of records       33  two zero bytes
//!  4  base position       24  length of the body     35  CRC-32 of bytes 0..35
//! 12  append time (ms)    28  CRC-32 of the body     39  0xA5
//!                         32  flags (1: sparse)      40  body, then one byte 0x5A
//!
//! body  = count x record
//! record = [position - base: u32, only if sparse] key length: u32, value length: u32, key, value
//! ```
//! Numbers are little-endian. Both checksums start from the log's id, so that bytes inside a value that look like a frame
//! are not taken for one. Header and body end in bytes that are never zero: segments are preallocated with zeros, so a
//! zero there says that the end was never written, and a wrong checksum without such a zero says that bytes *changed*.
//! That is how a torn tail and damage are told apart (see [`super::scan`]).

use bytes::Bytes;
use uuid::Uuid;

use crate::{Record, StoredRecord};

pub(super) const HEADER_LEN: usize = 40;
pub(super) const FOOTER_LEN: usize = 1;
pub(super) const MAGIC: [u8; 4] = *b"AVLF";
pub(super) const HEADER_MARK: u8 = 0xA5;
pub(super) const FOOTER_MARK: u8 = 0x5A;
const SPARSE: u8 = 1;
const LENGTHS: usize = 8;
const DELTA: usize = 4;

/// The frame format of one log: everything that [`FrameHeader`] needs to be written or believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codec {
    seed: u32,
}

/// A checked frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub base: u64,
    pub appended_at_ms: i64,
    pub count: u32,
    pub body_len: u32,
    body_crc: u32,
    pub sparse: bool,
}

impl FrameHeader {
    /// Bytes that the whole frame takes in the file.
    pub fn frame_len(&self) -> u64 {
        (HEADER_LEN + FOOTER_LEN) as u64 + u64::from(self.body_len)
    }
}

/// Bytes that `record` takes in a dense frame.
pub(super) fn encoded_len(record: &Record) -> usize {
    LENGTHS + record.key.len() + record.value.len()
}

impl Codec {
    pub fn new(log_id: Uuid) -> Self {
        Self { seed: crc32fast::hash(log_id.as_bytes()) }
    }

    fn crc(self, bytes: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.seed);
        hasher.update(bytes);
        hasher.finalize()
    }

    /// Writes a dense frame of `records`, the first at position `base`, into `out` (cleared first).
    pub fn encode<'a>(
        self,
        out: &mut Vec<u8>,
        base: u64,
        appended_at_ms: i64,
        records: impl Iterator<Item = &'a Record>,
    ) -> u32 {
        out.clear();
        out.resize(HEADER_LEN, 0);
        let mut count = 0;
        for record in records {
            put_record(out, &record.key, &record.value);
            count += 1;
        }
        self.finish(out, base, appended_at_ms, count, 0);
        count
    }

    /// Writes a sparse frame, which keeps the positions that the records already have. `records` must not be empty.
    pub fn encode_sparse(self, out: &mut Vec<u8>, appended_at_ms: i64, records: &[StoredRecord]) {
        let base = records.first().map_or(0, |r| r.position);
        out.clear();
        out.resize(HEADER_LEN, 0);
        for record in records {
            // A frame never spans more positions than one group commit held.
            let delta = u32::try_from(record.position - base).unwrap_or(u32::MAX);
            out.extend_from_slice(&delta.to_le_bytes());
            put_record(out, &record.key, &record.value);
        }
        self.finish(out, base, appended_at_ms, u32::try_from(records.len()).unwrap_or(u32::MAX), SPARSE);
    }

    /// A frame around any body, for fuzzing.
    #[cfg(fuzzing)]
    pub fn sealed(self, base: u64, count: u32, sparse: bool, body: &[u8]) -> Vec<u8> {
        let mut out = vec![0; HEADER_LEN];
        out.extend_from_slice(body);
        self.finish(&mut out, base, 0, count, if sparse { SPARSE } else { 0 });
        out
    }

    fn finish(self, out: &mut Vec<u8>, base: u64, appended_at_ms: i64, count: u32, flags: u8) {
        let body_len = u32::try_from(out.len() - HEADER_LEN).unwrap_or(u32::MAX);
        let body_crc = self.crc(&out[HEADER_LEN..]);
        out[0..4].copy_from_slice(&MAGIC);
        out[4..12].copy_from_slice(&base.to_le_bytes());
        out[12..20].copy_from_slice(&appended_at_ms.to_le_bytes());
        out[20..24].copy_from_slice(&count.to_le_bytes());
        out[24..28].copy_from_slice(&body_len.to_le_bytes());
        out[28..32].copy_from_slice(&body_crc.to_le_bytes());
        out[32] = flags;
        let header_crc = self.crc(&out[0..35]);
        out[35..39].copy_from_slice(&header_crc.to_le_bytes());
        out[39] = HEADER_MARK;
        out.push(FOOTER_MARK);
    }

    /// The header in the first bytes of `bytes`, if they are one of this log.
    pub fn header(self, bytes: &[u8]) -> Option<FrameHeader> {
        let bytes = bytes.get(..HEADER_LEN)?;
        let known = bytes[0..4] == MAGIC && bytes[39] == HEADER_MARK && bytes[33..35] == [0, 0] && bytes[32] <= SPARSE;
        if !known || u32_at(bytes, 35)? != self.crc(&bytes[0..35]) {
            return None;
        }
        Some(FrameHeader {
            base: u64_at(bytes, 4)?,
            appended_at_ms: u64_at(bytes, 12)?.cast_signed(),
            count: u32_at(bytes, 20)?,
            body_len: u32_at(bytes, 24)?,
            body_crc: u32_at(bytes, 28)?,
            sparse: bytes[32] == SPARSE,
        })
    }

    /// Whether `rest` (the body and the footer) is what `header` was written with.
    pub fn body_is_whole(self, header: &FrameHeader, rest: &[u8]) -> bool {
        let body_len = header.body_len as usize;
        rest.len() == body_len + FOOTER_LEN
            && rest[body_len] == FOOTER_MARK
            && self.crc(&rest[..body_len]) == header.body_crc
    }
}

fn put_record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    // The log's record limit is far below 4 GiB (checked on append).
    out.extend_from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value);
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The records of a checked body, without copying, from the position `from` on. Yields `None` once if the lengths
/// contradict each other, which a correct writer and a correct checksum exclude.
pub(super) struct Records<'a> {
    header: &'a FrameHeader,
    body: &'a Bytes,
    from: u64,
    left: u32,
    at: usize,
    next: u64,
}

impl<'a> Records<'a> {
    pub fn new(header: &'a FrameHeader, body: &'a Bytes, from: u64) -> Self {
        Self { header, body, from, left: header.count, at: 0, next: header.base }
    }

    /// The next record; `Some(None)` for one that is below `from`.
    fn step(&mut self) -> Option<Option<StoredRecord>> {
        let mut position = self.next;
        let mut at = self.at;
        if self.header.sparse {
            position = self.header.base.checked_add(u64::from(u32_at(self.body, at)?))?;
            at += DELTA;
        }
        let key_at = at + LENGTHS;
        let value_at = key_at.checked_add(u32_at(self.body, at)? as usize)?;
        let end = value_at.checked_add(u32_at(self.body, at + 4)? as usize)?;
        self.left -= 1;
        if end > self.body.len() || position < self.next || (self.left == 0 && end != self.body.len()) {
            return None;
        }
        self.at = end;
        self.next = position.checked_add(1)?;
        if position < self.from {
            return Some(None);
        }
        Some(Some(StoredRecord {
            position,
            appended_at_ms: self.header.appended_at_ms,
            key: self.body.slice(key_at..value_at),
            value: self.body.slice(value_at..end),
        }))
    }
}

impl Iterator for Records<'_> {
    type Item = Option<StoredRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            match self.step() {
                Some(None) => {}
                Some(record) => return Some(record),
                None => {
                    self.left = 0;
                    return Some(None);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &'static str, value: &'static str) -> Record {
        Record { key: Bytes::from_static(key.as_bytes()), value: Bytes::from_static(value.as_bytes()) }
    }

    fn decode(codec: Codec, frame: &[u8]) -> Option<Vec<StoredRecord>> {
        let header = codec.header(frame)?;
        let rest = frame.get(HEADER_LEN..)?;
        if !codec.body_is_whole(&header, rest) {
            return None;
        }
        let body = Bytes::copy_from_slice(&rest[..header.body_len as usize]);
        Records::new(&header, &body, 0).collect()
    }

    #[test]
    fn a_frame_comes_back_as_written() {
        let codec = Codec::new(Uuid::from_u128(7));
        let input = [record("shop.example", "one"), record("", ""), record("b", "three")];
        let mut frame = Vec::new();
        assert_eq!(codec.encode(&mut frame, 41, -5, input.iter()), 3);
        let got = decode(codec, &frame).unwrap();
        assert_eq!(got.iter().map(|r| r.position).collect::<Vec<_>>(), [41, 42, 43]);
        assert!(got.iter().all(|r| r.appended_at_ms == -5));
        assert_eq!(got[2].value, "three");
        assert_eq!(codec.header(&frame).unwrap().frame_len(), frame.len() as u64);

        let kept = [got[0].clone(), got[2].clone()];
        codec.encode_sparse(&mut frame, 9, &kept);
        let again = decode(codec, &frame).unwrap();
        assert_eq!(again.iter().map(|r| r.position).collect::<Vec<_>>(), [41, 43]);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let codec = Codec::new(Uuid::from_u128(7));
        let mut frame = Vec::new();
        codec.encode(&mut frame, 3, 99, [record("key", "value")].iter());
        for bit in 0..frame.len() * 8 {
            let mut bad = frame.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(codec, &bad), None, "bit {bit}");
        }
    }

    #[test]
    fn another_logs_frame_is_none_of_ours() {
        let mut frame = Vec::new();
        Codec::new(Uuid::from_u128(1)).encode(&mut frame, 0, 0, [record("k", "v")].iter());
        assert_eq!(Codec::new(Uuid::from_u128(2)).header(&frame), None);
    }
}
