//! `POST /api/v1/people`.

use std::sync::Arc;

use avow_control::NewPerson;
use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Invited, email, name, refused, role};
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::tokens::create::sites;

/// Somebody to be invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada Lovelace", "email": "ada@example.org", "role": "auditor", "sites": ["shop.example"]}))]
pub struct AskedPerson {
    /// 1 to 200 characters.
    pub name: String,
    /// Unique among people, kept in lower case. It stays as it is: somebody with another address is made anew.
    pub email: String,
    /// `analyst` (`stats:read`), `auditor` (`audit:read` and `audit:export` besides), `admin` (every scope).
    pub role: String,
    /// Limited to these sites; without it: all.
    #[serde(default)]
    pub sites: Option<Vec<String>>,
}

/// Makes a person, who has no password yet, and an invitation to choose one.
#[utoipa::path(
    post, path = "/api/v1/people", operation_id = "createPerson", tag = "people", request_body = AskedPerson,
    responses(
        (status = 201, body = Invited),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`email_taken`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_person(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<AskedPerson>,
) -> Result<Response, Problem> {
    require(&caller, Scope::Admin, None)?;
    let (name, email, role) = (name(&asked.name)?, email(&asked.email)?, role(&asked.role, &caller)?);
    let sites = sites(asked.sites.as_deref(), &caller, &api)?;
    let person = api.control.create_person(NewPerson { name, email, role, sites }).await.map_err(refused)?;
    let (_, secret) = api.control.invite(person.id, caller.id).await.map_err(refused)?;
    tracing::info!(person = %person.id, by = %caller.id, "api.person_made");
    let body = Invited::of(api.control.directory().people(), &person, &secret);
    let location = format!("/api/v1/people/{}", person.id);
    let mut response = (StatusCode::CREATED, [(header::LOCATION, location)], Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
