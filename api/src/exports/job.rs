//! What an export is asked to hold and how it stands; as JSON on disk, and as the API shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::jobs::{self, State};
use crate::moment;

/// What is asked for. Times are milliseconds since 1970, of the log's own time; `to` is exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub site: String,
    pub from: i64,
    pub to: i64,
    pub subject: Option<Uuid>,
    pub services: Vec<String>,
    pub language: String,
}

/// A job as it lies on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: Uuid,
    pub asked: Asked,
    /// The token that asked.
    pub by: Uuid,
    pub state: State,
    pub progress: f64,
    pub error: Option<String>,
    pub made_at: i64,
    pub finished_at: Option<i64>,
    pub records: Option<u64>,
    pub size_bytes: Option<u64>,
    pub sha256: Option<String>,
    /// Events that no published checkpoint covered, and since when, in ms since 1970.
    #[serde(default)]
    pub waiting: Option<u64>,
    #[serde(default)]
    pub waiting_since: Option<i64>,
    /// Whether it holds anybody who was erased was looked at for erasures up to then, in ms since 1970.
    #[serde(default)]
    pub checked_to: i64,
}

impl Job {
    pub fn new(asked: Asked, by: Uuid, made_at: i64) -> Self {
        Self {
            id: Uuid::now_v7(),
            asked,
            by,
            state: State::Queued,
            progress: 0.0,
            error: None,
            made_at,
            finished_at: None,
            records: None,
            size_bytes: None,
            sha256: None,
            waiting: None,
            waiting_since: None,
            checked_to: 0,
        }
    }

    pub fn location(&self) -> String {
        format!("/api/v1/audit/exports/{}", self.id)
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

/// An export as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    pub id: Uuid,
    pub site: String,
    pub from: String,
    pub to: String,
    pub subject: Option<Uuid>,
    pub services: Vec<String>,
    pub language: String,
    pub state: State,
    /// 0 to 1.
    pub progress: f64,
    /// Why it failed.
    pub error: Option<String>,
    pub made_at: String,
    pub finished_at: Option<String>,
    /// Records in the bundle.
    pub records: Option<u64>,
    pub size_bytes: Option<u64>,
    /// Of the bundle.
    pub sha256: Option<String>,
    /// Events of the period that are stored and not in the bundle: no published checkpoint covers them yet. A later export
    /// has them.
    pub waiting: Option<u64>,
    /// When the first of those was logged; the bundle leaves nothing out before.
    pub waiting_since: Option<String>,
    /// The path of the bundle, once it is there.
    pub bundle: Option<String>,
}

impl Export {
    pub fn of(job: &Job) -> Self {
        Self {
            id: job.id,
            site: job.asked.site.clone(),
            from: moment::written(job.asked.from),
            to: moment::written(job.asked.to),
            subject: job.asked.subject,
            services: job.asked.services.clone(),
            language: job.asked.language.clone(),
            state: job.state,
            progress: job.progress,
            error: job.error.clone(),
            made_at: moment::written(job.made_at),
            finished_at: job.finished_at.map(moment::written),
            records: job.records,
            size_bytes: job.size_bytes,
            sha256: job.sha256.clone(),
            waiting: job.waiting,
            waiting_since: job.waiting_since.map(moment::written),
            bundle: (job.state == State::Done).then(|| format!("{}/bundle", job.location())),
        }
    }
}
