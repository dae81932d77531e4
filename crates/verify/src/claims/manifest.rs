//! Claim "manifest".

use std::io::{Read, Seek};

use avow_ledger::hex;
use sha2::{Digest, Sha256};

use super::checkpoints::signed;
use super::{Claim, Faults};
use crate::bundle::{Bundle, MANIFEST_NOTE};

/// The manifest is signed with the operator log's key. A bundle without an operator log has no such claim.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>) -> Option<Claim> {
    let operator = bundle.manifest.operator.as_ref()?;
    let mut faults = Faults::default();
    let expected = format!("avow bundle\n{}\n", hex::encode(&Sha256::digest(&bundle.manifest_bytes).into()));
    match signed(bundle, operator, MANIFEST_NOTE) {
        Ok(note) if note.text == expected => {}
        Ok(_) => faults.add(format!("{MANIFEST_NOTE} signs another manifest")),
        Err(fault) => faults.add(fault),
    }
    Some(faults.claim("manifest", format!("signed by {}", operator.origin)))
}
