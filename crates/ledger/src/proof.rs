//! Inclusion and consistency proofs of RFC 6962, sections 2.1.1 and 2.1.2: made from any source of subtree hashes, and
//! verified by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use crate::Hash;
use crate::merkle::{join, node_hash};

/// A source of the hashes of perfect subtrees: tiles, a table, memory.
pub trait Nodes {
    /// What reading can end in.
    type Error;

    /// The root of leaves [index << level, (index + 1) << level). Level 0 is the leaf hash.
    ///
    /// # Errors
    /// The source's own.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index lies outside of the tree, or the older tree is the larger one.
    #[error("the proof is of something outside of the tree")]
    OutOfRange,
    /// Too many or too few hashes for the place in the tree.
    #[error("the proof has a wrong number of hashes")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// A range of leaves [start, end) whose hash is one element of a proof. It begins where a subtree does.
type Range = (u64, u64);

/// The largest power of two below `n`, for n of 2 and more: where a tree of `n` leaves is split.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The perfect subtrees (level, index) that make up a range, largest first.
fn perfect((start, end): Range) -> impl Iterator<Item = (u8, u64)> {
    let mut at = start;
    std::iter::from_fn(move || {
        let level = (end - at).checked_ilog2()?;
        let node = (level as u8, at >> level);
        at += 1 << level;
        Some(node)
    })
}

/// The elements of PATH(index, D[size]), the leaf's sibling first. Nothing where there is no such leaf.
fn inclusion_ranges(index: u64, size: u64) -> Vec<Range> {
    let mut ranges = Vec::new();
    if index >= size {
        return ranges;
    }
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((start, middle));
            start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The elements of PROOF(from, D[to]). Nothing where from is 0 or not below to.
fn consistency_ranges(from: u64, to: u64) -> Vec<Range> {
    let mut ranges = Vec::new();
    if from == 0 || from >= to {
        return ranges;
    }
    let (mut start, mut end) = (0, to);
    while from != end {
        let middle = start + split(end - start);
        if from <= middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((start, middle));
            start = middle;
        }
    }
    // A verifier knows the older root already, where that is a subtree itself.
    if start > 0 {
        ranges.push((start, end));
    }
    ranges.reverse();
    ranges
}

fn hashes<N: Nodes>(nodes: &N, ranges: Vec<Range>) -> Result<Vec<Hash>, N::Error> {
    ranges.into_iter().map(|range| range_root(nodes, range)).collect()
}

fn range_root<N: Nodes>(nodes: &N, range: Range) -> Result<Hash, N::Error> {
    let peaks = perfect(range).map(|(level, index)| nodes.node(level, index)).collect::<Result<Vec<_>, _>>()?;
    Ok(join(&peaks))
}

/// The root of the first `size` leaves.
///
/// # Errors
/// Those of the source.
pub fn root_of<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    range_root(nodes, (0, size))
}

/// The inclusion proof of leaf `index` in the tree of `size` leaves, the leaf's sibling first (RFC 6962, section 2.1.1).
/// Empty where `index` is not below `size`: no verifier takes it.
///
/// # Errors
/// Those of the source.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    hashes(nodes, inclusion_ranges(index, size))
}

/// The consistency proof between the trees of `from` and of `to` leaves (RFC 6962, section 2.1.2). Empty where `from` is 0
/// or equals `to`, as verifiers want it; and where `from` is above `to`, which no verifier takes.
///
/// # Errors
/// Those of the source.
pub fn consistency<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Vec<Hash>, N::Error> {
    hashes(nodes, consistency_ranges(from, to))
}

/// The nodes (level, index) that [`root_of`] asks for, in its order.
pub fn nodes_for_root(size: u64) -> Vec<(u8, u64)> {
    perfect((0, size)).collect()
}

/// The nodes (level, index) that [`inclusion`] asks for, in its order, so that a caller can fetch them first.
pub fn nodes_for_inclusion(index: u64, size: u64) -> Vec<(u8, u64)> {
    inclusion_ranges(index, size).into_iter().flat_map(perfect).collect()
}

/// The nodes (level, index) that [`consistency`] asks for, in its order.
pub fn nodes_for_consistency(from: u64, to: u64) -> Vec<(u8, u64)> {
    consistency_ranges(from, to).into_iter().flat_map(perfect).collect()
}

/// Whether `leaf`, a leaf hash, is at `index` in the tree of `size` leaves with this root (RFC 9162, section 2.1.3.2).
///
/// # Errors
/// [`ProofError`]: the proof does not show that.
pub fn verify_inclusion(leaf: &Hash, index: u64, proof: &[Hash], size: u64, root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let mut climb = Climb::new(index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        hash = match climb.step()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    if !climb.done() {
        return Err(ProofError::Length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Whether the tree of `from` leaves with `from_root` is the beginning of the tree of `to` leaves with `to_root` (RFC 9162,
/// section 2.1.4.2). The empty tree is the beginning of any, by an empty proof.
///
/// # Errors
/// [`ProofError`]: the proof does not show that.
pub fn verify_consistency(
    from: u64,
    from_root: &Hash,
    proof: &[Hash],
    to: u64,
    to_root: &Hash,
) -> Result<(), ProofError> {
    if from > to {
        return Err(ProofError::OutOfRange);
    }
    if from == 0 || from == to {
        let expected = if from == 0 { join(&[]) } else { *to_root };
        let ends = to > 0 || *to_root == expected;
        return match proof {
            [] if *from_root == expected && ends => Ok(()),
            [] => Err(ProofError::Root),
            _ => Err(ProofError::Length),
        };
    }
    // The subtree that the older tree ends with: the older tree itself where its size is a power of two.
    let (first, rest) = match proof.split_first() {
        _ if from.is_power_of_two() => (from_root, proof),
        Some((first, rest)) => (first, rest),
        None => return Err(ProofError::Length),
    };
    let shift = (from - 1).trailing_ones();
    let mut climb = Climb::new((from - 1) >> shift, (to - 1) >> shift);
    let (mut older, mut newer) = (*first, *first);
    for sibling in rest {
        match climb.step()? {
            Side::Left => {
                older = node_hash(sibling, &older);
                newer = node_hash(sibling, &newer);
            }
            Side::Right => newer = node_hash(&newer, sibling),
        }
    }
    if !climb.done() {
        return Err(ProofError::Length);
    }
    if older == *from_root && newer == *to_root { Ok(()) } else { Err(ProofError::Root) }
}

/// On which side of the way up a sibling lies.
pub(crate) enum Side {
    Left,
    Right,
}

/// The way from a leaf to the root: `fn` and `sn` of RFC 9162.
pub(crate) struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    /// From node `node` of a level whose last node is `last`.
    pub(crate) fn new(node: u64, last: u64) -> Self {
        Self { node, last }
    }

    /// Where the next sibling lies, and one up, past levels where there is none.
    pub(crate) fn step(&mut self) -> Result<Side, ProofError> {
        if self.done() {
            return Err(ProofError::Length);
        }
        let side = if self.node & 1 == 1 || self.node == self.last {
            // A last node without a sibling goes up as it is until it is a right child.
            let up = self.node.trailing_zeros();
            self.node >>= up;
            self.last >>= up;
            Side::Left
        } else {
            Side::Right
        };
        self.node >>= 1;
        self.last >>= 1;
        Ok(side)
    }

    /// Whether the root is reached.
    pub(crate) fn done(&self) -> bool {
        self.last == 0
    }
}

#[cfg(test)]
mod tests;
