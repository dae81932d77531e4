//! Distinct subjects and medians.

use avow_api::ApiConfig;
use avow_schemas::event::Method;
use serde_json::json;

use crate::bench::Bench;
use crate::events::{Landing, decided};
use crate::table;

fn decision(n: u128, language: &str, milliseconds: Option<i64>) -> Landing {
    decided("2026-11-10T12:00:00Z", n, Method::AcceptAll, &["chaport:preferences:g"]).with(|event| {
        event.language = Some(language.into());
        event.effort_ms = milliseconds;
        event.effort_clicks = milliseconds.map(|ms| i32::try_from(ms / 1000).unwrap());
    })
}

fn decisions() -> Vec<Landing> {
    vec![
        decision(1, "de", Some(1_000)),
        decision(1, "de", Some(4_000)),
        decision(2, "de", Some(2_500)),
        decision(2, "fr", Some(9_000)),
        decision(3, "fr", None),
        decision(4, "xx", None).overflow(1),
        decision(5, "yy", None).overflow(1),
        decision(6, "de", Some(1)).undecisive(),
    ]
}

#[tokio::test]
async fn subjects_are_counted_once_a_row() {
    let bench = Bench::start().await;
    bench.land(decisions()).await;
    let metrics = ["visitors", "median_seconds_to_decide", "decisions"];
    assert_eq!(bench.rows(json!({"metrics": ["median_clicks_to_decide"]})).await, table!([] => [2]));
    assert_eq!(bench.rows(json!({"metrics": metrics})).await, table!([] => [5, 2.5, 7]));
    assert_eq!(
        bench.rows(json!({"metrics": metrics, "dimensions": ["language"]})).await,
        table!(["de"] => [2, 2.5, 3], ["fr"] => [2, 9.0, 2], ["other"] => [2, (), 2])
    );
    assert_eq!(
        bench.rows(json!({"metrics": metrics, "filters": [["is", "language", ["other", "fr"]]]})).await,
        table!([] => [4, 9.0, 4])
    );
    assert_eq!(
        bench.rows(json!({"metrics": metrics, "dimensions": ["service", "time"], "interval": "month", "timezone": "Asia/Kathmandu"})).await,
        table!(["chaport", "2026-11-01T00:00:00+05:45"] => [5, 2.5, 7])
    );
}

#[tokio::test]
async fn beyond_the_limit_visitors_are_estimated_and_it_is_said() {
    let bench = Bench::with(ApiConfig { exact_visitors_up_to: 6, ..ApiConfig::default() }).await;
    bench.land(decisions()).await;
    let answer = bench.ask(json!({"metrics": ["visitors"]})).await;
    assert_eq!(answer["meta"]["approximate"], true);
    assert_eq!(answer["rows"][0]["metrics"]["visitors"], 5);
    let answer = bench.ask(json!({"metrics": ["visitors"], "filters": [["is", "language", ["de"]]]})).await;
    assert_eq!(answer["meta"]["approximate"], false);
}
