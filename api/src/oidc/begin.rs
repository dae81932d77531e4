//! `GET /api/v1/session/oidc`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::refusal::{Refusal, sent, sent_back};
use super::{Oidc, is_own_path};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Where the page was: a path of ours, with its query; by default `/`.
    pub to: Option<String>,
}

/// Sends a browser to the provider of identities to sign in there (OpenID Connect, authorization code flow with PKCE).
///
/// Where the provider does not answer, the browser is sent back to the page with `#signin=unavailable`.
#[utoipa::path(
    get, path = "/api/v1/session/oidc", operation_id = "beginOidc", tag = "people", params(Asked), security(()),
    responses(
        (status = 302, description = "To the provider, with `Set-Cookie`; or back to the page, with `#signin=` and a code"),
        (status = 404, description = "`no_provider`: none is configured", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_value`: `to` is no path of this page", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn begin_oidc(
    State(api): State<Arc<Api>>,
    Parameters(asked): Parameters<Asked>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let oidc = configured(&api)?;
    let path = asked.to.as_deref().unwrap_or("/");
    if !is_own_path(path) {
        return Err(Problem::unprocessable("invalid_value", "to must be a path of this page").at("to"));
    }
    if api.attempts.of_sender(&parts).is_err() {
        return sent_back(&parts, path, Refusal::TooMany);
    }
    match oidc.provider.begin(path, moment::now()).await {
        Ok(begun) => sent(&parts, &begun.url, Some((&begun.kept, avow_oidc::LASTS_MS / 1000))),
        Err(error) => sent_back(&parts, path, error.into()),
    }
}

/// The provider.
///
/// # Errors
/// 404 `no_provider`.
pub(super) fn configured(api: &Api) -> Result<&Oidc, Problem> {
    api.oidc.as_ref().ok_or_else(|| Problem::not_found("no_provider", "no provider of identities is configured"))
}
