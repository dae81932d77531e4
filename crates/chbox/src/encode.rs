//! Compresses an answer piece by piece: `Content-Encoding`, and ClickHouse's blocks (`compress=1`) inside it.

use std::io::{self, Write};

use crate::block;
use crate::request::Coding;

/// An answer's encodings, fed with its bytes in order.
pub(crate) struct Encoder {
    blocks: bool,
    whole: Whole,
}

enum Whole {
    Identity,
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Deflate(flate2::write::ZlibEncoder<Vec<u8>>),
    // Boxed: it carries its tables.
    Lz4(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Ended,
}

impl Encoder {
    pub(crate) fn new(coding: Coding, blocks: bool) -> Self {
        // ClickHouse's `http_zlib_compression_level`.
        let level = flate2::Compression::new(3);
        let whole = match coding {
            Coding::Identity => Whole::Identity,
            Coding::Gzip => Whole::Gzip(flate2::write::GzEncoder::new(Vec::new(), level)),
            Coding::Deflate => Whole::Deflate(flate2::write::ZlibEncoder::new(Vec::new(), level)),
            Coding::Lz4 => Whole::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(Vec::new()))),
            // A level that zstd does not have would be the only error.
            Coding::Zstd => zstd::stream::write::Encoder::new(Vec::new(), 3).map_or(Whole::Ended, Whole::Zstd),
        };
        Self { blocks, whole }
    }

    /// Takes the next bytes of the answer, and gives what is ready to be sent, which may be nothing.
    pub(crate) fn push(&mut self, data: &[u8]) -> io::Result<Vec<u8>> {
        if !self.blocks {
            return self.push_whole(data);
        }
        let mut blocks = Vec::with_capacity(data.len() / 2);
        block::encode(data, &mut blocks);
        self.push_whole(&blocks)
    }

    fn push_whole(&mut self, data: &[u8]) -> io::Result<Vec<u8>> {
        Ok(match &mut self.whole {
            Whole::Identity => data.to_vec(),
            Whole::Gzip(encoder) => {
                encoder.write_all(data)?;
                std::mem::take(encoder.get_mut())
            }
            Whole::Deflate(encoder) => {
                encoder.write_all(data)?;
                std::mem::take(encoder.get_mut())
            }
            Whole::Lz4(encoder) => {
                encoder.write_all(data)?;
                std::mem::take(encoder.get_mut())
            }
            Whole::Zstd(encoder) => {
                encoder.write_all(data)?;
                std::mem::take(encoder.get_mut())
            }
            Whole::Ended => return Err(io::Error::other("the answer has ended")),
        })
    }

    /// The answer's end. Nothing may be pushed after it.
    pub(crate) fn finish(&mut self) -> io::Result<Vec<u8>> {
        match std::mem::replace(&mut self.whole, Whole::Ended) {
            Whole::Identity | Whole::Ended => Ok(Vec::new()),
            Whole::Gzip(encoder) => encoder.finish(),
            Whole::Deflate(encoder) => encoder.finish(),
            Whole::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
            Whole::Zstd(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::io::Read;

    #[test]
    fn every_coding_can_be_undone() {
        let data: Vec<u8> = (0..200_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for coding in [Coding::Identity, Coding::Gzip, Coding::Deflate, Coding::Lz4, Coding::Zstd] {
            for blocks in [false, true] {
                let mut encoder = Encoder::new(coding, blocks);
                let mut sent = Vec::new();
                for piece in data.chunks(70_000) {
                    sent.extend_from_slice(&encoder.push(piece).unwrap());
                }
                sent.extend_from_slice(&encoder.finish().unwrap());
                let plain: Box<dyn Read> = match coding {
                    Coding::Identity => Box::new(&sent[..]),
                    Coding::Gzip => Box::new(flate2::read::GzDecoder::new(&sent[..])),
                    Coding::Deflate => Box::new(flate2::read::ZlibDecoder::new(&sent[..])),
                    Coding::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(&sent[..])),
                    Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(&sent[..]).unwrap()),
                };
                let mut plain: Box<dyn Read> = if blocks { Box::new(block::BlockReader::new(plain)) } else { plain };
                let mut received = Vec::new();
                plain.read_to_end(&mut received).unwrap();
                assert_eq!(received, data, "{coding:?} {blocks}");
            }
        }
    }
}
