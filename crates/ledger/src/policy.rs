//! Trust policies: C2SP tlog-policy. Which logs and which witnesses count, and how many of them are enough.

use crate::checkpoint::Checkpoint;
use crate::key::{PublicKey, VerifierKey};
use crate::key_change::{self, KeyChange};
use crate::note::{Note, NoteError};

mod parse;

/// How many logs, and how many witnesses and groups, a policy may have. At least 32 of each are recommended.
pub const MOST: usize = 1024;

/// A log that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its key, named as its origin.
    pub key: VerifierKey,
    /// Where it is, in bytes of any kind.
    pub url: Option<Vec<u8>>,
}

/// A witness whose cosignature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its name within the policy, in bytes of any kind.
    pub name: Vec<u8>,
    /// Its key.
    pub key: VerifierKey,
    /// Where it is, in bytes of any kind.
    pub url: Option<Vec<u8>>,
}

/// Something of which it can be said whether it witnessed a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    /// By its place among the witnesses.
    Witness(usize),
    /// By its place among the groups.
    Group(usize),
}

/// So many of these members. They were defined before the group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// A trust policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// `None`: no cosignature is needed.
    quorum: Option<Member>,
}

/// Why a text is no policy, and in which line, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the policy: {kind}")]
pub struct PolicyError {
    /// The line; that after the last where something is missing.
    pub line: usize,
    /// What is wrong with it.
    pub kind: PolicyErrorKind,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyErrorKind {
    /// A control character other than tab and newline.
    #[error("it has a control character")]
    Control,
    /// The last line does not end.
    #[error("it has no newline")]
    Newline,
    /// It does not begin with log, witness, group or quorum.
    #[error("it defines neither log, witness, group nor quorum")]
    Keyword,
    /// Too few or too many items.
    #[error("it has a wrong number of items")]
    Items,
    /// A key that cannot be read, or of an algorithm that such a key does not have.
    #[error("its key is not one of a log or a witness")]
    Key,
    /// The same public key as another log's or another witness's.
    #[error("its key was listed already")]
    Duplicate,
    /// A name that is taken, or `none`.
    #[error("its name is taken")]
    Name,
    /// A name that was not defined before.
    #[error("it refers to a name that was not defined before")]
    Undefined,
    /// A name that is a member of a group already.
    #[error("one of its members is in a group already")]
    Member,
    /// A threshold that is not a decimal number from 1 to the number of members.
    #[error("its threshold is not a number from 1 to that of its members")]
    Threshold,
    /// More than one quorum, or none.
    #[error("a policy has exactly one quorum")]
    Quorum,
    /// More than [`MOST`] of a kind.
    #[error("the policy is too large")]
    TooMany,
}

/// A witness that cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witnessed<'p> {
    /// The witness.
    pub witness: &'p Witness,
    /// When, in seconds since 1970, by its clock.
    pub timestamp: u64,
}

/// What a policy says about a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation<'p> {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The logs that signed it, each named as its origin. A policy without logs leaves it to the caller to know the log.
    pub logs: Vec<&'p Log>,
    /// The witnesses that cosigned it, in the policy's order.
    pub witnesses: Vec<Witnessed<'p>>,
    /// Whether they are enough.
    pub quorum: bool,
}

impl Evaluation<'_> {
    /// Whether the checkpoint is to be trusted: signed by a log, and with the quorum.
    pub fn is_valid(&self) -> bool {
        !self.logs.is_empty() && self.quorum
    }
}

impl Policy {
    /// The logs in the policy's order.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The witnesses in the policy's order.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Takes the keys to which the policy's logs have handed over as logs of the policy, too.
    pub fn follow(&mut self, changes: &[KeyChange]) {
        let known: Vec<VerifierKey> = self.logs.iter().map(|log| log.key.clone()).collect();
        for key in known.iter().flat_map(|key| key_change::successors(key, changes)) {
            if self.logs.iter().all(|log| log.key != *key) {
                self.logs.push(Log { key: key.clone(), url: None });
            }
        }
    }

    /// Who of the policy signed a checkpoint, and whether that is enough.
    ///
    /// # Errors
    /// [`NoteError`]: the note is no checkpoint, or the signature of one of the policy's keys is wrong.
    pub fn evaluate(&self, note: &Note) -> Result<Evaluation<'_>, NoteError> {
        let checkpoint = Checkpoint::parse(&note.text)?;
        let keys = self.logs.iter().map(|log| &log.key).chain(self.witnesses.iter().map(|witness| &witness.key));
        let signed = note.signed(keys)?;
        let by = |key: &VerifierKey| signed.iter().find(|one| one.key == key).map(|one| one.timestamp);
        let named = |log: &&Log| log.key.name().as_str() == checkpoint.origin && by(&log.key).is_some();
        let logs = self.logs.iter().filter(named).collect();
        let times: Vec<Option<u64>> = self.witnesses.iter().map(|witness| by(&witness.key)?).collect();
        let witnesses = self
            .witnesses
            .iter()
            .zip(&times)
            .filter_map(|(witness, time)| Some(Witnessed { witness, timestamp: (*time)? }))
            .collect();
        Ok(Evaluation { checkpoint, logs, witnesses, quorum: self.enough(&times) })
    }

    /// Whether the quorum is among the witnesses that have a time.
    fn enough(&self, times: &[Option<u64>]) -> bool {
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        let met = |member: &Member, groups: &[bool]| match member {
            Member::Witness(index) => times.get(*index).is_some_and(Option::is_some),
            Member::Group(index) => groups.get(*index).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| met(member, &groups)).count();
            groups.push(count >= group.threshold);
        }
        self.quorum.is_none_or(|quorum| met(&quorum, &groups))
    }
}

impl VerifierKey {
    /// Whether a log may sign with such a key (C2SP tlog-checkpoint).
    pub fn signs_logs(&self) -> bool {
        matches!(self.public(), PublicKey::Ed25519(_) | PublicKey::MlDsa44(_))
    }

    /// Whether a witness may cosign with such a key (C2SP tlog-cosignature).
    pub fn cosigns(&self) -> bool {
        matches!(self.public(), PublicKey::CosignatureV1(_) | PublicKey::MlDsa44(_))
    }
}

#[cfg(test)]
mod tests;
