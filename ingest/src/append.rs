//! From events to durable records: encoded, keyed, handed to the log at once, and promised only when the log says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use avow_log::{Intake, LogError, Record, Taking};
use avow_schemas::record::{Framing, LogRecord, RecordError, key};
use avow_telemetry::{Histogram, field};

use crate::answer::Problem;
use crate::pipeline::Passed;

/// The way into the log.
pub struct Appender {
    intake: Arc<Intake>,
    framing: Framing,
    timeout: Duration,
    latency: Histogram,
    /// Whether the newest append was acknowledged: a change is logged, not each failure.
    acknowledged: AtomicBool,
}

impl Appender {
    pub fn new(intake: Arc<Intake>, framing: Framing, timeout: Duration, latency: Histogram) -> Self {
        Self { intake, framing, timeout, latency, acknowledged: AtomicBool::new(true) }
    }

    /// How events are being taken.
    pub fn taking(&self) -> Taking {
        self.intake.taking()
    }

    /// Appends a request's events; `Ok` means that all of them are durable.
    ///
    /// # Errors
    /// 503: some may be in the log, none is promised.
    pub async fn append(&self, passed: Vec<Passed>) -> Result<(), Problem> {
        let records = passed.into_iter().map(|passed| record(passed, self.framing)).collect::<Result<Vec<_>, _>>();
        let timer = self.latency.start_timer();
        let failure = match records {
            Err(error) => error.to_string(),
            Ok(records) => match tokio::time::timeout(self.timeout, self.intake.append(records)).await {
                Ok(Ok(())) => {
                    timer.observe_duration();
                    if !self.acknowledged.swap(true, Ordering::Relaxed) {
                        tracing::info!("ingest.append_acknowledged_again");
                    }
                    return Ok(());
                }
                Ok(Err(LogError::Full(reason))) => {
                    self.failed(&reason);
                    return Err(Problem::unavailable(
                        "the log is full: send the same ids again",
                        Duration::from_secs(30),
                    ));
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {} ms", self.timeout.as_millis()),
            },
        };
        timer.stop_and_discard();
        self.failed(&failure);
        Err(Problem::unavailable("the log does not answer: send the same ids again", Duration::from_secs(5)))
    }

    fn failed(&self, reason: &str) {
        if self.acknowledged.swap(false, Ordering::Relaxed) {
            tracing::error!({ field::ERROR } = reason, "ingest.append_failed");
        }
    }
}

fn record(passed: Passed, framing: Framing) -> Result<Record, RecordError> {
    let Passed { event, shards, .. } = passed;
    let key = key(&event.site, shards, &event).into();
    Ok(Record { key, value: framing.encode(&LogRecord::ConsentEvent(Box::new(event)))?.into() })
}
