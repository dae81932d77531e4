//! `GET /api/v1/audit/exports`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::job::Export;
use crate::Api;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct ExportList {
    pub exports: Vec<Export>,
}

/// The exports of the sites that the token may see, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit/exports", operation_id = "listExports", tag = "audit",
    responses(
        (status = 200, body = ExportList),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_exports(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<ExportList>, Problem> {
    require(&caller, Scope::AuditExport, None)?;
    let jobs = api.exports.store().jobs();
    let seen = jobs.iter().rev().filter(|job| caller.may_see(&job.of.asked.site));
    Ok(Json(ExportList { exports: seen.map(Export::of).collect() }))
}
