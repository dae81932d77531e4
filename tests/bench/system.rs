//! The whole server, measured from the outside: events/s through the processor on a replay of the log, delay from the 202 to
//! the number, resident memory idle and at 1,000 events/s.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use avow_testkit::engine;
use avow_testkit::process::{ADMIN_TOKEN, Avow, Settings, binary, without_settings};
use serde_json::{Value, json};
use uuid::Uuid;

use installation::{Caller, Cluster, decided};

const SITE: &str = "bench.example";
const REPLAYED: u64 = 600_000;
const PROBES: usize = 60;

#[path = "../e2e/installation.rs"]
#[expect(dead_code, reason = "only its cluster is measured here")]
mod installation;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    replay()?;
    catch_up(&runtime)?;
    let avow = serve()?.start()?;
    println!("memory idle: {} MiB resident", avow.resident_mib()?);
    delay(&runtime, &avow)?;
    under_load(&avow)
}

fn serve() -> Result<Settings> {
    Ok(Settings::new("serve").env("AVOW_LIBCHDB", engine::library()?.display().to_string()))
}

/// Fills the log, deletes what was derived from it, and times the processor from an empty warehouse to the log's end.
fn replay() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let settings = || Ok::<_, anyhow::Error>(serve()?.data_dir(dir.path()));
    let mut avow = settings()?.start()?;
    let events = REPLAYED.to_string();
    let status =
        simulate(&avow.url()).args(["--sites", "20", "--events", &events, "--settle", "0s", "--seed", "3"]).status()?;
    ensure!(status.success(), "the simulator failed");
    avow.terminate()?;
    drop(avow);
    fs::remove_dir_all(dir.path().join("clickhouse"))?;
    fs::remove_dir_all(dir.path().join("processor"))?;
    let avow = settings()?.start()?;
    let begun = Instant::now();
    loop {
        let read = avow.metric("avow_processor_read_records_total")?;
        if read >= REPLAYED as f64 {
            let took = begun.elapsed().as_secs_f64();
            println!(
                "replay: {read} records in {took:.1} s from ready on: {:.0} events/s, roll-up and commitments included",
                read / took
            );
            return Ok(());
        }
        ensure!(begun.elapsed() < Duration::from_secs(300), "the replay stands at {read}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Over Kafka: a day's worth of events of an installation with seven a second, all of them waiting when the processor starts.
fn catch_up(runtime: &tokio::runtime::Runtime) -> Result<()> {
    let mut cluster = Cluster::start_with(&[("AVOW_INGEST__QUOTAS", "off")])?;
    let (api, ingest) = (Caller::of(cluster.api.url()), Caller::of(cluster.ingest.url()));
    let sites: Vec<String> = (0..24).map(|n| format!("site-{n}.example")).collect();
    for site in &sites {
        runtime.block_on(api.put_site(site, json!({"name": "Bench"})))?;
    }
    cluster.processor.terminate()?;
    let mut promised = 0;
    let begun = Instant::now();
    while promised < REPLAYED {
        for site in &sites {
            let events: Vec<Value> = (0..500).map(|_| decided(site, Uuid::new_v4())).collect();
            let taken = runtime.block_on(ingest.post(&events)) == Some(202);
            promised += if taken { 500 } else { 0 };
            ensure!(begun.elapsed() < Duration::from_secs(300), "{promised} promised");
        }
    }
    cluster.processor.restart()?;
    let begun = Instant::now();
    while cluster.processor.metric("avow_processor_read_records_total")? < promised as f64 {
        ensure!(begun.elapsed() < Duration::from_secs(300), "the processor does not catch up");
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = begun.elapsed().as_secs_f64();
    println!(
        "catching up over Kafka: {promised} records in {took:.1} s: {:.0} events/s; the processor has {} MiB resident",
        promised as f64 / took,
        cluster.processor.resident_mib()?
    );
    Ok(())
}

fn simulate(url: &str) -> Command {
    let mut command = Command::new(binary().unwrap_or_default());
    without_settings(&mut command).args(["simulate", "--url", url, "--token", ADMIN_TOKEN]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// One event at a time: from its 202 until the query API shows it.
fn delay(runtime: &tokio::runtime::Runtime, avow: &Avow) -> Result<()> {
    let client = reqwest::Client::new();
    let url = avow.url();
    let put = client.put(format!("{url}/api/v1/sites/{SITE}")).bearer_auth(ADMIN_TOKEN).json(&json!({"name": "Bench"}));
    runtime.block_on(put.send())?.error_for_status()?;
    let query = json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["shown"]});
    let shown = || -> Result<u64> {
        let ask = client.post(format!("{url}/api/v1/query")).bearer_auth(ADMIN_TOKEN).json(&query).send();
        let answer: Value = runtime.block_on(async { ask.await?.json().await })?;
        Ok(answer["rows"][0]["metrics"]["shown"].as_u64().unwrap_or(0))
    };
    let mut delays = Vec::with_capacity(PROBES);
    for n in 1..=PROBES as u64 {
        let event = json!({"id": Uuid::new_v4(), "site": SITE, "type": "shown", "occurred_at": jiff::Timestamp::now()});
        let answer = runtime.block_on(client.post(format!("{url}/v1/events")).json(&event).send())?;
        ensure!(answer.status() == 202, "{}", answer.status());
        let begun = Instant::now();
        while shown()? < n {}
        delays.push(begun.elapsed());
    }
    delays.sort();
    let at = |share: f64| delays[((PROBES as f64 * share) as usize).min(PROBES - 1)].as_millis();
    println!("delay from 202 to the number: p50 {} ms, p95 {} ms", at(0.5), at(0.95));
    Ok(())
}

fn under_load(avow: &Avow) -> Result<()> {
    let mut load =
        simulate(&avow.url()).args(["--sites", "5", "--rate", "1000", "--duration", "30s", "--seed", "4"]).spawn()?;
    std::thread::sleep(Duration::from_secs(25));
    println!("memory at 1,000 events/s: {} MiB resident", avow.resident_mib()?);
    ensure!(load.wait()?.success(), "the simulator failed");
    Ok(())
}
