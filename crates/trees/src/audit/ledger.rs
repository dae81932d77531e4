//! One ledger derived anew: from its records in the order of their leaves, beside its stored entries, nodes, heads,
//! checkpoints.

use std::collections::BTreeMap;
use std::sync::Arc;

use avow_ledger::checkpoint::Checkpoint as Text;
use avow_ledger::frontier::Frontier;
use avow_ledger::note::Note;
use avow_ledger::{Hash, merkle};
use avow_schemas::control::LedgerKey;
use avow_warehouse::Warehouse;
use avow_warehouse::trees::entry;

use super::faults::{Found, What};
use super::{Stored, Streams};
use crate::TreeError;
use crate::grow::TILE_HEIGHT;
use crate::keys::signed_by;

/// Nodes of a level that are read at once.
const NODES_AT_ONCE: u64 = 4_096;

/// The tree of one ledger, as its records make it.
pub(super) struct Derived<'a> {
    nodes: StoredNodes<'a>,
    pub name: String,
    pub tree: Frontier,
    /// Where the last record lies in the log.
    last: Option<(u32, u64)>,
}

/// Stored nodes of one ledger in order, some of each level at a time.
struct StoredNodes<'a> {
    warehouse: &'a Warehouse,
    levels: BTreeMap<u8, (u64, Vec<Hash>)>,
}

impl StoredNodes<'_> {
    async fn node(&mut self, ledger: &str, level: u8, number: u64) -> Result<Option<Hash>, TreeError> {
        let held = self.levels.get(&level);
        if held.is_none_or(|(first, hashes)| number >= first + hashes.len() as u64) {
            let hashes = self.warehouse.nodes(ledger, level, number, number + NODES_AT_ONCE).await?;
            self.levels.insert(level, (number, hashes));
        }
        let (first, hashes) = self.levels.entry(level).or_default();
        let at = number.checked_sub(*first).and_then(|at| usize::try_from(at).ok());
        Ok(at.and_then(|at| hashes.get(at)).copied())
    }
}

impl<'a> Derived<'a> {
    pub fn new(warehouse: &'a Warehouse, name: String) -> Self {
        let nodes = StoredNodes { warehouse, levels: BTreeMap::new() };
        Self { nodes, name, tree: Frontier::new(), last: None }
    }

    /// Goes through the ledger to its end; how many leaves it has.
    pub async fn audit(
        mut self,
        streams: &mut Streams,
        stored: &Stored,
        keys: &[Arc<LedgerKey>],
        found: &mut Found,
        note: &(impl Fn(u64) + Sync),
    ) -> Result<u64, TreeError> {
        found.begin(&self.name);
        let heads = stored.heads.get(&self.name).map(Vec::as_slice).unwrap_or_default();
        let in_tree = heads.iter().map(|head| head.size).max().unwrap_or(0);
        while streams.next_leaf(&self.name).is_some() {
            let leaf = self.tree.size();
            let derived = self.record(streams, leaf, found).await?;
            let kept = self.entries(streams, leaf, in_tree, derived.as_deref(), found).await?;
            note(found.leaves);
            if derived.is_none() && leaf >= in_tree {
                // Written since: the records were read up to where they stood before.
                self.pass_over(streams).await?;
                break;
            }
            let Some(bytes) = derived.or(kept) else {
                let next = streams.next_leaf(&self.name).unwrap_or(leaf);
                let detail = format!("neither records nor entries up to leaf {next}: the tree ends here");
                found.at_leaf(What::Missing, &self.name, leaf, None, detail);
                self.pass_over(streams).await?;
                return Ok(leaf);
            };
            self.push(&bytes, in_tree, found).await?;
            self.compare(streams, stored, keys, found).await?;
        }
        let size = self.tree.size();
        found.waiting += size.saturating_sub(in_tree);
        for head in heads.iter().filter(|head| head.size > size) {
            found.at_size(
                What::Head,
                &self.name,
                head.size,
                format!("the head has more leaves than there are: {size}"),
            );
        }
        if let Some(checkpoint) = stored.checkpoints.get(&self.name).filter(|checkpoint| checkpoint.size > size) {
            let detail = format!("what was signed has more leaves than there are: {size}");
            found.at_size(What::Checkpoint, &self.name, checkpoint.size, detail);
        }
        while let Some(seal) = streams.seal(&self.name, u64::MAX).await? {
            let detail = format!("the operator log has a checkpoint of more leaves than there are: {size}");
            found.at_size(What::Anchor, &self.name, seal.size, detail);
        }
        Ok(size)
    }

    /// Takes what the streams still have of this ledger.
    async fn pass_over(&self, streams: &mut Streams) -> Result<(), TreeError> {
        while streams.record(&self.name, u64::MAX).await?.is_some() {}
        while streams.entry(&self.name, u64::MAX).await?.is_some() {}
        while streams.seal(&self.name, u64::MAX).await?.is_some() {}
        Ok(())
    }

    /// The entry that the record of a leaf makes.
    async fn record(
        &mut self,
        streams: &mut Streams,
        leaf: u64,
        found: &mut Found,
    ) -> Result<Option<Vec<u8>>, TreeError> {
        let Some(record) = streams.record(&self.name, leaf).await? else { return Ok(None) };
        let place = (record.partition, record.position);
        found.leaves += 1;
        found.erased += u64::from(record.is_erased);
        streams.broken.name(&record, found);
        if self.last.is_some_and(|(partition, position)| partition == place.0 && position >= place.1) {
            found.at_leaf(What::Order, &self.name, leaf, Some(place), "an earlier leaf lies behind it in the log");
        }
        self.last = Some(place);
        while let Some(other) = streams.record(&self.name, leaf).await? {
            let place = Some((other.partition, other.position));
            found.leaves += 1;
            found.at_leaf(What::Twice, &self.name, leaf, place, "another record has the same leaf");
        }
        Ok(Some(entry(record.leaf_kind, &record.commitment)))
    }

    /// Compares the stored entries of a leaf with the one that follows from its record; the stored one. Up to `in_tree` there
    /// has to be one.
    async fn entries(
        &self,
        streams: &mut Streams,
        leaf: u64,
        in_tree: u64,
        derived: Option<&[u8]>,
        found: &mut Found,
    ) -> Result<Option<Vec<u8>>, TreeError> {
        let mut kept: Option<Vec<u8>> = None;
        while let Some(row) = streams.entry(&self.name, leaf).await? {
            let expected = derived.or(kept.as_deref());
            if expected.is_some_and(|expected| expected != row.entry) {
                let detail = format!("the stored entry is {}, not that of the record", hexadecimal(&row.entry));
                found.at_leaf(What::Entry, &self.name, leaf, None, detail);
            }
            kept = Some(row.entry);
        }
        match (derived, &kept) {
            (Some(_), None) if leaf < in_tree => {
                found.at_leaf(What::Entry, &self.name, leaf, None, "there is no entry")
            }
            (None, Some(_)) if leaf < in_tree => {
                found.at_leaf(What::Missing, &self.name, leaf, None, "there is no record of it")
            }
            _ => {}
        }
        Ok(kept)
    }

    /// Adds an entry and compares the nodes that it completes.
    pub async fn push(&mut self, bytes: &[u8], in_tree: u64, found: &mut Found) -> Result<(), TreeError> {
        let mut made = Vec::new();
        self.tree.push(merkle::leaf_hash(bytes), |level, number, hash| {
            if level % TILE_HEIGHT == 0 {
                made.push((level, number, *hash));
            }
        });
        if self.tree.size() > in_tree {
            return Ok(());
        }
        for (level, number, hash) in made {
            found.nodes += 1;
            let what = match self.nodes.node(&self.name, level, number).await? {
                Some(stored) if stored == hash => continue,
                Some(_) => "another one than",
                None => "missing, unlike",
            };
            let detail = format!("the stored node {number} of level {level} is {what} what its leaves make");
            found.at_size(What::Node, &self.name, self.tree.size(), detail);
        }
        Ok(())
    }

    /// Compares what is stored of the tree of this size.
    async fn compare(
        &self,
        streams: &mut Streams,
        stored: &Stored,
        keys: &[Arc<LedgerKey>],
        found: &mut Found,
    ) -> Result<(), TreeError> {
        self.compare_stored(stored, keys, found);
        let size = self.tree.size();
        while let Some(seal) = streams.seal(&self.name, size).await? {
            found.checkpoints += 1;
            let text = std::str::from_utf8(&seal.entry).ok().and_then(|text| Text::parse(text).ok());
            if seal.size != size || text.is_none_or(|text| text.root != self.tree.root()) {
                let detail = format!("entry {} of the operator log is not what the leaves make", seal.leaf);
                found.at_size(What::Anchor, &self.name, seal.size, detail);
            }
        }
        Ok(())
    }

    /// Compares head, checkpoint and anchor, if one is of this size.
    pub fn compare_stored(&self, stored: &Stored, keys: &[Arc<LedgerKey>], found: &mut Found) {
        let size = self.tree.size();
        let heads = stored.heads.get(&self.name).into_iter().flatten();
        for head in heads.filter(|head| head.size == size) {
            if head.root != self.tree.root() || head.peaks != self.tree.peaks() {
                found.at_size(What::Head, &self.name, size, "the stored head is not what the leaves make");
            }
        }
        let checkpoint = stored.checkpoints.get(&self.name).filter(|checkpoint| checkpoint.size == size);
        if let Some(checkpoint) = checkpoint {
            found.checkpoints += 1;
            if let Err(detail) = self.signed(&checkpoint.note, checkpoint.root, keys) {
                found.at_size(What::Checkpoint, &self.name, size, detail);
            }
        }
        let anchor = stored.anchors.get(&self.name).filter(|anchor| anchor.size == size);
        if let Some(Err(detail)) = anchor.map(|anchor| self.signed(&anchor.note, self.tree.root(), keys)) {
            found.at_size(What::Anchor, &self.name, size, detail);
        }
    }

    /// Whether a note is this tree's checkpoint, signed.
    fn signed(&self, note: &str, root: Hash, keys: &[Arc<LedgerKey>]) -> Result<(), String> {
        let note = Note::parse(note).map_err(|error| error.to_string())?;
        let text = Text::parse(&note.text).map_err(|error| error.to_string())?;
        let same = text.size == self.tree.size() && text.root == self.tree.root() && root == self.tree.root();
        if !same {
            return Err("what was signed is not what the leaves make".to_owned());
        }
        if keys.is_empty() {
            return Ok(());
        }
        let by = signed_by(keys, &self.name, &note).map_err(|error| error.to_string())?;
        if text.origin == by.name().as_str() { Ok(()) } else { Err(format!("it was signed for {}", text.origin)) }
    }
}

/// The beginning of some bytes.
fn hexadecimal(bytes: &[u8]) -> String {
    let shown: String = bytes.iter().take(9).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > 9 { format!("{shown}…") } else { shown }
}
