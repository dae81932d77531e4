//! Which log this is. Kafka gives every topic a UUID, but librdkafka's safe interface (0.39) does not show it; so the log
//! keeps an identity of its own, as a record in the control topic: of the highest generation the first one in log order,
//! so that two who write at the same moment agree. Each candidate has a key of its own: compaction never drops one.
//!
//! The first is written when no identity is there yet; each further generation by `avow migrate log` (`successor.rs`),
//! which *seals* the log before it takes the topic away: a sealed log takes no appends and nobody starts on it, and whoever
//! has it open notices within seconds. An events topic that is missing where an identity exists was deleted: that is
//! refused, for its positions would begin anew under a known name. One that was deleted and created again by hand, with as
//! many partitions, is noticed by whoever knows records of it: the processor, at its start.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::read::{Readers, Target};
use crate::{LogError, LogIdentity, ReadLimit, Record, StoredRecord};

/// Keys of the control topic that are the log's own; readers of the log do not see them.
pub(super) const OWN_KEYS: &[u8] = b"avow:log/";
const IDENTITY_KEYS: &str = "avow:log/identity/";
const SEAL_KEYS: &str = "avow:log/seal/";
/// What is appended, as a deletion, to learn whether appends are acknowledged.
pub(super) const PROBE_KEY: &[u8] = b"avow:log/probe";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    log_id: Uuid,
    event_partitions: u32,
    #[serde(default = "first")]
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follows: Option<Uuid>,
}

const fn first() -> u64 {
    1
}

impl Stored {
    fn record(&self) -> Result<Record, LogError> {
        let value =
            serde_json::to_vec(self).map_err(|e| LogError::Unavailable(format!("writing the log's identity: {e}")))?;
        Ok(Record { key: Bytes::from(format!("{IDENTITY_KEYS}{}", self.log_id)), value: Bytes::from(value) })
    }
}

/// A candidate for a log where there is none.
pub(super) fn candidate(event_partitions: u32) -> Result<Record, LogError> {
    Stored { log_id: Uuid::new_v4(), event_partitions, generation: first(), follows: None }.record()
}

#[derive(Serialize, Deserialize)]
struct Seal {
    /// Of the log that is to follow.
    event_partitions: u32,
}

/// Seals a log that is to be followed by one of so many partitions; lifts its seal with none.
pub(super) fn seal(log_id: Uuid, event_partitions: Option<u32>) -> Result<Record, LogError> {
    let value = match event_partitions {
        Some(event_partitions) => serde_json::to_vec(&Seal { event_partitions })
            .map_err(|e| LogError::Unavailable(format!("writing the log's seal: {e}")))?,
        None => Vec::new(),
    };
    Ok(Record { key: Bytes::from(format!("{SEAL_KEYS}{log_id}")), value: Bytes::from(value) })
}

/// What the control topic says of its logs, as far as it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    newest: Option<Stored>,
    /// The partitions of the log that is to follow, by the sealed one.
    sealed: HashMap<Uuid, u32>,
    /// Everything below this is read.
    pub upto: u64,
}

impl Known {
    /// What a process remembers of the log that it had open: of a generation before all that the topic may hold.
    pub fn remembered(identity: &LogIdentity) -> Self {
        let LogIdentity { log_id, partitions: event_partitions, follows } = *identity;
        Self { newest: Some(Stored { log_id, event_partitions, generation: 0, follows }), ..Self::default() }
    }

    /// The log in force.
    pub fn identity(&self) -> Option<LogIdentity> {
        let Stored { log_id, event_partitions: partitions, follows, .. } = *self.newest.as_ref()?;
        Some(LogIdentity { log_id, partitions, follows })
    }

    /// How many partitions the log has that is to follow; `None` where the log is not sealed.
    pub fn sealed(&self, log_id: Uuid) -> Option<u32> {
        self.sealed.get(&log_id).copied()
    }

    /// A candidate for the log after the one in force.
    pub fn successor(&self, event_partitions: u32) -> Result<Record, LogError> {
        let none = || LogError::Misconfigured("there is no log to follow".to_owned());
        let newest = self.newest.as_ref().ok_or_else(none)?;
        let (generation, follows) = (newest.generation + 1, Some(newest.log_id));
        Stored { log_id: Uuid::new_v4(), event_partitions, generation, follows }.record()
    }

    fn apply(&mut self, record: &StoredRecord, topic: &str) -> Result<(), LogError> {
        let key = String::from_utf8_lossy(&record.key);
        if key.starts_with(IDENTITY_KEYS) {
            let stored: Stored = serde_json::from_slice(&record.value)
                .map_err(|e| LogError::Damaged(format!("the log's identity at {topic}/{}: {e}", record.position)))?;
            if self.newest.as_ref().is_none_or(|newest| stored.generation > newest.generation) {
                self.newest = Some(stored);
            }
        } else if let Some(log_id) = key.strip_prefix(SEAL_KEYS).and_then(|id| Uuid::try_parse(id).ok()) {
            if record.value.is_empty() {
                self.sealed.remove(&log_id);
            } else {
                let seal: Seal = serde_json::from_slice(&record.value)
                    .map_err(|e| LogError::Damaged(format!("a log's seal at {topic}/{}: {e}", record.position)))?;
                self.sealed.insert(log_id, seal.event_partitions);
            }
        }
        Ok(())
    }

    /// Reads on, up to `end` of the control topic, which begins at `start`. Blocks.
    pub fn read_on(&mut self, readers: &Readers, control: &Target, start: u64, end: u64) -> Result<(), LogError> {
        let limit = ReadLimit { max_records: 1000, max_bytes: 1 << 20, max_wait: Duration::from_secs(10) };
        self.upto = self.upto.max(start);
        while self.upto < end {
            let chunk = readers.read(control, self.upto, limit, &AtomicBool::new(false))?;
            if chunk.next == self.upto {
                return Err(LogError::Unavailable("the control topic cannot be read".to_owned()));
            }
            for record in &chunk.records {
                self.apply(record, &control.name)?;
            }
            self.upto = chunk.next;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(record: Record, position: u64) -> StoredRecord {
        StoredRecord { position, appended_at_ms: 0, key: record.key, value: record.value }
    }

    #[test]
    fn the_first_of_the_highest_generation_counts_and_a_seal_can_be_lifted() {
        let mut known = Known::default();
        let first = candidate(6).unwrap();
        let racer = candidate(6).unwrap();
        known.apply(&stored(first.clone(), 0), "control").unwrap();
        known.apply(&stored(racer, 1), "control").unwrap();
        let old = known.identity().unwrap();
        assert!(first.key.ends_with(old.log_id.to_string().as_bytes()));
        let (next, late) = (known.successor(3).unwrap(), known.successor(12).unwrap());
        known.apply(&stored(seal(old.log_id, Some(3)).unwrap(), 2), "control").unwrap();
        assert_eq!(known.sealed(old.log_id), Some(3));
        known.apply(&stored(next, 3), "control").unwrap();
        known.apply(&stored(late, 4), "control").unwrap();
        known.apply(&stored(candidate(6).unwrap(), 5), "control").unwrap();
        let new = known.identity().unwrap();
        assert_eq!((new.partitions, new.follows), (3, Some(old.log_id)));
        assert_eq!(known.sealed(new.log_id), None);
        known.apply(&stored(seal(old.log_id, None).unwrap(), 6), "control").unwrap();
        assert_eq!(known.sealed(old.log_id), None);
    }

    #[test]
    fn an_identity_of_before_there_were_generations_is_the_first() {
        let value = br#"{"log_id":"6f1e0a9c-8b7a-4f57-9a55-0a3f0c1d2e3f","event_partitions":6}"#;
        let record = Record { key: Bytes::from_static(b"avow:log/identity/x"), value: Bytes::from_static(value) };
        let mut known = Known::default();
        known.apply(&stored(record, 0), "control").unwrap();
        assert_eq!(known.newest.as_ref().map(|s| s.generation), Some(1));
        assert_eq!(known.identity().unwrap().follows, None);
    }
}
