//! What the overview asks, over 100 million decisions of 200 sites in 13 months, beside the same SQL sent to the engine
//! directly. `AVOW_BENCH_DECISIONS` makes it another number; `AVOW_BENCH_DIR` keeps what was written, for the next run.
//!
//! The questions are the page's own (`overview.json`, held true by its tests). Each is asked for days further and further back,
//! of one large site, one of the middle, and of all; once through a relay, which writes down what the server asks of the engine, then
//! in turn through the API and directly.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_testkit::engine;
use avow_testkit::process::{ADMIN_TOKEN, Avow, Settings};
use futures::future::try_join_all;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use serde_json::{Map, Value, json};

use fill::{DAYS, SITES, site};
use installation::{Boxed, Caller};
use relay::{Asked, Relay};

mod fill;
#[path = "../../e2e/installation.rs"]
#[expect(dead_code, reason = "of the installation only the engine is used here")]
mod installation;
mod relay;

/// How often each question is asked in each way, each time of other days.
const ROUNDS: i64 = 10;

/// The engine, spoken to without limits.
pub struct Engine {
    http: reqwest::Client,
    url: String,
}

impl Engine {
    /// Runs a statement with these settings and parameters, written as in an address.
    pub async fn run(&self, sql: &str, settings: &str) -> Result<String> {
        let url = format!("{}/?database=avow&{settings}", self.url);
        let answer = self.http.post(url).body(sql.to_owned()).send().await?;
        let is_well = answer.status().is_success();
        let text = answer.text().await?;
        ensure!(is_well, "{}: {text}", sql.chars().take(200).collect::<String>());
        Ok(text)
    }

    /// Sends again what a server has asked, and waits for the last answer.
    async fn again(&self, waves: &[Vec<Asked>]) -> Result<Duration> {
        let begun = Instant::now();
        for wave in waves {
            try_join_all(wave.iter().map(async |asked| {
                let url = format!("{}{}", self.url, asked.path);
                let request = self.http.request(asked.method.clone(), url).headers(asked.headers.clone());
                let answer = request.body(asked.body.clone()).send().await?;
                let is_well = answer.status().is_success();
                let text = answer.bytes().await?;
                ensure!(is_well, "{:?}: {}", asked.body, String::from_utf8_lossy(&text));
                Ok(text)
            }))
            .await?;
        }
        Ok(begun.elapsed())
    }
}

/// Of what a question is asked.
struct Of {
    name: &'static str,
    sites: Option<u64>,
    /// How many days it is about; the page's own number, or all there are.
    days: i64,
}

const ASKED_OF: [Of; 6] = [
    Of { name: "the largest site, 28 days", sites: Some(0), days: 28 },
    Of { name: "a site of the middle, 28 days", sites: Some(20), days: 28 },
    Of { name: "all sites, 28 days", sites: None, days: 28 },
    Of { name: "the largest site, 13 months", sites: Some(0), days: 0 },
    Of { name: "a site of the middle, 13 months", sites: Some(20), days: 0 },
    Of { name: "all sites, 13 months", sites: None, days: 0 },
];

fn main() -> Result<()> {
    let decisions =
        std::env::var("AVOW_BENCH_DECISIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000_000);
    let kept = std::env::var_os("AVOW_BENCH_DIR").map(PathBuf::from);
    let aside = tempfile::tempdir()?;
    let dir = kept.as_deref().unwrap_or(aside.path());
    std::fs::create_dir_all(dir.join("box"))?;
    let boxed = Boxed::start_in(&dir.join("box"))?;
    let engine = Engine { http: reqwest::Client::new(), url: format!("http://127.0.0.1:{}", boxed.port()) };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure(&engine, dir, decisions))
}

async fn measure(engine: &Engine, dir: &Path, decisions: u64) -> Result<()> {
    let today = Offset::UTC.to_datetime(Timestamp::now()).date();
    let end = Offset::UTC.to_timestamp(today.at(0, 0, 0, 0))?;
    let relay = Relay::start(&engine.url).await?;
    let avow = serve(dir, &relay.url)?;
    // When they were written, in case they are kept.
    let written = dir.join("end");
    if !written.is_file() {
        let caller = Caller::of(avow.url());
        for rank in 0..SITES {
            let zone = ["Europe/Paris", "Europe/Berlin", "Europe/London"][usize::try_from(rank % 3)?];
            caller.put_site(&site(rank), json!({"name": site(rank), "timezone": zone})).await?;
        }
        fill::fill(engine, decisions, u64::try_from(end.as_second())?).await?;
        std::fs::write(&written, end.as_second().to_string())?;
    }
    let end = Timestamp::from_second(std::fs::read_to_string(&written)?.trim().parse()?)?;
    let last = Offset::UTC.to_datetime(end).date().yesterday()?;
    println!("{}", engine.run(SIZES, "").await?.trim_end());

    let questions: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/latency/overview.json"),
    )?)?;
    let asker = Asker { http: reqwest::Client::new(), url: avow.url() };
    let mut all = Vec::new();
    for of in &ASKED_OF {
        for (name, question) in &questions {
            let mut rounds = Vec::new();
            for round in 0..ROUNDS {
                let asked = about(question, of, last, round)?;
                relay.heard()?;
                asker.ask(&asked).await?;
                rounds.push((asked, relay.heard()?));
            }
            all.push((of, name, rounds));
        }
    }
    // Now without the relay, on the same data.
    drop(avow);
    let avow = serve(dir, &engine.url)?;
    let asker = Asker { http: reqwest::Client::new(), url: avow.url() };
    println!(
        "{:<34}{:<10}{:>10}{:>10}{:>12}{:>12}{:>8}",
        "", "question", "p50 ms", "p95 ms", "SQL p50", "SQL p95", "ratio"
    );
    for of in &ASKED_OF {
        let (mut by_api, mut by_sql) = (Vec::new(), Vec::new());
        for (_, name, rounds) in all.iter().filter(|(other, ..)| std::ptr::eq(*other, of)) {
            let (mut api, mut sql) = (Vec::new(), Vec::new());
            for (asked, waves) in rounds {
                api.push(asker.ask(asked).await?);
                sql.push(engine.again(waves).await?);
            }
            line(of.name, name, &mut api, &mut sql);
            by_api.append(&mut api);
            by_sql.append(&mut sql);
        }
        line(of.name, "all", &mut by_api, &mut by_sql);
        let page = pages(&asker, &questions, of, last).await?;
        println!("{:<34}{:<10}{:>10.0}{:>10.0}", of.name, "page", at(&page, 50), at(&page, 95));
    }
    Ok(())
}

const SIZES: &str = "SELECT concat('  ', table, ': ', formatReadableQuantity(sum(rows)), ' rows in ', toString(count()), ' parts, ', \
                     formatReadableSize(sum(bytes_on_disk))) FROM system.parts WHERE active AND database = 'avow' \
                     AND table IN ('events_data', 'rates_15m_data') GROUP BY table ORDER BY table FORMAT TSVRaw";

/// All of the page's questions at once, as the page asks them, until the last answer.
async fn pages(asker: &Asker, questions: &Map<String, Value>, of: &Of, last: Date) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let asked = questions.values().map(|question| about(question, of, last, round)).collect::<Result<Vec<_>>>()?;
        let begun = Instant::now();
        try_join_all(asked.iter().map(|question| asker.ask(question))).await?;
        took.push(begun.elapsed());
    }
    took.sort();
    Ok(took)
}

/// The question, of these sites and of days that end so many days before the last.
fn about(question: &Value, of: &Of, last: Date, round: i64) -> Result<Value> {
    let mut question = question.clone();
    let to = last.checked_sub(Span::new().days(round))?;
    let days = if of.days == 0 { i64::try_from(DAYS)? - ROUNDS } else { of.days };
    let from = to.checked_sub(Span::new().days(days - 1))?;
    question["date_range"] = json!([from, to]);
    if of.days == 0 {
        // There is nothing before it.
        question.as_object_mut().context("no question")?.remove("compare");
        if question["interval"] == "day" {
            question["interval"] = "month".into();
        }
    }
    if let Some(rank) = of.sites {
        question["sites"] = json!([site(rank)]);
        question["timezone"] = "Europe/Paris".into();
    }
    Ok(question)
}

struct Asker {
    http: reqwest::Client,
    url: String,
}

impl Asker {
    async fn ask(&self, question: &Value) -> Result<Duration> {
        let begun = Instant::now();
        let request = self.http.post(format!("{}/api/v1/query", self.url)).bearer_auth(ADMIN_TOKEN).json(question);
        let answer = request.send().await?;
        let is_well = answer.status().is_success();
        let text = answer.text().await?;
        ensure!(is_well && text.contains("\"rows\":[{"), "{question}: {}", text.chars().take(500).collect::<String>());
        Ok(begun.elapsed())
    }
}

fn serve(dir: &Path, engine_at: &str) -> Result<Avow> {
    let settings = Settings::new("serve").env("AVOW_LIBCHDB", engine::library()?.display().to_string());
    let settings = settings.env("AVOW_CLICKHOUSE__URL", engine_at).env("AVOW_API__REQUESTS_PER_MINUTE", "1000000");
    settings.data_dir(dir.join("avow")).start()
}

fn line(of: &str, question: &str, api: &mut [Duration], sql: &mut [Duration]) {
    api.sort();
    sql.sort();
    println!(
        "{of:<34}{question:<10}{:>10.0}{:>10.0}{:>12.0}{:>12.0}{:>8.2}",
        at(api, 50),
        at(api, 95),
        at(sql, 50),
        at(sql, 95),
        at(api, 50) / at(sql, 50)
    );
}

/// A percentile of what is sorted, in milliseconds.
fn at(sorted: &[Duration], percentile: usize) -> f64 {
    let at = (sorted.len() * percentile).div_ceil(100).max(1) - 1;
    sorted.get(at).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
}
