//! `POST /api/v1/rebuilds`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::NotBegun;
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
    match api.rebuilds.begin(caller.id).await {
        Ok(job) => {
            tracing::info!(rebuild = %job.id, by = %caller.id, "api.rebuild_begun");
            Ok((StatusCode::ACCEPTED, [(header::LOCATION, job.location())], Json(Rebuild::of(&job))).into_response())
        }
        Err(NotBegun::UnderWay(job)) => {
            let detail = format!("{} is under way: wait until it is done", job.location());
            Err(Problem::new(StatusCode::CONFLICT, "under_way", detail).with("rebuild", job.location().into()))
        }
        Err(NotBegun::Disk(error)) => Err(Problem::unavailable(format!("the rebuild cannot be noted: {error}"))),
    }
}
