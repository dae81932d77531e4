//! Which log this is. Kafka gives every topic a UUID, but librdkafka's safe interface (0.39) does not show it; so the log
//! keeps an identity of its own, as a record in the control topic: the first one in log order, each candidate under a key
//! of its own so that compaction never drops the first in favour of a later one.
//!
//! It is written when no identity is there yet. An events topic that is missing where an identity exists was deleted: that
//! is refused, for its positions would begin anew under a known name. (An events topic deleted and created again by hand,
//! while nothing of Avow runs, is only noticed by whoever holds a position beyond its end.)

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::read::{Readers, Target};
use crate::{LogError, LogIdentity, ReadLimit, Record};

/// Keys of the control topic that are the log's own; readers of the log do not see them.
pub(super) const OWN_KEYS: &[u8] = b"avow:log/";
const IDENTITY_KEYS: &str = "avow:log/identity/";
/// What is appended, as a deletion, to learn whether appends are acknowledged.
pub(super) const PROBE_KEY: &[u8] = b"avow:log/probe";

#[derive(Serialize, Deserialize)]
struct Stored {
    log_id: Uuid,
    event_partitions: u32,
}

/// A new candidate.
pub(super) fn candidate(event_partitions: u32) -> Result<Record, LogError> {
    let log_id = Uuid::new_v4();
    let value = serde_json::to_vec(&Stored { log_id, event_partitions })
        .map_err(|e| LogError::Unavailable(format!("writing the log's identity: {e}")))?;
    Ok(Record { key: Bytes::from(format!("{IDENTITY_KEYS}{log_id}")), value: Bytes::from(value) })
}

/// The first identity in `[start, end)` of the control topic, if there is one. Blocks.
pub(super) fn find(readers: &Readers, control: &Target, start: u64, end: u64) -> Result<Option<LogIdentity>, LogError> {
    let limit = ReadLimit { max_records: 1000, max_bytes: 1 << 20, max_wait: Duration::from_secs(10) };
    let mut next = start;
    while next < end {
        let chunk = readers.read(control, next, limit, &AtomicBool::new(false))?;
        if chunk.next == next {
            return Err(LogError::Unavailable("the control topic cannot be read".to_owned()));
        }
        next = chunk.next;
        let is_identity = |key: &Bytes| key.starts_with(IDENTITY_KEYS.as_bytes());
        if let Some(record) = chunk.records.iter().find(|r| is_identity(&r.key)) {
            let stored: Stored = serde_json::from_slice(&record.value).map_err(|e| {
                LogError::Damaged(format!("the log's identity at {}/{}: {e}", control.name, record.position))
            })?;
            return Ok(Some(LogIdentity { log_id: stored.log_id, partitions: stored.event_partitions }));
        }
    }
    Ok(None)
}
