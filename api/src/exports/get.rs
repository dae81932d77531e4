//! `GET /api/v1/audit/exports/{id}`.

use std::sync::Arc;

use avow_control::Caller;
use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::job::{Export, Job};
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// The job of this id, for a caller who may export its site.
///
/// # Errors
/// 404 where there is none, 403 where it is not for the caller.
pub(super) fn job(api: &Api, caller: &Caller, id: Uuid) -> Result<Job, Problem> {
    require(caller, Scope::AuditExport, None)?;
    let job = api.exports.store().job(id);
    let job = job.ok_or_else(|| Problem::not_found("unknown_export", format!("there is no export {id}")))?;
    require(caller, Scope::AuditExport, Some(&job.of.asked.site))?;
    Ok(job)
}

/// How an export stands.
#[utoipa::path(
    get, path = "/api/v1/audit/exports/{id}", operation_id = "getExport", tag = "audit",
    params(("id" = Uuid, Path, description = "The export's id")),
    responses(
        (status = 200, body = Export),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_export(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<Json<Export>, Problem> {
    job(&api, &caller, id).map(|job| Json(Export::of(&job)))
}
