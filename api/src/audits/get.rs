//! `GET /api/v1/audit/ledger/{id}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::job::LedgerAudit;
use crate::Api;
use crate::access::{Bearer, require_whole};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// How an audit stands; once it is done, what it found.
#[utoipa::path(
    get, path = "/api/v1/audit/ledger/{id}", operation_id = "getLedgerAudit", tag = "ledger",
    params(("id" = Uuid, Path, description = "The audit's id")),
    responses(
        (status = 200, body = LedgerAudit),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_ledger_audit(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<Json<LedgerAudit>, Problem> {
    require_whole(&caller, Scope::AuditRead)?;
    Ok(Json(LedgerAudit::of(&api.audits.job(id)?)))
}
