//! `GET /api/v1/alerts` and `GET /api/v1/alerts/{id}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_warehouse::alerts::AlertFilter;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Alert, seen_by, with_seen};
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::{Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::webhooks::deliveries::page_of;

#[derive(Serialize, ToSchema)]
pub struct Alerts {
    pub alerts: Vec<Alert>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Of this site alone.
    pub site: Option<String>,
    /// `open`, `closed`; without it: both.
    pub state: Option<String>,
    /// Those opened before this moment (RFC 3339).
    pub before: Option<String>,
    /// At most so many, 1 to 500; by default 100.
    pub limit: Option<usize>,
}

/// Alerts, open and past, the newest first. A caller limited to sites sees those of these sites.
#[utoipa::path(
    get, path = "/api/v1/alerts", operation_id = "listAlerts", tag = "alerts", params(Asked),
    responses(
        (status = 200, body = Alerts),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_alerts(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Alerts>, Problem> {
    require(&caller, Scope::StatsRead, asked.site.as_deref())?;
    let open = match asked.state.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(Problem::unprocessable("invalid_parameter", "state must be open or closed").at("state")),
    };
    let (before, most) = page_of(asked.before.as_deref(), asked.limit)?;
    let own = || caller.sites().map(|sites| sites.iter().map(ToString::to_string).collect());
    let sites = asked.site.map(|site| vec![site]).or_else(own);
    let stored = api.warehouse.alerts(&AlertFilter { sites, open, before, most }).await?;
    Ok(Json(Alerts { alerts: with_seen(&api, &stored).await? }))
}

/// One alert.
#[utoipa::path(
    get, path = "/api/v1/alerts/{id}", operation_id = "getAlert", tag = "alerts",
    params(("id" = Uuid, Path, description = "The alert's id")),
    responses(
        (status = 200, body = Alert),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_alert(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<Json<Alert>, Problem> {
    let stored = seen_by(&api, &caller, id).await?;
    let mut alerts = with_seen(&api, std::slice::from_ref(&stored)).await?;
    alerts.pop().map(Json).ok_or_else(|| Problem::internal("an alert was lost on its way"))
}
