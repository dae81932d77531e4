//! What each answer goes through so that it is noted.

use std::sync::Arc;

use avow_control::{Caller, Entry};
use avow_warehouse::access_log::Access;
use axum::extract::{FromRequestParts, MatchedPath, Query, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use serde::Deserialize;
use tower_http::request_id::RequestId;
use uuid::Uuid;

use super::routes::{When, when};
use super::{Concerns, Seen, digest};
use crate::problem::Problem;
use crate::{Api, moment};

const DAY_SECONDS: i64 = 86_400;
/// A caller may give a request's id; longer ones are cut.
const LONGEST_ID: usize = 64;

#[derive(Default, Deserialize)]
struct OfSite {
    #[serde(default)]
    site: String,
}

/// Notes a request with the status of its answer, first where it must be.
pub async fn noted(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default().to_owned();
    let when = when(request.method(), &route);
    if when == When::Never {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let concerns = asked_about(&mut parts, &route).await;
    let seen = Seen::default();
    parts.extensions.insert(seen.clone());
    let request_id = parts.extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    let request_id: String = request_id.unwrap_or_default().chars().take(LONGEST_ID).collect();
    let method = parts.method.to_string();
    let response = next.run(Request::from_parts(parts, body)).await;

    let Some(caller) = seen.0.get() else { return response };
    if when == When::AsFile && !leaves_as_file(&response) {
        return response;
    }
    let concerns = response.extensions().get::<Concerns>().cloned().unwrap_or(concerns);
    let row = row(&api, caller, concerns, response.status());
    let row = Access { request_id, method, route, ..row };
    if when == When::First && !response.status().is_server_error() {
        if let Err(error) = api.warehouse.append_accesses(&[row]).await {
            tracing::error!(%error, "api.access_not_noted");
            let detail = "that this was read cannot be noted now, so it cannot be read";
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "access_log_unavailable", detail).into_response();
        }
    } else {
        api.notes.soon(&api.warehouse, row).await;
    }
    response
}

/// The site in the address and the subject in the path, as far as they are there.
async fn asked_about(parts: &mut Parts, route: &str) -> Concerns {
    let query = Query::<OfSite>::try_from_uri(&parts.uri).map(|Query(of)| of.site).unwrap_or_default();
    let Ok(segments) = RawPathParams::from_request_parts(parts, &()).await else {
        return Concerns { site: query, subject: None };
    };
    let segment = |name: &str| segments.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    let subject = segment("id").filter(|_| route.starts_with("/api/v1/subjects/"));
    let subject = subject.and_then(|id| Uuid::try_parse(id).ok());
    Concerns { site: segment("site").map_or(query, str::to_owned), subject }
}

/// Whether numbers leave in a form that is kept: anything but JSON.
fn leaves_as_file(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    response.status().is_success() && !kind.starts_with("application/json")
}

/// A row without what the request alone says.
fn row(api: &Api, caller: &Caller, concerns: Concerns, status: StatusCode) -> Access {
    let at = moment::now();
    let until = at / 1000 + i64::from(api.access_log.days) * DAY_SECONDS;
    let subject = concerns.subject.map(|subject| digest(&concerns.site, subject)).unwrap_or_default();
    // Anything may stand in an address; only the name of a site is kept.
    let is_known = api.control.directory().site(&concerns.site).is_some();
    let entry = match caller.entry {
        Entry::Token => "token",
        Entry::Session { .. } => "session",
        Entry::Share { .. } => "share",
    };
    Access {
        at,
        id: Uuid::now_v7(),
        request_id: String::new(),
        entry: entry.to_owned(),
        caller: caller.id,
        name: caller.name.to_string(),
        method: String::new(),
        route: String::new(),
        site: if is_known { concerns.site } else { String::new() },
        subject,
        status: status.as_u16(),
        keep_until: u32::try_from(until).unwrap_or(u32::MAX),
    }
}
