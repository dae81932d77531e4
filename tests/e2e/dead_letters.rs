//! Records that cannot be decoded or applied: they are booked as dead letters and hold nothing up, they can be sent again
//! once what stood in their way is gone, and are then counted once. And books that a hand has falsified say so.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::{Log, ReadLimit, Record, Topic};
use avow_schemas::event::{ConsentEvent, EventType, Method as Act};
use avow_schemas::ids::{ConfigVersion, EventId, SiteId, SubjectId};
use avow_schemas::record::{LogRecord, encode};
use avow_testkit::process::{Avow, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Boxed, Caller, administer, decided, embedded};

const SITE: &str = "letters.example";
const LARGE: usize = 700 << 10;

/// A decision of now under a version of the site's settings, as it lies in the log.
fn event(version: i64) -> Result<Vec<u8>> {
    let id = Uuid::new_v4();
    let now = jiff::Timestamp::now().as_millisecond();
    let event = ConsentEvent {
        subject: Some(SubjectId(id)),
        method: Some(Act::AcceptAll),
        categories: BTreeMap::from([("preferences".to_owned(), true)]),
        config_version: ConfigVersion(version),
        ..ConsentEvent::least(EventType::Decided, SiteId::new(SITE)?, EventId(id), now)
    };
    Ok(encode(&LogRecord::ConsentEvent(Box::new(event)))?)
}

/// The log of a stopped server.
fn log(dir: &Path) -> Result<Arc<EmbeddedLog>> {
    Ok(EmbeddedLog::open(EmbeddedConfig { path: dir.join("log"), event_partitions: 2, ..EmbeddedConfig::default() })?)
}

async fn append(log: &EmbeddedLog, values: Vec<Vec<u8>>) -> Result<()> {
    let record = |value: Vec<u8>| Record { key: SITE.into(), value: value.into() };
    log.append(Topic::Events, values.into_iter().map(record).collect()).await?;
    Ok(())
}

/// Writes every dead letter once more, as a crash between a letter and its range does.
async fn bury_again(log: &EmbeddedLog) -> Result<()> {
    let limit = ReadLimit { max_records: 1000, max_bytes: 64 << 20, max_wait: Duration::from_secs(1) };
    let records = log.read(Topic::Rejected, 0, 0, limit).await?.records;
    let letters = records.into_iter().filter(|record| record.value.starts_with(br#"{"kind":"dead_letter""#));
    let copies = letters.map(|record| Record { key: record.key, value: record.value });
    log.append(Topic::Rejected, copies.collect()).await?;
    Ok(())
}

/// Does something to the log while nobody owns it.
fn behind_its_back<F>(runtime: &Runtime, dir: &Path, what: impl FnOnce(Arc<EmbeddedLog>) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let _inside = runtime.enter();
    let log = log(dir)?;
    runtime.block_on(what(Arc::clone(&log)))?;
    runtime.block_on(log.close());
    Ok(())
}

fn get(runtime: &Runtime, avow: &Avow, path: &str) -> Result<Value> {
    let (status, answer) = runtime.block_on(Caller::of(avow.url()).ask(Method::GET, path))?;
    ensure!(status == 200, "{path}: {status} {answer}");
    Ok(answer)
}

/// The site's books, once they are as wanted; they must balance then.
fn books(runtime: &Runtime, avow: &Avow, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let answer = get(runtime, avow, &format!("/api/v1/data-quality?site={SITE}"))?;
        if wanted(&answer["sites"][0]) {
            ensure!(answer["balanced"] == true, "{answer}");
            return Ok(answer["sites"][0].clone());
        }
        ensure!(begun.elapsed() < Duration::from_secs(120), "the books stay {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn decisions(runtime: &Runtime, avow: &Avow) -> Result<u64> {
    let query = json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions"]});
    let answer = runtime.block_on(Caller::of(avow.url()).query(query))?;
    answer["rows"][0]["metrics"]["decisions"].as_u64().context("no decisions in the answer")
}

fn replay(avow: &Avow, args: &[&str], says: &str) -> Result<()> {
    let told = administer(&avow.url(), &[&["replay"], args].concat())?;
    ensure!(told.contains(says), "{told} does not say {says:?}");
    Ok(())
}

#[test]
fn a_dead_letter_holds_nothing_up_and_is_counted_once_when_it_can_be() -> Result<()> {
    let runtime = Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let settings =
        || Ok::<Settings, anyhow::Error>(embedded()?.data_dir(dir.path()).env("AVOW_API__BOOKS_SECONDS", "1"));
    let put = |avow: &Avow, name: &str| {
        runtime.block_on(
            Caller::of(avow.url()).put_site(SITE, json!({"name": name, "services": {"chaport": "preferences"}})),
        )
    };
    let mut avow = settings()?.start()?;
    put(&avow, "First")?;
    let status = runtime.block_on(Caller::of(avow.url()).post(&[decided(SITE, Uuid::new_v4())]));
    ensure!(status == Some(202), "{status:?}");
    books(&runtime, &avow, |site| site["rows"]["events"] == 1)?;
    avow.terminate()?;

    let ahead_of_its_settings = event(2)?;
    let dead = vec![b"not avro".to_vec(), vec![7; LARGE], ahead_of_its_settings.clone(), event(1)?];
    behind_its_back(&runtime, dir.path(), |log| async move { append(&log, dead).await })?;
    let mut avow = settings()?.start()?;
    // The event behind the dead ones is counted: the partition goes on.
    books(&runtime, &avow, |site| site["dead_letters"] == 3 && site["rows"]["events"] == 2)?;
    let list = get(&runtime, &avow, "/api/v1/dead-letters?limit=2")?;
    ensure!((&list["total"], &list["waiting"]) == (&json!(3), &json!(3)), "{list}");
    ensure!(list["letters"][0]["reason"].as_str().is_some_and(|r| r.starts_with("neither Avro")), "{list}");
    ensure!(list["letters"][1]["size_bytes"] == LARGE, "the large one, in pieces, is whole: {list}");
    let rest = format!("/api/v1/dead-letters?cursor={}", list["next"].as_str().context("no next page")?);
    let rest = get(&runtime, &avow, &rest)?;
    ensure!(rest["letters"][0]["obstacle"].as_str().is_some_and(|o| o.contains("version 2")), "{rest}");
    ensure!(rest["letters"].as_array().map(Vec::len) == Some(1) && rest["next"].is_null(), "{rest}");

    replay(&avow, &[], "0 dead letters sent again, 3 left")?;
    put(&avow, "Second")?;
    replay(&avow, &["--dry-run"], "1 dead letters would be sent, 2 left")?;
    replay(&avow, &["--site", "elsewhere.example"], "0 dead letters sent again, 0 left")?;
    replay(&avow, &["--since", "2099-01-01"], "0 dead letters sent again, 0 left")?;
    replay(&avow, &["--site", SITE, "--since", "2026-01-01"], "1 dead letters sent again, 2 left")?;
    books(&runtime, &avow, |site| site["rows"]["events"] == 3)?;
    replay(&avow, &[], "0 dead letters sent again, 2 left")?;
    avow.terminate()?;

    // As if the letter had been sent and a crash had come before the note; and a crash before letters' ranges.
    behind_its_back(&runtime, dir.path(), |log| async move {
        append(&log, vec![ahead_of_its_settings]).await?;
        bury_again(&log).await
    })?;
    let mut avow = settings()?.start()?;
    // The tenth record of the site is that event, once more.
    let site = books(&runtime, &avow, |site| site["read"].as_u64() >= Some(10))?;
    ensure!(site["rows"]["events"] == 3 && decisions(&runtime, &avow)? == 3, "counted twice: {site}");
    let list = get(&runtime, &avow, "/api/v1/dead-letters")?;
    ensure!((&list["total"], &list["waiting"]) == (&json!(3), &json!(2)), "{list}");
    replay(&avow, &["--all"], "2 dead letters sent again, 0 left")?;
    books(&runtime, &avow, |site| site["dead_letters"] == 5)?;
    let list = get(&runtime, &avow, "/api/v1/dead-letters")?;
    ensure!((&list["total"], &list["waiting"]) == (&json!(5), &json!(2)), "{list}");
    falsified(&runtime, dir.path(), &mut avow, || settings()?.start())
}

/// Takes a row away and then a whole range, and looks where that shows.
fn falsified(runtime: &Runtime, dir: &Path, avow: &mut Avow, start: impl Fn() -> Result<Avow>) -> Result<()> {
    let missing = |avow: &Avow| -> Result<(f64, f64, f64)> {
        let begun = Instant::now();
        while avow.metric("avow_books_checked_timestamp_seconds")? == 0.0 {
            ensure!(begun.elapsed() < Duration::from_secs(120), "the books are not looked at");
            std::thread::sleep(Duration::from_millis(50));
        }
        let of = |name: &str| avow.metric(&format!("avow_books_{name}"));
        Ok((of("unbalanced_sites")?, of("missing_rows_records")?, of("missing_positions_records")?))
    };
    let partitions = |avow: &Avow| -> Result<Vec<Value>> {
        let pages = (0..2).map(|partition| {
            let ranges = get(runtime, avow, &format!("/api/v1/data-quality/ranges?partition={partition}&limit=2"))?;
            let all = get(runtime, avow, &format!("/api/v1/data-quality/ranges?partition={partition}&limit=1000"))?;
            ensure!(ranges["next"].is_null() == (all["ranges"].as_array().map_or(0, Vec::len) <= 2), "{ranges}");
            Ok(all)
        });
        pages.collect()
    };
    ensure!(missing(avow)? == (0.0, 0.0, 0.0), "{:?}", missing(avow)?);
    ensure!(partitions(avow)?.iter().all(|page| page["balanced"] == true), "{:?}", partitions(avow)?);
    avow.terminate()?;

    let boxed = Boxed::start_in(dir)?;
    boxed.run("DELETE FROM events_data WHERE kind = 'event' AND position = (SELECT max(position) FROM events)")?;
    drop(boxed);
    let mut avow = start()?;
    ensure!(missing(&avow)? == (1.0, 1.0, 0.0), "{:?}", missing(&avow)?);
    let answer = get(runtime, &avow, "/api/v1/data-quality")?;
    ensure!(answer["balanced"] == false && answer["partitions"][0]["balanced"] == true, "{answer}");
    let ranges: Vec<Value> =
        partitions(&avow)?.iter().flat_map(|page| page["ranges"].as_array().cloned().unwrap_or_default()).collect();
    let off: Vec<&Value> = ranges.iter().filter(|range| range["balanced"] == false).collect();
    ensure!(off.len() == 1 && off[0]["stored"].as_u64() > off[0]["rows"].as_u64(), "{off:?}");
    avow.terminate()?;

    let boxed = Boxed::start_in(dir)?;
    boxed.run("DELETE FROM events_data WHERE kind = 'range' AND range_from = (SELECT min(range_from) FROM events_data WHERE kind = 'range' AND range_from > 0)")?;
    drop(boxed);
    let avow = start()?;
    ensure!(missing(&avow)?.2 > 0.0, "a range that is gone does not show");
    let gap = |range: &Value| range["gap"].as_i64().unwrap_or(0) > 0;
    let pages = partitions(&avow)?;
    ensure!(
        pages.iter().any(|page| page["ranges"].as_array().is_some_and(|ranges| ranges.iter().any(gap))),
        "{pages:?}"
    );
    let answer = get(runtime, &avow, "/api/v1/data-quality")?;
    ensure!(answer["partitions"].as_array().is_some_and(|all| all.iter().any(|p| p["balanced"] == false)), "{answer}");
    Ok(())
}
