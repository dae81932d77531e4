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

/// The hash under which `event_ids` keeps its watermarks.
const WATERMARK: KeyHash = [0; 16];

/// Where `event_ids` stands with a partition, as its writer has read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdsStand {
    pub log_id: Uuid,
    pub partition: u32,
    pub upto: u64,
}

impl IdsStand {
    /// The watermarks that say so: found by key.
    fn reached(self) -> String {
        let Self { log_id, partition, upto } = self;
        format!(
            "hash = toFixedString('', 16) AND partition = {partition} AND position >= {upto} AND log_id = toUUID('{log_id}')"
        )
    }

    /// What no such watermark means.
    const fn demand(self) -> Result<(), WarehouseError> {
        let Self { partition, upto, .. } = self;
        if upto == 0 { Ok(()) } else { Err(WarehouseError::Fenced { partition, expected: upto, found: 0 }) }
    }
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
    /// Which of these keys are already accepted, whatever the log and partition; read from a table that stands at `stand`
    /// at least, so that ids which a rebuild has not yet brought back are never taken for new ones.
    ///
    /// # Errors
    /// [`WarehouseError::Fenced`] where the table stands lower; the engine's.
    pub async fn known_ids(&self, hashes: &[KeyHash], stand: IdsStand) -> Result<HashSet<KeyHash>, WarehouseError> {
        let mut known = HashSet::new();
        for some in hashes.chunks(4096) {
            let list: Vec<String> = some.iter().map(|hash| format!("unhex('{}')", hex(hash))).collect();
            // One read of one set of parts: the ids and the watermark.
            let select = format!(
                "SELECT DISTINCT hash FROM event_ids WHERE hash IN ({}) OR ({})",
                list.join(","),
                stand.reached()
            );
            let rows: Vec<Hash> = self.client().query_raw(&select).fetch_all().await?;
            known.extend(rows.into_iter().map(|row| row.hash));
            if !known.remove(&WATERMARK) {
                stand.demand()?;
            }
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

    /// Calls `each` with the ids of a partition that lie at or past `from`, in no particular order; read from a table that
    /// stands at `stand` at least.
    ///
    /// # Errors
    /// [`WarehouseError::Fenced`] where the table stands lower; the engine's.
    pub async fn each_id(&self, stand: IdsStand, from: u64, each: impl FnMut(KeyHash)) -> Result<(), WarehouseError> {
        let IdsStand { log_id, partition, .. } = stand;
        let which = format!("log_id = toUUID('{log_id}') AND partition = {partition} AND position >= {from}");
        if self.each_id_where(&which, &stand.reached(), each).await? { Ok(()) } else { stand.demand() }
    }

    /// Calls `each` with the ids of every log but one, in no particular order.
    ///
    /// # Errors
    /// The engine's.
    pub async fn each_id_of_other_logs(&self, log_id: Uuid, each: impl FnMut(KeyHash)) -> Result<(), WarehouseError> {
        self.each_id_where(&format!("log_id != toUUID('{log_id}')"), "false", each).await.map(drop)
    }

    /// Calls `each` with the ids of rows for which `which` holds; the answer is whether there is a watermark for which
    /// `reached` holds, in the same read.
    async fn each_id_where(
        &self,
        which: &str,
        reached: &str,
        mut each: impl FnMut(KeyHash),
    ) -> Result<bool, WarehouseError> {
        let select =
            format!("SELECT hash FROM event_ids WHERE (hash != toFixedString('', 16) AND {which}) OR ({reached})");
        let mut reached = false;
        let mut cursor = self.client().query_raw(&select).fetch::<Hash>()?;
        while let Some(row) = cursor.next().await? {
            if row.hash == WATERMARK {
                reached = true;
            } else {
                each(row.hash);
            }
        }
        Ok(reached)
    }
}

fn hex(hash: &KeyHash) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
