//! Kafka away when an ingest starts, a site that is added while its events arrive, a warehouse that stands still: what was
//! promised is counted.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use avow_testkit::child::Signal;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, Cluster, decided};

const PATIENCE: Duration = Duration::from_secs(120);

fn events(site: &str, count: usize) -> Vec<Value> {
    (0..count).map(|_| decided(site, Uuid::new_v4())).collect()
}

/// Waits until exactly so many decisions of a site are counted.
fn counted(runtime: &Runtime, cluster: &Cluster, site: &str, expected: u64) -> Result<()> {
    let caller = Caller::of(cluster.api.url());
    let query = json!({"sites": [site], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions"]});
    let begun = Instant::now();
    loop {
        let answer = runtime.block_on(caller.query(query.clone()));
        let there = answer.map_or(0, |answer| answer["rows"][0]["metrics"]["decisions"].as_u64().unwrap_or(0));
        ensure!(there <= expected, "{there} are counted, {expected} were promised");
        if there == expected {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{there} of {expected} are counted\n{}", cluster.processor.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn an_ingest_starts_without_kafka_and_keeps_its_promises() -> Result<()> {
    const SITE: &str = "outage.example";
    let runtime = Runtime::new()?;
    let mut cluster = Cluster::start()?;
    let (api, ingest) = (Caller::of(cluster.api.url()), Caller::of(cluster.ingest.url()));
    runtime.block_on(api.put_site(SITE, json!({"name": "Outage"})))?;
    let begun = Instant::now();
    while runtime.block_on(ingest.post(&events(SITE, 1))) != Some(202) {
        ensure!(begun.elapsed() < PATIENCE, "the site is not known to ingest");
    }
    counted(&runtime, &cluster, SITE, 1)?;
    // What ingest knows of sites lies on its disk a moment after it has learned it.
    while !std::fs::read_to_string(cluster.ingest.data_dir().join("control.jsonl"))
        .is_ok_and(|text| text.contains(SITE))
    {
        ensure!(begun.elapsed() < PATIENCE, "no snapshot of the settings");
        std::thread::sleep(Duration::from_millis(50));
    }

    cluster.ingest.kill9();
    cluster.kafka.kill9(0);
    cluster.ingest.restart()?;
    let (status, ready) = cluster.ingest.admin_get("/readyz")?;
    ensure!(status == 200 && ready.contains("the spool takes events"), "{status} {ready}");
    for _ in 0..10 {
        ensure!(runtime.block_on(ingest.post(&events(SITE, 20))) == Some(202), "not promised without Kafka");
    }
    cluster.kafka.restart(0)?;
    counted(&runtime, &cluster, SITE, 201)?;
    ensure!(cluster.ingest.metric("avow_spool_forwarded_records_total")? >= 200.0);
    Ok(())
}

#[test]
fn a_site_may_be_added_while_its_events_arrive() -> Result<()> {
    const SITE: &str = "added.example";
    let runtime = Runtime::new()?;
    let cluster = Cluster::start()?;
    let (api, ingest) = (Caller::of(cluster.api.url()), Caller::of(cluster.ingest.url()));
    let adding = runtime.spawn(async move { api.put_site(SITE, json!({"name": "Added"})).await });
    let (mut promised, mut refused) = (0, 0);
    let begun = Instant::now();
    while promised < 100 {
        match runtime.block_on(ingest.post(&events(SITE, 5))) {
            Some(202) => promised += 5,
            _ => refused += 5,
        }
        ensure!(begun.elapsed() < PATIENCE, "the site is not known to ingest");
    }
    runtime.block_on(adding)??;
    println!("{refused} refused before the site was known");
    counted(&runtime, &cluster, SITE, promised)
}

/// While the warehouse stands still the log grows, and nobody's memory; the lag shows it, in records and in seconds.
#[test]
fn a_warehouse_that_stands_still_costs_no_memory() -> Result<()> {
    const SITE: &str = "slow.example";
    const SIZE: usize = 500;
    /// Batches that fill what the processor reads ahead, two batches of its own and librdkafka's queue for each partition.
    const FILLING: usize = 240;
    /// Batches for which nobody has room, 40 MB of records.
    const FURTHER: usize = 240;
    const NOISE_MIB: u64 = 16;
    let runtime = Runtime::new()?;
    let settings =
        [("AVOW_KAFKA__PARTITIONS", "2"), ("AVOW_PROCESSOR__BATCH_RECORDS", "5000"), ("AVOW_INGEST__QUOTAS", "off")];
    let cluster = Cluster::start_with(&settings)?;
    let (api, ingest) = (Caller::of(cluster.api.url()), Caller::of(cluster.ingest.url()));
    runtime.block_on(api.put_site(SITE, json!({"name": "Slow", "ledger": {"shards": 8}})))?;
    let begun = Instant::now();
    let mut promised = 0;
    let mut post = |count: usize| {
        let taken = runtime.block_on(ingest.post(&events(SITE, count))) == Some(202);
        promised += if taken { count as u64 } else { 0 };
        taken
    };
    while !post(SIZE) {
        ensure!(begun.elapsed() < PATIENCE, "the site is not known to ingest");
    }
    counted(&runtime, &cluster, SITE, SIZE as u64)?;

    let resident = || Ok::<_, anyhow::Error>((cluster.processor.resident_mib()?, cluster.ingest.resident_mib()?));
    cluster.boxed.signal(Signal::STOP)?;
    let mut promise = |batches: usize| {
        let all = (0..batches).all(|_| post(SIZE));
        ensure!(all, "not promised while the warehouse stands still");
        resident()
    };
    let filled = promise(FILLING)?;
    let after = promise(FURTHER)?;
    let behind = ((FILLING + FURTHER) * SIZE) as f64;
    let lag =
        || Ok::<f64, anyhow::Error>(cluster.processor.metric_by_labels("avow_processor_lag_records")?.iter().sum());
    let seconds = || cluster.processor.metric_by_labels("avow_processor_lag_seconds");
    while lag()? < behind / 2.0 || !seconds()?.iter().any(|waiting| *waiting >= 1.0) {
        ensure!(begun.elapsed() < PATIENCE, "the lag does not show");
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("resident MiB of processor and ingest: {filled:?}, then {after:?} with {behind} records waiting");
    ensure!(after.0 < filled.0 + NOISE_MIB && after.1 < filled.1 + NOISE_MIB, "{filled:?} became {after:?}");

    let waiting = Instant::now();
    cluster.boxed.signal(Signal::CONT)?;
    counted(&runtime, &cluster, SITE, promised)?;
    println!("caught up in {:.1} s", waiting.elapsed().as_secs_f64());
    while lag()? > 0.0 {
        ensure!(begun.elapsed() < PATIENCE, "the lag does not go");
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
