//! `POST /api/v1/tokens`.

use std::sync::Arc;

use avow_control::Caller;
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Token;
use crate::access::{Bearer, require};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;
use crate::{Api, moment};

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "dashboard", "scopes": ["stats:read"], "sites": ["shop.example"]}))]
pub struct NewToken {
    /// What it is for: 1 to 200 characters.
    pub name: String,
    #[schema(min_items = 1)]
    pub scopes: Vec<String>,
    /// Limited to these sites; without it: all.
    #[serde(default)]
    pub sites: Option<Vec<String>>,
    /// RFC 3339, in the future; without it: never.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// A token just made.
#[derive(Serialize, ToSchema)]
pub struct MadeToken {
    #[serde(flatten)]
    pub record: Token,
    /// The token itself. It is shown this once and kept nowhere.
    pub token: String,
}

/// Makes a token. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/api/v1/tokens", operation_id = "createToken", tag = "tokens", request_body = NewToken,
    responses(
        (status = 201, body = MadeToken),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_token(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<NewToken>,
) -> Result<Response, Problem> {
    require(&caller, Scope::Admin, None)?;
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::unprocessable("invalid_value", "name must have 1 to 200 characters").at("/name"));
    }
    let scopes = scopes(&asked.scopes, &caller)?;
    let sites = sites(asked.sites.as_deref(), &caller, &api)?;
    let expires_at = expiry(asked.expires_at.as_deref())?;
    let made = api.control.create_token(name, scopes, sites, expires_at).await.map_err(refused)?;
    tracing::info!(token = %made.record.id, by = %caller.id, "api.token_made");
    let location = format!("/api/v1/tokens/{}", made.record.id);
    let body = MadeToken { record: Token::of(&made.record), token: made.secret };
    let mut response = (StatusCode::CREATED, [(header::LOCATION, location)], Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Nobody can hand on what they do not have.
fn scopes(asked: &[String], caller: &Caller) -> Result<Vec<Scope>, Problem> {
    let mut scopes = Vec::with_capacity(asked.len());
    for (i, name) in asked.iter().enumerate() {
        let at = format!("/scopes/{i}");
        let scope = Scope::parse(name);
        let scope =
            scope.ok_or_else(|| Problem::unprocessable("unknown_scope", format!("{name:?} is no scope")).at(&at))?;
        require(caller, scope, None).map_err(|problem| problem.at(at))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return Err(Problem::unprocessable("unknown_scope", "name at least one scope").at("/scopes"));
    }
    Ok(scopes)
}

/// The sites that something is to be limited to: no more than the caller may see.
pub(crate) fn sites(asked: Option<&[String]>, caller: &Caller, api: &Api) -> Result<Option<Vec<SiteId>>, Problem> {
    let Some(asked) = asked else {
        return match caller.sites() {
            None => Ok(None),
            Some(_) => {
                Err(Problem::forbidden("site_forbidden", "your access is limited to sites, so must this one be")
                    .at("/sites"))
            }
        };
    };
    let directory = api.control.directory();
    let mut sites = Vec::with_capacity(asked.len());
    for (i, name) in asked.iter().enumerate() {
        let at = format!("/sites/{i}");
        require(caller, Scope::Admin, Some(name)).map_err(|problem| problem.at(&at))?;
        let site = SiteId::new(name).ok().filter(|site| directory.site(site.as_str()).is_some());
        sites.push(
            site.ok_or_else(|| Problem::unprocessable("unknown_site", format!("there is no site {name:?}")).at(&at))?,
        );
    }
    if sites.is_empty() {
        return Err(Problem::unprocessable("unknown_site", "name at least one site, or leave `sites` out").at("/sites"));
    }
    Ok(Some(sites))
}

fn expiry(asked: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = asked else { return Ok(None) };
    let moment = moment::read(text).filter(|moment| *moment > moment::now());
    let problem =
        || Problem::unprocessable("invalid_value", "expires_at must be RFC 3339 and in the future").at("/expires_at");
    moment.map(Some).ok_or_else(problem)
}
