//! The names by which Avow is watched: every metric with its unit and its help, every log field, once each. A crate that
//! counts something takes its part of [`Metrics`]; nothing else makes a metric, so `/metrics` has one registry.
//!
//! To add some: a file here named after the crate, a struct of metrics built by a `register` like that of
//! [`IngestMetrics`], a field in [`Metrics`].

mod api;
mod books;
mod causes;
pub mod field;
mod ingest;
mod ledger;
mod processor;
mod registrar;
mod spool;
mod webhooks;
mod witness;

use std::sync::Arc;

use prometheus::{Registry, TextEncoder};

pub use api::ApiMetrics;
pub use books::BooksMetrics;
pub use causes::with_causes;
pub use ingest::IngestMetrics;
pub use ledger::LedgerMetrics;
pub use processor::ProcessorMetrics;
pub use spool::SpoolMetrics;
pub use webhooks::WebhookMetrics;
pub use witness::WitnessMetrics;

/// What a metric may be, re-exported so that no other crate names the library.
pub use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

/// Why a registry cannot be built or read: two metrics of one name, or a name that breaks the format's rules.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// All metrics of a process, by the part that counts them.
pub struct Metrics {
    registry: Registry,
    pub api: ApiMetrics,
    pub books: BooksMetrics,
    pub ingest: IngestMetrics,
    pub ledger: LedgerMetrics,
    pub processor: ProcessorMetrics,
    pub spool: SpoolMetrics,
    pub webhooks: WebhookMetrics,
    pub witness: WitnessMetrics,
}

impl Metrics {
    /// A fresh registry with every metric in it, at zero.
    ///
    /// # Errors
    /// Where two metrics have one name; a test sees to it that none do.
    pub fn new() -> Result<Arc<Self>, MetricsError> {
        let registry = Registry::new();
        let api = ApiMetrics::register(&registry)?;
        let books = BooksMetrics::register(&registry)?;
        let ingest = IngestMetrics::register(&registry)?;
        let ledger = LedgerMetrics::register(&registry)?;
        let processor = ProcessorMetrics::register(&registry)?;
        let spool = SpoolMetrics::register(&registry)?;
        let webhooks = WebhookMetrics::register(&registry)?;
        let witness = WitnessMetrics::register(&registry)?;
        Ok(Arc::new(Self { registry, api, books, ingest, ledger, processor, spool, webhooks, witness }))
    }

    /// The registry in Prometheus' text format, version 0.0.4 (`text/plain; version=0.0.4`).
    ///
    /// # Errors
    /// Where a metric cannot be written in that format.
    pub fn text(&self) -> Result<String, MetricsError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_registers_and_has_help_and_a_unit() {
        let metrics = Metrics::new().unwrap();
        metrics.ingest.requests.with_label_values(&["202"]).inc();
        metrics.ingest.events.with_label_values(&["accepted"]).inc();
        metrics.api.requests.with_label_values(&["/api/v1/me", "200"]).inc();
        metrics.api.seconds.with_label_values(&["/api/v1/me"]).observe(0.01);
        let text = metrics.text().unwrap();
        for line in text.lines().filter(|line| line.starts_with("# HELP ")) {
            let (name, help) = line["# HELP ".len()..].split_once(' ').unwrap();
            assert!(name.starts_with("avow_") && help.ends_with('.'), "{line}");
            let unit =
                ["_total", "_seconds", "_bytes", "_requests", "_records", "_ratio", "_sites", "_ledgers", "_alerts"];
            assert!(unit.iter().any(|unit| name.ends_with(unit)), "{name} names no unit");
        }
        assert!(text.contains("avow_ingest_requests_total{status=\"202\"} 1\n"), "{text}");
    }
}
