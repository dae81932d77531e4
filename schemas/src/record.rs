//! The log's value format: Avro single-object encoding (the two bytes C3 01, the schema's CRC-64-AVRO fingerprint in
//! little-endian, the datum) of the union in `schemas/avro/log_record.avsc`. Avro 1.12, "Single-object encoding".

mod fingerprint;

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::event::{ConsentEvent, code};
use crate::ids::{EventId, SiteId};

/// The schema of version 1, as committed.
pub const SCHEMA_V1: &str = include_str!("../avro/log_record.avsc");
const MARKER: [u8; 2] = [0xC3, 0x01];
const HEADER: usize = 10;
/// What builds before the first release took for the fingerprint of version 1's schema.
const BEFORE_RELEASE: [u8; 8] = [0x5c, 0xe2, 0x9d, 0xe9, 0x9c, 0x04, 0x2c, 0x12];

code!(
    /// What a control record says; each kind has its leaf byte in the ledger.
    ControlKind {
        SettingsVersion = "settings_version", BannerArtefact = "banner_artefact", DayClose = "day_close",
        KeyChange = "key_change", Tombstone = "tombstone",
    }
);

/// What makes a ledger leaf and is no consent event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRecord {
    /// UUID v5 of what it says: writing it again changes nothing.
    pub id: EventId,
    pub site: SiteId,
    pub kind: ControlKind,
    /// Of the settings; 0 elsewhere.
    pub version: i64,
    pub made_at: i64,
    /// Canonical JSON (RFC 8785).
    pub body: String,
}

/// A record of `consent.events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum LogRecord {
    /// Boxed: it is moved from stage to stage far more often than it is made.
    ConsentEvent(Box<ConsentEvent>),
    ControlRecord(ControlRecord),
}

impl LogRecord {
    pub fn site(&self) -> &SiteId {
        match self {
            Self::ConsentEvent(event) => &event.site,
            Self::ControlRecord(record) => &record.site,
        }
    }
}

/// Why bytes are not a record of this log.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("not Avro single-object encoding: it begins with {0:02x?}")]
    NotSingleObject(Vec<u8>),
    #[error("written with an unknown schema, fingerprint {0:016x}")]
    UnknownSchema(u64),
    #[error("the datum does not decode: {0}")]
    Datum(String),
    #[error("{0} bytes are left over after the datum")]
    Trailing(usize),
    #[error("the record does not encode: {0}")]
    Encode(String),
}

struct Codec {
    fingerprint: [u8; 8],
    writer: GenericDatumWriter<'static>,
    reader: GenericDatumReader<'static>,
}

#[expect(clippy::expect_used, reason = "the schema is part of the program; a test parses it")]
static CODEC: LazyLock<Codec> = LazyLock::new(|| {
    let schema: &'static Schema =
        Box::leak(Box::new(Schema::parse_str(SCHEMA_V1).expect("the committed schema parses")));
    Codec {
        fingerprint: fingerprint::of(SCHEMA_V1).expect("the committed schema parses"),
        writer: GenericDatumWriter::builder(schema).build().expect("the committed schema resolves"),
        reader: GenericDatumReader::builder(schema).build().expect("the committed schema resolves"),
    }
});

/// Encodes a record.
///
/// # Errors
/// [`RecordError::Encode`] where the library refuses it, which a record built from these types does not meet.
pub fn encode(record: &LogRecord) -> Result<Vec<u8>, RecordError> {
    let codec = &*CODEC;
    let mut bytes = Vec::with_capacity(384);
    bytes.extend_from_slice(&MARKER);
    bytes.extend_from_slice(&codec.fingerprint);
    codec.writer.write_ser(&mut bytes, record).map_err(|e| RecordError::Encode(e.to_string()))?;
    Ok(bytes)
}

/// Decodes a record.
///
/// # Errors
/// Whatever the bytes are, an error rather than a panic; bytes after the datum are an error too.
pub fn decode(bytes: &[u8]) -> Result<LogRecord, RecordError> {
    let codec = &*CODEC;
    if bytes.len() < HEADER || bytes[..2] != MARKER {
        return Err(RecordError::NotSingleObject(bytes.iter().take(HEADER).copied().collect()));
    }
    if bytes[2..HEADER] != codec.fingerprint && bytes[2..HEADER] != BEFORE_RELEASE {
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&bytes[2..HEADER]);
        return Err(RecordError::UnknownSchema(u64::from_le_bytes(fingerprint)));
    }
    let mut datum = &bytes[HEADER..];
    let record = codec.reader.read_deser(&mut datum).map_err(|e| RecordError::Datum(e.to_string()))?;
    if datum.is_empty() { Ok(record) } else { Err(RecordError::Trailing(datum.len())) }
}

/// The fingerprint by which this version's records are known (CRC-64-AVRO of the schema's canonical form).
pub fn fingerprint() -> [u8; 8] {
    CODEC.fingerprint
}

/// The id of a control record, from what it says: UUID v5 (RFC 9562) in a namespace of Avow's own.
pub fn derived_id(name: &str) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_1f0c_8a53_4b52_9d0b_6a70_2f1c_5b11);
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// The log key of a record: the site, or `site#k` with k = hash(subject) mod shards where the site has several. Events
/// without a subject take their own id.
pub fn key(site: &SiteId, shards: u32, event: &ConsentEvent) -> String {
    if shards <= 1 {
        return site.to_string();
    }
    let id = event.subject.map_or(event.id.0, |subject| subject.0);
    let hash = Sha256::digest(id.as_bytes());
    let k = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % shards;
    format!("{site}#{k}")
}

/// Every key of a site: where a control record of the site must lie.
pub fn keys(site: &SiteId, shards: u32) -> Vec<String> {
    if shards <= 1 { vec![site.to_string()] } else { (0..shards).map(|k| format!("{site}#{k}")).collect() }
}

/// The site and shard that a log key names.
pub fn site_and_shard(key: &str) -> (&str, u32) {
    match key.rsplit_once('#').and_then(|(site, k)| Some((site, k.parse().ok()?))) {
        Some(split) => split,
        None => (key, 0),
    }
}

/// UUIDs as text of 36 characters, whatever the format's own idea is, as Avro's `uuid` on a string wants them.
pub(crate) mod uuid_text {
    use super::{Deserialize, Uuid};
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Uuid::try_parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
pub(crate) mod tests;
