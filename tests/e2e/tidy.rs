//! The house rules that a machine can check: which crate may see which, where engines are seen, how large files are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use avow_testkit::cache::workspace_root;

/// What each crate may depend on within the house (dev-dependencies aside).
const MAY_SEE: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("crates/telemetry", &[]),
    ("crates/ledger", &[]),
    ("crates/simulate", &[]),
    ("crates/testkit", &[]),
    ("crates/chbox", &[]),
    ("crates/log", &["telemetry"]),
    ("crates/warehouse", &["schemas"]),
    ("crates/trees", &["schemas", "warehouse", "ledger"]),
    ("crates/stamp", &[]),
    ("crates/verify", &["ledger", "stamp"]),
    ("crates/verify-wasm", &["ledger", "verify"]),
    ("crates/control", &["schemas", "log", "ledger"]),
    ("crates/registry", &["schemas"]),
    ("crates/records", &["schemas", "signals"]),
    ("crates/webhooks", &["schemas", "telemetry"]),
    ("crates/oidc", &["telemetry"]),
    ("crates/signals", &["schemas"]),
    ("ingest", &["schemas", "log", "control", "ledger", "telemetry"]),
    (
        "processor",
        &[
            "schemas",
            "log",
            "control",
            "registry",
            "signals",
            "warehouse",
            "ledger",
            "trees",
            "stamp",
            "telemetry",
            "webhooks",
        ],
    ),
    ("api", &["schemas", "log", "control", "oidc", "warehouse", "ledger", "records", "trees", "telemetry", "webhooks"]),
];

/// A word that may be used in one folder only.
const SEEN_ONLY_IN: &[(&str, &[&str])] = &[
    ("rdkafka::", &["crates/log"]),
    ("clickhouse::", &["crates/warehouse", "crates/chbox"]),
    ("libloading", &["crates/chbox"]),
    ("openidconnect::", &["crates/oidc"]),
    ("iab_gpp::", &["crates/signals"]),
    ("axum::", &["ingest", "api", "crates/chbox", "crates/avow", "tests"]),
];

fn dependencies(manifest: &Path) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(manifest)?;
    let section = text.split("\n[").find(|section| section.starts_with("dependencies]")).unwrap_or_default();
    let names = section.lines().filter_map(|line| line.strip_prefix("avow-")?.split(['.', ' ', '=']).next());
    Ok(names.map(str::to_owned).collect())
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "node_modules" | ".git" | ".engine" | "fuzz") {
            rust_files(&path, found)?;
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn no_crate_sees_what_it_must_not() -> Result<()> {
    for (folder, allowed) in MAY_SEE {
        let seen = dependencies(&workspace_root().join(folder).join("Cargo.toml"))?;
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        ensure!(seen.is_subset(&allowed), "{folder} depends on {:?}", seen.difference(&allowed));
    }
    Ok(())
}

#[test]
fn each_engine_is_seen_in_one_place() -> Result<()> {
    let root = workspace_root();
    let mut files = Vec::new();
    rust_files(&root, &mut files)?;
    for file in &files {
        let place = file.strip_prefix(&root)?.display().to_string();
        if place.starts_with("tests/e2e/tidy.rs") || place.contains("/tests/") || place.contains("/benches/") {
            continue;
        }
        let text = fs::read_to_string(file)?;
        for (word, folders) in SEEN_ONLY_IN {
            let allowed = folders.iter().any(|folder| place.starts_with(&format!("{folder}/")));
            ensure!(allowed || !text.contains(word), "{place} uses {word}");
        }
    }
    Ok(())
}

#[test]
fn every_file_says_what_it_is_for_and_fits_a_sitting() -> Result<()> {
    let root = workspace_root();
    let mut files = Vec::new();
    rust_files(&root, &mut files)?;
    for file in &files {
        let text = fs::read_to_string(file)?;
        let place = file.strip_prefix(&root)?.display();
        let is_tests = place.to_string().contains("tests");
        ensure!(is_tests || text.trim_start().starts_with("//!"), "{place} does not open with `//!`");
        let lines = text.lines().count();
        ensure!(lines <= 520, "{place} has {lines} lines");
    }
    Ok(())
}
