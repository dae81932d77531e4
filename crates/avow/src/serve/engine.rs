//! The embedded engine: one for this process, behind a listener of its own on loopback that only the warehouse's client
//! knows, and, if configured, behind a second one for BI. `avow box` is the engine alone.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use avow_chbox::{Access, Engine, EngineConfig, Gatekeeper, ReaderAccess};
use avow_control::{Caller, Control};
use avow_schemas::control::Scope;
use avow_warehouse::Endpoint;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::logging;

/// Views that `stats:read` may see; the others need `audit:read`, since small cells cannot be suppressed in SQL.
const OPEN_VIEWS: &[&str] = &["services", "sites"];
const AUDIT_VIEWS: &[&str] = &["events", "choices", "signals", "rates_15m", "checkpoints"];
const BOX_PORT: u16 = 8123;

/// The engine inside this process.
pub struct Embedded {
    engine: Arc<Engine>,
    listeners: Vec<JoinHandle<()>>,
    stop: CancellationToken,
    /// How the warehouse's client reaches it.
    pub endpoint: Endpoint,
    /// Whether readers are let in: not before it is known that nobody who was erased is there.
    pub serving: Arc<AtomicBool>,
}

impl Embedded {
    pub async fn start(config: &Config, control: &Arc<Control>) -> anyhow::Result<Self> {
        let engine = open(config).await?;
        let stop = CancellationToken::new();
        let inner = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening on loopback")?;
        let password = uuid::Uuid::new_v4().simple().to_string();
        let endpoint = Endpoint {
            url: format!("http://{}", inner.local_addr()?),
            user: "avow".into(),
            password: password.clone(),
            database: config.clickhouse.database.clone(),
        };
        let insider = Arc::new(Insider { user: "avow".into(), password });
        let serving = Arc::<AtomicBool>::default();
        let mut listeners = vec![listen(inner, &engine, insider, &stop)];
        if let Some(address) = config.clickhouse_listen {
            let outer = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
            let (control, database) = (Arc::clone(control), config.clickhouse.database.clone());
            let bi = Arc::new(Bi { control, database, serving: Arc::clone(&serving) });
            listeners.push(listen(outer, &engine, bi, &stop));
        }
        Ok(Self { engine, listeners, stop, endpoint, serving })
    }

    /// Lets statements end and closes the engine.
    pub async fn close(self) {
        self.stop.cancel();
        for listener in self.listeners {
            let _ = listener.await;
        }
        self.engine.close().await;
    }
}

/// `avow box`.
pub async fn alone(config: Config) -> anyhow::Result<()> {
    logging::start(&config.logging)?;
    let stop = super::stop_on_signal()?;
    let engine = open(&config).await?;
    let address = config.clickhouse_listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, BOX_PORT).into());
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    let insider =
        Insider { user: config.clickhouse.user.clone(), password: config.clickhouse.password.reveal().to_owned() };
    println!("avow box: ClickHouse {} on http://{address}", engine.version());
    let served = avow_chbox::serve(listener, Arc::clone(&engine), Arc::new(insider), stop).await;
    engine.close().await;
    served.map_err(|error| anyhow::anyhow!(error))
}

async fn open(config: &Config) -> anyhow::Result<Arc<Engine>> {
    let engine = EngineConfig {
        library: config.libchdb.clone(),
        path: config.data_dir.join("clickhouse"),
        fsync: true,
        max_connections: config.engine.max_connections,
        memory_limit_bytes: config.engine.memory_mib.map(|mib| mib << 20),
        reserve_bytes: config.engine.reserve_mib << 20,
    };
    let opened = tokio::task::spawn_blocking(move || Engine::open(engine)).await?;
    opened.map_err(|error| anyhow::anyhow!(error))
}

fn listen(
    listener: TcpListener,
    engine: &Arc<Engine>,
    gatekeeper: Arc<dyn Gatekeeper>,
    stop: &CancellationToken,
) -> JoinHandle<()> {
    let serving = avow_chbox::serve(listener, Arc::clone(engine), gatekeeper, stop.clone());
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "engine.listener_failed");
        }
    })
}

/// One user who may do everything.
struct Insider {
    user: String,
    password: String,
}

impl Gatekeeper for Insider {
    fn admit(&self, user: &str, password: &str) -> Option<Access> {
        (user == self.user && password == self.password).then_some(Access::Full)
    }
}

/// User `bi`, password a token: the public views, those rows of them that the token's sites allow.
struct Bi {
    control: Arc<Control>,
    database: String,
    serving: Arc<AtomicBool>,
}

impl Gatekeeper for Bi {
    fn admit(&self, user: &str, password: &str) -> Option<Access> {
        let caller = (user == "bi" && self.serving.load(Ordering::Acquire))
            .then(|| self.control.authenticate(password))
            .flatten()?;
        let mut views: Vec<&str> = Vec::new();
        if caller.has(Scope::StatsRead) || caller.has(Scope::AuditRead) {
            views.extend(OPEN_VIEWS);
        }
        if caller.has(Scope::AuditRead) {
            views.extend(AUDIT_VIEWS);
        }
        if views.is_empty() {
            return None;
        }
        let row_filters = row_filters(&caller, &views);
        let views = views.into_iter().map(str::to_owned).collect();
        Some(Access::Reader(ReaderAccess { database: self.database.clone(), views, row_filters }))
    }
}

/// Site names are checked to hold no quote or backslash (`SiteId`).
fn row_filters(caller: &Caller, views: &[&str]) -> Vec<(String, String)> {
    let Some(sites) = caller.sites() else { return Vec::new() };
    let list: Vec<String> = sites.iter().map(|site| format!("'{site}'")).collect();
    let condition = if list.is_empty() { "0".to_owned() } else { format!("site IN ({})", list.join(", ")) };
    views.iter().filter(|view| **view != "services").map(|view| ((*view).to_owned(), condition.clone())).collect()
}
