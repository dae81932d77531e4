//! Work that goes on behind an answer 202: how it stands, and the folder that keeps it over a restart. A job is
//! `<id>/job.json`, written aside and renamed, so that a kill leaves the old one or the new one.

pub mod file;
pub mod queue;
pub mod single;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExportState)] // Its name since there were exports alone.
pub enum State {
    Queued,
    Running,
    Done,
    Failed,
}

impl State {
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// A job as it lies on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job<T> {
    pub id: Uuid,
    /// The token that asked.
    pub by: Uuid,
    pub state: State,
    /// 0 to 1.
    pub progress: f64,
    pub error: Option<String>,
    /// Milliseconds since 1970.
    pub made_at: i64,
    pub finished_at: Option<i64>,
    /// What its kind has besides: what was asked, what came of it.
    #[serde(flatten)]
    pub of: T,
}

impl<T> Job<T> {
    pub fn new(by: Uuid, made_at: i64, of: T) -> Self {
        let (id, state) = (Uuid::now_v7(), State::Queued);
        Self { id, by, state, progress: 0.0, error: None, made_at, finished_at: None, of }
    }

    /// It has come to its end.
    pub fn done(&mut self, now: i64) {
        (self.state, self.progress, self.finished_at) = (State::Done, 1.0, Some(now));
    }

    /// It has come to no end.
    pub fn failed(&mut self, error: impl ToString, now: i64) {
        (self.state, self.error, self.finished_at) = (State::Failed, Some(error.to_string()), Some(now));
    }
}

/// What a kind of job may have besides.
pub trait Content: Clone + Serialize + DeserializeOwned + Send + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + 'static> Content for T {}

pub struct Store<T> {
    folder: PathBuf,
    jobs: Mutex<HashMap<Uuid, Job<T>>>,
}

impl<T: Content> Store<T> {
    /// Reads every job there is. A folder without a readable job is left alone.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut jobs = HashMap::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path().join("job.json");
            let Ok(bytes) = fs::read(&path) else { continue };
            match serde_json::from_slice::<Job<T>>(&bytes) {
                Ok(job) => {
                    jobs.insert(job.id, job);
                }
                Err(error) => tracing::warn!(path = %path.display(), %error, "api.job_unreadable"),
            }
        }
        Ok(Self { folder, jobs: Mutex::new(jobs) })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, Job<T>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a job's files lie.
    pub fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(id.to_string())
    }

    pub fn job(&self, id: Uuid) -> Option<Job<T>> {
        self.held().get(&id).cloned()
    }

    /// All jobs, oldest first.
    pub fn jobs(&self) -> Vec<Job<T>> {
        let mut jobs: Vec<Job<T>> = self.held().values().cloned().collect();
        jobs.sort_by_key(|job| (job.made_at, job.id));
        jobs
    }

    /// Keeps a job on disk, then in memory.
    pub fn put(&self, job: Job<T>) -> io::Result<()> {
        let folder = self.path(job.id);
        fs::create_dir_all(&folder)?;
        let bytes = serde_json::to_vec_pretty(&job).map_err(io::Error::other)?;
        replace(&folder.join("job.json"), &bytes)?;
        File::open(&self.folder)?.sync_all()?;
        self.held().insert(job.id, job);
        Ok(())
    }

    /// Notes a running job's progress, in memory alone.
    pub fn progress(&self, id: Uuid, progress: f64) {
        if let Some(job) = self.held().get_mut(&id) {
            job.progress = progress;
        }
    }

    /// Removes a job with its files.
    pub fn remove(&self, id: Uuid) -> io::Result<()> {
        fs::remove_dir_all(self.path(id))?;
        self.held().remove(&id);
        Ok(())
    }

    /// Removes what was over before a moment.
    pub fn forget_before(&self, moment: i64) {
        let old: Vec<Uuid> = self
            .held()
            .values()
            .filter(|job| job.finished_at.is_some_and(|at| at < moment))
            .map(|job| job.id)
            .collect();
        for id in old {
            match fs::remove_dir_all(self.path(id)) {
                Ok(()) => {
                    self.held().remove(&id);
                }
                Err(error) => tracing::warn!(job = %id, %error, "api.job_not_removed"),
            }
        }
    }
}

/// Replaces a file as a whole, durably.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        struct Asked {
            site: String,
        }
        let mut job = Job::new(Uuid::nil(), 5, Asked { site: "shop.example".to_owned() });
        let store = Store::<Asked>::open(folder.path().join("exports")).unwrap();
        store.put(job.clone()).unwrap();
        job.done(10);
        store.put(job.clone()).unwrap();
        drop(store);

        let store = Store::<Asked>::open(folder.path().join("exports")).unwrap();
        assert_eq!(store.jobs(), [job.clone()]);
        store.forget_before(10);
        assert_eq!(store.jobs().len(), 1);
        store.forget_before(11);
        assert!(store.jobs().is_empty() && !store.path(job.id).exists());
    }
}
