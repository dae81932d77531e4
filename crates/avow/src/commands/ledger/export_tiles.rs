//! `avow ledger export-tiles`: a mirror of the public logs on disk. Tiles first, then they are verified, then the checkpoint
//! takes its place: a web server over the folder never shows a checkpoint whose tiles are not there.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use avow_ledger::key::VerifierKey;
use avow_ledger::tile::{self, TilePath};
use futures::{StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::mirror::{self, Mirror, Sealed};
use crate::cli::ServerArgs;
use crate::client::Server;
use crate::config::Config;

/// Tiles that are fetched at once.
const AT_ONCE: usize = 8;

/// A log as `GET /log` has it.
struct Public {
    name: String,
    origin: String,
    /// The one that signs it, and those that did.
    keys: Vec<VerifierKey>,
}

impl Public {
    fn of(log: &Value) -> anyhow::Result<Self> {
        let text = |key: &str| log[key].as_str().with_context(|| format!("the server lists a log without {key}"));
        let name = text("name")?;
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        ensure!(plain && !name.starts_with('.'), "{name:?} is no name for a folder");
        let former = log["former_keys"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let keys = [text("public_key")?].into_iter().chain(former).map(str::parse).collect::<Result<_, _>>();
        let keys = keys.with_context(|| format!("the key of {name}"))?;
        Ok(Self { name: name.to_owned(), origin: text("origin")?.to_owned(), keys })
    }
}

pub async fn run(config: &Config, args: &ServerArgs, dir: &Path, only: Option<&str>) -> anyhow::Result<()> {
    let server = Server::public(config, args);
    let listed = server.get("/log").await?;
    let logs = listed["logs"].as_array().context("the server lists no logs")?;
    let logs: Vec<Public> = logs.iter().map(Public::of).collect::<Result<_, _>>()?;
    if let Some(name) = only {
        ensure!(logs.iter().any(|log| log.name == name), "the server has no log {name:?} with a checkpoint");
    }
    for log in logs.iter().filter(|log| only.is_none_or(|name| log.name == name)) {
        let (sealed, fetched) = export(&server, log, &dir.join(&log.name)).await.with_context(|| log.name.clone())?;
        println!("{}  {} entries, {fetched} tiles fetched, verified", log.name, sealed.checkpoint.size);
        println!("  {}", log.keys[0]);
    }
    Ok(())
}

/// Brings one log up to its newest checkpoint; how many tiles that took.
async fn export(server: &Server, log: &Public, folder: &Path) -> anyhow::Result<(Sealed, usize)> {
    let note = String::from_utf8(server.bytes(&format!("/log/{}/checkpoint", log.name)).await?)?;
    let sealed = Sealed::open(note, &log.origin, &log.keys[..1])?;
    let mirror = Mirror::new(folder.to_owned());
    let before = mirror.sealed(&log.origin, &log.keys)?;
    let size = sealed.checkpoint.size;
    if let Some(before) = &before {
        let had = before.checkpoint.size;
        ensure!(had <= size, "the server's checkpoint has {size} entries, the one on disk {had}: the log went back");
    }
    let mut missing: Vec<TilePath> = Vec::new();
    for path in tile::tiles_of(size) {
        if !mirror.has(&path)? {
            missing.push(path);
        }
    }
    fetch(server, log, &mirror, &missing).await?;
    let (judged, sealed) =
        tokio::task::spawn_blocking(move || (mirror.verify(&sealed, before.as_ref()), sealed)).await?;
    judged?;
    mirror::write(&folder.join("checkpoint"), sealed.note.as_bytes())?;
    Ok((sealed, missing.len()))
}

async fn fetch(server: &Server, log: &Public, mirror: &Mirror, missing: &[TilePath]) -> anyhow::Result<()> {
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} tiles, {eta}")?;
    let progress = ProgressBar::new(missing.len() as u64).with_style(style).with_message(log.name.clone());
    let wanted: Vec<(String, PathBuf)> =
        missing.iter().map(|path| (format!("/log/{}/{path}", log.name), mirror.place(path))).collect();
    let progress = &progress;
    let fetched = futures::stream::iter(wanted).map(|(address, place)| async move {
        let bytes = server.bytes(&address).await?;
        mirror::write(&place, &bytes)?;
        progress.inc(1);
        anyhow::Ok(())
    });
    fetched.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    progress.finish_and_clear();
    Ok(())
}
