//! Audit exports: jobs that write a zip to disk, one after another, and survive a restart.
//!
//! A job is a folder: `job.json` says what is asked and how it stands ([`job`]), `bundle.zip` appears when it is done
//! ([`work`], [`archive`]). Events go from the warehouse to the disk as they lie there, one subject's at a time ([`readable`]); what
//! opens them is sorted by leaf on the way ([`order`]), and then comes what proves them ([`proof`]). So each is read once, and
//! memory stays flat.

mod archive;
mod artefacts;
pub mod bundle;
pub mod create;
mod days;
mod disclosure;
mod figures;
pub mod get;
pub(crate) mod job;
pub mod list;
mod order;
mod proof;
mod reach;
mod readable;
mod summary;
mod time;
mod withdraw;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

use avow_control::Control;
use avow_schemas::control::LedgerKey;
use avow_trees::OPERATOR;
use avow_trees::keys::Keys;
use avow_warehouse::Warehouse;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::api::ApiError;
use crate::config::ApiConfig;
use crate::jobs::{State, Store};
use crate::moment;
use job::{Asked, Job, OfExport};

const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(3600);
/// How often an export is begun again whose records have changed while it was made.
const ONCE_MORE: usize = 2;

/// The jobs and the worker that does them.
pub struct Exports {
    store: Store<OfExport>,
    queue: mpsc::UnboundedSender<Uuid>,
    warehouse: Arc<Warehouse>,
    control: Arc<Control>,
    /// With what manifests are signed, if they are the installation's keys.
    keys: Option<Keys>,
    log_id: Uuid,
    keep_ms: i64,
    /// One look at the bundles at a time.
    withdrawing: tokio::sync::Mutex<()>,
}

impl Exports {
    /// Opens the folder, queues what a stop left undone, and starts the worker.
    pub async fn open(
        config: &ApiConfig,
        folder: PathBuf,
        warehouse: Arc<Warehouse>,
        (control, keys): (Arc<Control>, Option<Keys>),
        log_id: Uuid,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, ApiError> {
        let opened = folder.clone();
        let store = tokio::task::spawn_blocking(move || Store::<OfExport>::open(opened)).await;
        let store = store.map_err(std::io::Error::other).and_then(|opened| opened);
        let store = store.map_err(|source| ApiError::Exports { path: folder, source })?;
        let (queue, waiting) = mpsc::unbounded_channel();
        for job in store.jobs().into_iter().filter(|job| !job.state.is_over()) {
            let _ = queue.send(job.id);
        }
        let keep_ms = config.keep_exports_ms();
        let withdrawing = tokio::sync::Mutex::default();
        let exports = Arc::new(Self { store, queue, warehouse, control, keys, log_id, keep_ms, withdrawing });
        tokio::spawn(Arc::clone(&exports).work(waiting, shutdown.clone()));
        tokio::spawn(Arc::clone(&exports).keep_withdrawing(shutdown));
        Ok(exports)
    }

    /// What signs a manifest, if this process has the key with which the installation signs.
    fn signature(&self, published: &[Arc<LedgerKey>]) -> Option<archive::Sign> {
        let signer = self.keys.as_ref()?.signer(published)?;
        let runtime = tokio::runtime::Handle::current();
        Some(Box::new(move |sha256| {
            let note = runtime.block_on(signer.note(OPERATOR, format!("avow bundle\n{sha256}\n")));
            note.map(|note| note.to_string())
        }))
    }

    /// Puts a job into the queue; on return it is on disk.
    async fn begin(self: &Arc<Self>, asked: Asked, by: Uuid) -> std::io::Result<Job> {
        let job = Job::new(by, moment::now(), OfExport::of(asked));
        let (exports, stored) = (Arc::clone(self), job.clone());
        tokio::task::spawn_blocking(move || exports.store.put(stored)).await.map_err(std::io::Error::other)??;
        let _ = self.queue.send(job.id);
        Ok(job)
    }

    async fn work(self: Arc<Self>, mut waiting: mpsc::UnboundedReceiver<Uuid>, shutdown: CancellationToken) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        loop {
            let id = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = sweep.tick() => {
                    self.store.forget_before(moment::now() - self.keep_ms);
                    continue;
                }
                id = waiting.recv() => id,
            };
            let Some(job) = id.and_then(|id| self.store.job(id)).filter(|job| !job.state.is_over()) else { continue };
            // A stop leaves the job as it is on disk; the next start does it again.
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.do_job(job) => self.withdraw_erased().await,
            }
        }
    }

    async fn do_job(&self, mut job: Job) {
        job.state = State::Running;
        self.keep(&job);
        let mut outcome = work::run(self, &job).await;
        for _ in 0..ONCE_MORE {
            // Somebody was erased in between.
            let Err(work::WorkError::Incomplete { .. }) = &outcome else { break };
            outcome = work::run(self, &job).await;
        }
        match outcome {
            Ok((done, waiting)) => {
                job.done(moment::now());
                job.of.waiting = Some(waiting.events);
                job.of.waiting_since = (waiting.events > 0).then_some(waiting.since);
                job.of.records = Some(done.records);
                job.of.size_bytes = Some(done.size_bytes);
                job.of.sha256 = Some(done.sha256);
            }
            Err(error) => {
                tracing::error!(export = %job.id, site = job.of.asked.site, %error, "api.export_failed");
                job.failed(error, moment::now());
            }
        }
        self.keep(&job);
    }

    fn keep(&self, job: &Job) {
        if let Err(error) = self.store.put(job.clone()) {
            tracing::error!(export = %job.id, %error, "api.export_not_kept");
        }
    }
}
