//! A rolling restart of every process under load, as for an update: clients that honour `Retry-After` see no server error, and
//! no count is off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use avow_testkit::process::{ADMIN_TOKEN, Avow, Settings};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::front::Front;
use crate::installation::{Caller, Cluster, decided};

const SITE: &str = "rolling.example";
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends until it is answered with something else than "later", as an answer with `Retry-After` asks.
async fn honouring_retry_after(request: reqwest::RequestBuilder) -> Result<reqwest::Response> {
    let begun = Instant::now();
    loop {
        let answer = request.try_clone().context("a request that can be sent again")?.send().await?;
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            return Ok(answer);
        }
        let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let Some(after) = after else { bail!("503 without Retry-After: {}", answer.text().await?) };
        ensure!(begun.elapsed() < PATIENCE, "still 503: {}", answer.text().await?);
        tokio::time::sleep(Duration::from_secs(after)).await;
    }
}

/// Posts batches until `stop`, and adds what is promised.
async fn beacon(url: String, stop: Arc<AtomicBool>, promised: Arc<AtomicU64>) -> Result<()> {
    let http = reqwest::Client::new();
    while !stop.load(Ordering::Relaxed) {
        let events: Vec<Value> = (0..20).map(|_| decided(SITE, Uuid::new_v4())).collect();
        let request = http.post(format!("{url}/v1/events")).json(&json!({"events": events}));
        let answer = honouring_retry_after(request).await?;
        ensure!(answer.status() == StatusCode::ACCEPTED, "{}: {}", answer.status(), answer.text().await?);
        promised.fetch_add(20, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Asks for the number until `stop`; it never falls.
async fn analyst(url: String, stop: Arc<AtomicBool>) -> Result<()> {
    let http = reqwest::Client::new();
    let query = json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions"]});
    let mut last = 0;
    while !stop.load(Ordering::Relaxed) {
        let request = http.post(format!("{url}/api/v1/query")).bearer_auth(ADMIN_TOKEN).json(&query);
        let answer = honouring_retry_after(request).await?;
        ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.text().await?);
        let answer: Value = answer.json().await?;
        let decisions = answer["rows"][0]["metrics"]["decisions"].as_u64().unwrap_or(0);
        ensure!(decisions >= last, "{last} became {decisions}");
        last = decisions;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[test]
fn every_process_is_restarted_and_nobody_notices() -> Result<()> {
    let runtime = Runtime::new()?;
    let mut cluster = Cluster::start()?;
    let another = |role: &str| -> Result<Avow> {
        cluster.settings().into_iter().fold(Settings::new(role), |role, (key, value)| role.env(key, value)).start()
    };
    let (mut ingest, mut processor, mut api) = (another("ingest")?, another("processor")?, another("api")?);
    let front = Front::start(&[&cluster.ingest, &ingest], &[&cluster.api, &api])?;
    let caller = Caller::of(front.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Rolling"})))?;
    let begun = Instant::now();
    // Until both ingests know the site: the front gives them turns.
    let (mut in_a_row, mut promised_before) = (0, 0);
    while in_a_row < 4 {
        let taken = runtime.block_on(caller.post(&[decided(SITE, Uuid::new_v4())])) == Some(202);
        (in_a_row, promised_before) = if taken { (in_a_row + 1, promised_before + 1) } else { (0, promised_before) };
        ensure!(begun.elapsed() < PATIENCE, "the site is not known to ingest");
    }
    let count = || -> Result<u64> {
        let query = json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions"]});
        let answer = runtime.block_on(caller.query(query))?;
        Ok(answer["rows"][0]["metrics"]["decisions"].as_u64().unwrap_or(0))
    };

    let stop = Arc::new(AtomicBool::new(false));
    let promised = Arc::new(AtomicU64::new(promised_before));
    let mut clients: Vec<_> =
        (0..4).map(|_| runtime.spawn(beacon(front.url(), Arc::clone(&stop), Arc::clone(&promised)))).collect();
    clients.push(runtime.spawn(analyst(front.url(), Arc::clone(&stop))));
    let pause = || std::thread::sleep(Duration::from_millis(1500));
    pause();
    for process in
        [&mut cluster.ingest, &mut ingest, &mut cluster.processor, &mut processor, &mut cluster.api, &mut api]
    {
        let status = process.terminate()?;
        ensure!(status.success(), "{status} on SIGTERM");
        process.restart()?;
        pause();
    }
    cluster.boxed.restart()?;
    pause();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        runtime.block_on(client)??;
    }

    let promised = promised.load(Ordering::Relaxed);
    let begun = Instant::now();
    while count()? < promised {
        ensure!(begun.elapsed() < PATIENCE, "{} of {promised} are counted", count()?);
        std::thread::sleep(Duration::from_millis(200));
    }
    ensure!(count()? == promised, "{} are counted, {promised} were promised", count()?);
    println!("{promised} events promised and counted");
    Ok(())
}
