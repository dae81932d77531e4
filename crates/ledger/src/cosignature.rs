//! Cosignatures: C2SP tlog-cosignature, `cosignature/v1`. A witness says that a checkpoint is the largest consistent one
//! that it has seen of a log, and when.

use std::fmt;

use ed25519_dalek::{Signer, VerifyingKey};

use crate::checkpoint::Checkpoint;
use crate::key::{COSIGNATURE_V1, KeyError, KeyName, VerifierKey, key_id, verify_ed25519};
use crate::note::{NoteError, NoteSignature};

#[cfg(feature = "ml-dsa")]
pub mod ml_dsa;

/// The largest time that a cosignature may have.
const LATEST: u64 = i64::MAX as u64;

/// A witness's Ed25519 key. It is used for nothing else: what it signs does not name it.
pub struct Cosigner {
    name: KeyName,
    id: u32,
    key: ed25519_dalek::SigningKey,
}

impl Cosigner {
    /// From the 32-byte private key of RFC 8032.
    pub fn from_seed(name: KeyName, seed: [u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        let id = key_id(&name, COSIGNATURE_V1, key.verifying_key().as_bytes());
        Self { name, id, key }
    }

    /// The key that verifies its cosignatures.
    ///
    /// # Errors
    /// [`KeyError::Public`], which no private key leads to.
    pub fn vkey(&self) -> Result<VerifierKey, KeyError> {
        VerifierKey::new(self.name.clone(), COSIGNATURE_V1, self.key.verifying_key().as_bytes())
    }

    /// Cosigns a checkpoint's text at `timestamp`, in seconds since 1970.
    ///
    /// # Errors
    /// [`NoteError::Checkpoint`] where the text is no checkpoint, [`NoteError::Timestamp`] above 2^63 - 1.
    pub fn cosign(&self, text: &str, timestamp: u64) -> Result<NoteSignature, NoteError> {
        let signature = self.key.sign(message(text, timestamp)?.as_bytes()).to_bytes();
        let bytes = [&timestamp.to_be_bytes()[..], &signature].concat();
        Ok(NoteSignature { name: self.name.clone(), key_id: self.id, bytes })
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cosigner").field("name", &self.name).field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is signed: two lines, then the checkpoint's text with its last newline.
fn message(text: &str, timestamp: u64) -> Result<String, NoteError> {
    Checkpoint::parse(text)?;
    if timestamp > LATEST {
        return Err(NoteError::Timestamp);
    }
    Ok(format!("cosignature/v1\ntime {timestamp}\n{text}"))
}

/// The time of a cosignature over a note's text, in seconds since 1970. `None` where it is wrong.
pub(crate) fn verify_v1(key: &VerifyingKey, text: &str, signature: &[u8]) -> Result<Option<u64>, NoteError> {
    let Some((timestamp, signature)) = signature.split_first_chunk() else { return Ok(None) };
    let timestamp = u64::from_be_bytes(*timestamp);
    let message = message(text, timestamp)?;
    Ok(verify_ed25519(key, message.as_bytes(), signature).map(|()| timestamp))
}
