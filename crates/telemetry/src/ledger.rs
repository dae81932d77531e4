//! What the ledgers' trees and checkpoints are watched by.

use prometheus::{IntCounter, IntGauge, IntGaugeVec, Registry};

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
        })
    }
}
