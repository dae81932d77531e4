//! `DELETE /api/v1/shares/{id}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::handles;
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// Revokes a link; here it shows nothing from now on, in other processes within 5 s.
#[utoipa::path(
    delete, path = "/api/v1/shares/{id}", operation_id = "revokeShare", tag = "people",
    params(("id" = Uuid, Path, description = "The shared view's id")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn revoke_share(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<StatusCode, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    let unknown = || Problem::not_found("unknown_share", format!("there is no shared view {id} of yours"));
    let share = api.control.directory().people().share(id).cloned();
    share.filter(|share| handles(&caller, share)).ok_or_else(unknown)?;
    if !api.control.revoke_share(id).await.map_err(refused)? {
        return Err(unknown());
    }
    tracing::info!(share = %id, by = %caller.id, "api.share_revoked");
    Ok(StatusCode::NO_CONTENT)
}
