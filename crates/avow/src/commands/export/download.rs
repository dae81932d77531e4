//! Saving a bundle: beside its place first, taken up by `Range` where the connection broke off, and compared with the hash
//! that the server gave it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::client::Server;

/// How often a download is taken up that gets nowhere.
const MOST_TRIES: u32 = 10;

/// Saves the bundle of the finished job at `location` as `out`.
pub async fn save(server: &Server, location: &str, job: &Value, out: &Path) -> anyhow::Result<()> {
    let size = job["size_bytes"].as_u64().context("the server does not say how large the bundle is")?;
    let mut aside = out.as_os_str().to_owned();
    aside.push(".part");
    let mut file = File::create(&aside).await.with_context(|| out.display().to_string())?;
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {bytes}/{total_bytes}")?;
    let bar = ProgressBar::new(size).with_style(style).with_message("saving");
    let (mut hash, mut have, mut tries) = (Sha256::new(), 0_u64, 0);
    while have < size {
        let before = have;
        let went = go_on(server, &format!("{location}/bundle"), (&mut file, &mut hash, &mut have), &bar).await;
        tries = if have > before { 0 } else { tries + 1 };
        match went {
            Err(error) if tries >= MOST_TRIES => return Err(error.context("the download breaks off again and again")),
            Err(_) => tokio::time::sleep(Duration::from_millis(300)).await,
            Ok(()) if have < size && tries >= MOST_TRIES => {
                bail!("the server sends no more than {have} of {size} bytes")
            }
            Ok(()) => {}
        }
    }
    file.sync_all().await?;
    bar.finish_and_clear();
    let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(job["sha256"] == sha256.as_str(), "what was saved in {} is not what the server made", aside.display());
    tokio::fs::rename(&aside, out).await?;
    println!("{} ({size} bytes, sha256 {sha256})", out.display());
    Ok(())
}

/// Reads on from where it broke off.
async fn go_on(
    server: &Server,
    path: &str,
    (file, hash, have): (&mut File, &mut Sha256, &mut u64),
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let answer = server.range(path, *have).await?;
    ensure!(*have == 0 || answer.status() == 206, "the server does not take the download up");
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        file.write_all(&chunk).await?;
        hash.update(&chunk);
        *have += chunk.len() as u64;
        bar.set_position(*have);
    }
    Ok(())
}
