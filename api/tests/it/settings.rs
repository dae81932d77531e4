//! Sites and tokens.

use avow_schemas::control::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{ADMIN, Bench, SITE};

#[tokio::test]
async fn a_site_is_made_replaced_and_versioned() {
    let bench = Bench::start().await;
    let path = "/api/v1/sites/new.example";
    let (status, made) = bench.send(Method::PUT, path, ADMIN, &json!({"name": "New"})).await;
    assert_eq!((status, &made["site"], &made["version"]), (201, &json!("new.example"), &json!(1)));
    assert_eq!(
        (&made["suppress_below"], &made["timezone"], &made["dismiss_means"]),
        (&json!(5), &json!("UTC"), &json!("refusal"))
    );

    let settings = json!({"name": "New", "services": {"chaport": "functional"}, "timezone": "Europe/Paris", "validity_days": {"granted": 365}});
    let (status, changed) = bench.send(Method::PUT, path, ADMIN, &settings).await;
    assert_eq!((status, &changed["version"], &changed["services"]["chaport"]), (200, &json!(2), &json!("preferences")));
    assert_eq!(changed["validity_days"], json!({"granted": 365, "refused": 180}));
    let (_, same) = bench.send(Method::PUT, path, ADMIN, &settings).await;
    assert_eq!(same["version"], 2);
    assert_eq!(bench.get(path).await.1, same);

    for (settings, at) in [
        (json!({}), ""),
        (json!({"name": "x", "colour": "red"}), "/colour"),
        (json!({"name": ""}), "/name"),
        (json!({"name": "x", "timezone": "Mars/Olympus"}), "/timezone"),
        (json!({"name": "x", "origins": ["shop.example"]}), "/origins"),
        (json!({"name": "x", "ledger": {"shards": 0}}), "/ledger/shards"),
    ] {
        let (status, problem) = bench.send(Method::PUT, path, ADMIN, &settings).await;
        assert_eq!((status, problem["at"].as_str().unwrap_or_default()), (422, at), "{settings}: {problem}");
    }
    let (status, problem) =
        bench.send(Method::PUT, path, ADMIN, &json!({"name": "New", "ledger": {"shards": 2}})).await;
    let (code, detail) = (&problem["code"], problem["detail"].as_str().unwrap());
    assert_eq!((status, code, &problem["at"]), (409, &json!("shards_fixed"), &json!("/ledger/shards")));
    assert!(detail.contains("avow migrate log --shards new.example=2"), "{detail}");
    assert_eq!(bench.send(Method::PUT, "/api/v1/sites/Not%20A%20Site", ADMIN, &json!({"name": "x"})).await.0, 422);
}

#[tokio::test]
async fn a_token_is_shown_once_and_revoked_for_good() {
    let bench = Bench::start().await;
    let (status, made) = bench
        .send(
            Method::POST,
            "/api/v1/tokens",
            ADMIN,
            &json!({"name": "board", "scopes": ["stats:read"], "sites": [SITE]}),
        )
        .await;
    assert_eq!(status, 201, "{made}");
    let secret = made["token"].as_str().unwrap();
    assert_eq!(bench.send(Method::GET, "/api/v1/me", secret, &json!({})).await.0, 200);
    let (_, list) = bench.get("/api/v1/tokens").await;
    assert_eq!((&list["tokens"][0]["id"], list["tokens"][0].get("token")), (&made["id"], None));
    assert!(!list.to_string().contains(secret));

    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.send(Method::DELETE, &path, ADMIN, &json!({})).await.0, 204);
    assert_eq!(bench.send(Method::DELETE, &path, ADMIN, &json!({})).await.0, 404);
    assert_eq!(bench.send(Method::GET, "/api/v1/me", secret, &json!({})).await.0, 401);

    for (token, at) in [
        (json!({"name": "", "scopes": ["stats:read"]}), "/name"),
        (json!({"name": "x", "scopes": []}), "/scopes"),
        (json!({"name": "x", "scopes": ["world:rule"]}), "/scopes/0"),
        (json!({"name": "x", "scopes": ["admin"], "sites": ["nowhere.example"]}), "/sites/0"),
        (json!({"name": "x", "scopes": ["admin"], "expires_at": "2020-01-01"}), "/expires_at"),
    ] {
        let (status, problem) = bench.send(Method::POST, "/api/v1/tokens", ADMIN, &token).await;
        assert_eq!((status, &problem["at"]), (422, &json!(at)), "{token}");
    }
}

#[tokio::test]
async fn nobody_hands_on_what_they_do_not_have() {
    let bench = Bench::start().await;
    let limited = bench.token(&[Scope::Admin, Scope::StatsRead], Some(&[SITE])).await;
    let make = |token: Value| {
        let limited = limited.clone();
        let bench = &bench;
        async move { bench.send(Method::POST, "/api/v1/tokens", &limited, &token).await.0 }
    };
    assert_eq!(make(json!({"name": "x", "scopes": ["stats:read"], "sites": [SITE]})).await, 201);
    assert_eq!(make(json!({"name": "x", "scopes": ["stats:read"]})).await, 403);
    assert_eq!(make(json!({"name": "x", "scopes": ["audit:read"], "sites": [SITE]})).await, 403);
    assert_eq!(make(json!({"name": "x", "scopes": ["stats:read"], "sites": ["other.example"]})).await, 403);

    let wide = bench.control.create_token("wide", vec![Scope::StatsRead], None, None).await.unwrap();
    let path = format!("/api/v1/tokens/{}", wide.record.id);
    assert_eq!(bench.send(Method::DELETE, &path, &limited, &json!({})).await.0, 403);
    let (_, list) = bench.send(Method::GET, "/api/v1/tokens", &limited, &json!({})).await;
    assert!(list["tokens"].as_array().unwrap().iter().all(|token| token["name"] != "wide"), "{list}");
}
