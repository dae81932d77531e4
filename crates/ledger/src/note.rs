//! Signed notes: C2SP signed-note. The text, the lines that sign it, and which of the known keys did.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::CheckpointError;
use crate::key::{KeyError, KeyName, VerifierKey};

/// How many signatures a note may have. Verifiers must take at least 16; Go's takes 100.
pub const MOST_SIGNATURES: usize = 100;

/// What a signature line begins with: em dash, space.
const DASH: &str = "\u{2014} ";

/// A signature line: `— <name> base64(key id || bytes)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key that signed.
    pub name: KeyName,
    /// The id of the key that signed, told from its name, algorithm and public key.
    pub key_id: u32,
    /// What the algorithm makes of the text, not empty.
    pub bytes: Vec<u8>,
}

/// A text and its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text with its last newline.
    pub text: String,
    /// The signatures in order, those of unknown keys among them.
    pub signatures: Vec<NoteSignature>,
}

/// A known key that signed a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'k> {
    /// The key.
    pub key: &'k VerifierKey,
    /// The signature's time, in seconds since 1970, where it is a cosignature.
    pub timestamp: Option<u64>,
}

/// Why a note cannot be read or trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A text that does not end in a newline or has another control character.
    #[error("a note's text ends in a newline and has no other control character")]
    Text,
    /// No empty line between text and signatures, or no whole signature line after it.
    #[error("the note has no signatures")]
    NoSignatures,
    /// A line that is no signature.
    #[error("signature line {0} of the note is malformed")]
    Line(usize),
    /// A key's name that cannot be.
    #[error("signature line {0} of the note: {1}")]
    Name(usize, KeyError),
    /// More than [`MOST_SIGNATURES`].
    #[error("the note has more than {MOST_SIGNATURES} signatures")]
    TooMany,
    /// Two known keys with the same name and id.
    #[error("two known keys are named {0} and have the same id")]
    Ambiguous(KeyName),
    /// A known key's signature that does not verify.
    #[error("the signature of {0} is wrong")]
    Signature(KeyName),
    /// No known key signed.
    #[error("no known key signed the note")]
    Unsigned,
    /// A cosignature of something that is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A cosignature's time above 2^63 - 1.
    #[error("a cosignature's time is too large")]
    Timestamp,
}

impl Note {
    /// An unsigned note. It is written as it is read only once it has a signature.
    ///
    /// # Errors
    /// [`NoteError::Text`].
    pub fn new(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        if !text.ends_with('\n') || has_controls(&text) {
            return Err(NoteError::Text);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note, strictly: what is read is written the same. Nothing of it may be used before it is verified.
    ///
    /// # Errors
    /// [`NoteError`] of its form.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if has_controls(note) {
            return Err(NoteError::Text);
        }
        let at = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = (&note[..=at], &note[at + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let mut signatures = Vec::new();
        for (number, line) in (1..).zip(lines.split('\n')) {
            if number > MOST_SIGNATURES {
                return Err(NoteError::TooMany);
            }
            signatures.push(signature(number, line)?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Adds a signature.
    pub fn add(&mut self, signature: NoteSignature) {
        self.signatures.push(signature);
    }

    /// Which of these keys signed, each once, in the order of the signatures. Signatures of other keys, and of keys whose
    /// algorithm cannot be verified here, are ignored.
    ///
    /// # Errors
    /// [`NoteError`]: no key signed, or a signature by one of them is wrong.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Signed<'k>>, NoteError> {
        let signed = self.signed(keys)?;
        if signed.is_empty() { Err(NoteError::Unsigned) } else { Ok(signed) }
    }

    /// As [`Note::verify`], where nobody has to have signed.
    pub(crate) fn signed<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifierKey> + Clone,
    ) -> Result<Vec<Signed<'k>>, NoteError> {
        let mut signed: Vec<Signed<'k>> = Vec::new();
        for signature in &self.signatures {
            let matches = |key: &&VerifierKey| *key.name() == signature.name && key.id() == signature.key_id;
            let mut known = keys.clone().into_iter().filter(matches);
            let Some(key) = known.next() else { continue };
            if known.any(|other| other != key) {
                return Err(NoteError::Ambiguous(key.name().clone()));
            }
            let Some(one) = key.verify(&self.text, &signature.bytes)? else { continue };
            if !signed.iter().any(|other| other.key == key) {
                signed.push(one);
            }
        }
        Ok(signed)
    }
}

/// Whether a text has a control character other than newline.
fn has_controls(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' && byte != b'\n')
}

fn signature(number: usize, line: &str) -> Result<NoteSignature, NoteError> {
    let (name, encoded) =
        line.strip_prefix(DASH).and_then(|line| line.split_once(' ')).ok_or(NoteError::Line(number))?;
    let name = name.parse().map_err(|error| NoteError::Name(number, error))?;
    let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Line(number))?;
    match bytes.split_first_chunk() {
        Some((id, bytes)) if !bytes.is_empty() => {
            Ok(NoteSignature { name, key_id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
        }
        _ => Err(NoteError::Line(number)),
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id.to_be_bytes()[..], &self.bytes].concat();
        write!(f, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl FromStr for NoteSignature {
    type Err = NoteError;

    /// Reads one signature line, without its newline, as a witness answers with.
    fn from_str(line: &str) -> Result<Self, NoteError> {
        signature(1, line)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        Self::parse(note)
    }
}

#[cfg(test)]
mod tests;
