//! The chain of Bloom filters.

use avow_warehouse::uniqueness::KeyHash;
use fastbloom::BloomFilter;

/// The first layer's capacity; each further one has twice the capacity of the one before, up to the last.
const FIRST: u64 = 1 << 20;
const LARGEST: u64 = 1 << 27;
/// With 7 hashes: one in 300 wrong "perhaps" in a full layer.
const BITS_PER_ID: u64 = 12;
const HASHES: u32 = 7;

/// One filter of a fixed capacity.
pub(super) struct Layer {
    pub(super) filter: BloomFilter,
    pub(super) capacity: u64,
    pub(super) count: u64,
    /// Whether it has changed since it was last written.
    pub(super) dirty: bool,
}

impl Layer {
    fn new(capacity: u64) -> Self {
        let words = usize::try_from(capacity * BITS_PER_ID / 64).unwrap_or(usize::MAX);
        Self::of(vec![0; words], capacity, 0)
    }

    /// A layer from its bits as they were written.
    pub(super) fn of(bits: Vec<u64>, capacity: u64, count: u64) -> Self {
        Self { filter: BloomFilter::from_vec(bits).seed(&0).hashes(HASHES), capacity, count, dirty: false }
    }
}

/// All layers, oldest first.
#[derive(Default)]
pub(super) struct Layers {
    pub(super) layers: Vec<Layer>,
}

/// The key hash is part of a SHA-256: any 64 bits of it are a hash.
fn folded(hash: &KeyHash) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(word)
}

impl Layers {
    pub(super) fn len(&self) -> u64 {
        self.layers.iter().map(|layer| layer.count).sum()
    }

    pub(super) fn may_know(&self, hash: &KeyHash) -> bool {
        let hash = folded(hash);
        self.layers.iter().rev().any(|layer| layer.filter.contains_hash(hash))
    }

    pub(super) fn insert(&mut self, hash: &KeyHash) {
        let full = self.layers.last().is_none_or(|last| last.count >= last.capacity);
        if full {
            let capacity = self.layers.last().map_or(FIRST, |last| (last.capacity * 2).min(LARGEST));
            self.layers.push(Layer::new(capacity));
        }
        if let Some(layer) = self.layers.last_mut() {
            layer.filter.insert_hash(folded(hash));
            layer.count += 1;
            layer.dirty = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn key(n: u64) -> KeyHash {
        Sha256::digest(n.to_le_bytes())[..16].try_into().unwrap()
    }

    #[test]
    fn what_was_inserted_is_known_and_little_else() {
        let mut layers = Layers::default();
        let many = 3 * FIRST;
        (0..many).for_each(|n| layers.insert(&key(n)));
        assert_eq!((layers.len(), layers.layers.len()), (many, 2));
        assert!((0..many).step_by(97).all(|n| layers.may_know(&key(n))));
        let wrong = (many..many + 100_000).filter(|n| layers.may_know(&key(*n))).count();
        assert!(wrong < 2_000, "{wrong} of 100,000 unknown ids are taken for known");
    }
}
