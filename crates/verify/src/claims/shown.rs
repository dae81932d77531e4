//! Claim "shown".

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::{Claim, Faults};
use crate::bundle::{Bundle, BundleError};
use crate::events::Events;

/// Files that are named by the SHA-256 of their bytes.
const FOLDERS: [&str; 2] = ["artefacts/", "attachments/"];

/// The banners in the bundle are, byte for byte, the ones that opened records and artefact leaves name.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>, events: &Events) -> Claim {
    let mut faults = Faults::default();
    let mut texts = 0_u64;
    for name in bundle.names() {
        let Some(hash) = FOLDERS.iter().find_map(|folder| name.strip_prefix(folder)) else { continue };
        let hash = hash.split('.').next().unwrap_or_default();
        match bundle.fingerprint(name) {
            Ok((_, sha256)) if sha256 == hash => {}
            Ok(_) => faults.add(format!("{name} is not what its name is the hash of")),
            Err(error) => faults.add(format!("{name} cannot be read: {error}")),
        }
        let address = format!("sha256:{hash}");
        if name.starts_with(FOLDERS[0]) && !events.named.contains(&address) && !events.shown.contains(&address) {
            faults.add(format!("{name} is named by no opened record and no artefact leaf"));
        }
    }
    let there: BTreeSet<&str> = bundle.names().collect();
    let (mut withheld, mut by_leaf) = (0_u64, 0_u64);
    for artefact in &bundle.manifest.artefacts {
        if artefact.withheld {
            withheld += 1;
            continue;
        }
        texts += 1;
        by_leaf += u64::from(events.shown.contains(&artefact.text_hash));
        let text = format!("artefacts/{}.json", artefact.text_hash.trim_start_matches("sha256:"));
        for file in artefact.files.iter().map(String::as_str).chain([text.as_str()]) {
            if !there.contains(file) {
                let missing = BundleError::Missing(file.to_owned());
                faults.add(missing.to_string());
            }
        }
    }
    let besides = if withheld == 0 { String::new() } else { format!("; {withheld} left out of a bundle that is cut") };
    faults.claim("shown", format!("{texts} banners, {by_leaf} of them with their leaf in the ledger{besides}"))
}
