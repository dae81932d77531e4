//! What every request shares, made once at the start.

use std::sync::Arc;

use avow_control::Control;
use avow_log::{Intake, Taking};
use avow_telemetry::Metrics;
use tokio::sync::Semaphore;

use crate::append::Appender;
use crate::body::BodyRules;
use crate::config::{ConfigError, IngestConfig};
use crate::cors::Origins;
use crate::fates::Fates;
use crate::observe::Gathered;
use crate::receipts::{Receipts, Sign};
use crate::refusals::Refusals;
use crate::steps::agent::Agents;
use crate::steps::clock::ClockRules;
use crate::steps::place::Places;
use crate::steps::quota::Quotas;

/// Ingest as a whole.
pub struct Ingest {
    pub(crate) control: Arc<Control>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) agents: Agents,
    pub(crate) places: Places,
    pub(crate) quotas: Quotas,
    pub(crate) clock: ClockRules,
    pub(crate) body: BodyRules,
    pub(crate) max_events: usize,
    pub(crate) in_flight: Semaphore,
    pub(crate) origins: Origins,
    pub(crate) observed: Gathered,
    pub(crate) fates: Fates,
    pub(crate) appender: Appender,
    pub(crate) receipts: Receipts,
    pub(crate) refusals: Refusals,
}

impl Ingest {
    /// Makes everything ready, inside a running tokio runtime. Records are framed as `control` says by now.
    ///
    /// # Errors
    /// The first setting that cannot be followed.
    pub fn new(
        config: &IngestConfig,
        intake: Arc<Intake>,
        control: Arc<Control>,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, ConfigError> {
        config.check()?;
        let agents = Agents::new().map_err(|e| ConfigError { key: "bots", reason: e.to_string() })?;
        let latency = metrics.ingest.append.clone();
        Ok(Arc::new(Self {
            appender: Appender::new(Arc::clone(&intake), control.framing(), config.append_timeout(), latency),
            control,
            receipts: Receipts::default(),
            agents,
            places: Places::new(config)?,
            quotas: Quotas::new(config.quotas, config.default_quota),
            clock: config.clock(),
            body: BodyRules {
                max_bytes: config.max_body_bytes,
                timeout: config.body_timeout(),
                held: Arc::new(Semaphore::new(config.max_bytes_in_flight)),
            },
            max_events: config.max_events,
            in_flight: Semaphore::new(config.max_in_flight),
            origins: Origins::default(),
            observed: Gathered::default(),
            fates: Fates::new(&metrics.ingest),
            refusals: Refusals::start(
                Arc::clone(intake.log()),
                config.refusals_per_second,
                metrics.ingest.refusals_unwritten.clone(),
            ),
            metrics,
        }))
    }

    /// Gives receipts, signed with this, from now on.
    pub fn sign_receipts_with(&self, sign: Sign) {
        self.receipts.sign_with(sign);
    }

    /// How events are being taken: by the log, by the spool, or not at all.
    pub fn taking(&self) -> Taking {
        self.appender.taking()
    }

    /// How many sites are being metered: only sites that have settings ever are.
    pub fn metered_sites(&self) -> usize {
        self.quotas.metered_sites()
    }

    /// Waits until the refusals taken so far are written: to be called once the last request is answered, before the
    /// log is closed.
    pub async fn drained(&self) {
        self.refusals.drained().await;
    }
}
