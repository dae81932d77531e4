//! Proofs that stand alone: C2SP tlog-proof. An inclusion proof and the signed checkpoint that it leads to, in one file.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Hash;
use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::key::VerifierKey;
use crate::note::{Note, NoteError, Signed};
use crate::policy::{Evaluation, Policy};
use crate::proof::{ProofError, verify_inclusion};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The hashes of the longest inclusion proof that there is: of a tree of 2^64 - 1 leaves.
const MOST_HASHES: usize = 64;

/// That an entry is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Data of the application's own, which nothing authenticates.
    pub extra: Option<Vec<u8>>,
    /// The entry's index in the log.
    pub index: u64,
    /// The inclusion proof, the leaf's sibling first (RFC 6962, section 2.1.1); at most 64 hashes.
    pub hashes: Vec<Hash>,
    /// The log's checkpoint with its signatures and cosignatures.
    pub checkpoint: Note,
}

/// Why a proof cannot be read or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// The first line is not that of a proof of version 1.
    #[error("the proof does not begin with {HEADER}")]
    Header,
    /// The extra data are not base64.
    #[error("the proof's extra data are malformed")]
    Extra,
    /// There is no index, or it is not a decimal number without leading zeroes.
    #[error("the proof's index is malformed")]
    Index,
    /// A line is not a hash, or there are more than 64.
    #[error("the proof's hashes are malformed")]
    Hashes,
    /// There is no empty line before a checkpoint.
    #[error("the proof has no checkpoint")]
    NoCheckpoint,
    /// The checkpoint's note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// No known key of the checkpoint's origin signed it.
    #[error("the checkpoint is not signed by a known key of its origin, {0}")]
    Origin(String),
    /// Too few known witnesses cosigned it.
    #[error("the checkpoint lacks the quorum of witnesses")]
    Quorum,
    /// The inclusion proof.
    #[error(transparent)]
    Inclusion(#[from] ProofError),
}

impl TlogProof {
    /// Reads a proof, strictly: what is read is written the same.
    ///
    /// # Errors
    /// [`TlogProofError`] of its form.
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        let line = |text| str::split_once(text, '\n').ok_or(TlogProofError::NoCheckpoint);
        let rest = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n')).ok_or(TlogProofError::Header)?;
        let (mut first, mut rest) = line(rest)?;
        let mut extra = None;
        if let Some(encoded) = first.strip_prefix("extra ") {
            extra = Some(STANDARD.decode(encoded).map_err(|_| TlogProofError::Extra)?);
            (first, rest) = line(rest)?;
        }
        let index = first.strip_prefix("index ").and_then(checkpoint::decimal).ok_or(TlogProofError::Index)?;
        let mut hashes = Vec::new();
        loop {
            let (hash, after) = line(rest)?;
            rest = after;
            if hash.is_empty() {
                break;
            }
            if hashes.len() == MOST_HASHES {
                return Err(TlogProofError::Hashes);
            }
            hashes.push(checkpoint::hash(hash).ok_or(TlogProofError::Hashes)?);
        }
        Ok(Self { extra, index, hashes, checkpoint: Note::parse(rest)? })
    }

    /// Verifies that the entry with this leaf hash is in the log, by a checkpoint that one of `keys` with its origin's name
    /// signed. Cosignatures by others of them have to be right but need not be there. Gives the checkpoint and who signed.
    ///
    /// # Errors
    /// [`TlogProofError`]: the proof does not show that.
    pub fn verify<'k>(
        &self,
        leaf: &Hash,
        keys: &'k [VerifierKey],
    ) -> Result<(Checkpoint, Vec<Signed<'k>>), TlogProofError> {
        let checkpoint = Checkpoint::parse(&self.checkpoint.text)?;
        let signed = self.checkpoint.verify(keys)?;
        if !signed.iter().any(|signed| signed.key.name().as_str() == checkpoint.origin && signed.key.signs_logs()) {
            return Err(TlogProofError::Origin(checkpoint.origin));
        }
        self.include(leaf, &checkpoint)?;
        Ok((checkpoint, signed))
    }

    /// Verifies that the entry with this leaf hash is in one of the policy's logs, with its quorum of witnesses.
    ///
    /// # Errors
    /// [`TlogProofError`]: the proof does not show that.
    pub fn verify_by<'p>(&self, leaf: &Hash, policy: &'p Policy) -> Result<Evaluation<'p>, TlogProofError> {
        let evaluation = policy.evaluate(&self.checkpoint)?;
        if evaluation.logs.is_empty() {
            return Err(TlogProofError::Origin(evaluation.checkpoint.origin));
        }
        if !evaluation.quorum {
            return Err(TlogProofError::Quorum);
        }
        self.include(leaf, &evaluation.checkpoint)?;
        Ok(evaluation)
    }

    fn include(&self, leaf: &Hash, checkpoint: &Checkpoint) -> Result<(), ProofError> {
        verify_inclusion(leaf, self.index, &self.hashes, checkpoint.size, &checkpoint.root)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        f.write_char('\n')?;
        self.checkpoint.fmt(f)
    }
}

impl FromStr for TlogProof {
    type Err = TlogProofError;

    fn from_str(text: &str) -> Result<Self, TlogProofError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
