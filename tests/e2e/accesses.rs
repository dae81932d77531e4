//! Who has read what, and what the link of a shared view shows.

use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use avow_testkit::process::ADMIN_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::installation::{Caller, Cluster, decided, embedded};
use crate::people::{Browser, administrator, site, somebody};

const SITE: &str = "shop.example";

/// A decision that the API shows and counts; its subject.
async fn seen_decision(url: &str, of: &str) -> Result<Uuid> {
    let (caller, subject) = (Caller::of(url.into()), Uuid::new_v4());
    ensure!(caller.post(&[decided(of, subject)]).await == Some(202));
    let path = format!("/api/v1/subjects/{subject}?site={of}");
    let begun = std::time::Instant::now();
    while administrator(url, Method::GET, &path, None).await?.0 != 200 {
        ensure!(begun.elapsed() < Duration::from_secs(60), "a decision is not shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (from, to) = ("2026-01-01", "2099-12-31");
    let question = json!({"sites": [of], "date_range": [from, to], "metrics": ["decisions"]});
    while caller.query(question.clone()).await?["rows"][0]["metrics"]["decisions"] != 1 {
        ensure!(begun.elapsed() < Duration::from_secs(60), "a decision is not counted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(subject)
}

fn digest(of: &str, subject: Uuid) -> String {
    let bytes = [b"avow/access/1", of.as_bytes(), &[0], subject.as_bytes()].concat();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn log(url: &str, query: &str) -> Result<Value> {
    let (status, log) = administrator(url, Method::GET, &format!("/api/v1/access-log{query}"), None).await?;
    ensure!(status == 200, "{status}: {log}");
    Ok(log)
}

fn rows(log: &Value) -> Result<&Vec<Value>> {
    log["accesses"].as_array().context("no accesses")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_of_a_person_is_noted_and_no_subject_is() -> Result<()> {
    let mut avow = embedded()?.start()?;
    let url = avow.url();
    site(&url, SITE).await?;
    site(&url, "other.example").await?;
    let subject = seen_decision(&url, SITE).await?;
    let (auditor, mut browser) = somebody(&url, "auditor@example.org", "auditor", None).await?;
    let (_, mut analyst) = somebody(&url, "analyst@example.org", "analyst", None).await?;
    let path = format!("/api/v1/subjects/{subject}?site={SITE}");
    ensure!(browser.get(&path).await?.0 == 200 && analyst.get(&path).await?.0 == 403);
    ensure!(browser.get(&format!("/api/v1/subjects/{subject}/export?site={SITE}")).await?.0 == 200);
    let csv = reqwest::Client::new().post(format!("{url}/api/v1/query")).bearer_auth(ADMIN_TOKEN);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let question = json!({"sites": [SITE], "date_range": [today, today], "metrics": ["decisions"]});
    ensure!(csv.header("accept", "text/csv").json(&question).send().await?.status() == 200);
    ensure!(analyst.ask(Method::POST, "/api/v1/query", Some(question)).await?.0 == 200);
    ensure!(administrator(&url, Method::DELETE, &format!("{path}&reason=asked"), None).await?.0 < 300);

    let noted = log(&url, "").await?;
    let said = |name: &str, method: &str, route: &str, status: u16| {
        let is = |row: &&Value| row["name"] == name && row["method"] == method && row["route"] == route;
        let found = noted["accesses"].as_array().into_iter().flatten().filter(is);
        found.filter(|row| row["status"] == status).cloned().collect::<Vec<_>>()
    };
    let one = "/api/v1/subjects/{id}";
    let read = said("auditor@example.org", "GET", one, 200);
    ensure!(read.len() == 1 && read[0]["entry"] == "session" && read[0]["caller"] == auditor.as_str(), "{noted:#}");
    ensure!(read[0]["site"] == SITE && read[0]["subject"] == digest(SITE, subject).as_str(), "{noted:#}");
    ensure!(said("analyst@example.org", "GET", one, 403).len() == 1, "what was refused is noted: {noted:#}");
    ensure!(said("auditor@example.org", "GET", "/api/v1/subjects/{id}/export", 200).len() == 1, "{noted:#}");
    ensure!(said("bootstrap", "POST", "/api/v1/query", 200).len() == 1, "{noted:#}");
    ensure!(
        said("analyst@example.org", "POST", "/api/v1/query", 200).is_empty(),
        "numbers on the page are not: {noted:#}"
    );
    let erased = rows(&noted)?.iter().filter(|row| row["method"] == "DELETE" && row["route"] == one).count();
    ensure!(erased == 1, "{noted:#}");
    let before = rows(&noted)?.len();

    // Reading the log is noted, and pages follow one another.
    let newest = log(&url, "?limit=2").await?;
    ensure!(rows(&newest)?[0]["route"] == "/api/v1/access-log", "{newest:#}");
    let cursor = newest["next_cursor"].as_str().context("no cursor")?;
    let next = log(&url, &format!("?limit=1000&cursor={cursor}")).await?;
    ensure!(rows(&next)?.len() == before - 1 && next["next_cursor"].is_null(), "{next:#}");
    ensure!(rows(&log(&url, &format!("?to={today}")).await?)?.is_empty());

    let (_, mut limited) = somebody(&url, "limited@example.org", "admin", Some(&["other.example"])).await?;
    let (_, of_one) = limited.get("/api/v1/access-log").await?;
    let sites: Vec<_> = rows(&of_one)?.iter().map(|row| &row["site"]).collect();
    ensure!(sites == ["other.example"], "that the site was made, and nothing of others: {of_one:#}");
    let stopped = avow.terminate()?;
    ensure!(stopped.success(), "{stopped}");
    avow.restart()?;
    let after = log(&url, "?limit=1000").await?;
    ensure!(rows(&after)?.len() > before, "it outlives a restart");
    let text = after.to_string();
    ensure!(!text.contains(&subject.to_string()) && !text.contains(&subject.simple().to_string()), "{text}");
    Ok(())
}

/// Asks for a job and waits until it is over.
async fn made(browser: &mut Browser, path: &str, body: Value) -> Result<Value> {
    let (status, job) = browser.ask(Method::POST, path, Some(body)).await?;
    ensure!(status == 202, "{status}: {job}");
    let path = format!("{path}/{}", job["id"].as_str().context("no id")?);
    let begun = std::time::Instant::now();
    loop {
        let (_, job) = browser.get(&path).await?;
        if job["state"] == "done" || job["state"] == "failed" {
            return Ok(job);
        }
        ensure!(begun.elapsed() < Duration::from_secs(60), "{job}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn fetched(url: &str, browser: &Browser, path: &Value) -> Result<Vec<u8>> {
    let request = reqwest::Client::new().get(format!("{url}{}", path.as_str().context("no file")?));
    let answer = request.header("cookie", browser.cookie.clone().context("signed out")?).send().await?;
    Ok(answer.error_for_status()?.bytes().await?.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_names_who_made_it_and_ends_with_what_they_may_see() -> Result<()> {
    let avow = embedded()?.start()?;
    let url = avow.url();
    site(&url, SITE).await?;
    seen_decision(&url, SITE).await?;
    let (id, mut auditor) = somebody(&url, "auditor@example.org", "auditor", None).await?;

    let asked = json!({"site": SITE, "from": "2026-01-01", "to": "2099-01-01"});
    let bundle = made(&mut auditor, "/api/v1/audit/exports", asked).await?;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(fetched(&url, &auditor, &bundle["bundle"]).await?))?;
    let mut report = String::new();
    zip.by_name("report.html")?.read_to_string(&mut report)?;
    ensure!(report.contains("auditor@example.org") && !report.contains("bootstrap"), "who made it: {report}");

    // With small cells, which an analyst may not see.
    let query = json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions"]});
    let rows = made(&mut auditor, "/api/v1/query/exports", json!({"query": query})).await?;
    ensure!(fetched(&url, &auditor, &rows["file"]).await? == b"decisions\n1\n");
    let path = format!("/api/v1/people/{id}");
    let (status, answer) = administrator(&url, Method::PATCH, &path, Some(json!({"role": "analyst"}))).await?;
    ensure!(status == 200, "{answer}");
    let file = rows["file"].as_str().context("no file")?;
    let (status, answer) = auditor.get(file).await?;
    ensure!(status == 404, "an analyst has a file with small cells: {status} {answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_noted_cannot_be_read() -> Result<()> {
    let cluster = Cluster::start()?;
    let (ingest, url) = (cluster.ingest.url(), cluster.api.url());
    site(&url, SITE).await?;
    let (caller, subject) = (Caller::of(ingest), Uuid::new_v4());
    let begun = std::time::Instant::now();
    while caller.post(&[decided(SITE, subject)]).await != Some(202) {
        ensure!(begun.elapsed() < Duration::from_secs(20), "the site is not known to ingest");
    }
    let path = format!("/api/v1/subjects/{subject}?site={SITE}");
    while administrator(&url, Method::GET, &path, None).await?.0 != 200 {
        ensure!(begun.elapsed() < Duration::from_secs(60), "a decision is not shown");
    }
    aside(&cluster, "RENAME TABLE access_log TO access_log_aside")?;
    let (status, answer) = administrator(&url, Method::GET, &path, None).await?;
    ensure!(status == 503 && answer["code"] == "access_log_unavailable", "{status}: {answer}");
    ensure!(!answer.to_string().contains(&subject.to_string()), "{answer}");
    ensure!(administrator(&url, Method::GET, "/api/v1/tokens", None).await?.0 == 200, "others are noted later");
    aside(&cluster, "RENAME TABLE access_log_aside TO access_log")?;
    ensure!(administrator(&url, Method::GET, &path, None).await?.0 == 200);
    let begun = std::time::Instant::now();
    while !log(&url, "").await?.to_string().contains("/api/v1/tokens") {
        ensure!(begun.elapsed() < Duration::from_secs(20), "what was to be noted later is not");
    }
    Ok(())
}

/// Runs a statement on a thread of its own, since it brings its own runtime.
fn aside(cluster: &Cluster, sql: &str) -> Result<String> {
    std::thread::scope(|scope| scope.spawn(|| cluster.boxed.run(sql)).join().unwrap())
}

/// A holder of a link.
struct Shown {
    url: String,
    secret: String,
}

impl Shown {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value)> {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.url));
        request = request.bearer_auth(&self.secret);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
    }

    async fn query(&self, sites: &[&str], days: [&str; 2]) -> Result<(u16, Value)> {
        let question = json!({"sites": sites, "date_range": days, "metrics": ["decisions", "accept_all_rate"]});
        self.ask(Method::POST, "/api/v1/query", Some(question)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_shows_its_view_and_nothing_else() -> Result<()> {
    let avow = embedded()?.start()?;
    let url = avow.url();
    let settings = json!({"name": "Shop", "controllers": [{"name": "Somebody in particular"}], "origins": []});
    ensure!(administrator(&url, Method::PUT, &format!("/api/v1/sites/{SITE}"), Some(settings)).await?.0 == 201);
    site(&url, "other.example").await?;
    seen_decision(&url, SITE).await?;
    let (creator, mut auditor) = somebody(&url, "auditor@example.org", "auditor", None).await?;
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let path = format!("/?site={SITE}&from={today}&to={today}");
    for (body, status) in [
        (json!({"path": "/settings", "name": "N"}), 422),
        (json!({"path": path, "name": "N", "days": 91}), 422),
        (json!({"path": "/?site=nowhere.example", "name": "N"}), 422),
    ] {
        ensure!(auditor.ask(Method::POST, "/api/v1/shares", Some(body.clone())).await?.0 == status, "{body}");
    }
    let (status, made) =
        auditor.ask(Method::POST, "/api/v1/shares", Some(json!({"path": path, "name": "Board"}))).await?;
    ensure!(status == 201, "{made}");
    let (before, secret) = made["link"].as_str().and_then(|link| link.split_once("#share=")).context("no link")?;
    ensure!(before == path);
    let shown = Shown { url: url.clone(), secret: secret.into() };

    let (status, answer) = shown.query(&[SITE], [&today, &today]).await?;
    ensure!(status == 200, "{answer}");
    ensure!(answer["meta"]["suppressed"] == 1 && answer["rows"][0]["metrics"]["decisions"].is_null(), "{answer}");
    let question = json!({"sites": [SITE], "date_range": [today, today], "metrics": ["decisions"]});
    let (_, of_creator) = auditor.ask(Method::POST, "/api/v1/query", Some(question)).await?;
    ensure!(of_creator["rows"][0]["metrics"]["decisions"] == 1, "its creator sees small cells: {of_creator}");
    let yesterday = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24)).strftime("%Y-%m-%d").to_string();
    for (sites, days) in [
        (&[SITE][..], [yesterday.as_str(), &today]),
        (&["other.example"], [&today, &today]),
        (&[SITE, "other.example"], [&today, &today]),
        (&["nowhere.example"], [&today, &today]),
    ] {
        let (status, answer) = shown.query(sites, days).await?;
        ensure!(status == 403, "{sites:?} {days:?}: {status} {answer}");
    }
    let (status, sites) = shown.ask(Method::GET, "/api/v1/sites", None).await?;
    ensure!(status == 200 && sites["sites"].as_array().map(Vec::len) == Some(1), "{sites}");
    ensure!(!sites.to_string().contains("Somebody in particular"), "{sites}");
    ensure!(shown.ask(Method::GET, "/api/v1/live?site=other.example", None).await?.0 == 403);
    ensure!(shown.ask(Method::POST, "/v1/events", Some(decided(SITE, Uuid::new_v4()))).await?.0 == 401);
    let (_, me) = shown.ask(Method::GET, "/api/v1/session", None).await?;
    ensure!(me["entry"] == "share" && me["scopes"] == json!(["stats:read"]) && me["sites"] == json!([SITE]), "{me}");

    // It ends with its creator's access to the sites, with its creator, and when it is revoked.
    let of_creator = format!("/api/v1/people/{creator}");
    for (change, works) in [
        (json!({"sites": ["other.example"]}), false),
        (json!({"sites": [SITE]}), true),
        (json!({"disabled": true}), false),
        (json!({"disabled": false}), true),
    ] {
        ensure!(administrator(&url, Method::PATCH, &of_creator, Some(change.clone())).await?.0 == 200);
        let (status, answer) = shown.query(&[SITE], [&today, &today]).await?;
        ensure!(status == if works { 200 } else { 401 }, "{change}: {status} {answer}");
    }
    let (_, listed) = administrator(&url, Method::GET, "/api/v1/shares", None).await?;
    ensure!(
        listed["shares"][0]["works"] == true && listed["shares"][0]["by_name"] == "auditor@example.org",
        "{listed}"
    );
    ensure!(!listed.to_string().contains(secret), "the secret is in one answer");
    let (_, mut other) = somebody(&url, "other@example.org", "auditor", None).await?;
    let share = format!("/api/v1/shares/{}", made["id"].as_str().context("no id")?);
    ensure!(other.ask(Method::DELETE, &share, None).await?.0 == 404, "not theirs");
    ensure!(administrator(&url, Method::DELETE, &share, None).await?.0 == 204);
    ensure!(shown.query(&[SITE], [&today, &today]).await?.0 == 401);
    Ok(())
}
