//! `GET /api/v1/people/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::{Person, handled};
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// One person.
#[utoipa::path(
    get, path = "/api/v1/people/{id}", operation_id = "getPerson", tag = "people",
    params(("id" = Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = Person),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_person(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<Json<Person>, Problem> {
    let person = handled(&api, &caller, id)?;
    Ok(Json(Person::of(api.control.directory().people(), &person)))
}
