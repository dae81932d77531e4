//! The embedded log's way: `<data_dir>/log` becomes `<data_dir>/log-<id>`, and a new one takes its place.

use anyhow::bail;
use avow_log::Log as _;
use avow_log::embedded::successor::{Step, aside, finish, identity_at, is_interrupted, succeed};
use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};

use super::{Ground, LogArgs};
use crate::config::Config;
use crate::serve::log::embedded as configured;

pub(super) async fn run(config: &Config, args: &LogArgs) -> anyhow::Result<()> {
    let new =
        EmbeddedConfig { event_partitions: args.partitions.unwrap_or(config.log.partitions), ..configured(config) };
    if is_interrupted(&new.path) {
        println!("an interrupted migration is to be ended: the new log goes into its place");
        if args.dry_run {
            return Ok(());
        }
        finish(&new.path)?;
    }
    let Some(identity) = identity_at(&new.path)? else {
        bail!("there is no log at {}: `avow serve` begins one", new.path.display());
    };
    let old = EmbeddedConfig { event_partitions: identity.partitions, ..new.clone() };
    let log = tokio::task::spawn_blocking(move || EmbeddedLog::open(old)).await??;
    let ground = Ground::of(config, args, log.clone()).await?;
    let outcome = go_over(&ground, &log, new).await;
    ground.close().await;
    outcome
}

async fn go_over(ground: &Ground<'_>, log: &EmbeddedLog, new: EmbeddedConfig) -> anyhow::Result<()> {
    let (args, identity) = (ground.args, log.identity());
    ground.agree().await?;
    let (resharded, replaced) = (ground.resharded()?, ground.replaced().await?);
    if identity.partitions == new.event_partitions && resharded.is_empty() && replaced.is_none() {
        println!("nothing to do: log {} has {} partitions", identity.log_id, identity.partitions);
        return Ok(());
    }
    match &replaced {
        Some(difference) => {
            args.accept(&format!("{difference}: records of the old log that were not processed are gone"))?;
        }
        None => ground.drain().await?,
    }
    let (path, partitions) = (new.path.clone(), new.event_partitions);
    println!(
        "the log {} with {} partitions is followed by one with {partitions}{}; the old one is kept at {}",
        identity.log_id,
        identity.partitions,
        if resharded.is_empty() { "" } else { " and other site shards" },
        aside(&path, identity.log_id).display()
    );
    if args.dry_run {
        return Ok(());
    }
    if replaced.is_some() {
        ground.catch_up(identity.log_id, identity.partitions).await?;
    }
    args.passed("drained");
    let step = |step| {
        args.passed(match step {
            Step::Prepared => "prepared",
            Step::MovedAside => "moved-aside",
            Step::MovedIn => "moved-in",
        });
    };
    let identity = succeed(log, new, resharded, &step).await?;
    ground.record(&identity).await?;
    if partitions != ground.config.log.partitions {
        println!("now set log.partitions = {partitions} (AVOW_LOG__PARTITIONS) before `avow serve`");
    }
    Ok(())
}
