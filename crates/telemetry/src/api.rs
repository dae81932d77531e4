//! What the api counts.

use prometheus::{HistogramVec, IntCounterVec, Registry};

use crate::MetricsError;
use crate::registrar::{LATENCY_SECONDS, Registrar};

/// Metrics of the reading side, by route as the OpenAPI document writes it (`other`: the page and what is not there).
pub struct ApiMetrics {
    /// By `route` and `status`.
    pub requests: IntCounterVec,
    /// By `route`, until the answer's head: a live stream is answered when it begins.
    pub seconds: HistogramVec,
}

impl ApiMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let to = Registrar(registry);
        Ok(Self {
            requests: to.counters(
                "avow_api_requests_total",
                "Answers of the api, by route and HTTP status.",
                &["route", "status"],
            )?,
            seconds: to.histograms(
                "avow_api_request_seconds",
                "Time from a request's head to its answer's head, by route.",
                LATENCY_SECONDS,
                &["route"],
            )?,
        })
    }
}
