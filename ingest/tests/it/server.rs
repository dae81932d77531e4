//! A server of its own for each test: a log in a temporary directory, sites, tokens, a free port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use avow_control::Control;
use avow_ingest::{Ingest, IngestConfig, router};
use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::{Intake, Log, ReadLimit, StoredRecord, Topic};
use avow_schemas::control::Scope;
use avow_schemas::event::ConsentEvent;
use avow_schemas::fate::RejectedRecord;
use avow_schemas::ids::SiteId;
use avow_schemas::record::{LogRecord, decode};
use avow_schemas::settings::SiteSettings;
use avow_telemetry::Metrics;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const BOOTSTRAP: &str = "bootstrap-token-of-the-tests";
pub const SITE: &str = "shop.example";
pub const ORIGIN: &str = "https://shop.example";
pub const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// A running server.
pub struct Server {
    pub ingest: Arc<Ingest>,
    pub control: Arc<Control>,
    pub log: Arc<dyn Log>,
    pub metrics: Arc<Metrics>,
    pub client: reqwest::Client,
    pub address: SocketAddr,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn site(name: &str) -> SiteId {
    SiteId::new(name).unwrap()
}

pub fn settings() -> SiteSettings {
    SiteSettings {
        origins: vec![ORIGIN.into(), "https://*.shop.example".into(), "https://shop-example.cdn.ampproject.org".into()],
        page_templates: vec!["/checkout".into()],
        ..SiteSettings::named("Shop")
    }
}

impl Server {
    /// With the default configuration, quotas off, and the country taken from `X-Country`.
    pub async fn start() -> Self {
        Self::with(IngestConfig { quotas: false, country_header: Some("x-country".into()), ..IngestConfig::default() })
            .await
    }

    pub async fn with(config: IngestConfig) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log_config =
            EmbeddedConfig { path: directory.path().join("log"), segment_bytes: 8 << 20, ..EmbeddedConfig::default() };
        let log: Arc<dyn Log> = EmbeddedLog::open(log_config).unwrap();
        Self::over(log, config, directory).await
    }

    /// Over a given log.
    pub async fn over(log: Arc<dyn Log>, config: IngestConfig, directory: tempfile::TempDir) -> Self {
        let stop = CancellationToken::new();
        let control = Control::start(Arc::clone(&log), Some(BOOTSTRAP), stop.clone()).await.unwrap();
        control.put_site(&site(SITE), settings()).await.unwrap();
        let metrics = Metrics::new().unwrap();
        let ingest =
            Ingest::new(&config, Intake::direct(Arc::clone(&log)), Arc::clone(&control), Arc::clone(&metrics)).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = router(Arc::clone(&ingest)).into_make_service_with_connect_info::<SocketAddr>();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap() });
        let client = reqwest::Client::new();
        Self { ingest, control, log, metrics, client, address, stop, _directory: directory }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A beacon's request: `text/plain`, no token, no origin.
    pub fn post(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.post_to("/v1/events", body)
    }

    pub fn post_to(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.client.post(self.url(path)).header("user-agent", CHROME);
        request.header("content-type", "text/plain;charset=UTF-8").body(body)
    }

    pub async fn token(&self, scopes: &[Scope], sites: Option<&[&str]>) -> String {
        let sites = sites.map(|sites| sites.iter().map(|name| site(name)).collect());
        self.control.create_token("test", scopes.to_vec(), sites, None).await.unwrap().secret
    }

    async fn records(&self, topic: Topic) -> Vec<StoredRecord> {
        let limit = ReadLimit { max_records: 100_000, max_bytes: 64 << 20, max_wait: Duration::ZERO };
        let mut records = Vec::new();
        for partition in 0..self.log.partitions(topic) {
            let end = self.log.end(topic, partition).await.unwrap();
            let mut from = self.log.start(topic, partition).await.unwrap();
            while from < end {
                let chunk = self.log.read(topic, partition, from, limit).await.unwrap();
                records.extend(chunk.records);
                from = chunk.next;
            }
        }
        records
    }

    /// The keys of the events topic, in order of partition and position.
    pub async fn event_keys(&self) -> Vec<String> {
        let records = self.records(Topic::Events).await;
        records.into_iter().map(|record| String::from_utf8(record.key.to_vec()).unwrap()).collect()
    }

    /// All consent events in the log.
    pub async fn events(&self) -> Vec<ConsentEvent> {
        let records = self.records(Topic::Events).await;
        let event = |record: StoredRecord| match decode(&record.value).unwrap() {
            LogRecord::ConsentEvent(event) => Some(*event),
            LogRecord::ControlRecord(_) => None,
        };
        records.into_iter().filter_map(event).collect()
    }

    /// All lines of `consent.rejected`.
    pub async fn refusals(&self) -> Vec<RejectedRecord> {
        self.ingest.drained().await;
        let records = self.records(Topic::Rejected).await;
        records.iter().map(|record| serde_json::from_slice(&record.value).unwrap()).collect()
    }

    pub fn fate(&self, fate: &str) -> u64 {
        self.metrics.ingest.events.with_label_values(&[fate]).get()
    }
}

/// An event that is in order, with a fresh id, of now.
pub fn decided() -> Value {
    json!({
        "id": Uuid::now_v7(), "site": SITE, "type": "decided", "subject": Uuid::new_v4(), "occurred_at": now(),
        "method": "save", "categories": { "preferences": true, "marketing": false }, "services": { "chaport": true },
    })
}

/// `decided()` with fields replaced; null takes a field away.
pub fn with(changes: Value) -> Value {
    let mut event = decided();
    for (name, value) in changes.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

pub fn now() -> String {
    ago(0)
}

/// The time so many seconds ago.
pub fn ago(seconds: i64) -> String {
    let at = jiff::Timestamp::now().as_millisecond() - seconds * 1_000;
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}

/// Status and JSON body.
pub async fn answer(request: RequestBuilder) -> (u16, Value) {
    read(request.send().await.unwrap()).await
}

pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{status} {text:?}: {e}")))
}
