//! `avow subject`: what there is of a person, her erasure, and what stands against it.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct SubjectArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

/// Whose data on which site.
#[derive(Args)]
struct Of {
    #[arg(long, value_name = "SITE")]
    site: String,
    /// The subject: the banner's random id of the visitor.
    subject: uuid::Uuid,
}

#[derive(Subcommand)]
enum Action {
    /// What stood at a moment, and the history, as JSON.
    Show {
        #[command(flatten)]
        of: Of,
        /// RFC 3339, or a day (its midnight in UTC); now where none is given.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Everything there is, for the person herself (Art. 15 and 20 GDPR), as JSON.
    Export {
        #[command(flatten)]
        of: Of,
        /// Of what is said about services: en, fr, de or es.
        #[arg(long, default_value = "en")]
        language: String,
        /// Where to save it; standard output where none is given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Erases (Art. 17 GDPR), and prints the signed tombstone. Once more changes nothing.
    Erase {
        #[command(flatten)]
        of: Of,
        /// Why. It is kept when the subject is gone, and must not name it.
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
    /// Holds: it is not erased (Art. 17(3)(e) GDPR).
    Hold(MarkArgs),
    /// Ends a hold.
    Release {
        #[command(flatten)]
        of: Of,
    },
    /// Restricts: it is kept and not used (Art. 18 GDPR).
    Restrict(MarkArgs),
    /// Ends a restriction.
    Unrestrict {
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Args)]
struct MarkArgs {
    #[command(flatten)]
    of: Of,
    /// Why. It must not name the subject.
    #[arg(long)]
    reason: String,
    /// It ends by itself then: a day or RFC 3339.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Of {
    /// The path of something of the subject, with parameters.
    fn path(&self, what: &str, parameters: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("site", &self.site).extend_pairs(parameters);
        format!("/api/v1/subjects/{}{what}?{}", self.subject, query.finish())
    }
}

pub async fn run(config: &Config, args: SubjectArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    match args.action {
        Action::Show { of, at } => {
            let at: Vec<(&str, &str)> = at.iter().map(|at| ("at", at.as_str())).collect();
            print_json(&server.get(&of.path("", &at)).await?);
            Ok(())
        }
        Action::Export { of, language, out } => {
            let all = server.get(&of.path("/export", &[("language", &language)])).await?;
            match out {
                None => print_json(&all),
                Some(file) => {
                    let text = serde_json::to_vec_pretty(&all)?;
                    tokio::fs::write(&file, text).await.with_context(|| format!("writing {}", file.display()))?;
                    println!("{}", file.display());
                }
            }
            Ok(())
        }
        Action::Erase { of, reason, json } => erase(&server, &of, &reason, json).await,
        Action::Hold(args) => mark(&server, "/hold", &args).await,
        Action::Restrict(args) => mark(&server, "/restriction", &args).await,
        Action::Release { of } => end(&server, "/hold", &of).await,
        Action::Unrestrict { of } => end(&server, "/restriction", &of).await,
    }
}

async fn erase(server: &Server, of: &Of, reason: &str, json: bool) -> anyhow::Result<()> {
    let answer = server.send(Method::DELETE, &of.path("", &[]), Some(&json!({ "reason": reason }))).await?;
    let erased: Value = answer.json().await?;
    if json {
        print_json(&erased);
        return Ok(());
    }
    println!("{}", erased["tombstone"].as_str().unwrap_or("this server has no key to sign the tombstone with"));
    if erased["state"] == "pending" {
        eprintln!("The processor has not got there yet: ask again.");
    }
    Ok(())
}

async fn mark(server: &Server, what: &str, args: &MarkArgs) -> anyhow::Result<()> {
    let body = json!({"reason": args.reason, "until": args.until});
    print_json(&server.send(Method::PUT, &args.of.path(what, &[]), Some(&body)).await?.json().await?);
    Ok(())
}

async fn end(server: &Server, what: &str, of: &Of) -> anyhow::Result<()> {
    print_json(&server.send(Method::DELETE, &of.path(what, &[]), None).await?.json().await?);
    Ok(())
}
