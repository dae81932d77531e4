//! `DELETE /api/v1/services/{slug}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_schemas::ids::ServiceId;
use axum::extract::State;
use http::StatusCode;

use crate::Api;
use crate::access::{Bearer, require_whole};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// Takes back what the operator said of a service. Where Avow ships an entry of that slug, that one is in force again; its
/// history stays.
#[utoipa::path(
    delete, path = "/api/v1/services/{slug}", operation_id = "deleteService", tag = "services",
    params(("slug" = String, Path, description = "The service's slug")),
    responses(
        (status = 204, description = "Taken back"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "The operator says nothing of it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete_service(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(slug): Segments<String>,
) -> Result<StatusCode, Problem> {
    require_whole(&caller, Scope::Admin)?;
    let unknown = || Problem::not_found("unknown_service", format!("there is no entry of your own for {slug:?}"));
    let service = ServiceId::new(&slug).map_err(|_| unknown())?;
    if !api.control.delete_service(&service).await.map_err(refused)? {
        return Err(unknown());
    }
    tracing::info!(service = slug, by = %caller.id, "api.service_deleted");
    Ok(StatusCode::NO_CONTENT)
}
