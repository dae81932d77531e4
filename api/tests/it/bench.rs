//! One whole role on a database and a log of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use avow_api::{Api, ApiConfig, Parts, router};
use avow_control::Control;
use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::{Log, Record, Topic};
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use avow_schemas::settings::SiteSettings;
use avow_telemetry::Metrics;
use avow_warehouse::chain::Chain;
use avow_warehouse::rows::{Book, Range, Stored, StoredRow};
use avow_warehouse::{Endpoint, Warehouse};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::engine;
use crate::events::Landing;

pub const SITE: &str = "shop.example";
/// A token with every scope.
pub const ADMIN: &str = "bootstrap-token-of-the-tests";

pub struct Bench {
    pub url: String,
    pub warehouse: Arc<Warehouse>,
    pub control: Arc<Control>,
    pub log: Arc<EmbeddedLog>,
    pub metrics: Arc<Metrics>,
    folder: tempfile::TempDir,
    shutdown: CancellationToken,
    http: reqwest::Client,
}

impl Bench {
    /// A role with one site, [`SITE`], whose settings are the defaults.
    pub async fn start() -> Self {
        Self::with(ApiConfig::default()).await
    }

    pub async fn with(config: ApiConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint {
            url: engine::url().to_owned(),
            user: "avow".into(),
            password: "any".into(),
            database: format!("api_{}", Uuid::new_v4().simple()),
        };
        let warehouse = Warehouse::open(&endpoint).await.unwrap();
        let log = EmbeddedLog::open(EmbeddedConfig {
            path: folder.path().join("log"),
            event_partitions: 1,
            segment_bytes: 1 << 20,
            ..EmbeddedConfig::default()
        });
        let log = log.unwrap();
        let shutdown = CancellationToken::new();
        let control = Control::start(Arc::clone(&log) as Arc<dyn Log>, Some(ADMIN), shutdown.clone()).await.unwrap();
        control.put_site(&SiteId::new(SITE).unwrap(), SiteSettings::named("Shop")).await.unwrap();
        let metrics = Metrics::new().unwrap();
        let parts = parts(folder.path(), &warehouse, &log, &control, &metrics, &shutdown);
        let url = serve(config, parts).await;
        Self { url, warehouse, control, log, metrics, folder, shutdown, http: reqwest::Client::new() }
    }

    /// Stops the role and starts another on the same data.
    pub async fn restart(mut self) -> Self {
        self.shutdown.cancel();
        self.shutdown = CancellationToken::new();
        let parts = parts(self.folder.path(), &self.warehouse, &self.log, &self.control, &self.metrics, &self.shutdown);
        self.url = serve(ApiConfig::default(), parts).await;
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts events into the log and the warehouse as the processor does. The settings records that lie between are passed
    /// over.
    pub async fn land(&self, events: Vec<Landing>) {
        let log_id = self.log.identity().log_id;
        let mut chain = Chain::open(Arc::clone(&self.warehouse), log_id, 0).await.unwrap();
        let from = chain.watermarks().events;
        let records = vec![Record { key: SITE.into(), value: "stands for an event".into() }; events.len()];
        let positions = self.log.append(Topic::Events, records).await.unwrap();
        let first = positions[0].position;
        let mut books: BTreeMap<String, Book> = BTreeMap::new();
        let logged_at = jiff::Timestamp::now().as_millisecond();
        let rows: Vec<StoredRow> = (first..)
            .zip(events)
            .map(|(position, landing)| {
                let site = landing.event.site.to_string();
                let book = books.entry(site.clone()).or_insert_with(|| Book { site, ..Book::default() });
                book.read += 1;
                book.stored += 1;
                StoredRow {
                    stored: Stored::Event(Box::new(landing.event)),
                    position,
                    logged_at,
                    resolved: landing.resolved,
                    ledger: "ledger".into(),
                    leaf: position,
                    leaf_kind: 1,
                    commitment: [7; 32],
                }
            })
            .collect();
        let to = first + rows.len() as u64;
        if from < first {
            // What lies between is not this bench's: booked as if it had been there before.
            let between = u32::try_from(first - from).unwrap();
            books.insert(String::new(), Book { read: between, repeats: between, ..Book::default() });
        }
        let range = Range { log_id, partition: 0, from, to, logged_at, rows, books: books.into_values().collect() };
        chain.write(&range).await.unwrap();
        chain.close().await;
    }

    pub async fn token(&self, scopes: &[Scope], sites: Option<&[&str]>) -> String {
        let sites = sites.map(|sites| sites.iter().map(|site| SiteId::new(site).unwrap()).collect());
        self.control.create_token("test", scopes.to_vec(), sites, None).await.unwrap().secret
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request(Method::GET, path, ADMIN).send().await.unwrap()).await
    }

    pub async fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> (u16, Value) {
        read(self.request(method, path, token).json(body).send().await.unwrap()).await
    }

    /// Asks a question of the tests' site; what the body leaves out is filled in.
    pub async fn ask(&self, body: Value) -> Value {
        let (status, answer) = self.ask_as(ADMIN, body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub async fn ask_as(&self, token: &str, mut body: Value) -> (u16, Value) {
        let fields = body.as_object_mut().unwrap();
        fields.entry("date_range").or_insert_with(|| serde_json::json!(["2026-01-01", "2026-12-31"]));
        self.send(Method::POST, "/api/v1/query", token, &body).await
    }

    /// The rows of an answer, each as its dimensions' values and the metrics asked for.
    pub async fn rows(&self, body: Value) -> Vec<(Vec<String>, Vec<Value>)> {
        let metrics: Vec<String> = serde_json::from_value(body["metrics"].clone()).unwrap();
        rows(&self.ask(body).await, &metrics)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn parts(
    folder: &Path,
    warehouse: &Arc<Warehouse>,
    log: &Arc<EmbeddedLog>,
    control: &Arc<Control>,
    metrics: &Arc<Metrics>,
    shutdown: &CancellationToken,
) -> Parts {
    Parts {
        warehouse: Arc::clone(warehouse),
        log: Arc::clone(log) as Arc<dyn Log>,
        control: Arc::clone(control),
        keys: None,
        metrics: Arc::clone(metrics),
        taken_for: std::time::Duration::from_secs(30 * 86_400),
        log_keeps: std::time::Duration::from_secs(10),
        webhooks: Default::default(),
        serving: Arc::default(),
        exports_dir: folder.join("exports"),
        query_exports_dir: folder.join("query-exports"),
        rebuilds_dir: folder.join("rebuilds"),
        audits_dir: folder.join("audits"),
        access_log: avow_api::AccessLogConfig::default(),
        oidc: None,
        shutdown: shutdown.clone(),
    }
}

async fn serve(config: ApiConfig, parts: Parts) -> String {
    let shutdown = parts.shutdown.clone();
    let api = Api::start(config, parts).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = axum::serve(listener, router(api)).with_graceful_shutdown(async move { shutdown.cancelled().await });
    tokio::spawn(async move { served.await.unwrap() });
    url
}

pub fn rows(answer: &Value, metrics: &[String]) -> Vec<(Vec<String>, Vec<Value>)> {
    let rows = answer["rows"].as_array().unwrap().iter().map(|row| {
        let dimensions =
            row["dimensions"].as_object().unwrap().values().map(|v| v.as_str().unwrap().to_owned()).collect();
        (dimensions, metrics.iter().map(|metric| row["metrics"][metric].clone()).collect())
    });
    rows.collect()
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Rows as they are written in a test: dimensions, then metrics.
#[macro_export]
macro_rules! table {
    ($([$($dimension:expr),*] => [$($metric:expr),* $(,)?]),* $(,)?) => {
        vec![$((vec![$($dimension.to_string()),*] as Vec<String>, vec![$(serde_json::json!($metric)),*])),*]
            as Vec<(Vec<String>, Vec<serde_json::Value>)>
    };
}
