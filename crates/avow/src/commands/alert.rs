//! `avow alert`: list, acknowledge, rules, set, reset.

use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::table;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct AlertArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Alerts, open and past, the newest first.
    List {
        /// Of this site alone.
        #[arg(long)]
        site: Option<String>,
        /// Open ones alone.
        #[arg(long)]
        open: bool,
        #[arg(long)]
        json: bool,
    },
    /// Notes that an alert was seen.
    Acknowledge {
        id: String,
        #[arg(long, default_value = "")]
        note: String,
    },
    /// The thresholds in force.
    Rules {
        #[arg(long)]
        json: bool,
    },
    /// Sets thresholds, for a site or for all; what is not named has its default.
    Set {
        /// consent_rate, before_consent, ingestion_silent or checkpoint_late.
        rule: String,
        /// For this site alone.
        #[arg(long)]
        site: Option<String>,
        /// As in minutes=90, enabled=false.
        #[arg(value_name = "KEY=VALUE", required = true)]
        thresholds: Vec<String>,
    },
    /// Brings the defaults back, or for a site those of all.
    Reset {
        rule: String,
        #[arg(long)]
        site: Option<String>,
    },
}

pub async fn run(config: &Config, args: AlertArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    match args.action {
        Action::List { site, open, json } => list(&server, site.as_deref(), open, json).await,
        Action::Acknowledge { id, note } => {
            let path = format!("/api/v1/alerts/{id}/acknowledge");
            server.send(Method::POST, &path, Some(&json!({"note": note}))).await?;
            println!("acknowledged");
            Ok(())
        }
        Action::Rules { json } => rules(&server, json).await,
        Action::Set { rule, site, thresholds } => {
            let body = read(&thresholds)?;
            server.send(Method::PUT, &path(&rule, site.as_deref()), Some(&body)).await?;
            println!("in force");
            Ok(())
        }
        Action::Reset { rule, site } => {
            server.send(Method::DELETE, &path(&rule, site.as_deref()), None).await?;
            println!("in force");
            Ok(())
        }
    }
}

fn path(rule: &str, site: Option<&str>) -> String {
    let pairs = |site| form_urlencoded::Serializer::new(String::new()).append_pair("site", site).finish();
    let query = site.map(|site| format!("?{}", pairs(site)));
    format!("/api/v1/alert-rules/{rule}{}", query.unwrap_or_default())
}

/// `key=value` as JSON: numbers and true or false as such.
fn read(thresholds: &[String]) -> anyhow::Result<Value> {
    let mut body = Map::new();
    for one in thresholds {
        let (key, value) = one.split_once('=').with_context(|| format!("{one:?} is not KEY=VALUE"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        body.insert(key.to_owned(), value);
    }
    Ok(Value::Object(body))
}

async fn list(server: &Server, site: Option<&str>, open: bool, json: bool) -> anyhow::Result<()> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", "500").extend_pairs(site.map(|site| ("site", site)));
    query.extend_pairs(open.then_some(("state", "open")));
    let answer = server.get(&format!("/api/v1/alerts?{}", query.finish())).await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let mut table = table(["id", "rule", "site", "about", "opened", "closed", "seen", "expected"]);
    for alert in answer["alerts"].as_array().into_iter().flatten() {
        let shown = ["id", "rule", "site", "about", "opened_at", "closed_at", "seen", "expected"];
        table.add_row(shown.map(|key| text(&alert[key])));
    }
    println!("{table}");
    Ok(())
}

async fn rules(server: &Server, json: bool) -> anyhow::Result<()> {
    let answer = server.get("/api/v1/alert-rules").await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let mut table = table(["rule", "site", "thresholds", "set"]);
    for rule in answer["rules"].as_array().into_iter().flatten() {
        table.add_row(["rule", "site", "thresholds", "set_at"].map(|key| text(&rule[key])));
    }
    println!("{table}");
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
