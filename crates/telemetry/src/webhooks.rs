//! What alerts and webhooks are watched by.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use crate::MetricsError;
use crate::registrar::Registrar;

/// Alerts, and the messages that say them.
pub struct WebhookMetrics {
    /// Attempts to deliver a message, by outcome.
    pub attempts: IntCounterVec,
    /// Alerts that are open.
    pub open: IntGauge,
    /// Rounds of the evaluator that failed.
    pub failures: IntCounter,
}

impl WebhookMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let to = Registrar(registry);
        Ok(Self {
            attempts: to.counters(
                "avow_webhook_attempts_total",
                "Attempts to deliver a message to a webhook, by outcome: delivered, failed.",
                &["outcome"],
            )?,
            open: to.gauge("avow_alerts_open_alerts", "Alerts that are open, where they are evaluated.")?,
            failures: to.counter("avow_alerts_failures_total", "Evaluations of alerts that failed.")?,
        })
    }
}
