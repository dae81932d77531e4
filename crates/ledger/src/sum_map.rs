//! The map of a day: how many events each subject has, as a Merkle *sum* tree over sorted (tag, count) pairs. Its root and
//! sum stand in the day's closing leaf, so that a subject's count can be shown to be all there is, or that there is none.
//!
//! leaf = SHA-256(0x00 || "avow/map/1" || tag || count), node = SHA-256(0x01 || left || left's sum || right || right's sum),
//! numbers as u64 big-endian, in the shape of RFC 6962, section 2.1. The empty map's root is SHA-256 of nothing.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Hash, hex};

mod proof;
mod prover;

pub use proof::{MapEntry, MapProof, MapProofError, verify};
pub use prover::{Proved, Prover};

/// Before a leaf's tag.
const LEAF: &[u8] = b"avow/map/1";
/// Before what a tag is made of.
const TAG: &[u8] = b"avow/map/1/tag";

/// A subtree's hash and the sum of its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapNode {
    /// The hash; in JSON as 64 hexadecimal digits.
    #[serde(with = "hex")]
    pub hash: Hash,
    /// The number of events below.
    pub sum: u64,
}

/// Why pairs make no map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// A tag that is not above the one before it.
    #[error("the map's tags are not in ascending order, each once")]
    Order,
    /// A count of 0: no such tag has to be there.
    #[error("a count of 0 is not part of a map")]
    Zero,
    /// The sum does not fit in 64 bits.
    #[error("the sum of the map's counts is too large")]
    Overflow,
}

/// A subject's tag in the map of its site: SHA-256("avow/map/1/tag" || u16 length of site, big-endian || site || subject).
/// Events without a subject are under the tag of zeroes.
pub fn subject_tag(site: &str, subject: Option<[u8; 16]>) -> Hash {
    let Some(subject) = subject else { return [0; 32] };
    let mut bytes = tag_prefix(site);
    bytes.extend_from_slice(&subject);
    Sha256::digest(bytes).into()
}

/// What the subject's 16 bytes are hashed behind, for whoever makes many tags at once.
pub fn tag_prefix(site: &str) -> Vec<u8> {
    let length = u16::try_from(site.len()).unwrap_or(u16::MAX).to_be_bytes();
    [TAG, &length, site.as_bytes()].concat()
}

/// The leaf of a pair.
fn leaf(tag: &Hash, count: u64) -> MapNode {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(LEAF);
    hasher.update(tag);
    hasher.update(count.to_be_bytes());
    MapNode { hash: hasher.finalize().into(), sum: count }
}

/// The node over two. `None` where the sum does not fit in 64 bits.
fn node(left: &MapNode, right: &MapNode) -> Option<MapNode> {
    let mut bytes = [0x01; 81];
    bytes[1..33].copy_from_slice(&left.hash);
    bytes[33..41].copy_from_slice(&left.sum.to_be_bytes());
    bytes[41..73].copy_from_slice(&right.hash);
    bytes[73..].copy_from_slice(&right.sum.to_be_bytes());
    Some(MapNode { hash: Sha256::digest(bytes).into(), sum: left.sum.checked_add(right.sum)? })
}

/// The root of the map without pairs.
fn empty() -> MapNode {
    MapNode { hash: Sha256::digest([]).into(), sum: 0 }
}

/// The root of a map whose pairs come in order, in O(log n) memory.
#[derive(Debug, Clone, Default)]
pub struct SumRoot {
    count: u64,
    last: Option<Hash>,
    peaks: Vec<MapNode>,
}

impl SumRoot {
    /// That of no pairs.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many pairs there are so far.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there are no pairs so far.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the next pair.
    ///
    /// # Errors
    /// [`MapError`]; the map is of no use then.
    pub fn push(&mut self, tag: &Hash, count: u64) -> Result<(), MapError> {
        self.last = Some(in_order(self.last.as_ref(), tag, count)?);
        let mut peak = leaf(tag, count);
        for _ in 0..self.count.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                peak = node(&left, &peak).ok_or(MapError::Overflow)?;
            }
        }
        self.peaks.push(peak);
        self.count += 1;
        Ok(())
    }

    /// The root and the sum.
    ///
    /// # Errors
    /// [`MapError::Overflow`].
    pub fn root(&self) -> Result<(Hash, u64), MapError> {
        let mut peaks = self.peaks.iter().rev();
        let mut root = peaks.next().copied().unwrap_or_else(empty);
        for left in peaks {
            root = node(left, &root).ok_or(MapError::Overflow)?;
        }
        Ok((root.hash, root.sum))
    }
}

/// The root and sum over pairs in order, in O(log n) memory.
///
/// # Errors
/// [`MapError`].
pub fn root_of(pairs: impl IntoIterator<Item = (Hash, u64)>) -> Result<(Hash, u64), MapError> {
    let mut root = SumRoot::new();
    pairs.into_iter().try_for_each(|(tag, count)| root.push(&tag, count))?;
    root.root()
}

fn in_order(last: Option<&Hash>, tag: &Hash, count: u64) -> Result<Hash, MapError> {
    match last {
        Some(last) if last >= tag => Err(MapError::Order),
        _ if count == 0 => Err(MapError::Zero),
        _ => Ok(*tag),
    }
}

/// A whole map in memory (about 120 bytes a pair), to prove from.
#[derive(Debug, Clone)]
pub struct SumMap {
    pairs: Vec<(Hash, u64)>,
    /// The nodes of each level, leaves first, the root last. A node without a sibling goes up as it is.
    levels: Vec<Vec<MapNode>>,
}

impl SumMap {
    /// The map of pairs in ascending order of their tags, each tag once, no count 0.
    ///
    /// # Errors
    /// [`MapError`].
    pub fn build(pairs: impl IntoIterator<Item = (Hash, u64)>) -> Result<Self, MapError> {
        let mut all: Vec<(Hash, u64)> = Vec::new();
        for (tag, count) in pairs {
            in_order(all.last().map(|(last, _)| last), &tag, count)?;
            all.push((tag, count));
        }
        let mut level: Vec<MapNode> = all.iter().map(|(tag, count)| leaf(tag, *count)).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let (pairs, rest) = level.as_chunks::<2>();
            let mut above = pairs
                .iter()
                .map(|[left, right]| node(left, right).ok_or(MapError::Overflow))
                .collect::<Result<Vec<_>, _>>()?;
            above.extend_from_slice(rest);
            levels.push(std::mem::replace(&mut level, above));
        }
        levels.push(level);
        Ok(Self { pairs: all, levels })
    }

    /// The root and the sum of all counts.
    pub fn root(&self) -> (Hash, u64) {
        let root = self.levels.last().and_then(|level| level.first()).copied().unwrap_or_else(empty);
        (root.hash, root.sum)
    }

    /// The pairs in order.
    pub fn pairs(&self) -> &[(Hash, u64)] {
        &self.pairs
    }

    /// How many pairs there are: the leaf count that [`verify`] takes.
    pub fn len(&self) -> u64 {
        self.pairs.len() as u64
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Proves the count of a tag, or that there is no such tag.
    pub fn prove(&self, tag: &Hash) -> MapProof {
        match self.pairs.binary_search_by(|(other, _)| other.cmp(tag)) {
            Ok(index) => self.entry(index).map_or(MapProof::Absent { before: None, after: None }, MapProof::Present),
            Err(index) => MapProof::Absent {
                before: index.checked_sub(1).and_then(|before| self.entry(before)),
                after: self.entry(index),
            },
        }
    }

    /// A pair with its way to the root.
    fn entry(&self, index: usize) -> Option<MapEntry> {
        let (tag, count) = *self.pairs.get(index)?;
        let siblings = self.levels.iter().enumerate().map(|(height, level)| level.get((index >> height) ^ 1));
        Some(MapEntry { index: index as u64, tag, count, path: siblings.flatten().copied().collect() })
    }
}

#[cfg(test)]
mod tests;
