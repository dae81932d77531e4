//! `avow ledger audit`: all is well while nobody has touched the tables, also under traffic; whatever is falsified there by
//! hand is named, where it is.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use avow_testkit::kafka::Kafka;
use avow_testkit::process::ADMIN_TOKEN;

use crate::evolution::Foreign;
use crate::installation::{Boxed, Caller, command, decided, embedded};
use crate::ledger::sealed;

const SITE: &str = "audit.example";
const EVENTS: usize = 1_200;

/// Runs the audit: whether it went well, and the job as the server has it.
fn audit(url: &str) -> Result<(bool, Value)> {
    let (went, told) = command(&["ledger", "audit", "--json", "--url", url, "--token", ADMIN_TOKEN], &[])?;
    let job = told.rfind('}').map(|end| &told[..=end]).context("no JSON")?;
    Ok((went, serde_json::from_str(job).with_context(|| told.clone())?))
}

/// The faults that are named: what, at which leaf or size.
fn faults(job: &Value, ledger: &str) -> Vec<(String, Option<u64>)> {
    let all = job["found"]["faults"].as_array().into_iter().flatten();
    let of = all.filter(|fault| fault["ledger"] == ledger);
    of.map(|f| (f["what"].as_str().unwrap_or_default().to_owned(), f["leaf"].as_u64().or(f["size"].as_u64()))).collect()
}

#[test]
fn what_is_falsified_by_hand_is_named() -> Result<()> {
    let runtime = Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let start = || embedded()?.data_dir(dir.path()).start();
    let mut avow = start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Audit", "ledger": {"checkpoint_seconds": 1}})))?;
    let post = |caller: &Caller, count: usize| -> Result<()> {
        for _ in 0..count / 300 {
            let events: Vec<Value> = (0..300).map(|_| decided(SITE, Uuid::new_v4())).collect();
            ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
        }
        Ok(())
    };
    post(&caller, EVENTS)?;
    let size = EVENTS as u64 + 1;
    let log = sealed(&runtime, &caller, SITE, size)?;
    let ledger = log["name"].as_str().context("no name")?.to_owned();
    std::thread::sleep(std::time::Duration::from_secs(3));

    let (went, job) = audit(&avow.url())?;
    let found = &job["found"];
    ensure!(went && found["fault_count"] == 0 && found["leaves"] == size && found["nodes"] == 4, "{job}");
    ensure!(found["checkpoints"].as_u64() >= Some(3), "checkpoint, its entry, the operator log's: {job}");
    // What arrives meanwhile is no fault.
    post(&caller, 300)?;
    let (went, job) = audit(&avow.url())?;
    ensure!(went && job["found"]["fault_count"] == 0, "{job}");
    let scope = json!({"name": "analyst", "scopes": ["stats:read"]});
    let analyst = runtime.block_on(caller.token(scope))?;
    let (went, told) = command(&["ledger", "audit", "--url", &avow.url(), "--token", &analyst], &[])?;
    ensure!(!went && told.contains("audit:read"), "{told}");
    sealed(&runtime, &caller, SITE, size + 300)?;
    avow.terminate()?;

    let boxed = Boxed::start_in(dir.path())?;
    let at = |leaf: u64| format!("WHERE kind = 'event' AND ledger = '{ledger}' AND leaf = {leaf}");
    let position = boxed.run(&format!("SELECT position FROM events_data {}", at(5)))?.trim().parse::<u64>()?;
    let synced = "SETTINGS mutations_sync = 2";
    let of = format!("WHERE ledger = '{ledger}'");
    let hash = |letter: char| format!("toFixedString(repeat('{letter}', 32), 32)");
    let other = "concat(unhex('01'), repeat('x', 32))";
    for statement in [
        format!("ALTER TABLE events_data UPDATE method = 'reject_all' {} {synced}", at(5)),
        format!("ALTER TABLE events_data UPDATE categories = map('preferences', false) {} {synced}", at(6)),
        format!("DELETE FROM events_data {}", at(20)),
        format!("INSERT INTO ledger_leaves SELECT ledger, leaf, {other} FROM ledger_leaves {of} AND leaf = 9"),
        format!("ALTER TABLE ledger_nodes UPDATE hash = {} {of} AND number = 2 {synced}", hash('n')),
        format!("ALTER TABLE ledger_heads UPDATE root = {} {of} {synced}", hash('h')),
        format!("ALTER TABLE ledger_checkpoints UPDATE root = {} {of} {synced}", hash('c')),
        format!("ALTER TABLE ledger_anchors UPDATE leaf = leaf + 1000 {of} {synced}"),
    ] {
        boxed.run(&statement)?;
    }
    drop(boxed);

    let avow = start()?;
    let (went, job) = audit(&avow.url())?;
    ensure!(!went, "{job}");
    let named = faults(&job, &ledger);
    let top = size + 300;
    let expected = [
        ("commitment", 5),
        ("commitment", 6),
        ("entry", 9),
        ("missing", 20),
        ("node", 768),
        ("head", top),
        ("checkpoint", top),
        ("anchor", top),
    ];
    let expected: Vec<(String, Option<u64>)> =
        expected.iter().map(|(what, at)| ((*what).to_owned(), Some(*at))).collect();
    ensure!(named == expected, "{named:?}\n{job}");
    ensure!(job["found"]["faults"][0]["position"] == position, "{job}");
    ensure!(faults(&job, "operator").is_empty(), "{job}");
    let (_, told) = command(&["ledger", "audit", "--url", &avow.url(), "--token", ADMIN_TOKEN], &[])?;
    ensure!(told.contains(&format!("commitment    ledger {ledger}  leaf 5  partition ")), "{told}");
    ensure!(told.contains("8 faults"), "{told}");
    Ok(())
}

#[test]
fn a_falsified_close_of_a_day_is_named() -> Result<()> {
    const SITE: &str = "closes.example";
    let (kafka, runtime, dir) = (Kafka::start()?, Runtime::new()?, tempfile::tempdir()?);
    let foreign = Foreign::new(&kafka, None)?;
    // The log's time is what the writer says, so that days go by while the test runs.
    foreign.run(&["topic"])?;
    let start = || embedded()?.env("AVOW_KAFKA__BROKERS", kafka.brokers()).data_dir(dir.path()).start();
    let mut avow = start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Closes", "ledger": {"checkpoint_seconds": 1}})))?;
    foreign.run(&["days", SITE, &Uuid::new_v4().to_string(), "40"])?;
    let begun = std::time::Instant::now();
    loop {
        let (went, job) = audit(&avow.url())?;
        ensure!(went && job["found"]["fault_count"] == 0, "{job}");
        if job["found"]["days"] == 4 {
            break;
        }
        ensure!(begun.elapsed().as_secs() < 120, "no days are closed: {job}\n{}", avow.log());
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    avow.terminate()?;

    // The settings' day, and three of 40 events each.
    let boxed = Boxed::start_in(dir.path())?;
    let told = boxed.run("SELECT ledger, first FROM ledger_days FINAL ORDER BY first")?;
    let ledger = told.split('\t').next().context("no days")?.to_owned();
    let firsts: Vec<u64> = told.lines().filter_map(|line| line.split('\t').nth(1)?.parse().ok()).collect();
    let [_, other, miscounted, shortened] = firsts[..] else { anyhow::bail!("{told}") };
    let of = format!("WHERE ledger = '{ledger}'");
    let tag = boxed.run(&format!("SELECT hex(min(tag)) FROM ledger_day_pairs {of} AND first = {miscounted}"))?;
    let event = format!("{of} AND kind = 'event' AND leaf >= {shortened}");
    let gone: u64 = boxed.run(&format!("SELECT min(leaf) FROM events_data {event}"))?.trim().parse()?;
    for statement in [
        // A day that says that it is another; one whose map gives a subject an event more; one of which an
        // event is gone.
        format!(
            "ALTER TABLE ledger_days UPDATE body = replace(body, concat('\"day\":\"', day), '\"day\":\"2020-01-01') {of} AND first = {other}"
        ),
        format!(
            "ALTER TABLE ledger_day_pairs UPDATE count = count + 1 {of} AND first = {miscounted} AND tag = unhex('{}')",
            tag.trim()
        ),
        format!("ALTER TABLE events_data DELETE {of} AND kind = 'event' AND leaf = {gone}"),
    ] {
        boxed.run(&format!("{statement} SETTINGS mutations_sync = 2"))?;
    }
    drop(boxed);

    let avow = start()?;
    let (went, job) = audit(&avow.url())?;
    let named = faults(&job, &ledger);
    let expected: Vec<(String, Option<u64>)> =
        [("missing", gone), ("day", other), ("day", miscounted), ("day", shortened)]
            .into_iter()
            .map(|(what, at)| (what.to_owned(), Some(at)))
            .collect();
    ensure!(!went && named == expected, "{named:?}\n{job}");
    let details: Vec<&str> =
        job["found"]["faults"].as_array().into_iter().flatten().filter_map(|fault| fault["detail"].as_str()).collect();
    println!("{}", details.join("\n"));
    for said in ["its close is not what leaf", "the stored map is not", "with 40 events, 39 are stored"] {
        ensure!(details.iter().any(|detail| detail.contains(said)), "nothing says {said:?}: {details:?}");
    }
    Ok(())
}
