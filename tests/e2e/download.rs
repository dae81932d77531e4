//! `avow export` over a connection that breaks off: the download goes on where it was, and what is saved is the bundle.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, administer, command, decided, embedded};

const SITE: &str = "download.example";
/// What comes through at once.
const SHARE: usize = 20_000;

/// Passes requests on, and breaks off a bundle's answers after a share of them.
struct Proxy {
    to: String,
    ranges: Mutex<Vec<String>>,
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    answer(&proxy, request).await.unwrap_or_else(|error| {
        let mut response = Response::new(Body::from(error.to_string()));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    })
}

async fn answer(proxy: &Proxy, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().context("no path")?.to_string();
    let bytes = axum::body::to_bytes(body, 1 << 20).await?;
    let mut passed = reqwest::Client::new().request(parts.method, format!("{}{path}", proxy.to)).body(bytes);
    for name in [header::AUTHORIZATION, header::CONTENT_TYPE, header::RANGE] {
        passed = parts.headers.get(&name).into_iter().fold(passed, |passed, value| passed.header(&name, value));
    }
    let answer = passed.send().await?;
    let (status, headers): (StatusCode, HeaderMap) = (answer.status(), answer.headers().clone());
    let mut bytes = answer.bytes().await?;
    let mut response = Response::builder().status(status);
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::TRANSFER_ENCODING) {
        response = response.header(name, value);
    }
    if path.ends_with("/bundle") {
        let range = parts.headers.get(header::RANGE).and_then(|range| range.to_str().ok()).unwrap_or_default();
        proxy.ranges.lock().unwrap().push(range.to_owned());
        // The length that is promised stays what it was.
        bytes.truncate(SHARE);
    }
    Ok(response.body(Body::from(bytes))?)
}

#[test]
fn a_download_that_breaks_off_is_taken_up() -> Result<()> {
    let runtime = Runtime::new()?;
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Download"})))?;
    let events: Vec<Value> = (0..200).map(|_| decided(SITE, Uuid::new_v4())).collect();
    ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    let proxy = Arc::new(Proxy { to: avow.url(), ranges: Mutex::default() });
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = Router::new().fallback(pass).with_state(Arc::clone(&proxy));
    runtime.spawn(async move { axum::serve(listener, app).await });

    let dir = tempfile::tempdir()?;
    let out = dir.path().join("bundle.zip").display().to_string();
    let period = ["--from", "2026-01-01", "--to", "2099-01-01", "--out", &out];
    let told = administer(&url, &[["export", "--site", SITE].as_slice(), &period].concat())?;
    let ranges = proxy.ranges.lock().unwrap().clone();
    let size = std::fs::metadata(&out)?.len();
    println!("{told}{size} bytes in {} goes", ranges.len());
    ensure!(ranges.len() as u64 == size.div_ceil(SHARE as u64), "{ranges:?}");
    ensure!(ranges[1] == format!("bytes={SHARE}-"), "{ranges:?}");
    ensure!(!std::path::Path::new(&format!("{out}.part")).exists(), "something is left beside it");
    let (went, told) = command(&["verify", &out], &[])?;
    ensure!(went, "{told}");
    Ok(())
}
