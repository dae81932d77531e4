//! `POST /api/v1/rebuilds`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::extract::State;
use axum::response::Response;

use super::job::Rebuild;
use crate::Api;
use crate::access::{Bearer, require_whole};
use crate::problem::{Problem, ProblemDocument};

/// Begins to make the derived tables (known ids, roll-up) anew from the events, while everything goes on. `Location` tells
/// how it stands. A token that is limited to sites may not: the tables hold all of them.
#[utoipa::path(
    post, path = "/api/v1/rebuilds", operation_id = "createRebuild", tag = "operations",
    responses(
        (status = 202, description = "Begun", body = Rebuild, headers(("Location" = String, description = "The path of the rebuild"))),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "One is under way", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_rebuild(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Response, Problem> {
    require_whole(&caller, Scope::Admin)?;
    api.rebuilds.begin(caller.id, Rebuild::of).await
}
