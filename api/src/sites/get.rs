//! `GET /api/v1/sites/{site}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Site;
use super::list::may_read;
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// One site with its settings in force.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}", operation_id = "getSite", tag = "sites",
    params(("site" = String, Path, description = "The site's name")),
    responses(
        (status = 200, body = Site),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_site(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(site): Segments<String>,
) -> Result<Json<Site>, Problem> {
    may_read(&caller)?;
    if !caller.may_see(&site) {
        return Err(Problem::forbidden("site_forbidden", format!("the token is not for the site {site:?}")));
    }
    let directory = api.control.directory();
    let history = directory.site(&site);
    let history = history.ok_or_else(|| Problem::not_found("unknown_site", format!("there is no site {site:?}")))?;
    Ok(Json(Site::of(history.current())))
}
