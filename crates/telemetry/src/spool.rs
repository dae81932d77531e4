//! What ingest's spool counts.

use prometheus::{IntCounter, IntGauge, Registry};

use crate::MetricsError;
use crate::registrar::Registrar;

/// The spool's depth and age, and what went through it.
#[derive(Clone)]
pub struct SpoolMetrics {
    /// Records that wait to be shipped to the log.
    pub records: IntGauge,
    /// What they take on the disk.
    pub bytes: IntGauge,
    /// Seconds since the oldest of them was taken.
    pub age: IntGauge,
    pub spooled: IntCounter,
    pub forwarded: IntCounter,
}

impl SpoolMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let to = Registrar(registry);
        Ok(Self {
            records: to
                .gauge("avow_spool_depth_records", "Records in the spool that wait to be shipped to the log.")?,
            bytes: to.gauge("avow_spool_depth_bytes", "What the spool takes on the disk while records wait in it.")?,
            age: to.gauge("avow_spool_age_seconds", "Age of the oldest record that waits in the spool.")?,
            spooled: to.counter(
                "avow_spool_spooled_records_total",
                "Records that the spool took because the log did not acknowledge in time.",
            )?,
            forwarded: to.counter(
                "avow_spool_forwarded_records_total",
                "Records shipped from a spool and acknowledged by the log.",
            )?,
        })
    }
}
