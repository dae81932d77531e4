//! Another signing key: both keys sign for a while, the change is a leaf of every ledger, and whoever trusts the former key
//! follows it to the next one. And a key that a program holds.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_ledger::KeyChange;
use avow_ledger::note::Note;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, administer, command, decided, embedded};
use crate::ledger::{PublicLog, operator_log, sealed};
use crate::proof::{failing, lines, listed_anew, packed, unpacked};
use crate::receipts::posted;

const SITE: &str = "keys.example";
const PATIENCE: Duration = Duration::from_secs(60);

fn post(runtime: &Runtime, caller: &Caller, count: usize) -> Result<()> {
    let events: Vec<Value> = (0..count).map(|_| decided(SITE, Uuid::new_v4())).collect();
    ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    Ok(())
}

/// The operator log's checkpoint as it is served.
fn operator(runtime: &Runtime, url: &str) -> Result<Note> {
    let text = runtime.block_on(async {
        reqwest::get(format!("{url}/log/operator/checkpoint")).await?.error_for_status()?.text().await
    })?;
    Ok(Note::parse(&text)?)
}

/// Exports once a checkpoint of the operator log covers so many records.
fn export(url: &str, records: u64, to: &Path) -> Result<()> {
    let (begun, out, covered) = (Instant::now(), to.display().to_string(), format!("{records} records, each "));
    loop {
        _ = fs::remove_file(to);
        administer(url, &["export", "--site", SITE, "--from", "2026-01-01", "--to", "2099-01-01", "--out", &out])?;
        let (_, told) = command(&["verify", &out], &[])?;
        if told.contains(&covered) && unpacked(to)?.contains_key("trust.policy") {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "never {covered:?}: {told}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_key_is_changed_and_those_who_trust_it_follow() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let mut avow = embedded()?.start()?;
    let url = avow.url();
    let caller = Caller::of(url.clone());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Keys", "ledger": {"checkpoint_seconds": 1}})))?;
    post(&runtime, &caller, 5)?;
    let first = sealed(&runtime, &caller, SITE, 6)?;
    let bundle = dir.path().join("bundle.zip");
    export(&url, 6, &bundle)?;
    // What somebody trusts from now on.
    let trusted = dir.path().join("trust.policy");
    fs::write(&trusted, &unpacked(&bundle)?["trust.policy"])?;
    let trusted = trusted.display().to_string();
    let mirror = dir.path().join("mirror").display().to_string();
    administer(&url, &["ledger", "export-tiles", &mirror])?;

    let data_dir = avow.data_dir().to_owned();
    let settings = [("AVOW_DATA_DIR", data_dir.display().to_string())];
    let (went, told) = command(&["ledger", "new-key"], &settings)?;
    ensure!(went && told.contains("public key "), "{told}");
    let (went, told) = command(&["ledger", "new-key"], &settings)?;
    ensure!(!went && told.contains("is there already"), "{told}");
    avow.terminate()?;
    avow.restart()?;
    // A leaf more: the change.
    let log = sealed(&runtime, &caller, SITE, 7)?;
    let begun = Instant::now();
    let both = loop {
        let note = operator(&runtime, &url)?;
        if note.signatures.len() == 2 {
            break note;
        }
        ensure!(begun.elapsed() < PATIENCE, "never signed by both: {note}\n{}", avow.log());
        std::thread::sleep(Duration::from_millis(100));
    };
    ensure!(log["public_key"] != first["public_key"], "{log}");
    ensure!(log["former_keys"] == json!([first["public_key"]]), "{log}");
    ensure!(both.signatures[0].name == both.signatures[1].name, "{both}");
    let public = PublicLog::of(&runtime, &url, &log)?;
    let kinds: Vec<u8> = public.entries(public.checkpoint()?.size)?.iter().map(|entry| entry[0]).collect();
    ensure!(kinds == [6, 1, 1, 1, 1, 1, 4], "{kinds:?}");
    // Another start in the overlap changes nothing.
    avow.terminate()?;
    avow.restart()?;
    post(&runtime, &caller, 3)?;
    sealed(&runtime, &caller, SITE, 10)?;

    // The new key alone.
    avow.terminate()?;
    fs::rename(data_dir.join("ledger.next.key"), data_dir.join("ledger.key"))?;
    avow.restart()?;
    post(&runtime, &caller, 4)?;
    let log = sealed(&runtime, &caller, SITE, 14)?;
    ensure!(log["size"] == 14, "{log}");
    let begun = Instant::now();
    while operator(&runtime, &url)?.signatures.len() != 1 {
        ensure!(begun.elapsed() < PATIENCE, "still signed by both\n{}", avow.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    administer(&url, &["ledger", "export-tiles", &mirror])?;
    administer(&url, &["ledger", "audit"])?;

    export(&url, 14, &bundle)?;
    let files = unpacked(&bundle)?;
    let change = KeyChange::read(std::str::from_utf8(&files["keys/1.note"])?)?;
    ensure!(change.from.name().as_str() == first["origin"].as_str().and_then(|it| it.split('/').next()).unwrap_or(""));
    ensure!(lines(&files).iter().filter(|line| line.contains("key_change")).count() == 1, "the change is not opened");
    let (went, failed, told) = failing(&bundle, &["--policy", &trusted])?;
    ensure!(went && failed.is_empty(), "{told}");
    ensure!(told.contains("the key has changed 1 time") && told.contains("has handed over"), "{told}");
    println!("{told}");
    // Trusting the new key needs no change; a foreign one is not reached.
    let own = dir.path().join("own.policy");
    fs::write(&own, &files["trust.policy"])?;
    ensure!(failing(&bundle, &["--policy", &own.display().to_string()])?.1.is_empty());
    let foreign = avow_ledger::SigningKey::from_seed(change.from.name().clone(), [9; 32]).vkey();
    fs::write(&own, format!("log {foreign}\nquorum none\n"))?;
    ensure!(failing(&bundle, &["--policy", &own.display().to_string()])?.1 == ["signer"]);

    // A change that somebody without the former key made, and none at all.
    let changed = dir.path().join("changed.zip");
    for forged in [true, false] {
        let mut files = files.clone();
        if forged {
            let mut note = Note::new(KeyChange { to: foreign.clone(), ..change.clone() }.text())?;
            note.add(avow_ledger::SigningKey::from_seed(change.from.name().clone(), [9; 32]).sign(&note.text));
            files.insert("keys/1.note".to_owned(), note.to_string().into_bytes());
        } else {
            files.remove("keys/1.note");
        }
        listed_anew(&mut files)?;
        packed(&files, &changed)?;
        let (_, failed, told) = failing(&changed, &["--policy", &trusted])?;
        ensure!(failed.iter().any(|claim| claim == "signer"), "{told}");
        ensure!(failed.iter().any(|claim| claim == "keys") == forged, "{told}");
    }
    // The former key alone signs no more, and says so.
    avow.terminate()?;
    fs::write(data_dir.join("ledger.key"), "11".repeat(32))?;
    avow.restart()?;
    let begun = Instant::now();
    while !avow.log().contains("this process has another key than the installation") {
        ensure!(begun.elapsed() < PATIENCE, "{}", avow.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

#[test]
fn a_program_signs_checkpoints_receipts_and_bundles() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let key = dir.path().join("key.pem").display().to_string();
    let made = std::process::Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out", &key]).status();
    ensure!(made.context("openssl (Debian: apt-get install openssl)")?.success());
    let signer = dir.path().join("signer");
    let script = format!(
        "#!/bin/sh\nset -e\ncd {}\nopenssl pkey -in {key} -pubout -outform DER | tail -c 32 | base64\n\
         while read -r message; do\n  echo \"$message\" | base64 -d > message.$$\n  \
         openssl pkeyutl -sign -rawin -inkey {key} -in message.$$ | base64 -w0\n  echo\ndone\n",
        dir.path().display()
    );
    fs::write(&signer, script)?;
    fs::set_permissions(&signer, fs::Permissions::from_mode(0o700))?;
    let command = json!([signer.display().to_string()]).to_string();
    let settings = embedded()?.env("AVOW_LEDGER__SIGNER_COMMAND", command).env("AVOW_LEDGER__ML_DSA", "true");
    let avow = settings.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Keys", "ledger": {"checkpoint_seconds": 1}})))?;
    post(&runtime, &caller, 5)?;
    sealed(&runtime, &caller, SITE, 6)?;
    ensure!(!avow.data_dir().join("ledger.key").exists(), "a key was drawn beside the program's");
    let bundle = dir.path().join("bundle.zip");
    export(&avow.url(), 6, &bundle)?;
    let policy = dir.path().join("trust.policy");
    fs::write(&policy, &unpacked(&bundle)?["trust.policy"])?;
    let trusting = policy.display().to_string();
    let (went, failed, told) = failing(&bundle, &["--policy", &trusting])?;
    ensure!(went && failed.is_empty() && told.contains("with ML-DSA-44 besides"), "{told}");

    // Another key of that kind is demanded, too.
    let text = fs::read_to_string(&policy)?;
    let keys: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("log ")).collect();
    let operator = operator_log(&runtime, &caller)?;
    ensure!(keys.len() == 2 && operator["ml_dsa_key"] == keys[1] && operator["public_key"] == keys[0], "{operator}");
    let answer = runtime.block_on(posted(&avow.url(), &[decided(SITE, Uuid::new_v4())]))?;
    let receipt = answer["receipts"][0]["receipt"]["note"].as_str().with_context(|| answer.to_string())?;
    Note::parse(receipt)?.verify(&[keys[0].parse()?])?;
    let name = operator["origin"].as_str().context("no origin")?.parse()?;
    let foreign = avow_ledger::cosignature::ml_dsa::MlDsaCosigner::from_seed(name, [9; 32])?;
    fs::write(&policy, text.replace(keys[1], &foreign.vkey().to_string()))?;
    let (_, failed, told) = failing(&bundle, &["--policy", &trusting])?;
    ensure!(failed == ["signer"] && told.contains("ML-DSA-44 key, which the policy names, has not signed"), "{told}");
    Ok(())
}
