//! `avow rebuild`: the derived tables come out as they were, whatever was damaged in them, while everything goes on, and
//! after a kill in the middle.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Method;

use crate::installation::{Boxed, Caller, administer, embedded, simulate};

/// Both derived tables, summed and in no order, without the watermarks: those move with each start, which writes each
/// site's settings again.
const CONTENT: &[&str] = &[
    "SELECT count(), sum(cityHash64(*)) FROM event_ids WHERE hash != toFixedString('', 16)",
    "SELECT count(), sum(cityHash64(*)) FROM rates_15m_data FINAL WHERE site != ''",
];
/// The watermarks, which must be those of the events.
const WATERMARKS: &[&str] = &[
    "SELECT log_id, partition, max(range_to) FROM events_data WHERE kind = 'range' GROUP BY ALL ORDER BY ALL",
    "SELECT log_id, partition, max(position) FROM event_ids WHERE hash = toFixedString('', 16) GROUP BY ALL ORDER BY ALL",
    "SELECT toUUID(category), toUInt32(service), max(upto) FROM rates_15m_data WHERE site = '' GROUP BY ALL ORDER BY ALL",
];

fn content(boxed: &Boxed) -> Result<Vec<String>> {
    CONTENT.iter().map(|sql| boxed.run(sql)).collect()
}

fn nothing_is_left_aside(boxed: &Boxed) -> Result<()> {
    let left = boxed.run("SELECT count() FROM system.tables WHERE name LIKE '%\\_rebuilt\\_%'")?;
    ensure!(left.trim() == "0", "{left} tables are left");
    Ok(())
}

#[test]
fn whatever_is_damaged_comes_out_as_it_was() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let settings = || Ok::<_, anyhow::Error>(embedded()?.data_dir(dir.path()));
    let totals = dir.path().join("totals.json").display().to_string();
    let mut avow = settings()?.start()?;
    let send = ["--sites", "5", "--events", "20000", "--duplicates", "0.05", "--settle", "0s", "--seed", "11"];
    simulate(&avow.url(), &[&send[..], &["--out", &totals]].concat())?;
    simulate(&avow.url(), &["--check", &totals])?;
    avow.terminate()?;

    let boxed = Boxed::start_in(dir.path())?;
    // An id of a log that is gone, and with it its event: it can only be copied.
    boxed.run("INSERT INTO event_ids SELECT toFixedString('of a lost event!', 16), generateUUIDv4(), 0, 7")?;
    let before = content(&boxed)?;
    // Of events: the settings' own ids are asked for at the next start, before anything can mend them.
    boxed.run(
        "ALTER TABLE event_ids DELETE WHERE hash != toFixedString('', 16) AND (partition, position) IN \
         (SELECT partition, position FROM events_data WHERE kind = 'event' AND position % 3 = 0) SETTINGS mutations_sync = 1",
    )?;
    boxed.run("INSERT INTO event_ids SELECT toFixedString('nobody''s', 16), any(log_id), 0, 3 FROM logs")?;
    boxed.run("ALTER TABLE rates_15m_data DELETE WHERE grain = 'service' SETTINGS mutations_sync = 1")?;
    boxed.run("INSERT INTO rates_15m_data SELECT * FROM rates_15m_data WHERE site != '' LIMIT 100")?;
    ensure!(content(&boxed)? != before, "the damage is not seen");
    drop(boxed);

    let mut avow = settings()?.start()?;
    println!("{}", administer(&avow.url(), &["rebuild"])?);
    simulate(&avow.url(), &["--check", &totals])?;
    avow.terminate()?;
    let boxed = Boxed::start_in(dir.path())?;
    ensure!(content(&boxed)? == before, "{:?} instead of {before:?}", content(&boxed)?);
    let marks = WATERMARKS.iter().map(|sql| boxed.run(sql)).collect::<Result<Vec<String>>>()?;
    ensure!(marks.iter().all(|mark| *mark == marks[0]), "{marks:?}");
    nothing_is_left_aside(&boxed)?;
    an_insert_takes_its_target_before_its_condition(&boxed)?;

    // A roll-up made from events of which some are gone would lack them too.
    boxed.run("DELETE FROM events_data WHERE kind = 'event' AND position = (SELECT max(position) FROM events)")?;
    drop(boxed);
    let avow = settings()?.start()?;
    let refused =
        administer(&avow.url(), &["rebuild"]).err().context("it was made from events of which one is gone")?;
    ensure!(refused.to_string().contains("restore events_data from a backup"), "{refused}");
    Ok(())
}

/// What the exchange of tables under a writer stands on: rows of an insert whose condition saw one table never land in
/// another. The condition sleeps while the tables are exchanged.
fn an_insert_takes_its_target_before_its_condition(boxed: &Boxed) -> Result<()> {
    boxed.run("CREATE TABLE one (upto UInt64) ENGINE = MergeTree ORDER BY upto")?;
    boxed.run("CREATE TABLE other AS one")?;
    boxed.run("INSERT INTO one SELECT 5")?;
    boxed.run("INSERT INTO other SELECT 3")?;
    std::thread::scope(|scope| {
        let insert = "INSERT INTO one SELECT 6 WHERE (SELECT max(upto) + sleep(2) * 0 FROM one) = 5";
        let inserting = scope.spawn(|| boxed.run(insert));
        std::thread::sleep(Duration::from_secs(1));
        boxed.run("EXCHANGE TABLES one AND other")?;
        inserting.join().ok().context("the insert")?
    })?;
    let there = boxed.run("SELECT groupArray(upto) FROM (SELECT upto FROM one ORDER BY upto)")?;
    ensure!(there.trim() == "[3]", "the rows landed in the new table: {there}");
    boxed.run("DROP TABLE one")?;
    boxed.run("DROP TABLE other")?;
    Ok(())
}

/// Waits until the server says that no rebuild is under way; how each of them ended, newest first.
async fn ended(caller: &Caller) -> Result<Vec<String>> {
    let begun = Instant::now();
    loop {
        let (_, list) = caller.ask(Method::GET, "/api/v1/rebuilds").await?;
        let states: Vec<String> = list["rebuilds"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|job| job["state"].as_str().unwrap_or("?").to_owned())
            .collect();
        if states.iter().all(|state| state == "done" || state == "failed") {
            return Ok(states);
        }
        ensure!(begun.elapsed() < Duration::from_secs(300), "the rebuild does not end: {list}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn under_traffic_no_event_is_lost_or_doubled() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let totals = dir.path().join("totals.json").display().to_string();
    let mut avow = embedded()?.data_dir(dir.path()).start()?;
    let url = avow.url();
    let rebuilds = std::thread::scope(|scope| {
        // Each twentieth event is sent again: an id that a rebuild forgot would be counted twice.
        let send = ["--sites", "3", "--events", "30000", "--batch", "20", "--duplicates", "0.2", "--settle", "0s"];
        let args = [&send[..], &["--seed", "12", "--out", &totals]].concat();
        let url = &url;
        let traffic = scope.spawn(move || simulate(url, &args));
        let mut rebuilds = 0;
        while !traffic.is_finished() {
            administer(url, &["rebuild"])?;
            rebuilds += 1;
        }
        traffic.join().ok().context("the traffic")??;
        Ok::<_, anyhow::Error>(rebuilds)
    })?;
    println!("{rebuilds} rebuilds under traffic");
    simulate(&url, &["--check", &totals])?;
    let opened_again = avow.log().matches("processor.partition_opened_again").count();
    println!("partitions were opened again {opened_again} times");
    ensure!(avow.metric("avow_processor_failures_total")? == 0.0, "a rebuild counts as a failure of the processor");

    let caller = Caller::of(url);
    let first = runtime.block_on(caller.ask(Method::POST, "/api/v1/rebuilds"))?;
    ensure!(first.0 == 202, "{first:?}");
    let second = runtime.block_on(caller.ask(Method::POST, "/api/v1/rebuilds"))?;
    ensure!(second.0 == 409 || second.0 == 202, "{second:?}");
    avow.kill9();
    avow.restart()?;
    let caller = Caller::of(avow.url());
    let states = runtime.block_on(ended(&caller))?;
    ensure!(states.iter().all(|state| state == "done"), "{states:?}");
    simulate(&avow.url(), &["--check", &totals])?;
    avow.terminate()?;
    still_whole(dir.path())
}

fn still_whole(dir: &Path) -> Result<()> {
    let boxed = Boxed::start_in(dir)?;
    nothing_is_left_aside(&boxed)?;
    let ids = boxed.run("SELECT count() = uniqExact(hash) FROM event_ids WHERE hash != toFixedString('', 16)")?;
    ensure!(ids.trim() == "1", "ids are there twice");
    let missing = boxed.run(
        "SELECT count() FROM events_data WHERE kind != 'range' AND (partition, position) NOT IN \
         (SELECT partition, position FROM event_ids)",
    )?;
    ensure!(missing.trim() == "0", "{missing} ids are missing");
    Ok(())
}
