//! Claim "checkpoints", and what the checkpoints are that the others rest on.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use avow_ledger::checkpoint::Checkpoint;
use avow_ledger::key::VerifierKey;
use avow_ledger::note::Note;

use super::{Claim, Faults, counted};
use crate::bundle::{Bundle, Log};

/// A log of the bundle whose checkpoint could be read.
pub(super) struct Tree {
    pub checkpoint: Checkpoint,
    pub note: Note,
}

/// The logs whose checkpoints could be read.
#[derive(Default)]
pub(super) struct Trees {
    /// By name.
    pub logs: BTreeMap<String, Tree>,
    pub operator: Option<Tree>,
}

/// Every checkpoint is signed by its log's key.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>) -> (Claim, Trees) {
    let mut faults = Faults::default();
    let mut trees = Trees::default();
    for log in &bundle.manifest.logs {
        match tree(bundle, log, &format!("logs/{}/checkpoint", log.name)) {
            Ok(tree) => _ = trees.logs.insert(log.name.clone(), tree),
            Err(fault) => faults.add(fault),
        }
    }
    match bundle.manifest.operator.as_ref().map(|log| tree(bundle, log, "operator/checkpoint")) {
        Some(Err(fault)) => faults.add(fault),
        Some(Ok(tree)) => trees.operator = Some(tree),
        None => {}
    }
    let text = format!("{}, each signed by the key that the bundle names", counted(trees.logs.len(), "log"));
    (faults.claim("checkpoints", text), trees)
}

/// A note that the log's key has signed.
pub(super) fn signed<R: Read + Seek>(bundle: &Bundle<R>, log: &Log, file: &str) -> Result<Note, String> {
    signed_by(bundle, &[key(log)?], file)
}

/// The log's key.
pub(super) fn key(log: &Log) -> Result<VerifierKey, String> {
    log.public_key.parse().map_err(|_| format!("the key of {} is none", log.origin))
}

/// A note that one of these keys has signed.
pub(super) fn signed_by<R: Read + Seek>(bundle: &Bundle<R>, keys: &[VerifierKey], file: &str) -> Result<Note, String> {
    let bytes = bundle.read(file).map_err(|error| format!("{file}: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{file} is no text"))?;
    let note = Note::parse(&text).map_err(|error| format!("{file}: {error}"))?;
    note.verify(keys).map_err(|error| format!("{file}: {error}"))?;
    Ok(note)
}

fn tree<R: Read + Seek>(bundle: &Bundle<R>, log: &Log, file: &str) -> Result<Tree, String> {
    let note = signed(bundle, log, file)?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|error| format!("{file}: {error}"))?;
    if checkpoint.origin != log.origin || checkpoint.size != log.size {
        return Err(format!("{file} is of another log or size than the manifest says"));
    }
    Ok(Tree { checkpoint, note })
}
