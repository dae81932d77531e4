//! `/api/v1/session`: signing in with a password, who is signed in, signing out; `/api/v1/sessions`: one's own.

pub mod attempts;
pub mod end;
pub mod get;
pub mod list;
pub mod password;
pub mod sign_in;
pub mod sign_out;

use std::time::Duration;

use avow_control::{Caller, Entry, NewSession, SessionLimits, password as argon};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::cookie;
use crate::problem::Problem;
use crate::{Api, moment};

/// How long a password may wait for its turn to be hashed.
const TURN_WITHIN: Duration = Duration::from_secs(10);
/// The fewest and the most characters of a password.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=200;

/// Who is signed in, by whatever.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// `session`, `token` or `share`.
    pub entry: &'static str,
    /// Of the person, the token (nil: that of the configuration) or the shared view.
    pub id: Uuid,
    pub name: String,
    /// Of a person.
    pub email: Option<String>,
    /// `analyst`, `auditor`, `admin`; of a token the one that it comes closest to, or null.
    pub role: Option<&'static str>,
    pub scopes: Vec<&'static str>,
    /// Limited to these sites; null: all.
    pub sites: Option<Vec<String>>,
    /// When this ends by itself, RFC 3339; a session goes on longer if it is used.
    pub expires_at: Option<String>,
}

impl Session {
    fn of(api: &Api, caller: &Caller) -> Self {
        let (entry, role) = match &caller.entry {
            Entry::Token => ("token", crate::me::get::role(caller)),
            Entry::Session { role, .. } => ("session", Some(role.as_str())),
            Entry::Share { .. } => ("share", None),
        };
        let email = api.control.directory().people().person(caller.id).map(|person| person.email.clone());
        Self {
            entry,
            id: caller.id,
            name: caller.name.to_string(),
            email,
            role,
            scopes: caller.scopes().iter().map(|scope| scope.as_str()).collect(),
            sites: caller.sites().map(|sites| sites.iter().map(ToString::to_string).collect()),
            expires_at: caller.ends_at.map(moment::written),
        }
    }
}

/// The answer that begins a session: who is signed in, and the cookie.
pub(crate) fn begun(
    api: &Api,
    parts: &Parts,
    limits: SessionLimits,
    session: &NewSession,
) -> Result<Response, Problem> {
    let cookie = cookie::set(parts, Some((&session.secret, limits.absolute / 1000)))?;
    let mut response = Json(Session::of(api, &session.caller)).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Works on a password aside, a few at once.
async fn aside<T: Send + 'static>(api: &Api, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let busy = || Problem::unavailable("too many are signing in at once");
    let turn = tokio::time::timeout(TURN_WITHIN, api.passwords.acquire()).await.map_err(|_| busy())?;
    let _turn = turn.map_err(|_| busy())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal("a password could not be hashed"))
}

/// Whether a password is a person's. That of nobody takes as long.
pub(crate) async fn fits(api: &Api, password: String, hash: Option<String>) -> Result<bool, Problem> {
    aside(api, move || argon::fits(&password, hash.as_deref())).await
}

/// A password's hash, if it may be one for somebody of this name and address.
///
/// # Errors
/// 422 `weak_password`, saying why.
pub(crate) async fn hashed(api: &Api, password: String, (name, email): (&str, &str)) -> Result<String, Problem> {
    let weak = |why: &str| Err(Problem::unprocessable("weak_password", why).at("/password"));
    if !LENGTH.contains(&password.chars().count()) {
        return weak("a password has 12 to 200 characters");
    }
    let plain = password.trim().to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    if [email, local, &name.trim().to_lowercase()].contains(&plain.as_str()) {
        return weak("a password is not the name or the e-mail address");
    }
    let first = plain.chars().next();
    if plain.chars().all(|character| Some(character) == first) {
        return weak("a password is not one character again and again");
    }
    aside(api, move || argon::hash(&password)).await?.map_err(crate::sites::put::refused)
}
