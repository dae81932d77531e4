//! `GET /api/v1/aggregates/{site}/{source}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;

use super::{PutAggregate, of_source};
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// A source's own numbers of a site, as they were put. For whoever may put them: a day of few decisions would show single
/// persons.
#[utoipa::path(
    get, path = "/api/v1/aggregates/{site}/{source}", operation_id = "getAggregate", tag = "bridge",
    params(
        ("site" = String, Path, description = "The site's name"),
        ("source" = String, Path, description = "`didomi`, `usercentrics`, `onetrust`, `cookiebot` or `other`"),
    ),
    responses(
        (status = 200, body = PutAggregate),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_aggregate(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments((site, source)): Segments<(String, String)>,
) -> Result<Json<PutAggregate>, Problem> {
    require(&caller, Scope::Admin, Some(&site))?;
    Ok(Json(of_source(&api, &site, &source).await?.put))
}
