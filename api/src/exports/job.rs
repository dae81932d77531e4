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

/// What the job of an export has besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfExport {
    pub asked: Asked,
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

/// A job as it lies on disk.
pub type Job = jobs::Job<OfExport>;

impl OfExport {
    pub const fn of(asked: Asked) -> Self {
        Self { asked, records: None, size_bytes: None, sha256: None, waiting: None, waiting_since: None, checked_to: 0 }
    }
}

impl Job {
    pub fn location(&self) -> String {
        format!("/api/v1/audit/exports/{}", self.id)
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
            site: job.of.asked.site.clone(),
            from: moment::written(job.of.asked.from),
            to: moment::written(job.of.asked.to),
            subject: job.of.asked.subject,
            services: job.of.asked.services.clone(),
            language: job.of.asked.language.clone(),
            state: job.state,
            progress: job.progress,
            error: job.error.clone(),
            made_at: moment::written(job.made_at),
            finished_at: job.finished_at.map(moment::written),
            records: job.of.records,
            size_bytes: job.of.size_bytes,
            sha256: job.of.sha256.clone(),
            waiting: job.of.waiting,
            waiting_since: job.of.waiting_since.map(moment::written),
            bundle: (job.state == State::Done).then(|| format!("{}/bundle", job.location())),
        }
    }
}
