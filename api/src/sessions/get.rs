//! `GET /api/v1/session`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::Session;
use crate::Api;
use crate::access::Bearer;
use crate::problem::ProblemDocument;

/// Who is signed in: a person by a session, or whoever has a token or the link of a shared view.
#[utoipa::path(
    get, path = "/api/v1/session", operation_id = "getSession", tag = "people",
    responses(
        (status = 200, body = Session),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_session(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(Session::of(&api, &caller))).into_response()
}
