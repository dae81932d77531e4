//! `GET /api/v1/shares`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Share, handles};
use crate::Api;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct Shares {
    pub shares: Vec<Share>,
}

/// One's own links, oldest first; of an administrator, those of everybody for the same sites.
#[utoipa::path(
    get, path = "/api/v1/shares", operation_id = "listShares", tag = "people",
    responses(
        (status = 200, body = Shares),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_shares(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<Shares>, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    let directory = api.control.directory();
    let shown = directory.people().shares().into_iter().filter(|share| handles(&caller, share));
    Ok(Json(Shares { shares: shown.map(|share| Share::of(&api, &directory, share)).collect() }))
}
