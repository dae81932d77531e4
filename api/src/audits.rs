//! Audits of the ledgers: jobs in which everything that was derived for them is derived anew and compared, one at a time. One
//! that a stop or a kill broke off begins again when the role starts.

pub mod create;
pub mod get;
mod job;
pub mod list;

use std::path::PathBuf;
use std::sync::Arc;

use avow_control::Control;
use avow_trees::audit;
use avow_warehouse::Warehouse;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::api::ApiError;
use crate::jobs::{State, Store};
use crate::moment;
use job::{Job, LedgerFindings};

/// The jobs, at most one of them under way.
pub struct Audits {
    store: Store<Job>,
    warehouse: Arc<Warehouse>,
    control: Arc<Control>,
    log_id: Uuid,
    shutdown: CancellationToken,
    /// Held while a job is being begun.
    beginning: Mutex<()>,
}

/// Why an audit was not begun.
enum NotBegun {
    UnderWay(Job),
    Disk(std::io::Error),
}

impl Audits {
    /// Opens the folder and begins anew what was broken off.
    pub async fn open(
        folder: PathBuf,
        warehouse: Arc<Warehouse>,
        control: Arc<Control>,
        log_id: Uuid,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, ApiError> {
        let opened = folder.clone();
        let store = tokio::task::spawn_blocking(move || Store::<Job>::open(opened)).await;
        let store = store.map_err(std::io::Error::other).and_then(|opened| opened);
        let store = store.map_err(|source| ApiError::Audits { path: folder, source })?;
        let audits = Arc::new(Self { store, warehouse, control, log_id, shutdown, beginning: Mutex::new(()) });
        if let Some(job) = audits.under_way() {
            tracing::info!(audit = %job.id, "api.ledger_audit_begun_anew");
            tokio::spawn(Arc::clone(&audits).work(job));
        }
        Ok(audits)
    }

    fn under_way(&self) -> Option<Job> {
        self.store.jobs().into_iter().find(|job| !job.state.is_over())
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
        let audits = Arc::clone(self);
        tokio::task::spawn_blocking(move || audits.store.put(job)).await.map_err(std::io::Error::other)?
    }

    async fn work(self: Arc<Self>, mut job: Job) {
        job.state = State::Running;
        self.note(&job).await;
        let keys = self.control.directory().ledger_keys().to_vec();
        let progress = |share| self.store.progress(job.id, share);
        // A stop leaves the job as it is on disk; the next start begins it anew.
        let outcome = tokio::select! {
            () = self.shutdown.cancelled() => return,
            outcome = audit::audit(&self.warehouse, self.log_id, &keys, progress) => outcome,
        };
        match outcome {
            Ok(found) => {
                let (leaves, faults) = (found.leaves, found.fault_count);
                if faults == 0 {
                    tracing::info!(audit = %job.id, leaves, faults, "api.ledger_audit_done");
                } else {
                    tracing::error!(audit = %job.id, leaves, faults, "api.ledger_audit_done");
                }
                job.state = State::Done;
                job.progress = 1.0;
                job.found = Some(LedgerFindings::from(found));
            }
            Err(error) => {
                tracing::error!(audit = %job.id, %error, "api.ledger_audit_failed");
                job.state = State::Failed;
                job.error = Some(error.to_string());
            }
        }
        job.finished_at = Some(moment::now());
        self.note(&job).await;
    }

    async fn note(self: &Arc<Self>, job: &Job) {
        if let Err(error) = self.keep(job.clone()).await {
            tracing::error!(audit = %job.id, %error, "api.ledger_audit_not_kept");
        }
    }
}
