//! Up to where an export goes: the newest checkpoint. What is newer is in no file, is said to wait, and is there once a
//! checkpoint covers it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, administer, command, decided, embedded};
use crate::ledger::sealed;
use crate::proof::{lines, unpacked};

const SITE: &str = "ends.example";

/// Exports everything; what `avow export` said, once `avow verify` has found all well.
fn export(url: &str, out: &Path, subject: Option<Uuid>) -> Result<String> {
    _ = std::fs::remove_file(out);
    let (out, subject) = (out.display().to_string(), subject.map(|subject| subject.to_string()));
    let mut arguments = vec!["export", "--site", SITE, "--from", "2026-01-01", "--to", "2099-01-01", "--out", &out];
    arguments.extend(subject.iter().flat_map(|subject| ["--subject", subject]));
    let said = administer(url, &arguments)?;
    let (went, told) = command(&["verify", &out], &[])?;
    ensure!(went && !told.contains("not under a checkpoint"), "{told}");
    Ok(said)
}

fn manifest(out: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&unpacked(out)?["manifest.json"])?)
}

#[test]
fn an_export_ends_at_the_newest_checkpoint() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    let settings = |seconds: u32| json!({"name": "Ends", "ledger": {"checkpoint_seconds": seconds}});
    // The next checkpoint after the first is an hour away, as it is for a quiet site.
    runtime.block_on(caller.put_site(SITE, settings(3600)))?;
    let log = sealed(&runtime, &caller, SITE, 1)?;
    let ledger = log["name"].as_str().context("no name")?;
    let subjects: Vec<Uuid> = (0..7).map(|_| Uuid::new_v4()).collect();
    let events: Vec<Value> = subjects.iter().map(|subject| decided(SITE, *subject)).collect();
    ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    let path = format!("/api/v1/subjects/{}/export?site={SITE}", subjects[0]);
    let stored = || -> Result<bool> { Ok(runtime.block_on(caller.ask(Method::GET, &path))?.0 == 200) };
    let begun = std::time::Instant::now();
    while !stored()? {
        ensure!(begun.elapsed().as_secs() < 60, "not stored: {}", avow.log());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }

    let out = dir.path().join("bundle.zip");
    let said = export(&avow.url(), &out, None)?;
    ensure!(said.contains("7 newer events wait for their ledger's next checkpoint"), "{said}");
    let (made, files) = (manifest(&out)?, unpacked(&out)?);
    let ends = &made["ends"];
    ensure!(ends["ledgers"] == json!({ledger: 1}) && ends["waiting"] == 7, "{made}");
    ensure!(made["counts"]["records"] == 0 && made["books"]["period"]["rows"]["events"] == 7, "{made}");
    ensure!(lines(&files).len() == 1, "the settings alone are covered");
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        let hers = subjects.iter().find(|subject| text.contains(&subject.to_string()));
        ensure!(hers.is_none(), "{name} tells of an event that no checkpoint covers");
    }
    // Nothing is left out before: the report's period ends there.
    let since = ends["waiting_since"].as_str().context("no moment")?;
    let minute = since.get(..16).context("no minute")?.replace('T', " ");
    ensure!(String::from_utf8_lossy(&files["report.html"]).contains(&minute), "the report does not end at {minute}");
    let said = export(&avow.url(), &out, Some(subjects[3]))?;
    ensure!(said.contains("1 newer events wait"), "{said}");

    // What a person is told of herself is no bundle: it is all there is.
    let (status, hers) = runtime.block_on(caller.ask(Method::GET, &path))?;
    ensure!(status == 200 && hers["records"].as_array().map(Vec::len) == Some(1), "{hers}");

    // Once checkpoints are due the export waits for the one that covers what is stored when it is asked for.
    runtime.block_on(caller.put_site(SITE, settings(1)))?;
    let begun = std::time::Instant::now();
    loop {
        let said = export(&avow.url(), &out, None)?;
        let made = manifest(&out)?;
        ensure!(!said.contains("newer events") && made["ends"]["waiting"] == 0, "{said}{made}");
        if made["ends"]["ledgers"] == json!({ledger: 9}) {
            ensure!(made["counts"]["records"] == 7, "{made}");
            break;
        }
        // The new settings are not stored yet.
        ensure!(begun.elapsed().as_secs() < 60, "{made}");
    }
    let table = String::from_utf8_lossy(&unpacked(&out)?["records.csv"]).into_owned();
    let there: BTreeSet<&Uuid> = subjects.iter().filter(|subject| table.contains(&subject.to_string())).collect();
    ensure!(there.len() == subjects.len(), "{} of {}", there.len(), subjects.len());
    Ok(())
}
