//! `GET /api/v1/query/exports/{id}`.

use std::sync::Arc;

use avow_control::Caller;
use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::job::{Job, QueryExport};
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::query::resolve::sees_all;

/// Whether a caller may see the job: its own, or every one for who administers; and only what the caller may see today, since
/// a person's role and sites can change.
pub(super) fn is_for(caller: &Caller, job: &Job) -> bool {
    let is_own = job.by == caller.id || (caller.has(Scope::Admin) && caller.sites().is_none());
    let sites = job.of.request.sites.as_deref().unwrap_or_default();
    is_own && (sees_all(caller) || !job.of.sees_all) && sites.iter().all(|site| caller.may_see(site))
}

/// The caller's job of this id.
///
/// # Errors
/// 404 where there is none, or it is somebody else's.
pub(super) fn job(api: &Api, caller: &Caller, id: Uuid) -> Result<Job, Problem> {
    require(caller, Scope::StatsRead, None)?;
    let job = api.query_exports.store().job(id).filter(|job| is_for(caller, job));
    job.ok_or_else(|| Problem::not_found("unknown_export", format!("there is no export {id} of yours")))
}

/// How an export of numbers stands.
#[utoipa::path(
    get, path = "/api/v1/query/exports/{id}", operation_id = "getQueryExport", tag = "numbers",
    params(("id" = Uuid, Path, description = "The export's id")),
    responses(
        (status = 200, body = QueryExport),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_query_export(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<Json<QueryExport>, Problem> {
    job(&api, &caller, id).map(|job| Json(QueryExport::of(&job)))
}
