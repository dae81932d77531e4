//! Bundles that hold the records of a person who was erased since: they are removed. A bundle is read once for each erasure
//! that is younger than it; it says `checked_to` then.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::sync::Arc;

use avow_schemas::rights::Erasure;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Exports;
use super::archive::BUNDLE;
use super::job::Job;
use crate::jobs::State;

impl Exports {
    /// Removes the bundles of persons who were erased, whichever api was asked to, until `shutdown`.
    pub(super) async fn keep_withdrawing(self: Arc<Self>, shutdown: CancellationToken) {
        let mut changes = self.control.changes();
        loop {
            self.withdraw_erased().await;
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = changes.changed() => if changed.is_err() { return },
                // Made while somebody was being erased.
                () = self.queue.over() => {}
            }
        }
    }

    /// Removes finished exports that hold records of a subject who was erased after they were asked for.
    pub async fn withdraw_erased(self: &Arc<Self>) {
        let _turn = self.withdrawing.lock().await;
        let directory = self.control.directory();
        for job in self.store().jobs().into_iter().filter(|job| job.state.is_over()) {
            let since = job.made_at.max(job.of.checked_to);
            let is_younger =
                |erasure: &&Arc<Erasure>| erasure.site.as_str() == job.of.asked.site && erasure.made_at > since;
            let erasures: Vec<Arc<Erasure>> = directory.erasures().filter(is_younger).cloned().collect();
            if !erasures.is_empty() {
                let exports = Arc::clone(self);
                let looked = tokio::task::spawn_blocking(move || exports.look_at(job, &erasures)).await;
                if let Err(error) = looked.map_err(io::Error::other).and_then(|looked| looked) {
                    tracing::error!(%error, "api.export_not_checked");
                }
            }
        }
    }

    fn look_at(&self, mut job: Job, erasures: &[Arc<Erasure>]) -> io::Result<()> {
        let is_erased = |subject| erasures.iter().any(|erasure| erasure.subject.is(&job.of.asked.site, subject));
        if job.of.asked.subject.is_some_and(is_erased) {
            // The job itself names the subject.
            tracing::info!(export = %job.id, "api.export_withdrawn");
            return self.store().remove(job.id);
        }
        let bundle = self.store().path(job.id).join(BUNDLE);
        if job.state == State::Done && holds(&bundle, is_erased)? {
            tracing::info!(export = %job.id, "api.export_withdrawn");
            std::fs::remove_file(&bundle)?;
            job.state = State::Failed;
            job.error =
                Some("withdrawn: it held records of a person who was erased since; ask for it again".to_owned());
            (job.of.size_bytes, job.of.sha256) = (None, None);
        }
        job.of.checked_to = erasures.iter().map(|erasure| erasure.made_at).max().unwrap_or(job.of.checked_to);
        self.store().put(job)
    }
}

/// Whether a bundle has a record of one of these subjects. Records lie by subject: each is asked for once.
fn holds(bundle: &Path, is_erased: impl Fn(Uuid) -> bool) -> io::Result<bool> {
    let mut zip = zip::ZipArchive::new(File::open(bundle)?)?;
    let mut last = None;
    let mut table = csv::Reader::from_reader(BufReader::new(zip.by_name("records.csv")?));
    let column = table.headers()?.iter().position(|name| name == "subject").unwrap_or(usize::MAX);
    for row in table.records() {
        let Some(subject) = row?.get(column).and_then(|text| text.parse::<Uuid>().ok()) else { continue };
        if last != Some(subject) && is_erased(subject) {
            return Ok(true);
        }
        last = Some(subject);
    }
    Ok(false)
}
