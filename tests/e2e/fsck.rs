//! The logs by a foreign verifier: `fsck` of transparency-dev/tessera says that a log which `avow` serves is whole, and so
//! does it of the files that `avow ledger export-tiles` writes. `AVOW_SOAK_LEAVES` makes the log longer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_testkit::cache::filled_once;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::installation::{Caller, command, embedded, simulate};
use crate::ledger::{operator_log, sealed_within};
use crate::scale;

const SITE: &str = "fsck.example";
/// What is built, and from which version of it.
const FSCK: &str = "github.com/transparency-dev/tessera/cmd/fsck@v1.0.4";
/// It may end with 0 on a failure: only these words count.
const WELL: &str = "Successfully fsck'd";

/// The verifier, built once.
fn fsck() -> Result<PathBuf> {
    let found = ["go", "/usr/local/go/bin/go"].into_iter().find(|go| Command::new(go).arg("version").output().is_ok());
    let go =
        found.context("go is neither on the PATH nor in /usr/local/go: it is needed to verify with foreign code")?;
    let folder = filled_once("fsck-tessera-v1.0.4", |folder| {
        let mut install = Command::new(go);
        install.args(["install", FSCK]).env("GOBIN", folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod");
        let output = install.current_dir(folder).output()?;
        ensure!(output.status.success(), "{FSCK}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    })?;
    Ok(folder.join("fsck"))
}

/// What the verifier says of a log at an address, and whether it found it whole.
fn check(program: &Path, address: &str, log: &Value) -> Result<(bool, String)> {
    let text = |key: &str| log[key].as_str().context("a log without origin or key");
    let dir = tempfile::tempdir()?;
    let (key, said) = (dir.path().join("key"), dir.path().join("said"));
    fs::write(&key, format!("{}\n", text("public_key")?))?;
    let out = fs::File::create(&said)?;
    let mut child = Command::new(program)
        .args(["--storage_url", address, "--origin", text("origin")?, "--ui=false", "-N", "16", "--public_key"])
        .arg(&key)
        .stdout(Stdio::from(out.try_clone()?))
        .stderr(Stdio::from(out))
        .spawn()?;
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > Duration::from_secs(scale("AVOW_SOAK_FSCK_SECONDS", 60)) {
            child.kill()?;
            child.wait()?;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = fs::read_to_string(&said)?;
    Ok((said.contains(WELL), said))
}

#[test]
fn a_foreign_verifier_finds_our_logs_whole() -> Result<()> {
    let program = fsck()?;
    let runtime = Runtime::new()?;
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    let events = scale("AVOW_SOAK_LEAVES", 5_000);
    let begun = Instant::now();
    simulate(
        &avow.url(),
        &["--site", SITE, "--events", &events.to_string(), "--settle", "0s", "--simple", "--seed", "7"],
    )?;
    println!("{events} events sent in {:.1} s", begun.elapsed().as_secs_f64());
    let patience = Duration::from_secs(60 + events / 2_000);
    let log = sealed_within(&runtime, &caller, SITE, events, patience)?;
    println!("{} leaves under a checkpoint {:.1} s after the first event", log["size"], begun.elapsed().as_secs_f64());
    let name = log["name"].as_str().context("no name")?;

    let begun = Instant::now();
    let (whole, said) = check(&program, &format!("{}/log/{name}/", avow.url()), &log)?;
    ensure!(whole, "{said}");
    println!("fsck over HTTP: {:.1} s, {WELL}", begun.elapsed().as_secs_f64());
    let operator = operator_log(&runtime, &caller)?;
    let (whole, said) = check(&program, &format!("{}/log/operator/", avow.url()), &operator)?;
    ensure!(whole, "the operator log: {said}");

    let dir = tempfile::tempdir()?;
    let out = dir.path().display().to_string();
    let export = || command(&["ledger", "export-tiles", &out, "--url", &avow.url()], &[]);
    let begun = Instant::now();
    let (went, told) = export()?;
    ensure!(went && told.contains(name) && told.contains("operator"), "{told}");
    println!("export-tiles: {:.1} s", begun.elapsed().as_secs_f64());
    let folder = dir.path().join(name);
    let (whole, said) = check(&program, &format!("file://{}/", folder.display()), &log)?;
    ensure!(whole, "{said}");

    // It goes on where it was: what is there is not fetched again, what is gone is; what is false is named.
    let (went, told) = export()?;
    ensure!(went && told.contains(" 0 tiles fetched"), "{told}");
    let tile = folder.join("tile/entries/003");
    let kept = fs::read(&tile)?;
    fs::remove_file(&tile)?;
    let (went, told) = export()?;
    ensure!(went && told.contains(" 1 tiles fetched") && fs::read(&tile)? == kept, "{told}");
    let mut other = kept;
    other[40] ^= 1;
    fs::write(&tile, other)?;
    let (went, told) = export()?;
    ensure!(!went && told.contains("tile/entries/003 is no part of the tree"), "{told}");
    let (whole, said) = check(&program, &format!("file://{}/", folder.display()), &log)?;
    ensure!(!whole, "fsck passes a false entry: {said}");
    Ok(())
}
