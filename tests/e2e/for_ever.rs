//! Repeats are dropped for ever: with many ids behind it (`AVOW_SOAK_IDS`), a server starts soon, stays small, and knows the
//! oldest one.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use avow_testkit::process::Avow;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::installation::{Boxed, Caller, command, decided, embedded};
use crate::scale;

const SITE: &str = "for-ever.example";
/// Ids written by one statement.
const STEP: u64 = 5_000_000;

/// Sends an event and waits until the processor has judged it, and the site's settings: they are a record too, written at
/// each start in case a crash has left them out.
fn send(avow: &Avow, event: &Value) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let status = runtime.block_on(Caller::of(avow.url()).post(std::slice::from_ref(event)));
    ensure!(status == Some(202), "answered {status:?}");
    let begun = Instant::now();
    while judged(avow, "stored")? + judged(avow, "repeat")? < 2.0 {
        ensure!(begun.elapsed() < Duration::from_secs(120), "the event is not judged");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Records with this outcome since the start.
fn judged(avow: &Avow, outcome: &str) -> Result<f64> {
    avow.metric(&format!("avow_processor_records_total{{outcome=\"{outcome}\"}}"))
}

/// Adds ids that nobody will send, as if they had been accepted before everything else.
fn fill(dir: &std::path::Path, ids: u64) -> Result<()> {
    let boxed = Boxed::start_in(dir)?;
    for from in (0..ids).step_by(usize::try_from(STEP)?) {
        let rows = STEP.min(ids - from);
        boxed.run(&format!(
            "INSERT INTO event_ids SELECT toFixedString(substring(SHA256(concat('filler/', toString(number))), 1, 16), 16), \
             (SELECT any(log_id) FROM logs), number % 2, 0 FROM numbers({from}, {rows})"
        ))?;
    }
    let there = boxed.run("SELECT count() FROM event_ids WHERE hash != toFixedString('', 16)")?;
    ensure!(there.trim().parse::<u64>()? >= ids, "{there} ids are there");
    Ok(())
}

#[test]
fn the_oldest_of_many_ids_is_still_a_repeat() -> Result<()> {
    let ids = scale("AVOW_SOAK_IDS", 300_000);
    let dir = tempfile::tempdir()?;
    let settings = || Ok::<_, anyhow::Error>(embedded()?.data_dir(dir.path()));
    let oldest = decided(SITE, Uuid::new_v4());

    let mut avow = settings()?.start()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(Caller::of(avow.url()).put_site(SITE, json!({"name": "For ever"})))?;
    send(&avow, &oldest)?;
    avow.terminate()?;
    fill(dir.path(), ids)?;

    // Without its filter, the processor reads all ids once.
    fs::remove_dir_all(dir.path().join("processor"))?;
    let begun = Instant::now();
    let mut avow = settings()?.start()?;
    send(&avow, &decided(SITE, Uuid::new_v4()))?;
    println!("{ids} ids read anew: {:.1} s until an event is counted", begun.elapsed().as_secs_f64());
    avow.terminate()?;

    let begun = Instant::now();
    let mut avow = settings()?.start()?;
    let ready = begun.elapsed();
    send(&avow, &oldest)?;
    println!(
        "{ids} ids: ready after {:.2} s, an event judged after {:.2} s, {} MiB resident",
        ready.as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        avow.resident_mib()?
    );
    ensure!(judged(&avow, "stored")? == 0.0, "the oldest event was taken again");
    avow.terminate()?;

    // On the next log, where its key lies in another partition, it still is one.
    let data = [("AVOW_DATA_DIR", dir.path().display().to_string())];
    let (went, told) = command(&["migrate", "log", "--partitions", "5"], &data)?;
    ensure!(went, "{told}");
    let settings = || Ok::<_, anyhow::Error>(settings()?.env("AVOW_LOG__PARTITIONS", "5"));
    for filter in ["read anew", "on disk"] {
        let begun = Instant::now();
        let mut avow = settings()?.start()?;
        send(&avow, &oldest)?;
        println!(
            "{ids} ids of an earlier log, their filter {filter}: an event judged after {:.2} s, {} MiB resident",
            begun.elapsed().as_secs_f64(),
            avow.resident_mib()?
        );
        ensure!(judged(&avow, "stored")? == 0.0, "the oldest event was taken again");
        avow.terminate()?;
    }
    Ok(())
}
