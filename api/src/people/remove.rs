//! `DELETE /api/v1/people/{id}`.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::{handled, refused};
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// Removes a person, their sessions, and what they have shared. What they did stays in the access log.
#[utoipa::path(
    delete, path = "/api/v1/people/{id}", operation_id = "removePerson", tag = "people",
    params(("id" = Uuid, Path, description = "The person's id")),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`last_admin`: nobody else who can sign in administers all sites", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn remove_person(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<StatusCode, Problem> {
    handled(&api, &caller, id)?;
    api.control.remove_person(id).await.map_err(refused)?;
    tracing::info!(person = %id, by = %caller.id, "api.person_removed");
    Ok(StatusCode::NO_CONTENT)
}
