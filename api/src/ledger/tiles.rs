//! `GET /log/{log}/tile/...`: hash tiles and entry bundles, up to the newest checkpoint and no further.

use std::sync::Arc;

use avow_ledger::tile::TilePath;
use avow_trees::TreeError;
use avow_trees::read::Reader;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::Api;
use crate::extract::Segments;
use crate::problem::Problem;

/// What is in a tile never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

pub async fn get_tile(
    State(api): State<Arc<Api>>,
    Segments((log, rest)): Segments<(String, String)>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("no_such_tile", format!("the log {log:?} has no tile/{rest}"));
    let path: TilePath = format!("tile/{rest}").parse().map_err(|_| missing())?;
    let checkpoint = api.warehouse.checkpoint(&log).await?.ok_or_else(missing)?;
    let reader = Reader::new(Arc::clone(&api.warehouse));
    let bytes = reader.tile(&log, &path, checkpoint.size).await.map_err(problem)?.ok_or_else(missing)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, FOREVER),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    Ok((headers, bytes).into_response())
}

fn problem(error: TreeError) -> Problem {
    match error {
        TreeError::Warehouse(error) => error.into(),
        error => {
            tracing::error!(%error, "ledger.tile_missing");
            Problem::internal(error.to_string())
        }
    }
}
