//! Who may do what, what is refused and how, and what every answer carries.

use avow_schemas::control::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{ADMIN, Bench, SITE};

#[tokio::test]
async fn without_a_token_nothing_is_told() {
    let bench = Bench::start().await;
    for path in [
        "/api/v1/query",
        "/api/v1/sites",
        "/api/v1/me",
        "/api/v1/live",
        "/api/v1/services",
        "/api/v1/audit/exports",
        "/api/v1/audit/ledger",
        "/api/v1/live?token=x",
    ] {
        let method = if path.ends_with("query") { Method::POST } else { Method::GET };
        for token in ["", "avow_0199f0a26f0b7c319d5e0d6f2c1f9a10_00", "Bearer"] {
            let response = bench.request(method.clone(), path, token).json(&json!({})).send().await.unwrap();
            assert_eq!(response.status(), 401, "{path}");
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            assert_eq!(response.json::<Value>().await.unwrap()["code"], "unauthorized");
        }
    }
    let bare = reqwest::get(format!("{}/api/v1/sites", bench.url)).await.unwrap();
    assert_eq!(bare.status(), 401);
}

#[tokio::test]
async fn scopes_and_sites_bind() {
    let bench = Bench::start().await;
    let settings = json!({"name": "Other"});
    assert_eq!(bench.send(Method::PUT, "/api/v1/sites/other.example", ADMIN, &settings).await.0, 201);
    let question =
        |site: &str| json!({"sites": [site], "metrics": ["shown"], "date_range": ["2026-11-01", "2026-11-02"]});
    let analyst = bench.token(&[Scope::StatsRead], Some(&[SITE])).await;
    let writer = bench.token(&[Scope::EventsWrite], None).await;

    assert_eq!(bench.ask_as(&analyst, question(SITE)).await.0, 200);
    let (status, problem) = bench.ask_as(&analyst, question("other.example")).await;
    assert_eq!((status, &problem["code"], &problem["at"]), (403, &json!("site_forbidden"), &json!("/sites/0")));
    // Whether a site exists is not told to whom it is not open.
    assert_eq!(bench.ask_as(&analyst, question("nowhere.example")).await.0, 403);
    let (status, problem) = bench.ask_as(&writer, question(SITE)).await;
    assert_eq!((status, &problem["code"], &problem["scope"]), (403, &json!("scope_missing"), &json!("stats:read")));

    for (method, path, body) in [
        (Method::PUT, "/api/v1/sites/other.example", settings),
        (Method::GET, "/api/v1/tokens", json!({})),
        (Method::POST, "/api/v1/tokens", json!({"name": "x", "scopes": ["admin"]})),
        (Method::POST, "/api/v1/audit/ledger", json!({})),
        (Method::POST, "/api/v1/audit/exports", json!({"site": SITE, "from": "2026-01-01", "to": "2026-02-01"})),
        (Method::GET, "/api/v1/subjects/5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22?site=shop.example", json!({})),
        (Method::GET, "/api/v1/sites/other.example", json!({})),
        (Method::GET, "/api/v1/live?site=other.example", json!({})),
        (Method::GET, "/api/v1/data-quality?site=other.example", json!({})),
    ] {
        assert_eq!(bench.send(method, path, &analyst, &body).await.0, 403, "{path}");
    }
    let (_, sites) = bench.send(Method::GET, "/api/v1/sites", &analyst, &json!({})).await;
    assert_eq!(sites["sites"].as_array().unwrap().len(), 1);
    let (_, me) = bench.send(Method::GET, "/api/v1/me", &analyst, &json!({})).await;
    assert_eq!((&me["role"], &me["scopes"], &me["sites"]), (&json!("analyst"), &json!(["stats:read"]), &json!([SITE])));
    let (_, me) = bench.get("/api/v1/me").await;
    assert_eq!((&me["role"], &me["sites"]), (&json!("admin"), &Value::Null));
}

#[tokio::test]
async fn a_question_that_names_what_does_not_exist_is_422() {
    let bench = Bench::start().await;
    for (change, code, at) in [
        (json!({"metrics": ["shown", "happiness"]}), "unknown_metric", "/metrics/1"),
        (json!({"metrics": []}), "unknown_metric", "/metrics"),
        (json!({"dimensions": ["planet"]}), "unknown_dimension", "/dimensions/0"),
        (json!({"sites": ["nowhere.example"]}), "unknown_site", "/sites/0"),
        (json!({"sites": ["NOT A SITE"]}), "unknown_site", "/sites/0"),
        (json!({"timezone": "Mars/Olympus"}), "unknown_timezone", "/timezone"),
        (json!({"date_range": ["2026-11-02", "2026-11-01"]}), "invalid_date_range", "/date_range"),
        (json!({"date_range": ["2026-11-31", "2026-11-01"]}), "invalid_date", "/date_range/0"),
        (json!({"dimensions": ["time"]}), "invalid_interval", "/interval"),
        (json!({"dimensions": ["time"], "interval": "decade"}), "invalid_interval", "/interval"),
        (json!({"filters": [["is", "bot", ["perhaps"]]]}), "unknown_value", "/filters/0/2/0"),
        (
            json!({"dimensions": ["category"], "filters": [["is", "service", ["chaport"]]]}),
            "service_filter_by_category",
            "/filters",
        ),
        (json!({"order_by": [["country", "asc"]]}), "invalid_order", "/order_by/0/0"),
        (json!({"order_by": [["shown", "up"]]}), "invalid_order", "/order_by/0/1"),
        (json!({"limit": 0}), "invalid_limit", "/limit"),
        (json!({"limit": -1}), "invalid_value", "/limit"),
        (json!({"colour": "red"}), "invalid_value", "/colour"),
    ] {
        let mut body = json!({"metrics": ["shown"]});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, problem) = bench.ask_as(ADMIN, body.clone()).await;
        assert_eq!((status, &problem["code"], &problem["at"]), (422, &json!(code), &json!(at)), "{body}: {problem}");
    }
}

#[tokio::test]
async fn whatever_is_no_request_is_refused_as_a_problem() {
    let bench = Bench::start().await;
    let problem = |response: reqwest::Response| async {
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap()["code"].as_str().unwrap().to_owned())
    };
    let post = |kind: &'static str, body: Vec<u8>| {
        bench.request(Method::POST, "/api/v1/query", ADMIN).header("content-type", kind).body(body).send()
    };
    let nested = [vec![b'['; 2_000], vec![b']'; 2_000]].concat();
    for (kind, body, expected) in [
        ("application/json", b"{\"metrics\":".to_vec(), (400, "malformed")),
        ("application/json", b"\xff\xfe".to_vec(), (400, "malformed")),
        ("application/json", nested, (422, "invalid_value")),
        ("application/json", vec![b' '; 2 << 20], (413, "too_large")),
        ("text/plain", b"{}".to_vec(), (415, "unsupported_media_type")),
    ] {
        let (status, code) = problem(post(kind, body).await.unwrap()).await;
        assert_eq!((status, code.as_str()), expected);
    }
    for (method, path, expected) in [
        (Method::PUT, "/api/v1/query", (405, "method_not_allowed")),
        (Method::GET, "/api/v1/nothing", (404, "not_found")),
        (Method::GET, "/api/v1/services/none", (404, "unknown_service")),
        (Method::GET, "/api/v1/services/chaport?language=tlh", (422, "unknown_language")),
        (Method::GET, "/api/v1/services?limit=x", (422, "invalid_parameter")),
        (Method::GET, "/api/v1/sites/nowhere.example", (404, "unknown_site")),
        (Method::GET, "/api/v1/subjects/none?site=shop.example", (404, "not_found")),
        (Method::GET, "/api/v1/live?site=nowhere.example", (422, "unknown_site")),
        (Method::DELETE, "/api/v1/tokens/0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10", (404, "unknown_token")),
    ] {
        let (status, code) = problem(bench.request(method, path, ADMIN).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), expected, "{path}");
    }
}

#[tokio::test]
async fn the_catalogue_is_read_in_pages_and_in_languages() {
    let bench = Bench::start().await;
    let mut slugs = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = bench.get(&format!("/api/v1/services?limit=5{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        slugs.extend(page["services"].as_array().unwrap().iter().map(|s| s["slug"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(slugs.len() >= 12 && slugs.is_sorted() && slugs.contains(&"chaport".to_owned()), "{slugs:?}");
    let (_, german) = bench.get("/api/v1/services/chaport?language=de").await;
    let (_, english) = bench.get("/api/v1/services/chaport").await;
    assert_eq!((&german["category"], &german["risk_level"]), (&json!("preferences"), &json!("medium")));
    assert_ne!(german["summary"], english["summary"]);
}

#[tokio::test]
async fn the_openapi_document_is_the_committed_one() {
    let bench = Bench::start().await;
    let served = reqwest::get(format!("{}/api/v1/openapi.json", bench.url)).await.unwrap().text().await.unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi/avow.json");
    if std::env::var_os("AVOW_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &served).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        served == committed,
        "schemas/openapi/avow.json is not what the handlers say: run this test with AVOW_WRITE_OPENAPI=1"
    );
    let document: Value = serde_json::from_str(&served).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));

    let page = reqwest::get(format!("{}/api/docs", bench.url)).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn the_books_are_open() {
    let bench = Bench::start().await;
    bench.land(vec![crate::events::shown("2026-11-10T12:00:00Z"), crate::events::shown("2026-11-10T12:00:00Z")]).await;
    let (status, books) = bench.get("/api/v1/data-quality").await;
    assert_eq!(status, 200, "{books}");
    assert_eq!(books["balanced"], true);
    let site = books["sites"].as_array().unwrap().iter().find(|site| site["site"] == SITE).unwrap();
    assert_eq!((&site["read"], &site["rows"]["events"]), (&json!(2), &json!(2)));

    // A row deleted by hand shows.
    let client = bench.warehouse.client();
    client
        .query("ALTER TABLE events_data DELETE WHERE kind = 'event' AND position % 2 = 0 SETTINGS mutations_sync = 2")
        .execute()
        .await
        .unwrap();
    let (_, books) = bench.get("/api/v1/data-quality?site=shop.example").await;
    assert_eq!((&books["balanced"], &books["sites"][0]["rows"]["events"]), (&json!(false), &json!(1)));
}

#[tokio::test]
async fn answers_are_counted_by_route_and_no_subject_is_named() {
    let bench = Bench::start().await;
    let subject = "5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22";
    let path = format!("/api/v1/subjects/{subject}?site={SITE}");
    // Nothing is held of this one; the route is known all the same.
    assert_eq!(bench.send(Method::GET, &path, ADMIN, &json!(null)).await.0, 404);
    assert_eq!(bench.send(Method::GET, &format!("/nothing/{subject}"), ADMIN, &json!(null)).await.0, 404);
    let text = bench.metrics.text().unwrap();
    let counted = |line: &str| assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    counted(r#"avow_api_requests_total{route="/api/v1/subjects/{id}",status="404"} 1"#);
    counted(r#"avow_api_requests_total{route="other",status="404"} 1"#);
    counted(r#"avow_api_request_seconds_count{route="/api/v1/subjects/{id}"} 1"#);
    assert!(!text.contains(subject));
}
