//! How a rebuild stands; as JSON on disk, and as the API shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::jobs::{self, State};
use crate::moment;

/// A job as it lies on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: Uuid,
    /// The token that asked.
    pub by: Uuid,
    pub state: State,
    pub progress: f64,
    pub error: Option<String>,
    pub made_at: i64,
    pub finished_at: Option<i64>,
    pub rows: Option<u64>,
    pub ids_copied: Option<u64>,
    pub rates_kept: Option<String>,
}

impl Job {
    pub fn new(by: Uuid, made_at: i64) -> Self {
        Self {
            id: Uuid::now_v7(),
            by,
            state: State::Queued,
            progress: 0.0,
            error: None,
            made_at,
            finished_at: None,
            rows: None,
            ids_copied: None,
            rates_kept: None,
        }
    }

    pub fn location(&self) -> String {
        format!("/api/v1/rebuilds/{}", self.id)
    }
}

impl jobs::Job for Job {
    fn id(&self) -> Uuid {
        self.id
    }

    fn made_at(&self) -> i64 {
        self.made_at
    }

    fn finished_at(&self) -> Option<i64> {
        self.finished_at
    }

    fn set_progress(&mut self, progress: f64) {
        self.progress = progress;
    }
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
    pub fn of(job: &Job) -> Self {
        Self {
            id: job.id,
            state: job.state,
            progress: job.progress,
            error: job.error.clone(),
            made_at: moment::written(job.made_at),
            finished_at: job.finished_at.map(moment::written),
            rows: job.rows,
            ids_copied: job.ids_copied,
            rates_kept: job.rates_kept.clone(),
        }
    }
}
