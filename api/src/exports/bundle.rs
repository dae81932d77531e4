//! `GET /api/v1/audit/exports/{id}/bundle`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use uuid::Uuid;

use super::archive::BUNDLE;
use super::get::job;
use crate::Api;
use crate::access::Bearer;
use crate::access_log::Concerns;
use crate::extract::Segments;
use crate::jobs::file::{Download, download};
use crate::problem::{Problem, ProblemDocument};

/// The bundle: a zip of the report, the records, what proves them, and `manifest.json` (RFC 8785), which names the SHA-256
/// and size of each file; `docs/proof.md` lists them. It never changes, and can be resumed by `Range`.
#[utoipa::path(
    get, path = "/api/v1/audit/exports/{id}/bundle", operation_id = "getExportBundle", tag = "audit",
    params(("id" = Uuid, Path, description = "The export's id"), ("Range" = Option<String>, Header, description = "`bytes=...`")),
    responses(
        (status = 200, description = "The zip", content_type = "application/zip", body = Vec<u8>),
        (status = 206, description = "A part of it", content_type = "application/zip", body = Vec<u8>),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Not done yet, or failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 416, description = "No such range"),
    )
)]
pub async fn get_bundle(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    request: Request,
) -> Result<Response, Problem> {
    let job = job(&api, &caller, id)?;
    let file = Download {
        path: api.exports.store().path(id).join(BUNDLE),
        media_type: "application/zip",
        name: format!("avow-{}-{id}.zip", job.of.asked.site),
        sha256: job.of.sha256.clone(),
    };
    let mut response = download(&job, file, request).await?;
    let asked = &job.of.asked;
    response.extensions_mut().insert(Concerns { site: asked.site.clone(), subject: asked.subject });
    Ok(response)
}
