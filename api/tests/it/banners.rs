//! What visitors were shown: put, listed and handed back.

use avow_log::{Log, ReadLimit, Topic};
use avow_schemas::control::Scope;
use avow_schemas::record::{ControlKind, LogRecord, decode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{ADMIN, Bench, SITE};
use crate::events::shown;

const PATH: &str = "/api/v1/banners";
/// The artefact written by hand in the form of RFC 8785, and its SHA-256 as `sha256sum` has it.
const CANONICAL: &str = r#"{"categories":["preferences"],"language":"de","layers":[{"buttons":[{"action":"accept_all","label":"Ja"},{"action":"reject_all","label":"Nein"}],"text":"Dürfen wir?"}],"note":{"a":1,"b":[1e+21,null]},"purposes":["support"],"services":["chaport"],"version":"2026-11"}"#;
const TEXT_HASH: &str = "sha256:f88aa451c4e1248700c802bf0ee3777a2dbafe8c9194fe94b55ac9d64921ea55";
/// The first bytes of a PNG, and a text that a browser must not take for one.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n<script>";
const PNG_BASE64: &str = "iVBORw0KGgo8c2NyaXB0Pg==";
const PNG_HASH: &str = "sha256:749f9967a0cf10033eb657de5613ce83b04b1bd35e267f7583791c22a6ade99f";

fn artefact() -> Value {
    json!({
        "version": "2026-11", "language": "de",
        "layers": [{"text": "D\u{fc}rfen wir?", "buttons": [{"label": "Ja", "action": "accept_all"}, {"label": "Nein", "action": "reject_all"}]}],
        "services": ["chaport"], "purposes": ["support"], "categories": ["preferences"],
        "note": {"b": [1e21, null], "a": 1.0},
    })
}

fn banner() -> Value {
    json!({"site": SITE, "artefact": artefact()})
}

async fn put(bench: &Bench, banner: &Value) -> (u16, Value) {
    bench.send(Method::PUT, PATH, ADMIN, banner).await
}

/// The control records of artefacts in the log.
async fn leaves(bench: &Bench) -> Vec<avow_schemas::record::ControlRecord> {
    let limit = ReadLimit { max_records: 1000, max_bytes: 8 << 20, max_wait: std::time::Duration::from_millis(10) };
    let records = bench.log.read(Topic::Events, 0, 0, limit).await.unwrap().records;
    let of = records.iter().filter_map(|record| match decode(&record.value) {
        Ok(LogRecord::ControlRecord(record)) if record.kind == ControlKind::BannerArtefact => Some(record),
        _ => None,
    });
    of.collect()
}

#[tokio::test]
async fn an_artefact_is_put_once_under_the_hash_of_its_canonical_json() {
    let bench = Bench::start().await;
    let (status, made) = put(&bench, &banner()).await;
    let expected = json!({"site": SITE, "text_hash": TEXT_HASH, "code_hash": null, "html_hash": null, "screenshots": {}, "created": true});
    assert_eq!((status, &made), (201, &expected));
    let (status, again) = put(&bench, &banner()).await;
    assert_eq!((status, &again["created"], &again["text_hash"]), (200, &json!(false), &json!(TEXT_HASH)));

    let records = leaves(&bench).await;
    assert_eq!((records.len(), records[0].id), (2, records[1].id), "put again, it is a repeat");
    let body: Value = serde_json::from_str(&records[0].body).unwrap();
    assert_eq!((&body["text_hash"], &body["services"]), (&json!(TEXT_HASH), &json!(["chaport"])));
    assert!(!records[0].body.contains("wir?"));

    let (status, whole) = bench.get(&format!("{PATH}/{SITE}/{TEXT_HASH}")).await;
    assert_eq!((status, &whole["artefact"]), (200, &artefact()));
    assert_eq!(whole["versions"].as_array().unwrap().len(), 1);
    let canonical: Value = serde_json::from_str(CANONICAL).unwrap();
    let (_, same) = put(&bench, &json!({"site": SITE, "artefact": canonical})).await;
    assert_eq!((&same["text_hash"], &same["created"]), (&json!(TEXT_HASH), &json!(false)));
}

#[tokio::test]
async fn what_is_kept_beside_it_is_handed_back_and_run_by_no_browser() {
    let bench = Bench::start().await;
    let code = format!("sha256:{}", "A".repeat(64));
    let mut whole = banner();
    whole["html"] = json!("<p>Dürfen wir?</p><script>alert(1)</script>");
    whole["screenshots"] = json!({"mobile": PNG_BASE64});
    let (status, made) = put(&bench, &whole).await;
    assert_eq!((status, &made["screenshots"]), (201, &json!({"mobile": PNG_HASH})), "{made}");
    let (status, more) = put(&bench, &json!({"site": SITE, "artefact": artefact(), "code_hash": code})).await;
    assert_eq!((status, &more["created"], &more["html_hash"]), (200, &json!(false), &made["html_hash"]));
    assert_eq!(more["code_hash"], code.to_lowercase());
    let (_, one) = bench.get(&format!("{PATH}/{SITE}/{TEXT_HASH}")).await;
    assert_eq!(one["versions"].as_array().unwrap().len(), 2);
    assert_eq!((&one["versions"][0]["code_hash"], &one["code_hash"]), (&Value::Null, &more["code_hash"]));
    let records = leaves(&bench).await;
    assert_eq!(records.len(), 2, "each version has its leaf");
    assert!(records[1].body.contains(more["code_hash"].as_str().unwrap()) && records[1].body.contains(PNG_HASH));

    for (path, media_type, bytes) in [
        ("html", "text/html; charset=utf-8", whole["html"].as_str().unwrap().as_bytes()),
        ("screenshots/mobile", "image/png", PNG),
    ] {
        let path = format!("{PATH}/{SITE}/{TEXT_HASH}/{path}");
        let answer = bench.request(Method::GET, &path, ADMIN).send().await.unwrap();
        let headers = answer.headers().clone();
        assert_eq!((answer.status().as_u16(), &headers["content-type"]), (200, &media_type.parse().unwrap()));
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("sandbox;"));
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.bytes().await.unwrap(), bytes);
    }
    for path in ["screenshots/desktop", "screenshots/tv"] {
        assert_eq!(bench.get(&format!("{PATH}/{SITE}/{TEXT_HASH}/{path}")).await.0, 404);
    }
}

#[tokio::test]
async fn what_is_of_the_wrong_shape_is_refused_by_name() {
    let bench = Bench::start().await;
    let refused = |change: Value, code: &'static str, at: &'static str| {
        let bench = &bench;
        async move {
            let mut whole = banner();
            for (place, value) in change.as_object().unwrap() {
                match whole.pointer_mut(place) {
                    Some(there) => *there = value.clone(),
                    None => whole[&place[1..]] = value.clone(),
                }
            }
            let (status, problem) = put(bench, &whole).await;
            let status_of = if code == "too_large" { 413 } else { 422 };
            assert_eq!((status, &problem["code"], &problem["at"]), (status_of, &json!(code), &json!(at)), "{problem}");
        }
    };
    for (change, at) in [
        (json!({"/artefact": []}), "/artefact"),
        (json!({"/artefact": {"layers": []}}), "/artefact/language"),
        (json!({"/artefact/language": "?"}), "/artefact/language"),
        (json!({"/artefact/layers/0/buttons/1/action": "hide"}), "/artefact/layers/0/buttons/1/action"),
        (json!({"/artefact/layers/0/buttons/1": {"action": "link"}}), "/artefact/layers/0/buttons/1/label"),
        (json!({"/artefact/services/0": "No Slug"}), "/artefact/services/0"),
        (json!({"/code_hash": "sha256:1"}), "/code_hash"),
        (json!({"/html": 1}), "/html"),
        (json!({"/screenshots": {"tv": ""}}), "/screenshots/tv"),
        (json!({"/screenshots": {"mobile": "!"}}), "/screenshots/mobile"),
        (json!({"/screenshots": {"desktop": "PHN2Zy8+"}}), "/screenshots/desktop"),
        (json!({"/colour": "red"}), "/colour"),
    ] {
        refused(change, "invalid_value", at).await;
    }
    refused(json!({"/site": "nowhere.example"}), "unknown_site", "/site").await;
    refused(json!({"/html": "x".repeat((1 << 20) + 1)}), "too_large", "/html").await;
    refused(json!({"/artefact/layers/0/text": "x".repeat(256 << 10)}), "too_large", "/artefact").await;
    let large = "A".repeat((4 << 20) / 3 * 4 + 8);
    refused(json!({"/screenshots": {"mobile": large}}), "too_large", "/screenshots/mobile").await;
    let (status, problem) = put(&bench, &json!({"site": SITE, "artefact": "x".repeat(17 << 20)})).await;
    assert_eq!((status, &problem["code"]), (413, &json!("too_large")));
    // The largest of everything is taken.
    let mut largest = banner();
    largest["html"] = json!("\"".repeat(1 << 20));
    let picture = format!("iVBORw0KGgo8{}", "A".repeat((4 << 20) / 3 * 4 - 12));
    largest["screenshots"] = json!({"mobile": picture, "desktop": picture});
    assert_eq!(put(&bench, &largest).await.0, 201);
    assert_eq!(leaves(&bench).await.len(), 1);
}

#[tokio::test]
async fn scopes_and_sites_bind_and_lists_are_read_in_pages() {
    let bench = Bench::start().await;
    let other = "other.example";
    let made = bench.send(Method::PUT, "/api/v1/sites/other.example", ADMIN, &json!({"name": "Other"})).await;
    assert_eq!(made.0, 201);
    let analyst = bench.token(&[Scope::StatsRead], Some(&[SITE])).await;
    let manager = bench.token(&[Scope::Admin], Some(&[SITE])).await;
    let writer = bench.token(&[Scope::EventsWrite], None).await;
    let elsewhere = json!({"site": other, "artefact": artefact()});
    for (token, body, status) in [
        (analyst.as_str(), banner(), 403),
        (&manager, elsewhere.clone(), 403),
        (&manager, banner(), 201),
        (ADMIN, elsewhere, 201),
        ("nobody", banner(), 401),
    ] {
        assert_eq!(bench.send(Method::PUT, PATH, token, &body).await.0, status, "{token} {body}");
    }
    for (token, path, status) in [
        (analyst.as_str(), format!("{PATH}?site={SITE}"), 200),
        (&analyst, format!("{PATH}?site={other}"), 403),
        (&analyst, format!("{PATH}/{other}/{TEXT_HASH}"), 403),
        (&analyst, format!("{PATH}/{other}/{TEXT_HASH}/html"), 403),
        (&writer, PATH.to_owned(), 403),
        (ADMIN, format!("{PATH}?site=nowhere.example"), 404),
        (ADMIN, format!("{PATH}/{SITE}/sha256:0"), 404),
        (ADMIN, format!("{PATH}?limit=0"), 422),
        (ADMIN, format!("{PATH}?cursor=x"), 422),
    ] {
        assert_eq!(bench.send(Method::GET, &path, token, &json!(null)).await.0, status, "{path}");
    }
    let (_, seen) = bench.send(Method::GET, PATH, &analyst, &json!(null)).await;
    assert_eq!(seen["banners"].as_array().unwrap().len(), 1);
    let (_, first) = bench.get(&format!("{PATH}?limit=1")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = bench.get(&format!("{PATH}?limit=1&cursor={cursor}")).await;
    // Two that were put in the same millisecond are listed by the site's name, so only the pages together are certain.
    let mut paged = [&first, &second].map(|page| page["banners"][0]["site"].as_str().unwrap());
    paged.sort_unstable();
    assert_eq!(paged, [other, SITE]);
    assert_eq!((&second["next_cursor"], &second["banners"][0]["language"]), (&Value::Null, &json!("de")));
}

#[tokio::test]
async fn events_that_name_what_was_never_put_are_counted() {
    let bench = Bench::start().await;
    let naming =
        |hash: Option<&str>| shown("2026-11-10T12:00:00Z").with(|event| event.text_hash = hash.map(Into::into));
    bench.land(vec![naming(None), naming(Some(TEXT_HASH)), naming(Some("sha256:2")), naming(Some("sha256:2"))]).await;
    let (_, books) = bench.get(&format!("/api/v1/data-quality?site={SITE}")).await;
    assert_eq!((&books["sites"][0]["unknown_text_hash"], &books["balanced"]), (&json!(3), &json!(true)), "{books}");
}
