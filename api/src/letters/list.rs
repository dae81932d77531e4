//! `GET /api/v1/dead-letters`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::Letter;
use super::{Cursor, asked, index, unavailable};
use crate::Api;
use crate::access::{Bearer, require_whole};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};

pub(super) const MOST: usize = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Up to 500; 100 without it.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct DeadLetterList {
    /// In the log's order.
    pub letters: Vec<Letter>,
    /// Where to go on; null: these were the last.
    pub next: Option<String>,
    /// How many there are, on all pages.
    pub total: u64,
    /// How many of them were not sent again.
    pub waiting: u64,
    /// Whether there are more than are remembered: the rest shows once some of these were sent again.
    pub more: bool,
}

/// Dead letters: records of the log that could not be decoded or applied. They are booked as such, kept as long as the log
/// keeps what was refused, and hold nothing up.
#[utoipa::path(
    get, path = "/api/v1/dead-letters", operation_id = "listDeadLetters", tag = "operations", params(Page),
    responses(
        (status = 200, body = DeadLetterList),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_dead_letters(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(page): Parameters<Page>,
) -> Result<Json<DeadLetterList>, Problem> {
    require_whole(&caller, Scope::Admin)?;
    let from = asked(page.cursor.as_deref())?.map(|cursor| cursor.id);
    let limit = page.limit.unwrap_or(100).clamp(1, MOST);
    let log = api.letters.log.as_ref();
    let mut held = api.letters.index.lock().await;
    held.follow(log).await.map_err(|error| unavailable(&error))?;
    let total = held.behind(None).count() as u64;
    let waiting = held.behind(None).filter(|(_, place)| !place.replayed).count() as u64;
    let mut found: Vec<_> = held.behind(from).take(limit + 1).map(|(id, place)| (id, place.clone())).collect();
    let more = held.full;
    drop(held);
    let goes_on = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| goes_on).map(|(id, _)| Cursor { id: *id, ends: Vec::new() }.to_string());
    let directory = api.control.directory();
    let mut letters = Vec::with_capacity(found.len());
    for (_, place) in found {
        if let Some(whole) = index::read(log, &place).await.map_err(|error| unavailable(&error))? {
            letters.push(Letter::of(&whole, place.replayed, &directory));
        }
    }
    Ok(Json(DeadLetterList { letters, next, total, waiting, more }))
}
