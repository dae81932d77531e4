//! `GET /api/v1/audit/exports/{id}/bundle`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tower::ServiceExt;
use tower_http::services::ServeFile;
use uuid::Uuid;

use super::archive::BUNDLE;
use super::get::job;
use crate::Api;
use crate::access::Bearer;
use crate::access_log::Concerns;
use crate::extract::Segments;
use crate::jobs::State as JobState;
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
    if job.state != JobState::Done {
        let detail = job.error.unwrap_or_else(|| "the export is not done yet".to_owned());
        return Err(Problem::new(StatusCode::CONFLICT, "not_done", detail));
    }
    let path = api.exports.store.path(id).join(BUNDLE);
    let served = ServeFile::new(path).oneshot(request).await;
    let mut response = served.map(|response| response.map(Body::new)).into_response();
    let asked = &job.of.asked;
    response.extensions_mut().insert(Concerns { site: asked.site.clone(), subject: asked.subject });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"avow-{}-{id}.zip\"", job.of.asked.site)) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    if let Some(tag) = job.of.sha256.and_then(|sha256| HeaderValue::from_str(&format!("\"{sha256}\"")).ok()) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}
