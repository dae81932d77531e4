//! `GET /api/v1/webhooks`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Webhook, within};
use crate::Api;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct Webhooks {
    pub webhooks: Vec<Webhook>,
}

/// The webhooks, oldest first, without their secrets. A caller limited to sites sees those that are told of no others.
#[utoipa::path(
    get, path = "/api/v1/webhooks", operation_id = "listWebhooks", tag = "webhooks",
    responses(
        (status = 200, body = Webhooks),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_webhooks(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<Webhooks>, Problem> {
    require(&caller, Scope::Admin, None)?;
    let directory = api.control.directory();
    let mut records: Vec<_> = directory.webhooks().filter(|hook| within(&caller, hook.sites.as_deref())).collect();
    records.sort_by_key(|record| (record.made_at, record.id));
    Ok(Json(Webhooks { webhooks: records.into_iter().map(|record| Webhook::of(record)).collect() }))
}
