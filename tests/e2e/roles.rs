//! Each role tried against each endpoint of the OpenAPI document: whether it is let in, and whether every endpoint is here.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::installation::embedded;
use crate::people::{Browser, site, somebody};

const SITE: &str = "shop.example";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
const HASH: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Who comes to an endpoint, each with what those before have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Anybody,
    /// Whoever has the link of a shared view.
    Shown,
    Analyst,
    Auditor,
    Admin,
}
use Who::{Admin, Analyst, Anybody, Auditor, Shown};

const ALL: [Who; 5] = [Anybody, Shown, Analyst, Auditor, Admin];

/// Method and path as in the document, what to send, and who is let in from which on.
struct Endpoint(&'static str, &'static str, Option<Value>, Who);

/// A request's path: what stands in braces is filled in so that it changes nothing.
fn filled(path: &str) -> String {
    let path = path.replace("{id}", NOBODY).replace("{site}", SITE).replace("{text_hash}", HASH);
    let path = path.replace("{hash}", HASH).replace("{screen}", "mobile").replace("{slug}", "chaport");
    let path = path.replace("{rule}", "ingestion_silent").replace("{message}", "msg").replace("{source}", "other");
    match path.replace("{log}", "operator") {
        path if path == "/api/v1/query" => query_link(&path),
        path if path.contains("/subjects/") => format!("{path}?site={SITE}&reason=asked"),
        path if path == "/api/v1/bridges" => {
            let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
            format!("{path}?site={SITE}&source=other&date_range={today},{today}")
        }
        path if [
            "/api/v1/live",
            "/api/v1/observations",
            "/api/v1/aggregates",
            "/api/v1/audit/attachments",
            "/api/v1/data-quality",
        ]
        .contains(&path.as_str()) =>
        {
            format!("{path}?site={SITE}")
        }
        path => path,
    }
}

/// A question about today, as an address.
fn query_link(path: &str) -> String {
    let today = today();
    format!("{path}?sites={SITE}&date_range={today},{today}&metrics=shown")
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[expect(clippy::too_many_lines, reason = "a row for each operation")]
fn table(today: &str) -> Vec<Endpoint> {
    let artefact = json!({
        "language": "en", "version": "1",
        "layers": [{"text": "May we?", "buttons": [{"action": "accept_all", "label": "Yes"}, {"action": "reject_all", "label": "No"}]}],
        "services": ["chaport"], "purposes": ["support"], "categories": ["preferences"],
    });
    let aggregate = json!({"days": [{"date": today, "shown": 1}]});
    let attachment = json!({"site": SITE, "title": "T", "issuer": "I", "date": today, "media_type": "text/plain", "content": "eA=="});
    let export = json!({"site": SITE, "from": "2026-01-01", "to": "2026-01-02"});
    let query = json!({"sites": [SITE], "date_range": [today, today], "metrics": ["shown"]});
    let reason = json!({"reason": "asked"});
    vec![
        Endpoint("get", "/api/v1/access-log", None, Admin),
        Endpoint("get", "/api/v1/aggregates", None, Shown),
        Endpoint("get", "/api/v1/aggregates/{site}/{source}", None, Admin),
        Endpoint("put", "/api/v1/aggregates/{site}/{source}", Some(aggregate), Admin),
        Endpoint("delete", "/api/v1/aggregates/{site}/{source}", None, Admin),
        Endpoint("get", "/api/v1/alert-rules", None, Analyst),
        Endpoint("put", "/api/v1/alert-rules/{rule}", Some(json!({})), Admin),
        Endpoint("delete", "/api/v1/alert-rules/{rule}", None, Admin),
        Endpoint("get", "/api/v1/alerts", None, Analyst),
        Endpoint("get", "/api/v1/alerts/{id}", None, Analyst),
        Endpoint("post", "/api/v1/alerts/{id}/acknowledge", Some(json!({"note": "seen"})), Analyst),
        Endpoint("get", "/api/v1/audit/attachments", None, Auditor),
        Endpoint("put", "/api/v1/audit/attachments", Some(attachment), Auditor),
        Endpoint("delete", "/api/v1/audit/attachments/{site}/{hash}", None, Auditor),
        Endpoint("get", "/api/v1/audit/exports", None, Auditor),
        Endpoint("post", "/api/v1/audit/exports", Some(export), Auditor),
        Endpoint("get", "/api/v1/audit/exports/{id}", None, Auditor),
        Endpoint("get", "/api/v1/audit/exports/{id}/bundle", None, Auditor),
        Endpoint("get", "/api/v1/audit/ledger", None, Auditor),
        Endpoint("post", "/api/v1/audit/ledger", None, Auditor),
        Endpoint("get", "/api/v1/audit/ledger/{id}", None, Auditor),
        Endpoint("get", "/api/v1/banners", None, Analyst),
        Endpoint("put", "/api/v1/banners", Some(json!({"site": SITE, "artefact": artefact})), Admin),
        Endpoint("get", "/api/v1/banners/{site}/{text_hash}", None, Analyst),
        Endpoint("get", "/api/v1/banners/{site}/{text_hash}/html", None, Analyst),
        Endpoint("get", "/api/v1/banners/{site}/{text_hash}/screenshots/{screen}", None, Analyst),
        Endpoint("get", "/api/v1/bridges", None, Shown),
        Endpoint("get", "/api/v1/data-quality", None, Analyst),
        Endpoint("get", "/api/v1/data-quality/ranges", None, Analyst),
        Endpoint("get", "/api/v1/dead-letters", None, Admin),
        Endpoint("post", "/api/v1/dead-letters/replay", Some(json!({"dry_run": true})), Admin),
        Endpoint("post", "/api/v1/invitations/redeem", Some(json!({"secret": "x", "password": "x"})), Anybody),
        Endpoint("get", "/api/v1/live", None, Shown),
        Endpoint("get", "/api/v1/me", None, Shown),
        Endpoint("get", "/api/v1/metadata", None, Shown),
        Endpoint("get", "/api/v1/observations", None, Analyst),
        Endpoint("get", "/api/v1/people", None, Admin),
        Endpoint("post", "/api/v1/people", Some(json!({"name": "N", "email": "no address", "role": "analyst"})), Admin),
        Endpoint("get", "/api/v1/people/{id}", None, Admin),
        Endpoint("patch", "/api/v1/people/{id}", Some(json!({"disabled": true})), Admin),
        Endpoint("delete", "/api/v1/people/{id}", None, Admin),
        Endpoint("post", "/api/v1/people/{id}/invitation", None, Admin),
        Endpoint("get", "/api/v1/query", None, Shown),
        Endpoint("post", "/api/v1/query", Some(query.clone()), Shown),
        Endpoint("get", "/api/v1/query/exports", None, Analyst),
        Endpoint("post", "/api/v1/query/exports", Some(json!({"query": query})), Analyst),
        Endpoint("get", "/api/v1/query/exports/{id}", None, Analyst),
        Endpoint("get", "/api/v1/query/exports/{id}/file", None, Analyst),
        Endpoint("get", "/api/v1/rebuilds", None, Admin),
        Endpoint("post", "/api/v1/rebuilds", None, Admin),
        Endpoint("get", "/api/v1/rebuilds/{id}", None, Admin),
        Endpoint("get", "/api/v1/reports", None, Admin),
        Endpoint(
            "post",
            "/api/v1/reports",
            Some(json!({"name": "N", "webhook": NOBODY, "sites": [SITE], "every": "day", "form": "csv"})),
            Admin,
        ),
        Endpoint("delete", "/api/v1/reports/{id}", None, Admin),
        Endpoint("get", "/api/v1/reports/{id}/document", None, Analyst),
        Endpoint("post", "/api/v1/reports/{id}/send", None, Admin),
        Endpoint("get", "/api/v1/services", None, Shown),
        Endpoint("post", "/api/v1/services", Some(json!({"origin": "own", "entries": []})), Admin),
        Endpoint("get", "/api/v1/services/{slug}", None, Shown),
        Endpoint("put", "/api/v1/services/{slug}", Some(json!({"name": "N"})), Admin),
        Endpoint("delete", "/api/v1/services/{slug}", None, Admin),
        Endpoint("get", "/api/v1/services/{slug}/history", None, Shown),
        Endpoint("get", "/api/v1/session", None, Shown),
        Endpoint("post", "/api/v1/session", Some(json!({"email": "x@example.org", "password": "x"})), Anybody),
        Endpoint("get", "/api/v1/session/oidc", None, Anybody),
        Endpoint("get", "/api/v1/session/oidc/callback", None, Anybody),
        Endpoint("get", "/api/v1/session/ways", None, Anybody),
        Endpoint("put", "/api/v1/session/password", Some(json!({"current": "x", "password": "x"})), Analyst),
        Endpoint("get", "/api/v1/sessions", None, Analyst),
        Endpoint("delete", "/api/v1/sessions/{id}", None, Analyst),
        Endpoint("get", "/api/v1/shares", None, Analyst),
        Endpoint("post", "/api/v1/shares", Some(json!({"path": "/settings", "name": "N"})), Analyst),
        Endpoint("delete", "/api/v1/shares/{id}", None, Analyst),
        Endpoint("get", "/api/v1/sites", None, Shown),
        Endpoint("get", "/api/v1/sites/{site}", None, Analyst),
        Endpoint("put", "/api/v1/sites/{site}", Some(json!({"name": SITE})), Admin),
        Endpoint("post", "/api/v1/sites/{site}/observation-switch", Some(json!({"hours": 1})), Admin),
        Endpoint("get", "/api/v1/subjects/{id}", None, Auditor),
        Endpoint("delete", "/api/v1/subjects/{id}", None, Admin),
        Endpoint("get", "/api/v1/subjects/{id}/export", None, Auditor),
        Endpoint("put", "/api/v1/subjects/{id}/hold", Some(reason.clone()), Admin),
        Endpoint("delete", "/api/v1/subjects/{id}/hold", None, Admin),
        Endpoint("put", "/api/v1/subjects/{id}/restriction", Some(reason), Admin),
        Endpoint("delete", "/api/v1/subjects/{id}/restriction", None, Admin),
        Endpoint("get", "/api/v1/tokens", None, Admin),
        Endpoint("post", "/api/v1/tokens", Some(json!({"name": "N", "scopes": ["no scope"]})), Admin),
        Endpoint("delete", "/api/v1/tokens/{id}", None, Admin),
        Endpoint("get", "/api/v1/webhooks", None, Admin),
        Endpoint("post", "/api/v1/webhooks", Some(json!({"url": "no address", "events": ["alert.opened"]})), Admin),
        Endpoint("get", "/api/v1/webhooks/{id}", None, Admin),
        Endpoint("patch", "/api/v1/webhooks/{id}", Some(json!({"enabled": false})), Admin),
        Endpoint("delete", "/api/v1/webhooks/{id}", None, Admin),
        Endpoint("get", "/api/v1/webhooks/{id}/deliveries", None, Admin),
        Endpoint("post", "/api/v1/webhooks/{id}/deliveries/{message}/redeliver", None, Admin),
        Endpoint("post", "/api/v1/webhooks/{id}/test", None, Admin),
        Endpoint("get", "/log", None, Anybody),
        Endpoint("get", "/log/{log}/checkpoint", None, Anybody),
        Endpoint("get", "/receipt/{id}", None, Anybody),
        Endpoint("post", "/v1/me", Some(json!({"receipt": {"id": "x", "seed": "x"}})), Anybody),
        // It ends the session with which it is asked, so it is the last.
        Endpoint("delete", "/api/v1/session", None, Analyst),
    ]
}

async fn described(url: &str) -> Result<BTreeSet<(String, String)>> {
    let document: Value = reqwest::get(format!("{url}/api/v1/openapi.json")).await?.json().await?;
    let paths = document["paths"].as_object().context("no paths")?;
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().into_iter().flat_map(|item| item.keys().cloned());
        methods.map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    Ok(paths.iter().flat_map(of_path).collect())
}

/// What an answer says of whether its caller was let in; an answer that does not end (a stream) is not waited for.
async fn answered(request: reqwest::RequestBuilder) -> Result<(u16, String)> {
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    if answer.status().is_success() {
        return Ok((status, String::new()));
    }
    let problem: Value = answer.json().await.unwrap_or_default();
    Ok((status, problem["code"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_reaches_what_it_may_and_nothing_else() -> Result<()> {
    let avow = embedded()?.env("AVOW_API__SIGN_IN_ATTEMPTS", "50").start()?;
    let url = avow.url();
    site(&url, SITE).await?;
    let table = table(&today());
    let named: BTreeSet<_> =
        table.iter().map(|Endpoint(method, path, ..)| ((*method).into(), (*path).into())).collect();
    let described = described(&url).await?;
    let missing: Vec<_> = described.symmetric_difference(&named).collect();
    ensure!(missing.is_empty(), "in the document or in the table alone: {missing:?}");

    let http = reqwest::Client::new();
    let mut wrong = Vec::new();
    let (_, mut sharer) = somebody(&url, "sharer@example.org", "analyst", None).await?;
    let share = json!({"path": format!("/?site={SITE}&period=7d"), "name": "for nobody"});
    let (_, share) = sharer.ask(Method::POST, "/api/v1/shares", Some(share)).await?;
    let share = share["link"].as_str().and_then(|link| link.split_once("#share=")).context("no link")?.1.to_owned();
    for who in ALL {
        let cookie = match who {
            Anybody | Shown => None,
            Analyst => signed_in(&url, "analyst").await?.cookie,
            Auditor => signed_in(&url, "auditor").await?.cookie,
            Admin => signed_in(&url, "admin").await?.cookie,
        };
        for Endpoint(method, path, body, from) in &table {
            let method = Method::from_bytes(method.to_uppercase().as_bytes())?;
            let mut request = http.request(method.clone(), format!("{url}{}", filled(path))).header("origin", &url);
            if let Some(cookie) = &cookie {
                request = request.header("cookie", cookie);
            }
            if who == Shown {
                request = request.bearer_auth(&share);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let (status, code) = answered(request).await?;
            let let_in = status != 403 && code != "unauthorized";
            let denied_as = if who == Anybody { 401 } else { 403 };
            if status >= 500 || let_in != (who >= *from) || (!let_in && status != denied_as) {
                wrong.push(format!("{who:?} {method} {path}: {status} {code}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

async fn signed_in(url: &str, role: &str) -> Result<Browser> {
    Ok(somebody(url, &format!("{role}@example.org"), role, None).await?.1)
}
