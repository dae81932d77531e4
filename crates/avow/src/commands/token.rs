//! `avow token`: list, create, revoke.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::table;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct TokenArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// All tokens, without their secrets.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Makes a token and prints it, once.
    Create {
        /// What it is for.
        name: String,
        /// events:write, stats:read, audit:read, audit:export, subjects:erase or admin; may be repeated.
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Limits it to a site; may be repeated.
        #[arg(long = "site", value_name = "SITE")]
        sites: Vec<String>,
        /// Until when it holds (RFC 3339).
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Revokes a token.
    Revoke { id: String },
}

pub async fn run(config: &Config, args: TokenArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    match args.action {
        Action::List { json } => list(&server, json).await,
        Action::Create { name, scopes, sites, expires_at, json } => {
            let sites = (!sites.is_empty()).then_some(sites);
            let body = json!({"name": name, "scopes": scopes, "sites": sites, "expires_at": expires_at});
            let made: Value = server.send(Method::POST, "/api/v1/tokens", Some(&body)).await?.json().await?;
            if json {
                print_json(&made);
            } else {
                println!("{}", made["token"].as_str().unwrap_or_default());
                eprintln!("It is shown once and kept nowhere.");
            }
            Ok(())
        }
        Action::Revoke { id } => {
            server.send(Method::DELETE, &format!("/api/v1/tokens/{id}"), None).await?;
            println!("revoked");
            Ok(())
        }
    }
}

async fn list(server: &Server, json: bool) -> anyhow::Result<()> {
    let answer = server.get("/api/v1/tokens").await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let mut table = table(["id", "name", "scopes", "sites", "made"]);
    let list = |value: &Value| -> String {
        let items: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if value.is_null() { "all".into() } else { items.join(", ") }
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for token in answer["tokens"].as_array().into_iter().flatten() {
        let made = text(&token["made_at"]);
        table.add_row([text(&token["id"]), text(&token["name"]), list(&token["scopes"]), list(&token["sites"]), made]);
    }
    println!("{table}");
    Ok(())
}
