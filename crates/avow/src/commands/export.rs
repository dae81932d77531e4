//! `avow export`: starts an export job, follows it and saves the bundle; the documents that go into exports.

mod attach;
mod download;

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;
use serde_json::json;

use super::follow::follow;
use crate::cli::ServerArgs;
use crate::client::Server;
use crate::config::Config;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ExportArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Option<attach::Action>,
    #[arg(long, required = true)]
    site: Option<String>,
    /// The first day or instant (UTC), inclusive.
    #[arg(long, required = true)]
    from: Option<String>,
    /// The last day or instant (UTC), exclusive.
    #[arg(long, required = true)]
    to: Option<String>,
    /// One subject's records only.
    #[arg(long)]
    subject: Option<String>,
    /// Only what is said of this service; may be given several times. What is said of others is withheld, field by field.
    #[arg(long = "service", value_name = "SLUG")]
    services: Vec<String>,
    /// en, fr, de or es.
    #[arg(long, default_value = "en")]
    language: String,
    /// Where to save the bundle.
    #[arg(long, default_value = "bundle.zip", value_name = "FILE")]
    out: PathBuf,
}

pub async fn run(config: &Config, args: ExportArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    if let Some(action) = args.action {
        return attach::run(&server, action).await;
    }
    let mut body = json!({"site": args.site, "from": args.from, "to": args.to, "language": args.language});
    if let Some(subject) = &args.subject {
        body["subject"] = json!(subject);
    }
    if !args.services.is_empty() {
        body["services"] = json!(args.services);
    }
    let answer = server.send(Method::POST, "/api/v1/audit/exports", Some(&body)).await?;
    let (location, job) = follow(&server, &answer, "exporting").await?;
    download::save(&server, &location, &job, &args.out).await?;
    if let (Some(waiting @ 1..), Some(since)) = (job["waiting"].as_u64(), job["waiting_since"].as_str()) {
        println!(
            "up to {since}: {waiting} newer events wait for their ledger's next checkpoint, without which nothing could be \
             proven of them; a quiet site has one an hour (ledger.checkpoint_seconds). A later export has them."
        );
    }
    Ok(())
}
