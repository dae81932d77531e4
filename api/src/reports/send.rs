//! `POST /api/v1/reports/{id}/send`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_schemas::webhook::MessageKind;
use avow_warehouse::deliveries::Delivery;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::webhooks::deliveries::Delivered;
use crate::webhooks::within;
use crate::{Api, moment};

/// Tells the webhook of the last period's report, now.
#[utoipa::path(
    post, path = "/api/v1/reports/{id}/send", operation_id = "sendReport", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The report's id")),
    responses(
        (status = 202, description = "It is being sent", body = Delivered),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn send_report(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
) -> Result<(StatusCode, Json<Delivered>), Problem> {
    require(&caller, Scope::Admin, None)?;
    let unknown = || Problem::not_found("unknown_report", format!("there is no report {id}"));
    let record = api.control.directory().report(id).cloned().ok_or_else(unknown)?;
    if !within(&caller, Some(&record.sites)) {
        return Err(Problem::forbidden("site_forbidden", "that report is of more sites than your token is for"));
    }
    let now = moment::now();
    let public_url = api.webhooks.public_url.clone().unwrap_or_default();
    let body = record.last_due(now).and_then(|due| avow_webhooks::report_ready(&record, &due, now, &public_url));
    let body = body.ok_or_else(|| Problem::internal("the report's message cannot be written"))?;
    let kind = MessageKind::ReportReady.as_str();
    let delivery = Delivery::new(record.webhook, avow_webhooks::message_id(Uuid::now_v7()), kind, body, now);
    api.warehouse.put_delivery(&delivery).await?;
    Ok((StatusCode::ACCEPTED, Json(Delivered::of(&delivery))))
}
