//! Intervals in time zones, on the days when the clock is turned.

use serde_json::json;

use crate::bench::Bench;
use crate::events::shown;
use crate::table;

#[tokio::test]
async fn a_day_of_25_hours_in_paris() {
    let bench = Bench::start().await;
    let times = [
        "2026-10-24T21:59:59Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T00:59:00Z",
        "2026-10-25T01:00:00Z",
        "2026-10-25T22:59:59.999Z",
        "2026-10-25T23:00:00Z",
    ];
    bench.land(times.iter().map(|at| shown(at)).collect()).await;
    let ask = |interval: &str, range: [&str; 2]| {
        bench.rows(json!({
            "metrics": ["shown"], "dimensions": ["time"], "interval": interval, "timezone": "Europe/Paris", "date_range": range,
        }))
    };
    assert_eq!(
        ask("day", ["2026-10-24", "2026-10-26"]).await,
        table!(
            ["2026-10-24T00:00:00+02:00"] => [1],
            ["2026-10-25T00:00:00+02:00"] => [4],
            ["2026-10-26T00:00:00+01:00"] => [1],
        )
    );
    assert_eq!(
        ask("hour", ["2026-10-25", "2026-10-25"]).await,
        table!(
            ["2026-10-25T00:00:00+02:00"] => [1],
            ["2026-10-25T02:00:00+02:00"] => [1],
            ["2026-10-25T02:00:00+01:00"] => [1],
            ["2026-10-25T23:00:00+01:00"] => [1],
        )
    );
    // A week begins on its Monday, though the range does not; and holds what the range does.
    assert_eq!(
        ask("week", ["2026-10-25", "2026-10-26"]).await,
        table!(["2026-10-19T00:00:00+02:00"] => [4], ["2026-10-26T00:00:00+01:00"] => [1])
    );
    assert_eq!(ask("month", ["2026-10-24", "2026-10-26"]).await, table!(["2026-10-01T00:00:00+02:00"] => [6]));
}

#[tokio::test]
async fn half_an_hour_more_on_lord_howe_island() {
    let bench = Bench::start().await;
    // At 15:00 UTC the clock goes from 02:00+11:00 back to 01:30+10:30.
    let times = [
        "2026-04-04T12:59:00Z",
        "2026-04-04T13:00:00Z",
        "2026-04-04T14:59:00Z",
        "2026-04-04T15:00:00Z",
        "2026-04-04T15:29:00Z",
        "2026-04-04T15:30:00Z",
        "2026-04-05T13:29:00Z",
        "2026-04-05T13:30:00Z",
    ];
    bench.land(times.iter().map(|at| shown(at)).collect()).await;
    let ask = |interval: &str| {
        bench.rows(json!({
            "metrics": ["shown"], "dimensions": ["time"], "interval": interval, "timezone": "Australia/Lord_Howe",
            "date_range": ["2026-04-05", "2026-04-05"],
        }))
    };
    assert_eq!(ask("day").await, table!(["2026-04-05T00:00:00+11:00"] => [6]));
    assert_eq!(
        ask("hour").await,
        table!(
            ["2026-04-05T00:00:00+11:00"] => [1],
            ["2026-04-05T01:00:00+11:00"] => [1],
            ["2026-04-05T01:30:00+10:30"] => [2],
            ["2026-04-05T02:00:00+10:30"] => [1],
            ["2026-04-05T23:00:00+10:30"] => [1],
        )
    );
}
