//! What a reverse proxy in front of the separate roles does: `/v1/` and the beacon to ingest, the rest to the api, each in turn,
//! and to the next one where one does not answer (events and queries may be sent twice).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use avow_testkit::process::Avow;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const LARGEST: usize = 4 << 20;
/// A process that is paused must not hold its callers for ever.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone)]
struct Behind {
    http: reqwest::Client,
    ingests: Arc<[String]>,
    apis: Arc<[String]>,
    turn: Arc<AtomicUsize>,
}

/// A running front.
pub struct Front {
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Front {
    pub fn start(ingests: &[&Avow], apis: &[&Avow]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let urls = |of: &[&Avow]| of.iter().map(|avow| avow.url()).collect();
        let behind = Behind { http, ingests: urls(ingests), apis: urls(apis), turn: Arc::default() };
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))?;
        let port = listener.local_addr()?.port();
        let routes = axum::Router::new().fallback(forward).with_state(behind);
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { port, _runtime: runtime })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn forward(State(behind): State<Behind>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let turn = behind.turn.fetch_add(1, Ordering::Relaxed);
    let of_ingest = path.starts_with("/v1/") || path.starts_with("/beacon");
    let behind_it = if of_ingest { &behind.ingests } else { &behind.apis };
    let Ok(body) = to_bytes(body, LARGEST).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let mut headers = head.headers;
    headers.remove(header::HOST);
    let mut answered = None;
    for attempt in 0..behind_it.len() {
        let base = &behind_it[(turn + attempt) % behind_it.len()];
        let request = behind.http.request(head.method.clone(), format!("{base}{path}"));
        answered = request.headers(headers.clone()).body(body.clone()).send().await.ok();
        if answered.is_some() {
            break;
        }
    }
    let Some(answer) = answered else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
    }
    match answer.bytes().await {
        Ok(bytes) => response.body(Body::from(bytes)).unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response()),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
