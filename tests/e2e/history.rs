//! Consents of other tools become events: a file of each vendor is imported, again, and, a large one, after a kill in the middle; every
//! number is there exactly once, and every event is marked as imported, in the answers and in a bundle.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_testkit::child::Child;
use avow_testkit::process::{ADMIN_TOKEN, binary, without_settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::installation::{Caller, administer, command, embedded};
use crate::ledger::sealed;
use crate::proof::unpacked;

const PATIENCE: Duration = Duration::from_secs(120);

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("../../crates/avow/src/commands/import/history/fixtures/", $name)))
    };
}

/// A vendor's file, the map it needs, and what it counts.
struct Case {
    vendor: &'static str,
    site: &'static str,
    file: (&'static str, &'static str),
    map: Option<(&'static str, &'static str)>,
    services: &'static [(&'static str, &'static str)],
    /// Events that are sent.
    events: u64,
    counts: &'static [(&'static str, u64)],
}

const CHAT: &[(&str, &str)] = &[("chaport", "preferences"), ("crisp", "preferences")];

fn cases() -> [Case; 7] {
    [
        Case {
            vendor: "didomi",
            site: "didomi.example",
            file: fixture!("didomi.ndjson"),
            map: Some(fixture!("didomi.toml")),
            services: CHAT,
            events: 2,
            counts: &[("decisions", 2), ("granted", 1), ("denied", 3), ("visitors", 2), ("accept_all", 0)],
        },
        Case {
            vendor: "usercentrics",
            site: "usercentrics.example",
            file: fixture!("usercentrics.csv"),
            map: Some(fixture!("usercentrics.toml")),
            services: &[("chaport", "preferences"), ("google-analytics", "statistics")],
            events: 3,
            counts: &[
                ("decisions", 3),
                ("accept_all", 1),
                ("reject_all", 1),
                ("custom", 1),
                ("granted", 3),
                ("denied", 3),
                ("visitors", 2),
            ],
        },
        Case {
            vendor: "consentmanager",
            site: "consentmanager.example",
            file: fixture!("consentmanager.csv"),
            map: Some(fixture!("consentmanager.toml")),
            services: &[("chaport", "preferences")],
            events: 3,
            counts: &[("decisions", 3), ("accept_all", 1), ("reject_all", 1), ("granted", 1), ("denied", 1)],
        },
        Case {
            vendor: "onetrust",
            site: "onetrust.example",
            file: fixture!("onetrust.json"),
            map: Some(fixture!("onetrust.toml")),
            services: &[("crisp", "marketing")],
            events: 2,
            counts: &[("decisions", 1), ("withdrawals", 1), ("granted", 1), ("denied", 0)],
        },
        Case {
            vendor: "iubenda",
            site: "iubenda.example",
            file: fixture!("iubenda.ndjson"),
            map: None,
            services: CHAT,
            events: 2,
            counts: &[("decisions", 2), ("visitors", 2), ("granted", 0), ("denied", 0)],
        },
        Case {
            vendor: "c15t",
            site: "c15t.example",
            file: fixture!("c15t.csv"),
            map: None,
            services: &[("crisp", "marketing"), ("matomo", "statistics")],
            events: 3,
            counts: &[
                ("decisions", 3),
                ("accept_all", 1),
                ("reject_all", 1),
                ("custom", 1),
                ("granted", 3),
                ("denied", 3),
            ],
        },
        Case {
            vendor: "avow",
            site: "shop.example",
            file: fixture!("avow.ndjson"),
            map: None,
            services: &[("chaport", "preferences")],
            events: 2,
            counts: &[("shown", 1), ("decisions", 1), ("custom", 1), ("granted", 1), ("denied", 0)],
        },
    ]
}

impl Case {
    fn write(&self, dir: &Path) -> Result<Vec<String>> {
        let put = |(name, text): (&str, &str)| -> Result<String> {
            let path = dir.join(name);
            std::fs::write(&path, text)?;
            Ok(path.display().to_string())
        };
        let mut args: Vec<String> = ["import", "history", &put(self.file)?, "--from", self.vendor, "--site", self.site]
            .map(str::to_owned)
            .into();
        if let Some(map) = self.map {
            args.extend(["--map".to_owned(), put(map)?]);
        }
        Ok(args)
    }

    fn import(&self, url: &str, args: &[String], more: &[&str]) -> Result<String> {
        let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        administer(url, &args)
    }
}

/// The counts of a site, by source.
async fn counted(caller: &Caller, site: &str, metrics: &[&str]) -> Result<Value> {
    let query = json!({"sites": [site], "date_range": ["2020-01-01", "2099-12-31"], "metrics": metrics, "dimensions": ["source"]});
    Ok(caller.query(query).await?["rows"].clone())
}

async fn repeats(caller: &Caller, site: &str) -> Result<u64> {
    let (_, books) = caller.ask(reqwest::Method::GET, &format!("/api/v1/data-quality?site={site}")).await?;
    Ok(books["sites"][0]["repeats"].as_u64().unwrap_or_default())
}

/// Waits until a site has these counts, all imported, and so many repeats at least.
fn until(runtime: &Runtime, caller: &Caller, site: &str, counts: &[(&str, u64)], repeated: u64) -> Result<()> {
    let metrics: Vec<&str> = counts.iter().map(|(metric, _)| *metric).collect();
    let wanted = json!([{
        "dimensions": {"source": "import"},
        "metrics": counts.iter().map(|(metric, count)| ((*metric).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
    }]);
    let begun = Instant::now();
    loop {
        let rows = runtime.block_on(counted(caller, site, &metrics))?;
        let again = runtime.block_on(repeats(caller, site))?;
        if rows == wanted && again >= repeated {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "{site}: {rows} and {again} repeats; {wanted} and {repeated} were expected"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_file_of_each_vendor_counts_once_however_often_it_is_imported() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let avow = embedded()?.start()?;
    let (url, caller) = (avow.url(), Caller::of(avow.url()));
    for case in cases() {
        let services: Value =
            case.services.iter().map(|(name, category)| ((*name).to_owned(), json!(category))).collect();
        let settings = json!({"name": case.vendor, "services": services, "ledger": {"checkpoint_seconds": 1}});
        runtime.block_on(caller.put_site(case.site, settings))?;
        let args = case.write(dir.path())?;

        // A dry run needs no server and sends nothing.
        let dry: Vec<&str> = args.iter().map(String::as_str).chain(["--dry-run"]).collect();
        let (went, told) = command(&dry, &[])?;
        ensure!(told.contains("nothing was sent") && told.contains("\"occurred_at\""), "{told}");
        let rows = runtime.block_on(counted(&caller, case.site, &["decisions"]))?;
        ensure!(rows == json!([]), "a dry run sends: {rows}");

        // One of iubenda's lines says neither yes nor no.
        let allowed: &[&str] = if case.vendor == "iubenda" { &["--allow-refused"] } else { &[] };
        ensure!(went == allowed.is_empty(), "{told}");
        if case.vendor == "iubenda" {
            let refused = case.import(&url, &args, &[]).unwrap_err().to_string();
            ensure!(refused.contains("line 3, column \"preferences\"") && refused.contains("1 refused"), "{refused}");
        } else {
            case.import(&url, &args, allowed)?;
        }
        until(&runtime, &caller, case.site, case.counts, 0)?;
        case.import(&url, &args, allowed)?;
        until(&runtime, &caller, case.site, case.counts, case.events)?;
    }
    marked(&runtime, &caller, &url, dir.path())
}

/// The imported events of a site say so in its history and in a bundle that holds.
fn marked(runtime: &Runtime, caller: &Caller, url: &str, dir: &Path) -> Result<()> {
    let path = "/api/v1/subjects/a3722cd3-f2e4-4451-a564-83f5e8921441?site=didomi.example";
    let subject = runtime.block_on(caller.get(path, ADMIN_TOKEN))?;
    ensure!(subject["history"][0]["source"] == "import", "{subject:#}");
    // Two events and the site's settings.
    sealed(runtime, caller, "didomi.example", 3)?;
    let bundle = dir.join("bundle.zip");
    let out = bundle.display().to_string();
    let export = ["export", "--site", "didomi.example", "--from", "2026-01-01", "--to", "2099-01-01", "--out", &out];
    administer(url, &export)?;
    let (went, told) = command(&["verify", &out], &[])?;
    ensure!(went && told.contains("3 records, each what its leaf commits to\n"), "{told}");
    let files = unpacked(&bundle)?;
    let times = |file: &str, word: &str| {
        String::from_utf8_lossy(files.get(file).map_or(&[][..], Vec::as_slice)).matches(word).count()
    };
    let marks = [
        times("disclosures.jsonl", "[\"source\",\"import\"]"),
        times("records.csv", ",import,"),
        times("records.jsonld", "\"avow:source\":\"import\""),
    ];
    ensure!(marks == [2, 2, 2], "{marks:?}");
    Ok(())
}

const LARGE: &str = "large.example";
const LINES: u64 = 60_000;

/// A log of as many consents as lines, each of a visitor of its own, as gzip.
fn large(dir: &Path) -> Result<PathBuf> {
    let line = |n: u64| {
        json!({"id": format!("c{n}"), "timestamp": "2025-02-22T00:40:00Z", "subject": {"id": format!("s{n}")},
               "preferences": {"statistics": n.is_multiple_of(3)}})
        .to_string()
    };
    let plain = dir.join("large.ndjson");
    std::fs::write(&plain, (0..LINES).map(line).collect::<Vec<_>>().join("\n"))?;
    let packed = Command::new("gzip").arg(&plain).status().context("gzip")?;
    ensure!(packed.success(), "gzip: {packed}");
    Ok(dir.join("large.ndjson.gz"))
}

#[test]
fn an_import_that_is_killed_goes_on_and_counts_once() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let avow = embedded()?.start()?;
    let (url, caller) = (avow.url(), Caller::of(avow.url()));
    runtime.block_on(caller.put_site(LARGE, json!({"name": "Large", "services": {"matomo": "statistics"}})))?;
    let (file, map) = (large(dir.path())?, dir.path().join("map.toml"));
    std::fs::write(&map, "[[choices]]\ninto = \"categories\"\nobject = \"preferences\"\n")?;
    let (path, map) = (file.display().to_string(), map.display().to_string());
    let args = ["import", "history", &path, "--from", "iubenda", "--site", LARGE, "--map", &map];
    let marker = dir.path().join("large.ndjson.gz.avow-import");

    let mut import = Command::new(binary()?);
    without_settings(&mut import).args(args).args(["--url", &url, "--token", ADMIN_TOKEN]);
    let mut import = Child::spawn(import.stdout(Stdio::null()).stderr(Stdio::null()))?;
    let begun = Instant::now();
    while !marker.exists() {
        ensure!(begun.elapsed() < PATIENCE && import.try_wait()?.is_none(), "nothing was sent");
        std::thread::sleep(Duration::from_millis(2));
    }
    import.kill9();
    let kept: Value = serde_json::from_slice(&std::fs::read(&marker)?)?;
    let through = kept["rows"].as_u64().context("no rows")?;
    ensure!((1..LINES).contains(&through), "it was not killed in the middle: {kept}");

    let told = administer(&url, &[&args[..], &["--resume"]].concat())?;
    let accepted = told.lines().any(|line| line.contains("accepted") && line.contains(&LINES.to_string()));
    ensure!(accepted, "{told}");
    ensure!(!marker.exists(), "the note stays");
    let third = LINES / 3;
    let counts = [("decisions", LINES), ("visitors", LINES), ("granted", third), ("denied", LINES - third)];
    until(&runtime, &caller, LARGE, &counts, 0)?;
    // What was under way when it was killed may have been sent twice, nothing else.
    let again = runtime.block_on(repeats(&caller, LARGE))?;
    ensure!(again <= 500, "{again} repeats");
    administer(&url, &args)?;
    until(&runtime, &caller, LARGE, &counts, LINES)
}
