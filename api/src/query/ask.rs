//! `POST /api/v1/query`.

use std::sync::Arc;

use avow_log::Topic;
use avow_schemas::control::Scope;
use avow_warehouse::query::{Freshness, Limits, Metric, QueryError, freshness, run};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::render::{Form, Rendering};
use super::request::{QueryAnswer, QueryRequest};
use super::resolve::{Resolved, resolve};
use crate::access::{Bearer, require};
use crate::access_log::Concerns;
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment, sealed};

/// Counts and rates, by any dimensions.
///
/// The definitions are in `docs/metrics.md`. An answer carries a weak ETag that follows what is counted; with
/// `If-None-Match` an unchanged answer is 304. As CSV and NDJSON, what JSON says under `meta` is in headers: `Avow-Freshness`,
/// `Avow-Suppressed`, `Avow-Approximate`, `Avow-Next-Cursor`.
#[utoipa::path(
    post, path = "/api/v1/query", operation_id = "query", tag = "numbers", request_body = QueryRequest,
    responses(
        (status = 200, description = "The rows", content(
            (QueryAnswer = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = 304, description = "Nothing has changed"),
        (status = 401, description = "No valid token", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Without the scope, or not for that site", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 406, description = "None of the accepted forms", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Names what does not exist", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn query(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    headers: HeaderMap,
    Body(request): Body<QueryRequest>,
) -> Result<Response, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    let form = Form::preferred(&headers)?;
    let limits = Limits { exact_visitors: api.config.exact_visitors_up_to, rows: api.config.max_rows };
    let resolved = resolve(&request, &caller, &api.control.directory(), limits)?;
    let _turn = api.queries.acquire().await.map_err(|_| Problem::unavailable("shutting down"))?;

    let fresh = current(&api).await?;
    let tag = tag(&api, &resolved, &fresh, form);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|given| matches(given, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, cache_headers(&tag)).into_response());
    }
    let answer = run(api.warehouse.client(), &resolved.spec, fresh.counted_to).await.map_err(refused)?;
    let next_cursor = answer.more.then(|| sealed::cursor(&resolved.identity, resolved.spec.offset + answer.rows.len()));
    let rendering = Rendering {
        spec: &resolved.spec,
        answer: &answer,
        query: resolved.query,
        freshness: fresh.counted_to.map(moment::written),
        next_cursor,
    };
    let mut response = rendering.response(form)?;
    if let [site] = resolved.spec.sites.as_slice() {
        response.extensions_mut().insert(Concerns { site: site.to_string(), subject: None });
    }
    response.headers_mut().extend(cache_headers(&tag));
    Ok(response)
}

/// How far the numbers have got. Where the log itself cannot be asked, its newest counted range speaks.
pub(crate) async fn current(api: &Api) -> Result<Freshness, Problem> {
    let asked_at = moment::now();
    let mut ends = Vec::new();
    for partition in 0..api.log.partitions(Topic::Events) {
        ends.push(api.log.end(Topic::Events, partition).await.unwrap_or(u64::MAX));
    }
    let log_id = api.log.identity().log_id;
    freshness(api.warehouse.client(), log_id, &ends, asked_at).await.map_err(refused)
}

pub(crate) fn refused(error: QueryError) -> Problem {
    match error {
        QueryError::TooManyRows(_) => Problem::unprocessable("too_many_rows", error.to_string()),
        QueryError::Engine(_) => {
            tracing::error!(%error, "api.warehouse_failed");
            Problem::unavailable("the warehouse did not answer this question")
        }
    }
}

/// An entity tag over all that the answer depends on.
fn tag(api: &Api, resolved: &Resolved, fresh: &Freshness, form: Form) -> String {
    let mut parts = format!("{}{}{:?}{form:?}", api.log.identity().log_id, resolved.query, fresh.marks);
    // A rebuild may mend numbers without moving a mark.
    parts.push_str(&format!("{:?}", api.rebuilds.last_done()));
    if let Some(suppression) = &resolved.spec.suppression {
        let mut below: Vec<_> = suppression.below.iter().collect();
        below.sort();
        parts.push_str(&format!("{below:?}"));
    }
    // Cohorts close with time alone.
    if resolved.spec.wants(Metric::RevokedRate30d) {
        parts.push_str(&format!("{:?}", fresh.counted_to.map(|at| at / 60_000)));
    }
    format!("W/\"{}\"", sealed::digest(&parts))
}

fn matches(given: &HeaderValue, tag: &str) -> bool {
    given.to_str().is_ok_and(|given| given.split(',').any(|one| one.trim() == tag || one.trim() == "*"))
}

fn cache_headers(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers
}
