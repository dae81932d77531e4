//! `avow person`: list, add, change, reset, remove.

use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::table;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct PersonArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Who may sign in.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Makes a person and prints the link by which they choose a password: it works once, for 7 days.
    Add {
        name: String,
        email: String,
        /// analyst (numbers), auditor (audits besides) or admin (everything).
        #[arg(long, default_value = "analyst")]
        role: String,
        /// Limits them to a site; may be repeated.
        #[arg(long = "site", value_name = "SITE")]
        sites: Vec<String>,
    },
    /// Lets a person sign in no more, and ends their sessions. PERSON is an e-mail address or an id.
    Disable { person: String },
    /// Lets a person sign in again.
    Enable { person: String },
    /// Prints a link by which a person chooses another password.
    Reset { person: String },
    /// Removes a person.
    Remove { person: String },
}

pub async fn run(config: &Config, args: PersonArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    match args.action {
        Action::List { json } => list(&server, json).await,
        Action::Add { name, email, role, sites } => {
            let sites = (!sites.is_empty()).then_some(sites);
            let body = json!({"name": name, "email": email, "role": role, "sites": sites});
            let made = server.send(Method::POST, "/api/v1/people", Some(&body)).await?.json().await?;
            print_invitation(&server, &made);
            Ok(())
        }
        Action::Disable { person } => allow(&server, &person, false).await,
        Action::Enable { person } => allow(&server, &person, true).await,
        Action::Reset { person } => {
            let path = format!("{}/invitation", path(&server, &person).await?);
            let made = server.send(Method::POST, &path, None).await?.json().await?;
            print_invitation(&server, &made);
            Ok(())
        }
        Action::Remove { person } => {
            server.send(Method::DELETE, &path(&server, &person).await?, None).await?;
            println!("removed");
            Ok(())
        }
    }
}

async fn allow(server: &Server, person: &str, allowed: bool) -> anyhow::Result<()> {
    let body = json!({"disabled": !allowed});
    server.send(Method::PATCH, &path(server, person).await?, Some(&body)).await?;
    println!("{}", if allowed { "enabled" } else { "disabled" });
    Ok(())
}

/// The path of a person in the API, by e-mail address or id.
async fn path(server: &Server, person: &str) -> anyhow::Result<String> {
    if !person.contains('@') {
        return Ok(format!("/api/v1/people/{person}"));
    }
    let answer = server.get("/api/v1/people").await?;
    let email = person.to_lowercase();
    let found = answer["people"].as_array().into_iter().flatten().find(|one| one["email"] == email.as_str());
    let id = found.and_then(|one| one["id"].as_str()).with_context(|| format!("nobody has the address {email}"))?;
    Ok(format!("/api/v1/people/{id}"))
}

fn print_invitation(server: &Server, made: &Value) {
    println!("{}{}", server.url(), made["invitation"].as_str().unwrap_or_default());
    eprintln!("The link works once, for 7 days. It is shown once and kept nowhere.");
}

async fn list(server: &Server, json: bool) -> anyhow::Result<()> {
    let answer = server.get("/api/v1/people").await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let mut table = table(["id", "name", "e-mail", "role", "sites", "state"]);
    for person in answer["people"].as_array().into_iter().flatten() {
        let text = |key: &str| person[key].as_str().unwrap_or_default().to_owned();
        let sites = person["sites"].as_array();
        let sites = sites.map(|sites| sites.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
        let has_means = person["has_password"] == true || person["has_identity"] == true;
        let state = match (person["disabled_at"].is_null(), has_means) {
            (false, _) => "disabled",
            (true, true) => "",
            (true, false) if person["invited_until"].is_null() => "invitation expired",
            (true, false) => "invited",
        };
        let sites = sites.unwrap_or_else(|| "all".into());
        table.add_row([text("id"), text("name"), text("email"), text("role"), sites, state.into()]);
    }
    println!("{table}");
    Ok(())
}
