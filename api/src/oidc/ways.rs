//! `GET /api/v1/session/ways`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;

/// How people sign in here.
#[derive(Serialize, ToSchema)]
pub struct Ways {
    /// With e-mail address and password: always.
    pub password: bool,
    /// At a provider of identities; null: there is none.
    pub oidc: Option<OidcWay>,
}

/// A provider of identities (OpenID Connect).
#[derive(Serialize, ToSchema)]
pub struct OidcWay {
    /// What it is called.
    pub name: String,
    /// Where a browser is to go: `/api/v1/session/oidc`.
    pub path: &'static str,
}

/// How people sign in here, for whoever is not signed in.
#[utoipa::path(
    get, path = "/api/v1/session/ways", operation_id = "getWays", tag = "people", security(()),
    responses((status = 200, body = Ways))
)]
pub async fn get_ways(State(api): State<Arc<Api>>) -> Json<Ways> {
    let oidc = api.oidc.as_ref().map(|oidc| OidcWay { name: oidc.name.clone(), path: "/api/v1/session/oidc" });
    Json(Ways { password: true, oidc })
}
