//! `GET /api/v1/webhooks/{id}/deliveries`.

use std::sync::Arc;

use avow_schemas::webhook::DeliveryState;
use avow_warehouse::deliveries::Delivery;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::handled;
use crate::access::Bearer;
use crate::extract::{Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

const MOST: usize = 500;

/// A message to a webhook, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct Delivered {
    /// The value of `webhook-id`: the same at every attempt.
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// RFC 3339.
    pub made_at: String,
    /// `pending`, `delivered`, `failed` (after the last attempt), `dropped` (the webhook is gone or disabled).
    pub state: String,
    pub attempts: u32,
    pub last_attempt_at: Option<String>,
    /// Of the last answer; null: there was none.
    pub status: Option<u16>,
    /// The first 1,024 bytes of the last answer, or why there is none.
    pub said: String,
    /// Of what is pending.
    pub next_attempt_at: Option<String>,
    /// What is sent.
    #[schema(value_type = Object)]
    pub body: serde_json::Value,
}

impl Delivered {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let is_pending = delivery.state == DeliveryState::Pending.as_str();
        Self {
            id: delivery.message.clone(),
            kind: delivery.kind.clone(),
            made_at: moment::written(delivery.made_at),
            state: delivery.state.clone(),
            attempts: delivery.attempts,
            last_attempt_at: (delivery.tried_at > 0).then(|| moment::written(delivery.tried_at)),
            status: (delivery.status > 0).then_some(delivery.status),
            said: delivery.said.clone(),
            next_attempt_at: is_pending.then(|| moment::written(delivery.next_at)),
            body: serde_json::from_str(&delivery.body).unwrap_or_default(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Deliveries {
    pub deliveries: Vec<Delivered>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Those made before this moment (RFC 3339); without it: the newest.
    pub before: Option<String>,
    /// At most so many, 1 to 500; by default 100.
    pub limit: Option<usize>,
}

/// A webhook's messages of the last 90 days, the newest first.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", operation_id = "listDeliveries", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook's id"), Page),
    responses(
        (status = 200, body = Deliveries),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_deliveries(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Parameters(page): Parameters<Page>,
) -> Result<Json<Deliveries>, Problem> {
    handled(&api, &caller, id)?;
    let (before, limit) = page_of(page.before.as_deref(), page.limit)?;
    let deliveries = api.warehouse.deliveries(id, before, limit).await?;
    Ok(Json(Deliveries { deliveries: deliveries.iter().map(Delivered::of).collect() }))
}

/// The moment before which, and how many.
pub(crate) fn page_of(before: Option<&str>, limit: Option<usize>) -> Result<(i64, usize), Problem> {
    let before = match before {
        None => moment::END,
        Some(text) => moment::read(text)
            .ok_or_else(|| Problem::unprocessable("invalid_parameter", "before must be RFC 3339").at("before"))?,
    };
    let limit = limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::unprocessable("invalid_limit", format!("limit must be 1 to {MOST}")).at("limit"));
    }
    Ok((before, limit))
}
