//! Claim "operator log".

use std::io::{Read, Seek};

use avow_ledger::tlog_proof::TlogProof;
use avow_ledger::{merkle, proof};

use super::checkpoints::Trees;
use super::{Claim, Faults, counted};
use crate::bundle::Bundle;

/// Every log's checkpoint is an entry of the operator log. A bundle without one has no such claim.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>, trees: &Trees) -> Option<Claim> {
    let operator = trees.operator.as_ref()?;
    let mut faults = Faults::default();
    for (name, tree) in &trees.logs {
        let file = format!("proofs/{name}.tlog-proof");
        let text = bundle.read(&file).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(text) = text else {
            faults.add(format!("{file} is missing"));
            continue;
        };
        let leaf = merkle::leaf_hash(tree.note.text.as_bytes());
        let verified = TlogProof::parse(&text).map_err(|error| error.to_string()).and_then(|proof| {
            if proof.checkpoint.to_string() != operator.note.to_string() {
                return Err("it is for another checkpoint of the operator log".to_owned());
            }
            let (size, root) = (operator.checkpoint.size, &operator.checkpoint.root);
            proof::verify_inclusion(&leaf, proof.index, &proof.hashes, size, root).map_err(|error| error.to_string())
        });
        if let Err(error) = verified {
            faults.add(format!("{file}: {error}"));
        }
    }
    Some(faults.claim("operator log", format!("it holds the checkpoints of {}", counted(trees.logs.len(), "log"))))
}
