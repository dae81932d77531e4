//! Counts and rates against what can be counted by hand.

use avow_log::Log;
use avow_schemas::control::Scope;
use avow_schemas::event::{BotGrade, LoadState, Method, Prompt};
use avow_schemas::ids::SiteId;
use serde_json::{Value, json};

use crate::bench::{Bench, SITE, rows};
use crate::events::{Landing, decided, loaded, observed, shown, withdrawn};
use crate::table;

const AT: &str = "2026-11-10T12:00:00Z";

/// Six banners, four decisions, and what is none.
fn a_day() -> Vec<Landing> {
    let france = |landing: Landing| landing.with(|event| event.country = Some("FR".into()));
    let mut events: Vec<Landing> = (0..5).map(|_| france(shown(AT))).collect();
    events.extend([
        shown(AT).with(|event| event.bot = BotGrade::Suspected),
        shown(AT).with(|event| event.prompt = Prompt::UserOpened),
        france(decided(AT, 1, Method::AcceptAll, &["chaport:preferences:g", "crisp:preferences:g", "ads:marketing:g"])),
        france(decided(AT, 2, Method::Save, &["chaport:preferences:g", "crisp:preferences:d", "ads:marketing:d"])),
        france(decided(AT, 3, Method::RejectAll, &["chaport:preferences:d", "crisp:preferences:d", "ads:marketing:d"])),
        decided(AT, 4, Method::Dismiss, &["chaport:preferences:d", "crisp:preferences:u", "ads:marketing:d"])
            .with(|event| event.bot = BotGrade::Declared),
        decided(AT, 5, Method::Gpc, &["chaport:preferences:d"]).undecisive(),
        decided(AT, 6, Method::Save, &["chaport:preferences:g"]).undecisive().with(|e| e.prompt = Prompt::UserOpened),
        withdrawn(AT, 1, &["chaport:preferences:w"]),
        loaded(AT, LoadState::Granted),
        loaded(AT, LoadState::Partial),
        loaded(AT, LoadState::Denied),
    ]);
    events
}

#[tokio::test]
async fn without_dimensions_everything_is_summed() {
    let bench = Bench::start().await;
    bench.land(a_day()).await;
    let counts = [
        "shown",
        "decisions",
        "accept_all",
        "reject_all",
        "custom",
        "dismissed",
        "no_choice",
        "automatic",
        "withdrawals",
        "visitors",
        "granted",
        "denied",
        "partial",
        "undecided",
        "not_disclosed",
        "observed_without_consent",
        "opted_in",
        "loaded",
        "loaded_with_consent",
    ];
    assert_eq!(
        bench.rows(json!({"metrics": counts})).await,
        table!([] => [6, 4, 1, 1, 1, 1, 2, 1, 1, 4, 4, 7, 0, 1, 0, 0, 2, 3, 2])
    );
    let answer =
        bench.ask(json!({"metrics": ["consent_rate", "opt_in_rate", "traffic_consent_rate", "withdrawal_rate"]})).await;
    let metrics = &answer["rows"][0]["metrics"];
    assert_eq!(metrics["consent_rate"], 4.0 / 11.0);
    assert_eq!(metrics["consent_rate_denominator"], 11);
    assert_eq!(metrics["opt_in_rate"], 2.0 / 6.0);
    assert_eq!(metrics["traffic_consent_rate"], 2.0 / 3.0);
    assert_eq!(metrics["withdrawal_rate_denominator"], 4);
    // Over several services the interval is of the four decisions, worked out apart from the formula here.
    assert!((metrics["consent_rate_low"].as_f64().unwrap() - 0.087_181_958_8).abs() < 1e-9, "{metrics}");
    assert!((metrics["consent_rate_high"].as_f64().unwrap() - 0.773_697_360_2).abs() < 1e-9, "{metrics}");
    assert_eq!(answer["meta"]["sampled"], false);
}

#[tokio::test]
async fn by_service_and_category_pairs_are_of_the_row_and_the_rest_repeats() {
    let bench = Bench::start().await;
    bench.land(a_day()).await;
    let metrics = ["granted", "denied", "partial", "undecided", "withdrawals", "decisions", "shown", "visitors"];
    assert_eq!(
        bench.rows(json!({"metrics": metrics, "dimensions": ["service"]})).await,
        table!(
            ["ads"] => [1, 3, 0, 0, 0, 4, 6, 4],
            ["chaport"] => [2, 2, 0, 0, 1, 4, 6, 4],
            ["crisp"] => [1, 2, 0, 1, 0, 4, 6, 4],
        )
    );
    assert_eq!(
        bench.rows(json!({"metrics": metrics, "dimensions": ["category"]})).await,
        table!(
            ["marketing"] => [1, 3, 0, 0, 0, 4, 6, 4],
            ["preferences"] => [1, 2, 1, 0, 1, 4, 6, 4],
        )
    );
    assert_eq!(
        bench.rows(json!({"metrics": ["granted", "shown"], "dimensions": ["service", "country", "category"]})).await,
        table!(
            ["ads", "FR", "marketing"] => [1, 5],
            ["ads", "unknown", "marketing"] => [0, 1],
            ["chaport", "FR", "preferences"] => [2, 5],
            ["chaport", "unknown", "preferences"] => [0, 1],
            ["crisp", "FR", "preferences"] => [1, 5],
            ["crisp", "unknown", "preferences"] => [0, 1],
        )
    );
    let answer = bench.ask(json!({"metrics": ["consent_rate", "opt_in_rate"], "dimensions": ["service"]})).await;
    assert_eq!(answer["rows"][1]["metrics"]["consent_rate"], 0.5);
    assert_eq!(answer["rows"][1]["metrics"]["opt_in_rate"], 2.0 / 6.0);
}

#[tokio::test]
async fn what_is_observed_without_consent_is_counted_by_service_and_site() {
    let bench = Bench::start().await;
    bench
        .land(
            [a_day(), vec![observed(AT, &["chaport:preferences:o"]), observed(AT, &["chaport:preferences:o"])]]
                .concat(),
        )
        .await;
    let ask = |dimensions: Value| {
        bench.rows(json!({"metrics": ["observed_without_consent", "granted"], "dimensions": dimensions}))
    };
    assert_eq!(ask(json!([])).await, table!([] => [2, 4]));
    assert_eq!(ask(json!(["service"])).await, table!(["ads"] => [0, 1], ["chaport"] => [2, 2], ["crisp"] => [0, 1]));
    assert_eq!(
        ask(json!(["site", "category"])).await,
        table!([SITE, "marketing"] => [0, 1], [SITE, "preferences"] => [2, 1])
    );
}

#[tokio::test]
async fn a_filter_never_changes_the_grain() {
    let bench = Bench::start().await;
    bench.land(a_day()).await;
    let ask = |dimensions: Value, filters: Value| {
        bench.rows(json!({"metrics": ["granted", "denied", "decisions", "shown"], "dimensions": dimensions, "filters": filters}))
    };
    // Pairs that do not match go; what is not of pairs stays.
    assert_eq!(ask(json!([]), json!([["is", "service", ["chaport"]]])).await, table!([] => [2, 2, 4, 6]));
    assert_eq!(ask(json!([]), json!([["is", "category", ["marketing"]]])).await, table!([] => [1, 3, 4, 6]));
    assert_eq!(
        ask(json!(["service"]), json!([["is", "category", ["functional"]]])).await,
        table!(["chaport"] => [2, 2, 4, 6], ["crisp"] => [1, 2, 4, 6])
    );
    // Everything else chooses events.
    assert_eq!(ask(json!([]), json!([["is_not", "bot", ["yes"]]])).await, table!([] => [4, 5, 3, 5]));
    assert_eq!(
        ask(json!(["bot"]), json!([["or", [["contains", "country", ["F", "'"]], ["not", ["is", "bot", ["no"]]]]]]))
            .await,
        table!(["no"] => [4, 5, 3, 5], ["yes"] => [0, 2, 1, 1])
    );
    assert_eq!(ask(json!([]), json!([["is", "country", ["XX"]]])).await, table!());
}

#[tokio::test]
async fn rows_come_in_order_and_in_pages() {
    let bench = Bench::start().await;
    bench.land(a_day()).await;
    let body = |cursor: Value| {
        json!({
            "metrics": ["decisions", "custom"], "dimensions": ["method"], "order_by": [["decisions", "desc"], ["method", "desc"]],
            "limit": 2, "cursor": cursor,
        })
    };
    let mut seen = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let answer = bench.ask(body(cursor)).await;
        seen.extend(rows(&answer, &["decisions".into()]));
        cursor = answer["meta"]["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(
        seen,
        table!(["save"] => [1], ["reject_all"] => [1], ["dismiss"] => [1], ["accept_all"] => [1], ["gpc"] => [0], [""] => [0])
    );
    let (status, problem) =
        bench.ask_as(crate::bench::ADMIN, json!({"metrics": ["shown"], "cursor": "0123456789abcdef2"})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_cursor")));
}

#[tokio::test]
async fn small_cells_are_withheld_from_those_who_may_not_audit() {
    let bench = Bench::start().await;
    let mut events = a_day();
    events.extend((10..16).map(|n| decided(AT, n, Method::AcceptAll, &[]).with(|e| e.country = Some("DE".into()))));
    bench.land(events).await;
    let analyst = bench.token(&[Scope::StatsRead], None).await;
    let body = json!({"metrics": ["decisions", "consent_rate"], "dimensions": ["country"], "order_by": [["decisions", "desc"]]});
    let (_, answer) = bench.ask_as(&analyst, body.clone()).await;
    let decisions = rows(&answer, &["decisions".into(), "consent_rate_low".into()]);
    assert_eq!(decisions, table!(["DE"] => [6, ()], ["FR"] => [(), ()], ["unknown"] => [(), ()]));
    assert_eq!(answer["meta"]["suppressed"], 2);
    // Whoever may read single records sees everything.
    assert_eq!(bench.rows(body).await.len(), 3);

    let mut settings = avow_schemas::settings::SiteSettings::named("Shop");
    settings.suppress_below = 2;
    bench.control.put_site(&SiteId::new(SITE).unwrap(), settings).await.unwrap();
    // The one that is left would be the total less the others: the smallest of them goes with it.
    let by_country = json!({"metrics": ["decisions"], "dimensions": ["country"]});
    let (_, answer) = bench.ask_as(&analyst, by_country.clone()).await;
    assert_eq!(rows(&answer, &["decisions".into()]), table!(["DE"] => [6], ["FR"] => [()], ["unknown"] => [()]));
    assert_eq!(answer["meta"]["suppressed"], 2);
}

#[tokio::test]
async fn an_answer_says_how_fresh_it_is_and_its_tag_follows_what_is_counted() {
    let bench = Bench::start().await;
    bench.land(a_day()).await;
    let body = json!({"metrics": ["shown"], "date_range": ["2026-11-10", "2026-11-10"]});
    let ask = |tag: Option<String>| {
        let request = bench.request(reqwest::Method::POST, "/api/v1/query", crate::bench::ADMIN).json(&body);
        async {
            tag.into_iter().fold(request, |request, tag| request.header("if-none-match", tag)).send().await.unwrap()
        }
    };
    let before = jiff::Timestamp::now();
    let first = ask(None).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let answer: Value = first.json().await.unwrap();
    let fresh: jiff::Timestamp = answer["meta"]["freshness"].as_str().unwrap().parse().unwrap();
    assert!(fresh.as_millisecond() >= before.as_millisecond(), "everything in the log is counted: {fresh}");
    assert_eq!(ask(Some(tag.clone())).await.status(), 304);

    bench.land(vec![shown(AT)]).await;
    let second = ask(Some(tag.clone())).await;
    assert_eq!(second.status(), 200);
    assert_ne!(second.headers()["etag"].to_str().unwrap(), tag);
    assert_eq!(second.json::<Value>().await.unwrap()["rows"][0]["metrics"]["shown"], 7);

    // A record that is acknowledged and not yet counted: the answer is as old as the last that is.
    let landed = jiff::Timestamp::now();
    bench
        .log
        .append(avow_log::Topic::Events, vec![avow_log::Record { key: SITE.into(), value: "late".into() }])
        .await
        .unwrap();
    let answer: Value = ask(None).await.json().await.unwrap();
    let fresh: jiff::Timestamp = answer["meta"]["freshness"].as_str().unwrap().parse().unwrap();
    assert!(fresh <= landed, "{fresh}");
}

#[tokio::test]
async fn the_same_rows_come_as_csv_and_as_lines() {
    let bench = Bench::start().await;
    bench.land(a_day()).await;
    let body = json!({"metrics": ["granted", "consent_rate"], "dimensions": ["service"], "date_range": ["2026-11-01", "2026-11-30"], "limit": 2});
    let ask = |accept: &'static str| {
        let request =
            bench.request(reqwest::Method::POST, "/api/v1/query", crate::bench::ADMIN).header("accept", accept);
        request.json(&body).send()
    };
    let csv = ask("text/csv").await.unwrap();
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(csv.headers()["avow-suppressed"], "0");
    assert!(csv.headers().contains_key("avow-next-cursor") && csv.headers().contains_key("avow-freshness"));
    let text = csv.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "service,granted,consent_rate,consent_rate_low,consent_rate_high,consent_rate_denominator");
    assert!(lines[1].starts_with("ads,1,0.25,") && lines[2].starts_with("chaport,2,0.5,"), "{text}");

    let lines = ask("application/x-ndjson").await.unwrap().text().await.unwrap();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["dimensions"]["service"], &first["metrics"]["granted"]), (&json!("ads"), &json!(1)));

    let refused = ask("application/pdf").await.unwrap();
    assert_eq!(refused.status(), 406);
    assert_eq!(refused.json::<Value>().await.unwrap()["available"][0], "application/json");
}
