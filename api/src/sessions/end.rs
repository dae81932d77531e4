//! `DELETE /api/v1/sessions/{id}`.

use std::sync::Arc;

use avow_control::Entry;
use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::sign_out::no_session;
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// Ends one of one's own sessions, such as that of a machine that was left behind.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{id}", operation_id = "endSession", tag = "people",
    params(("id" = Uuid, Path, description = "The session's id")),
    responses(
        (status = 204, description = "Ended"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`no_session`: a token has none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn end_session(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<StatusCode, Problem> {
    let Entry::Session { .. } = caller.entry else { return Err(no_session()) };
    let is_own = api.control.directory().people().session(id).is_some_and(|session| session.person == caller.id);
    if !is_own {
        return Err(Problem::not_found("unknown_session", format!("you have no session {id}")));
    }
    api.control.end_session(id).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
