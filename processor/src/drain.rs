//! Taking a log to its end: everything that it holds is derived, so that another log may follow it.

use std::time::{Duration, Instant};

use avow_log::{Log, Topic};
use avow_warehouse::Warehouse;
use tokio_util::sync::CancellationToken;

use crate::partition::Context;
use crate::{Processor, ProcessorError};

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Without a step forward for this long, and with failures, the log cannot be taken to its end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A partition that is not derived to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    pub partition: u32,
    /// Everything below is derived.
    pub derived: u64,
    /// The first position that the log still holds.
    pub start: u64,
    pub end: u64,
}

impl Behind {
    /// Records that the log held and that are not derived.
    #[must_use]
    pub const fn left(self) -> u64 {
        self.end - self.derived
    }

    /// Records among them that the log holds no more.
    #[must_use]
    pub const fn lost(self) -> u64 {
        self.start.saturating_sub(self.derived)
    }
}

/// The partitions of the log that are not derived to their ends.
///
/// # Errors
/// The log's and the engine's.
pub async fn behind(log: &dyn Log, warehouse: &Warehouse) -> Result<Vec<Behind>, ProcessorError> {
    let identity = log.identity();
    let mut behind = Vec::new();
    for (partition, derived) in (0..).zip(warehouse.derived(identity.log_id, identity.partitions).await?) {
        let start = log.start(Topic::Events, partition).await?;
        let end = log.end(Topic::Events, partition).await?;
        if derived.upto() < end {
            behind.push(Behind { partition, derived: derived.upto(), start, end });
        }
    }
    Ok(behind)
}

impl Processor {
    /// Works until everything that the log holds is derived. Nobody else may append to it meanwhile.
    ///
    /// # Errors
    /// [`ProcessorError::NotDrained`] where a partition fails again and again.
    pub async fn drain(self) -> Result<(), ProcessorError> {
        let (context, stop) = (self.context.clone(), CancellationToken::new());
        let running = tokio::spawn(self.run(stop.clone()));
        let outcome = reaches_its_end(&context).await;
        stop.cancel();
        let ran = running.await.map_err(|e| ProcessorError::Stage(e.to_string()))?;
        outcome.and(ran)
    }
}

async fn reaches_its_end(context: &Context) -> Result<(), ProcessorError> {
    let failures = || context.metrics.processor.failures.get();
    let (mut least, mut since, mut failed) = (u64::MAX, Instant::now(), failures());
    loop {
        let left: u64 = behind(context.log.as_ref(), &context.warehouse).await?.into_iter().map(Behind::left).sum();
        if left == 0 {
            return Ok(());
        }
        if left < least {
            (least, since, failed) = (left, Instant::now(), failures());
        }
        if since.elapsed() > PATIENCE && failures() > failed {
            let reason = "a partition fails again and again, the messages above say why".to_owned();
            return Err(ProcessorError::NotDrained { left, reason });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
