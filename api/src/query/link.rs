//! `GET /api/v1/query`: a question as an address.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::ask::answer;
use super::render::Form;
use super::request::{Compare, QueryAnswer, QueryRequest, rows, utc};
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};

/// The fields of a question, lists separated by commas.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct QueryLink {
    /// `shop.example,blog.example`; without it every site that the token may see.
    pub sites: Option<String>,
    /// Two days, both included: `2026-11-01,2026-11-24`.
    pub date_range: String,
    /// `hour`, `day`, `week`, `month`.
    pub interval: Option<String>,
    /// `previous_period`, `previous_year`, or two days.
    pub compare: Option<String>,
    /// An IANA time zone.
    pub timezone: Option<String>,
    /// `decisions,consent_rate`.
    pub metrics: String,
    /// `time,country`.
    pub dimensions: Option<String>,
    /// As in the body of `POST`: JSON.
    pub filters: Option<String>,
    /// `consent_rate:desc,country:asc`.
    pub order_by: Option<String>,
    /// Rows of one page: 1 to 100,000.
    pub limit: Option<u32>,
    /// `meta.next_cursor` of the page before.
    pub cursor: Option<String>,
    /// `json`, `csv`, `ndjson`, `parquet`; without it the `Accept` header decides.
    pub format: Option<String>,
}

impl QueryLink {
    /// The question that the address asks.
    ///
    /// # Errors
    /// 422 for what is no list, no filter or no order.
    pub fn request(self) -> Result<QueryRequest, Problem> {
        let wrong = |detail: &str, at: &str| Problem::unprocessable("invalid_parameter", detail).at(at);
        let (first, last) =
            self.date_range.split_once(',').ok_or_else(|| wrong("two days, separated by a comma", "/date_range"))?;
        let filters: Vec<Value> = match &self.filters {
            Some(text) => serde_json::from_str(text)
                .map_err(|error| wrong(&format!("no JSON list of filters: {error}"), "/filters"))?,
            None => Vec::new(),
        };
        let order = list(self.order_by.as_deref()).into_iter().map(|one| match one.split_once(':') {
            Some((key, direction)) => (key.to_owned(), direction.to_owned()),
            None => (one, "asc".to_owned()),
        });
        let compare = self.compare.as_deref().map(|text| match text.split_once(',') {
            Some((first, last)) => Compare::Range(vec![first.to_owned(), last.to_owned()]),
            None => Compare::Named(text.to_owned()),
        });
        Ok(QueryRequest {
            sites: self.sites.as_deref().map(|sites| list(Some(sites))),
            date_range: (first.to_owned(), last.to_owned()),
            interval: self.interval,
            compare,
            timezone: self.timezone.unwrap_or_else(utc),
            metrics: list(Some(&self.metrics)),
            dimensions: list(self.dimensions.as_deref()),
            filters,
            order_by: order.collect(),
            limit: self.limit.unwrap_or_else(rows),
            cursor: self.cursor,
        })
    }
}

fn list(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The same as an address, to be linked, fetched by a spreadsheet, or kept by a cache.
///
/// The answer is that of `POST`. A range of which no event can be taken any more may be kept for an hour; any other has to be
/// asked about again, which its `ETag` makes cheap.
#[utoipa::path(
    get, path = "/api/v1/query", operation_id = "queryByLink", tag = "numbers", params(QueryLink),
    responses(
        (status = 200, description = "The rows", content(
            (QueryAnswer = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"),
            (Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 304, description = "Nothing has changed"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 406, description = "None of the accepted forms", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn query_by_link(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    headers: HeaderMap,
    Parameters(link): Parameters<QueryLink>,
) -> Result<Response, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    let form = match &link.format {
        Some(name) => Form::parse(name).ok_or_else(|| {
            let known = Form::ALL.map(Form::as_str).join(", ");
            Problem::unprocessable("invalid_parameter", format!("{name:?} is none of {known}")).at("/format")
        })?,
        None => Form::preferred(&headers)?,
    };
    answer(&api, &caller, &link.request()?, form, &headers).await
}
