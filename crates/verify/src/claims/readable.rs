//! Claim "readable": records.csv and records.jsonld.

mod document;
mod table;

use std::io::{Read, Seek};

use super::{Claim, Faults};
use crate::bundle::{Bundle, BundleError};
use crate::events::Events;

/// What the table adds up to.
#[derive(Default)]
pub(super) struct Stated {
    /// Services that were said yes to, over all decisions.
    pub granted: u64,
    /// Services that were refused.
    pub denied: u64,
}

/// What the readable files say of a record is what its opened fields say, and they leave none out.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>, events: &mut Events) -> Result<(Claim, Stated), BundleError> {
    let mut faults = Faults::default();
    let mut stated = Stated::default();
    let rows = match bundle.stream(table::NAME, |file| table::compare(file, events, &mut stated, &mut faults)) {
        Ok(rows) => rows,
        Err(error) => {
            faults.add(error.to_string());
            0
        }
    };
    let records = match document::compare(bundle, events, &mut faults) {
        Ok(records) => records,
        Err(error) => {
            faults.add(error.to_string());
            0
        }
    };
    for (ledger, event) in events.all() {
        if !event.in_table {
            faults.add(format!("{} leaves out leaf {} of {ledger}", table::NAME, event.leaf));
        }
        if event.is_consent && !event.in_document {
            faults.add(format!("{} leaves out leaf {} of {ledger}", document::NAME, event.leaf));
        }
    }
    let text = format!("{rows} rows and {records} consent records say what the opened records say");
    Ok((faults.claim("readable", text), stated))
}
