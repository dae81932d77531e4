//! The audit: every ledger derived anew from `events_data` and compared with what is stored of it. Three streams go side by
//! side, each ledger by ledger and in order (records by leaf, entries by leaf, the operator log's checkpoints by size), so
//! nothing here grows with their number. Before them every record is judged by itself, in no order ([`commitments`]). A fault is named
//! once, where it is; the audit goes on behind it.
//!
//! [`faults`] is what may be found, [`ledger`] the derivation of one ledger, [`mod@days`] its closed days, [`operator`] the log
//! above them.

mod commitments;
mod days;
pub mod faults;
mod ledger;
mod operator;

use std::collections::BTreeMap;
use std::sync::Arc;

use avow_schemas::control::LedgerKey;
use avow_warehouse::Warehouse;
use avow_warehouse::audit::{Placed, Rows, Sealed, StoredEntry};
use avow_warehouse::trees::{Anchor, Checkpoint, Head};
use uuid::Uuid;

use crate::{OPERATOR, TreeError};
use commitments::Broken;
use faults::{Found, What};
use ledger::Derived;

/// Records between two notes of the progress.
const NOTE_EVERY: u64 = 10_000;

/// What is stored of the ledgers apart from their rows: read before the records, which reach beyond it.
struct Stored {
    heads: BTreeMap<String, Vec<Head>>,
    checkpoints: BTreeMap<String, Checkpoint>,
    anchors: BTreeMap<String, Anchor>,
}

/// The streams, each with the row that comes next.
struct Streams {
    records: Rows<Placed>,
    record: Option<Placed>,
    entries: Rows<StoredEntry>,
    entry: Option<StoredEntry>,
    sealed: Rows<Sealed>,
    seal: Option<Sealed>,
    broken: Broken,
}

impl Streams {
    async fn open(
        warehouse: &Warehouse,
        (log_id, upto, operator): (Uuid, &[u64], u64),
        broken: Broken,
    ) -> Result<Self, TreeError> {
        let (mut records, mut entries) = (warehouse.all_places(log_id, upto)?, warehouse.all_entries()?);
        let mut sealed = warehouse.sealed(OPERATOR, operator)?;
        let (record, entry, seal) = (records.next().await?, entries.next().await?, sealed.next().await?);
        Ok(Self { records, record, entries, entry, sealed, seal, broken })
    }

    /// The ledger that comes next in any of them.
    fn next_ledger(&self) -> Option<String> {
        let record = self.record.as_ref().map(|row| &row.ledger);
        let entry = self.entry.as_ref().map(|row| &row.ledger);
        let seal = self.seal.as_ref().map(|row| &row.ledger);
        [record, entry, seal].into_iter().flatten().min().cloned()
    }

    /// The next record of a ledger, if its leaf is `leaf` or before.
    async fn record(&mut self, ledger: &str, leaf: u64) -> Result<Option<Placed>, TreeError> {
        if self.record.as_ref().is_none_or(|row| row.ledger != ledger || row.leaf > leaf) {
            return Ok(None);
        }
        let next = self.records.next().await?;
        Ok(std::mem::replace(&mut self.record, next))
    }

    /// The next entry of a ledger, if its leaf is `leaf` or before.
    async fn entry(&mut self, ledger: &str, leaf: u64) -> Result<Option<StoredEntry>, TreeError> {
        if self.entry.as_ref().is_none_or(|row| row.ledger != ledger || row.leaf > leaf) {
            return Ok(None);
        }
        let next = self.entries.next().await?;
        Ok(std::mem::replace(&mut self.entry, next))
    }

    /// The next of the operator log's checkpoints of a ledger, if it is of `size` entries or fewer.
    async fn seal(&mut self, ledger: &str, size: u64) -> Result<Option<Sealed>, TreeError> {
        if self.seal.as_ref().is_none_or(|row| row.ledger != ledger || row.size > size) {
            return Ok(None);
        }
        let next = self.sealed.next().await?;
        Ok(std::mem::replace(&mut self.seal, next))
    }

    /// The leaf with which a ledger goes on, in records or entries.
    fn next_leaf(&self, ledger: &str) -> Option<u64> {
        let record = self.record.as_ref().filter(|row| row.ledger == ledger).map(|row| row.leaf);
        let entry = self.entry.as_ref().filter(|row| row.ledger == ledger).map(|row| row.leaf);
        [record, entry].into_iter().flatten().min()
    }
}

/// Derives every ledger anew and compares. `progress` is told a share, 0 to 1. What is written meanwhile is left out.
///
/// # Errors
/// The engine's; a stored row that no event can be. What merely differs is found, not an error.
pub async fn audit(
    warehouse: &Arc<Warehouse>,
    log_id: Uuid,
    keys: &[Arc<LedgerKey>],
    progress: impl Fn(f64) + Send + Sync,
) -> Result<Found, TreeError> {
    let stored = stored(warehouse).await?;
    let upto = warehouse.stands(log_id).await?;
    let all = warehouse.count_records(log_id, &upto).await?.max(1);
    let operator = stored.checkpoints.get(OPERATOR).map_or(0, |checkpoint| checkpoint.size);
    // Each is met twice.
    let note = |records: u64| {
        if records.is_multiple_of(NOTE_EVERY) {
            progress(records as f64 / (2 * all) as f64);
        }
    };
    let broken = Broken::find(warehouse, log_id, &upto, &note).await?;
    let mut streams = Streams::open(warehouse, (log_id, &upto, operator), broken).await?;
    let mut found = Found::default();
    let note = |leaves: u64| note(all + leaves);
    while let Some(name) = streams.next_ledger() {
        if name == OPERATOR {
            operator::audit(warehouse, &mut streams, &stored, keys, &mut found).await?;
        } else {
            let derived = Derived::new(warehouse, name.clone());
            let size = derived.audit(&mut streams, &stored, keys, &mut found, &note).await?;
            days::audit(warehouse, &name, size, &mut found).await?;
        }
    }
    streams.broken.count(&mut found);
    for (name, heads) in &stored.heads {
        if heads.iter().any(|head| head.size > 0) && !found.knows(name) {
            found.add(What::Missing, name, "it has a head, and neither records nor entries");
        }
    }
    Ok(found)
}

async fn stored(warehouse: &Warehouse) -> Result<Stored, TreeError> {
    // Each may only be behind the next: heads come after leaves, checkpoints after heads, anchors after checkpoints.
    let anchors = warehouse.anchors().await?.into_iter().map(|anchor| (anchor.ledger.clone(), anchor)).collect();
    let checkpoints = warehouse.checkpoints().await?;
    let checkpoints = checkpoints.into_iter().map(|checkpoint| (checkpoint.ledger.clone(), checkpoint)).collect();
    let mut heads: BTreeMap<String, Vec<Head>> = BTreeMap::new();
    for head in warehouse.stored_heads().await? {
        heads.entry(head.ledger.clone()).or_default().push(head);
    }
    Ok(Stored { heads, checkpoints, anchors })
}
