//! Two installations that witness each other: what either publishes the other has cosigned; while one is away the other
//! publishes nothing new, goes on counting and exporting, and catches up.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_ledger::{Checkpoint, Note, Policy, SigningKey, hex};
use avow_testkit::process::{Avow, Settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, administer, command, decided, embedded};
use crate::ledger::sealed;
use crate::witness::{keys_of, shown, witness_of};

const SITE: &str = "witnessed.example";
const PATIENCE: Duration = Duration::from_secs(60);

/// A signing key in a file that nobody else may read.
pub fn key_file(dir: &Path, origin: &str, seed: u8) -> Result<(String, SigningKey)> {
    let path = dir.join(format!("{}.key", origin.replace('/', "-")));
    fs::write(&path, hex::encode(&[seed; 32]))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok((path.display().to_string(), SigningKey::from_seed(origin.parse()?, [seed; 32])))
}

/// The operator log's published checkpoint.
pub fn published(runtime: &Runtime, avow: &Avow) -> Result<Option<(Note, Checkpoint)>> {
    runtime.block_on(async {
        let answer = reqwest::get(format!("{}/log/operator/checkpoint", avow.url())).await?;
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let note = Note::parse(&answer.error_for_status()?.text().await?)?;
        let checkpoint = Checkpoint::parse(&note.text)?;
        Ok(Some((note, checkpoint)))
    })
}

/// Waits until the operator log's published checkpoint has at least `size` entries.
pub fn until_published(runtime: &Runtime, avow: &Avow, size: u64) -> Result<(Note, Checkpoint)> {
    let begun = Instant::now();
    loop {
        if let Some((note, checkpoint)) = published(runtime, avow)?.filter(|(_, found)| found.size >= size) {
            return Ok((note, checkpoint));
        }
        ensure!(begun.elapsed() < PATIENCE, "no published checkpoint of {size} entries:\n{}", avow.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

struct Installation {
    avow: Avow,
    witness: Avow,
    log: SigningKey,
    policy: String,
}

/// Two installations, each of which demands the other's witness.
fn pair(dir: &Path) -> Result<[Installation; 2]> {
    let [(file_a, a), (file_b, b)] = [key_file(dir, "a.example/log", 1), key_file(dir, "b.example/log", 2)]
        .into_iter()
        .collect::<Result<Vec<_>>>()?
        .try_into()
        .map_err(|_| anyhow::anyhow!("two keys"))?;
    let witness_a = witness_of("witness.a.example", &b.vkey().to_string()).start()?;
    let witness_b = witness_of("witness.b.example", &a.vkey().to_string()).start()?;
    let start = |name: &str, file: String, log: &SigningKey, watching: &Avow, by: &str| -> Result<(Avow, String)> {
        let witness = keys_of(watching, by)?.first().context("no key")?.to_string();
        let policy = format!("log {}\nwitness w {witness} {}\nquorum w\n", log.vkey(), watching.url());
        let path = dir.join(format!("{name}.policy"));
        fs::write(&path, &policy)?;
        let settings: Settings = embedded()?
            .env("AVOW_LEDGER__KEY_FILE", file)
            .env("AVOW_LEDGER__ORIGIN", log.name().as_str())
            .env("AVOW_LEDGER__POLICY", path.display().to_string())
            .env("AVOW_LEDGER__REQUIRE_POLICY", "true")
            .env("AVOW_LEDGER__WITNESS_SECONDS", "1")
            .env("AVOW_LEDGER__ML_DSA", "true");
        Ok((settings.start()?, path.display().to_string()))
    };
    let (avow_a, policy_a) = start("a", file_a, &a, &witness_b, "witness.b.example")?;
    let (avow_b, policy_b) = start("b", file_b, &b, &witness_a, "witness.a.example")?;
    Ok([
        Installation { avow: avow_a, witness: witness_a, log: a, policy: policy_a },
        Installation { avow: avow_b, witness: witness_b, log: b, policy: policy_b },
    ])
}

fn post(runtime: &Runtime, caller: &Caller, count: usize) -> Result<()> {
    let events: Vec<Value> = (0..count).map(|_| decided(SITE, Uuid::new_v4())).collect();
    ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    Ok(())
}

#[test]
fn two_installations_witness_each_other() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let [mut a, mut b] = pair(dir.path())?;
    let settings = json!({"name": "Witnessed", "ledger": {"checkpoint_seconds": 1}});
    for one in [&a, &b] {
        let caller = Caller::of(one.avow.url());
        runtime.block_on(caller.put_site(SITE, settings.clone()))?;
        post(&runtime, &caller, 20)?;
        sealed(&runtime, &caller, SITE, 21)?;
        let (note, _) = until_published(&runtime, &one.avow, 1)?;
        let policy = Policy::parse(&fs::read(&one.policy)?)?;
        let evaluation = policy.evaluate(&note)?;
        ensure!(evaluation.is_valid() && evaluation.witnesses.len() == 1, "{note}");
        println!("{} cosigned by {}", one.log.name(), evaluation.witnesses[0].witness.key.name());
    }
    let caller = Caller::of(a.avow.url());
    let export = |name: &str| -> Result<String> {
        let out = dir.path().join(name).display().to_string();
        let said = administer(
            &a.avow.url(),
            &["export", "--site", SITE, "--from", "2026-01-01", "--to", "2099-01-01", "--out", &out],
        )?;
        let (went, told) = command(&["verify", &out, "--policy", &a.policy], &[])?;
        ensure!(went, "{told}");
        Ok(format!("{said}{told}"))
    };
    let told = export("one.zip")?;
    ensure!(told.contains("ok    signer") && told.contains("21 records, each what its leaf commits to\n"), "{told}");

    // The witness is away: what was published stays, everything else goes on.
    ensure!(b.witness.terminate()?.success(), "SIGTERM");
    let (_, before) = until_published(&runtime, &a.avow, 1)?;
    for round in 1..=3 {
        post(&runtime, &caller, 10)?;
        sealed(&runtime, &caller, SITE, 21 + 10 * round)?;
    }
    std::thread::sleep(Duration::from_secs(3));
    let (_, meanwhile) = until_published(&runtime, &a.avow, 1)?;
    ensure!(meanwhile == before, "published without its quorum: {meanwhile:?}");
    ensure!(a.avow.admin_get("/readyz")?.0 == 200, "not ready");
    ensure!(a.avow.metric("avow_ledger_unpublished_seconds")? > 0.0, "{}", a.avow.admin_get("/metrics")?.1);
    ensure!(a.avow.log().contains("ledger.below_quorum"), "{}", a.avow.log());
    // An export ends at what was published, and says so.
    let told = export("two.zip")?;
    ensure!(told.contains("21 records, each what its leaf commits to\n"), "{told}");
    ensure!(told.contains("30 newer events wait for their ledger's next checkpoint"), "{told}");

    // Both come back, this one after a kill: what was signed meanwhile follows from what the witness has seen.
    a.avow.kill9();
    b.witness.restart()?;
    a.avow.restart()?;
    let (note, after) = until_published(&runtime, &a.avow, before.size + 1)?;
    ensure!(Policy::parse(&fs::read(&a.policy)?)?.evaluate(&note)?.is_valid(), "{note}");
    let seen = runtime.block_on(shown(&reqwest::Client::new(), &b.witness.url(), a.log.name().as_str()))?;
    let seen = Checkpoint::parse(&seen.context("the witness has seen nothing")?.text)?;
    ensure!(seen.size >= after.size, "{seen:?}, {after:?}");

    // A log that was set back signs nothing that the witness takes: another installation with this one's key.
    let (file, _) = key_file(dir.path(), "a.example/log", 1)?;
    let forked = embedded()?
        .env("AVOW_LEDGER__KEY_FILE", file)
        .env("AVOW_LEDGER__ORIGIN", "a.example/log")
        .env("AVOW_LEDGER__POLICY", &a.policy)
        .env("AVOW_LEDGER__REQUIRE_POLICY", "true");
    let forked = forked.start()?;
    let other = Caller::of(forked.url());
    runtime.block_on(other.put_site(SITE, settings))?;
    post(&runtime, &other, 5)?;
    sealed(&runtime, &other, SITE, 6)?;
    let begun = Instant::now();
    while !forked.log().contains("the log was set back") {
        ensure!(begun.elapsed() < PATIENCE, "{}", forked.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    ensure!(published(&runtime, &forked)?.is_none(), "a fork was published");
    Ok(())
}
