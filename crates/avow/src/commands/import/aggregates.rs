//! `avow import aggregates FILE`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::table;
use super::read::{Line, read};
use crate::client::Server;

#[derive(Args)]
pub struct AggregatesArgs {
    /// CSV with a header, or NDJSON: a line per day.
    file: PathBuf,
    /// The site; without it the file has a column `site`.
    #[arg(long)]
    site: Option<String>,
    /// Whose numbers they are.
    #[arg(long, value_enum, default_value_t = Source::Other)]
    source: Source,
    /// The IANA time zone of its days; by default UTC.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// What its rate divides by what, such as 'accept_all / decisions'; by default what the source is taken to show.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// What it counts that Avow leaves out of decisions: bots, user_opened, automatic, separated by commas, or none; by
    /// default all of them.
    #[arg(long, value_name = "LIST")]
    counts: Option<String>,
    /// Keeps the days that were there and that the file does not name, and what was said of them (time zone, rate, counts)
    /// where it is not said again; without it the file replaces everything.
    #[arg(long)]
    add: bool,
    /// Reads and checks the file, and sends nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Source {
    Didomi,
    Usercentrics,
    Onetrust,
    Cookiebot,
    Other,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Didomi => "didomi",
            Self::Usercentrics => "usercentrics",
            Self::Onetrust => "onetrust",
            Self::Cookiebot => "cookiebot",
            Self::Other => "other",
        }
    }
}

pub async fn run(server: impl FnOnce() -> anyhow::Result<Server>, args: AggregatesArgs) -> anyhow::Result<()> {
    let file = File::open(&args.file).with_context(|| format!("reading {}", args.file.display()))?;
    let lines = read(file).map_err(|error| anyhow::anyhow!("{}: {error}", args.file.display()))?;
    let sites = by_site(&args, lines)?;
    if args.dry_run {
        print(&sites);
        eprintln!("nothing was sent");
        return Ok(());
    }
    let server = server()?;
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} sites")?;
    let progress = ProgressBar::new(sites.len() as u64).with_style(style).with_message("sending");
    let mut sent = BTreeMap::new();
    for (site, days) in sites {
        let path = format!("/api/v1/aggregates/{site}/{}", args.source.as_str());
        let former = if args.add { former(&server, &site, args.source).await? } else { Value::Null };
        let days = with_former(&former, days);
        let answer = server.send(Method::PUT, &path, Some(&body(&args, &former, &days))).await;
        answer.with_context(|| format!("{} sites were sent before {site}, which was not", sent.len()))?;
        progress.inc(1);
        sent.insert(site, days);
    }
    progress.finish_and_clear();
    print(&sent);
    Ok(())
}

type Days = BTreeMap<String, Map<String, Value>>;

/// The days of each site. A line's own site counts where the command line names none.
fn by_site(args: &AggregatesArgs, lines: Vec<Line>) -> anyhow::Result<BTreeMap<String, Days>> {
    let mut sites: BTreeMap<String, Days> = BTreeMap::new();
    for Line { number, site, date, counts } in lines {
        let site = match (&args.site, site) {
            (Some(named), Some(own)) if *named != own => {
                bail!("{}: line {number}: is of the site {own:?}, not of {named:?}", args.file.display())
            }
            (Some(named), _) => named.clone(),
            (None, Some(own)) => own,
            (None, None) => bail!("{}: line {number}: names no site; give --site", args.file.display()),
        };
        if sites.entry(site).or_default().insert(date.clone(), counts).is_some() {
            bail!("{}: line {number}: {date} is there twice", args.file.display());
        }
    }
    if sites.is_empty() {
        bail!("{}: no line says anything", args.file.display());
    }
    Ok(sites)
}

/// What is sent. What the command line does not say is as it was before.
fn body(args: &AggregatesArgs, former: &Value, days: &Days) -> Value {
    let day = |(date, counts): (&String, &Map<String, Value>)| {
        let mut day = counts.clone();
        day.insert("date".into(), json!(date));
        Value::Object(day)
    };
    let list = |text: &String| match text.trim() {
        "none" | "" => Vec::new(),
        text => text.split(',').map(|one| one.trim().to_owned()).collect(),
    };
    let said = |said: Option<Value>, key: &str| said.unwrap_or_else(|| former[key].clone());
    let mut body = json!({
        "rate": said(args.rate.as_ref().map(|rate| json!(rate)), "rate"),
        "counts": said(args.counts.as_ref().map(|counts| json!(list(counts))), "counts"),
        "days": days.iter().map(day).collect::<Vec<_>>(),
    });
    let timezone = said(args.timezone.as_ref().map(|zone| json!(zone)), "timezone");
    if !timezone.is_null() {
        body["timezone"] = timezone;
    }
    body
}

/// What is kept of the source; null where there is nothing.
async fn former(server: &Server, site: &str, source: Source) -> anyhow::Result<Value> {
    let listed = server.get(&format!("/api/v1/aggregates?site={site}")).await?;
    let is_there = listed["aggregates"].as_array().into_iter().flatten().any(|one| one["source"] == source.as_str());
    if !is_there {
        return Ok(Value::Null);
    }
    server.get(&format!("/api/v1/aggregates/{site}/{}", source.as_str())).await
}

/// The days that are kept already, those of the file in their place.
fn with_former(former: &Value, days: Days) -> Days {
    let mut all = Days::new();
    for day in former["days"].as_array().into_iter().flatten().filter_map(Value::as_object) {
        let mut counts = day.clone();
        if let Some(Value::String(date)) = counts.remove("date") {
            all.insert(date, counts);
        }
    }
    all.extend(days);
    all
}

fn print(sites: &BTreeMap<String, Days>) {
    let mut table = table(["site", "from", "to", "days", "counts"]);
    for (site, days) in sites {
        let mut counts: Vec<&str> = days.values().flat_map(|day| day.keys().map(String::as_str)).collect();
        counts.sort_unstable();
        counts.dedup();
        let end = |day: Option<&String>| day.cloned().unwrap_or_default();
        let (from, to) = (end(days.keys().next()), end(days.keys().next_back()));
        table.add_row([site.clone(), from, to, days.len().to_string(), counts.join(", ")]);
    }
    println!("{table}");
}
