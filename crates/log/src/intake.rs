//! The way in for events: the log itself, or the log with a spool beside it.

use std::sync::Arc;
use std::time::Duration;

use avow_telemetry::SpoolMetrics;

use crate::spool::{Spool, SpoolConfig, Taking};
use crate::{Log, LogError, Record, Topic};

/// What waits in a spool when the process ends is shipped for this long at most.
const LAST_SHIPMENTS: Duration = Duration::from_secs(5);

/// Takes events. `Ok` means durable.
pub struct Intake(Way);

enum Way {
    Direct(Arc<dyn Log>),
    Spooled(Arc<Spool>),
}

impl Intake {
    /// Straight into a log that is on this machine and needs no spool.
    pub fn direct(log: Arc<dyn Log>) -> Arc<Self> {
        Arc::new(Self(Way::Direct(log)))
    }

    /// Into `log`, or into the spool while `log` does not acknowledge.
    ///
    /// # Errors
    /// Those of opening an embedded log at the spool's path.
    pub async fn spooled(log: Arc<dyn Log>, config: SpoolConfig, metrics: SpoolMetrics) -> Result<Arc<Self>, LogError> {
        Ok(Arc::new(Self(Way::Spooled(Spool::open(log, config, metrics).await?))))
    }

    /// Appends a batch to [`Topic::Events`]; `Ok`: every record of it is durable, in the log or in the spool.
    ///
    /// # Errors
    /// Nothing is promised: the records may or may not be there.
    pub async fn append(&self, records: Vec<Record>) -> Result<(), LogError> {
        match &self.0 {
            Way::Direct(log) => log.append(Topic::Events, records).await.map(drop),
            Way::Spooled(spool) => spool.append(records).await,
        }
    }

    /// How events are being taken now.
    pub fn taking(&self) -> Taking {
        match &self.0 {
            Way::Direct(log) if log.healthy() => Taking::Directly,
            Way::Direct(_) => Taking::Not("the log does not acknowledge appends".to_owned()),
            Way::Spooled(spool) => spool.taking(),
        }
    }

    /// The log behind it.
    pub fn log(&self) -> &Arc<dyn Log> {
        match &self.0 {
            Way::Direct(log) => log,
            Way::Spooled(spool) => spool.log(),
        }
    }

    /// Ships what a spool still holds while the log acknowledges, a few seconds at most, and closes the spool. The log
    /// stays open.
    pub async fn close(&self) {
        if let Way::Spooled(spool) = &self.0 {
            spool.close(LAST_SHIPMENTS).await;
        }
    }
}
