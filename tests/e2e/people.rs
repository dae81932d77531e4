//! People: signing in and out, what ends a session, invitations, and who can be changed by whom.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use avow_testkit::process::{ADMIN_TOKEN, Avow};
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::installation::{Cluster, administer, embedded};

pub const PASSWORD: &str = "correct horse battery staple";

/// A browser: it keeps the cookie that it is given, and says where its requests come from.
pub struct Browser {
    http: reqwest::Client,
    url: String,
    pub cookie: Option<String>,
    /// As `Origin`; `None` for none.
    pub origin: Option<String>,
}

impl Browser {
    pub fn at(url: &str) -> Self {
        Self { http: reqwest::Client::new(), url: url.into(), cookie: None, origin: Some(url.into()) }
    }

    /// The same browser, its requests sent to another process.
    pub fn moved_to(&self, url: &str) -> Self {
        Self { http: self.http.clone(), url: url.into(), cookie: self.cookie.clone(), origin: Some(url.into()) }
    }

    /// Sends a request; the status and the JSON that came, null where none did.
    pub async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, format!("other=1; {cookie}"));
        }
        if let Some(origin) = &self.origin {
            request = request.header(ORIGIN, origin);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        if let Some(set) = answer.headers().get(SET_COOKIE) {
            let set = set.to_str()?;
            ensure!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"), "{set}");
            let pair = set.split(';').next().context("an empty cookie")?;
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        Ok((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
    }

    pub async fn get(&mut self, path: &str) -> Result<(u16, Value)> {
        self.ask(Method::GET, path, None).await
    }

    pub async fn sign_in(&mut self, email: &str, password: &str) -> Result<(u16, Value)> {
        self.ask(Method::POST, "/api/v1/session", Some(json!({"email": email, "password": password}))).await
    }

    /// Whether there is a session.
    pub async fn is_in(&mut self) -> Result<bool> {
        Ok(self.get("/api/v1/session").await?.0 == 200)
    }
}

/// Sends a request as the administrator of the configuration.
pub async fn administrator(url: &str, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value)> {
    let mut request = reqwest::Client::new().request(method, format!("{url}{path}")).bearer_auth(ADMIN_TOKEN);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
}

/// Invites somebody; their id and the invitation's secret.
pub async fn invite(url: &str, email: &str, role: &str, sites: Option<&[&str]>) -> Result<(String, String)> {
    let body = json!({"name": email, "email": email, "role": role, "sites": sites});
    let (status, made) = administrator(url, Method::POST, "/api/v1/people", Some(body)).await?;
    ensure!(status == 201, "{status}: {made}");
    let secret = made["invitation"].as_str().and_then(|link| link.strip_prefix("/invite#"));
    Ok((made["id"].as_str().context("no id")?.into(), secret.context("no invitation")?.into()))
}

/// Redeems an invitation with [`PASSWORD`].
pub async fn redeem(browser: &mut Browser, secret: &str) -> Result<(u16, Value)> {
    let body = json!({"secret": secret, "password": PASSWORD});
    browser.ask(Method::POST, "/api/v1/invitations/redeem", Some(body)).await
}

/// Somebody who is signed in; their id, and their browser.
pub async fn somebody(url: &str, email: &str, role: &str, sites: Option<&[&str]>) -> Result<(String, Browser)> {
    let (id, secret) = invite(url, email, role, sites).await?;
    let mut browser = Browser::at(url);
    let (status, answer) = redeem(&mut browser, &secret).await?;
    ensure!(status == 200, "{status}: {answer}");
    Ok((id, browser))
}

pub async fn site(url: &str, name: &str) -> Result<()> {
    let path = format!("/api/v1/sites/{name}");
    let (status, answer) = administrator(url, Method::PUT, &path, Some(json!({"name": name}))).await?;
    ensure!(status == 201, "{status}: {answer}");
    Ok(())
}

fn code(answer: &Value) -> &str {
    answer["code"].as_str().unwrap_or_default()
}

async fn change(url: &str, id: &str, body: Value) -> Result<(u16, Value)> {
    administrator(url, Method::PATCH, &format!("/api/v1/people/{id}"), Some(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_out() -> Result<()> {
    let mut avow = embedded()?.start()?;
    let url = avow.url();
    let (_, secret) = invite(&url, "Ada@Example.org", "auditor", None).await?;
    let mut browser = Browser::at(&url);
    let weak = json!({"secret": secret, "password": "ada@example.org"});
    let (status, answer) = browser.ask(Method::POST, "/api/v1/invitations/redeem", Some(weak)).await?;
    ensure!((status, code(&answer)) == (422, "weak_password"), "{status}: {answer}");
    ensure!(redeem(&mut browser, &secret).await?.0 == 200, "a password that was refused leaves the invitation");
    let (status, answer) = redeem(&mut Browser::at(&url), &secret).await?;
    ensure!((status, code(&answer)) == (410, "invitation_gone"), "twice: {status}: {answer}");

    let (status, me) = browser.get("/api/v1/session").await?;
    ensure!(status == 200 && me["email"] == "ada@example.org" && me["role"] == "auditor", "{me}");
    ensure!(me["scopes"] == json!(["stats:read", "audit:read", "audit:export"]) && me["entry"] == "session", "{me}");
    let (status, _) = browser.ask(Method::DELETE, "/api/v1/session", None).await?;
    ensure!(status == 204 && browser.cookie.is_none() && !browser.is_in().await?);

    let (status, answer) = browser.sign_in("ada@example.org", "correct horse battery stable").await?;
    ensure!((status, code(&answer)) == (401, "wrong_credentials"), "{status}: {answer}");
    let (status, nobody) = browser.sign_in("nobody@example.org", PASSWORD).await?;
    ensure!(status == 401 && nobody == answer, "nobody is answered as a wrong password is: {nobody}");
    ensure!(browser.sign_in(" ADA@example.org", PASSWORD).await?.0 == 200);
    let mut second = Browser::at(&url);
    ensure!(second.sign_in("ada@example.org", PASSWORD).await?.0 == 200);

    let left = avow.terminate()?;
    ensure!(left.success(), "{left}");
    avow.restart()?;
    ensure!(browser.is_in().await?, "a session outlives a restart");
    ensure!(browser.get("/api/v1/sessions").await?.1["sessions"].as_array().map(Vec::len) == Some(2));
    let mut copy = browser.moved_to(&url);
    ensure!(browser.ask(Method::DELETE, "/api/v1/session?all=1", None).await?.0 == 204);
    ensure!(!copy.is_in().await? && !second.is_in().await?, "signed out everywhere");
    let log = avow.log();
    ensure!(!log.contains(&secret) && !log.contains(PASSWORD) && !log.contains("ada@example.org"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_password_its_person_and_its_time() -> Result<()> {
    let avow = embedded()?
        .env("AVOW_API__SESSION_IDLE_SECONDS", "6")
        .env("AVOW_API__SESSION_SECONDS", "15")
        .env("AVOW_API__SIGN_IN_ATTEMPTS", "50")
        .start()?;
    let url = avow.url();
    let (id, mut browser) = somebody(&url, "ada@example.org", "analyst", None).await?;
    let mut copy = browser.moved_to(&url);
    let change_password = |current: &str, password: &str| Some(json!({"current": current, "password": password}));
    let path = "/api/v1/session/password";
    let (status, answer) =
        browser.ask(Method::PUT, path, change_password("another one", "a new password of hers")).await?;
    ensure!((status, code(&answer)) == (422, "wrong_password"), "{status}: {answer}");
    let (status, _) = browser.ask(Method::PUT, path, change_password(PASSWORD, "a new password of hers")).await?;
    ensure!(status == 200 && browser.is_in().await? && !copy.is_in().await?);
    ensure!(browser.sign_in("ada@example.org", PASSWORD).await?.0 == 401);

    ensure!(change(&url, &id, json!({"disabled": true})).await?.0 == 200 && !browser.is_in().await?);
    ensure!(browser.sign_in("ada@example.org", "a new password of hers").await?.0 == 401);
    ensure!(change(&url, &id, json!({"disabled": false})).await?.0 == 200 && !browser.is_in().await?, "it stays ended");
    ensure!(browser.sign_in("ada@example.org", "a new password of hers").await?.0 == 200);

    // Used it lasts longer than it may lie idle, and no longer than in all.
    let begun = std::time::Instant::now();
    let mut idle = browser.moved_to(&url);
    ensure!(idle.sign_in("ada@example.org", "a new password of hers").await?.0 == 200);
    while browser.is_in().await? {
        ensure!(begun.elapsed() < Duration::from_secs(40), "a session does not end");
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    ensure!(begun.elapsed() > Duration::from_secs(12), "it ended after {:?}, in spite of its use", begun.elapsed());
    ensure!(!idle.is_in().await?);
    // Used once after two seconds, it is over six seconds later.
    ensure!(browser.sign_in("ada@example.org", "a new password of hers").await?.0 == 200);
    tokio::time::sleep(Duration::from_millis(6500)).await;
    ensure!(!browser.is_in().await?, "idle");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_cannot_be_guessed_at_any_rate_nor_sessions_used_from_elsewhere() -> Result<()> {
    let avow = embedded()?.env("AVOW_API__SIGN_IN_ATTEMPTS", "4").start()?;
    let url = avow.url();
    let (id, mut browser) = somebody(&url, "ada@example.org", "admin", None).await?;
    let path = format!("/api/v1/people/{id}");
    for (origin, status) in
        [(Some("https://evil.example"), 403), (Some("null"), 403), (None, 403), (Some(url.as_str()), 200)]
    {
        browser.origin = origin.map(Into::into);
        let (got, answer) = browser.ask(Method::PATCH, &path, Some(json!({"name": "Ada"}))).await?;
        ensure!(got == status && (status == 200 || code(&answer) == "cross_site"), "{origin:?}: {got} {answer}");
        ensure!(browser.is_in().await?, "reading is harmless: the answer reaches nobody else");
    }
    browser.origin = Some("https://evil.example".into());
    ensure!(browser.sign_in("ada@example.org", PASSWORD).await?.0 == 403, "nor can one be signed in from elsewhere");

    let mut guesser = Browser::at(&url);
    let mut statuses = Vec::new();
    for guess in 0..6 {
        statuses.push(guesser.sign_in("ada@example.org", &format!("a password {guess}")).await?.0);
    }
    ensure!(statuses == [401, 401, 401, 401, 429, 429], "{statuses:?}");
    let answer = reqwest::Client::new().post(format!("{url}/api/v1/session"));
    let answer = answer.json(&json!({"email": "ada@example.org", "password": PASSWORD})).send().await?;
    ensure!(answer.status() == StatusCode::TOO_MANY_REQUESTS, "the right one has to wait too");
    let wait: u64 = answer.headers()["retry-after"].to_str()?.parse()?;
    ensure!((1..=31).contains(&wait), "{wait}");
    ensure!(guesser.sign_in("eve@example.org", PASSWORD).await?.0 == 401, "others need not wait");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_always_left_and_nobody_hands_on_what_they_do_not_have() -> Result<()> {
    let avow = embedded()?.start()?;
    let url = avow.url();
    for name in ["shop.example", "other.example"] {
        site(&url, name).await?;
    }
    let (first, _) = somebody(&url, "first@example.org", "admin", None).await?;
    let (second, waiting) = invite(&url, "second@example.org", "admin", None).await?;
    let of_first = format!("/api/v1/people/{first}");
    for body in [json!({"disabled": true}), json!({"role": "auditor"}), json!({"sites": ["shop.example"]})] {
        let (status, answer) = change(&url, &first, body.clone()).await?;
        ensure!((status, code(&answer)) == (409, "last_admin"), "{body}: {status} {answer}");
    }
    ensure!(administrator(&url, Method::DELETE, &of_first, None).await?.0 == 409, "who is invited cannot sign in yet");
    ensure!(redeem(&mut Browser::at(&url), &waiting).await?.0 == 200);
    ensure!(administrator(&url, Method::DELETE, &of_first, None).await?.0 == 204);
    ensure!(administrator(&url, Method::GET, &of_first, None).await?.0 == 404);
    let (status, answer) = change(&url, &second, json!({"disabled": true})).await?;
    ensure!((status, code(&answer)) == (409, "last_admin"), "{status} {answer}");
    let taken = json!({"name": "Twin", "email": "SECOND@example.org", "role": "analyst"});
    ensure!(administrator(&url, Method::POST, "/api/v1/people", Some(taken)).await?.0 == 409);

    // An administrator of one site handles those who see no more than it.
    let (_, mut limited) = somebody(&url, "limited@example.org", "admin", Some(&["shop.example"])).await?;
    let (outside, _) = invite(&url, "outside@example.org", "analyst", Some(&["other.example"])).await?;
    let new = |email: &str, sites: Value| Some(json!({"name": "N", "email": email, "role": "analyst", "sites": sites}));
    let (status, made) =
        limited.ask(Method::POST, "/api/v1/people", new("in@example.org", json!(["shop.example"]))).await?;
    ensure!(status == 201, "{made}");
    for sites in [json!(null), json!(["other.example"]), json!(["shop.example", "other.example"])] {
        let (status, answer) = limited.ask(Method::POST, "/api/v1/people", new("x@example.org", sites.clone())).await?;
        ensure!((status, code(&answer)) == (403, "site_forbidden"), "{sites}: {status} {answer}");
    }
    for id in [&outside, &second] {
        let path = format!("/api/v1/people/{id}");
        ensure!(limited.get(&path).await?.0 == 403 && limited.ask(Method::DELETE, &path, None).await?.0 == 403);
        ensure!(limited.ask(Method::POST, &format!("{path}/invitation"), None).await?.0 == 403);
    }
    let (_, listed) = limited.get("/api/v1/people").await?;
    let emails: Vec<_> = listed["people"].as_array().context("no people")?.iter().map(|one| &one["email"]).collect();
    ensure!(emails == ["limited@example.org", "in@example.org"], "{emails:?}");
    let widened = json!({"sites": null});
    let path = format!("/api/v1/people/{}", made["id"].as_str().context("no id")?);
    ensure!(limited.ask(Method::PATCH, &path, Some(widened)).await?.0 == 403);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_holds_in_every_process() -> Result<()> {
    let cluster = Cluster::start()?;
    let (one, other): (String, Avow) = (cluster.api.url(), another_api(&cluster)?);
    let (id, mut browser) = somebody(&one, "ada@example.org", "admin", None).await?;
    let mut there = browser.moved_to(&other.url());
    let begun = std::time::Instant::now();
    while !there.is_in().await? {
        ensure!(begun.elapsed() < Duration::from_secs(5), "a session is not known elsewhere");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ensure!(there.ask(Method::DELETE, "/api/v1/session", None).await?.0 == 204);
    let begun = std::time::Instant::now();
    while browser.is_in().await? {
        ensure!(begun.elapsed() < Duration::from_secs(5), "an end is not known elsewhere");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (_, secret) = administrator(&one, Method::POST, &format!("/api/v1/people/{id}/invitation"), None).await?;
    let secret = secret["invitation"].as_str().and_then(|link| link.strip_prefix("/invite#")).context("no link")?;
    // One invitation, redeemed at both at the same moment.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (mut here, mut there) = (Browser::at(&one), Browser::at(&other.url()));
    let (first, second) = tokio::join!(redeem(&mut here, secret), redeem(&mut there, secret));
    let mut statuses = [first?.0, second?.0];
    statuses.sort_unstable();
    ensure!(statuses == [200, 410], "{statuses:?}");
    Ok(())
}

/// A second process of the role api.
fn another_api(cluster: &Cluster) -> Result<Avow> {
    let settings = avow_testkit::process::Settings::new("api");
    cluster.settings().into_iter().fold(settings, |settings, (key, value)| settings.env(key, value)).start()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_administered_from_the_command_line() -> Result<()> {
    let avow = embedded()?.start()?;
    let url = avow.url();
    let made = administer(&url, &["person", "add", "Ada", "ada@example.org", "--role", "analyst"])?;
    let secret = made.split("/invite#").nth(1).and_then(|rest| rest.split_whitespace().next()).context(made.clone())?;
    let mut browser = Browser::at(&url);
    ensure!(redeem(&mut browser, secret).await?.0 == 200);
    let listed = administer(&url, &["person", "list"])?;
    ensure!(listed.contains("ada@example.org") && listed.contains("analyst"), "{listed}");
    administer(&url, &["person", "disable", "ada@example.org"])?;
    ensure!(!browser.is_in().await?);
    administer(&url, &["person", "enable", "ada@example.org"])?;
    let again = administer(&url, &["person", "reset", "ada@example.org"])?;
    let secret =
        again.split("/invite#").nth(1).and_then(|rest| rest.split_whitespace().next()).context(again.clone())?;
    ensure!(redeem(&mut browser, secret).await?.0 == 200 && browser.is_in().await?);
    Ok(())
}
