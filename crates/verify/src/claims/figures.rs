//! Claim "figures".

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::readable::Stated;
use super::{Claim, Faults, counted};
use crate::bundle::Bundle;
use crate::events::Events;

/// The manifest's counts are those of the opened records and of the table.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>, events: &Events, stated: &Stated) -> Claim {
    let mut faults = Faults::default();
    let counts = &bundle.manifest.counts;
    let by_type: BTreeMap<String, u64> = serde_json::from_value(counts["by_type"].clone()).unwrap_or_default();
    if by_type != events.by_type {
        faults.add(format!("the manifest counts {by_type:?} by type, opened are {:?}", events.by_type));
    }
    let opened: u64 = events.by_type.values().sum();
    let withdrawals = events.by_type.get("withdrawn").copied().unwrap_or_default();
    for (name, counted) in [
        ("records", opened),
        ("redacted", events.redacted),
        ("withdrawals", withdrawals),
        ("granted", stated.granted),
        ("denied", stated.denied),
    ] {
        let number = counts[name].as_u64().unwrap_or_default();
        if number != counted {
            faults.add(format!("the manifest counts {number} {name}, the records {counted}"));
        }
    }
    faults.claim("figures", format!("{}, {} yes, {} no", counted(opened, "record"), stated.granted, stated.denied))
}
