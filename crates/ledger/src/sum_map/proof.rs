//! The proofs of a day's map, and how they are verified.

use serde::{Deserialize, Serialize};

use super::{MapNode, empty, leaf, node};
use crate::proof::{Climb, Side};
use crate::{Hash, hex};

/// A pair and its way to the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapEntry {
    /// Its place in the order of tags, from 0.
    pub index: u64,
    /// Whose events; in JSON as 64 hexadecimal digits.
    #[serde(with = "hex")]
    pub tag: Hash,
    /// How many events, 1 or more.
    pub count: u64,
    /// The siblings on the way, the leaf's first.
    pub path: Vec<MapNode>,
}

/// What there is of a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MapProof {
    /// Its pair.
    Present(MapEntry),
    /// No pair: those between which it would be. At an end only one, in the empty map none.
    Absent {
        /// The last pair below the tag.
        before: Option<MapEntry>,
        /// The first pair above the tag.
        after: Option<MapEntry>,
    },
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MapProofError {
    /// A pair outside of the map, or with a way of another length than its place has.
    #[error("the proof's place is not one of the map")]
    Place,
    /// The pair is that of another tag, or its count is 0.
    #[error("the proof is of another tag")]
    Tag,
    /// The neighbours are not next to each other and around the tag.
    #[error("the proof's neighbours are not those of the tag")]
    Neighbours,
    /// The sum does not fit in 64 bits.
    #[error("the proof's sum is too large")]
    Overflow,
    /// The way leads to another root or sum.
    #[error("the proof leads to another root or sum")]
    Root,
}

/// How many events `tag` has in the map of `leaves` pairs with this root and sum: 0 where the proof shows that it is not
/// there. Sums are added up on the way, so that a count too many or too few shows.
///
/// The root alone fixes who is left, right and next to whom; the number of pairs only says which proofs are well formed.
///
/// # Errors
/// [`MapProofError`]: the proof shows nothing.
pub fn verify(proof: &MapProof, tag: &Hash, root: &Hash, sum: u64, leaves: u64) -> Result<u64, MapProofError> {
    let root = MapNode { hash: *root, sum };
    let holds = |entry: &MapEntry| entry.holds(&root, leaves);
    match proof {
        MapProof::Present(entry) if entry.tag == *tag && entry.count > 0 => holds(entry).map(|()| entry.count),
        MapProof::Present(_) => Err(MapProofError::Tag),
        MapProof::Absent { before, after } => {
            let (next, last) = match before {
                Some(before) if before.tag < *tag => (before.index.checked_add(1), Some(before.index)),
                Some(_) => return Err(MapProofError::Neighbours),
                None => (Some(0), None),
            };
            match after {
                Some(after) if after.tag > *tag && Some(after.index) == next => {}
                None if last == leaves.checked_sub(1) => {}
                _ => return Err(MapProofError::Neighbours),
            }
            before.iter().chain(after).try_for_each(holds)?;
            let nothing = before.is_none() && after.is_none();
            if nothing && root != empty() { Err(MapProofError::Root) } else { Ok(0) }
        }
    }
}

impl MapEntry {
    /// Whether this is the pair at its index of the map with this root.
    fn holds(&self, root: &MapNode, leaves: u64) -> Result<(), MapProofError> {
        let last = leaves.checked_sub(1).filter(|last| self.index <= *last).ok_or(MapProofError::Place)?;
        let mut climb = Climb::new(self.index, last);
        let mut at = leaf(&self.tag, self.count);
        for sibling in &self.path {
            let above = match climb.step().map_err(|_| MapProofError::Place)? {
                Side::Left => node(sibling, &at),
                Side::Right => node(&at, sibling),
            };
            at = above.ok_or(MapProofError::Overflow)?;
        }
        if !climb.done() {
            return Err(MapProofError::Place);
        }
        if at == *root { Ok(()) } else { Err(MapProofError::Root) }
    }
}
