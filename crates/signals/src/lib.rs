//! The signals sent with a decision (IAB TCF, IAB GPP, Google Consent Mode, Global Privacy Control): what they say, whether
//! they are valid, and whether the decision agrees. `docs/metrics.md`, "Signals", is this in words.

mod answer;
mod bounds;
mod consent_mode;
mod finding;
mod gpc;
mod gpp;
mod tcf;
mod vendors;

pub use answer::Answer;
pub use gpp::Gpp;
pub use tcf::{Tcf, TcfError};
pub use vendors::with_vendors;

use avow_schemas::event::ConsentEvent;
use avow_schemas::signal::{Finding, Signal};

/// What each signal of a decision is found to be, in the order of [`Signal`]. `answer` is what the visitor decided.
pub fn findings(event: &ConsentEvent, answer: &Answer<'_>) -> Vec<(Signal, Finding)> {
    let found = [
        (Signal::Tcf, event.tcf.as_deref().map(|text| tcf::finding(text, event.occurred_at, answer))),
        (Signal::Gpp, event.gpp.as_deref().map(|text| gpp::finding(text, event.occurred_at, answer))),
        (Signal::ConsentMode, consent_mode::finding(&event.consent_mode, answer)),
        (Signal::Gpc, event.gpc.and_then(|is_on| gpc::finding(is_on, answer))),
    ];
    found.into_iter().filter_map(|(signal, finding)| finding.map(|finding| (signal, finding))).collect()
}

#[cfg(test)]
mod tests;
