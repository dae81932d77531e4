//! Exact look-up of idempotency keys in `event_ids`.

use std::collections::{HashMap, HashSet};

use avow_schemas::ids::{EventId, SiteId, SubjectId};
use clickhouse::Row;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// The first 16 bytes of SHA-256(site || 0x00 || subject || id); the derivation of `event_ids` is the same in SQL.
pub type KeyHash = [u8; 16];

pub fn key_hash(site: &SiteId, subject: Option<SubjectId>, id: EventId) -> KeyHash {
    let mut hasher = Sha256::new();
    hasher.update(site.as_str().as_bytes());
    hasher.update([0]);
    hasher.update(subject.map_or(Uuid::nil(), |s| s.0).as_bytes());
    hasher.update(id.0.as_bytes());
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize()[..16]);
    hash
}

#[derive(Row, Deserialize)]
struct Hash {
    hash: [u8; 16],
}

#[derive(Row, Deserialize)]
struct Count {
    partition: u32,
    ids: u64,
}

impl Warehouse {
    /// Which of these keys are already accepted, whatever the log and partition.
    ///
    /// # Errors
    /// The engine's.
    pub async fn known_ids(&self, hashes: &[KeyHash]) -> Result<HashSet<KeyHash>, WarehouseError> {
        let mut known = HashSet::new();
        for some in hashes.chunks(4096) {
            let list: Vec<String> = some.iter().map(|hash| format!("unhex('{}')", hex(hash))).collect();
            let select = format!("SELECT DISTINCT hash FROM event_ids WHERE hash IN ({})", list.join(","));
            let rows: Vec<Hash> = self.client().query_raw(&select).fetch_all().await?;
            known.extend(rows.into_iter().map(|row| row.hash));
        }
        Ok(known)
    }

    /// How many ids each partition number holds, over all logs.
    ///
    /// # Errors
    /// The engine's.
    pub async fn id_counts(&self) -> Result<HashMap<u32, u64>, WarehouseError> {
        let select =
            "SELECT partition, count() AS ids FROM event_ids WHERE hash != toFixedString('', 16) GROUP BY partition";
        let rows: Vec<Count> = self.client().query_raw(select).fetch_all().await?;
        Ok(rows.into_iter().map(|row| (row.partition, row.ids)).collect())
    }

    /// Calls `each` with the ids that lie at or past `from` in a partition, or with all ids of all logs where `log_id` is
    /// none, in no particular order.
    ///
    /// # Errors
    /// The engine's.
    pub async fn each_id(
        &self,
        log_id: Option<Uuid>,
        partition: u32,
        from: u64,
        mut each: impl FnMut(KeyHash),
    ) -> Result<(), WarehouseError> {
        let log = log_id.map_or_else(String::new, |id| {
            format!("AND log_id = '{id}' AND partition = {partition} AND position >= {from}")
        });
        let select = format!("SELECT hash FROM event_ids WHERE hash != toFixedString('', 16) {log}");
        let mut cursor = self.client().query_raw(&select).fetch::<Hash>()?;
        while let Some(row) = cursor.next().await? {
            each(row.hash);
        }
        Ok(())
    }
}

fn hex(hash: &KeyHash) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
