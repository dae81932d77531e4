//! Sends batches over several connections at once, each event until it had its 202.

use super::body::{self, SiteNames};
use super::client::{Answer, Client, Refusal};
use crate::visitors::crowd::Batch;
use crate::visitors::event::Event;
use crate::visitors::moments;
use anyhow::{bail, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

/// How long a site that was just created may be unknown to a process that takes events.
const SITES_KNOWN_WITHIN: Duration = Duration::from_secs(20);

/// Sends to one server.
pub(crate) struct Sender {
    pub(crate) client: Client,
    pub(crate) sites: SiteNames,
    /// How long a batch is repeated before the run fails.
    pub(crate) patience: Duration,
    pub(crate) began: Instant,
    pub(crate) progress: ProgressBar,
    /// Events that had their 202, copies included.
    pub(crate) acknowledged: AtomicU64,
    /// Requests that had to be repeated, in whole or in part.
    pub(crate) retries: AtomicU64,
}

impl Sender {
    /// Sends everything that comes, so many requests at once, and returns when all of it had its 202. With one at a time, the
    /// log has the batches in this order.
    ///
    /// # Errors
    /// Where an event is refused for good, or patience is at its end.
    pub(crate) async fn send_all(&self, batches: Receiver<Batch>, at_once: usize) -> anyhow::Result<()> {
        ReceiverStream::new(batches)
            .map(|batch| self.send(batch))
            .buffer_unordered(at_once.max(1))
            .try_for_each(|()| async { Ok(()) })
            .await
    }

    async fn send(&self, batch: Batch) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(50);
        let mut left: Vec<&Event> = batch.events.iter().collect();
        while !left.is_empty() {
            let body = body::write(&left, &self.sites, moments::now())?;
            let origin = batch.context.origin.map(|site| &*self.sites[site]);
            let answer = self.client.post(&batch.context, origin, &body, left.len()).await;
            let (why, after) = match answer {
                Answer::Read(refused) => {
                    let again = self.worth_repeating(&left, refused)?;
                    let done = (left.len() - again.len()) as u64;
                    self.acknowledged.fetch_add(done, Relaxed);
                    self.progress.inc(done);
                    left = again;
                    if left.is_empty() {
                        break;
                    }
                    ("refused for now".to_owned(), None)
                }
                Answer::Later { why, after } => (why, after),
                Answer::Never(why) => bail!("no 202, and no use in repeating: {why}"),
            };
            ensure!(began.elapsed() < self.patience, "no 202 within {:?}: {why}", self.patience);
            self.retries.fetch_add(1, Relaxed);
            tokio::time::sleep(after.unwrap_or(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        Ok(())
    }

    /// The events that were refused for a passing reason.
    fn worth_repeating<'a>(&self, sent: &[&'a Event], refused: Vec<Refusal>) -> anyhow::Result<Vec<&'a Event>> {
        let mut again = Vec::with_capacity(refused.len());
        for refusal in refused {
            let Some(event) = sent.get(refusal.index) else {
                bail!("event {} of {} was refused", refusal.index, sent.len());
            };
            let sites_are_new = self.began.elapsed() < SITES_KNOWN_WITHIN;
            match refusal.code.as_str() {
                "quota_exceeded" => again.push(*event),
                "unknown_site" if sites_are_new => again.push(*event),
                code => {
                    let body = body::write(&[event], &self.sites, moments::now())?;
                    bail!(
                        "event {} was refused: {code}: {}: {}",
                        event.id,
                        refusal.detail,
                        String::from_utf8_lossy(&body.bytes)
                    )
                }
            }
        }
        Ok(again)
    }
}
