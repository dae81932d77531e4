//! `GET /api/v1/me`.

use avow_control::Caller;
use avow_schemas::control::Scope;
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::Bearer;
use crate::problem::ProblemDocument;

#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The token's id; nil for the token of the configuration.
    pub id: Uuid,
    pub name: String,
    /// `admin`, `auditor`, `analyst`, or null for a token that reads nothing.
    pub role: Option<&'static str>,
    pub scopes: Vec<&'static str>,
    /// Limited to these sites; null: all.
    pub sites: Option<Vec<String>>,
}

/// Whose token this is.
#[utoipa::path(
    get, path = "/api/v1/me", operation_id = "getMe", tag = "tokens",
    responses(
        (status = 200, body = Me),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_me(Bearer(caller): Bearer) -> Json<Me> {
    Json(Me {
        id: caller.id,
        name: caller.name.to_string(),
        role: role(&caller),
        scopes: caller.scopes().iter().map(|scope| scope.as_str()).collect(),
        sites: caller.sites().map(|sites| sites.iter().map(ToString::to_string).collect()),
    })
}

pub(crate) fn role(caller: &Caller) -> Option<&'static str> {
    let roles = [(Scope::Admin, "admin"), (Scope::AuditRead, "auditor"), (Scope::StatsRead, "analyst")];
    roles.into_iter().find(|(scope, _)| caller.has(*scope)).map(|(_, role)| role)
}
