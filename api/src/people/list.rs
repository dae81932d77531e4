//! `GET /api/v1/people`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Person, within};
use crate::Api;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct Persons {
    pub people: Vec<Person>,
}

/// Who may sign in, oldest first. A caller limited to sites sees those who see no more.
#[utoipa::path(
    get, path = "/api/v1/people", operation_id = "listPeople", tag = "people",
    responses(
        (status = 200, body = Persons),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_people(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<Persons>, Problem> {
    require(&caller, Scope::Admin, None)?;
    let directory = api.control.directory();
    let people = directory.people();
    let seen = people.persons().into_iter().filter(|person| within(&caller, person.sites.as_deref()));
    Ok(Json(Persons { people: seen.map(|person| Person::of(people, person)).collect() }))
}
