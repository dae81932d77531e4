//! A banner artefact is put, and events are read against it: what it names is proven, what it leaves out was not asked for.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_testkit::process::Avow;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Boxed, Caller, administer, command, decided, embedded};

const SITE: &str = "shown.example";
const PATIENCE: Duration = Duration::from_secs(120);

/// A decision on categories alone, by a visitor who was shown that.
fn of(text_hash: Option<&str>) -> Value {
    let mut event = decided(SITE, Uuid::new_v4());
    event["categories"] = json!({"preferences": true, "statistics": false});
    event["banner"] = json!({"text_hash": text_hash});
    event
}

fn post(runtime: &Runtime, avow: &Avow, hashes: &[Option<&str>]) -> Result<()> {
    let events: Vec<Value> = hashes.iter().map(|hash| of(*hash)).collect();
    let status = runtime.block_on(Caller::of(avow.url()).post(&events));
    ensure!(status == Some(202), "{status:?}");
    Ok(())
}

/// Granted, denied and not disclosed by service, once so many decisions are counted.
fn pairs(runtime: &Runtime, avow: &Avow, decisions: u64) -> Result<Vec<(String, [u64; 3])>> {
    let caller = Caller::of(avow.url());
    let query = json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "dimensions": ["service"],
                       "metrics": ["decisions", "granted", "denied", "not_disclosed"], "order_by": [["service", "asc"]]});
    let begun = Instant::now();
    loop {
        let answer = runtime.block_on(caller.query(query.clone()))?;
        let rows = answer["rows"].as_array().context("no rows")?;
        if rows.iter().any(|row| row["metrics"]["decisions"] == decisions) {
            let number = |row: &Value, metric: &str| row["metrics"][metric].as_u64().unwrap_or(u64::MAX);
            let of_row = |row: &Value| {
                let service = row["dimensions"]["service"].as_str().unwrap_or_default().to_owned();
                (service, ["granted", "denied", "not_disclosed"].map(|metric| number(row, metric)))
            };
            return Ok(rows.iter().map(of_row).collect());
        }
        ensure!(begun.elapsed() < PATIENCE, "{decisions} decisions are not counted: {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn written(dir: &Path, name: &str, bytes: &[u8]) -> Result<String> {
    let path = dir.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path.display().to_string())
}

#[test]
fn events_are_read_against_what_was_shown() -> Result<()> {
    let (runtime, dir, files) = (Runtime::new()?, tempfile::tempdir()?, tempfile::tempdir()?);
    let mut avow = embedded()?.data_dir(dir.path()).start()?;
    let services = json!({"chaport": "preferences", "crisp": "preferences", "matomo": "statistics"});
    // With two shards, the artefact lies under two keys.
    let settings = json!({"name": "Shown", "services": services, "suppress_below": 0, "ledger": {"shards": 2}});
    runtime.block_on(Caller::of(avow.url()).put_site(SITE, settings))?;

    let artefact = json!({"language": "en", "layers": [{"text": "May we?"}], "services": ["chaport", "matomo"]});
    let file = written(files.path(), "banner.json", artefact.to_string().as_bytes())?;
    let code = written(files.path(), "code.js", b"collect()")?;
    let html = written(files.path(), "banner.html", b"<p>May we?</p>")?;
    let picture = written(files.path(), "mobile.png", b"\x89PNG\r\n\x1a\n")?;
    // printf '{"language":"en","layers":[{"text":"May we?"}],"services":["chaport","matomo"]}' | sha256sum
    let known = "sha256:67a7931bf32cf3a774918efdfaedb8a6c6b4d4e6934149ee28863d30d30c9e50";
    let unknown = format!("sha256:{}", "0".repeat(64));

    // Before it is put, its hash means nothing yet.
    post(&runtime, &avow, &[Some(known)])?;
    let counted = pairs(&runtime, &avow, 1)?;
    ensure!(counted.iter().all(|(_, [.., not_disclosed])| *not_disclosed == 0), "{counted:?}");
    let put = ["banner", "put", "--site", SITE, &file, "--code", &code, "--html", &html, "--mobile", &picture];
    ensure!(administer(&avow.url(), &put)?.trim() == known, "another hash");
    post(&runtime, &avow, &[Some(known), Some(known), Some(unknown.as_str()), None])?;
    let expected = [("chaport", [5, 0, 0]), ("crisp", [3, 0, 2]), ("matomo", [0, 5, 0])];
    let expected = expected.map(|(service, counts)| (service.to_owned(), counts));
    let counted = pairs(&runtime, &avow, 5)?;
    ensure!(counted == expected, "{counted:?}");

    // A restart reads what was put from the warehouse.
    avow.terminate()?;
    let mut avow = embedded()?.data_dir(dir.path()).start()?;
    ensure!(administer(&avow.url(), &put)?.trim() == known, "another hash");
    post(&runtime, &avow, &[Some(known)])?;
    let counted = pairs(&runtime, &avow, 6)?;
    ensure!(counted[1] == ("crisp".to_owned(), [3, 0, 3]), "{counted:?}");

    let listed = administer(&avow.url(), &["banner", "list", "--site", SITE, "--json"])?;
    ensure!(listed.matches(known).count() == 1, "{listed}");
    let whole = administer(&avow.url(), &["banner", "show", "--site", SITE, known])?;
    ensure!(serde_json::from_str::<Value>(&whole)?["artefact"] == artefact, "{whole}");
    let quality = format!("/api/v1/data-quality?site={SITE}");
    let (_, quality) = runtime.block_on(Caller::of(avow.url()).ask(Method::GET, &quality))?;
    let site = &quality["sites"][0];
    ensure!((&site["unknown_text_hash"], &site["balanced"]) == (&json!(1), &json!(true)), "{quality}");
    avow.terminate()?;

    // In a log that follows this one, what was put before counts from its first record on, whatever the shards.
    let settings = [("AVOW_DATA_DIR", dir.path().display().to_string())];
    let (went_well, said) = command(&["migrate", "log", "--shards", &format!("{SITE}=1")], &settings)?;
    ensure!(went_well, "{said}");
    let mut avow = embedded()?.data_dir(dir.path()).start()?;
    post(&runtime, &avow, &[Some(known)])?;
    let counted = pairs(&runtime, &avow, 7)?;
    ensure!(counted[1] == ("crisp".to_owned(), [3, 0, 4]), "{counted:?}");
    avow.terminate()?;
    leaves(dir.path(), known)
}

/// Each of the site's two ledgers has the artefact's leaf, once, and it commits to the body; pairs say how far they are proven.
fn leaves(dir: &Path, text_hash: &str) -> Result<()> {
    let boxed = Boxed::start_in(dir)?;
    let leaves = boxed.run(
        "SELECT count(), uniqExact(ledger), countIf(leaf_kind = 2 AND commitment = SHA256(control_body)), \
         any(JSONExtractString(control_body, 'text_hash')) \
         FROM events_data WHERE kind = 'control' AND control_kind = 'banner_artefact'",
    )?;
    ensure!(leaves.trim() == format!("2\t2\t2\t{text_hash}"), "{leaves}");
    let marked = boxed.run(
        "SELECT disclosure, choice, count() FROM choices WHERE service IN ('chaport', 'crisp') \
         GROUP BY disclosure, choice ORDER BY disclosure, choice",
    )?;
    ensure!(marked.trim() == "not_disclosed\t4\nproven\tgranted\t4\nunproven\tgranted\t6", "{marked}");
    Ok(())
}
