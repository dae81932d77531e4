//! What the processor counts.

use prometheus::{GaugeVec, Histogram, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use crate::MetricsError;
use crate::registrar::{LATENCY_SECONDS, Registrar};

/// The processor's metrics. `records` is the books: read = stored + repeats + dead letters.
pub struct ProcessorMetrics {
    /// Records by outcome: `stored`, `repeat`, `dead_letter`.
    pub records: IntCounterVec,
    /// Records read from the log.
    pub read: IntCounter,
    /// Ranges written.
    pub ranges: IntCounter,
    /// Time for one range through all tables.
    pub range_seconds: Histogram,
    /// Records of the log not yet processed, by partition.
    pub lag: IntGaugeVec,
    /// How long the oldest of them has been in the log, by partition.
    pub lag_seconds: GaugeVec,
    /// Times a partition's work was stopped by an error.
    pub failures: IntCounter,
}

impl ProcessorMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let registrar = Registrar(registry);
        Ok(Self {
            records: registrar.counters(
                "avow_processor_records_total",
                "Records processed, by outcome (stored, repeat, dead_letter).",
                &["outcome"],
            )?,
            read: registrar.counter("avow_processor_read_records_total", "Records read from the log.")?,
            ranges: registrar.counter("avow_processor_ranges_total", "Ranges of the log written to the warehouse.")?,
            range_seconds: registrar.histogram(
                "avow_processor_range_seconds",
                "Time to write one range to events, ids and roll-up.",
                LATENCY_SECONDS,
            )?,
            lag: registrar.gauges(
                "avow_processor_lag_records",
                "Records of a log partition that are not yet processed.",
                &["partition"],
            )?,
            lag_seconds: registrar.float_gauges(
                "avow_processor_lag_seconds",
                "How long the oldest record of a log partition that is being processed has been in the log.",
                &["partition"],
            )?,
            failures: registrar
                .counter("avow_processor_failures_total", "Times an error stopped the work on a partition.")?,
        })
    }
}
