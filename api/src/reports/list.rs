//! `GET /api/v1/reports`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Report;
use crate::Api;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};
use crate::webhooks::within;

#[derive(Serialize, ToSchema)]
#[schema(as = ScheduledReports)]
pub struct Reports {
    pub reports: Vec<Report>,
}

/// The scheduled reports, oldest first. A caller limited to sites sees those of no others.
#[utoipa::path(
    get, path = "/api/v1/reports", operation_id = "listReports", tag = "webhooks",
    responses(
        (status = 200, body = Reports),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_reports(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<Reports>, Problem> {
    require(&caller, Scope::Admin, None)?;
    let directory = api.control.directory();
    let mut records: Vec<_> = directory.reports().filter(|report| within(&caller, Some(&report.sites))).collect();
    records.sort_by_key(|record| (record.made_at, record.id));
    Ok(Json(Reports { reports: records.into_iter().map(|record| Report::of(record)).collect() }))
}
