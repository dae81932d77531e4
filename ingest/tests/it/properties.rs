//! Whatever is sent: no panic, a status of the contract, and exactly one fate for each event.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::server::{Server, decided, read};

/// JSON of any shape, with the names of our fields among others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "shop.example",
            "decided",
            "shown",
            "save",
            "2026-11-24T10:15:02Z",
            "https://shop.example/"
        ])
        .prop_map(Value::from),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "id",
            "site",
            "type",
            "subject",
            "occurred_at",
            "sent_at",
            "banner",
            "version",
            "categories",
            "services",
            "signals",
            "tcf",
            "observed",
            "cookies",
            "events",
            "effort",
            "ms",
            "objections",
            "page",
            "state",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|pairs| pairs.into_iter().collect::<Value>()),
        ]
    })
}

/// A good event with some fields made anything.
fn spoilt_event() -> impl Strategy<Value = Value> {
    let names = prop::sample::subsequence(
        vec!["id", "site", "type", "subject", "occurred_at", "banner", "categories", "signals", "page", "effort", "x"],
        0..3,
    );
    (names, prop::collection::vec(any_json(), 3)).prop_map(|(names, values)| {
        let mut event = decided();
        for (name, value) in names.into_iter().zip(values) {
            event[name] = value;
        }
        event
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let lines = |events: Vec<Value>| events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n").into_bytes();
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        any_json().prop_map(|value| value.to_string().into_bytes()),
        prop::collection::vec(spoilt_event(), 0..6)
            .prop_map(|events| json!({ "events": events }).to_string().into_bytes()),
        prop::collection::vec(spoilt_event(), 0..6).prop_map(lines),
        (spoilt_event(), any::<prop::sample::Index>()).prop_map(|(event, at)| {
            let mut bytes = event.to_string().into_bytes();
            bytes.truncate(at.index(bytes.len()));
            bytes
        }),
        (spoilt_event(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(event, at, byte)| {
            let mut bytes = event.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]
}

const FATES: [&str; 11] = [
    "accepted",
    "malformed",
    "missing_field",
    "invalid_value",
    "unknown_site",
    "origin_not_allowed",
    "too_old",
    "in_the_future",
    "too_large",
    "quota_exceeded",
    "not_promised",
];

#[test]
fn any_body_gives_each_event_exactly_one_fate() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let counted = || FATES.iter().map(|fate| server.fate(fate)).sum::<u64>();
    let mut runner = TestRunner::new(Config { cases: 1_500, failure_persistence: None, ..Config::default() });
    let types = prop::sample::select(vec!["text/plain", "application/json", "application/x-ndjson"]);
    let outcome = runner.run(&(any_body(), types), |(body, content_type)| {
        let (before, stored) = (counted(), server.fate("accepted"));
        let request = server.client.post(server.url("/v1/events")).header("content-type", content_type).body(body);
        let (status, answer) = runtime.block_on(async { read(request.send().await.unwrap()).await });
        prop_assert!([202, 400, 413, 422].contains(&status), "{status} {answer}");
        let accepted = answer["accepted"].as_u64().unwrap_or(0);
        let rejected = answer["rejected"].as_array().map_or(0, Vec::len) as u64;
        prop_assert_eq!(counted() - before, accepted + rejected, "{}", answer);
        prop_assert_eq!(server.fate("accepted") - stored, accepted);
        Ok(())
    });
    outcome.unwrap();
    let stored = runtime.block_on(server.events()).len() as u64;
    assert_eq!((stored, server.fate("not_promised")), (server.fate("accepted"), 0));
}
