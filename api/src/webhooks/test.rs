//! `POST /api/v1/webhooks/{id}/test`.

use std::sync::Arc;

use avow_schemas::webhook::MessageKind;
use avow_warehouse::deliveries::Delivery;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::deliveries::Delivered;
use super::handled;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// Sends a message of type `webhook.test`, also to a webhook that is disabled. What became of it is among its deliveries.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", operation_id = "testWebhook", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook's id")),
    responses(
        (status = 202, description = "It is being sent", body = Delivered),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn test_webhook(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<(StatusCode, Json<Delivered>), Problem> {
    let record = handled(&api, &caller, id)?;
    let (now, kind) = (moment::now(), MessageKind::Test.as_str());
    let body = avow_webhooks::body(kind, now, &json!({"webhook": id, "description": record.description}));
    let delivery = Delivery::new(id, avow_webhooks::message_id(Uuid::now_v7()), kind, body, now);
    api.warehouse.put_delivery(&delivery).await?;
    Ok((StatusCode::ACCEPTED, Json(Delivered::of(&delivery))))
}
