//! `DELETE /api/v1/aggregates/{site}/{source}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::extract::State;
use http::StatusCode;

use super::of_source;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// Takes a source's numbers of a site away.
#[utoipa::path(
    delete, path = "/api/v1/aggregates/{site}/{source}", operation_id = "deleteAggregate", tag = "bridge",
    params(
        ("site" = String, Path, description = "The site's name"),
        ("source" = String, Path, description = "`didomi`, `usercentrics`, `onetrust`, `cookiebot` or `other`"),
    ),
    responses(
        (status = 204, description = "Taken away"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete_aggregate(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments((site, source)): Segments<(String, String)>,
) -> Result<StatusCode, Problem> {
    require(&caller, Scope::Admin, Some(&site))?;
    of_source(&api, &site, &source).await?;
    api.warehouse.put_aggregate(&site, &source, moment::now(), "").await?;
    tracing::info!(site, source, by = %caller.id, "api.aggregate_deleted");
    Ok(StatusCode::NO_CONTENT)
}
