//! What an export of numbers is asked to hold and how it stands; as JSON on disk, and as the API shows it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::jobs::{self, State};
use crate::moment;
use crate::query::request::QueryRequest;

/// What the job has besides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfExport {
    /// The question, its sites filled in.
    pub request: QueryRequest,
    /// `csv`, `ndjson`, `parquet`.
    pub format: String,
    /// Whether whoever asked may see every cell.
    pub sees_all: bool,
    pub rows: Option<u64>,
    pub suppressed: Option<u64>,
    pub size_bytes: Option<u64>,
    pub sha256: Option<String>,
    /// Milliseconds since 1970.
    pub freshness: Option<i64>,
}

/// A job as it lies on disk.
pub type Job = jobs::Job<OfExport>;

pub fn location(job: &Job) -> String {
    format!("/api/v1/query/exports/{}", job.id)
}

/// An export of numbers as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryExport {
    pub id: Uuid,
    /// The question.
    #[schema(value_type = QueryRequest)]
    pub query: Value,
    pub format: String,
    pub state: State,
    /// 0 to 1.
    pub progress: f64,
    /// Why it failed.
    pub error: Option<String>,
    pub made_at: String,
    pub finished_at: Option<String>,
    pub rows: Option<u64>,
    /// How many of the rows are withheld.
    pub suppressed: Option<u64>,
    pub size_bytes: Option<u64>,
    /// Of the file.
    pub sha256: Option<String>,
    /// Every event acknowledged before this instant is counted.
    pub freshness: Option<String>,
    /// The path of the file, once it is there.
    pub file: Option<String>,
}

impl QueryExport {
    pub fn of(job: &Job) -> Self {
        Self {
            id: job.id,
            query: serde_json::to_value(&job.of.request).unwrap_or_default(),
            format: job.of.format.clone(),
            state: job.state,
            progress: job.progress,
            error: job.error.clone(),
            made_at: moment::written(job.made_at),
            finished_at: job.finished_at.map(moment::written),
            rows: job.of.rows,
            suppressed: job.of.suppressed,
            size_bytes: job.of.size_bytes,
            sha256: job.of.sha256.clone(),
            freshness: job.of.freshness.map(moment::written),
            file: (job.state == State::Done).then(|| format!("{}/file", location(job))),
        }
    }
}
