//! `DELETE /api/v1/webhooks/{id}`.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::handled;
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// Deletes a webhook: it is told nothing any more, and messages that wait are dropped.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", operation_id = "deleteWebhook", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook's id")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Reports go to it", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete_webhook(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<StatusCode, Problem> {
    handled(&api, &caller, id)?;
    if let Some(report) = api.control.directory().reports().find(|report| report.webhook == id) {
        let detail = format!("the report {} goes to it: delete that first", report.id);
        return Err(Problem::new(StatusCode::CONFLICT, "webhook_in_use", detail));
    }
    api.control.delete_webhook(id).await.map_err(refused)?;
    tracing::info!(webhook = %id, by = %caller.id, "api.webhook_deleted");
    Ok(StatusCode::NO_CONTENT)
}
