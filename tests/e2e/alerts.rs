//! Alerts on simulated history: each opens once and closes once, and is told once, by message.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use avow_testkit::process::{ADMIN_TOKEN, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Boxed, Caller, Cluster, administer};
use crate::ledger::sealed;
use crate::receiver::{Received, Receiver};
use crate::webhooks::{settings, webhook};

const PATIENCE: Duration = Duration::from_secs(90);
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const WEEK: i64 = 7 * 24 * HOUR;

fn evaluated() -> Result<Settings> {
    Ok(settings()?.env("AVOW_ALERTS__EVERY_SECONDS", "1"))
}

/// A banner that was shown, at that second.
fn shown(site: &str, at: i64) -> Value {
    let at = jiff::Timestamp::from_second(at).unwrap_or_default();
    json!({"id": Uuid::new_v4(), "site": site, "type": "shown", "occurred_at": at})
}

/// So many banners, evenly from one moment to another.
fn some(site: &str, from: i64, to: i64, count: i64) -> Vec<Value> {
    (0..count).map(|i| shown(site, from + (to - from) * i / count)).collect()
}

/// Imports history.
fn import(runtime: &Runtime, url: &str, events: &[Value]) -> Result<()> {
    let http = reqwest::Client::new();
    for some in events.chunks(500) {
        let request = http.post(format!("{url}/v1/events?import=1")).bearer_auth(ADMIN_TOKEN);
        let answer = runtime.block_on(request.json(&json!({"events": some})).send())?;
        let status = answer.status();
        let said = runtime.block_on(answer.text())?;
        ensure!(status == 202 && said.contains("\"rejected\":[]"), "{status}: {said}");
    }
    Ok(())
}

/// Looks at nothing by a rule: while history is being imported, half of it would be judged.
fn hold(runtime: &Runtime, caller: &Caller, rule: &str) -> Result<()> {
    let path = format!("/api/v1/alert-rules/{rule}");
    let (status, said) = runtime.block_on(caller.send(Method::PUT, &path, &json!({"enabled": false})))?;
    ensure!(status == 200, "{status}: {said}");
    // The other processes know it.
    std::thread::sleep(Duration::from_secs(2));
    Ok(())
}

/// With the defaults.
fn release(runtime: &Runtime, caller: &Caller, rule: &str) -> Result<()> {
    let path = format!("/api/v1/alert-rules/{rule}");
    let (status, said) = runtime.block_on(caller.send(Method::DELETE, &path, &json!({})))?;
    ensure!(status == 204, "{status}: {said}");
    Ok(())
}

/// Waits until so much is counted.
fn counted(runtime: &Runtime, caller: &Caller, metric: &str, count: usize) -> Result<()> {
    let begun = Instant::now();
    let query = json!({"date_range": ["2026-01-01", "2099-01-01"], "metrics": [metric]});
    loop {
        let answer = runtime.block_on(caller.query(query.clone()))?;
        if answer["rows"][0]["metrics"][metric] == count {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{count} {metric} are not counted: {answer}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What was told of a site: types and data, in the order in which it came. A message that came twice, as it may after a kill,
/// counts once: that is what its id is for.
fn told(received: &[Received], site: &str) -> Result<Vec<(String, Value)>> {
    let (mut told, mut ids) = (Vec::new(), Vec::new());
    for one in received {
        let said = one.json()?;
        if said["data"]["site"] == site && !ids.contains(&one.id()?) {
            ids.push(one.id()?);
            told.push((said["type"].as_str().unwrap_or_default().to_owned(), said["data"].clone()));
        }
    }
    Ok(told)
}

/// Waits until so much was told of a site.
fn until_told(receiver: &Receiver, site: &str, count: usize, log: impl Fn() -> String) -> Result<Vec<(String, Value)>> {
    let begun = Instant::now();
    loop {
        let told = told(&receiver.received(), site)?;
        if told.len() >= count {
            return Ok(told);
        }
        ensure!(begun.elapsed() < PATIENCE, "of {site} was told {told:?}\n{}", log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_site_that_falls_silent_opens_an_alert_and_closes_it() -> Result<()> {
    let runtime = Runtime::new()?;
    let receiver = Receiver::start(&runtime)?;
    let avow = evaluated()?.start()?;
    let caller = Caller::of(avow.url());
    let (_, secret) = webhook(&runtime, &caller, &receiver.url, &["alert.opened", "alert.closed"])?;
    for site in ["weekly.example", "new.example", "nights.example", "lively.example"] {
        runtime.block_on(caller.put_site(site, json!({"name": site})))?;
    }
    let now = jiff::Timestamp::now().as_second();
    let mut history = Vec::new();
    // Ten in each quarter of an hour at this time of the week, for five weeks, and nothing for three hours now.
    for week in 1..=5 {
        history.extend(some("weekly.example", now - week * WEEK - 4 * HOUR, now - week * WEEK + HOUR, 200));
    }
    history.extend(some("weekly.example", now - 4 * HOUR, now - 3 * HOUR, 40));
    // Since this morning, many, and nothing for three hours.
    history.extend(some("new.example", now - 10 * HOUR, now - 3 * HOUR, 1200));
    // Nothing at this time of any week.
    for week in 0..=5 {
        history.extend(some("nights.example", now - week * WEEK - 10 * HOUR, now - week * WEEK - 3 * HOUR, 1100));
    }
    // As usual.
    for week in 0..=5 {
        history.extend(some("lively.example", now - week * WEEK - 4 * HOUR, now - week * WEEK, 160));
    }
    hold(&runtime, &caller, "ingestion_silent")?;
    import(&runtime, &avow.url(), &history)?;
    counted(&runtime, &caller, "shown", history.len())?;
    release(&runtime, &caller, "ingestion_silent")?;

    let opened = until_told(&receiver, "weekly.example", 1, || avow.log())?;
    let (kind, data) = &opened[0];
    ensure!(kind == "alert.opened" && data["rule"] == "ingestion_silent" && data["closed_at"].is_null(), "{data}");
    ensure!(data["expected"]["method"] == "same_window_poisson" && data["expected"]["weeks"] == 5, "{data}");
    ensure!(data["expected"]["events"].as_f64() > Some(90.0) && data["seen"]["events"] == 0, "{data}");
    let new = until_told(&receiver, "new.example", 1, || avow.log())?;
    ensure!(new[0].1["expected"]["method"] == "none_for_long", "{new:?}");
    receiver.received().iter().try_for_each(|one| one.verify(&secret))?;

    // It is listed, and somebody has seen it.
    let id = data["id"].as_str().unwrap_or_default();
    let (_, listed) = runtime.block_on(caller.ask(Method::GET, "/api/v1/alerts?state=open"))?;
    ensure!(listed["alerts"].as_array().map(Vec::len) == Some(2), "{listed}");
    let path = format!("/api/v1/alerts/{id}/acknowledge");
    let (status, seen) = runtime.block_on(caller.send(Method::POST, &path, &json!({"note": "the tag manager"})))?;
    ensure!(status == 200 && seen["acknowledged"]["note"] == "the tag manager", "{status}: {seen}");

    // One event, and it is over. Nothing is told twice, by whatever round.
    ensure!(runtime.block_on(caller.post(&[shown("weekly.example", jiff::Timestamp::now().as_second())])) == Some(202));
    let both = until_told(&receiver, "weekly.example", 2, || avow.log())?;
    ensure!(both[1].0 == "alert.closed" && both[1].1["id"] == id && !both[1].1["closed_at"].is_null(), "{both:?}");
    std::thread::sleep(Duration::from_secs(4));
    ensure!(told(&receiver.received(), "weekly.example")?.len() == 2, "told again");
    ensure!(receiver.received().len() == 3, "{:?}", receiver.received());
    let (_, past) = runtime.block_on(caller.ask(Method::GET, "/api/v1/alerts?state=closed&site=weekly.example"))?;
    ensure!(past["alerts"][0]["id"] == id && past["alerts"][0]["acknowledged"]["note"] == "the tag manager", "{past}");
    ensure!(administer(&avow.url(), &["alert", "list"])?.contains("ingestion_silent"), "not listed");
    Ok(())
}

/// The end of the newest block of an hour that is judged, and long enough before the next one is.
fn judged_block() -> i64 {
    loop {
        let now = jiff::Timestamp::now().as_second() - 300;
        let end = now - now.rem_euclid(HOUR);
        if end + HOUR - now > 2 * MINUTE {
            return end;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// A hundred decisions in the hour before a moment, so many of them for everything.
fn decided(site: &str, end: i64, accepted: i64) -> Vec<Value> {
    let one = |i: i64| {
        let (id, at) = (Uuid::new_v4(), jiff::Timestamp::from_second(end - HOUR + i * 30).unwrap_or_default());
        let (method, granted) = if i < accepted { ("accept_all", true) } else { ("reject_all", false) };
        json!({"id": id, "subject": id, "site": site, "type": "decided", "method": method, "occurred_at": at,
               "categories": {"preferences": granted}})
    };
    (0..100).map(one).collect()
}

#[test]
fn a_consent_rate_out_of_its_band_opens_an_alert_and_a_usual_one_closes_it() -> Result<()> {
    let runtime = Runtime::new()?;
    let receiver = Receiver::start(&runtime)?;
    let avow = evaluated()?.start()?;
    let caller = Caller::of(avow.url());
    webhook(&runtime, &caller, &receiver.url, &["alert.opened", "alert.closed"])?;
    let rule = "/api/v1/alert-rules/consent_rate";
    hold(&runtime, &caller, "consent_rate")?;
    let (status, refused) = runtime.block_on(caller.send(Method::PUT, rule, &json!({"block_hours": 7})))?;
    ensure!(status == 422 && refused["at"] == "/block_hours", "{status}: {refused}");
    for site in ["off.example", "usual.example"] {
        let settings = json!({"name": site, "services": {"chaport": "preferences"}});
        runtime.block_on(caller.put_site(site, settings))?;
    }
    let end = judged_block();
    let mut history = Vec::new();
    for (site, now) in [("off.example", 25), ("usual.example", 60)] {
        for block in [end, end - HOUR] {
            history.extend(decided(site, block, now));
            for (week, rate) in (1..=5).zip([60, 62, 58, 61, 59]) {
                history.extend(decided(site, block - week * WEEK, rate));
            }
        }
    }
    import(&runtime, &avow.url(), &history)?;
    counted(&runtime, &caller, "decisions", history.len())?;
    let thresholds = json!({"block_hours": 1, "min_decisions": 50});
    let (status, set) = runtime.block_on(caller.send(Method::PUT, rule, &thresholds))?;
    ensure!(status == 200 && set["thresholds"]["weeks"] == 8, "{status}: {set}");
    let opened = until_told(&receiver, "off.example", 1, || avow.log())?;
    let (kind, data) = &opened[0];
    ensure!(kind == "alert.opened" && data["rule"] == "consent_rate", "{data}");
    let (seen, expected) = (&data["seen"], &data["expected"]);
    ensure!(seen["consent_rate"] == 0.25 && seen["decisions"] == 100 && seen["side"] == "below", "{seen}");
    ensure!(seen["block_before"]["consent_rate"] == 0.25, "{seen}");
    ensure!(expected["median"] == 0.6 && expected["weeks"] == 5, "{expected}");

    // What comes late brings the newest block back.
    let late: Vec<Value> = (0..9).flat_map(|_| decided("off.example", end, 64)).collect();
    import(&runtime, &avow.url(), &late)?;
    let both = until_told(&receiver, "off.example", 2, || avow.log())?;
    ensure!(both[1].0 == "alert.closed" && both[1].1["ended"]["decisions"] == 1000, "{both:?}");
    std::thread::sleep(Duration::from_secs(4));
    ensure!(told(&receiver.received(), "off.example")?.len() == 2, "told again");
    ensure!(told(&receiver.received(), "usual.example")?.is_empty(), "{:?}", receiver.received());
    Ok(())
}

#[test]
fn what_was_seen_before_consent_and_a_late_checkpoint_open_alerts_over_restarts() -> Result<()> {
    const SITE: &str = "watched.example";
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let receiver = Receiver::start(&runtime)?;
    let start = || evaluated()?.data_dir(dir.path()).start();
    let mut avow = start()?;
    let caller = Caller::of(avow.url());
    webhook(&runtime, &caller, &receiver.url, &["alert.opened", "alert.closed"])?;
    let settings = json!({"name": "Watched", "ledger": {"checkpoint_seconds": 1}});
    runtime.block_on(caller.put_site(SITE, settings))?;
    let event = || shown(SITE, jiff::Timestamp::now().as_second());
    ensure!(runtime.block_on(caller.post(&[event()])) == Some(202), "not promised");
    sealed(&runtime, &caller, SITE, 2)?;
    avow.terminate()?;

    // A service was seen, and what was signed is not what is stored: the ledger is signed no more.
    let ledger = {
        let boxed = Boxed::start_in(dir.path())?;
        boxed.run(
            "INSERT INTO rates_15m_data (site, grain, quarter, service, category, bot, regime, observed_without_consent) \
             SELECT 'watched.example', 'service', toStartOfFifteenMinutes(now('UTC')), 'chaport', 'preferences', 'no', 'opt_in', 3",
        )?;
        boxed.run(
            "INSERT INTO ledger_checkpoints SELECT ledger, size, SHA256('another'), note, signed_at FROM ledger_checkpoints FINAL \
             WHERE ledger != 'operator'",
        )?;
        boxed.run("SELECT any(name) FROM ledgers WHERE site = 'watched.example'")?.trim().to_owned()
    };
    let mut avow = start()?;
    let caller = Caller::of(avow.url());
    ensure!(runtime.block_on(caller.post(&[event()])) == Some(202), "not promised");
    let opened = until_told(&receiver, SITE, 2, || avow.log())?;
    let of = |told: &[(String, Value)], rule: &str| {
        told.iter().filter(|(_, data)| data["rule"] == rule).cloned().collect::<Vec<_>>()
    };
    let (seen, late) = (of(&opened, "before_consent"), of(&opened, "checkpoint_late"));
    ensure!(seen.len() == 1 && seen[0].1["about"] == "chaport" && seen[0].1["seen"]["sightings"] == 3, "{opened:?}");
    ensure!(seen[0].1["expected"]["method"] == "first_in_four_weeks", "{seen:?}");
    ensure!(late.len() == 1 && late[0].1["about"] == ledger.as_str(), "{late:?}");
    ensure!(late[0].1["expected"]["period_seconds"] == 1, "{late:?}");

    // Still so after a kill, and not told again.
    avow.kill9();
    drop(avow);
    let mut avow = start()?;
    std::thread::sleep(Duration::from_secs(6));
    ensure!(told(&receiver.received(), SITE)?.len() == 2, "{:?}", told(&receiver.received(), SITE)?);
    avow.terminate()?;

    // All is mended.
    {
        let boxed = Boxed::start_in(dir.path())?;
        boxed
            .run("ALTER TABLE rates_15m_data DELETE WHERE observed_without_consent > 0 SETTINGS mutations_sync = 1")?;
        boxed
            .run("ALTER TABLE ledger_checkpoints DELETE WHERE root = SHA256('another') SETTINGS mutations_sync = 1")?;
    }
    let avow = start()?;
    let all = until_told(&receiver, SITE, 4, || avow.log())?;
    for (rule, opened) in [("before_consent", &seen), ("checkpoint_late", &late)] {
        let told = of(&all, rule);
        ensure!(told.len() == 2 && told[1].0 == "alert.closed" && told[1].1["id"] == opened[0].1["id"], "{told:?}");
    }
    Ok(())
}

#[test]
fn of_two_processes_one_tells_and_another_goes_on() -> Result<()> {
    const SITE: &str = "shared.example";
    let runtime = Runtime::new()?;
    let receiver = Receiver::start(&runtime)?;
    let settings = [
        ("AVOW_WEBHOOKS__ALLOW_PRIVATE", "true"),
        ("AVOW_WEBHOOKS__RETRY_SECONDS", "[1, 1, 1]"),
        ("AVOW_ALERTS__EVERY_SECONDS", "1"),
    ];
    let mut cluster = Cluster::start_with(&settings)?;
    let another = settings.iter().fold(Settings::new("processor"), |role, (key, value)| role.env(*key, *value));
    let another = cluster.settings().into_iter().fold(another, |role, (key, value)| role.env(key, value)).start()?;
    let api = Caller::of(cluster.api.url());
    webhook(&runtime, &api, &receiver.url, &["alert.opened", "alert.closed"])?;
    runtime.block_on(api.put_site(SITE, json!({"name": "Shared"})))?;
    let now = jiff::Timestamp::now().as_second();
    let ingest = cluster.ingest.url();
    let begun = Instant::now();
    while runtime.block_on(Caller::of(ingest.clone()).post(&[shown(SITE, now - 10 * HOUR)])) != Some(202) {
        ensure!(begun.elapsed() < PATIENCE, "the site is not known to ingest");
        std::thread::sleep(Duration::from_millis(100));
    }
    // Each of them has a key of its own here, and only one may sign.
    hold(&runtime, &api, "checkpoint_late")?;
    hold(&runtime, &api, "ingestion_silent")?;
    import(&runtime, &ingest, &some(SITE, now - 10 * HOUR, now - 3 * HOUR, 1200))?;
    counted(&runtime, &api, "shown", 1201)?;
    release(&runtime, &api, "ingestion_silent")?;
    let logs = || cluster.processor.log();
    let opened = until_told(&receiver, SITE, 1, logs)?;
    ensure!(opened[0].0 == "alert.opened" && opened[0].1["rule"] == "ingestion_silent", "{opened:?}");

    // One of them is killed, whichever it is: what is told is told once more at most, under one id.
    cluster.processor.kill9();
    ensure!(runtime.block_on(Caller::of(ingest).post(&[shown(SITE, jiff::Timestamp::now().as_second())])) == Some(202));
    let begun = Instant::now();
    let ids = |kind: &str| -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for one in receiver.received() {
            if one.json()?["type"] == kind && !ids.contains(&one.id()?) {
                ids.push(one.id()?);
            }
        }
        Ok(ids)
    };
    while ids("alert.closed")?.is_empty() {
        ensure!(begun.elapsed() < 2 * PATIENCE, "not closed: {}", another.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(4));
    ensure!(ids("alert.opened")?.len() == 1 && ids("alert.closed")?.len() == 1, "{:?}", receiver.received());
    Ok(())
}

#[test]
fn a_report_is_told_of_and_read_by_its_link() -> Result<()> {
    const SITE: &str = "reported.example";
    let runtime = Runtime::new()?;
    let receiver = Receiver::start(&runtime)?;
    let avow = evaluated()?.start()?;
    let caller = Caller::of(avow.url());
    let (hook, secret) = webhook(&runtime, &caller, &receiver.url, &["report.ready"])?;
    let settings = json!({"name": "The Reported", "services": {"chaport": "preferences"}});
    runtime.block_on(caller.put_site(SITE, settings))?;
    let midnight = jiff::Timestamp::now().as_second().div_euclid(24 * HOUR) * 24 * HOUR;
    let yesterday = decided(SITE, midnight - 6 * HOUR, 70);
    let before = decided(SITE, midnight - 30 * HOUR, 50);
    import(&runtime, &avow.url(), &[yesterday, before].concat())?;
    counted(&runtime, &caller, "decisions", 200)?;
    let id = hook.rsplit('/').next().unwrap_or_default();
    let report = |form: &str, language: &str| {
        let asked = json!({"name": "Daily", "webhook": id, "sites": [SITE], "every": "day", "hour": 0, "form": form,
                           "language": language});
        let (status, made) = runtime.block_on(caller.send(Method::POST, "/api/v1/reports", &asked))?;
        ensure!(status == 201, "{status}: {made}");
        let path = format!("/api/v1/reports/{}", made["id"].as_str().unwrap_or_default());
        let (status, sent) = runtime.block_on(caller.send(Method::POST, &format!("{path}/send"), &json!({})))?;
        ensure!(status == 202, "{status}: {sent}");
        Ok(path)
    };
    let read = |link: &str| -> Result<(u16, Vec<u8>)> {
        runtime.block_on(async {
            let answer = reqwest::get(link).await?;
            Ok((answer.status().as_u16(), answer.bytes().await?.to_vec()))
        })
    };
    let path = report("csv", "en")?;
    let came = receiver.wait(0, 1, PATIENCE)?;
    came[0].verify(&secret)?;
    let said = came[0].json()?;
    let day = jiff::Timestamp::from_second(midnight - HOUR)?.to_string();
    ensure!(said["type"] == "report.ready" && said["data"]["from"] == day[..10], "{said}");
    let link = said["data"]["link"].as_str().unwrap_or_default().to_owned();
    ensure!(link.starts_with(&avow.url()), "{link}");
    let (status, rows) = read(&link)?;
    let rows = String::from_utf8(rows)?;
    ensure!(status == 200 && rows.lines().count() == 2, "{status}: {rows}");
    let column = rows.lines().next().and_then(|head| head.split(',').position(|name| name == "consent_rate"));
    let value = rows.lines().nth(1).and_then(|row| row.split(',').nth(column?));
    ensure!(value == Some("0.7"), "{rows}");
    // Nobody without the link, and nothing with a changed one.
    let bare = format!("{}{path}/document", avow.url());
    ensure!(read(&bare)?.0 == 401 && read(&format!("{link}x"))?.0 == 404, "read without its link");
    let other = report("pdf", "de")?;
    ensure!(read(&link.replace(&path, &other))?.0 == 404, "the link of another report");
    let said = receiver.wait(1, 1, PATIENCE)?[0].json()?;
    let (status, paper) = read(said["data"]["link"].as_str().unwrap_or_default())?;
    ensure!(status == 200 && paper.starts_with(b"%PDF-1.7") && paper.len() > 10_000, "{status}");
    let (status, _) = runtime.block_on(caller.send(Method::DELETE, &path, &json!({})))?;
    ensure!(status == 204 && read(&link)?.0 == 404, "the report is gone, its link is not");
    Ok(())
}
