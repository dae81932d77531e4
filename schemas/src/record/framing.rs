//! How a value of the log begins, and so which schema its datum was written with. Two headers, told apart by their first
//! byte; a topic may hold both:
//!
//! - Avro single-object encoding: C3 01, the schema's CRC-64-AVRO fingerprint in little-endian (Avro 1.12, "Single-object
//!   encoding");
//! - a schema registry's framing: 00, the schema's id in big-endian (Confluent's "wire format").

use std::fmt;

use super::{CODEC, LogRecord, RecordError};

const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];
const REGISTERED: u8 = 0;
/// What builds before the first release took for the fingerprint of version 1's schema.
const BEFORE_RELEASE: [u8; 8] = [0x5c, 0xe2, 0x9d, 0xe9, 0x9c, 0x04, 0x2c, 0x12];

/// The schema that a record says it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SchemaRef {
    /// CRC-64-AVRO, in the order in which it stands in the header.
    Fingerprint([u8; 8]),
    /// As a schema registry numbered it.
    Id(u32),
}

impl SchemaRef {
    /// This version's schema.
    pub fn own() -> Self {
        Self::Fingerprint(CODEC.fingerprint)
    }
}

impl fmt::Display for SchemaRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fingerprint(fingerprint) => {
                write!(f, "the schema of fingerprint {:016x}", u64::from_be_bytes(*fingerprint))
            }
            Self::Id(id) => write!(f, "the schema that the registry numbers {id}"),
        }
    }
}

/// How a process frames what it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    #[default]
    SingleObject,
    /// The schema registry's id of this version's schema.
    Registered(u32),
}

impl Framing {
    /// Encodes a record.
    ///
    /// # Errors
    /// [`RecordError::Encode`] where the library refuses it, which a record built from these types does not meet.
    pub fn encode(self, record: &LogRecord) -> Result<Vec<u8>, RecordError> {
        let codec = &*CODEC;
        let mut bytes = Vec::with_capacity(384);
        match self {
            Self::SingleObject => {
                bytes.extend_from_slice(&SINGLE_OBJECT);
                bytes.extend_from_slice(&codec.fingerprint);
            }
            Self::Registered(id) => {
                bytes.push(REGISTERED);
                bytes.extend_from_slice(&id.to_be_bytes());
            }
        }
        codec.writer.write_ser(&mut bytes, record).map_err(|e| RecordError::Encode(e.to_string()))?;
        Ok(bytes)
    }
}

/// The schema that a value cites, and its datum.
pub(super) fn split(bytes: &[u8]) -> Result<(SchemaRef, &[u8]), RecordError> {
    if let Some(rest) = bytes.strip_prefix(&SINGLE_OBJECT)
        && let Some((fingerprint, datum)) = rest.split_first_chunk::<8>()
    {
        let cited = SchemaRef::Fingerprint(*fingerprint);
        return Ok((if *fingerprint == BEFORE_RELEASE { SchemaRef::own() } else { cited }, datum));
    }
    if let Some(rest) = bytes.strip_prefix(&[REGISTERED])
        && let Some((id, datum)) = rest.split_first_chunk::<4>()
    {
        return Ok((SchemaRef::Id(u32::from_be_bytes(*id)), datum));
    }
    Err(RecordError::NotFramed(bytes.iter().take(10).copied().collect()))
}
