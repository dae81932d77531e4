//! `avow webhook`: list, create, change, delete, test, deliveries, redeliver.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::table;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct WebhookArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// All webhooks, without their secrets.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Makes a webhook and prints its secret, once.
    Create {
        /// Where messages go.
        address: String,
        /// alert.opened, alert.closed or report.ready; may be repeated.
        #[arg(long = "event", required = true, value_name = "EVENT")]
        events: Vec<String>,
        /// Limits it to a site; may be repeated.
        #[arg(long = "site", value_name = "SITE")]
        sites: Vec<String>,
        #[arg(long, default_value = "")]
        description: String,
        #[arg(long)]
        json: bool,
    },
    /// Changes a webhook; what is not named stays.
    Change {
        id: String,
        #[arg(long)]
        address: Option<String>,
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
        #[arg(long)]
        description: Option<String>,
        /// Is told nothing any more.
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Is told again.
        #[arg(long)]
        enable: bool,
    },
    /// Deletes a webhook.
    Delete { id: String },
    /// Sends a message of type webhook.test.
    Test { id: String },
    /// What was sent, the newest first, and what became of it.
    Deliveries {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Sends a message again, under the same id.
    Redeliver { id: String, message: String },
}

pub async fn run(config: &Config, args: WebhookArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    match args.action {
        Action::List { json } => list(&server, json).await,
        Action::Create { address, events, sites, description, json } => {
            let sites = (!sites.is_empty()).then_some(sites);
            let body = json!({"url": address, "events": events, "sites": sites, "description": description});
            let made: Value = server.send(Method::POST, "/api/v1/webhooks", Some(&body)).await?.json().await?;
            if json {
                print_json(&made);
            } else {
                println!("{} {}", text(&made["id"]), text(&made["secret"]));
                eprintln!("The secret is shown once.");
            }
            Ok(())
        }
        Action::Change { id, address, events, description, disable, enable } => {
            let mut body = Map::new();
            body.extend(address.map(|address| ("url".to_owned(), json!(address))));
            body.extend((!events.is_empty()).then(|| ("events".to_owned(), json!(events))));
            body.extend(description.map(|text| ("description".to_owned(), json!(text))));
            body.extend((disable || enable).then(|| ("enabled".to_owned(), json!(enable))));
            let path = format!("/api/v1/webhooks/{id}");
            server.send(Method::PATCH, &path, Some(&Value::Object(body))).await?;
            println!("changed");
            Ok(())
        }
        Action::Delete { id } => {
            server.send(Method::DELETE, &format!("/api/v1/webhooks/{id}"), None).await?;
            println!("deleted");
            Ok(())
        }
        Action::Test { id } => again(&server, &format!("/api/v1/webhooks/{id}/test")).await,
        Action::Deliveries { id, json } => deliveries(&server, &id, json).await,
        Action::Redeliver { id, message } => {
            again(&server, &format!("/api/v1/webhooks/{id}/deliveries/{message}/redeliver")).await
        }
    }
}

async fn again(server: &Server, path: &str) -> anyhow::Result<()> {
    let sent: Value = server.send(Method::POST, path, None).await?.json().await?;
    println!("{}", text(&sent["id"]));
    Ok(())
}

async fn list(server: &Server, json: bool) -> anyhow::Result<()> {
    let answer = server.get("/api/v1/webhooks").await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let mut table = table(["id", "address", "events", "sites", "state"]);
    for hook in answer["webhooks"].as_array().into_iter().flatten() {
        let state = if hook["disabled_at"].is_null() { "enabled".into() } else { text(&hook["disabled_reason"]) };
        table.add_row([text(&hook["id"]), text(&hook["url"]), names(&hook["events"]), names(&hook["sites"]), state]);
    }
    println!("{table}");
    Ok(())
}

async fn deliveries(server: &Server, id: &str, json: bool) -> anyhow::Result<()> {
    let answer = server.get(&format!("/api/v1/webhooks/{id}/deliveries")).await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let mut table = table(["message", "type", "made", "state", "attempts", "status", "next"]);
    for one in answer["deliveries"].as_array().into_iter().flatten() {
        let shown = ["id", "type", "made_at", "state", "attempts", "status", "next_attempt_at"];
        table.add_row(shown.map(|key| text(&one[key])));
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

fn names(value: &Value) -> String {
    let items: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if value.is_null() { "all".into() } else { items.join(", ") }
}
