//! Bundles that a forger with a key makes: one of his own key, one of a fork by the operator himself, one made of two.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use avow_ledger::checkpoint::Checkpoint;
use avow_ledger::commitment::Commitment;
use avow_ledger::key::SigningKey;
use avow_ledger::note::Note;
use avow_ledger::tile::{self, TileKind};
use avow_ledger::{Hash, hex, merkle};
use serde_json::{Value, json};

use crate::proof::{Files, failing, listed_anew, packed, sha256};

/// A text with a signature.
fn signed(key: &SigningKey, text: &str) -> Result<Vec<u8>> {
    let mut note = Note::new(text)?;
    note.add(key.sign(text));
    Ok(note.to_string().into_bytes())
}

/// Lists the files anew and signs the list.
fn sealed_anew(files: &mut Files, key: &SigningKey) -> Result<()> {
    listed_anew(files)?;
    let text = format!("avow bundle\n{}\n", sha256(&files["manifest.json"]));
    files.insert("manifest.note".into(), signed(key, &text)?);
    Ok(())
}

fn key(origin: &Value, seed: [u8; 32]) -> Result<SigningKey> {
    Ok(SigningKey::from_seed(origin.as_str().context("no origin")?.parse()?, seed))
}

/// Everything signed with another key, under the operator's name.
pub fn foreign(whole: &Files, dir: &Path) -> Result<()> {
    let mut files = whole.clone();
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"])?;
    let own = key(&manifest["operator"]["origin"], [9; 32])?;
    let old = String::from_utf8(files["operator/checkpoint"].clone())?;
    let new = String::from_utf8(signed(&own, &Note::parse(&old)?.text)?)?;
    for (name, bytes) in &mut files {
        if name == "operator/checkpoint" || name.starts_with("proofs/") {
            *bytes = String::from_utf8(bytes.clone())?.replace(&old, &new).into_bytes();
        }
    }
    let trusted = dir.join("operator.policy");
    fs::write(&trusted, &files["trust.policy"])?;
    files.insert("trust.policy".into(), format!("log {}\nquorum none\n", own.vkey()).into_bytes());
    manifest["operator"]["public_key"] = json!(own.vkey().to_string());
    files.insert("manifest.json".into(), serde_json::to_vec(&manifest)?);
    sealed_anew(&mut files, &own)?;
    let path = dir.join("foreign.zip");
    packed(&files, &path)?;
    // By itself it holds: a bundle cannot vouch for its key, and the policy inside is the forger's.
    let (went, failed, told) = failing(&path, &[])?;
    ensure!(went && failed.is_empty() && told.contains("only a policy"), "{told}");
    let (went, failed, told) = failing(&path, &["--policy", &trusted.display().to_string()])?;
    ensure!(!went && failed == ["signer"], "{told}");
    println!("{:<36} {}", "a foreign key, under a policy", failed.join(", "));
    Ok(())
}

/// The operator changes a record and signs another tree of it, with his own key: the operator log has the first.
pub fn fork(whole: &Files, log: &str, seed: [u8; 32], dir: &Path) -> Result<()> {
    const CHANGED: usize = 5;
    let mut files = whole.clone();
    let manifest: Value = serde_json::from_slice(&files["manifest.json"])?;
    let text = String::from_utf8(files["disclosures.jsonl"].clone())?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[CHANGED] = lines[CHANGED].replace("[\"effort\",{\"clicks\":null", "[\"effort\",{\"clicks\":9");
    ensure!(lines[CHANGED].contains("\"clicks\":9"), "{}", lines[CHANGED]);
    let leaf = leaf(&lines[CHANGED])?;
    files.insert("disclosures.jsonl".into(), format!("{}\n", lines.join("\n")).into_bytes());

    let described = manifest["logs"].as_array().into_iter().flatten().find(|one| one["name"] == log);
    let described = described.context("no such log")?;
    let size = described["size"].as_u64().context("no size")?;
    let mut leaves: Vec<Hash> = Vec::new();
    for path in tile::tiles_of(size).filter(|path| path.kind == (TileKind::Hashes { level: 0 })) {
        leaves.extend(tile::hashes(&files[&format!("logs/{log}/{path}")], path.width)?);
    }
    leaves[CHANGED] = leaf;
    for path in tile::tiles_of(size) {
        let TileKind::Hashes { level } = path.kind else { continue };
        let below = 256_usize.pow(u32::from(level));
        let first = usize::try_from(path.index)? * 256 * below;
        let nodes = (0..usize::from(path.width)).map(|n| first + n * below);
        let nodes = nodes.map(|at| merkle::root(leaves[at..at + below].iter().copied()));
        files.insert(format!("logs/{log}/{path}"), nodes.flatten().collect());
    }
    let origin = described["origin"].as_str().context("no origin")?;
    let checkpoint = Checkpoint::new(origin, size, merkle::root(leaves)).text();
    files.insert(format!("logs/{log}/checkpoint"), signed(&key(&described["origin"], seed)?, &checkpoint)?);
    sealed_anew(&mut files, &key(&manifest["operator"]["origin"], seed)?)?;
    let path = dir.join("fork.zip");
    packed(&files, &path)?;
    let (went, failed, told) = failing(&path, &[])?;
    ensure!(!went && failed == ["operator log"], "{failed:?}\n{told}");
    println!("{:<36} {}", "a fork, signed by the operator", failed.join(", "));
    Ok(())
}

/// The leaf hash of an opened event.
fn leaf(line: &str) -> Result<Hash> {
    let line: Value = serde_json::from_str(line)?;
    let seed = line["seed"].as_str().and_then(hex::decode).context("no seed")?;
    let mut commitment = Commitment::new(&seed);
    for field in line["fields"].as_array().into_iter().flatten() {
        // In canonical JSON already, and written as it was read.
        commitment.field(field[0].as_str().unwrap_or_default(), field[1].to_string().as_bytes());
    }
    Ok(merkle::leaf_hash(&[[1].as_slice(), &commitment.finish()].concat()))
}

/// The records of one bundle in another, with their proofs, in one list that is signed with the operator's key.
pub fn two_in_one(whole: &Files, other: &Files, seed: [u8; 32], dir: &Path) -> Result<()> {
    let mut files = whole.clone();
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"])?;
    let second: Value = serde_json::from_slice(&other["manifest.json"])?;
    let logs = manifest["logs"].as_array_mut().context("no logs")?;
    logs.extend(second["logs"].as_array().cloned().unwrap_or_default());
    for (name, bytes) in other {
        if name.starts_with("logs/") || name.starts_with("proofs/") {
            files.insert(name.clone(), bytes.clone());
        }
    }
    let mut lines: Vec<String> = [&files["disclosures.jsonl"], &other["disclosures.jsonl"]]
        .iter()
        .flat_map(|bytes| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let place = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        (line["ledger"].as_str().map(str::to_owned), line["leaf"].as_u64())
    };
    lines.sort_by_cached_key(place);
    files.insert("disclosures.jsonl".into(), format!("{}\n", lines.join("\n")).into_bytes());
    files.insert("manifest.json".into(), serde_json::to_vec(&manifest)?);
    sealed_anew(&mut files, &key(&manifest["operator"]["origin"], seed)?)?;
    let path = dir.join("two.zip");
    packed(&files, &path)?;
    let (went, failed, told) = failing(&path, &[])?;
    ensure!(!went && failed.iter().any(|claim| claim == "records") && told.contains("of another site"), "{told}");
    println!("{:<36} {}", "two bundles in one", failed.join(", "));
    Ok(())
}
