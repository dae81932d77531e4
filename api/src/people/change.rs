//! `PATCH /api/v1/people/{id}`.

use std::sync::Arc;

use avow_control::PersonChange;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Person, handled, name, refused, role};
use crate::Api;
use crate::access::Bearer;
use crate::extract::{Body, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::tokens::create::sites;

/// What is to be another; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "admin", "disabled": false}))]
pub struct AskedChange {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub role: Option<String>,
    /// Null: all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub sites: Option<Option<Vec<String>>>,
    /// Who is disabled cannot sign in, and has no session any more.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// Tells null from what is left out.
fn given<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Deserialize::deserialize(input).map(Some)
}

/// Changes a person. What they may is another from now on, in their open sessions too.
#[utoipa::path(
    patch, path = "/api/v1/people/{id}", operation_id = "changePerson", tag = "people", request_body = AskedChange,
    params(("id" = Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = Person),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`last_admin`: nobody else who can sign in administers all sites", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn change_person(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Body(asked): Body<AskedChange>,
) -> Result<Json<Person>, Problem> {
    handled(&api, &caller, id)?;
    let change = PersonChange {
        name: asked.name.as_deref().map(name).transpose()?,
        role: asked.role.as_deref().map(|asked| role(asked, &caller)).transpose()?,
        sites: asked.sites.map(|asked| sites(asked.as_deref(), &caller, &api)).transpose()?,
        disabled: asked.disabled,
    };
    let person = api.control.change_person(id, change).await.map_err(refused)?;
    tracing::info!(person = %id, by = %caller.id, "api.person_changed");
    Ok(Json(Person::of(api.control.directory().people(), &person)))
}
