//! A person is erased: she is gone from everywhere, and everybody else's counts, leaves and proofs are as they were.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_ledger::note::Note;
use avow_testkit::process::Avow;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Boxed, Caller, Cluster, administer, command, decided, embedded};
use crate::ledger::{PublicLog, operator_log, sealed};
use crate::proof::{lines, unpacked};

const SITE: &str = "erased.example";
const PATIENCE: Duration = Duration::from_secs(60);
const METRICS: &[&str] = &["decisions", "accept_all", "withdrawals", "granted", "denied", "undecided", "consent_rate"];

/// An installation with one site.
struct Site<'a> {
    runtime: &'a Runtime,
    caller: Caller,
    url: String,
}

impl<'a> Site<'a> {
    fn of(runtime: &'a Runtime, avow: &Avow) -> Self {
        Self { runtime, caller: Caller::of(avow.url()), url: avow.url() }
    }

    fn put(&self) -> Result<()> {
        let settings = json!({"name": "Erased", "services": {"chaport": "preferences"}, "suppress_below": 0,
                              "ledger": {"checkpoint_seconds": 1}});
        self.runtime.block_on(self.caller.put_site(SITE, settings))
    }

    fn post(&self, events: &[Value]) -> Result<()> {
        for some in events.chunks(500) {
            let status = self.runtime.block_on(self.caller.post(some));
            ensure!(status == Some(202), "not promised: {status:?}");
        }
        Ok(())
    }

    fn ask(&self, method: Method, path: &str) -> Result<(u16, Value)> {
        self.runtime.block_on(self.caller.ask(method, path))
    }

    fn show(&self, subject: Uuid) -> Result<(u16, Value)> {
        self.ask(Method::GET, &format!("/api/v1/subjects/{subject}?site={SITE}"))
    }

    fn erase(&self, subject: Uuid) -> Result<(u16, Value)> {
        self.ask(Method::DELETE, &format!("/api/v1/subjects/{subject}?site={SITE}&reason=asked"))
    }

    /// Asks until the processor has got there.
    fn erased(&self, subject: Uuid) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let (status, answer) = self.erase(subject)?;
            if status == 200 {
                ensure!(answer["state"] == "erased", "{answer}");
                return Ok(answer);
            }
            ensure!(status == 202 && begun.elapsed() < PATIENCE, "{status}: {answer}");
        }
    }

    /// Counts and rates in all and by service, and the visitors, once so many decisions are counted.
    fn totals(&self, decisions: u64) -> Result<(Vec<Value>, u64)> {
        let query = |metrics: &[&str], dimensions: Value| {
            json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": metrics,
                   "dimensions": dimensions})
        };
        let ask = |body: Value| self.runtime.block_on(self.caller.query(body));
        let begun = Instant::now();
        loop {
            let all = ask(query(&[METRICS, &["visitors"]].concat(), json!([])))?;
            let counted = &all["rows"][0]["metrics"];
            if counted["decisions"] == decisions {
                let visitors = counted["visitors"].as_u64().context("no visitors")?;
                let by = [json!([]), json!(["service"]), json!(["category", "method"])];
                let rows = by.into_iter().map(|by| Ok(ask(query(METRICS, by))?["rows"].clone()));
                return Ok((rows.collect::<Result<_>>()?, visitors));
            }
            ensure!(begun.elapsed() < PATIENCE, "{decisions} decisions are not counted: {all}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What is left of erased events, the books balancing.
    fn erased_rows(&self) -> Result<u64> {
        let (_, quality) = self.ask(Method::GET, &format!("/api/v1/data-quality?site={SITE}"))?;
        ensure!(quality["balanced"] == true, "{quality}");
        quality["sites"][0]["rows"]["erased"].as_u64().with_context(|| quality.to_string())
    }

    fn export(&self, out: &Path) -> Result<()> {
        let out = out.display().to_string();
        let period = ["--from", "2026-01-01", "--to", "2099-01-01", "--out", &out];
        administer(&self.url, &[&["export", "--site", SITE], &period[..]].concat())?;
        let (went, told) = command(&["verify", &out], &[])?;
        ensure!(went, "{told}");
        Ok(())
    }
}

fn event(subject: Uuid, kind: &str) -> Value {
    let mut event = decided(SITE, Uuid::new_v4());
    event["subject"] = json!(subject);
    if kind == "withdrawn" {
        event["method"] = Value::Null;
        event["categories"] = json!({"preferences": false});
    }
    event["type"] = json!(kind);
    event
}

fn strangers(count: usize) -> Vec<Value> {
    (0..count).map(|_| decided(SITE, Uuid::new_v4())).collect()
}

/// Files under `dir` in which a subject is found: as text, as its 16 bytes, or as the engine lays them.
fn found(dir: &Path, subject: Uuid) -> Result<Vec<String>> {
    let bytes = subject.into_bytes();
    let mut engine = bytes;
    engine[..8].reverse();
    engine[8..].reverse();
    let texts = [subject.to_string().into_bytes(), subject.simple().to_string().into_bytes()];
    let hex = |text: &[u8]| text.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes();
    let needles = [texts[0].clone(), texts[1].clone(), hex(&texts[0]), bytes.to_vec(), engine.to_vec()];
    let (mut folders, mut found) = (vec![dir.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        // What the engine removes meanwhile is gone.
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(content) = fs::read(&path) else { continue };
            let has = |needle: &Vec<u8>| content.windows(needle.len()).any(|window| window == needle);
            if needles.iter().any(has) {
                found.push(path.display().to_string());
            }
        }
    }
    Ok(found)
}

#[test]
fn one_of_ten_thousand_is_gone_and_nothing_else_changes() -> Result<()> {
    let (runtime, dir, files) = (Runtime::new()?, tempfile::tempdir()?, tempfile::tempdir()?);
    let settings = || Ok::<_, anyhow::Error>(embedded()?.data_dir(dir.path()).env("AVOW_LOG__RETENTION_SECONDS", "5"));
    let mut avow = settings()?.start()?;
    let site = Site::of(&runtime, &avow);
    site.put()?;
    let (subject, other) = (Uuid::new_v4(), Uuid::new_v4());
    let hers = [event(subject, "decided"), event(subject, "withdrawn"), event(subject, "decided")];
    let mut events = strangers(9_999);
    events[7] = event(other, "decided");
    events.insert(4_000, hers[0].clone());
    events.extend_from_slice(&hers[1..]);
    site.post(&events)?;
    let before = site.totals(10_001)?;
    ensure!(before.1 == 10_000, "{} visitors", before.1);
    let size = 10_003;
    let log = sealed(&runtime, &site.caller, SITE, size)?;
    let public = PublicLog::of(&runtime, &avow.url(), &log)?;
    let (checkpoint, entries) = (public.checkpoint()?, public.entries(size)?);
    std::thread::sleep(Duration::from_secs(3));
    let old = files.path().join("old.zip");
    site.export(&old)?;

    let begun = Instant::now();
    let erased = site.erased(subject)?;
    println!("erased of 10,000 in {:?}: {erased:#}", begun.elapsed());
    ensure!(site.show(subject)?.0 == 404, "{:?}", site.show(subject)?);
    let export = format!("/api/v1/subjects/{subject}/export?site={SITE}");
    ensure!(site.ask(Method::GET, &export)?.0 == 404, "her data are still given");
    let after = site.totals(10_001)?;
    ensure!(after == (before.0.clone(), 9_999), "{after:?} instead of {before:?}");
    ensure!(site.erased_rows()? == 3, "{}", site.erased_rows()?);
    tombstone(&site, &erased)?;

    // The bundle that the server kept is gone; the one that somebody has still holds what it says.
    let (_, list) = site.ask(Method::GET, "/api/v1/audit/exports")?;
    ensure!(list["exports"][0]["error"].to_string().contains("withdrawn"), "{list}");
    let (went, told) = command(&["verify", &old.display().to_string()], &[])?;
    ensure!(went, "{told}");

    // Whatever was signed stays so, and the tombstone is the next leaf.
    let log = sealed(&runtime, &site.caller, SITE, size + 1)?;
    let public = PublicLog::of(&runtime, &avow.url(), &log)?;
    let now = public.entries(size + 1)?;
    ensure!(now[..entries.len()] == entries, "leaves have changed");
    let leaves = entries.iter().map(|entry| avow_ledger::merkle::leaf_hash(entry));
    ensure!(avow_ledger::merkle::root(leaves) == checkpoint.root, "not the root that was signed");
    let body = erased["body"].as_str().context("no body")?;
    ensure!(now[10_003] == [&[5], &Sha256::digest(body)[..]].concat(), "not the tombstone's leaf");

    std::thread::sleep(Duration::from_secs(3));
    let new = files.path().join("new.zip");
    site.export(&new)?;
    same_but_redacted(&old, &new)?;

    // Asked again it is the same, also for the same events sent again; what comes later is another one.
    ensure!(site.erased(subject)? == erased, "another answer: {}", site.erased(subject)?);
    site.post(&hers)?;
    ensure!(site.erased(subject)? == erased, "a repeat is a new event");
    site.post(&[event(subject, "decided")])?;
    site.totals(10_002)?;
    ensure!(site.show(subject)?.1["history"].as_array().map(Vec::len) == Some(1), "{:?}", site.show(subject)?);
    let again = site.erased(subject)?;
    ensure!(again["erasure"] != erased["erasure"] && site.show(subject)?.0 == 404, "{again}");

    // What was erased counts on, also where the counts are made anew.
    let before = site.totals(10_002)?;
    let told = administer(&avow.url(), &["rebuild"])?;
    ensure!(!told.contains("kept"), "{told}");
    ensure!(site.totals(10_002)? == before, "a rebuild counts {:?} instead of {before:?}", site.totals(10_002)?);
    avow.kill9();
    avow.restart()?;
    let site = Site::of(&runtime, &avow);
    ensure!(site.totals(10_002)? == before && site.erased_rows()? == 4 && site.show(subject)?.0 == 404, "after a kill");

    // Until the log has forgotten, and the engine has removed what it replaced.
    std::thread::sleep(Duration::from_secs(12));
    ensure!(!avow.log().contains(&subject.to_string()), "a line of the program's log names her");
    avow.terminate()?;
    let boxed = Boxed::start_in(dir.path())?;
    for table in ["events_data", "erasing"] {
        boxed.run(&format!(
            "ALTER TABLE {table} MODIFY SETTING old_parts_lifetime = 1, merge_tree_clear_old_parts_interval_seconds = 1"
        ))?;
    }
    ensure!(boxed.run("SELECT count() FROM erasing")?.trim() == "0", "a batch is left");
    let begun = Instant::now();
    while !found(dir.path(), subject)?.is_empty() {
        ensure!(begun.elapsed() < PATIENCE, "she is in {:?}", found(dir.path(), subject)?);
        std::thread::sleep(Duration::from_secs(1));
    }
    ensure!(!found(dir.path(), other)?.is_empty(), "nobody is found at all");
    Ok(())
}

/// The tombstone is a note of the operator's key that says what was done.
fn tombstone(site: &Site<'_>, erased: &Value) -> Result<()> {
    let operator = operator_log(site.runtime, &site.caller)?;
    let key = operator["public_key"].as_str().context("no key")?.parse()?;
    let note = Note::parse(erased["tombstone"].as_str().context("no tombstone")?)?;
    ensure!(note.verify(std::slice::from_ref(&key))?.len() == 1, "not signed");
    for said in ["subject", "site", "erasure", "made_at", "log_forgets_by"] {
        let said = erased[said].as_str().context("not said")?;
        ensure!(note.text.contains(said), "{said} is not in\n{}", note.text);
    }
    Ok(())
}

/// The later bundle says of every leaf what the earlier one says, but of the three that were erased nothing.
fn same_but_redacted(old: &Path, new: &Path) -> Result<()> {
    let (old, new) = (lines(&unpacked(old)?), lines(&unpacked(new)?));
    ensure!(new.len() == old.len() + 1, "{} lines behind {}", new.len(), old.len());
    let differ: Vec<&String> = old.iter().zip(&new).filter(|(old, new)| old != new).map(|(_, new)| new).collect();
    ensure!(differ.len() == 3 && differ.iter().all(|line| line.contains("\"redacted\":true")), "{differ:?}");
    Ok(())
}

#[test]
fn a_kill_in_between_is_made_up_for() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let mut avow = embedded()?.data_dir(dir.path()).start()?;
    Site::of(&runtime, &avow).put()?;
    let mut decisions = 0;
    for round in 0..8_u64 {
        let site = Site::of(&runtime, &avow);
        let subject = Uuid::new_v4();
        let mut events = strangers(300);
        events.extend([event(subject, "decided"), event(subject, "withdrawn"), event(subject, "decided")]);
        site.post(&events)?;
        decisions += 302;
        let (before, visitors) = site.totals(decisions)?;
        std::thread::scope(|scope| {
            let url = avow.url();
            let asking = scope.spawn(move || {
                let runtime = Runtime::new()?;
                let path = format!("/api/v1/subjects/{subject}?site={SITE}&reason=asked");
                // It may be cut off.
                let _ = runtime.block_on(Caller::of(url).ask(Method::DELETE, &path));
                Ok::<_, anyhow::Error>(())
            });
            // From before the tombstone to after the mutation.
            std::thread::sleep(Duration::from_millis(15 + 40 * round));
            avow.kill9();
            asking.join().ok().context("the caller")?
        })?;
        avow.restart()?;
        let site = Site::of(&runtime, &avow);
        site.erased(subject)?;
        ensure!(site.show(subject)?.0 == 404, "round {round}");
        let (after, left) = site.totals(decisions)?;
        ensure!(after == before && left == visitors - 1, "round {round}: {after:?} instead of {before:?}");
        ensure!(site.erased_rows()? == 3 * (round + 1), "round {round}: {}", site.erased_rows()?);
    }
    administer(&avow.url(), &["rebuild"])?;
    let site = Site::of(&runtime, &avow);
    let (totals, visitors) = site.totals(decisions)?;
    ensure!(visitors == decisions - 16, "{visitors} visitors of {decisions} decisions: {totals:?}");
    avow.terminate()?;
    let boxed = Boxed::start_in(dir.path())?;
    let left = boxed.run(
        "SELECT (SELECT count() FROM erasing), (SELECT count() FROM events_data WHERE kind = 'erased'), \
                          (SELECT uniqExact(partition, position) FROM events_data WHERE kind != 'range') = \
                          (SELECT count() FROM events_data WHERE kind != 'range')",
    )?;
    ensure!(left.trim() == "0\t24\t1", "{left}");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(status.success(), "cp: {status}");
    Ok(())
}

#[test]
fn a_restored_backup_forgets_before_it_serves() -> Result<()> {
    let (runtime, dir, kept) = (Runtime::new()?, tempfile::tempdir()?, tempfile::tempdir()?);
    let start = || embedded()?.data_dir(dir.path()).start();
    let mut avow = start()?;
    let site = Site::of(&runtime, &avow);
    site.put()?;
    let (subject, stranger) = (Uuid::new_v4(), Uuid::new_v4());
    let mut events = strangers(100);
    events.extend([event(subject, "decided"), event(stranger, "decided")]);
    site.post(&events)?;
    site.totals(102)?;
    avow.terminate()?;
    let (whole, backup) = (dir.path().join("."), kept.path().join("data"));
    fs::create_dir(&backup)?;
    copy(&whole, &backup)?;
    let warehouse = dir.path().join("clickhouse");

    let mut avow = start()?;
    let site = Site::of(&runtime, &avow);
    site.post(&[event(subject, "decided")])?;
    site.totals(103)?;
    let erased = site.erased(subject)?;
    let before = site.totals(103)?;
    avow.terminate()?;

    // The warehouse alone; the log is as it is.
    fs::remove_dir_all(&warehouse)?;
    copy(&backup.join("clickhouse"), &warehouse)?;
    let mut avow = start()?;
    let site = Site::of(&runtime, &avow);
    let (status, answer) = site.show(subject)?;
    ensure!(status == 404, "what was restored tells of her: {answer}");
    ensure!(avow.log().contains("processor.erased_ahead_of_tombstone"), "not ahead of the tombstone");
    ensure!(site.show(stranger)?.0 == 200, "somebody else is gone");
    ensure!(site.totals(103)? == before, "{:?} instead of {before:?}", site.totals(103)?);
    ensure!(site.erased(subject)? == erased && site.erased_rows()? == 2, "{}", site.erased_rows()?);
    avow.terminate()?;

    // The whole machine, and with it a log that knows no tombstone; only the control topic is newer.
    let control = Path::new("log").join("consent.control-0");
    copy(&dir.path().join(&control), &kept.path().join("control"))?;
    for entry in fs::read_dir(dir.path())? {
        let path = entry?.path();
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    copy(&backup.join("."), dir.path())?;
    fs::remove_dir_all(dir.path().join(&control))?;
    copy(&kept.path().join("control"), &dir.path().join(&control))?;
    let avow = start()?;
    let site = Site::of(&runtime, &avow);
    let (status, answer) = site.show(subject)?;
    ensure!(status == 404, "what was restored tells of her: {answer}");
    ensure!(site.totals(102)?.1 == 101 && site.erased_rows()? == 1, "{:?}", site.totals(102)?);
    let log = sealed(&runtime, &site.caller, SITE, 104)?;
    ensure!(log["size"] == 104, "the tombstone is not in the ledger again: {log}");
    Ok(())
}

#[test]
fn over_kafka_one_process_asks_and_another_erases() -> Result<()> {
    let (runtime, files) = (Runtime::new()?, tempfile::tempdir()?);
    // One key for all, so that the api may sign.
    let key = files.path().join("ledger.key");
    fs::write(&key, format!("{}\n", "5b".repeat(32)))?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let cluster = Cluster::start_with(&[("AVOW_LEDGER__KEY_FILE", &key.display().to_string())])?;
    let (api, ingest) = (Site::of(&runtime, &cluster.api), Site::of(&runtime, &cluster.ingest));
    api.put()?;
    // Until ingest knows the site.
    std::thread::sleep(Duration::from_secs(6));
    let subject = Uuid::new_v4();
    let mut events = strangers(200);
    events.extend([event(subject, "decided"), event(subject, "withdrawn")]);
    ingest.post(&events)?;
    let before = api.totals(201)?;
    let erased = api.erased(subject)?;
    ensure!(api.show(subject)?.0 == 404 && api.erased_rows()? == 2, "{erased}");
    ensure!(api.totals(201)? == (before.0, before.1 - 1), "{:?}", api.totals(201)?);
    ensure!(api.erased(subject)? == erased, "another answer");
    tombstone(&api, &erased)
}

#[test]
fn holds_and_restrictions_bind() -> Result<()> {
    let (runtime, files) = (Runtime::new()?, tempfile::tempdir()?);
    let mut avow = embedded()?.start()?;
    let site = Site::of(&runtime, &avow);
    site.put()?;
    let (held, limited) = (Uuid::new_v4(), Uuid::new_v4());
    site.post(&[event(held, "decided"), event(limited, "decided"), event(limited, "withdrawn")])?;
    site.totals(2)?;
    let subject = |action: &str, id: Uuid, more: &[&str]| {
        administer(&avow.url(), &[&["subject", action, "--site", SITE, &id.to_string()], more].concat())
    };

    subject("hold", held, &["--reason", "claim 4711"])?;
    let (status, problem) = site.erase(held)?;
    ensure!(status == 409 && problem["code"] == "legal_hold", "{problem}");
    ensure!(site.show(held)?.1["hold"]["reason"] == "claim 4711", "{:?}", site.show(held)?);
    subject("release", held, &[])?;
    let (status, problem) = site.ask(Method::DELETE, &format!("/api/v1/subjects/{held}?site={SITE}"))?;
    ensure!(status == 422 && problem["code"] == "missing_reason", "{problem}");
    ensure!(subject("erase", held, &["--reason", &format!("{held} asked")]).is_err(), "the reason names her");
    ensure!(subject("erase", held, &["--reason", "she asked"])?.starts_with("avow tombstone\n"), "no tombstone");

    subject("restrict", limited, &["--reason", "contested", "--until", "2099-01-01"])?;
    let auditor = runtime.block_on(site.caller.token(json!({"name": "auditor", "scopes": ["audit:read"]})))?;
    let path = format!("/api/v1/subjects/{limited}?site={SITE}");
    let refused = runtime.block_on(site.caller.get(&path, &auditor)).err().context("shown to everybody")?;
    ensure!(refused.to_string().contains("restricted"), "{refused}");
    ensure!(site.show(limited)?.0 == 200, "not shown to who erases");
    let hers: Value = serde_json::from_str(&subject("export", limited, &["--language", "de"])?)?;
    ensure!(hers["records"].as_array().map(Vec::len) == Some(2), "{hers}");
    ensure!(hers["services"]["chaport"]["retention"].is_string() || hers["services"]["chaport"].is_object(), "{hers}");
    ensure!(hers["controller"]["name"] == "Erased" && hers["restriction"]["in_force"] == true, "{hers}");

    let log = sealed(&runtime, &site.caller, SITE, 5)?;
    let bundle = files.path().join("bundle.zip");
    site.export(&bundle)?;
    let content = unpacked(&bundle)?;
    let text = content
        .iter()
        .filter(|(name, _)| name.ends_with(".jsonld") || name.ends_with(".jsonl") || name.ends_with(".csv"));
    let text: String = text.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    ensure!(!text.contains(&limited.to_string()) && log["size"].as_u64() >= Some(5), "an export shows her");
    subject("unrestrict", limited, &[])?;
    site.export(&bundle)?;
    let content = unpacked(&bundle)?;
    ensure!(String::from_utf8_lossy(&content["records.csv"]).contains(&limited.to_string()), "she stays restricted");
    avow.terminate()?;
    Ok(())
}
