//! Kafka's way: the old log is sealed, the events topic exchanged, the new identity written. What an earlier run left is
//! seen from the seal and from what the topic holds.

use std::sync::Arc;

use anyhow::bail;
use avow_log::Log as _;
use avow_log::kafka::{KafkaLog, Standing};
use avow_processor::behind;

use super::{Ground, LogArgs, listed};
use crate::config::Config;
use crate::serve::Roles;
use crate::serve::log::kafka as configured;

/// What the events topic is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// The old log's, perhaps with partitions added.
    Old {
        partitions: u32,
    },
    /// Another topic of that name: why it is not the old one.
    Other {
        partitions: u32,
        difference: String,
    },
    Missing,
}

pub(super) async fn run(config: &Config, brokers: &str, args: &LogArgs) -> anyhow::Result<()> {
    let Some((log, standing)) = KafkaLog::for_migration(configured(config, brokers, Roles::PROCESSOR)).await? else {
        bail!("there is no log at {brokers}: the first role that starts begins one");
    };
    log.without_members().await?;
    let ground = Ground::of(config, args, log.clone()).await?;
    let outcome = go_over(&ground, &log, &standing).await;
    ground.close().await;
    outcome
}

async fn go_over(ground: &Ground<'_>, log: &Arc<KafkaLog>, standing: &Standing) -> anyhow::Result<()> {
    let (args, identity) = (ground.args, log.identity());
    ground.agree().await?;
    let found = found(ground, standing).await?;
    let wanted = args.partitions.or(standing.sealed).unwrap_or(match &found {
        Found::Old { partitions } | Found::Other { partitions, .. } => *partitions,
        Found::Missing => identity.partitions,
    });
    let same = Found::Old { partitions: identity.partitions };
    if found == same && wanted == identity.partitions && standing.sealed.is_none() && ground.resharded()?.is_empty() {
        println!("nothing to do: log {} has {} partitions", identity.log_id, identity.partitions);
        return Ok(());
    }
    check_loss(ground, log, &found, standing, wanted).await?;
    if matches!(found, Found::Old { .. }) {
        ground.drain().await?;
    }
    println!(
        "the log {} with {} partitions is followed by one with {wanted}{}",
        identity.log_id,
        identity.partitions,
        if ground.resharded()?.is_empty() { "" } else { " and other site shards" },
    );
    if args.dry_run {
        return Ok(());
    }
    if !matches!(found, Found::Old { .. }) {
        ground.catch_up(identity.log_id, identity.partitions).await?;
    }
    args.passed("drained");
    println!("closing the old log; this waits until every process that may have it open has noticed");
    log.seal(wanted).await?;
    args.passed("sealed");
    if let Err(error) = still_drained(ground, &found).await {
        if standing.sealed.is_none() {
            log.lift_seal().await?;
        }
        return Err(error);
    }
    exchange(args, log, &found, wanted).await?;
    let resharded = ground.resharded()?;
    if !resharded.is_empty() {
        ground.control.append(resharded).await?;
    }
    args.passed("resharded");
    let identity = log.begin_successor().await?;
    args.passed("begun");
    ground.record(&identity).await
}

async fn found(ground: &Ground<'_>, standing: &Standing) -> anyhow::Result<Found> {
    let Some(partitions) = standing.topic_partitions else { return Ok(Found::Missing) };
    let of_old = ground.log.identity().partitions;
    if partitions < of_old {
        let difference =
            format!("the topic has {partitions} partitions, and no partition of {of_old} can be taken away");
        return Ok(Found::Other { partitions, difference });
    }
    Ok(match ground.replaced().await? {
        Some(difference) => Found::Other { partitions, difference },
        None => Found::Old { partitions },
    })
}

/// Refuses to lose what was not processed, unless that is accepted. A sealed log was derived to its end before.
async fn check_loss(
    ground: &Ground<'_>,
    log: &KafkaLog,
    found: &Found,
    standing: &Standing,
    wanted: u32,
) -> anyhow::Result<()> {
    let args = ground.args;
    let gone =
        "what was appended to it after the processors had last caught up is lost; how much that is, nobody can say";
    match found {
        Found::Old { .. } => {
            let ends = log.topic_ends().await?;
            let added: u64 = ends.iter().skip(log.identity().partitions as usize).sum();
            if added > 0 {
                args.accept(&format!(
                    "{added} records at most lie in partitions that were added to the topic and are no part of the log"
                ))?;
            }
        }
        Found::Other { partitions, difference } => {
            if standing.sealed.is_none() {
                args.accept(&format!("the old log's topic is gone ({difference}); {gone}"))?;
            }
            if *partitions != wanted && log.topic_ends().await?.iter().any(|end| *end > 0) {
                bail!(
                    "the topic that was recreated has {partitions} partitions and holds records: take it as it is (without \
                     --partitions), and migrate again afterwards"
                );
            }
        }
        Found::Missing if standing.sealed.is_none() => args.accept(&format!("the old log's topic is gone; {gone}"))?,
        Found::Missing => {}
    }
    Ok(())
}

/// Now that nobody can append: whatever a role that was still running appended is processed too.
async fn still_drained(ground: &Ground<'_>, found: &Found) -> anyhow::Result<()> {
    if !matches!(found, Found::Old { .. }) {
        return Ok(());
    }
    ground.drain().await?;
    let left = behind(ground.log.as_ref(), &ground.warehouse).await?;
    if !left.is_empty() {
        ground.args.accept(&format!("the old log is not processed to its end: {}", listed(&left)))?;
    }
    Ok(())
}

/// Puts an empty topic of `wanted` partitions in the place of the old one; one that was recreated stays, if it fits.
async fn exchange(args: &LogArgs, log: &KafkaLog, found: &Found, wanted: u32) -> anyhow::Result<()> {
    let stays = match found {
        Found::Other { partitions, .. } => *partitions == wanted,
        // It is empty: either the old one, of which nothing is lost, or what an earlier run created.
        Found::Old { partitions } => *partitions == wanted && log.topic_ends().await?.iter().all(|end| *end == 0),
        Found::Missing => false,
    };
    if !stays {
        log.delete_events().await?;
        args.passed("deleted");
        log.create_events(wanted).await?;
    }
    args.passed("created");
    Ok(())
}
