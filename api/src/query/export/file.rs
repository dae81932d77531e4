//! `GET /api/v1/query/exports/{id}/file`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use uuid::Uuid;

use super::get::job;
use super::work::file_name;
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::jobs::file::{Download, download};
use crate::problem::{Problem, ProblemDocument};
use crate::query::render::Form;

/// The file. It never changes, and can be resumed by `Range`.
#[utoipa::path(
    get, path = "/api/v1/query/exports/{id}/file", operation_id = "getQueryExportFile", tag = "numbers",
    params(("id" = Uuid, Path, description = "The export's id"), ("Range" = Option<String>, Header, description = "`bytes=...`")),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/csv"), (String = "application/x-ndjson"), (Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 206, description = "A part of it", content(
            (String = "text/csv"), (String = "application/x-ndjson"), (Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Not done yet, or failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 416, description = "No such range"),
    )
)]
pub async fn get_query_export_file(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    request: Request,
) -> Result<Response, Problem> {
    let job = job(&api, &caller, id)?;
    let form = Form::parse(&job.of.format).unwrap_or(Form::Csv);
    let file = Download {
        path: api.query_exports.store().path(id).join(file_name(form)),
        media_type: form.media_type(),
        name: format!("avow-{id}.{}", form.as_str()),
        sha256: job.of.sha256.clone(),
    };
    download(&job, file, request).await
}
