//! Dropping repeats: the key of an event is (site, subject or none, id), for ever, and the first in log order wins. A
//! filter answers "new" for nearly all; only its hits are looked up exactly, one query a batch.
//!
//! The filter is a chain of Bloom filters, each twice as large as the one before, so that memory grows with what is known:
//! about 2 bytes an id. It lies on disk with the position that it covers; ids past that are read from `event_ids` when it
//! is opened. It may always say "perhaps" too often, never "new" wrongly: its file is used only where its checksum holds.
//!
//! A key may lie in another partition of the logs before this one. Their ids, which grow no more, are one further filter
//! ([`Earlier`]) that all partitions of this process share.

mod layers;
mod snapshot;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use avow_warehouse::Warehouse;
use avow_warehouse::uniqueness::{IdsStand, KeyHash};
use uuid::Uuid;

use self::layers::Layers;
use self::snapshot::Snapshot;
use crate::ProcessorError;

/// New ids after which the filter is written to disk again, at the next opportunity.
const WRITE_AFTER: u64 = 1_000_000;

/// The ids of all logs before this one.
#[derive(Default)]
pub(crate) struct Earlier(Layers);

impl Earlier {
    /// Opens the filter of what the logs before `log_id` held; reads the table where there is none yet. They are derived
    /// to their ends before another log follows them, so what was once written stays whole.
    pub(crate) async fn open(dir: &Path, warehouse: &Warehouse, log_id: Uuid) -> Result<Self, ProcessorError> {
        let mut snapshot = Snapshot::at(dir, log_id, "earlier")?;
        if let Some((layers, _)) = snapshot.read() {
            return Ok(Self(layers));
        }
        let mut layers = Layers::default();
        warehouse.each_id_of_other_logs(log_id, |hash| layers.insert(&hash)).await?;
        snapshot.write(&mut layers, 0)?;
        tracing::info!(ids = layers.len(), "processor.earlier_ids_read");
        Ok(Self(layers))
    }
}

/// The known ids of one partition.
pub(crate) struct Repeats {
    earlier: Arc<Earlier>,
    layers: Layers,
    snapshot: Snapshot,
    /// Ids added since the filter was last written.
    unwritten: u64,
}

impl Repeats {
    /// Opens a partition's filter and brings it up to the warehouse's `event_ids`.
    pub(crate) async fn open(
        dir: &Path,
        warehouse: &Warehouse,
        stand: IdsStand,
        earlier: Arc<Earlier>,
    ) -> Result<Self, ProcessorError> {
        let IdsStand { log_id, partition, .. } = stand;
        let mut snapshot = Snapshot::at(dir, log_id, &format!("p{partition}"))?;
        let (mut layers, covers) = snapshot.read().unwrap_or_default();
        let known = layers.len();
        warehouse.each_id(stand, covers, |hash| layers.insert(&hash)).await?;
        let unwritten = layers.len() - known;
        tracing::info!(partition, known, caught_up = unwritten, "processor.filter_opened");
        Ok(Self { earlier, layers, snapshot, unwritten })
    }

    /// Which of the hashes, in log order, are repeats: of an id accepted before, or of one earlier in the list.
    pub(crate) async fn judge(
        &mut self,
        warehouse: &Warehouse,
        stand: IdsStand,
        hashes: &[Option<KeyHash>],
    ) -> Result<Vec<bool>, ProcessorError> {
        let may_know = |hash: &&KeyHash| self.layers.may_know(hash) || self.earlier.0.may_know(hash);
        let mut asked: Vec<KeyHash> = hashes.iter().flatten().filter(may_know).copied().collect();
        asked.sort_unstable();
        asked.dedup();
        let known = if asked.is_empty() { HashSet::new() } else { warehouse.known_ids(&asked, stand).await? };
        let mut here: HashSet<KeyHash> = HashSet::with_capacity(hashes.len());
        Ok(hashes.iter().map(|hash| hash.is_some_and(|hash| known.contains(&hash) || !here.insert(hash))).collect())
    }

    /// Adds ids that have been accepted; before their rows land, so that the filter never knows less than the table.
    pub(crate) fn accept(&mut self, hashes: impl Iterator<Item = KeyHash>) {
        for hash in hashes {
            self.layers.insert(&hash);
            self.unwritten += 1;
        }
    }

    /// Writes the filter if enough has been added; `covers` is `event_ids`' watermark, which has been read back.
    pub(crate) fn write_if_due(&mut self, covers: u64) -> Result<(), ProcessorError> {
        if self.unwritten >= WRITE_AFTER { self.write(covers) } else { Ok(()) }
    }

    pub(crate) fn write(&mut self, covers: u64) -> Result<(), ProcessorError> {
        if self.unwritten > 0 {
            self.snapshot.write(&mut self.layers, covers)?;
            self.unwritten = 0;
        }
        Ok(())
    }
}
