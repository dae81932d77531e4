//! `GET /v1/pixel.gif`.

use avow_schemas::event::Source;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::server::{CHROME, SITE, Server};

fn address(server: &Server, event: &Value) -> String {
    server.url(&format!("/v1/pixel.gif?e={}", URL_SAFE_NO_PAD.encode(event.to_string())))
}

async fn fetch(server: &Server, url: String) -> reqwest::Response {
    server.client.get(url).header("user-agent", CHROME).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_an_address_is_taken_each_time_it_is_fetched() {
    let server = Server::start().await;
    let shown = json!({"site": SITE, "type": "shown", "banner": {"version": "noscript"}});
    let first = fetch(&server, address(&server, &shown)).await;
    assert_eq!((first.status().as_u16(), &first.headers()["content-type"]), (200, &"image/gif".parse().unwrap()));
    assert_eq!(first.headers()["cache-control"], "no-store");
    assert!(first.bytes().await.unwrap().starts_with(b"GIF89a"));
    let padded = format!("/v1/pixel.gif?v=2&e={}", URL_SAFE.encode(shown.to_string()).replace('=', "%3D"));
    assert_eq!(fetch(&server, server.url(&padded)).await.status(), 200);
    let events = server.events().await;
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.source == Source::Pixel && event.device.as_deref() == Some("desktop")));
    assert_ne!(events[0].id, events[1].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_an_id_keeps_it_and_a_token_means_nothing() {
    let server = Server::start().await;
    let id = uuid::Uuid::now_v7();
    let event = json!({"id": id, "site": SITE, "type": "shown", "occurred_at": jiff::Timestamp::now()});
    let url = format!("{}&import=1", address(&server, &event));
    let token = server.token(&[avow_schemas::control::Scope::Admin], None).await;
    assert_eq!(server.client.get(url).bearer_auth(token).send().await.unwrap().status(), 200);
    let events = server.events().await;
    assert_eq!((events[0].id.0, events[0].source), (id, Source::Pixel));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_told_and_a_look_counts_nothing() {
    let server = Server::start().await;
    let encoded = |text: &str| format!("/v1/pixel.gif?e={}", URL_SAFE_NO_PAD.encode(text));
    for (path, status) in [
        ("/v1/pixel.gif".to_owned(), 400),
        ("/v1/pixel.gif?e=*".to_owned(), 400),
        (encoded("[1"), 400),
        (encoded(r#"{"events": []}"#), 400),
        (encoded(r#"{"site": "shop.example"}"#), 422),
        (encoded(r#"{"site": "nobody.example", "type": "shown"}"#), 422),
    ] {
        let answer = fetch(&server, server.url(&path)).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let shown = json!({"site": SITE, "type": "shown"});
    assert_eq!(server.client.head(address(&server, &shown)).send().await.unwrap().status(), 200);
    assert_eq!(server.client.post(address(&server, &shown)).send().await.unwrap().status(), 405);
    assert!(server.events().await.is_empty());
}
