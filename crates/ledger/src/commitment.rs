//! The commitment of a record: a Merkle root over its salted fields, so that each field can be disclosed, with its proof,
//! while the others stay hidden, and all become unguessable once the seed is gone. Frozen by `schemas/leaf/v1.md`.

use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Hash, hex, merkle};

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
        let entry = field_entry(&self.next_salt(), name, value);
        self.leaves.push(merkle::leaf_hash(&entry));
    }

    /// The salt of the field to come.
    fn next_salt(&self) -> Hash {
        self.salt(u32::try_from(self.leaves.len()).unwrap_or(u32::MAX))
    }

    /// The root over the fields.
    pub fn finish(self) -> Hash {
        merkle::root(self.leaves)
    }
}

/// The entry of a field, which is hashed as a leaf (`schemas/leaf/v1.md`, step 4).
fn field_entry(salt: &Hash, name: &str, value: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
    hasher.update(name.as_bytes());
    hasher.update(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    hasher.update(value);
    hasher.finalize().into()
}

/// The salt and the entry of every field, in the frozen order: what a disclosure opens a field with, or withholds it by.
pub fn open<N: AsRef<str>, V: AsRef<[u8]>>(
    seed: &[u8; 32],
    fields: impl IntoIterator<Item = (N, V)>,
) -> Vec<(Hash, Hash)> {
    let salts = Commitment::new(seed);
    let opened = (0_u32..).zip(fields).map(|(index, (name, value))| {
        let salt = salts.salt(index);
        (salt, field_entry(&salt, name.as_ref(), value.as_ref()))
    });
    opened.collect()
}

/// A field of a disclosed record, in its place among all of them. In JSON `{"opened": {"salt", "name", "value"}}`, the value
/// as the text that it is, or `{"withheld": entry}`; hashes as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Field {
    /// Shown.
    Opened {
        /// Its salt, which tells nothing of the other fields'.
        #[serde(with = "hex")]
        salt: Hash,
        /// Its name.
        name: String,
        /// Its value in canonical JSON (RFC 8785).
        #[serde(with = "text")]
        value: Vec<u8>,
    },
    /// Hidden: its entry, from which it cannot be guessed without its salt. The entry and not its leaf hash, in whose place
    /// the hash of a whole subtree could stand: so the number of the fields and their places hold.
    Withheld(#[serde(with = "hex")] Hash),
}

/// A record's fields of which those that `shown(index, name)` are opened and the others withheld.
pub fn disclose<N: AsRef<str>, V: AsRef<[u8]>>(
    seed: &[u8; 32],
    fields: &[(N, V)],
    mut shown: impl FnMut(usize, &str) -> bool,
) -> Vec<Field> {
    let opened = open(seed, fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
    let disclosed = fields.iter().zip(opened).enumerate().map(|(index, ((name, value), (salt, entry)))| {
        let name = name.as_ref();
        if shown(index, name) {
            Field::Opened { salt, name: name.to_owned(), value: value.as_ref().to_vec() }
        } else {
            Field::Withheld(entry)
        }
    });
    disclosed.collect()
}

/// The commitment that these fields lead to, in the frozen order: the record's own where nothing was changed. A verifier
/// compares it, and checks that each opened field stands at its name's place.
pub fn verify_disclosure(fields: &[Field]) -> Hash {
    merkle::root(fields.iter().map(|field| match field {
        Field::Opened { salt, name, value } => merkle::leaf_hash(&field_entry(salt, name, value)),
        Field::Withheld(entry) => merkle::leaf_hash(entry),
    }))
}

/// Bytes that are text, for serde's `with`.
mod text {
    use serde::{Deserialize, Deserializer, Serializer, ser};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(bytes).map_err(ser::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        String::deserialize(deserializer).map(String::into_bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    /// Two fields cannot be passed off as one by the hash over both.
    #[test]
    fn the_number_of_fields_holds() {
        let fields = [("a", "1"), ("b", "2"), ("c", "3")];
        let commitment = commit(1, &fields);
        let mut disclosed = disclose(&[1; 32], &fields, |index, _| index == 2);
        assert_eq!(verify_disclosure(&disclosed), commitment);
        let opened = disclosed.pop().unwrap();
        let Field::Opened { salt, .. } = opened else { unreachable!() };
        assert_eq!(salt, open(&[1; 32], fields)[2].0);
        let both = verify_disclosure(&disclosed);
        assert_ne!(verify_disclosure(&[Field::Withheld(both), opened]), commitment);
    }

    proptest! {
        /// Whatever is shown and whatever is withheld, the commitment is the record's; and any change leads to another.
        #[test]
        fn a_disclosure_leads_to_the_commitment(
            seed: [u8; 32], fields in prop::collection::vec((".{0,9}", ".{0,9}"), 1..40),
            shown: u64, at: prop::sample::Index, bit in 0..8_u8,
        ) {
            let mut commitment = Commitment::new(&seed);
            fields.iter().for_each(|(name, value)| commitment.field(name, value.as_bytes()));
            let commitment = commitment.finish();
            let disclosed = disclose(&seed, &fields, |index, _| shown >> index & 1 == 1);
            prop_assert_eq!(verify_disclosure(&disclosed), commitment);
            let all = open(&seed, fields.iter().map(|(name, value)| (name, value)));
            prop_assert_eq!(merkle::root(all.iter().map(|(_, entry)| merkle::leaf_hash(entry))), commitment);
            let json = serde_json::to_string(&disclosed).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Vec<Field>>(&json).unwrap(), &disclosed);
            let at = at.index(fields.len());
            let mut changed = disclosed;
            match &mut changed[at] {
                Field::Opened { salt, name, value } => match bit % 3 {
                    0 => salt[0] ^= 1 << bit,
                    1 => name.push('x'),
                    _ => value.push(bit),
                },
                Field::Withheld(entry) => entry[0] ^= 1 << bit,
            }
            prop_assert_ne!(verify_disclosure(&changed), commitment);
        }
    }
}
