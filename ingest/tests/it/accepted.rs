//! What is answered 202, and what is then in the log.

use std::collections::BTreeMap;
use std::io::Write;

use avow_schemas::event::{BotGrade, EventType, LoadState, Method, Objections, Observed, Prompt, Regime, Source};
use avow_schemas::ids::ConfigVersion;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{ORIGIN, SITE, Server, answer, decided, now, settings, site, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_202_means_that_the_event_is_in_the_log() {
    let server = Server::start().await;
    let event = decided();
    let (status, body) = answer(server.post(event.to_string())).await;
    assert_eq!((status, body), (202, json!({ "accepted": 1, "rejected": [], "warnings": [] })));
    let events = server.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(json!(events[0].id), event["id"]);
    assert_eq!((events[0].source, server.fate("accepted")), (Source::None, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_is_carried() {
    let server = Server::start().await;
    let occurred_at = now();
    let event = json!({
        "id": "0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10", "site": SITE, "type": "decided",
        "subject": "5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22", "view": "k3v9", "prompt": "renewal", "layer": 1,
        "occurred_at": occurred_at, "sent_at": occurred_at,
        "banner": { "version": "2026-11-01", "language": "de", "variant": "B", "text_hash": format!("sha256:{}", "AB".repeat(32)) },
        "regime": "opt_out", "method": "save",
        "categories": { "essential": true, "preferences": true, "functional": false, "ads": false },
        "services": { "chaport": true, "crisp": false },
        "purposes": { "iab-1": true }, "objections": { "purposes": ["iab-7"], "services": ["crisp"] },
        "signals": { "tcf": "CQ", "gpp": "DBA", "consent_mode": { "ad_storage": "denied" }, "gpc": false },
        "page": "https://shop.example/checkout?mail=jane@x.example", "effort": { "clicks": 2, "ms": 4100.0 },
        "expires_at": "2027-05-24T02:00:00+02:00", "previous": "0199f0a1-6f0b-7c31-9d5e-0d6f2c1f9a10",
    });
    let request = server.post(event.to_string()).header("origin", ORIGIN).header("x-country", "de");
    assert_eq!(answer(request).await, (202, json!({ "accepted": 1, "rejected": [], "warnings": [] })));
    let found = server.events().await.remove(0);
    assert_eq!((found.kind, found.prompt, found.regime), (EventType::Decided, Prompt::Renewal, Regime::OptOut));
    assert_eq!((found.method, found.layer, found.view.as_deref()), (Some(Method::Save), Some(1), Some("k3v9")));
    let banner = (found.banner_version.as_deref(), found.language.as_deref(), found.variant.as_deref());
    assert_eq!(banner, (Some("2026-11-01"), Some("de"), Some("B")));
    assert_eq!(found.text_hash, Some(format!("sha256:{}", "ab".repeat(32))));
    let flags = |pairs: &[(&str, bool)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect::<BTreeMap<_, _>>();
    assert_eq!(found.categories, flags(&[("necessary", true), ("preferences", false), ("marketing", false)]));
    assert_eq!(found.services, flags(&[("chaport", true), ("crisp", false)]));
    assert_eq!(found.purposes, flags(&[("iab-1", true)]));
    let objections = Objections { purposes: vec!["iab-7".into()], services: vec!["crisp".into()] };
    assert_eq!(found.objections, Some(objections));
    assert_eq!((found.tcf.as_deref(), found.gpp.as_deref(), found.gpc), (Some("CQ"), Some("DBA"), Some(false)));
    assert_eq!(found.consent_mode, BTreeMap::from([("ad_storage".into(), "denied".into())]));
    assert_eq!((found.host.as_deref(), found.path.as_deref()), (Some("shop.example"), Some("/checkout")));
    assert_eq!((found.effort_clicks, found.effort_ms), (Some(2), Some(4100)));
    assert_eq!(found.expires_at, Some(1_811_116_800_000));
    assert_eq!(found.previous.map(|id| id.to_string()).as_deref(), Some("0199f0a1-6f0b-7c31-9d5e-0d6f2c1f9a10"));
    assert_eq!(found.subject.map(|id| id.to_string()).as_deref(), Some("5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22"));
    let seen = (found.device.as_deref(), found.browser.as_deref(), found.os.as_deref(), found.bot);
    assert_eq!(seen, (Some("desktop"), Some("Chrome"), Some("Windows"), BotGrade::No));
    assert_eq!((found.country.as_deref(), found.region), (Some("DE"), None));
    assert_eq!((found.source, found.config_version), (Source::Origin, ConfigVersion(1)));
    assert!(found.occurred_at <= found.received_at && found.occurred_at_claimed.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_of_event() {
    let server = Server::start().await;
    let base = |kind: &str| json!({ "id": Uuid::now_v7(), "site": SITE, "type": kind, "occurred_at": now() });
    let and = |mut event: Value, more: Value| {
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let subject = json!({ "subject": Uuid::new_v4() });
    let state = json!({ "preferences": false });
    let seen = json!({ "cookies": ["chaport_uid"], "domains": ["app.chaport.com"], "others": 3, "state": state });
    let events = [
        base("shown"),
        and(base("shown"), subject.clone()),
        and(and(base("decided"), subject.clone()), json!({ "method": "dismiss" })),
        and(and(base("decided"), subject.clone()), json!({ "purposes": { "p": false } })),
        and(base("withdrawn"), subject.clone()),
        and(and(base("withdrawn"), subject.clone()), json!({ "services": { "chaport": false } })),
        and(base("observed"), json!({ "observed": seen })),
        and(base("loaded"), json!({ "state": "partial" })),
    ];
    let (status, body) = answer(server.post(json!({ "events": events }).to_string())).await;
    assert_eq!((status, body), (202, json!({ "accepted": 8, "rejected": [], "warnings": [] })));
    let found = server.events().await;
    let of = |kind: EventType| found.iter().filter(|event| event.kind == kind).collect::<Vec<_>>();
    assert_eq!(of(EventType::Loaded)[0].state, Some(LoadState::Partial));
    let observed = Observed {
        cookies: vec!["chaport_uid".into()],
        domains: vec!["app.chaport.com".into()],
        others: 3,
        state: BTreeMap::from([("preferences".into(), false)]),
    };
    assert_eq!(of(EventType::Observed)[0].observed, Some(observed));
    assert_eq!(of(EventType::Decided)[1].method, None);
    let seeds: std::collections::HashSet<_> = found.iter().map(|event| event.seed.0).collect();
    assert_eq!(seeds.len(), 8, "each event has its own seed");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_forms_types_and_codings() {
    let server = Server::start().await;
    let (one, batch) = (decided().to_string(), json!({ "events": [decided(), decided()] }).to_string());
    let lines = format!("{}\r\n\n{}\n", decided(), decided());
    for (content_type, body, accepted) in [
        ("application/json", &one, 1),
        ("Application/JSON; charset=utf-8", &batch, 2),
        ("text/plain", &one, 1),
        ("text/plain;charset=UTF-8", &batch, 2),
        ("text/plain", &lines, 2),
        ("application/x-ndjson", &lines, 2),
    ] {
        for gzip in [false, true] {
            let request = server.client.post(server.url("/v1/events")).header("content-type", content_type);
            let request = match gzip {
                false => request.body(body.clone()),
                true => request.header("content-encoding", "gzip").body(packed(body.as_bytes())),
            };
            let (status, answer) = answer(request).await;
            assert_eq!((status, &answer["accepted"]), (202, &json!(accepted)), "{content_type} {answer}");
        }
    }
    assert_eq!((server.events().await.len(), server.fate("accepted")), (20, 20));
}

pub fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_mixed_batch_each_event_has_its_own_fate() {
    let server = Server::start().await;
    let repeated = decided();
    let stranger = with(json!({ "site": "elsewhere.example" }));
    let events = json!([decided(), stranger, repeated, repeated, with(json!({ "method": "implied" })), 7]);
    let (status, body) = answer(server.post(json!({ "events": events }).to_string())).await;
    assert_eq!((status, &body["accepted"]), (202, &json!(3)));
    let rejected = body["rejected"].as_array().unwrap();
    let told: Vec<_> = rejected.iter().map(|r| (r["index"].as_u64().unwrap(), r["code"].as_str().unwrap())).collect();
    assert_eq!(told, [(1, "unknown_site"), (4, "invalid_value"), (5, "malformed")]);
    assert_eq!(rejected[0]["id"], stranger["id"]);
    let fates = ["accepted", "unknown_site", "invalid_value", "malformed"].map(|fate| server.fate(fate));
    assert_eq!(fates, [3, 1, 1, 1]);
    assert_eq!(server.events().await.len(), 3);
    // Of these only the invalid value is written down: the others anybody can cause.
    let refusals = server.refusals().await;
    assert_eq!(refusals.len(), 1);
    let text = serde_json::to_string(&refusals[0]).unwrap();
    assert!(text.contains("invalid_value") && !text.contains(events[4]["subject"].as_str().unwrap()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_or_misplaced_is_left_out_and_named() {
    let server = Server::start().await;
    let event = with(json!({ "colour": "red", "banner": { "size": 3 }, "state": "granted", "view": null, "page": "" }));
    let body = json!({ "events": [event], "sent_at": now() }).to_string();
    let (status, body) = answer(server.post(body)).await;
    let warnings = body["warnings"].as_array().unwrap();
    let told: Vec<_> = warnings.iter().map(|w| (w["index"].as_u64(), w["field"].as_str().unwrap())).collect();
    let expected = [(None, "/sent_at"), (Some(0), "/colour"), (Some(0), "/banner/size"), (Some(0), "/state")];
    assert_eq!((status, told.as_slice()), (202, &expected[..]));
    assert_eq!(server.metrics.ingest.unknown_fields.get(), 4);
    assert_eq!(server.events().await[0].state, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn gpc_by_header_counts() {
    let server = Server::start().await;
    let denied = with(json!({ "signals": { "gpc": false } }));
    for (event, header) in [(&decided(), "1"), (&denied, "1"), (&decided(), "0")] {
        let (status, _) = answer(server.post(event.to_string()).header("sec-gpc", header)).await;
        assert_eq!(status, 202);
    }
    let gpc: Vec<_> = server.events().await.iter().map(|event| event.gpc).collect();
    assert_eq!(gpc, [Some(true), Some(true), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sharded_site_is_spread_by_subject() {
    let server = Server::start().await;
    let mut sharded = settings();
    sharded.ledger.shards = 4;
    server.control.put_site(&site("giant.example"), sharded).await.unwrap();
    let events: Vec<_> = (0..64).map(|_| with(json!({ "site": "giant.example" }))).collect();
    let (status, body) = answer(server.post(json!({ "events": events }).to_string())).await;
    assert_eq!((status, &body["accepted"]), (202, &json!(64)));
    let keys = server.event_keys().await;
    let expected: std::collections::BTreeSet<_> = (0..4).map(|k| format!("giant.example#{k}")).collect();
    assert_eq!(
        keys.into_iter().filter(|key| key.contains("giant")).collect::<std::collections::BTreeSet<_>>(),
        expected
    );
}
