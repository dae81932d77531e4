//! Who is asking, and whether they may.

use std::sync::Arc;

use avow_control::{Access, Caller};
use avow_schemas::control::Scope;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use http::{HeaderMap, header};

use crate::Api;
use crate::problem::Problem;

/// The holder of the request's bearer token. Extracting it refuses whoever has none.
pub struct Bearer(pub Caller);

impl FromRequestParts<Arc<Api>> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let caller = caller_of(api, &parts.headers)?;
        caller.map(Self).ok_or_else(|| Problem::unauthorized("this needs a token: Authorization: Bearer ..."))
    }
}

/// Who holds the token that a request carries; none where it carries none.
///
/// # Errors
/// 401 for one that is not good.
pub(crate) fn caller_of(api: &Api, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let Some(token) = token else {
        return Err(Problem::unauthorized("the Authorization header is not of the form: Bearer ..."));
    };
    let caller = api.control.authenticate(token);
    caller.map(Some).ok_or_else(|| Problem::unauthorized("the token is unknown, revoked or expired"))
}

impl OptionalFromRequestParts<Arc<Api>> for Bearer {
    type Rejection = Problem;

    /// None where no token is given; one that is given must be good.
    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Option<Self>, Problem> {
        Ok(caller_of(api, &parts.headers)?.map(Self))
    }
}

/// Whether a caller may do something, to a site or at all.
///
/// # Errors
/// 403, saying what is missing.
pub fn require(caller: &Caller, scope: Scope, site: Option<&str>) -> Result<(), Problem> {
    match caller.access(scope, site) {
        Access::Granted => Ok(()),
        Access::ScopeMissing => {
            let detail = format!("this needs a token of scope {}", scope.as_str());
            Err(Problem::forbidden("scope_missing", detail).with("scope", scope.as_str().into()))
        }
        Access::SiteForbidden => {
            let site = site.unwrap_or_default();
            Err(Problem::forbidden("site_forbidden", format!("the token is not for the site {site:?}")))
        }
    }
}

/// Whether a caller may do something to the installation as a whole: a token that is limited to sites may not.
///
/// # Errors
/// 403, saying what is missing.
pub fn require_whole(caller: &Caller, scope: Scope) -> Result<(), Problem> {
    require(caller, scope, None)?;
    match caller.sites() {
        None => Ok(()),
        Some(_) => Err(Problem::forbidden("site_forbidden", "this needs a token that is not limited to sites")),
    }
}
