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

use crate::forged;
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
    let list = list.map(|(name, bytes)| json!({"name": name, "size": bytes.len(), "sha256": sha256(bytes)}));
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

pub fn lines(files: &Files) -> Vec<String> {
    String::from_utf8_lossy(&files["disclosures.jsonl"]).lines().map(str::to_owned).collect()
}

pub fn put_lines(files: &mut Files, lines: &[String]) {
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
        lines.push(lines[5].clone());
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
        (lines[4], lines[5]) = (of(&lines[5], 4)?, of(&lines[4], 5)?);
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
    ("an act in the table", "readable", |files, _| replace(files, "records.csv", ",accept_all,", ",reject_all,")),
    ("an answer in the table", "readable", |files, _| {
        replace(files, "records.csv", ",chaport,crisp matomo,", ",chaport crisp,matomo,")
    }),
    ("a refusal left out of the table", "readable", |files, _| {
        replace(files, "records.csv", ",chaport,crisp matomo,", ",chaport,matomo,")
    }),
    ("a time in the table", "readable", |files, _| replace(files, "records.csv", ",decided,2", ",decided,1")),
    ("a row taken away", "readable", |files, _| without_line(files, "records.csv", 7)),
    ("an answer in the document", "readable", |files, _| {
        replace(files, "records.jsonld", "dpv:ConsentRefused", "dpv:ConsentGiven")
    }),
    ("a time in the document", "readable", |files, _| {
        replace(files, "records.jsonld", "\"dpv:isIndicatedAtTime\":\"2", "\"dpv:isIndicatedAtTime\":\"1")
    }),
    ("a record of the document taken away", "readable", |files, _| {
        let text = String::from_utf8(files["records.jsonld"].clone())?;
        let record = text.lines().position(|line| line.contains("\"dpv:ConsentRecord\"")).context("no record")?;
        without_line(files, "records.jsonld", record)
    }),
    ("what records refer to made to consent", "readable", |files, _| {
        replace(
            files,
            "records.jsonld",
            "\"@type\":\"dpv:Service\"",
            "\"@type\":[\"dpv:Service\",\"dpv:ConsentGiven\"]",
        )
    }),
    ("a banner's text", "shown", |files, _| {
        let name = file_of(files, "artefacts/", ".json")?;
        replace(files, &name, "May we?", "We may.")
    }),
    ("a screenshot", "shown", |files, _| {
        let name = file_of(files, "artefacts/", ".png")?;
        flip(files, &name)
    }),
    ("a banner taken away", "shown", |files, _| {
        let name = file_of(files, "artefacts/", ".json")?;
        files.remove(&name);
        Ok(())
    }),
    ("a banner that nobody saw", "shown", |files, _| {
        let text =
            b"{\"language\":\"en\",\"layers\":[{\"text\":\"Everything is refused unless you agree.\"}]}".to_vec();
        files.insert(format!("artefacts/{}.json", sha256(&text)), text);
        Ok(())
    }),
    ("a third party's document", "shown", |files, _| {
        let name = file_of(files, "attachments/", ".txt")?;
        flip(files, &name)
    }),
    ("a figure", "figures", |files, _| replace(files, "manifest.json", "\"granted\":", "\"granted\":1")),
    ("a record left out of every file", "figures", |files, _| {
        let lines = lines(files);
        let id = lines[9].split("[\"id\",\"").nth(1).context("no id")?[..36].to_owned();
        for name in ["disclosures.jsonl", "records.csv", "records.jsonld"] {
            let text = String::from_utf8_lossy(&files[name]).into_owned();
            let kept: String = text.split_inclusive('\n').filter(|line| !line.contains(&id)).collect();
            files.insert(name.into(), kept.replace("recordCount\":600", "recordCount\":599").into_bytes());
        }
        Ok(())
    }),
];

fn replace(files: &mut Files, name: &str, from: &str, to: &str) -> Result<()> {
    let text = String::from_utf8(files[name].clone())?;
    ensure!(text.contains(from), "{name} has no {from:?}");
    files.insert(name.into(), text.replacen(from, to, 1).into_bytes());
    Ok(())
}

fn without_line(files: &mut Files, name: &str, number: usize) -> Result<()> {
    let text = String::from_utf8(files[name].clone())?;
    let kept: String =
        text.split_inclusive('\n').enumerate().filter(|(n, _)| *n != number).map(|(_, line)| line).collect();
    files.insert(name.into(), kept.into_bytes());
    Ok(())
}

/// The name of a file in a folder.
fn file_of(files: &Files, folder: &str, end: &str) -> Result<String> {
    files.keys().find(|name| name.starts_with(folder) && name.ends_with(end)).cloned().context("no such file")
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

const SERVICES: [(&str, &str); 3] = [("chaport", "preferences"), ("crisp", "preferences"), ("matomo", "statistics")];

/// A site with a banner, a document attached, and 600 decisions: each third by accepting all, by choosing between two
/// services, by refusing all.
fn prepared(runtime: &Runtime, caller: &Caller, (url, site): (&str, &str), dir: &Path) -> Result<()> {
    let services: Value = SERVICES.iter().map(|(service, category)| ((*service).to_owned(), json!(category))).collect();
    let purposes = json!([{"id": "crisp", "dpv": "dpv:CustomerCare", "text": {"en": "Chat by Crisp"}}]);
    let settings =
        json!({"name": "Proof", "services": services, "purposes": purposes, "ledger": {"checkpoint_seconds": 1}});
    runtime.block_on(caller.put_site(site, settings))?;
    let artefact =
        json!({"language": "en", "layers": [{"text": "May we?"}], "services": ["chaport", "crisp", "matomo"]});
    let file = |name: &str, bytes: &[u8]| -> Result<String> {
        let path = dir.join(name);
        fs::write(&path, bytes)?;
        Ok(path.display().to_string())
    };
    let banner = file("banner.json", artefact.to_string().as_bytes())?;
    let (html, picture) = (file("banner.html", b"<p>May we?</p>")?, file("mobile.png", b"\x89PNG\r\n\x1a\n....")?);
    let put = ["banner", "put", "--site", site, &banner, "--html", &html, "--mobile", &picture];
    let text_hash = administer(url, &put)?.trim().to_owned();
    let audit = file("audit.txt", b"Nothing about crisp to remark.\n")?;
    let said = ["--title", "Audit", "--issuer", "Pruefwerk", "--date", "2026-11-20"];
    administer(url, &[&["export", "attach", "--site", site, &audit], said.as_slice()].concat())?;
    for third in 0..3 {
        let event = |n: u32| {
            let mut event = decided(site, Uuid::new_v4());
            event["banner"] = json!({"text_hash": text_hash, "language": "en", "version": "1", "variant": "=B"});
            match n % 3 {
                0 => event["categories"] = json!({"preferences": true, "statistics": true}),
                1 => {
                    event["method"] = json!("save");
                    event["categories"] = json!({"statistics": false});
                    event["services"] = json!({"chaport": true, "crisp": false});
                    event["purposes"] = json!({"crisp": false, "two words": true});
                }
                _ => {
                    event["method"] = json!("reject_all");
                    event["categories"] = json!({"preferences": false, "statistics": false});
                }
            }
            event
        };
        let events: Vec<Value> = (0..200).map(|n| event(n + third)).collect();
        ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    }
    Ok(())
}

#[test]
fn a_vendor_sees_its_own_service_and_nothing_of_others() -> Result<()> {
    const SITE: &str = "vendor.example";
    let runtime = Runtime::new()?;
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    let dir = tempfile::tempdir()?;
    prepared(&runtime, &caller, (&avow.url(), SITE), dir.path())?;
    sealed(&runtime, &caller, SITE, 602)?;
    let path = dir.path().join("bundle.zip");
    let out = path.display().to_string();
    let period = ["export", "--site", SITE, "--from", "2026-01-01", "--to", "2099-01-01", "--out", &out];
    administer(&avow.url(), &[period.as_slice(), &["--service", "chaport"]].concat())?;
    let (went, told) = command(&["verify", &out], &[])?;
    println!("{told}");
    ensure!(went && told.contains("600 records, each what its leaf commits to\n"), "{told}");
    let files = unpacked(&path)?;
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        // Other services, the acts and categories that tell of them, the banner that lists them, the document about them.
        for word in ["crisp", "matomo", "statistics", "accept_all", "reject_all", "may we?", "two words", "pruefwerk"] {
            ensure!(!text.contains(word), "{name} tells of {word}");
        }
    }
    ensure!(
        !files.keys().any(|name| name.starts_with("artefacts/") || name.starts_with("attachments/")),
        "not left out"
    );
    let manifest: Value = serde_json::from_slice(&files["manifest.json"])?;
    ensure!(
        manifest["artefacts"][0]["withheld"] == true && manifest["attachments"][0]["withheld"] == true,
        "{manifest}"
    );
    let table = String::from_utf8_lossy(&files["records.csv"]).into_owned();
    let counted = (table.matches(",opt_in,chaport,").count(), table.matches(",opt_in,,chaport,").count());
    ensure!(counted == (400, 200), "{counted:?}");
    Ok(())
}

#[test]
fn whatever_is_changed_in_a_bundle_is_named() -> Result<()> {
    let runtime = Runtime::new()?;
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    let dir = tempfile::tempdir()?;
    prepared(&runtime, &caller, (&avow.url(), SITE), dir.path())?;
    // The settings, the banner, the decisions.
    let log = sealed(&runtime, &caller, SITE, 602)?;
    let log = log["name"].as_str().context("no name")?;

    let path = dir.path().join("bundle.zip");
    let out = path.display().to_string();
    administer(&avow.url(), &["export", "--site", SITE, "--from", "2026-01-01", "--to", "2099-01-01", "--out", &out])?;
    let (went, told) = command(&["verify", &out], &[])?;
    println!("{told}");
    ensure!(went && told.contains("602 records, each what its leaf commits to\n"), "{told}");
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

    forged::foreign(&whole, dir.path())?;
    let seed = fs::read_to_string(avow.data_dir().join("ledger.key"))?;
    let seed = avow_ledger::hex::decode(seed.trim()).context("no key")?;
    forged::fork(&whole, log, seed, dir.path())?;
    prepared(&runtime, &caller, (&avow.url(), "second.example"), dir.path())?;
    sealed(&runtime, &caller, "second.example", 602)?;
    let second = dir.path().join("second.zip");
    let out = second.display().to_string();
    let period = ["--from", "2026-01-01", "--to", "2099-01-01", "--out", &out];
    administer(&avow.url(), &[["export", "--site", "second.example"].as_slice(), &period].concat())?;
    forged::two_in_one(&whole, &unpacked(&second)?, seed, dir.path())?;

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
    unsigned.retain(|name, _| {
        ["records.", "disclosures.", "artefacts/", "attachments/"].iter().any(|kept| name.starts_with(kept))
    });
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
