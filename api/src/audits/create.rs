//! `POST /api/v1/audit/ledger`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::NotBegun;
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
    match api.audits.begin(caller.id).await {
        Ok(job) => {
            tracing::info!(audit = %job.id, by = %caller.id, "api.ledger_audit_begun");
            let location = [(header::LOCATION, job.location())];
            Ok((StatusCode::ACCEPTED, location, Json(LedgerAudit::of(&job))).into_response())
        }
        Err(NotBegun::UnderWay(job)) => {
            let detail = format!("{} is under way: wait until it is done", job.location());
            Err(Problem::new(StatusCode::CONFLICT, "under_way", detail).with("audit", job.location().into()))
        }
        Err(NotBegun::Disk(error)) => Err(Problem::unavailable(format!("the audit cannot be noted: {error}"))),
    }
}
