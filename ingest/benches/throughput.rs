//! Single durable events a second at 64 connections, beside a bare axum handler that reads the body and answers 202. Both
//! are driven by the same client in the same process, so both shares of the machine are in the figures.
//!
//! `cargo bench -p avow-ingest [-- SECONDS [CONNECTIONS]]` prints one line for each.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench fails by panicking and says its figures")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use avow_control::Control;
use avow_ingest::{Ingest, IngestConfig, router};
use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::{Intake, Log};
use avow_schemas::ids::SiteId;
use avow_schemas::settings::SiteSettings;
use avow_telemetry::Metrics;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use axum::serve::ListenerExt;
use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const AGENT: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let (seconds, connections) = (numbers.next().unwrap_or(5), numbers.next().unwrap_or(64));
    let bare = Router::new().route("/v1/events", post(|_body: Bytes| async { (StatusCode::ACCEPTED, "{}") }));
    let limit = measure("bare axum handler", serve(bare).await, seconds, connections).await;

    let directory = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig { path: directory.path().join("log"), ..EmbeddedConfig::default() };
    let log: Arc<dyn Log> = EmbeddedLog::open(config).unwrap();
    let control = Control::start(Arc::clone(&log), None, CancellationToken::new()).await.unwrap();
    let settings = SiteSettings { origins: vec!["https://shop.example".into()], ..SiteSettings::named("Shop") };
    control.put_site(&SiteId::new("shop.example").unwrap(), settings).await.unwrap();
    let config = IngestConfig { quotas: false, ..IngestConfig::default() };
    let metrics = Metrics::new().unwrap();
    let ingest = Ingest::new(&config, Intake::direct(Arc::clone(&log)), control, Arc::clone(&metrics)).unwrap();
    let answered = measure("durable events", serve(router(ingest)).await, seconds, connections).await;
    let accepted = metrics.ingest.events.with_label_values(&["accepted"]).get();
    assert!(accepted >= answered, "{answered} were answered 202, {accepted} accepted");
    let ratio = answered as f64 / limit as f64;
    println!("durable events at {ratio:.2} of the bare handler's rate");
    log.close().await;
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// A realistic single event and the place of its id.
fn request() -> (Vec<u8>, usize) {
    let now = jiff::Timestamp::now().to_string();
    let id = Uuid::now_v7().to_string();
    let body = json!({
        "id": id, "site": "shop.example", "type": "decided", "subject": Uuid::new_v4(), "view": "k3v9q1", "prompt": "first",
        "layer": 1, "occurred_at": now, "sent_at": now,
        "banner": { "version": "2026-11-01", "language": "de", "variant": "B", "text_hash": format!("sha256:{}", "ab".repeat(32)) },
        "method": "save", "categories": { "necessary": true, "preferences": true, "marketing": false },
        "services": { "chaport": true, "crisp": false, "userlike": true }, "page": "https://shop.example/checkout",
        "effort": { "clicks": 2, "ms": 4100 },
    })
    .to_string();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: avow\r\nuser-agent: {AGENT}\r\norigin: https://shop.example\r\n\
         content-type: text/plain;charset=UTF-8\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let at = head.len() + body.find(&id).unwrap();
    (format!("{head}{body}").into_bytes(), at)
}

async fn measure(name: &str, address: SocketAddr, seconds: u64, connections: u64) -> u64 {
    let answered = Arc::new(AtomicU64::new(0));
    let until = Instant::now() + Duration::from_secs(seconds);
    let begun = Instant::now();
    let clients: Vec<_> =
        (0..connections).map(|_| tokio::spawn(client(address, until, Arc::clone(&answered)))).collect();
    let mut waits = Vec::new();
    for client in clients {
        waits.extend(client.await.unwrap());
    }
    let rate = answered.load(Ordering::Relaxed) * 1_000 / u64::try_from(begun.elapsed().as_millis()).unwrap();
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!("{name}: {rate}/s at {connections} connections, p50 {} us, p99 {} us", at(50), at(99));
    answered.load(Ordering::Relaxed)
}

/// One connection, one request at a time; gives the microseconds of each.
async fn client(address: SocketAddr, until: Instant, answered: Arc<AtomicU64>) -> Vec<u128> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut request, at) = request();
    let (mut answer, mut waits) = ([0; 2_048], Vec::new());
    while Instant::now() < until {
        request[at..at + 36].copy_from_slice(Uuid::now_v7().to_string().as_bytes());
        let begun = Instant::now();
        stream.write_all(&request).await.unwrap();
        // An answer is shorter than the buffer and comes in one piece.
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer[..read]));
        waits.push(begun.elapsed().as_micros());
        answered.fetch_add(1, Ordering::Relaxed);
    }
    waits
}
