//! The log's value format: an Avro datum of the union in `schemas/avro/log_record.avsc`, behind a header that names the
//! schema it was written with (`framing.rs`). What this version writes is read by [`decode`]; [`Writers`] reads what other
//! versions have written too.

mod fingerprint;
mod framing;
mod writers;

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::event::{ConsentEvent, code};
use crate::ids::{EventId, SiteId};

pub use self::framing::{Framing, SchemaRef};
pub use self::writers::{UnusableSchema, Writers};

/// The schema of version 1, as committed.
pub const SCHEMA_V1: &str = include_str!("../avro/log_record.avsc");

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
    #[error("neither Avro single-object encoding nor a schema registry's framing: it begins with {0:02x?}")]
    NotFramed(Vec<u8>),
    #[error("written with {0}, which is neither published in consent.control nor in the schema registry")]
    UnknownSchema(SchemaRef),
    #[error("written with {cited}, which cannot be used: {reason}")]
    Unusable { cited: SchemaRef, reason: String },
    #[error("a record of type {0}, which this version does not know")]
    UnknownType(String),
    #[error("the datum does not decode: {0}")]
    Datum(String),
    #[error("{0} bytes are left over after the datum")]
    Trailing(usize),
    #[error("the record does not encode: {0}")]
    Encode(String),
}

struct Codec {
    schema: &'static Schema,
    fingerprint: [u8; 8],
    writer: GenericDatumWriter<'static>,
    reader: GenericDatumReader<'static>,
}

impl Codec {
    /// Reads a whole datum of this version's schema.
    fn read(&self, mut datum: &[u8]) -> Result<LogRecord, RecordError> {
        let record = self.reader.read_deser(&mut datum).map_err(|e| RecordError::Datum(e.to_string()))?;
        if datum.is_empty() { Ok(record) } else { Err(RecordError::Trailing(datum.len())) }
    }
}

#[expect(clippy::expect_used, reason = "the schema is part of the program; a test parses it")]
static CODEC: LazyLock<Codec> = LazyLock::new(|| {
    let schema: &'static Schema =
        Box::leak(Box::new(Schema::parse_str(SCHEMA_V1).expect("the committed schema parses")));
    Codec {
        schema,
        fingerprint: fingerprint::of(SCHEMA_V1).expect("the committed schema parses"),
        writer: GenericDatumWriter::builder(schema).build().expect("the committed schema resolves"),
        reader: GenericDatumReader::builder(schema).build().expect("the committed schema resolves"),
    }
});

/// Encodes a record in single-object encoding.
///
/// # Errors
/// [`RecordError::Encode`] where the library refuses it, which a record built from these types does not meet.
pub fn encode(record: &LogRecord) -> Result<Vec<u8>, RecordError> {
    Framing::SingleObject.encode(record)
}

/// Decodes a record that was written with this version's schema, in single-object encoding.
///
/// # Errors
/// Whatever the bytes are, an error rather than a panic; bytes after the datum are an error too.
pub fn decode(bytes: &[u8]) -> Result<LogRecord, RecordError> {
    let codec = &*CODEC;
    match framing::split(bytes)? {
        (SchemaRef::Fingerprint(fingerprint), datum) if fingerprint == codec.fingerprint => codec.read(datum),
        (other, _) => Err(RecordError::UnknownSchema(other)),
    }
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
    key_of(site, shards, event.subject.map_or(event.id.0, |subject| subject.0))
}

/// The log key of a subject's records.
pub fn key_of(site: &SiteId, shards: u32, id: Uuid) -> String {
    if shards <= 1 {
        return site.to_string();
    }
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
