//! `POST /api/v1/webhooks/{id}/deliveries/{message}/redeliver`.

use std::sync::Arc;

use avow_schemas::webhook::DeliveryState;
use avow_warehouse::deliveries::Delivery;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::deliveries::Delivered;
use super::handled;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// Sends a message again, under the same id, with as many attempts as the first time.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{message}/redeliver", operation_id = "redeliver", tag = "webhooks",
    params(
        ("id" = Uuid, Path, description = "The webhook's id"),
        ("message" = String, Path, description = "The message's id"),
    ),
    responses(
        (status = 202, description = "It is being sent", body = Delivered),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is under way already", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn redeliver(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments((id, message)): Segments<(Uuid, String)>,
) -> Result<(StatusCode, Json<Delivered>), Problem> {
    handled(&api, &caller, id)?;
    let known = api.warehouse.delivery(id, &message).await?;
    let unknown = || Problem::not_found("unknown_message", format!("there is no message {message:?} to that webhook"));
    let known = known.ok_or_else(unknown)?;
    if known.state == DeliveryState::Pending.as_str() {
        return Err(Problem::new(StatusCode::CONFLICT, "delivery_pending", "it is under way already"));
    }
    let again = Delivery { attempts: 0, next_at: moment::now(), ..known.then(DeliveryState::Pending) };
    api.warehouse.put_delivery(&again).await?;
    tracing::info!(webhook = %id, message, by = %caller.id, "api.redelivered");
    Ok((StatusCode::ACCEPTED, Json(Delivered::of(&again))))
}
