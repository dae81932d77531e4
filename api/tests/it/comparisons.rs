//! What numbers are put beside.

use avow_schemas::control::Scope;
use avow_schemas::event::Method;
use jiff::ToSpan;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::events::{Landing, decided, shown};

/// Ten banners and ten decisions on a day, so many of them accepting Chaport.
fn a_day(day: &str, first: u128, accepted: u128) -> Vec<Landing> {
    let at = format!("{day}T12:00:00Z");
    let decisions = (0..10).map(|n| {
        let state = if n < accepted { "chaport:preferences:g" } else { "chaport:preferences:d" };
        decided(&at, first + n, if n < accepted { Method::AcceptAll } else { Method::RejectAll }, &[state])
    });
    decisions.chain((0..20).map(|_| shown(&at))).collect()
}

fn first_row(answer: &Value) -> &Value {
    &answer["rows"][0]
}

#[tokio::test]
async fn rows_stand_beside_the_period_before() {
    let bench = Bench::start().await;
    bench.land([a_day("2026-08-10", 1, 8), a_day("2026-08-09", 20, 5)].concat()).await;
    let body = json!({
        "metrics": ["decisions", "accept_all", "consent_rate"], "dimensions": ["service"],
        "date_range": ["2026-08-10", "2026-08-11"], "compare": "previous_period",
    });
    let answer = bench.ask(body).await;
    assert_eq!(answer["meta"]["comparison"], json!({"date_range": ["2026-08-08", "2026-08-09"], "until": null}));
    assert_eq!(answer["meta"]["final"], true);
    assert_eq!(answer["meta"]["denominators"], json!({"consent_rate": "granted + denied"}));
    let row = first_row(&answer);
    assert_eq!((&row["metrics"]["accept_all"], &row["metrics"]["consent_rate"]), (&json!(8), &json!(0.8)));
    let then = &row["comparison"];
    assert_eq!(then["dimensions"], json!({}));
    assert_eq!((&then["metrics"]["accept_all"], &then["metrics"]["consent_rate"]), (&json!(5), &json!(0.5)));
    let change = |name: &str| then["change"][name].as_f64().unwrap();
    assert!((change("accept_all") - 0.6).abs() < 1e-12 && change("decisions").abs() < 1e-12, "{then}");
    assert!((change("consent_rate") - 0.3).abs() < 1e-12, "{then}");
    // 8/10 against 5/10, from the Wilson intervals 0.4902..0.9433 and 0.2366..0.7634.
    assert!((change("consent_rate_low") + 0.1071).abs() < 5e-4, "{then}");
    assert!((change("consent_rate_high") - 0.5998).abs() < 5e-4, "{then}");
}

#[tokio::test]
async fn intervals_stand_beside_those_of_the_same_number_and_what_is_gone_is_zero() {
    let bench = Bench::start().await;
    let gone = decided("2025-08-10T12:00:00Z", 90, Method::Save, &["crisp:preferences:g"]);
    bench.land([a_day("2026-08-10", 1, 8), a_day("2025-08-09", 20, 5), vec![gone]].concat()).await;
    let body = json!({
        "metrics": ["decisions", "granted"], "dimensions": ["time", "service"], "interval": "day",
        "date_range": ["2026-08-09", "2026-08-10"], "compare": "previous_year",
    });
    let answer = bench.ask(body.clone()).await;
    let seen: Vec<Value> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let (of, then) = (&row["dimensions"], &row["comparison"]);
            json!([
                of["time"],
                of["service"],
                row["metrics"]["granted"],
                then["dimensions"]["time"],
                then["metrics"]["granted"]
            ])
        })
        .collect();
    let expected = json!([
        ["2026-08-09T00:00:00+00:00", "chaport", 0, "2025-08-09T00:00:00+00:00", 5],
        ["2026-08-10T00:00:00+00:00", "chaport", 8, "2025-08-10T00:00:00+00:00", 0],
        ["2026-08-10T00:00:00+00:00", "crisp", 0, "2025-08-10T00:00:00+00:00", 1],
    ]);
    assert_eq!(json!(seen), expected);
    // Nothing divides by nothing: no change where there was nothing before.
    assert_eq!(answer["rows"][1]["comparison"]["change"]["granted"], Value::Null);

    let own = json!(["2025-08-09", "2025-08-09"]);
    let mut shorter = body;
    shorter["compare"] = own.clone();
    let answer = bench.ask(shorter).await;
    assert_eq!(answer["meta"]["comparison"]["date_range"], own);
    assert_eq!(answer["rows"][0]["comparison"]["metrics"]["granted"], 5);
    assert_eq!(answer["rows"][1]["comparison"], Value::Null, "the second day has no counterpart");
}

#[tokio::test]
async fn a_range_that_is_not_over_is_compared_with_as_much_of_the_other() {
    let bench = Bench::start().await;
    let now = jiff::Timestamp::now();
    let at = |back: jiff::Span| now.checked_sub(back).unwrap().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    // A week back: one decision an hour before this time of the day, one an hour after.
    let events = [at(1.minutes()), at((7 * 24 + 1).hours()), at((7 * 24 - 1).hours())];
    bench.land((1..).zip(&events).map(|(n, at)| decided(at, n, Method::Save, &[])).collect()).await;
    let day = |back: i64| now.checked_sub((24 * back).hours()).unwrap().strftime("%Y-%m-%d").to_string();
    let ask = |compare: Value| {
        bench.ask(json!({"metrics": ["decisions"], "date_range": [day(6), day(0)], "compare": compare}))
    };
    let alike = ask(json!("previous_period")).await;
    assert_eq!(first_row(&alike)["comparison"]["metrics"]["decisions"], 1, "{alike}");
    let until: jiff::Timestamp = alike["meta"]["comparison"]["until"].as_str().unwrap().parse().unwrap();
    let before = now.checked_sub((7 * 24).hours()).unwrap().as_second();
    assert!((before - 900..before + 60).contains(&until.as_second()), "{until}");
    assert_eq!(alike["meta"]["final"], false);
    let whole = ask(json!([day(13), day(7)])).await;
    assert_eq!(whole["meta"]["comparison"]["until"], Value::Null);
}

#[tokio::test]
async fn small_cells_are_withheld_on_either_side() {
    let bench = Bench::start().await;
    bench.land([a_day("2026-08-10", 1, 8), a_day("2026-08-09", 20, 5)[..3].to_vec()].concat()).await;
    let analyst = bench.token(&[Scope::StatsRead], None).await;
    let body = json!({
        "metrics": ["decisions", "accept_all_rate"], "date_range": ["2026-08-10", "2026-08-10"], "compare": "previous_period",
    });
    let (_, answer) = bench.ask_as(&analyst, body).await;
    let row = first_row(&answer);
    assert_eq!((&row["metrics"]["decisions"], &row["comparison"]["metrics"]["decisions"]), (&json!(10), &Value::Null));
    assert_eq!(row["comparison"]["change"]["accept_all_rate"], Value::Null);
    assert_eq!(answer["meta"]["suppressed"], 1);
}
