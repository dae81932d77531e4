//! `GET /api/v1/data-quality/ranges`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_warehouse::books::ranges::RangeBooks;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::access::{Bearer, require, require_whole};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

const MOST: u64 = 1000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// A partition of the log.
    pub partition: u32,
    /// Of which log; without it: of the present one.
    pub log_id: Option<Uuid>,
    /// The books of this site alone. Without it those of all sites, for a token that is not limited to sites.
    pub site: Option<String>,
    /// Ranges that begin here or behind; `next` of the page before. 0 without it.
    pub from: Option<u64>,
    /// Up to 1000; 100 without it.
    pub limit: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub struct RangeList {
    pub log_id: Uuid,
    pub partition: u32,
    /// In the log's order.
    pub ranges: Vec<Range>,
    /// Whether all of these balance and follow one another.
    pub balanced: bool,
    /// `from` of the next page; null: these were the last.
    pub next: Option<u64>,
}

/// What was read at positions `[from, to)` and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = RangeBooks)]
pub struct Range {
    pub from: u64,
    pub to: u64,
    /// When its last record was logged, RFC 3339.
    pub logged_at: String,
    /// By the books; without `site` it must be to - from.
    pub read: u64,
    pub stored: u64,
    pub repeats: u64,
    pub dead_letters: u64,
    /// Rows in the table at its positions.
    pub rows: u64,
    pub balanced: bool,
    /// Positions between the range before and this one: 0 where they follow one another, below 0 where they overlap; null
    /// for the first range of all that are kept.
    pub gap: Option<i64>,
}

impl Range {
    fn of(books: &RangeBooks, before: Option<u64>) -> Self {
        let apart = |to: u64| i64::try_from(i128::from(books.from) - i128::from(to)).unwrap_or(i64::MAX);
        Self {
            from: books.from,
            to: books.to,
            logged_at: moment::written(books.logged_at),
            read: books.read,
            stored: books.stored,
            repeats: books.repeats,
            dead_letters: books.dead_letters,
            rows: books.rows,
            balanced: books.balance(),
            gap: before.map(apart),
        }
    }
}

/// The books range by range: what one block of the table says that it was made from.
#[utoipa::path(
    get, path = "/api/v1/data-quality/ranges", operation_id = "dataQualityRanges", tag = "audit", params(Which),
    responses(
        (status = 200, body = RangeList),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn data_quality_ranges(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(which): Parameters<Which>,
) -> Result<Json<RangeList>, Problem> {
    match &which.site {
        Some(site) => require(&caller, Scope::StatsRead, Some(site))?,
        None => require_whole(&caller, Scope::StatsRead)?,
    }
    let log_id = which.log_id.unwrap_or_else(|| api.log.identity().log_id);
    let (from, limit) = (which.from.unwrap_or(0), which.limit.unwrap_or(100).clamp(1, MOST));
    let books = api.warehouse.range_books(log_id, which.partition, which.site.as_deref(), from, limit + 1).await;
    let mut books = books?;
    let goes_on = books.len() as u64 > limit;
    if goes_on {
        books.pop();
    }
    let mut ranges = Vec::with_capacity(books.len());
    // A page after the first is asked for by where the one before ended.
    let mut before = (from > 0).then_some(from);
    for book in &books {
        ranges.push(Range::of(book, before));
        before = Some(before.unwrap_or(0).max(book.to));
    }
    let balanced = ranges.iter().all(|range| range.balanced && range.gap.unwrap_or(0) == 0);
    let next = before.filter(|_| goes_on);
    Ok(Json(RangeList { log_id, partition: which.partition, ranges, balanced, next }))
}
