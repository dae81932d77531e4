//! The keys of notes: names, ids and the vkey format of C2SP signed-note, and what each algorithm signs.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::Hash;
use crate::cosignature;
use crate::note::{NoteError, NoteSignature, Signed};

/// The signature type bytes of C2SP signed-note that are known here.
pub const ED25519: u8 = 0x01;
/// Timestamped Ed25519 cosignatures, `cosignature/v1`.
pub const COSIGNATURE_V1: u8 = 0x04;
/// Timestamped ML-DSA-44 cosignatures, `subtree/v1`.
pub const ML_DSA_44: u8 = 0x06;

/// The length of an ML-DSA-44 public key, in bytes (FIPS 204).
const ML_DSA_44_PUBLIC: usize = 1312;

/// A key's name: not empty, without Unicode spaces, plus signs and control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

/// Why a name or a verifier key cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An empty name, or one with a space, a plus or a control character.
    #[error("a key's name is not empty and has no space, plus or control character")]
    Name,
    /// Not `<name>+<8 hexadecimal digits>+<base64>`.
    #[error("a verifier key is <name>+<8 hexadecimal digits>+<base64>")]
    Form,
    /// The public key is none of its algorithm.
    #[error("the public key is not one of its algorithm")]
    Public,
    /// The id is not that of the name, algorithm and public key.
    #[error("the key's id is not that of its name and public key")]
    Id,
}

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        let unfit = |c: char| c.is_whitespace() || c < ' ' || c == '+';
        if name.is_empty() || name.contains(unfit) { Err(KeyError::Name) } else { Ok(Self(name.to_owned())) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An Ed25519 key that signs notes.
pub struct SigningKey {
    name: KeyName,
    id: u32,
    key: ed25519_dalek::SigningKey,
    public: VerifyingKey,
}

impl SigningKey {
    /// From the 32-byte private key of RFC 8032.
    pub fn from_seed(name: KeyName, seed: [u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        let public = key.verifying_key();
        let id = key_id(&name, ED25519, public.as_bytes());
        Self { name, id, key, public }
    }

    /// The same key under another name.
    #[must_use]
    pub fn named(&self, name: KeyName) -> Self {
        let id = key_id(&name, ED25519, self.public());
        Self { name, id, key: self.key.clone(), public: self.public }
    }

    /// The key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The public key of RFC 8032.
    pub fn public(&self) -> &[u8; 32] {
        self.public.as_bytes()
    }

    /// The key that verifies its signatures.
    pub fn vkey(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), id: self.id, public: PublicKey::Ed25519(self.public) }
    }

    /// Signs a note's text, which ends in a newline.
    pub fn sign(&self, text: &str) -> NoteSignature {
        let bytes = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        NoteSignature { name: self.name.clone(), key_id: self.id, bytes }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("vkey", &self.vkey().to_string()).finish_non_exhaustive()
    }
}

/// A public key by its algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// [`ED25519`], of logs.
    Ed25519(VerifyingKey),
    /// [`COSIGNATURE_V1`], of witnesses.
    CosignatureV1(VerifyingKey),
    /// [`ML_DSA_44`], of logs and witnesses. Nothing that it signed counts without the feature `ml-dsa`.
    MlDsa44(Box<[u8; ML_DSA_44_PUBLIC]>),
    /// Of an algorithm that is not known here: nothing that it signed counts.
    Unknown {
        /// The signature type byte.
        algorithm: u8,
        /// The public key in its encoding.
        public: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads the public key of an algorithm.
    fn new(algorithm: u8, public: &[u8]) -> Result<Self, KeyError> {
        let ed25519 = || {
            let public = public.try_into().map_err(|_| KeyError::Public)?;
            let key = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Public)?;
            // The one point under another encoding would be the same key under another id; a weak key signs anything.
            let canonical = key.to_edwards().compress().as_bytes() == public;
            if canonical && !key.is_weak() { Ok(key) } else { Err(KeyError::Public) }
        };
        match algorithm {
            ED25519 => Ok(Self::Ed25519(ed25519()?)),
            COSIGNATURE_V1 => Ok(Self::CosignatureV1(ed25519()?)),
            ML_DSA_44 => public.try_into().map(|key| Self::MlDsa44(Box::new(key))).map_err(|_| KeyError::Public),
            _ => Ok(Self::Unknown { algorithm, public: public.to_vec() }),
        }
    }

    /// The signature type byte.
    pub fn algorithm(&self) -> u8 {
        match self {
            Self::Ed25519(_) => ED25519,
            Self::CosignatureV1(_) => COSIGNATURE_V1,
            Self::MlDsa44(_) => ML_DSA_44,
            Self::Unknown { algorithm, .. } => *algorithm,
        }
    }

    /// The key in its algorithm's encoding.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(key) | Self::CosignatureV1(key) => key.as_bytes(),
            Self::MlDsa44(key) => &key[..],
            Self::Unknown { public, .. } => public,
        }
    }
}

/// A key that verifies notes, in text a vkey: `<name>+<id, 8 hexadecimal digits>+base64(algorithm || public key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: u32,
    public: PublicKey,
}

impl VerifierKey {
    /// A key of one of the algorithms that are known here, with the id that C2SP gives it.
    ///
    /// # Errors
    /// [`KeyError::Public`]: the public key is none of the algorithm, or the algorithm is not known.
    pub fn new(name: KeyName, algorithm: u8, public: &[u8]) -> Result<Self, KeyError> {
        match PublicKey::new(algorithm, public)? {
            PublicKey::Unknown { .. } => Err(KeyError::Public),
            public => Ok(Self { id: key_id(&name, algorithm, public.bytes()), name, public }),
        }
    }

    /// The key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Verifies a signature of this name and id. `None` where the algorithm cannot be verified here.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<Signed<'_>>, NoteError> {
        let wrong = || NoteError::Signature(self.name.clone());
        match &self.public {
            PublicKey::Ed25519(key) => {
                verify_ed25519(key, text.as_bytes(), signature).ok_or_else(wrong)?;
                Ok(Some(Signed { key: self, timestamp: None }))
            }
            PublicKey::CosignatureV1(key) => {
                let time = cosignature::verify_v1(key, text, signature)?.ok_or_else(wrong)?;
                Ok(Some(Signed { key: self, timestamp: Some(time) }))
            }
            #[cfg(feature = "ml-dsa")]
            PublicKey::MlDsa44(key) => {
                let time = cosignature::ml_dsa::verify(&key[..], &self.name, text, signature)?.ok_or_else(wrong)?;
                Ok(Some(Signed { key: self, timestamp: Some(time) }))
            }
            #[cfg(not(feature = "ml-dsa"))]
            PublicKey::MlDsa44(_) => Ok(None),
            PublicKey::Unknown { .. } => Ok(None),
        }
    }
}

/// Verifies an Ed25519 signature, strictly (RFC 8032, section 5.1.7, and no point of small order).
pub(crate) fn verify_ed25519(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Option<()> {
    key.verify_strict(message, &Signature::from_slice(signature).ok()?).ok()
}

/// SHA-256(name || 0x0A || algorithm || public key), its first four bytes big-endian.
pub(crate) fn key_id(name: &KeyName, algorithm: u8, public: &[u8]) -> u32 {
    let mut hasher = Sha256::new();
    hasher.update(name.as_str());
    hasher.update([b'\n', algorithm]);
    hasher.update(public);
    let [a, b, c, d, ..]: Hash = hasher.finalize().into();
    u32::from_be_bytes([a, b, c, d])
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.public.algorithm()], self.public.bytes()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    /// Strict: what is read is written the same. A key of an unknown algorithm is read with whatever id it has.
    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        // The name has no plus; base64 may have some.
        let (name, rest) = vkey.split_once('+').ok_or(KeyError::Form)?;
        let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
        let name: KeyName = name.parse()?;
        let lowercase = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if id.len() != 8 || !id.bytes().all(lowercase) {
            return Err(KeyError::Form);
        }
        let id = u32::from_str_radix(id, 16).map_err(|_| KeyError::Form)?;
        let key = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let (algorithm, public) = key.split_first().ok_or(KeyError::Form)?;
        let public = PublicKey::new(*algorithm, public)?;
        let known = !matches!(public, PublicKey::Unknown { .. });
        if known && id != key_id(&name, *algorithm, public.bytes()) {
            return Err(KeyError::Id);
        }
        Ok(Self { name, id, public })
    }
}
