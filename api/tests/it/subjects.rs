//! One subject's history, and what stood at a moment.

use avow_schemas::control::Scope;
use avow_schemas::event::Method;
use reqwest::Method as Http;
use serde_json::json;

use crate::bench::{ADMIN, Bench, SITE};
use crate::events::{decided, subject, withdrawn};

#[tokio::test]
async fn what_was_granted_at_a_moment() {
    let bench = Bench::start().await;
    bench
        .land(vec![
            decided("2026-03-03T10:00:00Z", 1, Method::Save, &["chaport:preferences:g", "ads:marketing:d"])
                .with(|event| event.services = [("chaport".to_owned(), true)].into()),
            withdrawn("2026-03-10T10:00:00Z", 1, &["chaport:preferences:w"]),
            decided("2026-03-03T10:00:00Z", 2, Method::AcceptAll, &["chaport:preferences:g"]),
        ])
        .await;
    let path = format!("/api/v1/subjects/{}?site={SITE}", subject(1));
    let (status, then) = bench.get(&format!("{path}&at=2026-03-05T00:00:00Z")).await;
    assert_eq!(status, 200, "{then}");
    let chaport = &then["services"]["chaport"];
    assert_eq!(
        (&chaport["state"], &chaport["expired"], &chaport["category"]),
        (&json!("granted"), &json!(false), &json!("preferences"))
    );
    assert_eq!(chaport["expires_at"], "2026-08-30T10:00:00.000Z");
    assert_eq!(then["services"]["ads"]["state"], "denied");
    assert_eq!(then["history"].as_array().unwrap().len(), 2);
    assert_eq!(then["history"][0]["services"], json!({"chaport": true}));
    assert_eq!(then["history"][0]["type"], "decided");

    let (_, before) = bench.get(&format!("{path}&at=2026-03-03")).await;
    assert_eq!(before["services"], json!({}));
    let (_, after) = bench.get(&format!("{path}&at=2026-03-11")).await;
    assert_eq!(after["services"]["chaport"]["state"], "withdrawn");
    assert_eq!(after["categories"]["preferences"]["state"], "withdrawn");
    let other = format!("/api/v1/subjects/{}?site={SITE}&at=2027-01-01", subject(2));
    assert_eq!(bench.get(&other).await.1["services"]["chaport"]["expired"], true);
}

#[tokio::test]
async fn nobody_is_nobody() {
    let bench = Bench::start().await;
    bench.land(vec![crate::events::shown("2026-03-03T10:00:00Z")]).await;
    for id in ["00000000-0000-0000-0000-000000000000".to_owned(), subject(9).to_string()] {
        assert_eq!(bench.get(&format!("/api/v1/subjects/{id}?site={SITE}")).await.0, 404);
    }
    assert_eq!(bench.get(&format!("/api/v1/subjects/{}", subject(1))).await.0, 422);
    assert_eq!(bench.get(&format!("/api/v1/subjects/{}?site={SITE}&at=soon", subject(1))).await.0, 422);
}

#[tokio::test]
async fn who_may_look_may_not_erase_and_a_hold_stands_against_it() {
    let bench = Bench::start().await;
    bench.land(vec![decided("2026-03-03T10:00:00Z", 1, Method::Save, &["chaport:preferences:g"])]).await;
    let path = format!("/api/v1/subjects/{}", subject(1));
    let auditor = bench.token(&[Scope::AuditRead, Scope::AuditExport], None).await;
    let why = json!({"reason": "case 7"});
    for (method, what) in [
        (Http::DELETE, ""),
        (Http::PUT, "/hold"),
        (Http::DELETE, "/hold"),
        (Http::PUT, "/restriction"),
        (Http::DELETE, "/restriction"),
    ] {
        let (status, problem) = bench.send(method, &format!("{path}{what}?site={SITE}"), &auditor, &why).await;
        assert_eq!((status, &problem["scope"]), (403, &json!("subjects:erase")), "{what}");
    }
    let hold = format!("{path}/hold?site={SITE}");
    for (body, at) in [
        (json!({"reason": " "}), "/reason"),
        (json!({"reason": format!("{} asked", subject(1))}), "/reason"),
        (json!({"reason": "case 7", "until": "2020-01-01"}), "/until"),
    ] {
        let (status, problem) = bench.send(Http::PUT, &hold, ADMIN, &body).await;
        assert_eq!((status, &problem["at"]), (422, &json!(at)), "{body}");
    }
    assert_eq!(bench.send(Http::DELETE, &hold, ADMIN, &json!({})).await.0, 404);
    assert_eq!(bench.send(Http::PUT, &hold, ADMIN, &why).await.0, 200);
    let (status, problem) = bench.send(Http::DELETE, &format!("{path}?site={SITE}"), ADMIN, &why).await;
    assert_eq!((status, &problem["code"]), (409, &json!("legal_hold")));
    assert_eq!(bench.send(Http::DELETE, &hold, ADMIN, &json!({})).await.1["in_force"], false);

    // A person's own copy is whole.
    let (status, hers) = bench.get(&format!("{path}/export?site={SITE}&language=fr")).await;
    assert_eq!(status, 200, "{hers}");
    assert_eq!((hers["records"].as_array().unwrap().len(), &hers["hold"]["in_force"]), (1, &json!(false)));
    assert_eq!(hers["services"]["chaport"]["slug"], "chaport");
}
