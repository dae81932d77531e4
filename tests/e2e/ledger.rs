//! The ledgers from the outside: a site's events become entries of a public log, whose checkpoints are signed, follow from
//! one another and survive a kill.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_ledger::checkpoint::Checkpoint;
use avow_ledger::key::VerifierKey;
use avow_ledger::note::Note;
use avow_ledger::tile::{self, TileKind, TilePath};
use avow_ledger::{Hash, merkle};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, decided, embedded};

const SITE: &str = "ledger.example";
const PATIENCE: Duration = Duration::from_secs(60);

/// A public log, read as anybody reads it.
pub struct PublicLog<'a> {
    runtime: &'a Runtime,
    url: String,
    key: VerifierKey,
    origin: String,
}

impl<'a> PublicLog<'a> {
    /// The log of that name, with the key that `/log` says.
    pub fn of(runtime: &'a Runtime, base: &str, log: &Value) -> Result<Self> {
        let name = log["name"].as_str().context("a log without a name")?;
        let key = log["public_key"].as_str().context("a log without a key")?.parse()?;
        let origin = log["origin"].as_str().context("a log without an origin")?.to_owned();
        Ok(Self { runtime, url: format!("{base}/log/{name}"), key, origin })
    }

    fn get(&self, path: &str) -> Result<Vec<u8>> {
        self.runtime.block_on(async {
            let answer = reqwest::get(format!("{}/{path}", self.url)).await?.error_for_status()?;
            Ok(answer.bytes().await?.to_vec())
        })
    }

    /// The newest checkpoint, its signature verified.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let note = Note::parse(&String::from_utf8(self.get("checkpoint")?)?)?;
        let signed = note.verify(std::slice::from_ref(&self.key))?;
        ensure!(signed.len() == 1, "not signed by the key of the log");
        let checkpoint = Checkpoint::parse(&note.text)?;
        ensure!(checkpoint.origin == self.origin, "{} is not {}", checkpoint.origin, self.origin);
        Ok(checkpoint)
    }

    /// All entries of the tree of `size` leaves.
    pub fn entries(&self, size: u64) -> Result<Vec<Vec<u8>>> {
        let mut entries = Vec::new();
        for path in tile::tiles_of(size).filter(|path| path.kind == TileKind::Entries) {
            let bundle = self.get(&path.to_string())?;
            entries.extend(tile::entries(&bundle, path.width)?.into_iter().map(<[u8]>::to_vec));
        }
        ensure!(entries.len() as u64 == size, "{} of {size} entries", entries.len());
        Ok(entries)
    }

    /// Whether the hash tiles are those of these leaves.
    fn check_tiles(&self, leaves: &[Hash]) -> Result<()> {
        for path in tile::tiles_of(leaves.len() as u64) {
            let TilePath { kind: TileKind::Hashes { level }, index, width } = path else { continue };
            let hashes = tile::hashes(&self.get(&path.to_string())?, width)?;
            let below = 1 << (8 * level);
            let from = usize::try_from(index * 256)? * below;
            let expected = leaves[from..].chunks(below).map(|below| merkle::root(below.iter().copied()));
            ensure!(hashes.iter().copied().eq(expected.take(width.into())), "{path} is not what the entries make");
        }
        Ok(())
    }
}

pub fn logs(runtime: &Runtime, caller: &Caller) -> Result<Vec<Value>> {
    let (status, logs) = runtime.block_on(caller.ask(reqwest::Method::GET, "/log"))?;
    ensure!(status == 200, "{status}: {logs}");
    Ok(logs["logs"].as_array().cloned().unwrap_or_default())
}

/// Waits until a site's log has a checkpoint of so many entries.
pub fn sealed(runtime: &Runtime, caller: &Caller, site: &str, size: u64) -> Result<Value> {
    sealed_within(runtime, caller, site, size, PATIENCE)
}

/// The same, for so long.
pub fn sealed_within(runtime: &Runtime, caller: &Caller, site: &str, size: u64, patience: Duration) -> Result<Value> {
    listed(runtime, caller, &|log| log["site"] == site && log["size"].as_u64() >= Some(size), patience)
        .with_context(|| format!("no checkpoint of {size} entries of {site}"))
}

/// The operator log, as soon as it is listed: it is made of the other logs' checkpoints, so it comes after them.
pub fn operator_log(runtime: &Runtime, caller: &Caller) -> Result<Value> {
    listed(runtime, caller, &|log| log["name"] == "operator", PATIENCE).context("no operator log")
}

/// Waits until a log like this is listed.
fn listed(runtime: &Runtime, caller: &Caller, wanted: &dyn Fn(&Value) -> bool, patience: Duration) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let logs = logs(runtime, caller)?;
        if let Some(log) = logs.iter().find(|log| wanted(log)) {
            return Ok(log.clone());
        }
        ensure!(begun.elapsed() < patience, "not listed: {logs:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn events_become_entries_of_a_public_log() -> Result<()> {
    let runtime = Runtime::new()?;
    let mut avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    let settings = json!({"name": "Ledger", "ledger": {"checkpoint_seconds": 1}});
    runtime.block_on(caller.put_site(SITE, settings))?;
    let post = |count: usize| -> Result<()> {
        let events: Vec<Value> = (0..count).map(|_| decided(SITE, Uuid::new_v4())).collect();
        ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
        Ok(())
    };
    post(1)?;
    // The settings version is a leaf too.
    let log = sealed(&runtime, &caller, SITE, 2)?;
    let public = PublicLog::of(&runtime, &avow.url(), &log)?;
    let first = public.checkpoint()?;
    let entries = public.entries(first.size)?;
    ensure!(entries.iter().all(|entry| entry.len() == 33), "an entry is a kind and a commitment");
    ensure!(entries.iter().map(|entry| entry[0]).eq([0x06, 0x01]), "the settings, then the event");

    for _ in 0..4 {
        post(300)?;
    }
    sealed(&runtime, &caller, SITE, 1202)?;
    let second = public.checkpoint()?;
    let entries = public.entries(second.size)?;
    let leaves: Vec<Hash> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    ensure!(merkle::root(leaves.iter().copied()) == second.root, "the root is that of the entries");
    let before = usize::try_from(first.size)?;
    ensure!(merkle::root(leaves[..before].iter().copied()) == first.root, "it follows from the first checkpoint");
    public.check_tiles(&leaves)?;

    // What a kill leaves out of the trees is caught up from the events.
    post(200)?;
    avow.kill9();
    avow.restart()?;
    post(1)?;
    sealed(&runtime, &caller, SITE, 1403)?;
    let third = public.checkpoint()?;
    let entries = public.entries(third.size)?;
    let leaves: Vec<Hash> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    ensure!(merkle::root(leaves.iter().copied()) == third.root, "after a kill the root is that of the entries");
    ensure!(merkle::root(leaves[..1202].iter().copied()) == second.root, "after a kill it follows");

    let operator = PublicLog::of(&runtime, &avow.url(), &operator_log(&runtime, &caller)?)?;
    let begun = Instant::now();
    let newest = Checkpoint::new(public.origin.clone(), third.size, third.root).text();
    loop {
        let checkpoint = operator.checkpoint()?;
        let entries = operator.entries(checkpoint.size)?;
        let leaves = entries.iter().map(|entry| merkle::leaf_hash(entry));
        ensure!(merkle::root(leaves) == checkpoint.root, "the operator log's root is that of its entries");
        if entries.contains(&newest.clone().into_bytes()) {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "the operator log does not have the checkpoint\n{newest}");
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
