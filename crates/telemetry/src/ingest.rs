//! What ingest counts.

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, Registry};

use crate::MetricsError;
use crate::registrar::{LATENCY_SECONDS, Registrar};

/// Metrics of `POST /v1/events`.
pub struct IngestMetrics {
    /// By `status`.
    pub requests: IntCounterVec,
    /// By `fate`: `accepted`, a code of the contract's closed list, or `not_promised`.
    pub events: IntCounterVec,
    pub in_flight: IntGauge,
    pub received_bytes: IntCounter,
    pub decoded_bytes: IntCounter,
    pub append: Histogram,
    pub unknown_fields: IntCounter,
    pub corrected_clocks: IntCounter,
    pub refusals_unwritten: IntCounter,
}

impl IngestMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let to = Registrar(registry);
        Ok(Self {
            requests: to.counters(
                "avow_ingest_requests_total",
                "Answers to POST /v1/events, by HTTP status.",
                &["status"],
            )?,
            events: to.counters(
                "avow_ingest_events_total",
                "Events by fate: accepted (durable), the code for which they were refused, or not_promised (answered 503, or the sender hung up before the log had answered).",
                &["fate"],
            )?,
            in_flight: to.gauge("avow_ingest_in_flight_requests", "Requests to POST /v1/events being worked on.")?,
            received_bytes: to.counter("avow_ingest_received_bytes_total", "Bytes of bodies as they came, compressed or not.")?,
            decoded_bytes: to.counter("avow_ingest_decoded_bytes_total", "Bytes of bodies after decompression.")?,
            append: to.histogram(
                "avow_ingest_append_seconds",
                "Time from handing a request's events to the log until the log called them durable.",
                LATENCY_SECONDS,
            )?,
            unknown_fields: to.counter(
                "avow_ingest_unknown_fields_total",
                "Fields of events that were left out because no such field is known, or it does not belong on that type of event.",
            )?,
            corrected_clocks: to.counter(
                "avow_ingest_corrected_clocks_total",
                "Events whose occurred_at was corrected by received_at - sent_at.",
            )?,
            refusals_unwritten: to.counter(
                "avow_ingest_refusals_unwritten_total",
                "Refused events that were counted but not written to consent.rejected: over its rate, its queue full, or the log away.",
            )?,
        })
    }
}
