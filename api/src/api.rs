//! What every handler works with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use avow_control::Control;
use avow_log::Log;
use avow_telemetry::Metrics;
use avow_trees::keys::Keys;
use avow_warehouse::Warehouse;
use avow_webhooks::WebhooksConfig;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::access_log::{AccessLogConfig, Notes};
use crate::allowance::Allowance;
use crate::audits::{Audit, Audits};
use crate::config::ApiConfig;
use crate::exports::Exports;
use crate::letters::Letters;
use crate::live::Live;
use crate::oidc::Oidc;
use crate::quality::watch;
use crate::query::export::{QueryExports, Writing};
use crate::rebuilds::{Rebuilding, Rebuilds};
use crate::restored;
use crate::sessions::attempts::Attempts;

const PASSWORDS_AT_ONCE: usize = 2;

/// What this role stands on.
pub struct Parts {
    pub warehouse: Arc<Warehouse>,
    pub log: Arc<dyn Log>,
    pub control: Arc<Control>,
    /// With what exports are signed.
    pub keys: Option<Keys>,
    pub metrics: Arc<Metrics>,
    /// For so long after they happened events are taken, imports aside.
    pub taken_for: Duration,
    /// Within this time the log forgets what is derived.
    pub log_keeps: Duration,
    /// To which addresses messages may go.
    pub webhooks: WebhooksConfig,
    /// Is made true once no erasure is known that the warehouse has not applied.
    pub serving: Arc<AtomicBool>,
    /// Where export jobs and their bundles lie; made where it is missing.
    pub exports_dir: PathBuf,
    /// Where exports of numbers lie; made where it is missing.
    pub query_exports_dir: PathBuf,
    /// Where rebuilds are noted; made where it is missing.
    pub rebuilds_dir: PathBuf,
    /// Where audits of the ledgers are noted; made where it is missing.
    pub audits_dir: PathBuf,
    pub access_log: AccessLogConfig,
    /// Where people may sign in besides.
    pub oidc: Option<Oidc>,
    /// Ends the tasks behind the handlers: the export worker, a rebuild, the live poller and its streams.
    pub shutdown: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("the folder of exports, {path}: {source}")]
    Exports { path: PathBuf, source: std::io::Error },
    #[error("the folder of rebuilds, {path}: {source}")]
    Rebuilds { path: PathBuf, source: std::io::Error },
    #[error("the folder of audits, {path}: {source}")]
    Audits { path: PathBuf, source: std::io::Error },
}

/// The role's state.
pub struct Api {
    pub(crate) config: ApiConfig,
    pub(crate) warehouse: Arc<Warehouse>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) control: Arc<Control>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) exports: Arc<Exports>,
    pub(crate) query_exports: Arc<QueryExports>,
    pub(crate) rebuilds: Arc<Rebuilds>,
    pub(crate) audits: Arc<Audits>,
    pub(crate) letters: Letters,
    pub(crate) live: Arc<Live>,
    pub(crate) keys: Option<Keys>,
    pub(crate) log_keeps: Duration,
    pub(crate) taken_for: Duration,
    pub(crate) webhooks: WebhooksConfig,
    pub(crate) serving: Arc<AtomicBool>,
    /// One erasure at a time.
    pub(crate) erasing: Mutex<()>,
    /// Turns at the warehouse.
    pub(crate) queries: Arc<Semaphore>,
    pub(crate) allowance: Allowance,
    /// Turns at hashing passwords: each takes 19 MiB and a core.
    pub(crate) passwords: Semaphore,
    pub(crate) attempts: Attempts,
    pub(crate) access_log: AccessLogConfig,
    pub(crate) oidc: Option<Oidc>,
    pub(crate) notes: Notes,
}

impl Api {
    /// Opens the folders of exports and rebuilds, takes up the jobs that a stop left open, and is ready for [`crate::router`]. Must be
    /// called within a Tokio runtime.
    ///
    /// # Errors
    /// Where a folder cannot be used.
    pub async fn start(config: ApiConfig, parts: Parts) -> Result<Arc<Self>, ApiError> {
        let Parts { warehouse, log, control, keys, metrics, log_keeps, webhooks, serving, taken_for, .. } = parts;
        let (access_log, oidc) = (parts.access_log, parts.oidc);
        let (exports_dir, rebuilds_dir, audits_dir) = (parts.exports_dir, parts.rebuilds_dir, parts.audits_dir);
        let shutdown = parts.shutdown;
        let exports = Exports::open(
            &config,
            exports_dir,
            Arc::clone(&warehouse),
            (Arc::clone(&control), keys.clone()),
            log.identity().log_id,
            shutdown.clone(),
        );
        let exports = exports.await?;
        let queries = Arc::new(Semaphore::new(config.concurrent_queries.max(1)));
        let writing = {
            let (warehouse, log, control) = (Arc::clone(&warehouse), Arc::clone(&log), Arc::clone(&control));
            Writing { warehouse, log, control, limits: config.limits(), taken_for, queries: Arc::clone(&queries) }
        };
        let folder = parts.query_exports_dir;
        let query_exports = QueryExports::open(folder.clone(), writing, config.keep_exports_ms(), shutdown.clone());
        let query_exports = query_exports.await.map_err(|source| ApiError::Exports { path: folder, source })?;
        let rebuilding = Rebuilding { warehouse: Arc::clone(&warehouse) };
        let rebuilds = Rebuilds::open(rebuilds_dir.clone(), rebuilding, shutdown.clone()).await;
        let rebuilds = rebuilds.map_err(|source| ApiError::Rebuilds { path: rebuilds_dir, source })?;
        let (warehouse_too, control_too) = (Arc::clone(&warehouse), Arc::clone(&control));
        let audit = Audit { warehouse: warehouse_too, control: control_too, log_id: log.identity().log_id };
        let audits = Audits::open(audits_dir.clone(), audit, shutdown.clone()).await;
        let audits = audits.map_err(|source| ApiError::Audits { path: audits_dir, source })?;
        if config.books_seconds > 0 {
            let every = Duration::from_secs(config.books_seconds);
            tokio::spawn(watch(Arc::clone(&warehouse), Arc::clone(&metrics), every, shutdown.clone()));
        }
        let live = Live::new(Arc::clone(&warehouse), log.identity().log_id, config.live_streams, shutdown.clone());
        let (of_warehouse, of_log) = (Arc::clone(&warehouse), Arc::clone(&log));
        tokio::spawn(restored::serve_once_applied(
            of_warehouse,
            of_log,
            Arc::clone(&control),
            Arc::clone(&serving),
            shutdown.clone(),
        ));
        let letters = Letters::new(Arc::clone(&log));
        let allowance = Allowance::new(config.requests_per_minute);
        let notes = Notes::start(Arc::clone(&warehouse), shutdown.clone());
        let attempts = Attempts::new(config.sign_in_attempts);
        Ok(Arc::new(Self {
            config,
            warehouse,
            log,
            control,
            metrics,
            exports,
            query_exports,
            rebuilds,
            audits,
            letters,
            live,
            keys,
            log_keeps,
            taken_for,
            webhooks,
            serving,
            erasing: Mutex::default(),
            queries,
            allowance,
            passwords: Semaphore::new(PASSWORDS_AT_ONCE),
            attempts,
            access_log,
            oidc,
            notes,
        }))
    }
}
