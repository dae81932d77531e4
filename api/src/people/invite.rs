//! `POST /api/v1/people/{id}/invitation`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use uuid::Uuid;

use super::{Invited, handled, refused};
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// Invites a person anew, or lets them choose another password. A link that was made before is void; the password stays
/// until the invitation is redeemed.
#[utoipa::path(
    post, path = "/api/v1/people/{id}/invitation", operation_id = "invitePerson", tag = "people",
    params(("id" = Uuid, Path, description = "The person's id")),
    responses(
        (status = 201, body = Invited),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`disabled`: the person may not sign in", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn invite_person(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<Response, Problem> {
    let person = handled(&api, &caller, id)?;
    if person.disabled_at.is_some() {
        return Err(Problem::new(StatusCode::CONFLICT, "disabled", "the person may not sign in: enable them first"));
    }
    let (_, secret) = api.control.invite(id, caller.id).await.map_err(refused)?;
    tracing::info!(person = %id, by = %caller.id, "api.person_invited");
    let body = Invited::of(api.control.directory().people(), &person, &secret);
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
