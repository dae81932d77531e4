//! ClickHouse's compressed blocks: what follows `decompress=1` in a request and `compress=1` in an answer.
//!
//! A block is a checksum of 16 bytes, a method byte, the compressed size (u32, this header of nine bytes included), the
//! size of the data (u32), and the data. The checksum is CityHash128 of version 1.0.2, halves swapped, over all that
//! follows it. (ClickHouse, `CompressedReadBufferBase.cpp`.)

use std::io::{self, Read};

use crate::error::{EngineError, codes};

const CHECKSUM: usize = 16;
const HEADER: usize = 9;
const METHOD_NONE: u8 = 0x02;
const METHOD_LZ4: u8 = 0x82;
const METHOD_ZSTD: u8 = 0x90;

/// The largest block taken, compressed or not. ClickHouse allows 1 GiB; its clients send 256 KiB to 1 MiB.
pub(crate) const MAX_BLOCK: usize = 64 << 20;

/// The size of the blocks that this crate writes.
const WRITTEN_BLOCK: usize = 1 << 20;

/// Appends `data` to `out` as LZ4 blocks.
pub fn encode(data: &[u8], out: &mut Vec<u8>) {
    for piece in data.chunks(WRITTEN_BLOCK) {
        let compressed = lz4_flex::block::compress(piece);
        let mut body = Vec::with_capacity(HEADER + compressed.len());
        body.push(METHOD_LZ4);
        // Neither exceeds u32: a piece is at most 1 MiB.
        body.extend_from_slice(&((HEADER + compressed.len()) as u32).to_le_bytes());
        body.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        body.extend_from_slice(&compressed);
        out.extend_from_slice(&checksum(&body).to_le_bytes());
        out.extend_from_slice(&body);
    }
}

/// The checksum of a block: of its header and data.
pub fn checksum(body: &[u8]) -> u128 {
    cityhash_rs::cityhash_102_128(body).rotate_right(64)
}

/// Reads blocks from `inner` and gives their data.
pub struct BlockReader<R> {
    inner: R,
    data: Vec<u8>,
    position: usize,
}

impl<R: Read> BlockReader<R> {
    /// A reader of the data in the blocks that `inner` gives.
    pub fn new(inner: R) -> Self {
        Self { inner, data: Vec::new(), position: 0 }
    }

    /// Reads the next block into `data`; `false` at the end of the input.
    fn next_block(&mut self) -> io::Result<bool> {
        let mut head = [0u8; CHECKSUM + HEADER];
        match read_fully(&mut self.inner, &mut head)? {
            0 => return Ok(false),
            n if n < head.len() => return Err(truncated()),
            _ => {}
        }
        let (sum, header) = head.split_at(CHECKSUM);
        let expected = u128::from_le_bytes(array(sum));
        let method = header[0];
        let compressed = u32::from_le_bytes(array(&header[1..5])) as usize;
        let plain = u32::from_le_bytes(array(&header[5..9])) as usize;
        if !(HEADER..=MAX_BLOCK).contains(&compressed) || plain > MAX_BLOCK {
            return Err(refuse(
                codes::CANNOT_DECOMPRESS,
                "CANNOT_DECOMPRESS",
                format_args!(
                    "A compressed block of {compressed} bytes for {plain} bytes of data is out of bounds (at most {MAX_BLOCK})"
                ),
            ));
        }
        let mut body = Vec::new();
        body.try_reserve_exact(compressed).map_err(io::Error::other)?;
        body.extend_from_slice(header);
        body.resize(compressed, 0);
        if read_fully(&mut self.inner, &mut body[HEADER..])? < compressed - HEADER {
            return Err(truncated());
        }
        if checksum(&body) != expected {
            return Err(refuse(
                codes::CHECKSUM_DOESNT_MATCH,
                "CHECKSUM_DOESNT_MATCH",
                "Checksum doesn't match: corrupted data",
            ));
        }
        self.data = unpack(method, &body[HEADER..], plain)?;
        self.position = 0;
        Ok(true)
    }
}

fn unpack(method: u8, body: &[u8], plain: usize) -> io::Result<Vec<u8>> {
    let broken = |reason: &dyn std::fmt::Display| {
        refuse(codes::CANNOT_DECOMPRESS, "CANNOT_DECOMPRESS", format_args!("Cannot decompress a block: {reason}"))
    };
    let data = match method {
        METHOD_NONE => body.to_vec(),
        METHOD_LZ4 => lz4_flex::block::decompress(body, plain).map_err(|error| broken(&error))?,
        METHOD_ZSTD => zstd::bulk::decompress(body, plain).map_err(|error| broken(&error))?,
        other => return Err(broken(&format_args!("unknown method 0x{other:02x}"))),
    };
    if data.len() == plain { Ok(data) } else { Err(broken(&"its size is not the size it states")) }
}

impl<R: Read> Read for BlockReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.position == self.data.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let n = out.len().min(self.data.len() - self.position);
        out[..n].copy_from_slice(&self.data[self.position..self.position + n]);
        self.position += n;
        Ok(n)
    }
}

/// Fills `out` as far as the input goes.
fn read_fully(input: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match input.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

fn truncated() -> io::Error {
    refuse(codes::CANNOT_READ_ALL_DATA, "CANNOT_READ_ALL_DATA", "The compressed data end within a block")
}

fn refuse(code: u32, name: &str, message: impl std::fmt::Display) -> io::Error {
    io::Error::other(EngineError::new(code, name, message))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        BlockReader::new(bytes).read_to_end(&mut data)?;
        Ok(data)
    }

    /// The block that a ClickHouse server sends for `SELECT 1 FORMAT TabSeparated` with `compress=1`: "1\n" in LZ4.
    #[test]
    fn a_block_is_laid_out_as_clickhouse_does() {
        let mut out = Vec::new();
        encode(b"1\n", &mut out);
        assert_eq!(out[CHECKSUM..], [0x82, 12, 0, 0, 0, 2, 0, 0, 0, 0x20, b'1', b'\n']);
        assert_eq!(decode(&out).unwrap(), b"1\n");
    }

    #[test]
    fn stored_and_zstd_blocks_are_read() {
        for (method, body) in [(METHOD_NONE, b"abc".to_vec()), (METHOD_ZSTD, zstd::bulk::compress(b"abc", 1).unwrap())]
        {
            let mut block = vec![method];
            block.extend_from_slice(&((HEADER + body.len()) as u32).to_le_bytes());
            block.extend_from_slice(&3u32.to_le_bytes());
            block.extend_from_slice(&body);
            let mut framed = checksum(&block).to_le_bytes().to_vec();
            framed.extend_from_slice(&block);
            assert_eq!(decode(&framed).unwrap(), b"abc");
        }
    }

    #[test]
    fn a_block_that_claims_too_much_is_refused_before_memory_is_taken() {
        let mut block = vec![METHOD_LZ4];
        block.extend_from_slice(&u32::MAX.to_le_bytes());
        block.extend_from_slice(&u32::MAX.to_le_bytes());
        let mut framed = checksum(&block).to_le_bytes().to_vec();
        framed.extend_from_slice(&block);
        assert!(decode(&framed).unwrap_err().to_string().contains("out of bounds"));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(data in proptest::collection::vec(any::<u8>(), 0..100_000)) {
            let mut out = Vec::new();
            encode(&data, &mut out);
            prop_assert_eq!(decode(&out).unwrap(), data);
        }

        #[test]
        fn a_changed_bit_is_noticed(data in proptest::collection::vec(any::<u8>(), 1..2_000), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut out = Vec::new();
            encode(&data, &mut out);
            let at = at.index(out.len());
            out[at] ^= 1 << bit;
            prop_assert!(decode(&out).is_err());
        }

        #[test]
        fn a_cut_is_noticed(data in proptest::collection::vec(any::<u8>(), 1..2_000), at in any::<prop::sample::Index>()) {
            let mut out = Vec::new();
            encode(&data, &mut out);
            out.truncate(at.index(out.len() - 1) + 1);
            prop_assert!(decode(&out).is_err());
        }
    }
}
