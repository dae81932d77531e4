//! How a rebuild stands; as JSON on disk, and as the API shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::jobs::{Job, State};
use crate::moment;

/// What came of it, as it lies on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub rows: Option<u64>,
    pub ids_copied: Option<u64>,
    pub rates_kept: Option<String>,
}

/// A rebuild as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rebuild {
    pub id: Uuid,
    pub state: State,
    /// 0 to 1.
    pub progress: f64,
    /// Why it failed. The tables are then as they were.
    pub error: Option<String>,
    pub made_at: String,
    pub finished_at: Option<String>,
    /// Rows of events and control records that the tables were derived from.
    pub rows: Option<u64>,
    /// Idempotency keys of events that are no longer kept, and so could only be copied.
    pub ids_copied: Option<u64>,
    /// Why the roll-up was kept as it was, where it holds counts of events that are no longer kept.
    pub rates_kept: Option<String>,
}

impl Rebuild {
    pub fn of(job: &Job<Outcome>) -> Self {
        Self {
            id: job.id,
            state: job.state,
            progress: job.progress,
            error: job.error.clone(),
            made_at: moment::written(job.made_at),
            finished_at: job.finished_at.map(moment::written),
            rows: job.of.rows,
            ids_copied: job.of.ids_copied,
            rates_kept: job.of.rates_kept.clone(),
        }
    }
}
