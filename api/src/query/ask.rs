//! `POST /api/v1/query`.

use std::sync::Arc;
use std::time::Duration;

use avow_control::Caller;
use avow_log::{Log, Topic};
use avow_schemas::control::Scope;
use avow_warehouse::Warehouse;
use avow_warehouse::query::{Answer, Calendar, Freshness, QueryError, QuerySpec, freshness, run};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::metadata::definition;
use super::render::{Form, Rendering};
use super::request::{MetaComparison, QueryAnswer, QueryMeta, QueryRequest};
use super::resolve::{Resolved, resolve};
use crate::access::{Bearer, require};
use crate::access_log::Concerns;
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment, sealed};

/// Seconds: the roll-up's grain.
const QUARTER: i64 = 900;

/// Counts and rates, by any dimensions.
///
/// The definitions are in `docs/metrics.md`. An answer carries a weak ETag that follows what is counted; with
/// `If-None-Match` an unchanged answer is 304. As CSV, NDJSON and Parquet, what JSON says under `meta` is in headers: `Avow-Freshness`,
/// `Avow-Suppressed`, `Avow-Approximate`, `Avow-Next-Cursor`.
#[utoipa::path(
    post, path = "/api/v1/query", operation_id = "query", tag = "numbers", request_body = QueryRequest,
    responses(
        (status = 200, description = "The rows", content(
            (QueryAnswer = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"),
            (Vec<u8> = "application/vnd.apache.parquet"))),
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
    answer(&api, &caller, &request, form, &headers).await
}

/// Answers a question, or says that the answer has not changed.
pub(super) async fn answer(
    api: &Api,
    caller: &Caller,
    request: &QueryRequest,
    form: Form,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let resolved = resolve(request, caller, &api.control.directory(), api.config.limits())?;
    let _turn = api.queries.acquire().await.map_err(|_| Problem::unavailable("shutting down"))?;

    let fresh = current(api).await?;
    let question = Question::of(resolved, &fresh, api.taken_for);
    let tag = tag(api, &question, &fresh, form);
    let cache = cache_headers(&tag, question.is_final && !follows(&question.spec));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|given| matches(given, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, cache).into_response());
    }
    let answer = run(api.warehouse.client(), &question.spec, fresh.counted_to).await.map_err(refused)?;
    let rendering = Rendering { spec: &question.spec, meta: question.meta(&answer, &fresh), answer: &answer };
    let mut response = rendering.response(form)?;
    if let [site] = question.spec.sites.as_slice() {
        response.extensions_mut().insert(Concerns { site: site.to_string(), subject: None });
    }
    response.headers_mut().extend(cache);
    Ok(response)
}

/// A checked question at the moment that it is asked.
pub(super) struct Question {
    pub spec: QuerySpec,
    query: Value,
    identity: String,
    compared: Option<MetaComparison>,
    /// Whether no event of its days can be taken any more.
    is_final: bool,
}

impl Question {
    /// Ends the comparison where the question's own range ends for now. Events are taken for so long after they happened,
    /// imports aside.
    pub(super) fn of(resolved: Resolved, fresh: &Freshness, taken_for: Duration) -> Self {
        let Resolved { mut spec, query, identity, compared, compares_alike } = resolved;
        let counted_to = fresh.counted_to.map_or(0, |at| at / 1000);
        let mut until = None;
        if let Some(calendar) = spec.compare.take() {
            let so_far = counted_to - i64::from(spec.calendar.from());
            let is_open = counted_to < i64::from(spec.calendar.to()) && so_far > 0;
            spec.compare = Some(if compares_alike && is_open {
                let end = i64::from(calendar.from()) + so_far - so_far % QUARTER;
                until = Some(moment::written(end * 1000)).filter(|_| end < i64::from(calendar.to()));
                calendar.until(u32::try_from(end).unwrap_or(u32::MAX))
            } else {
                calendar
            });
        }
        let last = [Some(&spec.calendar), spec.compare.as_ref()].into_iter().flatten().map(Calendar::to).max();
        let taken_for = i64::try_from(taken_for.as_secs()).unwrap_or(i64::MAX);
        let is_final = i64::from(last.unwrap_or(u32::MAX)).saturating_add(taken_for) < counted_to;
        let compared = compared.map(|(first, last)| {
            let date_range = (first.to_string(), last.to_string());
            MetaComparison { date_range, until }
        });
        Self { spec, query, identity, compared, is_final }
    }

    fn meta(&self, answer: &Answer, fresh: &Freshness) -> QueryMeta {
        let offset = self.spec.offset + answer.rows.len();
        let denominators = self
            .spec
            .metrics
            .iter()
            .filter_map(|metric| Some((metric.as_str().to_owned(), Value::from(definition(*metric).denominator?))));
        QueryMeta {
            query: self.query.clone(),
            freshness: fresh.counted_to.map(moment::written),
            denominators: Value::Object(denominators.collect()),
            is_final: self.is_final,
            comparison: self.compared.clone(),
            sampled: false,
            approximate: answer.approximate,
            suppressed: answer.suppressed,
            next_cursor: answer.more.then(|| sealed::cursor(&self.identity, offset)),
        }
    }
}

/// How far the numbers have got.
pub(crate) async fn current(api: &Api) -> Result<Freshness, Problem> {
    freshness_of(&*api.log, &api.warehouse).await.map_err(refused)
}

/// How far the numbers have got. Where the log itself cannot be asked, its newest counted range speaks.
pub(super) async fn freshness_of(log: &dyn Log, warehouse: &Warehouse) -> Result<Freshness, QueryError> {
    let asked_at = moment::now();
    let mut ends = Vec::new();
    for partition in 0..log.partitions(Topic::Events) {
        ends.push(log.end(Topic::Events, partition).await.unwrap_or(u64::MAX));
    }
    freshness(warehouse.client(), log.identity().log_id, &ends, asked_at).await
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

/// Whether the answer changes with time alone, or with events after its days.
fn follows(spec: &QuerySpec) -> bool {
    spec.metrics.iter().any(|metric| metric.is_of_cohorts())
}

/// An entity tag over all that the answer depends on.
fn tag(api: &Api, question: &Question, fresh: &Freshness, form: Form) -> String {
    let mut parts = format!("{}{}{:?}{form:?}", api.log.identity().log_id, question.query, fresh.marks);
    // A rebuild may mend numbers without moving a mark.
    parts.push_str(&format!("{:?}", api.rebuilds.last_done()));
    if let Some(suppression) = &question.spec.suppression {
        let mut below: Vec<_> = suppression.below.iter().collect();
        below.sort();
        parts.push_str(&format!("{below:?}"));
    }
    if let Some(until) = question.compared.as_ref().and_then(|compared| compared.until.as_ref()) {
        parts.push_str(until);
    }
    // Cohorts close with time alone.
    if follows(&question.spec) {
        parts.push_str(&format!("{:?}", fresh.counted_to.map(|at| at / 60_000)));
    }
    format!("W/\"{}\"", sealed::digest(&parts))
}

fn matches(given: &HeaderValue, tag: &str) -> bool {
    given.to_str().is_ok_and(|given| given.split(',').any(|one| one.trim() == tag || one.trim() == "*"))
}

/// What changes no more may be kept for an hour: an import or an erasure is seen then at the latest.
fn cache_headers(tag: &str, is_final: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let keep = if is_final { "private, max-age=3600" } else { "private, no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers
}
