//! Whether the log that this process has open is still the one in force: `avow migrate log` seals a log and puts another one
//! in its place, and whoever goes on with the old one must notice before it appends.

use std::sync::{PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::config::Membership;
use super::identity::Known;
use super::read::Target;
use super::{KafkaLog, read_on};
use crate::{LogError, Topic};

/// How often it is looked whether the log is still the one in force.
const IDENTITY_EVERY: Duration = Duration::from_secs(1);

impl KafkaLog {
    /// Refuses what would go into, or come out of, a log that is another one by now.
    pub(super) fn in_force(&self) -> Result<(), LogError> {
        self.ended.get().map_or(Ok(()), |why| Err(LogError::Superseded(why.clone())))
    }

    /// How long a look at which log is in force holds. Who has not seen it for longer, because it was frozen or does not
    /// reach the control topic, looks before it appends: a migration waits that long before it exchanges the topic.
    pub(super) fn look_holds(&self) -> Duration {
        (2 * self.config.append_timeout).max(2 * IDENTITY_EVERY)
    }

    pub(super) async fn look_if_due(&self) -> Result<(), LogError> {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if self.config.membership == Membership::Alone || looked.elapsed() < self.look_holds() {
            return Ok(());
        }
        let seen = self.check_identity().await;
        if seen.is_err() {
            self.appender.set_healthy(false);
        }
        seen
    }

    /// Reads what has been said of the log since the last look, within the time of an append, which may wait for it.
    pub(super) async fn look(&self) -> Result<Known, LogError> {
        let control = Target { topic: Topic::Control, name: self.config.topic_name(Topic::Control), partition: 0 };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = read_on(&self.appender, &self.readers, &control, known, self.config.append_timeout).await?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known.clone();
        Ok(known)
    }

    /// Ends this process's part in the log if it is sealed or no longer the one in force.
    pub(super) async fn check_identity(&self) -> Result<(), LogError> {
        let begun = Instant::now();
        let known = self.look().await?;
        let log_id = self.identity.log_id;
        let superseded = known.identity().is_some_and(|newest| newest.log_id != log_id);
        if !superseded && known.sealed(log_id).is_none() {
            *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = begun;
            return Ok(());
        }
        let why = if superseded {
            format!("another log has taken the place of log {log_id}: restart this process")
        } else {
            format!(
                "log {log_id} is closed for `avow migrate log`: stop this process, and start it when that has ended"
            )
        };
        if self.ended.set(why.clone()).is_ok() {
            tracing::error!("{why}");
        }
        Ok(())
    }
}

/// Looks again and again whether the log is still the one in force: with another number of partitions, or other keys, what
/// this process would append would lie where nobody knows its ids.
pub(super) async fn watch(log: Weak<KafkaLog>, closed: CancellationToken) {
    loop {
        tokio::select! {
            () = closed.cancelled() => return,
            () = tokio::time::sleep(IDENTITY_EVERY) => {}
        }
        let Some(log) = log.upgrade() else { return };
        if let Err(error) = log.check_identity().await {
            tracing::debug!(%error, "cannot see which log is in force");
        }
    }
}
