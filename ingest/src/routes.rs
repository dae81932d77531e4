//! The paths of ingest. Every answer that is no success is a problem (RFC 9457), whatever the method.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};

use crate::answer::Problem;
use crate::ingest::Ingest;
use crate::{beacon, observe, pixel, receive};

/// `POST` and `OPTIONS /v1/events`, `GET /v1/pixel.gif`, `GET /v1/observe`, `GET /beacon.js` and `/beacon-<banner>.js`. Serve it with connection information
/// (`into_make_service_with_connect_info::<SocketAddr>()`) where a country database is to see addresses.
pub fn router(ingest: Arc<Ingest>) -> Router {
    let script = beacon::Script::embedded();
    let serve = move |headers: HeaderMap| async move { beacon::serve(script.as_ref(), &headers) };
    let only_get = || async { Problem::method_not_allowed("GET, HEAD").into_response() };
    let mut router = Router::new()
        .route("/v1/events", post(receive::post).options(preflight).fallback(only_post))
        .route("/v1/pixel.gif", get(pixel::get).fallback(only_get))
        .route("/v1/observe", get(observe::get).fallback(only_get))
        .route("/beacon.js", get(serve).fallback(only_get));
    for (path, script) in beacon::Script::banners() {
        let serve = move |headers: HeaderMap| async move { beacon::serve(Some(&script), &headers) };
        router = router.route(&path, get(serve).fallback(only_get));
    }
    router.with_state(ingest)
}

async fn preflight(State(ingest): State<Arc<Ingest>>, headers: HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    ingest.origins.mark(&ingest.control.directory(), &headers, response.headers_mut(), true);
    response
}

async fn only_post(State(ingest): State<Arc<Ingest>>, headers: HeaderMap) -> Response {
    let mut response = Problem::method_not_allowed("POST, OPTIONS").into_response();
    ingest.origins.mark(&ingest.control.directory(), &headers, response.headers_mut(), false);
    response
}
