//! `POST /api/v1/shares`.

use std::sync::Arc;

use avow_control::NewShare;
use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Share, view};
use crate::access::{Bearer, require};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::query::resolve;
use crate::sites::put::refused;
use crate::{Api, moment};

const DAY_MS: i64 = 86_400_000;
/// Links that one person or token may have at once.
const MOST: usize = 200;

/// A view to be shared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"path": "/?site=shop.example&from=2026-11-01&to=2026-11-30", "name": "November, for the board"}))]
pub struct AskedShare {
    /// A path of the page that shows numbers, with its query string.
    pub path: String,
    /// What or whom it is for: 1 to 200 characters.
    pub name: String,
    /// How long it works: 1 to 90 days.
    #[serde(default = "month")]
    #[schema(minimum = 1, maximum = 90, default = 30)]
    pub days: u32,
}

const fn month() -> u32 {
    30
}

/// A view just shared.
#[derive(Serialize, ToSchema)]
pub struct MadeShare {
    #[serde(flatten)]
    pub share: Share,
    /// To be put behind this server's address: the path, and the secret behind `#`. It is shown this once.
    pub link: String,
}

/// Shares a view: whoever has the link sees these sites and these days, and nothing else, without signing in.
///
/// It shows what somebody with `stats:read` sees, small cells withheld, and no more than whoever made it may see: it ends with
/// their access.
#[utoipa::path(
    post, path = "/api/v1/shares", operation_id = "createShare", tag = "people", request_body = AskedShare,
    responses(
        (status = 201, body = MadeShare),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`too_many_shares`: 200 links are enough", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_share(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<AskedShare>,
) -> Result<Response, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    let invalid = |detail: &str, at: &str| Problem::unprocessable("invalid_value", detail).at(at);
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(invalid("name must have 1 to 200 characters", "/name"));
    }
    if !(1..=90).contains(&asked.days) {
        return Err(invalid("days must be 1 to 90", "/days"));
    }
    let view = view::read(&asked.path)?;
    let directory = api.control.directory();
    let sites = match view.sites.as_slice() {
        [] => None,
        sites => Some(resolve::sites(Some(sites), &caller, &directory).map_err(|problem| problem.at("/path"))?),
    };
    if directory.people().shares().iter().filter(|share| share.by == caller.id).count() >= MOST {
        return Err(Problem::new(StatusCode::CONFLICT, "too_many_shares", "revoke some of your 200 links first"));
    }
    let new = NewShare {
        name: name.to_owned(),
        path: asked.path,
        sites,
        period: view.period,
        by: caller.id,
        expires_at: moment::now() + i64::from(asked.days) * DAY_MS,
    };
    let (record, secret) = api.control.create_share(new).await.map_err(refused)?;
    tracing::info!(share = %record.id, by = %caller.id, "api.view_shared");
    let link = format!("{}#share={secret}", record.path);
    let body = MadeShare { share: Share::of(&api, &api.control.directory(), &record), link };
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
