//! From single comparisons to one finding.

pub(crate) use avow_schemas::signal::Finding;

/// One thing that a signal says, beside what the visitor said of it: `None` where she said nothing.
pub(crate) const fn compared(signal: bool, answer: Option<bool>) -> Finding {
    match (signal, answer) {
        (_, None) => Finding::Incomparable,
        (true, Some(false)) => Finding::GrantsRefused,
        (false, Some(true)) => Finding::DeniesGranted,
        (true, Some(true)) | (false, Some(false)) => Finding::Consistent,
    }
}

/// The finding on all of them: contradictions first, and consistent where anything could be compared.
pub(crate) fn worst(findings: impl Iterator<Item = Finding>) -> Finding {
    let rank = |finding: &Finding| match finding {
        // One thing that agrees says more than another of which nothing is known.
        Finding::Consistent => 4,
        Finding::Incomparable => 5,
        Finding::Unreadable => 0,
        Finding::Invalid => 1,
        Finding::GrantsRefused => 2,
        Finding::DeniesGranted => 3,
    };
    findings.min_by_key(rank).unwrap_or(Finding::Incomparable)
}
