//! The live counts: one poller asks the warehouse every second, while anybody listens, and tells all streams what has been
//! counted since. The counts are of the warehouse, so each event is in them once, whatever was sent twice.

pub mod stream;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use avow_warehouse::Warehouse;
use avow_warehouse::live::Marks;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::moment;
use tally::Tally;
pub use tally::Tick;

const EVERY: Duration = Duration::from_secs(1);
/// How many ticks a slow stream may fall behind before it misses some.
const BACKLOG: usize = 16;

/// The poller and its listeners.
pub struct Live {
    warehouse: Arc<Warehouse>,
    log_id: Uuid,
    ticks: broadcast::Sender<Arc<Tick>>,
    running: AtomicBool,
    /// One permit for each stream that may be open.
    streams: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Live {
    pub fn new(warehouse: Arc<Warehouse>, log_id: Uuid, streams: usize, shutdown: CancellationToken) -> Arc<Self> {
        let ticks = broadcast::Sender::new(BACKLOG);
        let streams = Arc::new(Semaphore::new(streams));
        Arc::new(Self { warehouse, log_id, ticks, running: AtomicBool::new(false), streams, shutdown })
    }

    /// Ticks from now on. The first listener starts the poller; it ends with the last.
    pub fn listen(self: &Arc<Self>) -> broadcast::Receiver<Arc<Tick>> {
        let ticks = self.ticks.subscribe();
        if !self.running.swap(true, Ordering::AcqRel) {
            tokio::spawn(Arc::clone(self).poll());
        }
        ticks
    }

    async fn poll(self: Arc<Self>) {
        let mut clock = tokio::time::interval(EVERY);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut marks: Option<Marks> = None;
        let mut tally = Tally::default();
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                _ = clock.tick() => {}
            }
            if self.ticks.receiver_count() == 0 {
                self.running.store(false, Ordering::Release);
                // Somebody may have come between the look and the store, and found the poller still running.
                if self.ticks.receiver_count() == 0 || self.running.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
            match self.look(marks.as_ref(), &mut tally).await {
                Ok((tick, now)) => {
                    marks = Some(now);
                    // Nobody listening is no error: the next turn ends the poller.
                    let _ = self.ticks.send(Arc::new(tick));
                }
                Err(error) => tracing::warn!(%error, "api.live_look_failed"),
            }
        }
    }

    /// One look. The first one fills the last hour and reports nothing as new.
    async fn look(
        &self,
        before: Option<&Marks>,
        tally: &mut Tally,
    ) -> Result<(Tick, Marks), avow_warehouse::WarehouseError> {
        let now = moment::now();
        let none = Marks::new();
        let from = before.unwrap_or(&none);
        let marks = self.warehouse.live_marks(self.log_id, from, now - tally::HOUR_MS).await?;
        let landed = self.warehouse.landed(self.log_id, from, &marks, now - tally::HOUR_MS).await?;
        Ok((tally.take(now, landed, before.is_some()), marks))
    }
}
