//! Proofs against the definitions of RFC 6962 and against every change of a bit.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::merkle::{leaf_hash, root};

/// All leaf hashes of a tree.
struct Leaves(Vec<Hash>);

impl Leaves {
    fn new(size: u64) -> Self {
        Self((0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect())
    }

    fn root(&self, size: u64) -> Hash {
        root(self.0[..size as usize].iter().copied())
    }
}

impl Nodes for Leaves {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(root(self.0[(index << level) as usize..((index + 1) << level) as usize].iter().copied()))
    }
}

/// PATH of RFC 6962, section 2.1.1, as written there.
fn path(m: usize, d: &[Hash]) -> Vec<Hash> {
    if d.len() == 1 {
        return vec![];
    }
    let k = d.len().next_power_of_two() / 2;
    let (left, right) = d.split_at(k);
    let (mut path, other) = if m < k { (path(m, left), right) } else { (path(m - k, right), left) };
    path.push(root(other.iter().copied()));
    path
}

/// SUBPROOF of RFC 6962, section 2.1.2, as written there.
fn subproof(m: usize, d: &[Hash], whole: bool) -> Vec<Hash> {
    if m == d.len() {
        return if whole { vec![] } else { vec![root(d.iter().copied())] };
    }
    let k = d.len().next_power_of_two() / 2;
    let (left, right) = d.split_at(k);
    let (mut proof, other) =
        if m <= k { (subproof(m, left, whole), right) } else { (subproof(m - k, right, false), left) };
    proof.push(root(other.iter().copied()));
    proof
}

#[test]
fn proofs_are_those_of_the_definition_and_hold() {
    let leaves = Leaves::new(70);
    for to in 1..=70 {
        let to_root = leaves.root(to);
        assert_eq!(root_of(&leaves, to), Ok(to_root));
        for index in 0..to {
            let Ok(proof) = inclusion(&leaves, index, to);
            assert_eq!(proof, path(index as usize, &leaves.0[..to as usize]));
            assert_eq!(verify_inclusion(&leaves.0[index as usize], index, &proof, to, &to_root), Ok(()));
        }
        for from in 1..=to {
            let Ok(proof) = consistency(&leaves, from, to);
            assert_eq!(proof, subproof(from as usize, &leaves.0[..to as usize], true));
            assert_eq!(verify_consistency(from, &leaves.root(from), &proof, to, &to_root), Ok(()));
        }
    }
}

#[test]
fn the_ends_of_the_range() {
    let leaves = Leaves::new(8);
    let (none, some) = (leaves.root(0), leaves.root(8));
    assert_eq!(inclusion(&leaves, 8, 8), Ok(vec![]));
    assert_eq!(verify_inclusion(&none, 0, &[], 0, &none), Err(ProofError::OutOfRange));
    assert_eq!(verify_inclusion(&none, u64::MAX, &[], u64::MAX, &none), Err(ProofError::OutOfRange));
    assert_eq!(verify_consistency(0, &none, &[], 0, &none), Ok(()));
    assert_eq!(verify_consistency(0, &none, &[], 8, &some), Ok(()));
    assert_eq!(verify_consistency(0, &some, &[], 8, &some), Err(ProofError::Root));
    assert_eq!(verify_consistency(0, &none, &[], 0, &some), Err(ProofError::Root));
    assert_eq!(verify_consistency(0, &none, &[some], 8, &some), Err(ProofError::Length));
    assert_eq!(verify_consistency(8, &some, &[], 8, &some), Ok(()));
    assert_eq!(verify_consistency(8, &some, &[some], 8, &some), Err(ProofError::Length));
    assert_eq!(verify_consistency(8, &none, &[], 8, &some), Err(ProofError::Root));
    assert_eq!(verify_consistency(8, &some, &[], 3, &some), Err(ProofError::OutOfRange));
    assert_eq!(verify_consistency(u64::MAX, &some, &[some; 64], u64::MAX, &some), Err(ProofError::Length));
}

/// A tree of the largest size there can be: the nodes lie inside of it, and the proof has the length that is verified.
#[test]
fn the_largest_tree() {
    let size = u64::MAX;
    for index in [0, 1, 1 << 40, size - 2, size - 1] {
        let proof = vec![[0; 32]; inclusion_ranges(index, size).len()];
        assert_eq!(verify_inclusion(&[0; 32], index, &proof, size, &[0; 32]), Err(ProofError::Root));
        for (level, index) in nodes_for_inclusion(index, size) {
            assert!((u128::from(index) + 1) << level <= u128::from(size));
        }
    }
    for from in [1, 1 << 63, size - 1] {
        let proof = vec![[0; 32]; consistency_ranges(from, size).len()];
        assert_eq!(verify_consistency(from, &[0; 32], &proof, size, &[0; 32]), Err(ProofError::Root));
    }
    assert_eq!(nodes_for_root(size).len(), 64);
}

proptest! {
    #[test]
    fn a_changed_inclusion_proof_fails(
        (size, index) in (1..600_u64).prop_flat_map(|n| (Just(n), 0..n)), at: prop::sample::Index, bit in 0..256_usize,
    ) {
        let leaves = Leaves::new(size);
        let (root, leaf) = (leaves.root(size), leaves.0[index as usize]);
        let Ok(proof) = inclusion(&leaves, index, size);
        prop_assert_eq!(verify_inclusion(&leaf, index, &proof, size, &root), Ok(()));
        prop_assert_eq!(nodes_for_inclusion(index, size).into_iter().filter(|n| *n == (0, index)).count(), 0);
        // One bit of the leaf, the root or an element.
        let mut all = [&[leaf, root][..], &proof].concat();
        let at = at.index(all.len());
        all[at][bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(verify_inclusion(&all[0], index, &all[2..], size, &all[1]), Err(ProofError::Root));
        // One element more or less, another leaf.
        let longer = [&proof[..], &[root]].concat();
        prop_assert_eq!(verify_inclusion(&leaf, index, &longer, size, &root), Err(ProofError::Length));
        if let Some((_, shorter)) = proof.split_last() {
            prop_assert_eq!(verify_inclusion(&leaf, index, shorter, size, &root), Err(ProofError::Length));
        }
        for other in [index + 1, index.wrapping_sub(1)] {
            prop_assert!(verify_inclusion(&leaf, other, &proof, size, &root).is_err());
        }
    }

    #[test]
    fn a_changed_consistency_proof_fails(
        (to, from) in (2..600_u64).prop_flat_map(|n| (Just(n), 1..n)), at: prop::sample::Index, bit in 0..256_usize,
    ) {
        let leaves = Leaves::new(to);
        let (older, newer) = (leaves.root(from), leaves.root(to));
        let Ok(proof) = consistency(&leaves, from, to);
        prop_assert_eq!(verify_consistency(from, &older, &proof, to, &newer), Ok(()));
        let mut all = [&[older, newer][..], &proof].concat();
        let at = at.index(all.len());
        all[at][bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(verify_consistency(from, &all[0], &all[2..], to, &all[1]), Err(ProofError::Root));
        let longer = [&proof[..], &[older]].concat();
        prop_assert_eq!(verify_consistency(from, &older, &longer, to, &newer), Err(ProofError::Length));
        if let Some((_, shorter)) = proof.split_last() {
            prop_assert_eq!(verify_consistency(from, &older, shorter, to, &newer), Err(ProofError::Length));
        }
        prop_assert!(verify_consistency(from + 1, &older, &proof, to, &newer).is_err());
    }
}
