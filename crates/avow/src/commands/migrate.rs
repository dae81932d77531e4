//! `avow migrate log`: from one log to the next. While no role runs, the old log is taken to its end, a new one begun in its
//! place, and the warehouse told; each step can be interrupted and the command run again. `docs/migrate-log.md` is for the
//! operator; the logs' own steps are in `avow_log` (`embedded/successor.rs`, `kafka/successor.rs`).

mod embedded;
mod kafka;

use std::sync::Arc;

use anyhow::{Context, bail};
use avow_control::Control;
use avow_log::{Log, LogIdentity, Record};
use avow_processor::{Behind, Processor, ProcessorError, behind, difference};
use avow_schemas::ids::SiteId;
use avow_telemetry::Metrics;
use avow_warehouse::Warehouse;
use avow_warehouse::chain::Chain;
use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::logging;
use crate::serve::{self, Roles};

#[derive(Args)]
pub struct MigrateArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Goes over to a new log, with another number of partitions or other site shards, or where the topic was recreated.
    ///
    /// Stop every role first. What the old log still holds is processed; then a new log takes its place, with the same
    /// sites and tokens, and every site begins new ledgers. Ids stay known: what was counted is not counted again. The
    /// command may be interrupted at any point and is then to be run again with the same arguments.
    Log(LogArgs),
}

#[derive(Args)]
struct LogArgs {
    /// Partitions of the new log. By default those that are configured (embedded), or that the topic has (Kafka).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    partitions: Option<u32>,
    /// Gives a site another number of shards; may be repeated.
    #[arg(long = "shards", value_name = "SITE=N", value_parser = shards)]
    shards: Vec<(SiteId, u32)>,
    /// Says what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Goes on where records of the old log are gone, or may be, that were never processed.
    #[arg(long)]
    accept_loss: bool,
    /// For tests: dies after this step, without tidying up.
    #[arg(long, hide = true, value_name = "STEP")]
    die_after: Option<String>,
}

fn shards(text: &str) -> Result<(SiteId, u32), String> {
    let (site, shards) = text.split_once('=').ok_or("wants SITE=N")?;
    let site = SiteId::new(site).map_err(|error| error.to_string())?;
    match shards.parse() {
        Ok(shards @ 1..=1024) => Ok((site, shards)),
        _ => Err("shards must be 1 to 1024".to_owned()),
    }
}

impl LogArgs {
    /// Says that a step has been done.
    fn passed(&self, step: &str) {
        tracing::info!(step, "migrate.passed");
        if self.die_after.as_deref() == Some(step) {
            std::process::abort();
        }
    }

    /// Goes on over a loss that was accepted, and refuses any other.
    fn accept(&self, loss: &str) -> anyhow::Result<()> {
        if self.accept_loss {
            println!("accepted: {loss}");
            return Ok(());
        }
        bail!("{loss}\nNothing was changed. To go on without them, give --accept-loss")
    }
}

pub async fn run(config: Config, args: MigrateArgs) -> anyhow::Result<()> {
    logging::start(&config.logging)?;
    let What::Log(args) = args.what;
    match &config.kafka.brokers {
        Some(brokers) => kafka::run(&config, brokers, &args).await,
        None => embedded::run(&config, &args).await,
    }
}

/// What both kinds of log stand on while they are migrated.
struct Ground<'a> {
    config: &'a Config,
    args: &'a LogArgs,
    log: Arc<dyn Log>,
    control: Arc<Control>,
    warehouse: Arc<Warehouse>,
    engine: Option<serve::engine::Embedded>,
    background: CancellationToken,
}

impl<'a> Ground<'a> {
    async fn of(config: &'a Config, args: &'a LogArgs, log: Arc<dyn Log>) -> anyhow::Result<Self> {
        let background = CancellationToken::new();
        let control = Control::start(Arc::clone(&log), None, background.clone()).await?;
        let (engine, warehouse) = serve::warehouse(config, Roles::PROCESSOR, &control).await?;
        let warehouse = warehouse.context("a migration needs the warehouse")?;
        Ok(Self { config, args, log, control, warehouse, engine, background })
    }

    async fn close(self) {
        self.background.cancel();
        self.log.close().await;
        if let Some(engine) = self.engine {
            engine.close().await;
        }
    }

    /// Sees to it that the warehouse and the log mean the same log: records the one that follows, where an earlier run was
    /// cut off before it did.
    async fn agree(&self) -> anyhow::Result<()> {
        let (known, identity) = (self.warehouse.logs().await?, self.log.identity());
        let Some(newest) = known.last().filter(|newest| newest.log_id != identity.log_id) else { return Ok(()) };
        if identity.follows != Some(newest.log_id) {
            self.args.accept(&format!(
                "this is log {}, and the warehouse was derived from log {}, which is not here: its sites and tokens are \
                 gone with it, and whatever it held that was not processed. Bring it back, if you can",
                identity.log_id, newest.log_id
            ))?;
        }
        if !self.args.dry_run {
            self.catch_up(newest.log_id, newest.partitions).await?;
            self.record(identity).await?;
        }
        Ok(())
    }

    /// Brings the derived tables up to what is stored of a log that cannot be read any more.
    async fn catch_up(&self, log_id: uuid::Uuid, partitions: u32) -> anyhow::Result<()> {
        for partition in 0..partitions {
            Chain::open(Arc::clone(&self.warehouse), log_id, partition).await?.close().await;
        }
        Ok(())
    }

    /// Why the log is not the one that was derived, though it has its identity.
    async fn replaced(&self) -> anyhow::Result<Option<String>> {
        Ok(difference(self.log.as_ref(), &self.warehouse).await?)
    }

    /// The records that change the shards that are to change.
    fn resharded(&self) -> anyhow::Result<Vec<Record>> {
        Ok(self.control.resharded(&self.args.shards)?)
    }

    /// Processes what the log still holds.
    async fn drain(&self) -> anyhow::Result<()> {
        let left = behind(self.log.as_ref(), &self.warehouse).await?;
        let lost: u64 = left.iter().map(|behind| behind.lost()).sum();
        if lost > 0 {
            let at_most: u64 = left.iter().filter(|b| b.lost() > 0).map(|b| b.left()).sum();
            self.args.accept(&format!(
                "{lost} records are gone from the log that were never processed, and with them at most {at_most} cannot \
                 be processed: {}",
                listed(&left)
            ))?;
        }
        if left.is_empty() {
            return Ok(());
        }
        println!("to be processed first: {}", listed(&left));
        if self.args.dry_run {
            return Ok(());
        }
        let processor = Processor::new(
            self.config.processor.clone(),
            &self.config.data_dir,
            Arc::clone(&self.log),
            Arc::clone(&self.control),
            Arc::clone(&self.warehouse),
            Metrics::new()?,
        );
        match processor.await?.drain().await {
            Err(ProcessorError::NotDrained { left, reason }) if lost > 0 => {
                self.args.accept(&format!("{left} records of the old log are not processed: {reason}"))
            }
            outcome => Ok(outcome?),
        }
    }

    /// Tells the warehouse which log is in force.
    async fn record(&self, identity: &LogIdentity) -> anyhow::Result<()> {
        self.warehouse.begin_log(identity.log_id, identity.partitions).await?;
        println!("log {} with {} partitions is in force", identity.log_id, identity.partitions);
        self.args.passed("recorded");
        Ok(())
    }
}

fn listed(behind: &[Behind]) -> String {
    let one = |b: &Behind| format!("partition {} is processed up to {} of {}", b.partition, b.derived, b.end);
    behind.iter().map(one).collect::<Vec<_>>().join(", ")
}
