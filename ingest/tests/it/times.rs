//! Clocks, ages, versions of settings, imports.

use avow_schemas::control::Scope;
use avow_schemas::event::Source;
use avow_schemas::ids::ConfigVersion;
use serde_json::json;

use crate::server::{SITE, Server, ago, answer, settings, site, with};

const DAY: i64 = 24 * 60 * 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_corrected_and_both_times_are_kept() {
    let server = Server::start().await;
    // Two hours slow, ten seconds between the event and sending it; then a clock that is right to 30 s; then one stuck in 1970.
    let slow = with(json!({ "occurred_at": ago(7_210), "sent_at": ago(7_200) }));
    let fine = with(json!({ "occurred_at": ago(40), "sent_at": ago(30) }));
    let stuck = with(json!({ "occurred_at": "1970-01-01T00:00:00Z", "sent_at": "1970-01-01T00:00:10Z" }));
    let ahead = with(json!({ "occurred_at": ago(-7_190), "sent_at": ago(-7_200) }));
    for event in [&slow, &fine, &stuck, &ahead] {
        let (status, body) = answer(server.post(event.to_string())).await;
        assert_eq!(status, 202, "{body}");
    }
    let events = server.events().await;
    for event in [&events[0], &events[2], &events[3]] {
        let (claimed, sent_at) = (event.occurred_at_claimed.unwrap(), event.sent_at.unwrap());
        assert_eq!(event.occurred_at, claimed + event.received_at - sent_at);
        assert_eq!(event.received_at - event.occurred_at, sent_at - claimed);
    }
    assert_eq!((events[1].occurred_at_claimed, server.metrics.ingest.corrected_clocks.get()), (None, 3));
    assert!(events[1].received_at - events[1].occurred_at >= 40_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_must_be_of_the_last_30_days_and_at_most_5_minutes_ahead() {
    let server = Server::start().await;
    for (occurred_at, code) in [
        (ago(30 * DAY - 60), None),
        (ago(30 * DAY + 60), Some("too_old")),
        (ago(-240), None),
        (ago(-360), Some("in_the_future")),
        ("1970-01-01T00:00:00Z".into(), Some("too_old")),
        ("2099-01-01T00:00:00Z".into(), Some("in_the_future")),
    ] {
        let (status, body) = answer(server.post(with(json!({ "occurred_at": occurred_at })).to_string())).await;
        let told = body["rejected"][0]["code"].as_str();
        assert_eq!((status, told), (if code.is_some() { 422 } else { 202 }, code), "{occurred_at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_imports_old_events_as_they_are() {
    let server = Server::start().await;
    let admin = server.token(&[Scope::Admin], None).await;
    let old = with(json!({ "occurred_at": "2019-03-03T10:00:00Z", "sent_at": "2019-03-03T10:00:05Z" }));
    let import = |event: &serde_json::Value| {
        let url = server.url("/v1/events?import=1");
        server.client.post(url).bearer_auth(&admin).header("content-type", "application/json").body(event.to_string())
    };
    assert_eq!(answer(import(&old)).await.0, 202);
    let found = &server.events().await[0];
    assert_eq!((found.source, found.occurred_at_claimed), (Source::Import, None));
    assert_eq!(found.occurred_at, 1_551_607_200_000);
    for (occurred_at, code) in [
        ("1999-12-31T23:59:59Z", "too_old"),
        ("1970-01-01T00:00:00Z", "too_old"),
        ("2099-01-01T00:00:00Z", "in_the_future"),
    ] {
        let (status, body) = answer(import(&with(json!({ "occurred_at": occurred_at })))).await;
        assert_eq!((status, body["rejected"][0]["code"].as_str()), (422, Some(code)), "{occurred_at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_cites_the_settings_that_were_in_force_when_it_happened() {
    let server = Server::start().await;
    let first = server.control.directory().site(SITE).unwrap().current().in_force_from;
    let mut changed = settings();
    changed.page_templates.clear();
    let second = server.control.put_site(&site(SITE), changed).await.unwrap().in_force_from;
    let at = |ms: i64| jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
    let page = "https://shop.example/checkout";
    for (occurred_at, version, path) in [
        (ago(60), 1, Some("/checkout")),
        (at(first), 1, Some("/checkout")),
        (at(second - 1), 1, Some("/checkout")),
        (at(second), 2, None),
    ] {
        let event = with(json!({ "occurred_at": occurred_at, "page": page }));
        assert_eq!(answer(server.post(event.to_string())).await.0, 202);
        let id = &event["id"];
        let found = server.events().await.into_iter().find(|found| json!(found.id) == *id).unwrap();
        assert_eq!((found.config_version, found.path.as_deref()), (ConfigVersion(version), path), "{occurred_at}");
    }
}
