//! `POST /api/v1/alerts/{id}/acknowledge`.

use std::sync::Arc;

use avow_warehouse::alerts::Acknowledgement;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Alert, seen_by};
use crate::access::Bearer;
use crate::extract::{Body, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

const LONGEST: usize = 1000;

/// What is said of an alert by who has seen it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Acknowledgement)]
pub struct Said {
    /// At most 1,000 characters.
    #[serde(default)]
    pub note: String,
}

/// Notes that somebody has seen an alert; once more changes the note. It stays open for as long as what it is about lasts.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/acknowledge", operation_id = "acknowledgeAlert", tag = "alerts", request_body = Said,
    params(("id" = Uuid, Path, description = "The alert's id")),
    responses(
        (status = 200, body = Alert),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn acknowledge_alert(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Body(said): Body<Said>,
) -> Result<Json<Alert>, Problem> {
    let stored = seen_by(&api, &caller, id).await?;
    if said.note.chars().count() > LONGEST {
        let detail = format!("note must have at most {LONGEST} characters");
        return Err(Problem::unprocessable("invalid_value", detail).at("/note"));
    }
    let seen = Acknowledgement { alert: id, at: moment::now(), by: caller.id, note: said.note.trim().to_owned() };
    api.warehouse.acknowledge(&seen).await?;
    Ok(Json(Alert::of(&stored, Some(&seen))))
}
