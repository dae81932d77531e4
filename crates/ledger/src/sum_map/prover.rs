//! Proving what there is of one tag while the pairs go by, in O(log n) memory.

use super::{MapEntry, MapError, MapNode, MapProof, empty, in_order, leaf, node};
use crate::Hash;

/// A proof with what it is to be verified against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    pub proof: MapProof,
    pub root: Hash,
    pub sum: u64,
    /// How many pairs there are.
    pub pairs: u64,
}

/// The pair at or before the tag, and the pair behind it.
const AT: usize = 0;
const AFTER: usize = 1;

/// A subtree, and which of the two pairs it has.
#[derive(Debug, Clone, Copy)]
struct Peak {
    node: MapNode,
    has: [bool; 2],
}

/// Takes the pairs in order and proves what there is of one tag.
#[derive(Debug, Clone)]
pub struct Prover {
    tag: Hash,
    count: u64,
    /// The newest pair, until it is known what follows it.
    held: Option<(Hash, u64)>,
    /// Whether the pair before the held one is below the tag, or there is none.
    is_below: bool,
    peaks: Vec<Peak>,
    entries: [Option<MapEntry>; 2],
}

impl Prover {
    /// For this tag.
    pub fn new(tag: Hash) -> Self {
        Self { tag, count: 0, held: None, is_below: true, peaks: Vec::new(), entries: [None, None] }
    }

    /// Takes the next pair.
    ///
    /// # Errors
    /// [`MapError`]; the prover is of no use then.
    pub fn push(&mut self, tag: &Hash, count: u64) -> Result<(), MapError> {
        in_order(self.held.as_ref().map(|(held, _)| held), tag, count)?;
        if let Some(held) = self.held.replace((*tag, count)) {
            self.add(held, Some(tag))?;
        }
        Ok(())
    }

    /// The proof, once all pairs were taken.
    ///
    /// # Errors
    /// [`MapError::Overflow`].
    pub fn finish(mut self) -> Result<Proved, MapError> {
        if let Some(held) = self.held.take() {
            self.add(held, None)?;
        }
        let mut above = self.peaks.pop();
        while let (Some(right), Some(left)) = (above, self.peaks.pop()) {
            above = Some(self.join(left, right)?);
        }
        let root = above.map_or_else(empty, |peak| peak.node);
        let [at, after] = self.entries;
        let proof = match at {
            Some(entry) if entry.tag == self.tag => MapProof::Present(entry),
            before => MapProof::Absent { before, after },
        };
        Ok(Proved { proof, root: root.hash, sum: root.sum, pairs: self.count })
    }

    fn add(&mut self, (tag, count): (Hash, u64), next: Option<&Hash>) -> Result<(), MapError> {
        let is_last_below = tag < self.tag && next.is_none_or(|next| *next > self.tag);
        let has = [tag == self.tag || is_last_below, tag > self.tag && self.is_below];
        for (entry, has) in self.entries.iter_mut().zip(has) {
            if has {
                *entry = Some(MapEntry { index: self.count, tag, count, path: Vec::new() });
            }
        }
        self.is_below = tag < self.tag;
        let mut peak = Peak { node: leaf(&tag, count), has };
        for _ in 0..self.count.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                peak = self.join(left, peak)?;
            }
        }
        self.peaks.push(peak);
        self.count += 1;
        Ok(())
    }

    /// The subtree over two; each is the other's sibling on the way of the pairs that it has.
    fn join(&mut self, left: Peak, right: Peak) -> Result<Peak, MapError> {
        for which in [AT, AFTER] {
            let Some(entry) = &mut self.entries[which] else { continue };
            if left.has[which] {
                entry.path.push(right.node);
            } else if right.has[which] {
                entry.path.push(left.node);
            }
        }
        let has = [left.has[AT] || right.has[AT], left.has[AFTER] || right.has[AFTER]];
        Ok(Peak { node: node(&left.node, &right.node).ok_or(MapError::Overflow)?, has })
    }
}
