//! Claim "keys", and how the bundle's logs changed theirs.

use std::io::{Read, Seek};

use avow_ledger::KeyChange;
use avow_ledger::key::VerifierKey;
use avow_ledger::key_change::predecessors;

#[cfg(feature = "time")]
use super::checkpoints::key;
use super::{Claim, Faults};
use crate::bundle::Bundle;
#[cfg(feature = "time")]
use crate::bundle::Log;

/// The changes of the operator log's key, none where there was none: each signed by the key before and the key after it, one
/// following from the other up to the key with which this bundle is signed.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>) -> (Option<Claim>, Vec<KeyChange>) {
    let files: Vec<&str> = bundle.names().filter(|name| name.starts_with("keys/")).collect();
    let mut faults = Faults::default();
    let mut changes = Vec::new();
    for file in &files {
        match read(bundle, file) {
            Ok(change) => changes.push(change),
            Err(fault) => faults.add(fault),
        }
    }
    if files.is_empty() {
        return (None, changes);
    }
    let in_force = bundle.manifest.operator.as_ref().and_then(|log| log.public_key.parse::<VerifierKey>().ok());
    let reached = in_force.as_ref().map_or(0, |key| predecessors(key, &changes).len() - 1);
    if faults.is_empty() && reached != changes.len() {
        faults.add("the changes do not lead to the key that has signed this");
    }
    let text = format!("the key has changed {reached} times, each time signed by the key before and the key after");
    (Some(faults.claim("keys", text)), changes)
}

/// The keys that a log may have signed with: its own, and those from which the operator's key follows, in the log's name.
#[cfg(feature = "time")]
pub(super) fn ever(log: &Log, operator: &Log, changes: &[KeyChange]) -> Result<Vec<VerifierKey>, String> {
    let (own, operator) = (key(log)?, key(operator)?);
    let in_its_name = |key: &VerifierKey| {
        VerifierKey::new(own.name().clone(), key.public().algorithm(), key.public().bytes())
            .map_err(|error| format!("the key of {}: {error}", log.origin))
    };
    let former = predecessors(&operator, changes).into_iter().map(in_its_name).collect::<Result<Vec<_>, _>>()?;
    let is_another = |key: &VerifierKey| *key != own;
    Ok(former.into_iter().filter(is_another).chain([own.clone()]).collect())
}

fn read<R: Read + Seek>(bundle: &Bundle<R>, file: &str) -> Result<KeyChange, String> {
    let bytes = bundle.read(file).map_err(|error| format!("{file}: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{file} is no text"))?;
    KeyChange::read(&text).map_err(|error| format!("{file}: {error}"))
}
