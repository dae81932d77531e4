//! Time stamps: an authority stamps the operator log, bundles carry the stamp with the way to their records, and `avow verify`
//! says until when at the latest those were there; whatever is changed in it fails the claim.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_testkit::authority::Authority;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, administer, command, decided, embedded};
use crate::ledger::sealed;
use crate::proof::{Files, failing, flip, listed_anew, packed, unpacked};

const SITE: &str = "stamped.example";
const PATIENCE: Duration = Duration::from_secs(90);

/// The authority behind HTTP, as RFC 3161, section 3.4 has it. It answers 503 while `away`.
pub fn serve(runtime: &Runtime, authority: Arc<Mutex<Authority>>, away: Arc<AtomicBool>) -> Result<String> {
    let answer = move |body: Bytes| {
        let (authority, away) = (Arc::clone(&authority), Arc::clone(&away));
        async move {
            if away.load(Ordering::Relaxed) {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            let reply = tokio::task::spawn_blocking(move || authority.lock().unwrap().reply(&body)).await;
            match reply.map_err(anyhow::Error::from).flatten() {
                Ok(reply) => ([(header::CONTENT_TYPE, "application/timestamp-reply")], reply).into_response(),
                Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
            }
        }
    };
    let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))?;
    let url = format!("http://{}/tsr", listener.local_addr()?);
    let routes = axum::Router::new().route("/tsr", axum::routing::post(answer));
    runtime.spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

#[test]
fn records_are_stamped_and_the_stamp_is_judged() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let authority = Authority::new("rsa:2048", "critical,timeStamping")?;
    let (trusted, other) = (authority.root(), Authority::new("ec", "critical,timeStamping")?);
    let (trusted, foreign) = (trusted.display().to_string(), other.root().display().to_string());
    let away = Arc::new(AtomicBool::new(false));
    let authority = Arc::new(Mutex::new(authority));
    let url = serve(&runtime, Arc::clone(&authority), Arc::clone(&away))?;
    let settings = embedded()?.env("AVOW_LEDGER__TIMESTAMP_URL", url).env("AVOW_LEDGER__TIMESTAMP_SECONDS", "1");
    let avow = settings.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Stamped", "ledger": {"checkpoint_seconds": 1}})))?;
    let post = |count: usize| -> Result<()> {
        let events: Vec<Value> = (0..count).map(|_| decided(SITE, Uuid::new_v4())).collect();
        ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
        Ok(())
    };
    let path = dir.path().join("bundle.zip");
    let out = path.display().to_string();
    let export = || {
        administer(
            &avow.url(),
            &["export", "--site", SITE, "--from", "2026-01-01", "--to", "2099-01-01", "--out", &out],
        )
    };
    // Exports until the claim says so.
    let until = |said: &[&str]| -> Result<String> {
        let begun = Instant::now();
        loop {
            _ = fs::remove_file(&path);
            export()?;
            let (went, told) = command(&["verify", &out, "--tsa-ca", &trusted], &[])?;
            if went && said.iter().all(|said| told.contains(said)) {
                return Ok(told);
            }
            ensure!(begun.elapsed() < PATIENCE, "never {said:?}: {told}\n{}", avow.log());
            std::thread::sleep(Duration::from_millis(300));
        }
    };
    post(30)?;
    sealed(&runtime, &caller, SITE, 31)?;
    let told = until(&["31 records not later than 2"])?;
    println!("{told}");
    ensure!(told.contains("ok    time") && told.contains("CN=tsa"), "{told}");

    // The authority is away: what it stamped stays stamped, what came since is counted apart.
    away.store(true, Ordering::Relaxed);
    post(10)?;
    sealed(&runtime, &caller, SITE, 41)?;
    until(&["41 records, each what", "31 records not later than", "; 10 not stamped yet"])?;
    let begun = Instant::now();
    while avow.metric("avow_ledger_timestamp_failures_total")? == 0.0 {
        ensure!(begun.elapsed() < PATIENCE, "{}", avow.log());
        std::thread::sleep(Duration::from_millis(100));
    }

    let whole = unpacked(&path)?;
    let (_, failed, told) = failing(&path, &[])?;
    ensure!(failed.is_empty() && told.contains("only its certificate (--tsa-ca) can say"), "{told}");
    let (went, failed, told) = failing(&path, &["--tsa-ca", &foreign])?;
    ensure!(!went && failed == ["time"] && told.contains("no trusted authority"), "{told}");
    let parts: Vec<String> = whole.keys().filter(|name| name.starts_with("time/")).cloned().collect();
    ensure!(parts.len() == 5, "{parts:?}");
    let changed = dir.path().join("changed.zip");
    let judge = |files: &Files| -> Result<(Vec<String>, String)> {
        packed(files, &changed)?;
        let (_, failed, told) = failing(&changed, &["--tsa-ca", &trusted])?;
        Ok((failed, told))
    };
    for name in &parts {
        let mut files = whole.clone();
        flip(&mut files, name)?;
        listed_anew(&mut files)?;
        let (failed, told) = judge(&files)?;
        println!("{name:<60} {}", failed.join(", "));
        ensure!(failed.iter().any(|name| name == "time"), "{name}: {failed:?}\n{told}");
    }
    // Another checkpoint of the same log under the stamp.
    let mut files = whole.clone();
    let stamped = parts.iter().find(|name| name.ends_with(".tsr")).context("no stamp")?.replace(".tsr", ".checkpoint");
    files.insert(stamped, whole["operator/checkpoint"].clone());
    let (failed, told) = judge(&files)?;
    ensure!(failed.iter().any(|name| name == "time"), "{failed:?}\n{told}");
    // Nothing of it, where it is demanded.
    let mut files = whole;
    files.retain(|name, _| !name.starts_with("time/"));
    listed_anew(&mut files)?;
    let (failed, told) = judge(&files)?;
    ensure!(failed.contains(&"time".to_owned()) && told.contains("there is no time stamp in this bundle"), "{told}");
    Ok(())
}
