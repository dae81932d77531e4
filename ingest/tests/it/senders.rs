//! Who may send: tokens, scopes, sites, origins, and what browsers are told.

use avow_schemas::control::Scope;
use avow_schemas::event::{BotGrade, Source};
use insta::assert_json_snapshot;
use serde_json::{Map, Value, json};

use crate::server::{BOOTSTRAP, CHROME, ORIGIN, Server, answer, decided, settings, site, with};

#[tokio::test(flavor = "multi_thread")]
async fn tokens() {
    let server = Server::start().await;
    server.control.put_site(&site("other.example"), settings()).await.unwrap();
    let writer = server.token(&[Scope::EventsWrite], None).await;
    let reader = server.token(&[Scope::StatsRead], None).await;
    let limited = server.token(&[Scope::EventsWrite], Some(&["other.example"])).await;
    let post = |token: &str, event: Value| server.post(event.to_string()).bearer_auth(token);

    assert_eq!(answer(post(&writer, decided())).await.0, 202);
    assert_eq!(answer(post(BOOTSTRAP, decided())).await.0, 202);
    assert_eq!(answer(server.post(decided().to_string())).await.0, 202);
    let mut answers = Map::new();
    for (name, request) in [
        ("401 wrong token", post("avow_0199f0a26f0b7c319d5e0d6f2c1f9a10_00", decided())),
        ("401 no bearer token", server.post(decided().to_string()).basic_auth("jane", Some("x"))),
        ("401 import without token", server.post_to("/v1/events?import=1", decided().to_string())),
        ("403 scope missing", post(&reader, decided())),
        ("403 import without admin", server.post_to("/v1/events?import=1", decided().to_string()).bearer_auth(&writer)),
        ("403 no site permitted", post(&limited, with(json!({ "id": "0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10" })))),
    ] {
        let (status, body) = answer(request).await;
        assert_eq!(status, name[..3].parse::<u16>().unwrap(), "{name}");
        answers.insert(name.into(), body);
    }
    assert_json_snapshot!("tokens", answers);
    // Where some events are permitted, the others have an unknown site.
    let mixed = json!({ "events": [decided(), with(json!({ "site": "other.example" }))] });
    let (status, body) = answer(post(&limited, mixed)).await;
    assert_eq!(
        (status, body["rejected"][0]["code"].as_str(), &body["accepted"]),
        (202, Some("unknown_site"), &json!(1))
    );
    let response = post("x", decided()).send().await.unwrap();
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"avow\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_speaks_for_others() {
    let server = Server::start().await;
    let bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    let writer = server.token(&[Scope::EventsWrite], None).await;
    let post = |agent: &str| server.client.post(server.url("/v1/events")).header("user-agent", agent);
    let text =
        |request: reqwest::RequestBuilder| request.header("content-type", "text/plain").body(decided().to_string());
    let by_token = text(post(bot)).bearer_auth(&writer).header("x-country", "FR");
    let requests = [text(post(CHROME)), text(post(bot)), text(server.client.post(server.url("/v1/events"))), by_token];
    for request in requests {
        assert_eq!(answer(request).await.0, 202);
    }
    let events = server.events().await;
    let seen: Vec<_> = events.iter().map(|e| (e.source, e.bot, e.device.as_deref(), e.country.as_deref())).collect();
    assert_eq!(
        seen,
        [
            (Source::None, BotGrade::No, Some("desktop"), None),
            (Source::None, BotGrade::Declared, None, None),
            (Source::None, BotGrade::Suspected, None, None),
            (Source::Token, BotGrade::No, None, Some("FR")),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_must_be_listed_by_the_events_site() {
    let server = Server::start().await;
    let mut other = settings();
    other.origins = vec!["https://other.example".into()];
    server.control.put_site(&site("other.example"), other).await.unwrap();
    for (origin, status, readable) in [
        (ORIGIN, 202, true),
        ("https://www.shop.example", 202, true),
        ("https://shop-example.cdn.ampproject.org", 202, true),
        // Listed, but by another site.
        ("https://other.example", 422, true),
        ("https://evil.example", 422, false),
        ("http://shop.example", 422, false),
        ("null", 422, false),
    ] {
        let response = server.post(decided().to_string()).header("origin", origin).send().await.unwrap();
        let allowed = response.headers().get("access-control-allow-origin").map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(response.headers()["vary"], "origin");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!((response.status().as_u16(), allowed.as_deref()), (status, readable.then_some(origin)), "{origin}");
        let body: Value = response.json().await.unwrap();
        if status == 422 {
            assert_eq!(body["code"], "origin_not_allowed", "{origin}");
        }
    }
    assert_eq!(server.fate("origin_not_allowed"), 4);
    assert!(server.refusals().await.is_empty(), "what anybody can cause is only counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn preflights_are_answered_for_listed_origins_only() {
    let server = Server::start().await;
    for (origin, allowed) in [(ORIGIN, true), ("https://evil.example", false)] {
        let request = server.client.request(reqwest::Method::OPTIONS, server.url("/v1/events"));
        let response = request
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 204);
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("access-control-allow-origin"), allowed.then_some(origin));
        assert_eq!(header("access-control-allow-methods"), allowed.then_some("POST"));
        let headers = "authorization, content-encoding, content-type";
        assert_eq!(header("access-control-allow-headers"), allowed.then_some(headers));
    }
    // A site that has just been made counts at once.
    let mut fresh = settings();
    fresh.origins = vec!["https://evil.example".into()];
    server.control.put_site(&site("fresh.example"), fresh).await.unwrap();
    let request = server.client.request(reqwest::Method::OPTIONS, server.url("/v1/events"));
    let response = request.header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "https://evil.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_problems() {
    let server = Server::start().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        let request = server.client.request(method.parse().unwrap(), server.url("/v1/events"));
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &"POST, OPTIONS".parse().unwrap())
        );
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        if method == "GET" {
            assert_json_snapshot!("method_not_allowed", response.json::<Value>().await.unwrap());
        }
    }
}
