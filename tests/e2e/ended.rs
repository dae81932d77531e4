//! What has ended keeps its proof: the ledger of a half-year that is over, and the ledgers of a log that was followed by
//! another, are whole, closed to their last day, served, and exported as before.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_log::kafka::{KafkaConfig, KafkaLog};
use avow_testkit::kafka::Kafka;
use avow_testkit::process::Avow;
use jiff::civil::Date;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::days::today;
use crate::evolution::Foreign;
use crate::installation::{Caller, administer, command, decided, embedded};
use crate::ledger::{PublicLog, logs, sealed};
use crate::proof::{lines, unpacked};

const SITE: &str = "ended.example";
const PATIENCE: Duration = Duration::from_secs(120);

/// Exports from one day to before another until the claim "days" says so; what `avow verify` says.
fn until(avow: &Avow, bundle: &Path, (from, to): (Date, Date), said: &str) -> Result<String> {
    let (begun, out) = (Instant::now(), bundle.display().to_string());
    loop {
        _ = std::fs::remove_file(bundle);
        let (from, to) = (from.to_string(), to.to_string());
        administer(&avow.url(), &["export", "--site", SITE, "--from", &from, "--to", &to, "--out", &out])?;
        let (went, told) = command(&["verify", &out], &[])?;
        if told.contains(said) {
            ensure!(went, "{told}");
            return Ok(told);
        }
        ensure!(begun.elapsed() < PATIENCE, "never {said:?}: {told}\n{}", avow.log());
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// The site's log of this period.
fn of_period(logs: &[Value], period: &str) -> Result<Value> {
    let found = logs.iter().find(|log| log["site"] == SITE && log["period"] == period);
    found.cloned().with_context(|| format!("no log of {period}: {logs:?}"))
}

#[test]
fn a_half_years_ledger_is_whole_when_it_is_over() -> Result<()> {
    let kafka = Kafka::start()?;
    let (foreign, today) = (Foreign::new(&kafka, None)?, today());
    // The log's time is what the writer says, so that a half-year ends while the test runs.
    foreign.run(&["topic"])?;
    let avow = embedded()?.env("AVOW_KAFKA__BROKERS", kafka.brokers()).start()?;
    let (caller, runtime) = (Caller::of(avow.url()), Runtime::new()?);
    runtime.block_on(caller.put_site(SITE, json!({"name": "Ended", "ledger": {"checkpoint_seconds": 1}})))?;
    foreign.run(&["months", SITE, "400"])?;

    let half = if today.month() < 7 { 1 } else { 2 };
    let next = if half == 1 { Date::new(today.year(), 7, 1)? } else { Date::new(today.year() + 1, 1, 1)? };
    let dir = tempfile::tempdir()?;
    let bundle = dir.path().join("bundle.zip");
    // Its last day, and the day of the settings.
    let told = until(&avow, &bundle, (today, next), "2 closed days")?;
    println!("{told}");
    ensure!(told.contains(&format!("to {}: 100 records, everything there was", next.yesterday()?)), "{told}");
    ensure!(!told.contains("erased"), "{told}");

    // Frozen: its last checkpoint has every leaf, and is served with its entries to anybody.
    let period = format!("{}H{half}", today.year());
    let log = of_period(&logs(&runtime, &caller)?, &period)?;
    ensure!(log["size"] == 101, "the settings and 100 events: {log}");
    let public = PublicLog::of(&runtime, &avow.url(), &log)?;
    let entries = public.entries(public.checkpoint()?.size)?;
    let kinds = |kind: u8| entries.iter().filter(|entry| entry[0] == kind).count();
    ensure!((kinds(6), kinds(1), kinds(3)) == (1, 100, 0), "its days are closed in the ledger that follows it");

    // What comes later changes nothing of it, and it is exported as before.
    let events: Vec<Value> = (0..50).map(|_| decided(SITE, Uuid::new_v4())).collect();
    ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    let (begun, later) = (Instant::now(), logs(&runtime, &caller)?);
    let following = later.iter().find(|log| log["site"] == SITE && log["period"] != period.as_str());
    let size = following.context("no log follows it")?["size"].as_u64().context("no size")?;
    while logs(&runtime, &caller)?.iter().all(|log| log["site"] != SITE || log["size"].as_u64() < Some(size + 50)) {
        ensure!(begun.elapsed() < PATIENCE, "the events of later do not come: {later:?}\n{}", avow.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    ensure!(of_period(&logs(&runtime, &caller)?, &period)? == log, "it is not frozen");
    until(&avow, &bundle, (today, next), "100 records, everything there was")?;
    let name = log["name"].as_str().context("no name")?;
    ensure!(unpacked(&bundle)?.contains_key(&format!("logs/{name}/checkpoint")), "not in the bundle");
    Ok(())
}

#[test]
fn the_last_day_of_a_log_that_was_followed_is_closed() -> Result<()> {
    const BEFORE: usize = 20;
    const A_DAY: usize = 30;
    let kafka = Kafka::start()?;
    let (foreign, today, runtime, dir) = (Foreign::new(&kafka, None)?, today(), Runtime::new()?, tempfile::tempdir()?);
    foreign.run(&["topic"])?;
    let data = dir.path().join("data");
    let start = || embedded()?.env("AVOW_KAFKA__BROKERS", kafka.brokers()).data_dir(&data).start();
    let mut avow = start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Ended", "ledger": {"checkpoint_seconds": 1}})))?;
    let events: Vec<Value> = (0..BEFORE).map(|_| decided(SITE, Uuid::new_v4())).collect();
    ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    sealed(&runtime, &caller, SITE, BEFORE as u64 + 1)?;
    avow.terminate()?;

    // The next log's topic is made by hand, so that its time too is what the writer says.
    let settings = [
        ("AVOW_KAFKA__BROKERS", kafka.brokers()),
        ("AVOW_DATA_DIR", data.display().to_string()),
        ("AVOW_KAFKA__APPEND_TIMEOUT_MS", "200".to_owned()),
    ];
    let migrate = |args: &[&str]| command(&[&["migrate", "log"], args].concat(), &settings);
    let (went, told) = migrate(&["--shards", "ended.example=2", "--die-after", "sealed"])?;
    ensure!(!went, "{told}");
    runtime.block_on(async {
        let config = KafkaConfig { brokers: kafka.brokers(), ..KafkaConfig::default() };
        let (log, _) = KafkaLog::for_migration(config).await?.context("there is no log")?;
        Ok::<_, anyhow::Error>(log.delete_events().await?)
    })?;
    foreign.run(&["topic"])?;
    let (went, told) = migrate(&["--shards", "ended.example=2"])?;
    ensure!(went, "{told}");

    let avow = start()?;
    let caller = Caller::of(avow.url());
    foreign.run(&["days", SITE, &Uuid::new_v4().to_string(), &A_DAY.to_string()])?;
    let bundle = dir.path().join("bundle.zip");
    let end = today.checked_add(jiff::Span::new().days(4))?;
    let told = until(&avow, &bundle, (today, end), "4 closed days")?;
    println!("{told}");
    ensure!(told.contains(&format!("{} records, everything there was", BEFORE + 3 * A_DAY)), "{told}");
    let all = logs(&runtime, &caller)?;
    let old = of_period(&all, &format!("{}H{}", today.year(), if today.month() < 7 { 1 } else { 2 }))?;
    ensure!(old["size"] == BEFORE + 1, "the old log's ledger has grown: {old}");
    // The close of its last day is a leaf of the log that follows, and names the old ledger.
    let closes = lines(&unpacked(&bundle)?).into_iter().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let of_old = closes.filter(|line| line["kind"] == 3).any(|line| {
        let body = line["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
        line["ledger"] != old["name"] && body.is_some_and(|body| body["ledger"] == old["name"])
    });
    ensure!(of_old, "no close of the old ledger's day");
    Ok(())
}
