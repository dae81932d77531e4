//! Who is asking, and whether they may. A caller shows a bearer token (a token's, or the secret of a shared view) or the cookie
//! of a session; where both are there the token counts.

use std::sync::Arc;

use avow_control::{Access, Caller, Entry};
use avow_schemas::control::Scope;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::header;
use http::request::Parts;

use crate::Api;
use crate::access_log::Seen;
use crate::problem::Problem;

pub mod cookie;
pub mod origin;
mod shared;

/// Who shows the request's bearer token or cookie. Extracting it refuses whoever shows none.
pub struct Bearer(pub Caller);

impl FromRequestParts<Arc<Api>> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let caller = match parts.headers.contains_key(header::AUTHORIZATION) {
            true => by_token(parts, api)?,
            false => by_cookie(parts, api)?,
        };
        if let Some(seen) = parts.extensions.get::<Seen>() {
            seen.is(&caller);
        }
        Ok(Self(caller))
    }
}

impl OptionalFromRequestParts<Arc<Api>> for Bearer {
    type Rejection = Problem;

    /// None where nothing is shown, or the cookie of a session that has ended; a token that is shown must be good.
    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Option<Self>, Problem> {
        match <Self as FromRequestParts<Arc<Api>>>::from_request_parts(parts, api).await {
            Ok(caller) => Ok(Some(caller)),
            Err(_) if !parts.headers.contains_key(header::AUTHORIZATION) => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

/// Who shows a token or cookie that is good, whatever it opens.
pub(crate) fn holder(parts: &Parts, api: &Api) -> Option<Caller> {
    if parts.headers.contains_key(header::AUTHORIZATION) {
        let token = bearer(parts)?;
        return api.control.authenticate(token).or_else(|| api.control.authenticate_share(token));
    }
    api.control.authenticate_session(cookie::shown(parts)?, api.config.session_limits())
}

fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn by_token(parts: &Parts, api: &Api) -> Result<Caller, Problem> {
    let Some(token) = bearer(parts) else {
        return Err(Problem::unauthorized("the Authorization header is not of the form: Bearer ..."));
    };
    if let Some(caller) = api.control.authenticate(token) {
        return Ok(caller);
    }
    let Some(caller) = api.control.authenticate_share(token) else {
        return Err(Problem::unauthorized("the token is unknown, revoked or expired"));
    };
    shared::reaches(parts)?;
    Ok(caller)
}

fn by_cookie(parts: &Parts, api: &Arc<Api>) -> Result<Caller, Problem> {
    let Some(secret) = cookie::shown(parts) else {
        return Err(Problem::unauthorized("this needs a token, Authorization: Bearer ..., or a session"));
    };
    origin::same_site(parts)?;
    let limits = api.config.session_limits();
    let Some(caller) = api.control.authenticate_session(secret, limits) else {
        return Err(Problem::unauthorized("the session has ended: sign in again"));
    };
    if let Entry::Session { session, .. } = caller.entry {
        let control = Arc::clone(&api.control);
        tokio::spawn(async move {
            if let Err(error) = control.note_use(session, limits).await {
                tracing::warn!(%error, "api.session_use_not_noted");
            }
        });
    }
    Ok(caller)
}

/// Whether what a caller came in by still opens something; asked by what goes on for long.
pub fn is_still_valid(api: &Api, caller: &Caller) -> bool {
    let now = crate::moment::now();
    let directory = api.control.directory();
    match &caller.entry {
        Entry::Token if caller.id.is_nil() => true,
        Entry::Token => directory.token(caller.id).is_some_and(|token| token.expires_at.is_none_or(|at| at > now)),
        Entry::Session { session, .. } => api.control.is_open(*session, api.config.session_limits()),
        Entry::Share { .. } => {
            directory.people().share(caller.id).is_some_and(|share| api.control.shared(share).is_some())
        }
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
            let detail = format!("this needs the scope {}", scope.as_str());
            Err(Problem::forbidden("scope_missing", detail).with("scope", scope.as_str().into()))
        }
        Access::SiteForbidden => {
            let site = site.unwrap_or_default();
            Err(Problem::forbidden("site_forbidden", format!("your access is not for the site {site:?}")))
        }
    }
}

/// Whether a caller may do something to the installation as a whole: who is limited to sites may not.
///
/// # Errors
/// 403, saying what is missing.
pub fn require_whole(caller: &Caller, scope: Scope) -> Result<(), Problem> {
    require(caller, scope, None)?;
    match caller.sites() {
        None => Ok(()),
        Some(_) => Err(Problem::forbidden("site_forbidden", "this needs access that is not limited to sites")),
    }
}
