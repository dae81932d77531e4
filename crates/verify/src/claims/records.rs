//! Claim "records".

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use avow_ledger::Hash;
use avow_ledger::tile::{self, TileKind, TilePath};

use super::checkpoints::Trees;
use super::{Claim, Faults, Verdict, counted};
use crate::bundle::Bundle;
use crate::disclosure::{DISCLOSURES, Disclosure, Opened};
use crate::events::Events;

/// Every record that is opened is the leaf at its place. What it says is kept in `events`.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>, trees: &Trees, events: &mut Events) -> Claim {
    let mut faults = Faults::default();
    let (mut proven, mut redacted, mut newer) = (0_u64, 0_u64, 0_u64);
    let mut last: (String, Option<u64>) = Default::default();
    let wanted: BTreeSet<String> = bundle.manifest.artefacts.iter().map(|one| one.text_hash.clone()).collect();
    let tiles = leaf_tiles(bundle, trees);
    let read = bundle.each_line(DISCLOSURES, |number, line| {
        let record: Disclosure<'_> = match serde_json::from_slice(line) {
            Ok(record) => record,
            Err(error) => return faults.add(format!("line {number} of {DISCLOSURES} is no record: {error}")),
        };
        let (ledger, leaf) = &mut last;
        let is_next = match ledger.as_str().cmp(&record.ledger) {
            Ordering::Less => true,
            Ordering::Equal => leaf.is_none_or(|leaf| leaf < record.leaf),
            Ordering::Greater => false,
        };
        if !is_next {
            return faults.add(format!("line {number}: leaf {} is there twice, or out of order", record.leaf));
        }
        ledger.clone_from(&record.ledger);
        *leaf = Some(record.leaf);
        if record.site().is_some_and(|site| site != bundle.manifest.site) {
            faults.add(format!("line {number}: it is of another site"));
        }
        events.take(&record, &wanted);
        if bundle.manifest.logs.iter().all(|log| log.name != record.ledger) {
            newer += 1;
            return;
        }
        let Some(tree) = trees.logs.get(&record.ledger) else {
            return faults.add(format!("line {number}: there is no checkpoint of {}", record.ledger));
        };
        if record.leaf >= tree.checkpoint.size {
            newer += 1;
            return;
        }
        let leaf = match record.open() {
            Opened::Leaf(leaf) => leaf,
            Opened::Redacted => {
                redacted += 1;
                return;
            }
            Opened::Broken(why) => return faults.add(format!("line {number}: {why}")),
        };
        let tile = tiles.get(&record.ledger);
        let tile = tile.and_then(|tiles| tiles.get(&(record.leaf / u64::from(tile::HASHES_PER_TILE))));
        let at = usize::try_from(record.leaf % u64::from(tile::HASHES_PER_TILE)).unwrap_or(usize::MAX);
        match tile.and_then(|hashes| hashes.get(at)) {
            Some(hash) if *hash == leaf => proven += 1,
            Some(_) => faults.add(format!("line {number}: the record is not what leaf {} commits to", record.leaf)),
            None => faults.add(format!("line {number}: the tile with leaf {} is not in the bundle", record.leaf)),
        }
    });
    if let Err(error) = read {
        faults.add(format!("{DISCLOSURES}: {error}"));
    }
    let besides = [
        (redacted, "erased or restricted, their leaves are there"),
        (newer, "not under a checkpoint yet and not proven"),
    ];
    let besides: String = besides.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("; {n} {what}")).collect();
    let mut claim =
        faults.claim("records", format!("{}, each what its leaf commits to{besides}", counted(proven, "record")));
    if claim.verdict == Verdict::Holds && proven == 0 && newer > 0 {
        claim.verdict = Verdict::Open;
    }
    claim
}

/// The leaf hashes that the bundle has, 256 at a time, by log and tile.
fn leaf_tiles<R: Read + Seek>(bundle: &Bundle<R>, trees: &Trees) -> BTreeMap<String, BTreeMap<u64, Vec<Hash>>> {
    let mut tiles: BTreeMap<String, BTreeMap<u64, Vec<Hash>>> = BTreeMap::new();
    for (name, tree) in &trees.logs {
        let prefix = format!("logs/{name}/");
        for path in bundle.names().filter_map(|file| file.strip_prefix(&prefix)?.parse::<TilePath>().ok()) {
            let of_tree =
                TilePath::of_node(0, path.index.saturating_mul(u64::from(tile::HASHES_PER_TILE)), tree.checkpoint.size);
            if path.kind != (TileKind::Hashes { level: 0 }) || of_tree != Some(path) {
                continue;
            }
            let bytes = bundle.read(&format!("{prefix}{path}")).ok();
            if let Some(hashes) = bytes.and_then(|bytes| tile::hashes(&bytes, path.width).ok()) {
                tiles.entry(name.clone()).or_default().insert(path.index, hashes);
            }
        }
    }
    tiles
}
