//! `avow export`: starts an export job, follows it and saves the bundle.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::cli::ServerArgs;
use crate::client::Server;
use crate::config::Config;

#[derive(Args)]
pub struct ExportArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[arg(long)]
    site: String,
    /// The first day or instant (UTC), inclusive.
    #[arg(long)]
    from: String,
    /// The last day or instant (UTC), exclusive.
    #[arg(long)]
    to: String,
    /// One subject's records only.
    #[arg(long)]
    subject: Option<String>,
    /// en, fr, de or es.
    #[arg(long, default_value = "en")]
    language: String,
    /// Where to save the bundle.
    #[arg(long, default_value = "bundle.zip", value_name = "FILE")]
    out: PathBuf,
}

pub async fn run(config: &Config, args: ExportArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    let mut body = json!({"site": args.site, "from": args.from, "to": args.to, "language": args.language});
    if let Some(subject) = &args.subject {
        body["subject"] = json!(subject);
    }
    let answer = server.send(Method::POST, "/api/v1/audit/exports", Some(&body)).await?;
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
    let location = location.context("the server named no job")?.to_owned();

    let style = ProgressStyle::with_template("{msg} [{bar:40}] {percent}%")?;
    let progress = ProgressBar::new(1000).with_style(style).with_message("exporting");
    loop {
        let job: Value = server.get(&location).await?;
        progress.set_position((job["progress"].as_f64().unwrap_or(0.0) * 1000.0) as u64);
        match job["state"].as_str() {
            Some("done") => break,
            Some("failed") => bail!("the export failed: {}", job["error"].as_str().unwrap_or("no reason given")),
            _ => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    }
    progress.finish_and_clear();
    let bundle = server.send(Method::GET, &format!("{location}/bundle"), None).await?;
    let mut file = tokio::fs::File::create(&args.out).await.with_context(|| format!("{}", args.out.display()))?;
    let (mut chunks, mut bytes) = (bundle.bytes_stream(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        bytes += chunk.len();
        file.write_all(&chunk).await?;
    }
    file.sync_all().await?;
    println!("{} ({bytes} bytes)", args.out.display());
    Ok(())
}
