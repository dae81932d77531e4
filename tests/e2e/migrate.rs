//! From one log to the next: what the old one held is counted, what is sent again is not, and a kill between any two steps
//! of `avow migrate log` leaves something that the next run takes up.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use avow_log::kafka::{KafkaConfig, KafkaLog};
use avow_testkit::process::{ADMIN_TOKEN, Avow};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Boxed, Caller, Cluster, command, decided, embedded};

const PLAIN: &str = "plain.example";
const SHARDED: &str = "sharded.example";
const SITES: [&str; 2] = [PLAIN, SHARDED];
const WAY_OUT: &str = "avow migrate log";

/// Events of both sites, each of a subject of its own.
fn events(count: usize) -> Vec<Value> {
    (0..count).map(|n| decided(SITES[n % 2], Uuid::new_v4())).collect()
}

async fn put_sites(caller: &Caller) -> Result<()> {
    caller.put_site(PLAIN, json!({"name": "Plain"})).await?;
    caller.put_site(SHARDED, json!({"name": "Sharded", "ledger": {"shards": 4}})).await
}

/// Waits until exactly these many decisions, each of another subject, are counted, and everything that the log holds is.
async fn counted(caller: &Caller, expected: u64) -> Result<()> {
    let query =
        json!({"sites": SITES, "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions", "visitors"]});
    let begun = Instant::now();
    loop {
        // The answer names milliseconds.
        let before = jiff::Timestamp::now() - Duration::from_millis(1);
        let answer = caller.query(query.clone()).await?;
        let metrics = &answer["rows"][0]["metrics"];
        let found = (metrics["decisions"].as_u64().unwrap_or(0), metrics["visitors"].as_u64().unwrap_or(0));
        ensure!(found.0 <= expected, "{found:?} of {expected}: something is counted twice");
        // As fresh as the question: the log's ends are counted.
        let fresh = answer["meta"]["freshness"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        if found == (expected, expected) && fresh >= Some(before) {
            break;
        }
        ensure!(begun.elapsed() < Duration::from_secs(60), "{found:?} of {expected} are counted: {answer}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let books = caller.get("/api/v1/data-quality", ADMIN_TOKEN).await?;
    ensure!(books["balanced"] == true, "{books}");
    Ok(())
}

/// Sends what was sent before and something new, and finds exactly the new counted.
async fn goes_on(take: &Caller, ask: &Caller, all: &mut Vec<Value>) -> Result<()> {
    ensure!(take.post(all).await == Some(202));
    let new = events(20);
    ensure!(take.post(&new).await == Some(202));
    all.extend(new);
    counted(ask, all.len() as u64).await
}

/// In every ledger the leaf indexes run from 0 without gaps, and no ledger has leaves of two logs.
fn ledgers_are_whole(boxed: &Boxed, epochs: &str) -> Result<()> {
    let broken = boxed.run(
        "SELECT ledger, count(), min(leaf), max(leaf), uniqExact(leaf), uniqExact(log_id) FROM events_data \
         WHERE kind != 'range' GROUP BY ledger HAVING min(leaf) != 0 OR max(leaf) + 1 != count() \
         OR uniqExact(leaf) != count() OR uniqExact(log_id) != 1",
    )?;
    ensure!(broken.is_empty(), "ledgers with gaps: {broken}");
    let found = boxed.run(
        "SELECT arrayStringConcat(arraySort(groupUniqArray(splitByChar('.', period)[2])), ',') FROM ledgers \
         WHERE name IN (SELECT ledger FROM events_data)",
    )?;
    ensure!(found.trim() == epochs, "periods of the epochs {found}, expected {epochs}");
    Ok(())
}

#[test]
fn the_embedded_log_is_followed_by_another() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let serve = |partitions: u32| {
        Ok::<_, anyhow::Error>(embedded()?.data_dir(dir.path()).env("AVOW_LOG__PARTITIONS", partitions.to_string()))
    };
    let settings = [("AVOW_DATA_DIR", dir.path().display().to_string())];
    let migrate = |args: &[&str]| command(&[&["migrate", "log"], args].concat(), &settings);

    let mut avow = serve(2)?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(put_sites(&caller))?;
    let token = json!({"name": "kept", "scopes": ["stats:read"]});
    let token = runtime.block_on(caller.token(token))?;
    let mut all = events(20);
    ensure!(runtime.block_on(caller.post(&all)) == Some(202));
    runtime.block_on(goes_on(&caller, &caller, &mut all))?;
    let (went, told) = migrate(&["--partitions", "3"])?;
    ensure!(!went && told.contains("another process"), "{told}");
    // Promised, and not processed yet.
    let late = events(30);
    ensure!(runtime.block_on(caller.post(&late)) == Some(202));
    all.extend(late);
    avow.kill9();

    let refused = serve(3)?.start().map(drop).unwrap_err().to_string();
    ensure!(refused.contains(WAY_OUT), "{refused}");
    let to_three = ["--partitions", "3", "--shards", "sharded.example=3"];
    let (went, told) = migrate(&[&to_three[..], &["--dry-run"]].concat())?;
    ensure!(went && told.contains("is followed by one with 3"), "{told}");
    for step in ["drained", "prepared", "moved-aside", "recorded"] {
        let (went, told) = migrate(&[&to_three[..], &["--die-after", step]].concat())?;
        ensure!(!went, "it did not die after {step}: {told}");
        if step == "moved-aside" {
            let refused = serve(3)?.start().map(drop).unwrap_err().to_string();
            ensure!(refused.contains(WAY_OUT), "{refused}");
        }
    }
    let (went, told) = migrate(&to_three)?;
    ensure!(went && told.contains("nothing to do"), "{told}");

    let mut avow = serve(3)?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(counted(&caller, all.len() as u64))?;
    runtime.block_on(goes_on(&caller, &caller, &mut all))?;
    let site = runtime.block_on(caller.get(&format!("/api/v1/sites/{SHARDED}"), ADMIN_TOKEN))?;
    ensure!(site["ledger"]["shards"] == 3 && site["version"] == 2, "{site}");
    runtime.block_on(caller.get("/api/v1/me", &token))?;
    avow.terminate()?;

    // And back, killed where only the record in the warehouse is missing: that is made up for by whoever comes next.
    let (went, told) = migrate(&["--partitions", "2", "--die-after", "moved-in"])?;
    ensure!(!went, "{told}");
    let mut avow = serve(2)?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(goes_on(&caller, &caller, &mut all))?;
    avow.terminate()?;
    let boxed = Boxed::start_in(dir.path())?;
    ledgers_are_whole(&boxed, ",2,3")
}

fn refused(avow: &mut Avow) -> Result<String> {
    let error = format!("{:#}", avow.restart().unwrap_err());
    ensure!(error.contains(WAY_OUT), "{error}");
    Ok(error)
}

#[test]
fn the_log_over_kafka_is_followed_by_another() -> Result<()> {
    let runtime = Runtime::new()?;
    let mut cluster = Cluster::start()?;
    let mut settings = cluster.settings();
    let (data, timeout) = (tempfile::tempdir()?, "200".to_owned());
    settings.extend([("AVOW_DATA_DIR", data.path().display().to_string()), ("AVOW_KAFKA__APPEND_TIMEOUT_MS", timeout)]);
    let migrate = |args: &[&str]| command(&[&["migrate", "log"], args].concat(), &settings);
    let (take, ask) = (Caller::of(cluster.ingest.url()), Caller::of(cluster.api.url()));
    runtime.block_on(put_sites(&ask))?;
    let mut all = vec![decided(SHARDED, Uuid::new_v4())];
    // Ingest knows the sites within seconds.
    while runtime.block_on(take.post(&all)) != Some(202) {
        std::thread::sleep(Duration::from_millis(50));
    }
    runtime.block_on(goes_on(&take, &ask, &mut all))?;
    kafka_goes_over(&runtime, &mut cluster, &migrate, &take, &ask, &mut all)?;
    recreated_by_hand(&runtime, &mut cluster, &migrate, &take, &ask, &mut all)?;
    ledgers_are_whole(&cluster.boxed, ",2,3")
}

type Migrate<'a> = &'a dyn Fn(&[&str]) -> Result<(bool, String)>;

/// Killed after every step, with an ingest that nobody stopped.
fn kafka_goes_over(
    runtime: &Runtime,
    cluster: &mut Cluster,
    migrate: Migrate<'_>,
    take: &Caller,
    ask: &Caller,
    all: &mut Vec<Value>,
) -> Result<()> {
    cluster.processor.terminate()?;
    cluster.api.terminate()?;
    let late = events(30);
    ensure!(runtime.block_on(take.post(&late)) == Some(202));
    all.extend(late);
    let args = ["--partitions", "4", "--shards", "sharded.example=2"];
    for step in ["sealed", "deleted", "created", "resharded", "begun"] {
        let (went, told) = migrate(&[&args[..], &["--die-after", step]].concat())?;
        ensure!(!went && !told.contains("avow:"), "it did not die after {step}: {told}");
        if step == "sealed" {
            let answer = runtime.block_on(take.post(&events(1)));
            ensure!(answer == Some(503), "an ingest on the sealed log answers {answer:?}");
            ensure!(cluster.ingest.admin_get("/readyz")?.0 == 503, "it is not ready");
            refused(&mut cluster.api)?;
        }
    }
    let (went, told) = migrate(&args)?;
    ensure!(went && told.contains("is in force") && told.contains("nothing to do"), "{told}");
    ensure!(runtime.block_on(take.post(&events(1))) == Some(503), "the old ingest writes into the new log");
    for role in [&mut cluster.processor, &mut cluster.api, &mut cluster.ingest] {
        role.restart()?;
    }
    runtime.block_on(counted(ask, all.len() as u64))?;
    runtime.block_on(goes_on(take, ask, all))
}

/// The events topic deleted and created again while nothing runs, with as many partitions.
fn recreated_by_hand(
    runtime: &Runtime,
    cluster: &mut Cluster,
    migrate: Migrate<'_>,
    take: &Caller,
    ask: &Caller,
    all: &mut Vec<Value>,
) -> Result<()> {
    for role in [&mut cluster.processor, &mut cluster.api, &mut cluster.ingest] {
        role.terminate()?;
    }
    runtime.block_on(async {
        let config = KafkaConfig { brokers: cluster.kafka.brokers(), ..KafkaConfig::default() };
        let Some((log, _)) = KafkaLog::for_migration(config).await? else { anyhow::bail!("there is no log") };
        log.delete_events().await?;
        Ok(log.create_events(4).await?)
    })?;
    // Ingest cannot know; what it takes now lies in the recreated topic, which the next log takes over as it is.
    cluster.ingest.restart()?;
    let between = events(10);
    ensure!(runtime.block_on(take.post(&between)) == Some(202));
    all.extend(between);
    refused(&mut cluster.processor)?;
    cluster.ingest.terminate()?;
    let (went, told) = migrate(&[])?;
    ensure!(!went && told.contains("--accept-loss"), "{told}");
    let (went, told) = migrate(&["--accept-loss"])?;
    ensure!(went, "{told}");
    for role in [&mut cluster.processor, &mut cluster.api, &mut cluster.ingest] {
        role.restart()?;
    }
    runtime.block_on(goes_on(take, ask, all))
}
