//! What becomes of those who granted and of those who refused.

use avow_schemas::event::{Method, Prompt};
use avow_schemas::ids::SubjectId;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::events::{Landing, decided, shown, subject, withdrawn};
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

#[tokio::test]
async fn a_week_is_followed_too_and_how_long_a_grant_stood() {
    let bench = Bench::start().await;
    bench.land(histories()).await;
    let body = json!({
        "metrics": ["revoked_rate_7d", "median_seconds_to_withdraw"], "dimensions": [], "date_range": ["2026-03-01", "2026-03-31"],
    });
    let answer = bench.ask(body).await;
    let metrics = &answer["rows"][0]["metrics"];
    // Of five that granted, one took it back within a week. The four that did ever took 1, 10, 30 and 30 days.
    assert_eq!((&metrics["revoked_rate_7d"], &metrics["revoked_rate_7d_denominator"]), (&json!(0.2), &json!(5)));
    assert_eq!(metrics["median_seconds_to_withdraw"], 10.0 * 86_400.0);
}

#[tokio::test]
async fn who_refused_and_is_asked_again_is_counted() {
    let bench = Bench::start().await;
    let refused = |n: u128| decided("2026-03-01T10:00:00Z", n, Method::RejectAll, &["chaport:preferences:d"]);
    let asked_again = |at: &str, n: u128, prompt: Prompt| {
        shown(at).with(|event| {
            event.subject = Some(SubjectId(subject(n)));
            event.prompt = prompt;
        })
    };
    bench
        .land(vec![
            refused(1),
            asked_again("2026-03-02T10:00:00Z", 1, Prompt::First),
            asked_again("2026-03-03T10:00:00Z", 1, Prompt::First),
            refused(2),
            asked_again("2026-08-31T10:00:00Z", 2, Prompt::Renewal),
            // A day too late, opened by herself, because something had changed, and never.
            refused(3),
            asked_again("2026-09-01T10:00:00Z", 3, Prompt::First),
            refused(4),
            asked_again("2026-03-02T10:00:00Z", 4, Prompt::UserOpened),
            refused(5),
            asked_again("2026-03-02T10:00:00Z", 5, Prompt::Changed),
            refused(6),
            // Who granted may be asked about it again.
            decided("2026-03-01T10:00:00Z", 7, Method::AcceptAll, &["chaport:preferences:g"]),
            asked_again("2026-03-02T10:00:00Z", 7, Prompt::First),
        ])
        .await;
    let body = json!({"metrics": ["reprompted_rate_6m"], "date_range": ["2026-03-01", "2026-03-31"]});
    let metrics = &bench.ask(body).await["rows"][0]["metrics"];
    assert_eq!(
        (&metrics["reprompted_rate_6m"], &metrics["reprompted_rate_6m_denominator"]),
        (&json!(2.0 / 6.0), &json!(6))
    );
}
