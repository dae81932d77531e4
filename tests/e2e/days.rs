//! Closed days: an export of them shows that nothing was left out, of a site and of one subject; and that there is nothing of
//! a subject who was never there.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_testkit::kafka::Kafka;
use jiff::civil::Date;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::evolution::Foreign;
use crate::installation::{Caller, administer, command, embedded};
use crate::proof::{Files, failing, lines, listed_anew, packed, put_lines, unpacked};

const SITE: &str = "days.example";
const A_DAY: u64 = 40;
const PATIENCE: Duration = Duration::from_secs(120);

/// Today, far enough from midnight for what is posted now to be of one day.
pub fn today() -> Date {
    loop {
        let now = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now());
        if (now.hour(), now.minute()) < (23, 57) {
            return now.date();
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Exports today and the three days after it; what `avow verify` says.
fn exported(url: &str, bundle: &Path, today: Date, subject: Option<Uuid>) -> Result<(bool, String)> {
    let end = today.checked_add(jiff::Span::new().days(4))?;
    let (from, to, out, subject) =
        (today.to_string(), end.to_string(), bundle.display().to_string(), subject.map(|subject| subject.to_string()));
    let mut arguments = vec!["export", "--site", SITE, "--from", &from, "--to", &to, "--out", &out];
    arguments.extend(subject.iter().flat_map(|subject| ["--subject", subject]));
    if bundle.exists() {
        std::fs::remove_file(bundle)?;
    }
    administer(url, &arguments)?;
    command(&["verify", &out], &[])
}

/// A change of the disclosed records, and what the claim must say of it.
type Tamper = (&'static str, &'static str, fn(&mut Vec<Value>));

fn is_event(line: &Value) -> bool {
    line["kind"] == 1
}

const OF_THE_SITE: &[Tamper] = &[
    ("an event left out", "of the 40 events of", |lines| {
        let first = lines.iter().position(is_event).unwrap_or(0);
        lines.remove(first);
    }),
    ("a day left out", "are not closed", |lines| {
        let closes: Vec<usize> = (0..lines.len()).filter(|at| lines[*at]["kind"] == 3).collect();
        lines.remove(closes[2]);
    }),
    ("a close of more events", "of the 41 events", |lines| {
        let close = lines.iter_mut().filter(|line| line["kind"] == 3).nth(2);
        let Some(close) = close else { return };
        let mut body: Value = serde_json::from_str(close["body"].as_str().unwrap_or("")).unwrap_or_default();
        body["total"] = 41.into();
        body["end"] = (body["end"].as_u64().unwrap_or(0) + 1).into();
        close["body"] = body.to_string().into();
    }),
];

const OF_A_SUBJECT: &[Tamper] = &[
    ("her record left out", "has 1 record of", |lines| {
        let hers = lines.iter().position(is_event).unwrap_or(0);
        lines.remove(hers);
    }),
    ("an event called a control record", "map/", |lines| {
        for line in lines.iter_mut().filter(|line| line["kind"] == 3) {
            let mut body: Value = serde_json::from_str(line["body"].as_str().unwrap_or("")).unwrap_or_default();
            let first = body["first"].clone();
            if let Some(controls) = body["controls"].as_array_mut().filter(|controls| controls.is_empty()) {
                controls.push(first);
                for field in ["total", "pairs"] {
                    body[field] = (body[field].as_u64().unwrap_or(1) - 1).into();
                }
                line["body"] = body.to_string().into();
            }
        }
    }),
    ("a control record left out", "might be events", |lines| lines.retain(|line| line["kind"] != 6)),
];

fn tamper(whole: &Files, tampered: &Path, tampers: &[Tamper]) -> Result<()> {
    for (what, says, change) in tampers {
        let mut files = whole.clone();
        let mut all =
            lines(&files).iter().map(|line| Ok(serde_json::from_str(line)?)).collect::<Result<Vec<Value>>>()?;
        change(&mut all);
        put_lines(&mut files, &all.iter().map(Value::to_string).collect::<Vec<_>>());
        listed_anew(&mut files)?;
        ensure!(files != *whole, "{what}: nothing was changed");
        packed(&files, tampered)?;
        let (went, failing, told) = failing(tampered, &[])?;
        println!("{what:<36} {}", failing.join(", "));
        ensure!(!went && failing.iter().any(|name| name == "days") && told.contains(says), "{what}: {told}");
    }
    Ok(())
}

#[test]
fn an_export_of_closed_days_shows_that_nothing_is_left_out() -> Result<()> {
    let kafka = Kafka::start()?;
    let today = today();
    let foreign = Foreign::new(&kafka, None)?;
    // The log's time is what the writer says, so that days go by while the test runs.
    foreign.run(&["topic"])?;
    let avow = embedded()?.env("AVOW_KAFKA__BROKERS", kafka.brokers()).start()?;
    let (caller, runtime) = (Caller::of(avow.url()), Runtime::new()?);
    runtime.block_on(caller.put_site(SITE, json!({"name": "Days", "ledger": {"checkpoint_seconds": 1}})))?;
    let (subject, count) = (Uuid::new_v4(), A_DAY.to_string());
    foreign.run(&["days", SITE, &subject.to_string(), &count])?;

    let dir = tempfile::tempdir()?;
    let (bundle, tampered) = (dir.path().join("bundle.zip"), dir.path().join("tampered.zip"));
    let begun = Instant::now();
    let told = loop {
        let (went, told) = exported(&avow.url(), &bundle, today, None)?;
        if told.contains("4 closed days") {
            ensure!(went, "{told}");
            break told;
        }
        ensure!(begun.elapsed() < PATIENCE, "no days are closed: {told}\n{}", avow.log());
        std::thread::sleep(Duration::from_millis(500));
    };
    println!("{told}");
    ensure!(told.contains(&format!("{} records, everything there was", 3 * A_DAY)), "{told}");
    tamper(&unpacked(&bundle)?, &tampered, OF_THE_SITE)?;

    let (went, told) = exported(&avow.url(), &bundle, today, Some(subject))?;
    println!("{told}");
    ensure!(went && told.contains(&format!("2 records of {subject}, all there are")), "{told}");
    let hers = unpacked(&bundle)?;
    tamper(&hers, &tampered, OF_A_SUBJECT)?;
    let map = hers.keys().find(|name| name.starts_with("map/")).context("no map")?;
    let mut without = hers.clone();
    without.remove(map);
    listed_anew(&mut without)?;
    packed(&without, &tampered)?;
    let (went, failed, told) = failing(&tampered, &[])?;
    ensure!(!went && failed.iter().any(|name| name == "days") && told.contains(map), "{told}");

    let nobody = Uuid::new_v4();
    let (went, told) = exported(&avow.url(), &bundle, today, Some(nobody))?;
    println!("{told}");
    ensure!(went && told.contains(&format!("0 records of {nobody}, and it is shown that there is none")), "{told}");

    // Once she is erased her records are missing from the map's count: what is there is the operator's tombstone.
    administer(&avow.url(), &["subject", "erase", &subject.to_string(), "--site", SITE, "--reason", "she asked"])?;
    let told = loop {
        let (went, told) = exported(&avow.url(), &bundle, today, Some(subject))?;
        if told.contains("2 records of the subject are missing") {
            ensure!(went, "{told}");
            break told;
        }
        ensure!(begun.elapsed() < 2 * PATIENCE, "the tombstone does not come: {told}\n{}", avow.log());
        std::thread::sleep(Duration::from_millis(500));
    };
    println!("{told}");
    let (went, told) = exported(&avow.url(), &bundle, today, None)?;
    ensure!(went && told.contains("2 erased or restricted, their leaves are there"), "{told}");

    // Each day is closed once, also after a restart.
    let closed = avow.metric("avow_ledger_days_closed_total")?;
    ensure!(closed == 4.0, "{closed} days were closed: today's settings, and three days");
    Ok(())
}
