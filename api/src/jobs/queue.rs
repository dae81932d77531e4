//! Jobs that wait for their turn, one after another. One that a stop or a kill broke off is done again when the role starts.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Content, Job, State, Store};
use crate::moment;

const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// A kind of such jobs.
pub trait Task: Send + Sync + 'static {
    /// What it is called, in log lines.
    const NAME: &'static str;
    /// What is asked for and what came of it.
    type Of: Content + Sync;

    /// Does it, with its files in `folder`. `progress` is told a share, 0 to 1.
    fn run(
        &self,
        job: &Job<Self::Of>,
        folder: &Path,
        progress: impl Fn(f64) + Send + Sync,
    ) -> impl Future<Output = Result<Self::Of, String>> + Send;
}

/// The jobs of a kind and the worker that does them.
pub struct Queue<T: Task> {
    store: Store<T::Of>,
    task: T,
    waiting: mpsc::UnboundedSender<Uuid>,
    /// How long a job that is over is kept, in milliseconds.
    keep_ms: i64,
    over: Notify,
}

impl<T: Task> Queue<T> {
    /// Opens the folder, queues what a stop left undone, and starts the worker.
    ///
    /// # Errors
    /// The disk's.
    pub async fn open(folder: PathBuf, task: T, keep_ms: i64, shutdown: CancellationToken) -> io::Result<Arc<Self>> {
        let store = tokio::task::spawn_blocking(move || Store::<T::Of>::open(folder)).await;
        let store = store.map_err(io::Error::other)??;
        let (waiting, queued) = mpsc::unbounded_channel();
        for job in store.jobs().into_iter().filter(|job| !job.state.is_over()) {
            let _ = waiting.send(job.id);
        }
        let queue = Arc::new(Self { store, task, waiting, keep_ms, over: Notify::new() });
        tokio::spawn(Arc::clone(&queue).work(queued, shutdown));
        Ok(queue)
    }

    pub fn store(&self) -> &Store<T::Of> {
        &self.store
    }

    /// Waits until a job has come to its end since this was last asked.
    pub async fn over(&self) {
        self.over.notified().await;
    }

    /// Puts a job into the queue; on return it is on disk.
    ///
    /// # Errors
    /// The disk's.
    pub async fn begin(self: &Arc<Self>, by: Uuid, of: T::Of) -> io::Result<Job<T::Of>> {
        let job = Job::new(by, moment::now(), of);
        let (queue, stored) = (Arc::clone(self), job.clone());
        tokio::task::spawn_blocking(move || queue.store.put(stored)).await.map_err(io::Error::other)??;
        let _ = self.waiting.send(job.id);
        Ok(job)
    }

    async fn work(self: Arc<Self>, mut queued: mpsc::UnboundedReceiver<Uuid>, shutdown: CancellationToken) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        loop {
            let id = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = sweep.tick() => {
                    self.store.forget_before(moment::now() - self.keep_ms);
                    continue;
                }
                id = queued.recv() => id,
            };
            let Some(job) = id.and_then(|id| self.store.job(id)).filter(|job| !job.state.is_over()) else { continue };
            // A stop leaves the job as it is on disk; the next start does it again.
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.run(job) => {}
            }
        }
    }

    async fn run(&self, mut job: Job<T::Of>) {
        job.state = State::Running;
        self.note(&job);
        let progress = |share| self.store.progress(job.id, share);
        match self.task.run(&job, &self.store.path(job.id), progress).await {
            Ok(of) => {
                job.of = of;
                job.done(moment::now());
            }
            Err(error) => {
                tracing::error!(kind = T::NAME, job = %job.id, error, "api.job_failed");
                job.failed(error, moment::now());
            }
        }
        self.note(&job);
        self.over.notify_one();
    }

    fn note(&self, job: &Job<T::Of>) {
        if let Err(error) = self.store.put(job.clone()) {
            tracing::error!(kind = T::NAME, job = %job.id, %error, "api.job_not_kept");
        }
    }
}
