//! `PUT /api/v1/session/password`.

use std::sync::Arc;

use avow_control::Entry;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::sign_out::no_session;
use super::{Session, begun, fits, hashed};
use crate::Api;
use crate::access::Bearer;
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// The password that is, and the one that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    pub current: String,
    /// 12 to 200 characters, not the name or the e-mail address.
    pub password: String,
}

/// Changes one's own password. All sessions end, and a new one begins here.
#[utoipa::path(
    put, path = "/api/v1/session/password", operation_id = "changePassword", tag = "people", request_body = NewPassword,
    responses(
        (status = 200, description = "Changed, with `Set-Cookie`", body = Session),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`no_session`: a token has none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`wrong_password`, `weak_password`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`, with `Retry-After`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn change_password(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Bearer(caller) = <Bearer as FromRequestParts<Arc<Api>>>::from_request_parts(&mut parts, &api).await?;
    let Entry::Session { .. } = caller.entry else { return Err(no_session()) };
    let Body(asked) = Body::<NewPassword>::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    let directory = api.control.directory();
    let person = directory.people().person(caller.id).cloned().ok_or_else(no_session)?;
    api.attempts.of_email(&person.email)?;
    let hash = directory.people().credential(person.id).and_then(|credential| credential.password.clone());
    if !fits(&api, asked.current, hash).await? {
        let detail = "the current password is another";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_password", detail).at("/current"));
    }
    let hash = hashed(&api, asked.password, (&person.name, &person.email)).await?;
    api.control.set_password(person.id, hash).await.map_err(refused)?;
    tracing::info!(person = %person.id, "api.password_changed");
    let limits = api.config.session_limits();
    let session = api.control.begin_session(&person, api.control.epoch(person.id), limits).await.map_err(refused)?;
    begun(&api, &parts, limits, &session)
}
