//! `GET /api/v1/session/oidc/callback`.

use std::sync::Arc;

use avow_oidc::Flow;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header;
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use super::begin::configured;
use super::refusal::{Refusal, sent, sent_back};
use super::{Oidc, admit};
use crate::access::cookie;
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// What the provider sends a browser back with (RFC 6749, 4.1.2; RFC 9207).
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Brought {
    /// The state of the sign-in.
    #[serde(default)]
    pub state: String,
    /// What is exchanged for an ID token.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who the provider is.
    pub iss: Option<String>,
}

/// Ends a sign-in at the provider of identities: begins a session of this browser, as signing in with a password does, and sends
/// it to where it was. Where that is not to be, it is sent there with `#signin=` and a code: `denied`, `expired`, `unavailable`,
/// `invalid`, `unverified`, `unknown`, `disabled`, `other_account`, `too_many`, `failed`.
#[utoipa::path(
    get, path = "/api/v1/session/oidc/callback", operation_id = "finishOidc", tag = "people", params(Brought), security(()),
    responses(
        (status = 302, description = "To the page: signed in, with `Set-Cookie`; or with `#signin=` and a code"),
        (status = 404, description = "`no_provider`: none is configured", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn finish_oidc(
    State(api): State<Arc<Api>>,
    Parameters(brought): Parameters<Brought>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let oidc = configured(&api)?;
    if api.attempts.of_sender(&parts).is_err() {
        return sent_back(&parts, "/", Refusal::TooMany);
    }
    let kept = cookie::sign_in_shown(&parts).unwrap_or_default();
    let flow = match oidc.provider.resume(kept, &brought.state, brought.iss.as_deref(), moment::now()) {
        Ok(flow) => flow,
        Err(error) => return sent_back(&parts, "/", error.into()),
    };
    match signed_in(&api, oidc, &flow, &brought, &parts).await {
        Ok(response) => Ok(response),
        Err(refusal) => sent_back(&parts, &flow.path, refusal),
    }
}

async fn signed_in(api: &Api, oidc: &Oidc, flow: &Flow, brought: &Brought, parts: &Parts) -> Result<Response, Refusal> {
    let Some(code) = brought.code.as_deref().filter(|_| brought.error.is_none()) else {
        let error: String = brought.error.as_deref().unwrap_or("no code").chars().take(100).collect();
        tracing::info!(?error, "api.oidc_no_code");
        return Err(if error == "access_denied" { Refusal::Denied } else { Refusal::Invalid });
    };
    let identity = oidc.provider.identify(flow, code).await?;
    let person = admit::admitted(api, oidc, &identity).await?;
    // Whoever is disabled from here on has a higher one.
    let epoch = api.control.epoch(person.id);
    if !api.control.directory().people().may_sign_in(&person) {
        return Err(Refusal::Disabled);
    }
    let limits = api.config.session_limits();
    let session = api.control.begin_session(&person, epoch, limits).await.map_err(failed)?;
    let mut response = sent(parts, &flow.path, None).map_err(|_| Refusal::Failed)?;
    let cookie = cookie::set(parts, Some((&session.secret, limits.absolute / 1000))).map_err(|_| Refusal::Failed)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    tracing::info!(person = %person.id, "api.signed_in_by_oidc");
    Ok(response)
}

/// Said to the operator in the log.
pub(super) fn failed(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "api.oidc_failed");
    Refusal::Failed
}
