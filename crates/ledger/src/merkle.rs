//! The Merkle tree hash of RFC 6962, section 2.1.

use sha2::{Digest, Sha256};

use crate::Hash;
use crate::frontier::Frontier;

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
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.push(leaf, |_, _, _| {});
    }
    frontier.root()
}

/// The root over the roots of perfect subtrees, largest first; over none, SHA-256 of nothing.
pub(crate) fn join(peaks: &[Hash]) -> Hash {
    match peaks.split_last() {
        None => Sha256::digest([]).into(),
        Some((last, rest)) => rest.iter().rev().fold(*last, |right, left| node_hash(left, &right)),
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
