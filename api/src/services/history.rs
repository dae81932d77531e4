//! `GET /api/v1/services/{slug}/history`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

#[derive(Serialize, ToSchema)]
pub struct ServiceHistory {
    /// Newest first. Before the oldest, and after one without an entry, what Avow ships was in force.
    pub versions: Vec<ServiceVersion>,
}

/// What the operator said of a service from a moment on.
#[derive(Serialize, ToSchema)]
pub struct ServiceVersion {
    /// RFC 3339.
    pub in_force_from: String,
    /// `operator`, or what an import calls itself.
    pub origin: String,
    /// As it is kept, each text in all its languages; null: taken back.
    #[schema(value_type = Option<Object>)]
    pub entry: Option<Value>,
}

/// What the operator said of a service, and since when.
#[utoipa::path(
    get, path = "/api/v1/services/{slug}/history", operation_id = "getServiceHistory", tag = "services",
    params(("slug" = String, Path, description = "The service's slug")),
    responses(
        (status = 200, body = ServiceHistory),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_service_history(
    State(api): State<Arc<Api>>,
    _: Bearer,
    Segments(slug): Segments<String>,
) -> Result<Json<ServiceHistory>, Problem> {
    let directory = api.control.directory();
    let versions = directory.service_versions(&slug);
    if versions.is_empty() && directory.catalog().get(&slug).is_none() {
        return Err(Problem::not_found("unknown_service", format!("there is no service {slug:?}")));
    }
    let version = |version: &avow_control::ServiceVersion| ServiceVersion {
        in_force_from: moment::written(version.from),
        origin: version.origin.clone(),
        entry: version.entry.as_deref().map(|entry| serde_json::to_value(entry).unwrap_or_default()),
    };
    Ok(Json(ServiceHistory { versions: versions.iter().rev().map(version).collect() }))
}
