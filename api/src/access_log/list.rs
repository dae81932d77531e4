//! `GET /api/v1/access-log`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_warehouse::access_log::{Access as Row, Asked};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::access::{Bearer, require};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

const MOST: u64 = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// RFC 3339, or a day (its midnight in UTC); without it: from the beginning.
    pub from: Option<String>,
    /// RFC 3339, or a day (its midnight in UTC); itself not included. Without it: to now.
    pub to: Option<String>,
    /// Rows of one page: 1 to 1,000; 100 where none is given.
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AccessLog {
    pub accesses: Vec<Access>,
    pub next_cursor: Option<String>,
}

/// One request: who has read or changed what.
#[derive(Serialize, ToSchema)]
pub struct Access {
    pub id: Uuid,
    /// RFC 3339.
    pub at: String,
    /// By what the caller came in: `session`, `token`, `share`.
    pub entry: String,
    /// The person's, the token's (nil: that of the configuration) or the shared view's id.
    pub caller: Uuid,
    /// The caller's name at that time.
    pub name: String,
    pub method: String,
    /// As in this document: never the path, which may name a subject.
    pub route: String,
    /// Null: none, or several.
    pub site: Option<String>,
    /// SHA-256("avow/access/1" || site || 0x00 || the subject's 16 bytes), hexadecimal; null: it was about no single one.
    pub subject: Option<String>,
    pub status: u16,
    /// As in the answer's `x-request-id`.
    pub request_id: String,
}

/// Who has read what, the newest first.
///
/// Every request to single persons' histories, audits, exports and administration is here, and every export of numbers.
/// Reading this is noted too. A caller limited to sites sees what concerned one of these.
#[utoipa::path(
    get, path = "/api/v1/access-log", operation_id = "listAccesses", tag = "audit", params(Which),
    responses(
        (status = 200, body = AccessLog),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_accesses(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(which): Parameters<Which>,
) -> Result<Response, Problem> {
    require(&caller, Scope::Admin, None)?;
    let limit = which.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::unprocessable("invalid_limit", format!("limit must be 1 to {MOST}")).at("limit"));
    }
    let asked = Asked {
        between: (instant(which.from.as_deref(), "from", 0)?, instant(which.to.as_deref(), "to", moment::END)?),
        sites: caller.sites().map(|sites| sites.iter().map(|site| site.as_str()).collect()),
        before: which.cursor.as_deref().map(before).transpose()?,
        limit: limit + 1,
    };
    api.notes.written().await;
    let mut rows = api.warehouse.accesses(&asked).await?;
    let has_more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = rows.last().filter(|_| has_more).map(|row| format!("{:x}-{}", row.at, row.id.simple()));
    let accesses = rows.into_iter().map(Access::of).collect();
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(AccessLog { accesses, next_cursor })).into_response())
}

fn instant(text: Option<&str>, name: &str, otherwise: i64) -> Result<i64, Problem> {
    let Some(text) = text else { return Ok(otherwise) };
    let detail = || format!("{text:?} is neither RFC 3339 nor a day");
    moment::read(text).ok_or_else(|| Problem::unprocessable("invalid_parameter", detail()).at(name))
}

fn before(cursor: &str) -> Result<(i64, Uuid), Problem> {
    let read = cursor.split_once('-').and_then(|(at, id)| {
        let at = i64::from_str_radix(at, 16).ok()?;
        Some((at, Uuid::try_parse(id).ok()?))
    });
    read.ok_or_else(|| Problem::unprocessable("invalid_cursor", "the cursor is not of this list").at("cursor"))
}

impl Access {
    fn of(row: Row) -> Self {
        let given = |text: String| (!text.is_empty()).then_some(text);
        Self {
            id: row.id,
            at: moment::written(row.at),
            entry: row.entry,
            caller: row.caller,
            name: row.name,
            method: row.method,
            route: row.route,
            site: given(row.site),
            subject: given(row.subject),
            status: row.status,
            request_id: row.request_id,
        }
    }
}
