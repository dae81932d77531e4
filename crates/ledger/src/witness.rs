//! Witnessing, without its transport: C2SP tlog-witness. What a log sends to a witness, when the witness may cosign it, and
//! what the log makes of the answer.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Hash;
use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::key::VerifierKey;
use crate::merkle;
use crate::note::{Note, NoteError, NoteSignature};
use crate::proof::{ProofError, verify_consistency};

/// How many hashes a consistency proof may have.
pub const MOST_HASHES: usize = 63;
/// Bytes of a request or an answer: 100 signatures of Ed25519 and 30 of ML-DSA-44 fit into it.
pub const MOST_BYTES: usize = 128 << 10;

/// The body of `add-checkpoint`: a checkpoint, and that it follows from one that the witness has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the newest checkpoint that the witness cosigned; 0 where there is none.
    pub old: u64,
    /// The consistency proof from that size (RFC 6962, section 2.1.2).
    pub proof: Vec<Hash>,
    /// The checkpoint with its signatures.
    pub note: Note,
}

/// Why a body is none of `add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not UTF-8, or more than [`MOST_BYTES`].
    #[error("the body is no text of at most {MOST_BYTES} bytes")]
    Text,
    /// The first line is not `old <size>`.
    #[error("the first line is not `old` and a size")]
    Old,
    /// A line of the proof is not a hash, there are more than 63, or no empty line ends them.
    #[error("the lines up to the empty one are not at most {MOST_HASHES} hashes in base64")]
    Proof,
    /// The checkpoint's note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// The newest checkpoint of a log that a witness has cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
}

impl Default for Seen {
    /// Before the first one: the empty tree.
    fn default() -> Self {
        Self { size: 0, root: merkle::root([]) }
    }
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// None of the log's keys signed, or a signature of theirs is wrong.
    #[error("the checkpoint is not signed by a known key of the log: {0}")]
    Unsigned(NoteError),
    /// `old` is above the checkpoint's size.
    #[error("the old size is above the checkpoint's")]
    Old,
    /// `old` is not the size of the newest checkpoint that was cosigned.
    #[error("the newest cosigned checkpoint has {0} entries")]
    Conflict(u64),
    /// The checkpoint does not follow from the newest that was cosigned.
    #[error("the checkpoint does not follow from the one that was cosigned: {0}")]
    Inconsistent(ProofError),
}

impl AddCheckpoint {
    /// Reads a body, strictly: what is read is written the same.
    ///
    /// # Errors
    /// [`BodyError`].
    pub fn parse(body: &[u8]) -> Result<Self, BodyError> {
        let text = Some(body).filter(|body| body.len() <= MOST_BYTES).and_then(|body| std::str::from_utf8(body).ok());
        let (first, mut rest) = text.ok_or(BodyError::Text)?.split_once('\n').ok_or(BodyError::Old)?;
        let old = first.strip_prefix("old ").and_then(checkpoint::decimal).ok_or(BodyError::Old)?;
        let mut proof = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(BodyError::Proof)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            let hash = checkpoint::hash(line).filter(|_| proof.len() < MOST_HASHES).ok_or(BodyError::Proof)?;
            proof.push(hash);
        }
        let note = Note::parse(rest)?;
        Checkpoint::parse(&note.text)?;
        Ok(Self { old, proof, note })
    }

    /// What the note says.
    ///
    /// # Errors
    /// Where it was not made by [`AddCheckpoint::parse`] and is no checkpoint.
    pub fn checkpoint(&self) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::parse(&self.note.text)
    }

    /// Whether a witness that has cosigned `seen` of this log, which signs with `keys`, may cosign this: checked in the
    /// order that C2SP tlog-witness gives. What it has seen after that.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn judge(&self, seen: &Seen, keys: &[VerifierKey]) -> Result<Seen, Refusal> {
        self.note.verify(keys).map_err(Refusal::Unsigned)?;
        let checkpoint = self.checkpoint().map_err(|error| Refusal::Unsigned(error.into()))?;
        if self.old > checkpoint.size {
            return Err(Refusal::Old);
        }
        if self.old != seen.size {
            return Err(Refusal::Conflict(seen.size));
        }
        verify_consistency(seen.size, &seen.root, &self.proof, checkpoint.size, &checkpoint.root)
            .map_err(Refusal::Inconsistent)?;
        Ok(Seen { size: checkpoint.size, root: checkpoint.root })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.note)
    }
}

/// The cosignatures of `keys` over a checkpoint's text in a witness's answer, each once; lines of other keys are left out.
///
/// # Errors
/// [`NoteError`]: a line is no signature, one of `keys` did not sign what it says, or none of them signed.
pub fn cosignatures(text: &str, answer: &str, keys: &[VerifierKey]) -> Result<Vec<NoteSignature>, NoteError> {
    let note = Note::parse(&format!("{text}\n{answer}"))?;
    let signed = note.verify(keys)?;
    if note.text != text || signed.iter().any(|signed| signed.timestamp.is_none_or(|time| time == 0)) {
        return Err(NoteError::Timestamp);
    }
    let of = |key: &VerifierKey| {
        let matches = |line: &&NoteSignature| line.name == *key.name() && line.key_id == key.id();
        note.signatures.iter().find(matches).cloned()
    };
    Ok(signed.iter().filter_map(|signed| of(signed.key)).collect())
}

#[cfg(test)]
mod tests;
