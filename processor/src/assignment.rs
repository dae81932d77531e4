//! Which partitions this process works on. The log says so; a partition that leaves is let go of only once its work has
//! ended, and a partition whose work fails is begun again from what the warehouse says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use avow_control::Control;
use avow_log::Log;
use avow_registry::Registry;
use avow_telemetry::Metrics;
use avow_warehouse::{Warehouse, WarehouseError};
use avow_webhooks::WebhooksConfig;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::lag::{self, Lag};
use crate::partition::{self, Context};
use crate::schemas::Schemas;
use crate::{
    Alerting, ProcessorConfig, ProcessorError, Signing, alerts, days, dimensions, reports, same_log, signing, webhooks,
};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How often in a row a partition may find its tables moved by somebody else before that is a failure: a rebuild does so
/// once for each derived table.
const QUIETLY_FENCED: u32 = 3;

/// The processor of this process.
pub struct Processor {
    pub(crate) context: Context,
    /// How the ledgers' checkpoints are signed.
    signing: Option<Signing>,
    alerting: Option<Alerting>,
    webhooks: Option<WebhooksConfig>,
}

struct Working {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Processor {
    /// Takes up the log for this warehouse. `data_dir` is where `state_dir` of the configuration lies.
    ///
    /// # Errors
    /// Where the warehouse was derived from another log, or the log does not hold what was derived from it.
    pub async fn new(
        config: ProcessorConfig,
        data_dir: &Path,
        log: Arc<dyn Log>,
        control: Arc<Control>,
        warehouse: Arc<Warehouse>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ProcessorError> {
        let identity = log.identity();
        let epoch = warehouse.adopt_log(identity.log_id, identity.partitions, identity.follows).await?;
        if let Some(difference) = same_log::difference(log.as_ref(), &warehouse).await? {
            return Err(ProcessorError::NotThatLog(difference));
        }
        let (state_dir, earlier) = (data_dir.join(&config.state_dir), Arc::default());
        let schemas = Arc::new(Schemas::new(Arc::clone(&control), None));
        let in_hand = Arc::new(Semaphore::new(config.records_in_hand.max(config.batch_records)));
        let context = Context { log, control, warehouse, config, state_dir, metrics, schemas, epoch, in_hand, earlier };
        Ok(Self { context, signing: None, alerting: None, webhooks: None })
    }

    /// Asks this schema registry too, where records cite a schema by its id.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<Registry>) -> Self {
        self.context.schemas = Arc::new(Schemas::new(Arc::clone(&self.context.control), Some(registry)));
        self
    }

    /// Signs the ledgers' checkpoints while it owns the log's first partition.
    #[must_use]
    pub fn with_signing(mut self, signing: Signing) -> Self {
        self.signing = Some(signing);
        self
    }

    /// Evaluates alerts and sends messages while it owns the log's first partition.
    #[must_use]
    pub fn with_alerting(mut self, alerting: Alerting, webhooks: WebhooksConfig) -> Self {
        (self.alerting, self.webhooks) = (Some(alerting), Some(webhooks));
        self
    }

    /// Works until `shutdown`, then ends the work under way and lets the partitions go.
    ///
    /// # Errors
    /// Where the log cannot say which partitions are owned.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ProcessorError> {
        let dimensions = tokio::spawn(dimensions::follow(self.context.clone(), shutdown.clone()));
        let mut assignments = self.context.log.assignments().await?;
        let mut working: BTreeMap<u32, Working> = BTreeMap::new();
        loop {
            let owned = assignments.borrow_and_update().clone();
            let leaving: Vec<u32> = working.keys().filter(|p| !owned.contains(p)).copied().collect();
            self.let_go(&mut working, &leaving).await;
            for partition in owned {
                working.entry(partition).or_insert_with(|| self.begin(partition));
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = assignments.changed() => if changed.is_err() { break },
            }
        }
        let all: Vec<u32> = working.keys().copied().collect();
        self.let_go(&mut working, &all).await;
        let _ = dimensions.await;
        Ok(())
    }

    fn begin(&self, partition: u32) -> Working {
        let stop = CancellationToken::new();
        let (context, stopped, lag) = (self.context.clone(), stop.clone(), Arc::new(Lag::unknown()));
        let signing = self.signing.clone().filter(|_| partition == 0);
        let alerting = self.alerting.clone().filter(|_| partition == 0);
        let hooks = self.webhooks.clone().filter(|_| partition == 0);
        let task = tokio::spawn(async move {
            let working = keep_working(&context, partition, &lag, stopped.clone());
            let closing = days::keep_closing(&context, partition, &lag, stopped.clone());
            let reporting = reports::keep_reporting(&context, alerting.clone(), stopped.clone());
            let evaluating = alerts::keep_evaluating(&context, alerting, signing.clone(), stopped.clone());
            let signing = signing::keep_signing(&context, signing, stopped.clone());
            let delivering = webhooks::keep_delivering(&context, hooks, stopped.clone());
            let showing = lag::show(&context, partition, &lag, stopped.clone());
            tokio::join!(working, showing, signing, closing, evaluating, reporting, delivering);
        });
        Working { stop, task }
    }

    async fn let_go(&self, working: &mut BTreeMap<u32, Working>, leaving: &[u32]) {
        if leaving.is_empty() {
            return;
        }
        let ending: Vec<Working> = leaving.iter().filter_map(|partition| working.remove(partition)).collect();
        ending.iter().for_each(|work| work.stop.cancel());
        for work in ending {
            let _ = work.task.await;
        }
        self.context.log.released(leaving).await;
    }
}

/// Works on a partition again and again, until `stop`.
async fn keep_working(context: &Context, partition: u32, lag: &Arc<Lag>, stop: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    let mut fenced_in_a_row = 0;
    while !stop.is_cancelled() {
        let begun = std::time::Instant::now();
        let Err(error) = partition::run(context.clone(), partition, Arc::clone(lag), stop.clone()).await else {
            continue;
        };
        let went_well = begun.elapsed() > LONGEST_PAUSE;
        let is_fenced = matches!(error, ProcessorError::Warehouse(WarehouseError::Fenced { .. }));
        fenced_in_a_row = if is_fenced { if went_well { 1 } else { fenced_in_a_row + 1 } } else { 0 };
        if is_fenced && fenced_in_a_row <= QUIETLY_FENCED {
            // A table was made anew and stands lower than it did: opening the partition derives what is missing.
            tracing::info!(partition, %error, "processor.partition_opened_again");
            pause = FIRST_PAUSE;
        } else {
            context.metrics.processor.failures.inc();
            tracing::error!(partition, %error, "processor.partition_failed");
            pause = if went_well { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
