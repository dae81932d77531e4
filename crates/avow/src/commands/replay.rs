//! `avow replay`: has dead letters sent to the log again, a page at a time.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};

use super::table;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Sends nothing: lists what would be sent, and what stands in the way of the rest.
    #[arg(long)]
    dry_run: bool,
    /// Only letters of this site.
    #[arg(long)]
    site: Option<String>,
    /// Only letters logged at or after this day or instant (UTC).
    #[arg(long)]
    since: Option<String>,
    /// Those too that something still stands in the way of. What that is buries them again.
    #[arg(long)]
    all: bool,
    /// Prints the pages as they are answered.
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: ReplayArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    let mut body = json!({"dry_run": args.dry_run, "site": args.site, "since": args.since, "all": args.all});
    let progress = ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg} [{bar:40}] {pos} of {len}")?);
    let progress = progress.with_message("replaying");
    let (mut sent, mut left) = (0, 0);
    loop {
        let answer = server.send(Method::POST, "/api/v1/dead-letters/replay", Some(&body)).await?;
        let answer: Value = answer.json().await?;
        if progress.length() == Some(0) {
            progress.set_length(answer["waiting"].as_u64().unwrap_or(0));
        }
        progress.inc(answer["looked_at"].as_u64().unwrap_or(0));
        sent += answer["sent"].as_array().map_or(0, Vec::len);
        left += answer["left"].as_array().map_or(0, Vec::len);
        progress.suspend(|| if args.json { print_json(&answer) } else { show(&answer, args.dry_run) });
        if answer["next"].is_null() {
            break;
        }
        body["cursor"] = answer["next"].clone();
    }
    progress.finish_and_clear();
    if !args.json {
        let done = if args.dry_run { "would be sent" } else { "sent again" };
        println!("{sent} dead letters {done}, {left} left where they are");
    }
    Ok(())
}

/// What stays behind, and on a dry run what would go.
fn show(answer: &Value, dry_run: bool) {
    let none = Vec::new();
    let list = |key: &str| answer[key].as_array().unwrap_or(&none).clone();
    let mut lines = list("left");
    if dry_run {
        lines.extend(list("sent"));
    }
    if lines.is_empty() {
        return;
    }
    let mut table = table(["partition", "position", "site", "logged", "reason", "in its way now"]);
    let text = |letter: &Value, key: &str| letter[key].as_str().unwrap_or("-").to_owned();
    for letter in &lines {
        table.add_row([
            letter["partition"].to_string(),
            letter["position"].to_string(),
            text(letter, "site"),
            text(letter, "at"),
            text(letter, "reason"),
            text(letter, "obstacle"),
        ]);
    }
    println!("{table}");
}
