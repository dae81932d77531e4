//! What whoever has the link of a shared view may reach: what that view asks for, and nothing else.

use axum::extract::MatchedPath;
use http::Method;
use http::request::Parts;

use crate::problem::Problem;

/// By method and route. A question is checked against the view's days besides (`query/resolve.rs`), and the sites' settings are
/// left out (`sites/list.rs`).
const REACHED: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/session"),
    (Method::GET, "/api/v1/me"),
    (Method::GET, "/api/v1/query"),
    (Method::POST, "/api/v1/query"),
    (Method::GET, "/api/v1/metadata"),
    (Method::GET, "/api/v1/sites"),
    (Method::GET, "/api/v1/services"),
    (Method::GET, "/api/v1/services/{slug}"),
    (Method::GET, "/api/v1/services/{slug}/history"),
    (Method::GET, "/api/v1/live"),
    (Method::GET, "/api/v1/aggregates"),
    (Method::GET, "/api/v1/bridges"),
    // Which anybody may ask.
    (Method::GET, "/log"),
];

/// Refuses what a shared view does not ask for.
///
/// # Errors
/// 403 `shared_view`.
pub fn reaches(parts: &Parts) -> Result<(), Problem> {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    if REACHED.iter().any(|(method, reached)| parts.method == *method && route == Some(*reached)) {
        return Ok(());
    }
    Err(Problem::forbidden("shared_view", "the link shows one view and nothing else"))
}
