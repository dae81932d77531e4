//! `POST /api/v1/session`.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Session, begun, fits};
use crate::Api;
use crate::access::origin;
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// Who signs in, and with what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "correct horse battery staple"}))]
pub struct SignIn {
    pub email: String,
    pub password: String,
}

/// Signs a person in: the answer carries the cookie of the session, `__Host-avow` (on plain HTTP to localhost: `avow`).
///
/// A wrong password and an address that nobody has are one answer, after the same time. Attempts are limited by e-mail
/// address and by network address.
#[utoipa::path(
    post, path = "/api/v1/session", operation_id = "signIn", tag = "people", request_body = SignIn, security(()),
    responses(
        (status = 200, description = "Signed in, with `Set-Cookie`", body = Session),
        (status = 401, description = "`wrong_credentials`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`cross_site`: it comes from another page", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`, with `Retry-After`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn sign_in(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    origin::not_foreign(&parts)?;
    api.attempts.of_sender(&parts)?;
    let Body(asked) = Body::<SignIn>::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    let email = asked.email.trim().to_lowercase();
    api.attempts.of_email(&email)?;
    let directory = api.control.directory();
    let people = directory.people();
    let person = people.by_email(&email).filter(|person| people.may_sign_in(person)).cloned();
    let hash = person.as_ref().and_then(|person| people.credential(person.id)?.password.clone());
    // A session of this credential: one that another password has made meanwhile it is not.
    let epoch = person.as_ref().map_or(0, |person| people.credential(person.id).map_or(0, |known| known.epoch));
    let fits = fits(&api, asked.password, hash).await?;
    let Some(person) = person.filter(|_| fits) else {
        tracing::info!("api.sign_in_refused");
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "wrong_credentials",
            "the e-mail address or the password is wrong",
        ));
    };
    let limits = api.config.session_limits();
    let session = api.control.begin_session(&person, epoch, limits).await.map_err(refused)?;
    tracing::info!(person = %person.id, "api.signed_in");
    begun(&api, &parts, limits, &session)
}
