//! `DELETE /api/v1/session`.

use std::sync::Arc;

use avow_control::Entry;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Api;
use crate::access::{Bearer, cookie};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// `1`: every session of this person.
    pub all: Option<u8>,
}

/// Signs out, here or everywhere.
#[utoipa::path(
    delete, path = "/api/v1/session", operation_id = "signOut", tag = "people", params(Which),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`no_session`: a token has none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn sign_out(
    State(api): State<Arc<Api>>,
    Parameters(which): Parameters<Which>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let Bearer(caller) = <Bearer as FromRequestParts<Arc<Api>>>::from_request_parts(&mut parts, &api).await?;
    let Entry::Session { session, .. } = caller.entry else { return Err(no_session()) };
    match which.all {
        Some(1) => api.control.end_sessions(caller.id).await.map_err(refused)?,
        _ => api.control.end_session(session).await.map_err(refused)?,
    }
    tracing::info!(person = %caller.id, all = which.all == Some(1), "api.signed_out");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::set(&parts, None)?)]).into_response())
}

pub(super) fn no_session() -> Problem {
    Problem::new(StatusCode::CONFLICT, "no_session", "this is for a person in a session, not for a token")
}
