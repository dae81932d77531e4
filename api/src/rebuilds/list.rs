//! `GET /api/v1/rebuilds`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::job::Rebuild;
use crate::Api;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct RebuildList {
    pub rebuilds: Vec<Rebuild>,
}

/// The rebuilds that this server knows of, newest first.
#[utoipa::path(
    get, path = "/api/v1/rebuilds", operation_id = "listRebuilds", tag = "operations",
    responses(
        (status = 200, body = RebuildList),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_rebuilds(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<RebuildList>, Problem> {
    require(&caller, Scope::Admin, None)?;
    Ok(Json(RebuildList { rebuilds: api.rebuilds.newest_first().iter().map(Rebuild::of).collect() }))
}
