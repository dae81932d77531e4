//! Running roles: opens what they stand on, starts them, and ends them in the order that loses nothing.

pub mod admin;
pub mod engine;
mod first_token;
pub mod ledger_key;
pub mod log;
pub mod oidc;
mod registry;
pub mod witnesses;

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use avow_api::{Api, Oidc, Parts};
use avow_control::Control;
use avow_ingest::Ingest;
use avow_log::{Intake, Log};
use avow_processor::{Alerting, Processor};
use avow_registry::Registry;
use avow_telemetry::Metrics;
use avow_trees::keys::Keys;
use avow_warehouse::Warehouse;
use avow_webhooks::WebhooksConfig;
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::logging;

/// How long requests that are under way may take after the signal to end.
pub const DRAIN: Duration = Duration::from_secs(20);

/// Which roles a process has.
#[derive(Debug, Clone, Copy)]
pub struct Roles {
    pub ingest: bool,
    pub processor: bool,
    pub api: bool,
}

impl Roles {
    pub const ALL: Self = Self { ingest: true, processor: true, api: true };
    pub const INGEST: Self = Self { ingest: true, processor: false, api: false };
    pub const PROCESSOR: Self = Self { ingest: false, processor: true, api: false };
    pub const API: Self = Self { ingest: false, processor: false, api: true };

    const fn are_all(self) -> bool {
        self.ingest && self.processor && self.api
    }

    const fn need_warehouse(self) -> bool {
        self.processor || self.api
    }
}

/// Runs until SIGTERM or SIGINT, then drains.
pub async fn run(config: Config, roles: Roles) -> anyhow::Result<()> {
    logging::start(&config.logging)?;
    let stop = stop_on_signal()?;
    let server = Server::start(config, roles).await?;
    server.announce();
    stop.cancelled().await;
    server.stop().await
}

/// Cancelled by SIGTERM or SIGINT; a second signal ends the process at once.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        for round in 0.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if round > 0 {
                std::process::exit(130);
            }
            cancelled.cancel();
        }
    });
    Ok(stop)
}

/// A running server.
pub struct Server {
    config: Config,
    log: Arc<dyn Log>,
    engine: Option<engine::Embedded>,
    ingest: Option<Arc<Ingest>>,
    intake: Option<Arc<Intake>>,
    /// Makes readiness say no.
    draining: Arc<AtomicBool>,
    /// Makes it say yes, and lets readers in.
    serving: Arc<AtomicBool>,
    http: Option<Task>,
    processor: Option<Task>,
    /// Followers of the control topic, the admin listener, the api's own tasks.
    background: CancellationToken,
    pub first_token: Option<String>,
}

struct Task {
    stop: CancellationToken,
    handle: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    pub async fn start(config: Config, roles: Roles) -> anyhow::Result<Self> {
        if !roles.are_all() && config.kafka.brokers.is_none() {
            bail!("a role of its own needs Kafka: set kafka.brokers (AVOW_KAFKA__BROKERS), or run `avow serve`");
        }
        if !roles.are_all() && roles.need_warehouse() && config.clickhouse.url.is_none() {
            bail!(
                "this role needs ClickHouse: set clickhouse.url (AVOW_CLICKHOUSE__URL), to a server or to `avow box`"
            );
        }
        let oidc = if roles.api { oidc::provider(&config)? } else { None };
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("the data directory {}", config.data_dir.display()))?;
        let metrics = Metrics::new()?;
        let background = CancellationToken::new();
        let public =
            TcpListener::bind(config.listen).await.with_context(|| format!("listening on {}", config.listen))?;
        let admin = TcpListener::bind(config.admin_listen);
        let admin = admin.await.with_context(|| format!("listening on {}", config.admin_listen))?;
        let ready = admin::Readiness::default();
        tokio::spawn(admin::serve(admin, Arc::clone(&metrics), ready.clone(), background.clone()));

        let (registry, framing) = registry::open(&config).await?;
        let log = log::open(&config, roles).await?;
        let bootstrap = config.admin_token.as_ref().map(|token| token.reveal());
        // The embedded log is there whenever this process is.
        let snapshot = config.kafka.brokers.is_some().then(|| config.data_dir.join("control.jsonl"));
        let control = Control::start_with(Arc::clone(&log), bootstrap, snapshot, background.clone()).await?;
        control.write_as(framing).await?;
        let (engine, warehouse) = warehouse(&config, roles, &control).await?;
        if !control.is_stale() {
            control.reconcile_settings_leaves().await?;
        }
        let first_token = first_token::make(&config, &control).await?;

        let serving = engine.as_ref().map_or_else(Arc::default, |engine| Arc::clone(&engine.serving));
        serving.store(!roles.api, Ordering::Release);
        let mut server = Self {
            log: Arc::clone(&log),
            serving,
            engine,
            ingest: None,
            intake: None,
            draining: Arc::default(),
            http: None,
            processor: None,
            background,
            first_token,
            config,
        };
        let mut routes = Router::new();
        // An ingest of its own gives receipts if it is given the key.
        let signs = roles.processor || roles.api || server.config.ledger.has_key();
        let keys = if signs { Some(ledger_key::load(&server.config).await?) } else { None };
        if roles.ingest {
            let intake = log::intake(&server.config, &log, &metrics.spool).await?;
            let ingest =
                Ingest::new(&server.config.ingest, Arc::clone(&intake), Arc::clone(&control), Arc::clone(&metrics))?;
            if let Some(keys) = keys.clone().filter(|_| roles.are_all() || server.config.ledger.has_key()) {
                ingest.sign_receipts_with(ledger_key::receipts(keys, &control));
            }
            routes = routes.merge(avow_ingest::router(Arc::clone(&ingest)));
            server.ingest = Some(ingest);
            server.intake = Some(intake);
        }
        if let Some(warehouse) = &warehouse {
            if roles.processor {
                server.start_processor(&control, warehouse, (&metrics, keys.clone()), registry).await?;
            }
            if roles.api {
                routes = routes.merge(server.api(&control, warehouse, (metrics, keys), oidc).await?);
            }
        }
        server.http = Some(serve_http(public, routes));
        let intake = server.intake.clone().unwrap_or_else(|| Intake::direct(log));
        ready.follow(intake, server.draining.clone(), warehouse, Arc::clone(&server.serving));
        Ok(server)
    }

    async fn start_processor(
        &mut self,
        control: &Arc<Control>,
        warehouse: &Arc<Warehouse>,
        (metrics, keys): (&Arc<Metrics>, Option<Keys>),
        registry: Option<Arc<Registry>>,
    ) -> anyhow::Result<()> {
        let processor = Processor::new(
            self.config.processor.clone(),
            &self.config.data_dir,
            Arc::clone(&self.log),
            Arc::clone(control),
            Arc::clone(warehouse),
            Arc::clone(metrics),
        );
        let mut processor = processor.await?;
        if let Some(keys) = keys {
            processor = processor.with_signing(witnesses::signing(&self.config, keys)?);
        }
        if let Some(registry) = registry {
            processor = processor.with_registry(registry);
        }
        let alerting = Alerting { config: self.config.alerts.clone(), public_url: self.config.public_url() };
        processor = processor.with_alerting(alerting, self.config.webhooks.clone());
        let stop = CancellationToken::new();
        let running = processor.run(stop.clone());
        self.processor = Some(Task { stop, handle: tokio::spawn(async move { Ok(running.await?) }) });
        Ok(())
    }

    async fn api(
        &self,
        control: &Arc<Control>,
        warehouse: &Arc<Warehouse>,
        (metrics, keys): (Arc<Metrics>, Option<Keys>),
        oidc: Option<Oidc>,
    ) -> anyhow::Result<Router> {
        let parts = Parts {
            warehouse: Arc::clone(warehouse),
            log: Arc::clone(&self.log),
            control: Arc::clone(control),
            keys,
            metrics,
            taken_for: Duration::from_secs(u64::from(self.config.ingest.max_age_days) * 86_400),
            log_keeps: log::keeps(&self.config),
            webhooks: WebhooksConfig { public_url: Some(self.config.public_url()), ..self.config.webhooks.clone() },
            serving: Arc::clone(&self.serving),
            exports_dir: self.config.data_dir.join("exports"),
            query_exports_dir: self.config.data_dir.join("query-exports"),
            rebuilds_dir: self.config.data_dir.join("rebuilds"),
            audits_dir: self.config.data_dir.join("audits"),
            access_log: self.config.access_log.clone(),
            oidc,
            shutdown: self.background.clone(),
        };
        Ok(avow_api::router(Api::start(self.config.api.clone(), parts).await?))
    }

    /// Tells the person who started it where to go.
    fn announce(&self) {
        println!("avow listens on http://{}", self.config.listen);
        if let Some(token) = &self.first_token {
            println!("sign in at http://{}/#token={token}", self.config.listen);
            println!("the token is kept in {}", first_token::path(&self.config).display());
        }
    }

    /// Ends everything: no new requests, those under way are answered, the processor ends its range, the log is flushed,
    /// the engine is closed.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        tracing::info!("server.draining");
        self.draining.store(true, Ordering::Relaxed);
        self.background.cancel();
        if let Some(http) = self.http.take() {
            http.stop.cancel();
            if tokio::time::timeout(DRAIN, http.handle).await.is_err() {
                tracing::warn!("server.requests_cut_off");
            }
        }
        if let Some(ingest) = self.ingest.take() {
            ingest.drained().await;
        }
        if let Some(intake) = self.intake.take() {
            intake.close().await;
        }
        if let Some(processor) = self.processor.take() {
            processor.stop.cancel();
            processor.handle.await??;
        }
        self.log.close().await;
        if let Some(engine) = self.engine.take() {
            engine.close().await;
        }
        tracing::info!("server.stopped");
        Ok(())
    }
}

/// The warehouse: over the configured server, or over the engine in this process.
pub async fn warehouse(
    config: &Config,
    roles: Roles,
    control: &Arc<Control>,
) -> anyhow::Result<(Option<engine::Embedded>, Option<Arc<Warehouse>>)> {
    if !roles.need_warehouse() {
        return Ok((None, None));
    }
    match &config.clickhouse.url {
        Some(url) => Ok((None, Some(Warehouse::open(&config.endpoint(url.clone())).await?))),
        None => {
            let engine = engine::Embedded::start(config, control).await?;
            let warehouse = Warehouse::open(&engine.endpoint).await?;
            Ok((Some(engine), Some(warehouse)))
        }
    }
}

fn serve_http(listener: TcpListener, routes: Router) -> Task {
    let stop = CancellationToken::new();
    let routes = routes.into_make_service_with_connect_info::<std::net::SocketAddr>();
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    Task { stop, handle: tokio::spawn(async move { Ok(serving.into_future().await?) }) }
}
