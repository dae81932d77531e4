//! `DELETE /api/v1/tokens/{id}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::within;
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// Revokes a token; here it is refused from now on, in other processes within 5 s.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", operation_id = "revokeToken", tag = "tokens",
    params(("id" = Uuid, Path, description = "The token's id")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn revoke_token(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<StatusCode, Problem> {
    require(&caller, Scope::Admin, None)?;
    let unknown = || Problem::not_found("unknown_token", format!("there is no token {id}"));
    let record = api.control.directory().token(id).cloned().ok_or_else(unknown)?;
    if !within(&caller, &record) {
        return Err(Problem::forbidden("site_forbidden", "that token goes further than yours"));
    }
    if !api.control.revoke_token(id).await.map_err(refused)? {
        return Err(unknown());
    }
    tracing::info!(token = %id, by = %caller.id, "api.token_revoked");
    Ok(StatusCode::NO_CONTENT)
}
