//! Signals, from the event to the number: decisions with TC strings, consent types and GPC are sent to the built binary, and the
//! question by signal and finding answers what was put in.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, embedded};

const SITE: &str = "signals.example";
const PATIENCE: Duration = Duration::from_secs(60);
// By @iabtechlabtcf/core 1.5.21, created on 2026-11-01: every purpose granted; none; and the latter without vendors disclosed.
const GRANTED: &str = "CQtAQoAQtAQoAEsABBENB4FoAP_gAEIAAAYgF5wAoAAgAEAvMAAAAAAA.IAEMEAAA.YAAAAAAAAAAA";
const REFUSED: &str = "CQtAQoAQtAQoAEsABBENB4FgAAAAAAAAAAYgAAAAAAAA.IAEMEAAA.YAAAAAAAAAAA";
const UNDISCLOSED: &str = "CQtAQoAQtAQoAEsABBENB4FgAAAAAAAAAAYgAAAAAAAA";

fn decided(method: &str, version: &str, signals: &Value) -> Value {
    json!({"id": Uuid::new_v4(), "site": SITE, "type": "decided", "occurred_at": jiff::Timestamp::now(), "subject": Uuid::new_v4(),
        "method": method, "categories": {"marketing": method == "accept_all"}, "banner": {"version": version}, "signals": signals})
}

fn events() -> Vec<Value> {
    let mut events = Vec::new();
    let mut add = |n: usize, method: &str, version: &str, signals: &Value| {
        events.extend((0..n).map(|_| decided(method, version, signals)));
    };
    let ads = |mode: &str| json!({"ad_storage": mode, "ad_user_data": mode});
    add(7, "accept_all", "1", &json!({"tcf": GRANTED, "consent_mode": ads("granted")}));
    add(6, "reject_all", "1", &json!({"tcf": REFUSED, "consent_mode": ads("denied"), "gpc": true}));
    add(5, "reject_all", "1", &json!({"tcf": GRANTED, "consent_mode": ads("denied")}));
    add(8, "reject_all", "2", &json!({"tcf": UNDISCLOSED}));
    add(9, "accept_all", "2", &json!({"tcf": "no such string", "gpc": true}));
    add(10, "accept_all", "2", &json!({}));
    // No decision, so nothing is found of it.
    add(3, "gpc", "2", &json!({"gpc": true}));
    events
}

fn rows(answer: &Value) -> Vec<(String, u64)> {
    let row = |row: &Value| {
        let names = row["dimensions"].as_object().unwrap().values().map(|name| name.as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>().join(" "), row["metrics"]["decisions"].as_u64().unwrap())
    };
    answer["rows"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn a_signal_is_counted_by_what_it_was_found_to_be() -> Result<()> {
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    Runtime::new()?.block_on(async {
        caller.put_site(SITE, json!({"name": "Signals"})).await?;
        ensure!(caller.post(&events()).await == Some(202));
        let ask = |more: Value| {
            let mut query =
                json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions"]});
            query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            query
        };
        let begun = Instant::now();
        while rows(&caller.query(ask(json!({}))).await?) != [(String::new(), 45)] {
            ensure!(begun.elapsed() < PATIENCE, "not counted");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let named = |rows: &[(&str, u64)]| rows.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect::<Vec<_>>();
        let by_finding = rows(&caller.query(ask(json!({"dimensions": ["signal", "finding"]}))).await?);
        let expected = [
            ("consent_mode consistent", 18),
            ("gpc consistent", 6),
            ("gpc denies_granted", 9),
            ("tcf consistent", 13),
            ("tcf grants_refused", 5),
            ("tcf invalid", 8),
            ("tcf unreadable", 9),
        ];
        ensure!(by_finding == named(&expected), "{by_finding:?}");
        // A country is in rows of quarters alone, and the counts are the same.
        let by_country = caller.query(ask(json!({"dimensions": ["country", "signal", "finding"]}))).await?;
        let expected = expected.map(|(name, n)| (format!("unknown {name}"), n));
        ensure!(rows(&by_country) == expected, "{by_country}");
        let filters = json!([["is", "signal", ["tcf"]], ["is_not", "finding", ["consistent"]]]);
        let by_version = rows(&caller.query(ask(json!({"dimensions": ["banner_version"], "filters": filters}))).await?);
        ensure!(by_version == named(&[("1", 5), ("2", 17)]), "{by_version:?}");
        for (more, code) in [
            (json!({"dimensions": ["signal", "service"]}), "signal_with_pairs"),
            (json!({"dimensions": ["signal"], "metrics": ["consent_rate"]}), "metric_by_signal"),
            (json!({"filters": [["is", "finding", ["good"]]]}), "unknown_value"),
        ] {
            let (status, problem) = caller.send(Method::POST, "/api/v1/query", &ask(more)).await?;
            ensure!(status == 422 && problem["code"] == code, "{status} {problem}");
        }
        Ok(())
    })
}
