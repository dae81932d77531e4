//! `PUT` and `DELETE /api/v1/subjects/{id}/restriction`: restriction.

use std::sync::Arc;

use avow_control::MarkKind;
use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::OfSite;
use super::mark::{self, Marked, NewMark};
use crate::Api;
use crate::access::Bearer;
use crate::extract::{Body, Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};

/// Restricts a subject (Art. 18 GDPR): its events stay, counted as they are; exports of the site leave them out, and only
/// `subjects:erase` sees them.
#[utoipa::path(
    put, path = "/api/v1/subjects/{id}/restriction", operation_id = "restrictSubject", tag = "audit", request_body = NewMark,
    params(("id" = Uuid, Path, description = "The subject"), OfSite),
    responses(
        (status = 200, description = "In force", body = Marked),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn restrict_subject(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Parameters(of): Parameters<OfSite>,
    Body(new): Body<NewMark>,
) -> Result<Json<Marked>, Problem> {
    mark::set(&api, MarkKind::Restriction, &caller, (&of.site, id), new).await.map(Json)
}

/// Ends a restriction.
#[utoipa::path(
    delete, path = "/api/v1/subjects/{id}/restriction", operation_id = "unrestrictSubject", tag = "audit",
    params(("id" = Uuid, Path, description = "The subject"), OfSite),
    responses(
        (status = 200, description = "Ended", body = Marked),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "None is in force", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn unrestrict_subject(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Parameters(of): Parameters<OfSite>,
) -> Result<Json<Marked>, Problem> {
    mark::end(&api, MarkKind::Restriction, &caller, (&of.site, id)).await.map(Json)
}
