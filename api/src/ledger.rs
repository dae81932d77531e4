//! The public logs, as C2SP tlog-tiles has them: anybody may read them, nobody is asked who they are. What they hold are
//! commitments; whose ledger is which, only `audit:read` says.

pub mod checkpoint;
pub mod list;
pub mod receipt;
pub mod tiles;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::Api;

/// The routes whose paths the C2SP document gives.
pub fn routes() -> Router<Arc<Api>> {
    Router::new().route("/log/{log}/tile/{*rest}", get(tiles::get_tile))
}
