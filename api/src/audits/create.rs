//! `POST /api/v1/audit/ledger`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::extract::State;
use axum::response::Response;

use super::job::LedgerAudit;
use crate::Api;
use crate::access::{Bearer, require_whole};
use crate::problem::{Problem, ProblemDocument};

/// Begins to derive every ledger anew from the stored events and to compare: commitments, leaves, nodes, heads, checkpoints,
/// the operator log. `Location` tells how it stands. A token that is limited to sites may not: it goes over all of them.
#[utoipa::path(
    post, path = "/api/v1/audit/ledger", operation_id = "createLedgerAudit", tag = "ledger",
    responses(
        (status = 202, description = "Begun", body = LedgerAudit, headers(("Location" = String, description = "The path of the audit"))),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "One is under way", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_ledger_audit(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Response, Problem> {
    require_whole(&caller, Scope::AuditRead)?;
    api.audits.begin(caller.id, LedgerAudit::of).await
}
