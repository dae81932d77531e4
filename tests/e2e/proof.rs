//! A bundle from the server, judged offline: as it is every claim holds; whatever is changed in it, a claim fails by name.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use uuid::Uuid;
use zip::write::SimpleFileOptions;

use crate::installation::{Caller, administer, command, decided, embedded};
use crate::ledger::sealed;

const SITE: &str = "proof.example";

pub type Files = BTreeMap<String, Vec<u8>>;

pub fn unpacked(path: &Path) -> Result<Files> {
    let mut zip = zip::ZipArchive::new(File::open(path)?)?;
    let mut files = Files::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        files.insert(file.name()?.into_owned(), bytes);
    }
    Ok(files)
}

pub fn packed(files: &Files, path: &Path) -> Result<()> {
    let mut zip = zip::ZipWriter::new(File::create(path)?);
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(bytes)?;
    }
    zip.finish()?;
    Ok(())
}

/// Makes the manifest list the files as they are now, as whoever changes a bundle would.
pub fn listed_anew(files: &mut Files) -> Result<()> {
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"])?;
    let list = files.iter().filter(|(name, _)| !name.starts_with("manifest."));
    let list = list.map(|(name, bytes)| {
        let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        json!({"name": name, "size": bytes.len(), "sha256": sha256})
    });
    manifest["files"] = list.collect();
    files.insert("manifest.json".into(), serde_json::to_vec(&manifest)?);
    Ok(())
}

/// The claims that fail.
pub fn failing(path: &Path, more: &[&str]) -> Result<(bool, Vec<String>, String)> {
    let path = path.display().to_string();
    let arguments: Vec<&str> = ["verify", &path, "--json"].iter().copied().chain(more.iter().copied()).collect();
    let (went, told) = command(&arguments, &[])?;
    let claims = told.rfind(']').map(|end| &told[..=end]).unwrap_or("[]");
    let claims: Vec<Value> = serde_json::from_str(claims).unwrap_or_default();
    let failing = claims.iter().filter(|claim| claim["verdict"] == "fails");
    Ok((went, failing.filter_map(|claim| claim["name"].as_str().map(str::to_owned)).collect(), told))
}

/// Flips a bit in the middle of a file.
pub fn flip(files: &mut Files, name: &str) -> Result<()> {
    let bytes = files.get_mut(name).with_context(|| name.to_owned())?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Ok(())
}

fn lines(files: &Files) -> Vec<String> {
    String::from_utf8_lossy(&files["disclosures.jsonl"]).lines().map(str::to_owned).collect()
}

fn put_lines(files: &mut Files, lines: &[String]) {
    files.insert("disclosures.jsonl".into(), format!("{}\n", lines.join("\n")).into_bytes());
}

/// A tamper: what is changed, and which claim is to fail though the manifest lists the files anew.
type Tamper = (&'static str, &'static str, fn(&mut Files, &str) -> Result<()>);

const TAMPERS: &[Tamper] = &[
    ("a record's text", "records", |files, _| {
        let lines: Vec<String> = lines(files).iter().map(|line| line.replace("accept_all", "reject_all")).collect();
        put_lines(files, &lines);
        Ok(())
    }),
    ("a record back-dated", "records", |files, _| {
        let lines: Vec<String> =
            lines(files).iter().map(|line| line.replace("[\"occurred_at\",1", "[\"occurred_at\",0")).collect();
        put_lines(files, &lines);
        Ok(())
    }),
    ("a record twice", "records", |files, _| {
        let mut lines = lines(files);
        lines.push(lines[1].clone());
        put_lines(files, &lines);
        Ok(())
    }),
    ("two records in each other's place", "records", |files, _| {
        let mut lines = lines(files);
        let of = |line: &str, leaf: u64| -> Result<String> {
            let mut line: Value = serde_json::from_str(line)?;
            line["leaf"] = leaf.into();
            Ok(line.to_string())
        };
        (lines[1], lines[2]) = (of(&lines[2], 1)?, of(&lines[1], 2)?);
        put_lines(files, &lines);
        Ok(())
    }),
    ("a leaf's tile", "tree", |files, log| flip(files, &format!("logs/{log}/tile/0/000"))),
    ("a tile truncated", "tree", |files, log| {
        let tile = files.get_mut(&format!("logs/{log}/tile/0/000")).context("no tile")?;
        tile.truncate(tile.len() - 32);
        Ok(())
    }),
    ("a checkpoint", "checkpoints", |files, log| flip(files, &format!("logs/{log}/checkpoint"))),
    ("the operator's checkpoint", "checkpoints", |files, _| flip(files, "operator/checkpoint")),
    ("a proof", "operator log", |files, log| flip(files, &format!("proofs/{log}.tlog-proof"))),
    ("a proof taken away", "operator log", |files, log| {
        files.remove(&format!("proofs/{log}.tlog-proof"));
        Ok(())
    }),
    ("the signature of the manifest", "manifest", |files, _| flip(files, "manifest.note")),
];

#[test]
fn whatever_is_changed_in_a_bundle_is_named() -> Result<()> {
    let runtime = Runtime::new()?;
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Proof", "ledger": {"checkpoint_seconds": 1}})))?;
    for _ in 0..3 {
        let events: Vec<Value> = (0..200).map(|_| decided(SITE, Uuid::new_v4())).collect();
        ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    }
    let log = sealed(&runtime, &caller, SITE, 601)?;
    let log = log["name"].as_str().context("no name")?;
    // The operator log follows within a round of the signer.
    std::thread::sleep(std::time::Duration::from_secs(3));

    let dir = tempfile::tempdir()?;
    let path = dir.path().join("bundle.zip");
    let out = path.display().to_string();
    administer(&avow.url(), &["export", "--site", SITE, "--from", "2026-01-01", "--to", "2099-01-01", "--out", &out])?;
    let (went, told) = command(&["verify", &out], &[])?;
    println!("{told}");
    ensure!(went && told.contains("601 records, each what its leaf commits to\n"), "{told}");
    let whole = unpacked(&path)?;

    let tampered = dir.path().join("tampered.zip");
    for name in whole.keys().filter(|name| !name.starts_with("manifest.")) {
        let mut files = whole.clone();
        flip(&mut files, name)?;
        packed(&files, &tampered)?;
        let (went, failing, told) = failing(&tampered, &[])?;
        ensure!(!went && failing.contains(&"files".to_owned()) && told.contains(name.as_str()), "{name}: {told}");
    }
    println!("{:<36} fails", "changed, and listed anew");
    for (what, claim, change) in TAMPERS {
        let mut files = whole.clone();
        change(&mut files, log)?;
        if *claim != "manifest" {
            listed_anew(&mut files)?;
        }
        ensure!(files != whole, "{what}: nothing was changed");
        packed(&files, &tampered)?;
        let (went, failing, told) = failing(&tampered, &[])?;
        println!("{what:<36} {}", failing.join(", "));
        ensure!(!went && failing.iter().any(|name| name == claim), "{what}: {failing:?}\n{told}");
        ensure!(failing.iter().any(|name| name == "manifest"), "{what}: the manifest was changed too");
    }

    // A policy decides whom to trust.
    let manifest: Value = serde_json::from_slice(&whole["manifest.json"])?;
    let key = manifest["operator"]["public_key"].as_str().context("no key")?;
    let policy = dir.path().join("trust.policy");
    let trusted = policy.display().to_string();
    fs::write(&policy, format!("log {key}\nquorum none\n"))?;
    let (went, failed, told) = failing(&path, &["--policy", &trusted])?;
    ensure!(went && failed.is_empty(), "{told}");
    let mut unsigned = whole.clone();
    let mut without = manifest.clone();
    for member in ["operator", "logs"] {
        without.as_object_mut().context("no object")?.remove(member);
    }
    unsigned.retain(|name, _| name.starts_with("records.") || name == "disclosures.jsonl");
    unsigned.insert("manifest.json".into(), serde_json::to_vec(&without)?);
    listed_anew(&mut unsigned)?;
    packed(&unsigned, &tampered)?;
    let (went, failed, told) = failing(&tampered, &["--policy", &trusted])?;
    ensure!(!went && failed == ["signer"], "a bundle without any signature was trusted: {told}");
    let (_, _, told) = failing(&tampered, &[])?;
    ensure!(told.contains("nothing in this bundle is signed"), "{told}");
    fs::write(&policy, "log other.example+b3f10acf+AXxbRDYl8oPP+c/nvnW4s9BXH3Bzlq0oWVpBVCX4BGvF\nquorum none\n")?;
    let (went, _, told) = failing(&path, &["--policy", &trusted])?;
    ensure!(!went, "a foreign key was trusted: {told}");
    Ok(())
}
