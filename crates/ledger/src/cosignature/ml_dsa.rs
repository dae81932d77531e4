//! ML-DSA-44 cosignatures: C2SP tlog-cosignature, `subtree/v1`. They stand against quantum computers and name their
//! cosigner. A log may sign its own checkpoints with one. They do not cover a checkpoint's extension lines.

use std::fmt;

use ml_dsa::{EncodedVerifyingKey, ExpandedSigningKey, MlDsa44, Signature, VerifyingKey};

use super::LATEST;
use crate::checkpoint::Checkpoint;
use crate::key::{KeyError, KeyName, ML_DSA_44, VerifierKey};
use crate::note::{NoteError, NoteSignature};

/// What is signed begins with this.
const LABEL: &[u8] = b"subtree/v1\n\0";

/// The key of a log or a witness that signs checkpoints with ML-DSA-44 (FIPS 204), deterministically.
pub struct MlDsaCosigner {
    vkey: VerifierKey,
    key: ExpandedSigningKey<MlDsa44>,
}

impl MlDsaCosigner {
    /// From the 32-byte seed of FIPS 204, section 3.6.3.
    ///
    /// # Errors
    /// [`KeyError::Name`] where the name has more than 255 bytes.
    pub fn from_seed(name: KeyName, seed: [u8; 32]) -> Result<Self, KeyError> {
        if name.as_str().len() > usize::from(u8::MAX) {
            return Err(KeyError::Name);
        }
        let key = ExpandedSigningKey::from_seed(&seed.into());
        let vkey = VerifierKey::new(name, ML_DSA_44, &key.verifying_key().encode())?;
        Ok(Self { vkey, key })
    }

    /// The key that verifies its cosignatures.
    pub fn vkey(&self) -> &VerifierKey {
        &self.vkey
    }

    /// Signs a checkpoint's text at `timestamp`, in seconds since 1970; 0 says nothing of the time, nor that there was no
    /// larger checkpoint.
    ///
    /// # Errors
    /// [`NoteError::Checkpoint`] where the text is no checkpoint or its origin is longer than 255 bytes,
    /// [`NoteError::Timestamp`] above 2^63 - 1, [`NoteError::Signature`] where signing fails, which it does not.
    pub fn cosign(&self, text: &str, timestamp: u64) -> Result<NoteSignature, NoteError> {
        let name = self.vkey.name();
        let failed = || NoteError::Signature(name.clone());
        let message = message(name, text, timestamp)?.ok_or_else(failed)?;
        let signature = self.key.sign_deterministic(&message, &[]).map_err(|_| failed())?;
        let bytes = [&timestamp.to_be_bytes()[..], &signature.encode()].concat();
        Ok(NoteSignature { name: name.clone(), key_id: self.vkey.id(), bytes })
    }
}

impl fmt::Debug for MlDsaCosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MlDsaCosigner").field("name", self.vkey.name()).finish_non_exhaustive()
    }
}

/// `cosigned_message`, of a whole tree. `None` where a name does not fit in it.
fn message(name: &KeyName, text: &str, timestamp: u64) -> Result<Option<Vec<u8>>, NoteError> {
    let checkpoint = Checkpoint::parse(text)?;
    if timestamp > LATEST {
        return Err(NoteError::Timestamp);
    }
    let (name, origin) = (name.as_str().as_bytes(), checkpoint.origin.as_bytes());
    let (Ok(name_length), Ok(origin_length)) = (u8::try_from(name.len()), u8::try_from(origin.len())) else {
        return Ok(None);
    };
    let start = 0_u64.to_be_bytes();
    Ok(Some(
        [
            LABEL,
            &[name_length],
            name,
            &timestamp.to_be_bytes(),
            &[origin_length],
            origin,
            &start,
            &checkpoint.size.to_be_bytes(),
            &checkpoint.root,
        ]
        .concat(),
    ))
}

/// The time of a cosignature over a note's text, in seconds since 1970. `None` where it is wrong.
pub(crate) fn verify(key: &[u8], name: &KeyName, text: &str, signature: &[u8]) -> Result<Option<u64>, NoteError> {
    let Some((timestamp, signature)) = signature.split_first_chunk() else { return Ok(None) };
    let timestamp = u64::from_be_bytes(*timestamp);
    let Some(message) = message(name, text, timestamp)? else { return Ok(None) };
    let (Ok(key), Ok(signature)) = (EncodedVerifyingKey::<MlDsa44>::try_from(key), Signature::try_from(signature))
    else {
        return Ok(None);
    };
    let right = VerifyingKey::<MlDsa44>::decode(&key).verify_with_context(&message, &[], &signature);
    Ok(right.then_some(timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Note, Policy};

    #[test]
    fn it_signs_as_a_log_and_as_a_witness() {
        let log = MlDsaCosigner::from_seed("example.com/log".parse().unwrap(), [1; 32]).unwrap();
        let witness = MlDsaCosigner::from_seed("witness.example/w".parse().unwrap(), [2; 32]).unwrap();
        let text = Checkpoint::new("example.com/log", 7, [3; 32]).text();
        let mut note = Note::new(&text).unwrap();
        note.add(log.cosign(&text, 0).unwrap());
        note.add(witness.cosign(&text, 1_679_315_147).unwrap());
        let note = Note::parse(&note.to_string()).unwrap();
        assert_eq!(note.signatures[0].bytes.len(), 8 + 2420);
        let policy = format!("log {}\nwitness w {}\nquorum w\n", log.vkey(), witness.vkey());
        let policy = Policy::parse(policy.as_bytes()).unwrap();
        let evaluation = policy.evaluate(&note).unwrap();
        assert!(evaluation.is_valid());
        assert_eq!(evaluation.witnesses[0].timestamp, 1_679_315_147);
        // Any change: of the time, the signature, the text.
        for at in [7, 8, 2000, 2427] {
            let mut changed = note.clone();
            changed.signatures[1].bytes[at] ^= 1;
            assert!(policy.evaluate(&changed).is_err());
        }
        let mut changed = note.clone();
        changed.text = Checkpoint::new("example.com/log", 8, [3; 32]).text();
        assert!(policy.evaluate(&changed).is_err());
        let mut changed = note;
        changed.signatures[1].bytes.pop();
        assert!(policy.evaluate(&changed).is_err());
        assert_eq!(witness.cosign(&text, 1 << 63), Err(NoteError::Timestamp));
        let long = Checkpoint::new("o".repeat(256), 7, [3; 32]).text();
        assert!(witness.cosign(&long, 1).is_err());
    }

    /// The structure of the specification, byte by byte.
    #[test]
    fn what_is_signed() {
        let text = Checkpoint::new("log", 0x0102, [9; 32]).text();
        let expected =
            [&b"subtree/v1\n\0\x01w\0\0\0\0\0\0\0\x05\x03log\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02"[..], &[9; 32]];
        assert_eq!(message(&"w".parse().unwrap(), &text, 5), Ok(Some(expected.concat())));
    }
}
