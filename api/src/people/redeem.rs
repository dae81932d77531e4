//! `POST /api/v1/invitations/redeem`.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::refused;
use crate::Api;
use crate::access::origin;
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sessions::{Session, begun, hashed};
use crate::sites::put;

/// An invitation's secret, and the password that is chosen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redemption {
    /// What stands behind `#` in the link.
    pub secret: String,
    /// 12 to 200 characters, not the name or the e-mail address.
    pub password: String,
}

/// Redeems an invitation: sets the password and signs in. A password that is refused leaves the invitation as it is.
#[utoipa::path(
    post, path = "/api/v1/invitations/redeem", operation_id = "redeemInvitation", tag = "people",
    request_body = Redemption, security(()),
    responses(
        (status = 200, description = "Signed in, with `Set-Cookie`", body = Session),
        (status = 403, description = "`cross_site`: it comes from another page", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "`invitation_gone`: unknown, redeemed or older than 7 days", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`weak_password`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`, with `Retry-After`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn redeem_invitation(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    origin::not_foreign(&parts)?;
    api.attempts.of_sender(&parts)?;
    let Body(asked) = Body::<Redemption>::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    let invited = api.control.invited(&asked.secret).map_err(refused)?;
    let hash = hashed(&api, asked.password, (&invited.name, &invited.email)).await?;
    let person = api.control.redeem(&asked.secret, hash).await.map_err(refused)?;
    tracing::info!(person = %person.id, "api.invitation_redeemed");
    let limits = api.config.session_limits();
    let session = api.control.begin_session(&person, api.control.epoch(person.id), limits).await;
    begun(&api, &parts, limits, &session.map_err(put::refused)?)
}
