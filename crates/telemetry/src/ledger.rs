//! What the ledgers' trees and checkpoints are watched by.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use crate::MetricsError;
use crate::registrar::Registrar;

/// The trees and their signer.
pub struct LedgerMetrics {
    /// Checkpoints signed.
    pub signed: IntCounter,
    /// Ledgers that are not signed any more: what is stored contradicts what was signed.
    pub refused: IntGauge,
    /// Ledgers whose leaves do not fit their tree, by partition.
    pub broken: IntGaugeVec,
    /// Days of ledgers closed.
    pub closed: IntCounter,
    /// Cosignatures of the operator log's checkpoints, by witness.
    pub cosigned: IntCounterVec,
    /// Witnesses that were asked and did not cosign, by witness.
    pub not_cosigned: IntCounterVec,
    /// For how long the operator log's newest checkpoint has waited for its quorum.
    pub unpublished: IntGauge,
    /// Time stamps of the operator log's checkpoints.
    pub stamped: IntCounter,
    /// Authorities that were asked for a stamp and gave none.
    pub not_stamped: IntCounter,
}

impl LedgerMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let to = Registrar(registry);
        Ok(Self {
            signed: to.counter("avow_ledger_checkpoints_total", "Checkpoints of sites' ledgers signed.")?,
            refused: to.gauge(
                "avow_ledger_refused_ledgers",
                "Ledgers that are not signed any more, since what is stored contradicts what was signed.",
            )?,
            broken: to.gauges(
                "avow_ledger_broken_ledgers",
                "Ledgers that stand still, since their leaves do not fit their tree.",
                &["partition"],
            )?,
            closed: to.counter("avow_ledger_days_closed_total", "Days of sites' ledgers closed.")?,
            cosigned: to.counters(
                "avow_ledger_cosignatures_total",
                "Cosignatures of the operator log's checkpoints.",
                &["witness"],
            )?,
            not_cosigned: to.counters(
                "avow_ledger_witness_failures_total",
                "Requests to witnesses that gave no cosignature.",
                &["witness"],
            )?,
            unpublished: to.gauge(
                "avow_ledger_unpublished_seconds",
                "For how long the operator log's newest checkpoint has waited for its quorum of witnesses; 0 where it does not.",
            )?,
            stamped: to.counter("avow_ledger_timestamps_total", "Time stamps of the operator log's checkpoints.")?,
            not_stamped: to.counter(
                "avow_ledger_timestamp_failures_total",
                "Requests to the time stamping authority that gave no stamp.",
            )?,
        })
    }
}
