//! Every event has one fate, counted once. A request's events are entered in a [`Book`] when they are known; what has no
//! fate when the book closes (the log did not answer, or the sender hung up) is counted as not promised.

use avow_schemas::fate::RejectCode;
use avow_telemetry::{IngestMetrics, IntCounter};

/// The counters, one for each fate.
pub struct Fates {
    accepted: IntCounter,
    refused: [IntCounter; RejectCode::ALL.len()],
    not_promised: IntCounter,
}

impl Fates {
    pub fn new(metrics: &IngestMetrics) -> Self {
        let counter = |fate: &str| metrics.events.with_label_values(&[fate]);
        Self {
            accepted: counter("accepted"),
            refused: RejectCode::ALL.map(|code| counter(code.as_str())),
            not_promised: counter("not_promised"),
        }
    }

    /// Opens the book of a request with so many events.
    pub fn book(&self, events: usize) -> Book<'_> {
        Book { fates: self, open: events as u64 }
    }
}

/// The events of one request that have no fate yet.
#[must_use]
pub struct Book<'f> {
    fates: &'f Fates,
    open: u64,
}

impl Book<'_> {
    /// One event is refused.
    pub fn refuse(&mut self, code: RejectCode) {
        debug_assert!(self.open > 0, "an event has two fates");
        self.fates.refused[code as usize].inc();
        self.open = self.open.saturating_sub(1);
    }

    /// All that remain are durable.
    pub fn accept_the_rest(mut self) {
        self.fates.accepted.inc_by(self.open);
        self.open = 0;
    }
}

impl Drop for Book<'_> {
    fn drop(&mut self) {
        if self.open > 0 {
            self.fates.not_promised.inc_by(self.open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use avow_telemetry::Metrics;

    #[test]
    fn each_event_is_counted_once_whatever_happens() {
        let metrics = Metrics::new().unwrap();
        let fates = Fates::new(&metrics.ingest);
        let mut book = fates.book(5);
        for code in [RejectCode::Malformed, RejectCode::QuotaExceeded] {
            book.refuse(code);
        }
        book.accept_the_rest();
        drop(fates.book(2));
        let count = |fate: &str| metrics.ingest.events.with_label_values(&[fate]).get();
        assert_eq!((count("accepted"), count("malformed"), count("quota_exceeded")), (3, 1, 1));
        assert_eq!(count("not_promised"), 2);
        for (index, code) in RejectCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, index, "the counters follow the order of the codes");
        }
    }
}
