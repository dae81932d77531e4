//! Whether each record is what its commitment commits to. That takes a record whole, and no order: so the records are read as
//! they lie, and only what is needed of them in the order of leaves is sorted.

use std::collections::HashMap;

use avow_ledger::{Hash, hex};
use avow_warehouse::Warehouse;
use avow_warehouse::audit::Placed;
use avow_warehouse::records::{Content, Record};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::faults::{Found, MOST_NAMED, What};
use crate::{TreeError, as_committed, commitment};

/// The records that are something else, in words, until they are named where they are.
#[derive(Default)]
pub(super) struct Broken {
    /// By leaf, partition and position.
    named: HashMap<(u64, u32, u64), String>,
    /// How many there are besides.
    more: u64,
}

impl Broken {
    /// Judges every record up to these positions. `note` is told how many it has judged.
    pub async fn find(
        warehouse: &Warehouse,
        log_id: Uuid,
        upto: &[u64],
        note: &(impl Fn(u64) + Sync),
    ) -> Result<Self, TreeError> {
        let mut broken = Self::default();
        let mut records = warehouse.all_records(log_id, upto)?;
        let mut judged = 0;
        while let Some(record) = records.next().await? {
            if let Some(detail) = judge(&record) {
                broken.add(&record, detail);
            }
            judged += 1;
            note(judged);
        }
        Ok(broken)
    }

    fn add(&mut self, record: &Record, detail: String) {
        if self.named.len() < MOST_NAMED {
            self.named.insert((record.leaf, record.partition, record.position), detail);
        } else {
            self.more += 1;
        }
    }

    /// Names the fault of a record, if it has one.
    pub fn name(&mut self, record: &Placed, found: &mut Found) {
        if let Some(detail) = self.named.remove(&(record.leaf, record.partition, record.position)) {
            let place = Some((record.partition, record.position));
            found.at_leaf(What::Commitment, &record.ledger, record.leaf, place, detail);
        }
    }

    /// Counts those that were not named.
    pub fn count(self, found: &mut Found) {
        found.fault_count += self.more;
    }
}

/// What is wrong with a record, if something is. Of an erased one there is nothing to tell it from.
fn judge(record: &Record) -> Option<String> {
    let commitment = match &record.content {
        Content::Redacted => return None,
        Content::Control { body, .. } => Sha256::digest(body.as_bytes()).into(),
        Content::Event { event, .. } if as_committed(event, &record.commitment).is_some() => return None,
        Content::Event { event, .. } => commitment(event),
    };
    let detail = || format!("its fields give {}, committed was to {}", short(&commitment), short(&record.commitment));
    (commitment != record.commitment).then(detail)
}

fn short(hash: &Hash) -> String {
    hex::encode(hash)[..16].to_owned()
}
