//! `avow export` over a connection that breaks off: the download goes on where it was, and what is saved is the bundle.

use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, administer, command, decided, embedded};

const SITE: &str = "download.example";
/// Bytes of a connection that asks for a bundle.
const SHARE: usize = 20_000;

/// The `Range` of each request for a bundle.
type Ranges = Arc<Mutex<Vec<String>>>;

/// Passes a connection on, and breaks it off a share after a bundle was asked for.
async fn pass(mut client: TcpStream, to: String, ranges: Ranges) -> Result<()> {
    let mut server = TcpStream::connect(to).await?;
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut left = usize::MAX;
    loop {
        tokio::select! {
            n = client.read(&mut asked) => {
                let n = n?;
                let text = String::from_utf8_lossy(&asked[..n]).into_owned();
                if n == 0 {
                    return Ok(());
                }
                if text.contains("/bundle ") {
                    let range = text.lines().find_map(|line| line.strip_prefix("range: ")).unwrap_or_default();
                    ranges.lock().unwrap().push(range.to_owned());
                    left = SHARE;
                }
                server.write_all(&asked[..n]).await?;
            }
            n = server.read(&mut answered) => {
                let n = n?.min(left);
                client.write_all(&answered[..n]).await?;
                left -= n;
                if n == 0 || left == 0 {
                    return Ok(());
                }
            }
        }
    }
}

#[test]
fn a_download_that_breaks_off_is_taken_up() -> Result<()> {
    let runtime = Runtime::new()?;
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Download", "ledger": {"checkpoint_seconds": 1}})))?;
    let events: Vec<Value> = (0..200).map(|_| decided(SITE, Uuid::new_v4())).collect();
    ensure!(runtime.block_on(caller.post(&events)) == Some(202), "not promised");
    let ranges = Ranges::default();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let (to, seen) = (avow.url().trim_start_matches("http://").to_owned(), Arc::clone(&ranges));
    runtime.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, to.clone(), Arc::clone(&seen)));
        }
    });

    let dir = tempfile::tempdir()?;
    let out = dir.path().join("bundle.zip").display().to_string();
    let period = ["--from", "2026-01-01", "--to", "2099-01-01", "--out", &out];
    let told = administer(&url, &[["export", "--site", SITE].as_slice(), &period].concat())?;
    let ranges = ranges.lock().unwrap().clone();
    let size = std::fs::metadata(&out)?.len();
    println!("{told}{size} bytes in {} goes", ranges.len());
    ensure!(ranges.len() as u64 > size / SHARE as u64 && ranges[0] == "bytes=0-", "{ranges:?}");
    let begins = |range: &String| range.trim_start_matches("bytes=").trim_end_matches('-').parse::<u64>().unwrap_or(0);
    ensure!(ranges.iter().map(begins).is_sorted() && begins(&ranges[1]) > 10_000, "{ranges:?}");
    ensure!(!std::path::Path::new(&format!("{out}.part")).exists(), "something is left beside it");
    let (went, told) = command(&["verify", &out], &[])?;
    ensure!(went, "{told}");
    Ok(())
}
