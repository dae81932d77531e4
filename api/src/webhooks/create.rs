//! `POST /api/v1/webhooks`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_schemas::webhook::WebhookRecord;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Webhook, description, events, sites, url};
use crate::access::{Bearer, require};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;
use crate::{Api, moment};

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://hooks.example/avow", "events": ["alert.opened", "alert.closed"]}))]
pub struct NewWebhook {
    /// `https`, to a public address, unless the server is configured otherwise.
    pub url: String,
    /// `alert.opened`, `alert.closed`, `report.ready`.
    #[schema(min_items = 1)]
    pub events: Vec<String>,
    /// Of these sites; without it: of all, and of the installation as a whole.
    #[serde(default)]
    pub sites: Option<Vec<String>>,
    #[serde(default)]
    pub description: String,
}

/// A webhook just made.
#[derive(Serialize, ToSchema)]
pub struct MadeWebhook {
    #[serde(flatten)]
    pub record: Webhook,
    /// With what its messages are signed: `whsec_` and base64. It is shown this once.
    pub secret: String,
}

/// Makes a webhook. Its secret is in this answer and nowhere else.
///
/// Messages are shaped and signed as the Standard Webhooks specification has it (`webhook-id`, `webhook-timestamp`,
/// `webhook-signature`); what they say is in `docs/alerts.md`.
#[utoipa::path(
    post, path = "/api/v1/webhooks", operation_id = "createWebhook", tag = "webhooks", request_body = NewWebhook,
    responses(
        (status = 201, body = MadeWebhook),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_webhook(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<NewWebhook>,
) -> Result<Response, Problem> {
    require(&caller, Scope::Admin, None)?;
    let secret = avow_webhooks::fresh_secret().map_err(|error| Problem::internal(format!("no randomness: {error}")))?;
    let record = WebhookRecord {
        id: Uuid::now_v7(),
        url: url(&asked.url, &api)?,
        secret: secret.clone(),
        events: events(&asked.events)?,
        sites: sites(asked.sites.as_deref(), &caller, Scope::Admin, &api)?,
        description: description(&asked.description)?,
        made_at: moment::now(),
        disabled: None,
    };
    let (location, body) =
        (format!("/api/v1/webhooks/{}", record.id), MadeWebhook { record: Webhook::of(&record), secret });
    tracing::info!(webhook = %record.id, by = %caller.id, "api.webhook_made");
    api.control.put_webhook(record).await.map_err(refused)?;
    let mut response = (StatusCode::CREATED, [(header::LOCATION, location)], Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
