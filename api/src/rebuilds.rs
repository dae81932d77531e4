//! Rebuilds: jobs in which the warehouse makes its derived tables anew, one at a time. One that a stop or a kill broke off
//! begins again when the role starts.

pub mod create;
pub mod get;
mod job;
pub mod list;

use std::path::PathBuf;
use std::sync::Arc;

use avow_warehouse::Warehouse;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::api::ApiError;
use crate::jobs::{State, Store};
use crate::moment;
use job::Job;

/// The jobs, at most one of them under way.
pub struct Rebuilds {
    store: Store<Job>,
    warehouse: Arc<Warehouse>,
    shutdown: CancellationToken,
    /// Held while a job is being begun.
    beginning: Mutex<()>,
}

/// Why a rebuild was not begun.
enum NotBegun {
    UnderWay(Job),
    Disk(std::io::Error),
}

impl Rebuilds {
    /// Opens the folder and begins anew what was broken off.
    pub async fn open(
        folder: PathBuf,
        warehouse: Arc<Warehouse>,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, ApiError> {
        let opened = folder.clone();
        let store = tokio::task::spawn_blocking(move || Store::<Job>::open(opened)).await;
        let store = store.map_err(std::io::Error::other).and_then(|opened| opened);
        let store = store.map_err(|source| ApiError::Rebuilds { path: folder, source })?;
        let rebuilds = Arc::new(Self { store, warehouse, shutdown, beginning: Mutex::new(()) });
        if let Some(job) = rebuilds.under_way() {
            tracing::info!(rebuild = %job.id, "api.rebuild_begun_anew");
            tokio::spawn(Arc::clone(&rebuilds).work(job));
        }
        Ok(rebuilds)
    }

    fn under_way(&self) -> Option<Job> {
        self.store.jobs().into_iter().find(|job| !job.state.is_over())
    }

    /// The newest rebuild that was done: answers read before it may differ from those read after it.
    pub fn last_done(&self) -> Option<Uuid> {
        self.store.jobs().iter().rfind(|job| job.state == State::Done).map(|job| job.id)
    }

    /// Begins a job; on return it is on disk.
    async fn begin(self: &Arc<Self>, by: Uuid) -> Result<Job, NotBegun> {
        let _one_at_a_time = self.beginning.lock().await;
        if let Some(job) = self.under_way() {
            return Err(NotBegun::UnderWay(job));
        }
        let job = Job::new(by, moment::now());
        self.keep(job.clone()).await.map_err(NotBegun::Disk)?;
        tokio::spawn(Arc::clone(self).work(job.clone()));
        Ok(job)
    }

    async fn keep(self: &Arc<Self>, job: Job) -> std::io::Result<()> {
        let rebuilds = Arc::clone(self);
        tokio::task::spawn_blocking(move || rebuilds.store.put(job)).await.map_err(std::io::Error::other)?
    }

    async fn work(self: Arc<Self>, mut job: Job) {
        job.state = State::Running;
        self.note(&job).await;
        let progress = |share| self.store.progress(job.id, share);
        // A stop leaves the job as it is on disk; the next start begins it anew.
        let outcome = tokio::select! {
            () = self.shutdown.cancelled() => return,
            outcome = self.warehouse.rebuild(job.id, progress) => outcome,
        };
        match outcome {
            Ok(rebuilt) => {
                tracing::info!(rebuild = %job.id, rebuilt.rows, rebuilt.ids_copied, "api.rebuild_done");
                job.state = State::Done;
                job.progress = 1.0;
                job.rows = Some(rebuilt.rows);
                job.ids_copied = Some(rebuilt.ids_copied);
                job.rates_kept = rebuilt.rates_kept;
            }
            Err(error) => {
                tracing::error!(rebuild = %job.id, %error, "api.rebuild_failed");
                job.state = State::Failed;
                job.error = Some(error.to_string());
            }
        }
        job.finished_at = Some(moment::now());
        self.note(&job).await;
    }

    async fn note(self: &Arc<Self>, job: &Job) {
        if let Err(error) = self.keep(job.clone()).await {
            tracing::error!(rebuild = %job.id, %error, "api.rebuild_not_kept");
        }
    }
}
