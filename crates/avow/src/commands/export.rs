//! `avow export`: starts an export job, follows it and saves the bundle.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use futures::StreamExt;
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::follow::follow;
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
    let (location, _) = follow(&server, &answer, "exporting").await?;
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
