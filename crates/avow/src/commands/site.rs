//! `avow site`: list, show, create or change.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::table;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct SiteArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// All sites.
    List {
        #[arg(long)]
        json: bool,
    },
    /// One site's settings in force, as JSON.
    Show { site: String },
    /// Creates a site, or changes the settings that are given.
    Put(PutArgs),
    /// Signs a switch that lets the beacon look, in your own test browser, which services a page uses (observe.mode: audit).
    Switch {
        site: String,
        /// For how long it holds, 1 to 24.
        #[arg(long, default_value_t = 4)]
        hours: u32,
        /// The page to open, such as https://shop.example/; the switch is put behind it.
        #[arg(long, value_name = "URL")]
        page: Option<String>,
    },
}

#[derive(Args)]
struct PutArgs {
    /// The site, named like a host: shop.example.
    site: String,
    #[arg(long)]
    name: Option<String>,
    /// An allowed origin, such as https://shop.example or https://*.shop.example; may be repeated.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// A service and its category, such as chaport=preferences; may be repeated.
    #[arg(long = "service", value_name = "SLUG=CATEGORY")]
    services: Vec<String>,
    /// IANA time zone.
    #[arg(long)]
    timezone: Option<String>,
    /// Whether the beacon may look which services a page uses: off, audit (in your own browser, by `avow site switch`), or all.
    #[arg(long, value_parser = ["off", "audit", "all"], value_name = "MODE")]
    observe: Option<String>,
    /// On what observing visitors rests; --observe all needs it.
    #[arg(long, value_name = "TEXT")]
    legal_basis: Option<String>,
    /// All settings, as JSON; what else is given on the command line wins.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub async fn run(config: &Config, args: SiteArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    match args.action {
        Action::List { json } => list(&server, json).await,
        Action::Show { site } => {
            print_json(&server.get(&format!("/api/v1/sites/{site}")).await?);
            Ok(())
        }
        Action::Switch { site, hours, page } => {
            let path = format!("/api/v1/sites/{site}/observation-switch");
            let answer = server.send(Method::POST, &path, Some(&json!({"hours": hours}))).await?;
            let answer: Value = answer.json().await?;
            let (switch, until) = (answer["switch"].as_str().unwrap_or_default(), &answer["until"]);
            eprintln!("holds until {}", until.as_str().unwrap_or_default());
            println!("{}#avow-audit={switch}", page.as_deref().unwrap_or_default());
            Ok(())
        }
        Action::Put(put) => {
            let current = server.get("/api/v1/sites").await?;
            let settings = settings(&put, &current)?;
            let answer = server.send(Method::PUT, &format!("/api/v1/sites/{}", put.site), Some(&settings)).await?;
            print_json(&answer.json().await?);
            Ok(())
        }
    }
}

async fn list(server: &Server, json: bool) -> anyhow::Result<()> {
    let answer = server.get("/api/v1/sites").await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let mut table = table(["site", "name", "version", "services", "time zone"]);
    let text = |site: &Value, key: &str| site[key].as_str().unwrap_or_default().to_owned();
    for site in answer["sites"].as_array().into_iter().flatten() {
        let services = site["services"].as_object().map_or(0, Map::len).to_string();
        table.add_row([
            text(site, "site"),
            text(site, "name"),
            site["version"].to_string(),
            services,
            text(site, "timezone"),
        ]);
    }
    println!("{table}");
    Ok(())
}

/// What is to be put: the file, or the settings in force, or nothing but a name; and what the command line says over it.
fn settings(put: &PutArgs, current: &Value) -> anyhow::Result<Value> {
    let in_force = || current["sites"].as_array().into_iter().flatten().find(|site| site["site"] == put.site.as_str());
    let mut settings = match &put.file {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?
        }
        None => in_force().map_or_else(|| json!({"name": put.site}), settings_of),
    };
    let Some(fields) = settings.as_object_mut() else { bail!("settings must be a JSON object") };
    if let Some(name) = &put.name {
        fields.insert("name".into(), json!(name));
    }
    if !put.origins.is_empty() {
        fields.insert("origins".into(), json!(put.origins));
    }
    if let Some(timezone) = &put.timezone {
        fields.insert("timezone".into(), json!(timezone));
    }
    for (field, given) in [("mode", &put.observe), ("legal_basis", &put.legal_basis)] {
        if let Some(given) = given {
            fields.entry("observe").or_insert_with(|| json!({}))[field] = json!(given);
        }
    }
    for service in &put.services {
        let (slug, category) = service.split_once('=').context("--service wants SLUG=CATEGORY")?;
        fields.entry("services").or_insert_with(|| json!({}))[slug] = json!(category);
    }
    Ok(settings)
}

/// The settings among a site's fields as the API lists it.
fn settings_of(site: &Value) -> Value {
    let mut settings = site.clone();
    if let Some(fields) = settings.as_object_mut() {
        for key in ["site", "version", "in_force_from"] {
            fields.remove(key);
        }
    }
    settings
}
