//! `GET /log/{log}/checkpoint`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::Api;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// The newest checkpoint of a log (C2SP tlog-checkpoint): a signed note.
#[utoipa::path(
    get, path = "/log/{log}/checkpoint", tag = "ledger",
    params(("log" = String, Path, description = "A log's name, from `/log`")),
    responses(
        (status = 200, description = "The checkpoint", body = String, content_type = "text/plain"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_checkpoint(State(api): State<Arc<Api>>, Segments(log): Segments<String>) -> Result<Response, Problem> {
    let checkpoint = api.warehouse.checkpoint(&log).await?;
    let Some(checkpoint) = checkpoint else {
        return Err(Problem::not_found("unknown_log", format!("there is no log {log:?} with a checkpoint")));
    };
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    Ok((headers, checkpoint.note).into_response())
}
