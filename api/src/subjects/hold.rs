//! `PUT` and `DELETE /api/v1/subjects/{id}/hold`: a legal hold.

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

/// Holds a subject: while a claim is made or defended, it is not erased (Art. 17(3)(e) GDPR).
#[utoipa::path(
    put, path = "/api/v1/subjects/{id}/hold", operation_id = "holdSubject", tag = "audit", request_body = NewMark,
    params(("id" = Uuid, Path, description = "The subject"), OfSite),
    responses(
        (status = 200, description = "In force", body = Marked),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn hold_subject(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Parameters(of): Parameters<OfSite>,
    Body(new): Body<NewMark>,
) -> Result<Json<Marked>, Problem> {
    mark::set(&api, MarkKind::Hold, &caller, (&of.site, id), new).await.map(Json)
}

/// Ends a legal hold.
#[utoipa::path(
    delete, path = "/api/v1/subjects/{id}/hold", operation_id = "releaseSubject", tag = "audit",
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
pub async fn release_subject(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Parameters(of): Parameters<OfSite>,
) -> Result<Json<Marked>, Problem> {
    mark::end(&api, MarkKind::Hold, &caller, (&of.site, id)).await.map(Json)
}
