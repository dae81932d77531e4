//! `avow banner`: put, list, show what visitors are shown.

use std::path::{Path, PathBuf};

use anyhow::Context;
use avow_schemas::banner::sha256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::table;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct BannerArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Puts what visitors are shown, and prints the hash that events name it by. Putting the same again changes nothing.
    Put(PutArgs),
    /// A site's banner artefacts, oldest first.
    List {
        #[arg(long, value_name = "SITE")]
        site: String,
        #[arg(long)]
        json: bool,
    },
    /// One artefact with the history of what was kept beside it, as JSON.
    Show {
        #[arg(long, value_name = "SITE")]
        site: String,
        /// sha256:...
        text_hash: String,
    },
}

#[derive(Args)]
struct PutArgs {
    #[arg(long, value_name = "SITE")]
    site: String,
    /// The artefact, as JSON (schemas/json/banner-artefact.schema.json).
    file: PathBuf,
    /// The banner as it is rendered.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A screenshot at the width of a phone: PNG, JPEG or WebP.
    #[arg(long, value_name = "PICTURE")]
    mobile: Option<PathBuf>,
    /// A screenshot at the width of a desktop.
    #[arg(long, value_name = "PICTURE")]
    desktop: Option<PathBuf>,
    /// The code that collects the consent. It stays here; its hash is put.
    #[arg(long, value_name = "FILE")]
    code: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: BannerArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    match args.action {
        Action::Put(put) => {
            let answer = server.send(Method::PUT, "/api/v1/banners", Some(&banner(&put)?)).await?;
            let answer: Value = answer.json().await?;
            if put.json {
                print_json(&answer);
            } else {
                println!("{}", answer["text_hash"].as_str().unwrap_or_default());
            }
            Ok(())
        }
        Action::List { site, json } => list(&server, &site, json).await,
        Action::Show { site, text_hash } => {
            print_json(&server.get(&format!("/api/v1/banners/{site}/{text_hash}")).await?);
            Ok(())
        }
    }
}

/// The body of the request, from the files.
fn banner(put: &PutArgs) -> anyhow::Result<Value> {
    let artefact: Value =
        serde_json::from_slice(&read(&put.file)?).with_context(|| format!("{} is not JSON", put.file.display()))?;
    let mut body = json!({"site": put.site, "artefact": artefact});
    if let Some(file) = &put.html {
        let html = String::from_utf8(read(file)?).with_context(|| format!("{} is not UTF-8", file.display()))?;
        body["html"] = json!(html);
    }
    if let Some(file) = &put.code {
        body["code_hash"] = json!(sha256(&read(file)?));
    }
    let mut screenshots = Map::new();
    for (screen, file) in [("mobile", &put.mobile), ("desktop", &put.desktop)] {
        if let Some(file) = file {
            screenshots.insert(screen.to_owned(), json!(STANDARD.encode(read(file)?)));
        }
    }
    body["screenshots"] = Value::Object(screenshots);
    Ok(body)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("reading {}", file.display()))
}

async fn list(server: &Server, site: &str, json: bool) -> anyhow::Result<()> {
    let mut banners = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/api/v1/banners?site={site}&limit=1000{cursor}")).await?;
        banners.extend(page["banners"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    if json {
        print_json(&json!({ "banners": banners }));
        return Ok(());
    }
    let mut table = table(["text hash", "language", "version", "variant", "services", "kept", "known from"]);
    for banner in &banners {
        let text = |key: &str| banner[key].as_str().unwrap_or_default().to_owned();
        let screens = banner["screenshots"].as_object().into_iter().flat_map(Map::keys).cloned();
        let hashes = [("code_hash", "code"), ("html_hash", "html")].into_iter();
        let kept = hashes.filter(|(key, _)| banner[key].is_string()).map(|(_, what)| what.to_owned()).chain(screens);
        table.add_row([
            text("text_hash"),
            text("language"),
            text("version"),
            text("variant"),
            banner["services"].as_array().map_or(0, Vec::len).to_string(),
            kept.collect::<Vec<_>>().join(" "),
            text("known_from"),
        ]);
    }
    println!("{table}");
    Ok(())
}
