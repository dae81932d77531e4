//! `GET /api/v1/sessions`.

use std::sync::Arc;

use avow_control::Entry;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::sign_out::no_session;
use crate::access::Bearer;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

#[derive(Serialize, ToSchema)]
pub struct Sessions {
    pub sessions: Vec<OpenSession>,
}

/// A session that is open.
#[derive(Serialize, ToSchema)]
pub struct OpenSession {
    pub id: Uuid,
    /// Whether it is the one that asks.
    pub current: bool,
    /// RFC 3339.
    pub made_at: String,
    /// When it was last noted to be used: at most an hour late, as long as the idle time is 12 hours.
    pub seen_at: String,
    /// When it ends if it is not used any more.
    pub expires_at: String,
}

/// One's own sessions, oldest first.
#[utoipa::path(
    get, path = "/api/v1/sessions", operation_id = "listSessions", tag = "people",
    responses(
        (status = 200, body = Sessions),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`no_session`: a token has none", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_sessions(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<Sessions>, Problem> {
    let Entry::Session { session: current, .. } = caller.entry else { return Err(no_session()) };
    let limits = api.config.session_limits();
    let directory = api.control.directory();
    let people = directory.people();
    let open = people.sessions_of(caller.id, limits, moment::now()).into_iter();
    let sessions = open.map(|session| OpenSession {
        id: session.id,
        current: session.id == current,
        made_at: moment::written(session.made_at),
        seen_at: moment::written(people.seen_at(session)),
        expires_at: moment::written(people.ends_at(session, limits)),
    });
    Ok(Json(Sessions { sessions: sessions.collect() }))
}
