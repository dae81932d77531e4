//! `revoked_rate_30d`.

use avow_schemas::event::Method;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::events::{Landing, decided, withdrawn};
use crate::table;

fn histories() -> Vec<Landing> {
    let granted = |day: &str, n: u128| {
        decided(&format!("2026-{day}T10:00:00Z"), n, Method::AcceptAll, &["chaport:preferences:g", "ads:marketing:g"])
    };
    vec![
        // Withdraws one service in time.
        granted("03-01", 1),
        withdrawn("2026-03-11T10:00:00Z", 1, &["chaport:preferences:w"]),
        // Exactly 30 days after, and a millisecond more.
        granted("03-01", 2),
        withdrawn("2026-03-31T10:00:00Z", 2, &["chaport:preferences:w", "ads:marketing:w"]),
        granted("03-01", 3),
        withdrawn("2026-03-31T10:00:00.001Z", 3, &["chaport:preferences:w", "ads:marketing:w"]),
        // Denies all by signal, then grants again: revoked once.
        granted("03-02", 4),
        decided("2026-03-03T10:00:00Z", 4, Method::Gpc, &["chaport:preferences:d", "ads:marketing:d"]).undecisive(),
        granted("03-04", 4),
        // A dismissal that means nothing revokes nothing.
        granted("03-02", 5),
        decided("2026-03-03T10:00:00Z", 5, Method::Dismiss, &["chaport:preferences:d"]).undecisive(),
        // Refused at first: no grant, no cohort.
        decided("2026-03-02T10:00:00Z", 6, Method::RejectAll, &["chaport:preferences:d", "ads:marketing:d"]),
    ]
}

async fn ask(bench: &Bench, dimensions: Value, range: [&str; 2]) -> Vec<(Vec<String>, Vec<Value>)> {
    let body = json!({
        "metrics": ["revoked_rate_30d"], "dimensions": dimensions, "interval": "day", "date_range": range,
    });
    let answer = bench.ask(body).await;
    crate::bench::rows(&answer, &["revoked_rate_30d".into(), "revoked_rate_30d_denominator".into()])
}

#[tokio::test]
async fn a_cohort_is_followed_for_thirty_days() {
    let bench = Bench::start().await;
    bench.land(histories()).await;
    let march = ["2026-03-01", "2026-03-31"];
    assert_eq!(ask(&bench, json!([]), march).await, table!([] => [3.0 / 5.0, 5]));
    assert_eq!(
        ask(&bench, json!(["service"]), march).await,
        table!(["ads"] => [2.0 / 5.0, 5], ["chaport"] => [3.0 / 5.0, 5])
    );
    assert_eq!(
        ask(&bench, json!(["category"]), march).await,
        table!(["marketing"] => [2.0 / 5.0, 5], ["preferences"] => [3.0 / 5.0, 5])
    );
    // By day the first grant of the day counts, and the revocation may lie outside the range.
    assert_eq!(
        ask(&bench, json!(["time"]), ["2026-03-02", "2026-03-04"]).await,
        table!(
            ["2026-03-02T00:00:00+00:00"] => [0.5, 2],
            ["2026-03-03T00:00:00+00:00"] => [(), ()],
            ["2026-03-04T00:00:00+00:00"] => [0.0, 1],
        )
    );
}

#[tokio::test]
async fn an_open_cohort_is_left_out() {
    let bench = Bench::start().await;
    let now = jiff::Timestamp::now();
    let at = |days: i64| (now - jiff::SignedDuration::from_hours(24 * days)).to_string();
    bench
        .land(vec![
            decided(&at(31), 1, Method::AcceptAll, &["chaport:preferences:g"]),
            decided(&at(29), 2, Method::AcceptAll, &["chaport:preferences:g"]),
            withdrawn(&at(28), 2, &["chaport:preferences:w"]),
        ])
        .await;
    let day = |days: i64| at(days)[..10].to_owned();
    assert_eq!(ask(&bench, json!([]), [&day(40), &day(0)]).await, table!([] => [0.0, 1]));
}
