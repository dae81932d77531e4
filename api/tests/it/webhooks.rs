//! Webhooks, thresholds and reports: who may set what, and what is refused.

use avow_schemas::control::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{ADMIN, Bench, SITE};

#[tokio::test]
async fn messages_go_only_where_they_may() {
    let bench = Bench::start().await;
    let make = |url: &str, events: Value| json!({"url": url, "events": events});
    let opened = json!(["alert.opened"]);
    for (body, at) in [
        (make("http://hooks.example/", opened.clone()), "/url"),
        (make("https://127.0.0.1/", opened.clone()), "/url"),
        (make("https://[::ffff:10.0.0.1]/", opened.clone()), "/url"),
        (make("https://169.254.169.254/latest/meta-data/", opened.clone()), "/url"),
        (make("https://me:word@hooks.example/", opened.clone()), "/url"),
        (make("ftp://hooks.example/", opened.clone()), "/url"),
        (make("https://hooks.example/", json!([])), "/events"),
        (make("https://hooks.example/", json!(["alert.opened", "webhook.test"])), "/events/1"),
        (json!({"url": "https://hooks.example/", "events": opened, "sites": ["nowhere.example"]}), "/sites/0"),
    ] {
        let (status, problem) = bench.send(Method::POST, "/api/v1/webhooks", ADMIN, &body).await;
        assert_eq!((status, &problem["at"]), (422, &json!(at)), "{body}: {problem}");
    }
    let asked = json!({"url": "https://hooks.example/avow", "events": ["alert.opened"], "sites": [SITE]});
    let (status, made) = bench.send(Method::POST, "/api/v1/webhooks", ADMIN, &asked).await;
    assert_eq!(status, 201, "{made}");
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
    let (status, problem) = bench.send(Method::PATCH, &path, ADMIN, &json!({"url": "https://10.0.0.1/"})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_url")));
    let (_, changed) = bench.send(Method::PATCH, &path, ADMIN, &json!({"enabled": false, "description": "x"})).await;
    assert_eq!((&changed["sites"], &changed["description"]), (&json!([SITE]), &json!("x")));
    assert!(changed["disabled_at"].is_string() && changed.get("secret").is_none());
    let (_, changed) = bench.send(Method::PATCH, &path, ADMIN, &json!({"sites": null, "enabled": true})).await;
    assert!(changed["sites"].is_null() && changed["disabled_at"].is_null(), "{changed}");
    let (status, problem) = bench.send(Method::PATCH, &path, ADMIN, &json!({"secret": "whsec_"})).await;
    assert_eq!(status, 422, "{problem}");
}

#[tokio::test]
async fn a_token_of_one_site_handles_what_is_told_of_that_site() {
    let bench = Bench::start().await;
    let (status, _) = bench.send(Method::PUT, "/api/v1/sites/other.example", ADMIN, &json!({"name": "Other"})).await;
    assert_eq!(status, 201);
    let own = bench.token(&[Scope::Admin, Scope::StatsRead], Some(&[SITE])).await;
    let analyst = bench.token(&[Scope::StatsRead], None).await;
    let asked = |sites: Value| json!({"url": "https://hooks.example/", "events": ["report.ready"], "sites": sites});
    for (token, sites, expected) in [
        (own.as_str(), json!(null), 403),
        (&own, json!(["other.example"]), 403),
        (&analyst, json!([SITE]), 403),
        (&own, json!([SITE]), 201),
    ] {
        assert_eq!(bench.send(Method::POST, "/api/v1/webhooks", token, &asked(sites)).await.0, expected);
    }
    let (_, of_all) = bench.send(Method::POST, "/api/v1/webhooks", ADMIN, &asked(json!(null))).await;
    let path = format!("/api/v1/webhooks/{}", of_all["id"].as_str().unwrap());
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/test")),
        (Method::GET, format!("{path}/deliveries")),
        (Method::POST, format!("{path}/deliveries/msg_1/redeliver")),
    ] {
        assert_eq!(bench.send(method, &path, &own, &json!({})).await.0, 403, "{path}");
    }
    let (_, listed) = bench.send(Method::GET, "/api/v1/webhooks", &own, &json!({})).await;
    assert_eq!(listed["webhooks"].as_array().unwrap().len(), 1);

    // Thresholds: of one's own site; of all only without a limit.
    let rule = "/api/v1/alert-rules/ingestion_silent";
    assert_eq!(bench.send(Method::PUT, rule, &own, &json!({"minutes": 60})).await.0, 403);
    let here = format!("{rule}?site={SITE}");
    let (status, set) = bench.send(Method::PUT, &here, &own, &json!({"minutes": 60})).await;
    assert_eq!((status, &set["thresholds"]["minutes"], &set["thresholds"]["daily"]), (200, &json!(60), &json!(1000)));
    let (_, rules) = bench.send(Method::GET, "/api/v1/alert-rules", &analyst, &json!({})).await;
    assert_eq!(rules["rules"].as_array().unwrap().len(), 5);
    assert_eq!(bench.send(Method::DELETE, &here, &own, &json!({})).await.0, 204);
    assert_eq!(bench.send(Method::DELETE, &here, &own, &json!({})).await.0, 404);
    assert_eq!(bench.send(Method::PUT, "/api/v1/alert-rules/other", ADMIN, &json!({})).await.0, 404);
    let (status, problem) = bench.send(Method::PUT, rule, ADMIN, &json!({"minuets": 60})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_value")));
}

#[tokio::test]
async fn reports_need_a_webhook_a_site_and_a_zone_that_are_there() {
    let bench = Bench::start().await;
    let asked = json!({"url": "https://hooks.example/", "events": ["report.ready"]});
    let (_, hook) = bench.send(Method::POST, "/api/v1/webhooks", ADMIN, &asked).await;
    let report = |change: Value| {
        let mut body = json!({"name": "Daily", "webhook": hook["id"], "sites": [SITE], "every": "day", "form": "csv"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    for (change, status, at) in [
        (json!({"name": " "}), 422, json!("/name")),
        (json!({"every": "hour"}), 422, json!("/every")),
        (json!({"form": "xml"}), 422, json!("/form")),
        (json!({"view": "all"}), 422, json!("/view")),
        (json!({"language": "la"}), 422, json!("/language")),
        (json!({"hour": 24}), 422, json!("/hour")),
        (json!({"timezone": "Mars/Olympus"}), 422, json!("/timezone")),
        (json!({"sites": []}), 422, json!("/sites")),
        (json!({"webhook": "0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10"}), 404, json!(null)),
    ] {
        let (found, problem) = bench.send(Method::POST, "/api/v1/reports", ADMIN, &report(change)).await;
        assert_eq!((found, &problem["at"]), (status, &at), "{problem}");
    }
    let (status, made) = bench.send(Method::POST, "/api/v1/reports", ADMIN, &report(json!({}))).await;
    assert_eq!(status, 201, "{made}");
    assert!(made["next_at"].is_string() && made.get("secret").is_none(), "{made}");
    let hook = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());
    let (status, problem) = bench.send(Method::DELETE, &hook, ADMIN, &json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("webhook_in_use")));
    let document = format!("/api/v1/reports/{}/document", made["id"].as_str().unwrap());
    let response = bench.request(Method::GET, &document, ADMIN).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-disposition"].to_str().unwrap().contains("avow-overview-"));
}
