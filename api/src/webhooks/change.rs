//! `PATCH /api/v1/webhooks/{id}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_schemas::webhook::Disabled;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Webhook, description, events, handled, sites, url};
use crate::access::Bearer;
use crate::extract::{Body, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;
use crate::{Api, moment};

/// What is to be changed of a webhook (RFC 7396): what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"events": ["alert.opened"], "enabled": true}))]
pub struct ChangedWebhook {
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    /// Null: all, and the installation as a whole.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub sites: Option<Option<Vec<String>>>,
    pub description: Option<String>,
    /// False: it is told nothing until this is true again. Messages that wait meanwhile are dropped.
    pub enabled: Option<bool>,
}

/// Tells null from what is not there.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Changes a webhook. The secret stays.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", operation_id = "changeWebhook", tag = "webhooks", request_body = ChangedWebhook,
    params(("id" = Uuid, Path, description = "The webhook's id")),
    responses(
        (status = 200, body = Webhook),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn change_webhook(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Body(asked): Body<ChangedWebhook>,
) -> Result<Json<Webhook>, Problem> {
    let mut record = (*handled(&api, &caller, id)?).clone();
    if let Some(asked) = &asked.url {
        record.url = url(asked, &api)?;
    }
    if let Some(asked) = &asked.events {
        record.events = events(asked)?;
    }
    if let Some(asked) = &asked.sites {
        record.sites = sites(asked.as_deref(), &caller, Scope::Admin, &api)?;
    }
    if let Some(asked) = &asked.description {
        record.description = description(asked)?;
    }
    match asked.enabled {
        Some(true) => record.disabled = None,
        Some(false) if record.disabled.is_none() => {
            record.disabled =
                Some(Disabled { at: moment::now(), reason: "an administrator has disabled it".to_owned() });
        }
        _ => {}
    }
    let answer = Webhook::of(&record);
    tracing::info!(webhook = %id, by = %caller.id, "api.webhook_changed");
    api.control.put_webhook(record).await.map_err(refused)?;
    Ok(Json(answer))
}
