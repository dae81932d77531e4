//! What the fuzz targets reach: the two decoders of a segment, past the checksums that would keep a fuzzer out.

use bytes::Bytes;
use uuid::Uuid;

use super::frame::{Codec, HEADER_LEN, Records};
use super::scan::{Window, recover};
use crate::Record;

/// How many of `values`, one whole frame each, are found again before `tail`; `None` where the segment is damaged.
pub fn recovered(values: &[Vec<u8>], tail: &[u8]) -> Option<u64> {
    let codec = Codec::new(Uuid::from_u128(7));
    let (mut segment, mut frame) = (Vec::new(), Vec::new());
    for (base, value) in (0..).zip(values) {
        let record = Record { key: Bytes::from_static(b"site.example"), value: value.clone().into() };
        codec.encode(&mut frame, base, 0, std::iter::once(&record));
        segment.extend_from_slice(&frame);
    }
    segment.extend_from_slice(tail);
    recover(codec, &mut Window::new(&segment[..]), 0, 0).ok().map(|found| found.next)
}

/// The positions of the records that a body is read as, up to the first contradiction.
pub fn records(count: u32, sparse: bool, base: u64, body: &[u8]) -> Vec<u64> {
    let codec = Codec::new(Uuid::from_u128(7));
    let frame = codec.sealed(base, count, sparse, body);
    let Some(header) = codec.header(&frame) else { return Vec::new() };
    assert!(codec.body_is_whole(&header, &frame[HEADER_LEN..]), "sealed by the writer's own hand");
    let body = Bytes::copy_from_slice(body);
    Records::new(&header, &body, 0).map_while(|record| Some(record?.position)).collect()
}
