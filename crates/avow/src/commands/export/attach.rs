//! `avow export attach`, `attachments`, `detach`: documents of third parties that go into a site's exports.

use std::path::PathBuf;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Server, print_json};
use crate::commands::table;

#[derive(Subcommand)]
pub enum Action {
    /// Puts a document of a third party into the site's exports to come, and prints its hash.
    Attach {
        #[arg(long)]
        site: String,
        #[arg(long)]
        title: String,
        /// Who wrote it.
        #[arg(long)]
        issuer: String,
        /// Its own date, such as 2026-11-24.
        #[arg(long)]
        date: String,
        /// A PDF, HTML or text (.pdf, .html, .txt), 8 MiB at most.
        file: PathBuf,
    },
    /// The documents that go into a site's exports.
    Attachments {
        #[arg(long)]
        site: String,
        #[arg(long)]
        json: bool,
    },
    /// Takes a document out of the exports to come.
    Detach {
        #[arg(long)]
        site: String,
        /// As `attachments` lists it.
        hash: String,
    },
}

pub async fn run(server: &Server, action: Action) -> anyhow::Result<()> {
    match action {
        Action::Attach { site, title, issuer, date, file } => {
            let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let body = json!({
                "site": site, "title": title, "issuer": issuer, "date": date, "media_type": media_type(&file)?,
                "content": STANDARD.encode(bytes),
            });
            let answer = server.send(Method::PUT, "/api/v1/audit/attachments", Some(&body)).await?;
            let answer: Value = answer.json().await?;
            println!("{}", answer["hash"].as_str().unwrap_or_default());
            Ok(())
        }
        Action::Attachments { site, json } => list(server, &site, json).await,
        Action::Detach { site, hash } => {
            server.send(Method::DELETE, &format!("/api/v1/audit/attachments/{site}/{hash}"), None).await?;
            Ok(())
        }
    }
}

fn media_type(file: &std::path::Path) -> anyhow::Result<&'static str> {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => Ok("application/pdf"),
        "html" | "htm" => Ok("text/html"),
        "txt" => Ok("text/plain"),
        _ => bail!("{} is neither .pdf nor .html nor .txt", file.display()),
    }
}

async fn list(server: &Server, site: &str, json: bool) -> anyhow::Result<()> {
    let answer = server.get(&format!("/api/v1/audit/attachments?site={site}")).await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let mut table = table(["hash", "title", "issuer", "date", "type", "bytes"]);
    for one in answer["attachments"].as_array().into_iter().flatten() {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let size = one["size_bytes"].as_u64().unwrap_or_default().to_string();
        table.add_row([text("hash"), text("title"), text("issuer"), text("date"), text("media_type"), size]);
    }
    println!("{table}");
    Ok(())
}
