//! A CMP's own numbers beside ours: events of every kind are sent, the test counts them as a CMP would, that file is brought in, and
//! the steps between the two numbers leave exactly what the CMP counted otherwise.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, administer, embedded};

const SITE: &str = "bridge.example";
const PATIENCE: Duration = Duration::from_secs(120);
const PERSON: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const BOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
/// Nine hours before UTC's, all year.
const THEIR_ZONE: &str = "Asia/Tokyo";

/// What happens, once per visitor.
#[derive(Clone, Copy)]
struct Act {
    at: Timestamp,
    agent: &'static str,
    prompt: &'static str,
    /// None: the banner is shown.
    method: Option<&'static str>,
}

impl Act {
    fn event(self) -> Value {
        let mut event = json!({"id": Uuid::new_v4(), "site": SITE, "occurred_at": self.at, "prompt": self.prompt});
        event["type"] = json!(if self.method.is_some() { "decided" } else { "shown" });
        if let Some(method) = self.method {
            event["subject"] = json!(Uuid::new_v4());
            event["method"] = json!(method);
            event["categories"] = json!({"preferences": matches!(method, "accept_all" | "save")});
        }
        event
    }
}

/// Visitors of a day at three times, of which one is another day in UTC and one is in Tokyo; bots, preferences opened by
/// visitors, and signals.
fn acts(day: Date) -> Result<Vec<Act>> {
    let at = |day: Date, hour: i64| {
        let midnight = day.to_zoned_datetime(TimeZone::UTC)?.timestamp();
        Ok::<_, anyhow::Error>(midnight.checked_add(hour.hours())?)
    };
    let (noon, evening, before) = (at(day, 10)?, at(day, 20)?, at(day.yesterday()?, 20)?);
    let mut acts = Vec::new();
    let mut add = |n: usize, at, agent, prompt, method| acts.extend(vec![Act { at, agent, prompt, method }; n]);
    add(20, noon, PERSON, "first", None);
    add(12, noon, PERSON, "first", Some("accept_all"));
    add(6, noon, PERSON, "first", Some("reject_all"));
    add(4, noon, PERSON, "first", Some("save"));
    add(9, evening, PERSON, "first", Some("accept_all"));
    add(2, evening, PERSON, "first", Some("reject_all"));
    add(3, before, PERSON, "first", Some("accept_all"));
    add(8, before, PERSON, "first", Some("reject_all"));
    add(5, noon, BOT, "first", None);
    add(7, noon, BOT, "first", Some("accept_all"));
    add(6, noon, PERSON, "user_opened", None);
    add(1, noon, PERSON, "user_opened", Some("accept_all"));
    add(5, noon, PERSON, "user_opened", Some("reject_all"));
    add(6, noon, PERSON, "first", Some("gpc"));
    Ok(acts)
}

/// The file of a CMP that counts whatever its script sends, by its own days.
fn counted_by_the_cmp(acts: &[Act]) -> String {
    let zone = TimeZone::get(THEIR_ZONE).unwrap();
    let mut days: std::collections::BTreeMap<String, [u64; 4]> = std::collections::BTreeMap::new();
    for act in acts {
        let column = match act.method {
            None => 0,
            Some("accept_all") => 1,
            Some("save") => 3,
            // A signal that grants nothing is a refusal to it.
            Some(_) => 2,
        };
        days.entry(act.at.to_zoned_datetime(zone.clone()).date().to_string()).or_default()[column] += 1;
    }
    let lines = days.iter().map(|(day, [shown, yes, no, some])| format!("{day};{shown};{yes};{no};{some}\n"));
    format!("Date;Displays;Accepted;Deny all;Partial\n{}", lines.collect::<String>())
}

async fn send(url: &str, agent: &str, events: &[Value]) -> Result<()> {
    let request = reqwest::Client::new().post(format!("{url}/v1/events")).header("user-agent", agent);
    let answer = request.json(&json!({"events": events})).send().await?;
    ensure!(answer.status() == 202, "{}", answer.text().await?);
    Ok(())
}

async fn until_counted(caller: &Caller, repeats: u64) -> Result<()> {
    let begun = Instant::now();
    loop {
        let (_, books) = caller.ask(reqwest::Method::GET, &format!("/api/v1/data-quality?site={SITE}")).await?;
        let query = json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["automatic"]});
        let counted = caller.query(query).await?["rows"][0]["metrics"]["automatic"] == 6;
        if counted && books["sites"][0]["repeats"] == repeats {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "not counted: {books}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn import(url: &str, text: &str) -> Result<String> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), text)?;
    let path = file.path().display().to_string();
    let args = ["import", "aggregates", &path, "--site", SITE, "--source", "usercentrics", "--timezone", THEIR_ZONE];
    administer(url, &args)
}

/// `numerator / denominator` after each step, and what is left.
fn fractions(bridge: &Value) -> Vec<(String, Option<(u64, u64)>)> {
    let of = |step: &Value| {
        let fraction = step["numerator"].as_u64().zip(step["denominator"].as_u64());
        (step["step"].as_str().unwrap().to_owned(), fraction)
    };
    bridge["steps"].as_array().unwrap().iter().map(of).collect()
}

fn moved(bridge: &Value, step: usize) -> f64 {
    bridge["steps"][step]["moved"].as_f64().unwrap_or(f64::NAN)
}

#[test]
fn every_way_of_counting_is_a_step_and_nothing_else_is_left() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let mut avow = embedded()?.data_dir(dir.path()).start()?;
    let (url, caller) = (avow.url(), Caller::of(avow.url()));
    let settings = json!({"name": "Bridge", "services": {"chaport": "preferences"}, "suppress_below": 7});
    runtime.block_on(caller.put_site(SITE, settings))?;
    let day = Timestamp::now().to_zoned_datetime(TimeZone::UTC).date().checked_sub(5.days())?;
    let acts = acts(day)?;
    let events: Vec<(Act, Value)> = acts.iter().map(|act| (*act, act.event())).collect();
    let of = |agent: &str| -> Vec<Value> {
        events.iter().filter(|(act, _)| act.agent == agent).map(|(_, event)| event.clone()).collect()
    };
    runtime.block_on(send(&url, BOT, &of(BOT)))?;
    runtime.block_on(send(&url, PERSON, &of(PERSON)))?;
    // Four that accept are sent again.
    let again: Vec<(Act, Value)> = events[20..24].to_vec();
    let repeated: Vec<Value> = again.iter().map(|(_, event)| event.clone()).collect();
    runtime.block_on(send(&url, PERSON, &repeated))?;
    runtime.block_on(until_counted(&caller, 4))?;

    // The CMP drops repeats too: every step is exact, and nothing is left.
    import(&url, &counted_by_the_cmp(&acts))?;
    let path = format!("/api/v1/bridges?site={SITE}&source=usercentrics&date_range={day},{day}&bots=no");
    let bridge = runtime.block_on(caller.ask(reqwest::Method::GET, &path))?.1;
    let expected = [
        ("denominator", Some((21, 33))),
        ("bots", Some((28, 40))),
        ("timezone", Some((22, 40))),
        ("repeats", Some((22, 40))),
        ("prompts", Some((23, 46))),
        ("automatic", Some((23, 52))),
        ("remainder", None),
    ];
    let expected = expected.map(|(step, fraction)| (step.to_owned(), fraction));
    ensure!(fractions(&bridge) == expected, "{bridge:#}");
    ensure!(moved(&bridge, 6) == 0.0 && bridge["unexplained"] == 0.0, "{bridge:#}");
    ensure!(bridge["ours"]["rate"] == 25.0 / 33.0 && bridge["ours"]["metric"] == "consent_rate", "{bridge:#}");
    ensure!(
        (&bridge["theirs"]["numerator"], &bridge["theirs"]["denominator"]) == (&json!(23), &json!(52)),
        "{bridge:#}"
    );
    let repeats = &bridge["steps"][3];
    ensure!((&repeats["repeats"], &repeats["low"]) == (&json!(4), &json!(22.0 / 44.0)), "{bridge:#}");
    ensure!(repeats["high"] == 26.0 / 44.0, "{bridge:#}");

    // Our number is the query's.
    let query = json!({"sites": [SITE], "date_range": [day, day], "metrics": ["consent_rate"], "filters": [["is", "bot", ["no"]]]});
    let asked = &runtime.block_on(caller.query(query))?["rows"][0]["metrics"];
    let ours = &bridge["ours"];
    ensure!((&asked["consent_rate"], &asked["consent_rate_low"]) == (&ours["rate"], &ours["low"]), "{asked} {ours}");

    // Whoever may not see single persons gets no step of six decisions; the next holds what it moved.
    let token = runtime.block_on(caller.token(json!({"name": "numbers", "scopes": ["stats:read"]})))?;
    let seen = runtime.block_on(caller.get(&path, &token))?;
    ensure!(seen["steps"][4]["withheld"] == true && seen["steps"][4]["after"].is_null(), "{seen:#}");
    ensure!((moved(&seen, 5) - (23.0 / 52.0 - 22.0 / 40.0)).abs() < 1e-12 && seen["withheld"] == true, "{seen:#}");

    // A restart keeps what was brought in.
    avow.terminate()?;
    let avow = embedded()?.data_dir(dir.path()).start()?;
    let (url, caller) = (avow.url(), Caller::of(avow.url()));
    let again_asked = runtime.block_on(caller.get(&path, avow_testkit::process::ADMIN_TOKEN))?;
    ensure!(fractions(&again_asked) == expected, "{again_asked:#}");

    // The CMP counts repeats: what is left is within what they can do.
    let with_repeats: Vec<Act> = acts.iter().copied().chain(again.iter().map(|(act, _)| *act)).collect();
    import(&url, &counted_by_the_cmp(&with_repeats))?;
    let bridge = runtime.block_on(caller.get(&path, avow_testkit::process::ADMIN_TOKEN))?;
    let left = 27.0 / 56.0 - 23.0 / 52.0;
    ensure!((moved(&bridge, 6) - left).abs() < 1e-12 && bridge["unexplained"] == 0.0, "{bridge:#}");

    // The CMP has thirty more that accept: that is said, and no repeats explain it.
    let more = vec![Act { method: Some("accept_all"), ..acts[0] }; 30];
    import(&url, &counted_by_the_cmp(&[acts, more].concat()))?;
    let bridge = runtime.block_on(caller.get(&path, avow_testkit::process::ADMIN_TOKEN))?;
    let unexplained = bridge["unexplained"].as_f64().context("nothing is said of it")?;
    ensure!((moved(&bridge, 6) - (53.0 / 82.0 - 23.0 / 52.0)).abs() < 1e-12, "{bridge:#}");
    // Control records that a restart wrote again are among the repeats.
    let repeats = bridge["steps"][3]["repeats"].as_u64().and_then(|n| u32::try_from(n).ok()).map_or(0.0, f64::from);
    let most = (23.0 + repeats) / (52.0 + repeats);
    ensure!(repeats >= 4.0 && (unexplained - (53.0 / 82.0 - most)).abs() < 1e-12, "{bridge:#}");

    // A file that is wrong is named by line and column, and nothing of it is taken.
    let wrong = import(&url, "date,accepted\n2026-11-01,many\n").unwrap_err().to_string();
    ensure!(wrong.contains("line 2, column \"accepted\": \"many\" is no whole number"), "{wrong}");
    administer(&url, &["site", "list"])?;
    let gone = reqwest::Client::new().delete(format!("{url}/api/v1/aggregates/{SITE}/usercentrics"));
    let gone = runtime.block_on(gone.bearer_auth(avow_testkit::process::ADMIN_TOKEN).send())?;
    ensure!(gone.status() == 204, "{}", gone.status());
    let (status, problem) = runtime.block_on(caller.ask(reqwest::Method::GET, &path))?;
    ensure!(status == 404 && problem["code"] == "unknown_aggregate", "{problem}");
    Ok(())
}
