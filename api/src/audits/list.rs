//! `GET /api/v1/audit/ledger`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::job::LedgerAudit;
use crate::Api;
use crate::access::{Bearer, require_whole};
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct LedgerAuditList {
    pub audits: Vec<LedgerAudit>,
}

/// The audits that this server knows of, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit/ledger", operation_id = "listLedgerAudits", tag = "ledger",
    responses(
        (status = 200, body = LedgerAuditList),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_ledger_audits(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
) -> Result<Json<LedgerAuditList>, Problem> {
    require_whole(&caller, Scope::AuditRead)?;
    Ok(Json(LedgerAuditList { audits: api.audits.newest_first().iter().map(LedgerAudit::of).collect() }))
}
