//! Refused events, written to `consent.rejected` with their reason and without personal data. This is a service to the
//! operator, never a burden on the sender: a bounded queue and a bounded rate, and what does not fit is only counted.

use std::sync::Arc;

use avow_log::{Log, Record, Topic};
use avow_schemas::fate::RejectedRecord;
use avow_telemetry::{IntCounter, field};
use governor::{DefaultDirectRateLimiter, Quota};
use std::num::NonZeroU32;
use tokio::sync::{mpsc, oneshot};

/// Refusals that wait to be written.
const QUEUE: usize = 1_024;
/// Refusals in one append.
const BATCH: usize = 256;

enum Job {
    Write(Record),
    Drained(oneshot::Sender<()>),
}

/// The way into `consent.rejected`.
pub struct Refusals {
    queue: mpsc::Sender<Job>,
    rate: DefaultDirectRateLimiter,
    unwritten: IntCounter,
}

impl Refusals {
    /// Starts the writer, which ends when this is dropped. Needs a running tokio runtime.
    pub fn start(log: Arc<dyn Log>, per_second: NonZeroU32, unwritten: IntCounter) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        tokio::spawn(write(log, jobs, unwritten.clone()));
        Self { queue, rate: DefaultDirectRateLimiter::direct(Quota::per_second(per_second)), unwritten }
    }

    /// Takes a refusal, or counts it as unwritten. Never waits.
    pub fn offer(&self, refused: &RejectedRecord) {
        let RejectedRecord::Refused { site, .. } = refused else { return };
        let written = self.rate.check().is_ok().then(|| serde_json::to_vec(refused).ok()).flatten();
        let job = written.map(|value| Job::Write(Record { key: site.clone().into(), value: value.into() }));
        if job.is_none_or(|job| self.queue.try_send(job).is_err()) {
            self.unwritten.inc();
        }
    }

    /// Waits until everything taken so far is written or given up.
    pub async fn drained(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Job::Drained(done)).await.is_ok() {
            // An error means that the writer is gone, and with it all that it had to write.
            let _ = wait.await;
        }
    }
}

async fn write(log: Arc<dyn Log>, mut jobs: mpsc::Receiver<Job>, unwritten: IntCounter) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let (mut records, mut drained) = (Vec::new(), Vec::new());
        for job in batch.drain(..) {
            match job {
                Job::Write(record) => records.push(record),
                Job::Drained(done) => drained.push(done),
            }
        }
        let count = records.len() as u64;
        if count > 0
            && let Err(error) = log.append(Topic::Rejected, records).await
        {
            unwritten.inc_by(count);
            tracing::debug!({ field::ERROR } = %error, { field::EVENTS } = count, "ingest.refusals_unwritten");
        }
        for done in drained {
            let _ = done.send(());
        }
    }
}
