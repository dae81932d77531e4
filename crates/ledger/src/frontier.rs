//! The right edge of a growing Merkle tree: all that is needed to append and to know the root, in O(log n) memory.

use crate::Hash;
use crate::merkle::{self, node_hash};

/// The largest tree that is taken up: the Go verifiers count in signed 64-bit integers.
const LARGEST: u64 = i64::MAX as u64;

/// The roots of the tree's perfect subtrees, largest first: one per set bit of its size (RFC 6962, section 2.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The empty tree's.
    pub fn new() -> Self {
        Self::default()
    }

    /// That of a tree of `size` leaves. `None` where the number of peaks is not `size.count_ones()`, or the size is above
    /// 2^63 - 1.
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (size <= LARGEST && peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Adds a leaf hash. `completed(level, index, hash)` is called for every perfect subtree of 2^level leaves that it
    /// completes, those of leaves [index << level, (index + 1) << level), level 1 and up, ascending.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, &Hash)) {
        let mut hash = leaf;
        for level in 1..=self.size.trailing_ones() {
            // As many peaks as there are trailing ones are merged, so one is always there.
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
                completed(level as u8, self.size >> level, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The tree's root; of no leaves, SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        merkle::join(&self.peaks)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::merkle::leaf_hash;

    #[test]
    fn it_grows_as_the_tree_and_tells_every_perfect_subtree_once() {
        let leaves: Vec<Hash> = (0..200_u8).map(|i| leaf_hash(&[i])).collect();
        let mut frontier = Frontier::new();
        let mut told = BTreeMap::new();
        for (i, leaf) in leaves.iter().enumerate() {
            assert_eq!(frontier.root(), merkle::root(leaves[..i].iter().copied()));
            assert_eq!(Frontier::from_peaks(i as u64, frontier.peaks().to_vec()).as_ref(), Some(&frontier));
            let mut last = 0;
            frontier.push(*leaf, |level, index, hash| {
                assert_eq!(level, last + 1);
                last = level;
                assert_eq!(told.insert((level, index), *hash), None);
            });
        }
        for level in 1..8_u8 {
            for index in 0..200 >> level {
                let range = (index << level) as usize..((index + 1) << level) as usize;
                assert_eq!(told.remove(&(level, index)), Some(merkle::root(leaves[range].iter().copied())));
            }
        }
        assert!(told.is_empty());
    }

    #[test]
    fn peaks_of_another_number_are_refused() {
        assert_eq!(Frontier::from_peaks(3, vec![[0; 32]]), None);
        assert_eq!(Frontier::from_peaks(0, vec![[0; 32]]), None);
        assert_eq!(Frontier::from_peaks(u64::MAX, vec![[0; 32]; 64]), None);
        assert_eq!(Frontier::from_peaks(0, vec![]), Some(Frontier::new()));
    }
}
