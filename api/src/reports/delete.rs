//! `DELETE /api/v1/reports/{id}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;
use crate::webhooks::within;

/// Ends a scheduled report; its links are not good any more.
#[utoipa::path(
    delete, path = "/api/v1/reports/{id}", operation_id = "deleteReport", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The report's id")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete_report(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<StatusCode, Problem> {
    require(&caller, Scope::Admin, None)?;
    let unknown = || Problem::not_found("unknown_report", format!("there is no report {id}"));
    let record = api.control.directory().report(id).cloned().ok_or_else(unknown)?;
    if !within(&caller, Some(&record.sites)) {
        return Err(Problem::forbidden("site_forbidden", "that report is of more sites than your token is for"));
    }
    api.control.delete_report(id).await.map_err(refused)?;
    tracing::info!(report = %id, by = %caller.id, "api.report_deleted");
    Ok(StatusCode::NO_CONTENT)
}
