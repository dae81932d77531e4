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

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avow_control::Control;
use avow_schemas::control::LedgerKey;
use avow_trees::OPERATOR;
use avow_trees::keys::Keys;
use avow_warehouse::Warehouse;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::api::ApiError;
use crate::config::ApiConfig;
use crate::jobs::Store;
use crate::jobs::queue::{Queue, Task};
use job::{Job, OfExport};

/// How often an export is begun again whose records have changed while it was made.
const ONCE_MORE: usize = 2;

/// The jobs, and what becomes of their bundles when somebody is erased.
pub struct Exports {
    queue: Arc<Queue<Bundling>>,
    control: Arc<Control>,
    /// One look at the bundles at a time.
    withdrawing: tokio::sync::Mutex<()>,
}

/// What bundles are made of.
pub struct Bundling {
    warehouse: Arc<Warehouse>,
    control: Arc<Control>,
    /// With what manifests are signed, if they are the installation's keys.
    keys: Option<Keys>,
    log_id: Uuid,
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
        let bundling = Bundling { warehouse, control: Arc::clone(&control), keys, log_id };
        let queue = Queue::open(folder.clone(), bundling, config.keep_exports_ms(), shutdown.clone()).await;
        let queue = queue.map_err(|source| ApiError::Exports { path: folder, source })?;
        let exports = Arc::new(Self { queue, control, withdrawing: tokio::sync::Mutex::default() });
        tokio::spawn(Arc::clone(&exports).keep_withdrawing(shutdown));
        Ok(exports)
    }

    fn store(&self) -> &Store<OfExport> {
        self.queue.store()
    }
}

impl Bundling {
    /// What signs a manifest, if this process has the key with which the installation signs.
    fn signature(&self, published: &[Arc<LedgerKey>]) -> Option<archive::Sign> {
        let signer = self.keys.as_ref()?.signer(published)?;
        let runtime = tokio::runtime::Handle::current();
        Some(Box::new(move |sha256| {
            let note = runtime.block_on(signer.note(OPERATOR, format!("avow bundle\n{sha256}\n")));
            note.map(|note| note.to_string())
        }))
    }
}

impl Task for Bundling {
    const NAME: &'static str = "export";
    type Of = OfExport;

    async fn run(&self, job: &Job, folder: &Path, progress: impl Fn(f64) + Send + Sync) -> Result<OfExport, String> {
        let mut outcome = work::run(self, job, folder, &progress).await;
        for _ in 0..ONCE_MORE {
            // Somebody was erased in between.
            let Err(work::WorkError::Incomplete { .. }) = &outcome else { break };
            outcome = work::run(self, job, folder, &progress).await;
        }
        let (done, waiting) = outcome.map_err(|error| error.to_string())?;
        Ok(OfExport {
            waiting: Some(waiting.events),
            waiting_since: (waiting.events > 0).then_some(waiting.since),
            records: Some(done.records),
            size_bytes: Some(done.size_bytes),
            sha256: Some(done.sha256),
            ..job.of.clone()
        })
    }
}
