//! `GET /api/v1/rebuilds/{id}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::job::Rebuild;
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// How a rebuild stands.
#[utoipa::path(
    get, path = "/api/v1/rebuilds/{id}", operation_id = "getRebuild", tag = "operations",
    params(("id" = Uuid, Path, description = "The rebuild's id")),
    responses(
        (status = 200, body = Rebuild),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_rebuild(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<Json<Rebuild>, Problem> {
    require(&caller, Scope::Admin, None)?;
    Ok(Json(Rebuild::of(&api.rebuilds.job(id)?)))
}
