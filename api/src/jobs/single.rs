//! Jobs of which at most one is under way. One that a stop or a kill broke off begins again when the role starts.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Content, Job, State, Store};
use crate::moment;
use crate::problem::Problem;

/// A kind of such jobs.
pub trait Work: Send + Sync + 'static {
    /// What it is called, in log lines and answers.
    const NAME: &'static str;
    /// The code of the problem that there is no such job.
    const UNKNOWN: &'static str;
    /// The path of its jobs.
    const PATH: &'static str;
    /// What came of it; by default nothing yet.
    type Outcome: Content + Default + Sync;

    /// Does it. `progress` is told a share, 0 to 1.
    fn run(
        &self,
        job: Uuid,
        progress: impl Fn(f64) + Send + Sync,
    ) -> impl Future<Output = Result<Self::Outcome, String>> + Send;
}

/// The jobs of a kind.
pub struct Single<W: Work> {
    store: Store<W::Outcome>,
    work: W,
    shutdown: CancellationToken,
    /// Held while a job is being begun.
    beginning: Mutex<()>,
}

impl<W: Work> Single<W> {
    /// Opens the folder and begins anew what was broken off.
    ///
    /// # Errors
    /// The disk's.
    pub async fn open(folder: PathBuf, work: W, shutdown: CancellationToken) -> io::Result<Arc<Self>> {
        let store = tokio::task::spawn_blocking(move || Store::open(folder)).await.map_err(io::Error::other)??;
        let jobs = Arc::new(Self { store, work, shutdown, beginning: Mutex::new(()) });
        if let Some(job) = jobs.under_way() {
            tracing::info!(kind = W::NAME, job = %job.id, "api.job_begun_anew");
            tokio::spawn(Arc::clone(&jobs).run(job));
        }
        Ok(jobs)
    }

    /// # Errors
    /// 404 where there is none of that id.
    pub fn job(&self, id: Uuid) -> Result<Job<W::Outcome>, Problem> {
        let unknown = || Problem::not_found(W::UNKNOWN, format!("there is no {} {id}", W::NAME));
        self.store.job(id).ok_or_else(unknown)
    }

    /// All jobs, newest first.
    pub fn newest_first(&self) -> Vec<Job<W::Outcome>> {
        let mut jobs = self.store.jobs();
        jobs.reverse();
        jobs
    }

    /// The newest job that was done.
    pub fn last_done(&self) -> Option<Uuid> {
        self.newest_first().iter().find(|job| job.state == State::Done).map(|job| job.id)
    }

    fn under_way(&self) -> Option<Job<W::Outcome>> {
        self.store.jobs().into_iter().find(|job| !job.state.is_over())
    }

    /// Begins a job; when it is answered it is on disk. 409 where one is under way.
    ///
    /// # Errors
    /// That problem, and the disk's.
    pub async fn begin<V: Serialize>(
        self: &Arc<Self>,
        by: Uuid,
        shown: impl Fn(&Job<W::Outcome>) -> V,
    ) -> Result<Response, Problem> {
        let _one_at_a_time = self.beginning.lock().await;
        let location = |id: Uuid| format!("{}/{id}", W::PATH);
        if let Some(job) = self.under_way() {
            let detail = format!("{} is under way: wait until it is done", location(job.id));
            let problem = Problem::new(StatusCode::CONFLICT, "under_way", detail);
            return Err(problem.with(W::NAME, location(job.id).into()));
        }
        let job = Job::new(by, moment::now(), W::Outcome::default());
        let kept = self.keep(job.clone()).await;
        kept.map_err(|error| Problem::unavailable(format!("the {} cannot be noted: {error}", W::NAME)))?;
        tracing::info!(kind = W::NAME, job = %job.id, by = %by, "api.job_begun");
        tokio::spawn(Arc::clone(self).run(job.clone()));
        Ok((StatusCode::ACCEPTED, [(header::LOCATION, location(job.id))], Json(shown(&job))).into_response())
    }

    async fn keep(self: &Arc<Self>, job: Job<W::Outcome>) -> io::Result<()> {
        let jobs = Arc::clone(self);
        tokio::task::spawn_blocking(move || jobs.store.put(job)).await.map_err(io::Error::other)?
    }

    async fn run(self: Arc<Self>, mut job: Job<W::Outcome>) {
        job.state = State::Running;
        self.note(&job).await;
        let progress = |share| self.store.progress(job.id, share);
        // A stop leaves the job as it is on disk; the next start begins it anew.
        let outcome = tokio::select! {
            () = self.shutdown.cancelled() => return,
            outcome = self.work.run(job.id, progress) => outcome,
        };
        match outcome {
            Ok(outcome) => {
                tracing::info!(kind = W::NAME, job = %job.id, "api.job_done");
                job.of = outcome;
                job.done(moment::now());
            }
            Err(error) => {
                tracing::error!(kind = W::NAME, job = %job.id, error, "api.job_failed");
                job.failed(error, moment::now());
            }
        }
        self.note(&job).await;
    }

    async fn note(self: &Arc<Self>, job: &Job<W::Outcome>) {
        if let Err(error) = self.keep(job.clone()).await {
            tracing::error!(kind = W::NAME, job = %job.id, %error, "api.job_not_kept");
        }
    }
}
