//! The Merkle tree hash of RFC 6962, section 2.1.

use sha2::{Digest, Sha256};

use crate::Hash;

/// SHA-256(0x00 || entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// SHA-256(0x01 || left || right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// The root over leaf hashes in order; of none, SHA-256 of nothing.
pub fn root(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    // The roots of the complete subtrees so far, largest first: one per set bit of the count.
    let mut peaks: Vec<Hash> = Vec::new();
    for (count, leaf) in (0_u64..).zip(leaves) {
        let mut hash = leaf;
        for _ in 0..count.trailing_ones() {
            // As many peaks as there are trailing ones are merged, so one is always there.
            if let Some(left) = peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        peaks.push(hash);
    }
    match peaks.pop() {
        None => Sha256::digest([]).into(),
        Some(last) => peaks.into_iter().rev().fold(last, |right, left| node_hash(&left, &right)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node_hash(&by_definition(&leaves[..k]), &by_definition(&leaves[k..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition() {
        let leaves: Vec<Hash> = (0..100_u8).map(|i| leaf_hash(&[i])).collect();
        for n in 0..=leaves.len() {
            assert_eq!(root(leaves[..n].iter().copied()), by_definition(&leaves[..n]), "{n} leaves");
        }
    }
}
