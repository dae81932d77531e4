//! The commitment of a record: a Merkle root over its salted fields, so that each field can be disclosed, with its proof,
//! while the others stay hidden, and all become unguessable once the seed is gone. Frozen by `schemas/leaf/v1.md`.

use hkdf::Hkdf;
use sha2::{Digest, Sha256};

use crate::Hash;
use crate::merkle;

/// HKDF's info, before the field's index.
const SALT_INFO: &[u8] = b"avow/leaf/1/salt";

/// A commitment being made, field by field in the frozen order.
pub struct Commitment {
    salts: Hkdf<Sha256>,
    leaves: Vec<Hash>,
}

impl Commitment {
    /// Starts from the record's 32-byte seed, which is uniformly random and so serves as HKDF's pseudorandom key (RFC 5869,
    /// section 3.3).
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "32 bytes are the length that SHA-256 wants")]
    pub fn new(seed: &[u8; 32]) -> Self {
        Self { salts: Hkdf::from_prk(seed).expect("a key of the hash's length"), leaves: Vec::with_capacity(48) }
    }

    /// The salt of field `index`: HKDF-Expand(seed, info || index as u32 big-endian, 32).
    #[expect(clippy::expect_used, reason = "32 bytes are far below HKDF's limit of 255 * 32")]
    fn salt(&self, index: u32) -> Hash {
        let mut info = [0; SALT_INFO.len() + 4];
        info[..SALT_INFO.len()].copy_from_slice(SALT_INFO);
        info[SALT_INFO.len()..].copy_from_slice(&index.to_be_bytes());
        let mut salt = [0; 32];
        self.salts.expand(&info, &mut salt).expect("a short output");
        salt
    }

    /// Adds a field: SHA-256(salt || u16 length of name || name || u32 length of value || value), lengths big-endian, the
    /// value in canonical JSON (RFC 8785).
    pub fn field(&mut self, name: &str, value: &[u8]) {
        let index = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        let mut hasher = Sha256::new();
        hasher.update(self.salt(index));
        hasher.update(u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
        hasher.update(name.as_bytes());
        hasher.update(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(value);
        let entry: Hash = hasher.finalize().into();
        self.leaves.push(merkle::leaf_hash(&entry));
    }

    /// The root over the fields.
    pub fn finish(self) -> Hash {
        merkle::root(self.leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(seed: u8, fields: &[(&str, &str)]) -> Hash {
        let mut commitment = Commitment::new(&[seed; 32]);
        for (name, value) in fields {
            commitment.field(name, value.as_bytes());
        }
        commitment.finish()
    }

    #[test]
    fn every_part_counts() {
        let base = commit(1, &[("a", "1"), ("b", "2")]);
        for other in [
            commit(2, &[("a", "1"), ("b", "2")]),
            commit(1, &[("b", "2"), ("a", "1")]),
            commit(1, &[("a", "1"), ("b", "3")]),
            commit(1, &[("a1", ""), ("b", "2")]),
            commit(1, &[("a", "1")]),
        ] {
            assert_ne!(base, other);
        }
    }

    /// The value of RFC 5869's expand step, computed with another implementation (Python's hmac):
    /// HMAC-SHA256(seed, info || index || 0x01).
    #[test]
    fn the_salt_is_hkdf_expand() {
        let salt = Commitment::new(&[7; 32]).salt(3);
        let hex: String = salt.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "277971e6fab84763cbe6c7aeaef2c8f095388c1fe37a067ea7d5ab8ffb3b6dae");
    }
}
