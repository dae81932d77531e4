//! `GET /api/v1/query/exports`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::get::is_for;
use super::job::QueryExport;
use crate::Api;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct QueryExportList {
    pub exports: Vec<QueryExport>,
}

/// The caller's exports of numbers, newest first.
#[utoipa::path(
    get, path = "/api/v1/query/exports", operation_id = "listQueryExports", tag = "numbers",
    responses(
        (status = 200, body = QueryExportList),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_query_exports(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
) -> Result<Json<QueryExportList>, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    let jobs = api.query_exports.store().jobs();
    let own = jobs.iter().rev().filter(|job| is_for(&caller, job));
    Ok(Json(QueryExportList { exports: own.map(QueryExport::of).collect() }))
}
