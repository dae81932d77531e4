//! What a witness of others' logs is watched by.

use prometheus::{IntCounter, IntCounterVec, Registry};

use crate::MetricsError;
use crate::registrar::Registrar;

/// The checkpoints that are sent to this witness.
pub struct WitnessMetrics {
    /// Checkpoints cosigned.
    pub cosigned: IntCounter,
    /// Checkpoints that were not, by the code of the answer. `inconsistent` is a log that forks.
    pub refused: IntCounterVec,
}

impl WitnessMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let to = Registrar(registry);
        Ok(Self {
            cosigned: to.counter("avow_witness_cosigned_total", "Checkpoints that this witness has cosigned.")?,
            refused: to.counters(
                "avow_witness_refused_total",
                "Checkpoints that this witness did not cosign, by the code of its answer.",
                &["code"],
            )?,
        })
    }
}
