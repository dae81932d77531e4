//! How far a partition's work is behind the log, in records and in seconds, also while it stands still.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use avow_log::Topic;
use tokio_util::sync::CancellationToken;

use crate::partition::Context;

/// How often the log's end is asked for.
const EVERY: Duration = Duration::from_secs(1);

/// Not known yet where the warehouse stands, or nothing in hand.
const NONE: i64 = i64::MIN;

/// Where the work on a partition stands, over all the times that it is begun again.
pub(crate) struct Lag {
    reached: AtomicI64,
    /// When the oldest record in hand came into the log, in milliseconds since 1970.
    in_hand: AtomicI64,
}

impl Lag {
    pub(crate) const fn unknown() -> Self {
        Self { reached: AtomicI64::new(NONE), in_hand: AtomicI64::new(NONE) }
    }

    /// Work on records begins, of which the oldest came into the log at `logged_at`.
    pub(crate) fn taken(&self, logged_at: i64) {
        self.in_hand.store(logged_at, Ordering::Relaxed);
    }

    /// Everything below `position` is in the warehouse, and nothing in hand.
    pub(crate) fn reached(&self, position: u64) {
        self.reached.store(i64::try_from(position).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.in_hand.store(NONE, Ordering::Relaxed);
    }

    /// The position below which everything is in the warehouse, once that is known.
    pub(crate) fn upto(&self) -> Option<u64> {
        u64::try_from(self.reached.load(Ordering::Relaxed)).ok()
    }

    /// Records behind the log's `end`, and the age in seconds of the oldest one in hand.
    fn behind(&self, end: u64, now: i64) -> Option<(i64, f64)> {
        let (reached, since) = (self.reached.load(Ordering::Relaxed), self.in_hand.load(Ordering::Relaxed));
        let records = i64::try_from(end).unwrap_or(i64::MAX).saturating_sub(reached).max(0);
        let waiting = if records == 0 || since == NONE { 0 } else { now.saturating_sub(since).max(0) };
        (reached != NONE).then(|| (records, Duration::from_millis(waiting.unsigned_abs()).as_secs_f64()))
    }
}

/// Shows a partition's lag until `stop`, then shows none: the next owner has it.
pub(crate) async fn show(context: &Context, partition: u32, lag: &Lag, stop: CancellationToken) {
    let label = partition.to_string();
    let metrics = &context.metrics.processor;
    let (records, seconds) =
        (metrics.lag.with_label_values(&[&label]), metrics.lag_seconds.with_label_values(&[&label]));
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        match context.log.end(Topic::Events, partition).await {
            Ok(end) => {
                if let Some(behind) = lag.behind(end, jiff::Timestamp::now().as_millisecond()) {
                    records.set(behind.0);
                    seconds.set(behind.1);
                }
            }
            Err(error) => tracing::debug!(partition, %error, "processor.lag_unknown"),
        }
    }
    let _ = metrics.lag.remove_label_values(&[&label]);
    let _ = metrics.lag_seconds.remove_label_values(&[&label]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_hand_ages_and_what_is_done_does_not() {
        let lag = Lag::unknown();
        assert_eq!(lag.behind(10, 5_000), None);
        lag.reached(10);
        assert_eq!(lag.behind(10, 5_000), Some((0, 0.0)));
        lag.taken(2_000);
        assert_eq!(lag.behind(40, 5_000), Some((30, 3.0)));
        lag.reached(40);
        assert_eq!(lag.behind(40, 7_000), Some((0, 0.0)));
        lag.taken(9_000);
        assert_eq!(lag.behind(41, 8_000), Some((1, 0.0)), "the log's clock may be ahead");
    }
}
