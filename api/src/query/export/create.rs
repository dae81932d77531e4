//! `POST /api/v1/query/exports`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::job::{OfExport, QueryExport, location};
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::query::render::Form;
use crate::query::request::QueryRequest;
use crate::query::resolve::{resolve, sees_all};

/// An export of numbers to be made. The question's `limit` and `cursor` do not matter: a file has every row.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQueryExport {
    pub query: QueryRequest,
    /// `csv`, `ndjson`, `parquet`.
    #[serde(default = "csv")]
    #[schema(default = "csv")]
    pub format: String,
}

fn csv() -> String {
    Form::Csv.as_str().to_owned()
}

/// Asks for a file with every row of an answer.
///
/// It is made in the background; `Location` tells how it stands. Without an order of its own, and by `time`, the rows come in
/// the order of time; then, for those who may see every cell, there is no limit to their number.
#[utoipa::path(
    post, path = "/api/v1/query/exports", operation_id = "createQueryExport", tag = "numbers", request_body = NewQueryExport,
    responses(
        (status = 202, description = "Queued, durably", body = QueryExport, headers(("Location" = String, description = "The path of the export"))),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_query_export(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(new): Body<NewQueryExport>,
) -> Result<Response, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    if !matches!(Form::parse(&new.format), Some(Form::Csv | Form::Ndjson | Form::Parquet)) {
        let detail = format!("{:?} is none of csv, ndjson, parquet", new.format);
        return Err(Problem::unprocessable("invalid_format", detail).at("/format"));
    }
    let mut request = QueryRequest { cursor: None, ..new.query };
    let resolved = resolve(&request, &caller, &api.control.directory(), api.config.limits())
        .map_err(|problem| problem.beneath("/query"))?;
    request.sites = Some(resolved.spec.sites.iter().map(ToString::to_string).collect());
    let of = OfExport {
        request,
        format: new.format,
        sees_all: sees_all(&caller),
        rows: None,
        suppressed: None,
        size_bytes: None,
        sha256: None,
        freshness: None,
    };
    let job = api.query_exports.begin(caller.id, of).await;
    let job = job.map_err(|error| Problem::unavailable(format!("the export cannot be kept: {error}")))?;
    tracing::info!(export = %job.id, by = %caller.id, "api.query_export_queued");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location(&job))], Json(QueryExport::of(&job))).into_response())
}
