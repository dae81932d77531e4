//! Claim "files".

use std::io::{Read, Seek};

use super::{Claim, Faults, counted};
use crate::bundle::{Bundle, BundleError, MANIFEST, MANIFEST_NOTE};

/// The bundle's files are those of its manifest, byte for byte.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>) -> Result<Claim, BundleError> {
    let mut faults = Faults::default();
    let listed = bundle.listed();
    for name in bundle.names().filter(|name| ![MANIFEST, MANIFEST_NOTE].contains(name)) {
        if !listed.contains_key(name) {
            faults.add(format!("{name} is not in the manifest"));
        }
    }
    for (name, file) in &listed {
        match bundle.fingerprint(name) {
            Ok((size, sha256)) if size == file.size && sha256 == file.sha256 => {}
            Ok(_) => faults.add(format!("{name} is not the file that was exported")),
            Err(BundleError::Missing(_)) => faults.add(format!("{name} is missing")),
            Err(error) => faults.add(format!("{name} cannot be read: {error}")),
        }
    }
    Ok(faults.claim("files", format!("{}, each as the manifest has it", counted(listed.len(), "file"))))
}
