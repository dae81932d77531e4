//! Bytes to records, with what needs nothing but the record: the hash of its idempotency key and its commitment.

use avow_log::{Chunk, StoredRecord};
use avow_schemas::record::{LogRecord, Writers, site_and_shard};
use avow_warehouse::days::DAY_MS;
use avow_warehouse::uniqueness::key_hash;
use sha2::{Digest, Sha256};

use crate::batch::{Batch, Item, Reading};

/// Decodes a chunk that begins at `from` and cuts it where the day of `logged_at` changes. `logged_at` is that of the
/// record before the chunk and is left at that of its last.
pub(crate) fn decode(chunk: Chunk, writers: &Writers, from: u64, logged_at: &mut i64) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::with_capacity(1);
    let mut day = None;
    for raw in chunk.records {
        *logged_at = raw.appended_at_ms.max(*logged_at);
        let this = logged_at.div_euclid(DAY_MS);
        if day != Some(this) {
            day = Some(this);
            batches.push(Batch {
                from: if batches.is_empty() { from } else { raw.position },
                to: 0,
                items: Vec::new(),
            });
        }
        let item = Item { logged_at: *logged_at, reading: read(&raw, writers), raw };
        if let Some(batch) = batches.last_mut() {
            batch.to = item.raw.position + 1;
            batch.items.push(item);
        }
    }
    batches
}

pub(crate) fn read(raw: &StoredRecord, writers: &Writers) -> Reading {
    let record = match writers.decode(&raw.value) {
        Ok(record) => record,
        Err(error) => return Reading::Dead(error.to_string()),
    };
    let key = String::from_utf8_lossy(&raw.key);
    if site_and_shard(&key).0 != record.site().as_str() {
        return Reading::Dead(format!("the record's site {} is not that of its key {key}", record.site()));
    }
    match &record {
        LogRecord::ConsentEvent(event) => {
            let hash = key_hash(&event.site, event.subject, event.id);
            Reading::Record { hash, commitment: avow_trees::commitment(event), record }
        }
        LogRecord::ControlRecord(control) => {
            let hash = key_hash(&control.site, None, control.id);
            Reading::Record { hash, commitment: Sha256::digest(control.body.as_bytes()).into(), record }
        }
    }
}
