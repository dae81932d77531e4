//! Questions as addresses, and in every form.

use avow_schemas::event::Method;
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use reqwest::Method as Verb;
use serde_json::{Value, json};

use crate::bench::{ADMIN, Bench};
use crate::events::{decided, shown};

const AT: &str = "2026-08-10T12:00:00Z";

async fn landed() -> Bench {
    let bench = Bench::start().await;
    let of = |n: u128, country: &str, state: &str| {
        let country = country.to_owned();
        decided(AT, n, Method::Save, &[state]).with(move |event| event.country = Some(country))
    };
    let events = vec![
        shown(AT),
        of(1, "FR", "chaport:preferences:g"),
        of(2, "FR", "chaport:preferences:d"),
        of(3, "DE", "chaport:preferences:g"),
    ];
    bench.land(events).await;
    bench
}

const QUESTION: &str = "date_range=2026-08-10,2026-08-10&metrics=decisions,consent_rate&dimensions=country,service\
                        &order_by=decisions:desc&compare=previous_year&filters=%5B%5B%22is%22,%22service%22,%5B%22chaport%22%5D%5D%5D";

#[tokio::test]
async fn an_address_asks_what_a_body_does() {
    let bench = landed().await;
    let (status, linked) = bench.get(&format!("/api/v1/query?{QUESTION}")).await;
    assert_eq!(status, 200, "{linked}");
    let asked = bench
        .ask(json!({
            "date_range": ["2026-08-10", "2026-08-10"], "metrics": ["decisions", "consent_rate"],
            "dimensions": ["country", "service"], "order_by": [["decisions", "desc"]], "compare": "previous_year",
            "filters": [["is", "service", ["chaport"]]],
        }))
        .await;
    assert_eq!((&linked["rows"], &linked["meta"]["query"]), (&asked["rows"], &asked["meta"]["query"]));
    assert_eq!(linked["rows"][0]["dimensions"]["country"], "FR");

    for (query, at) in [
        ("date_range=2026-08-10&metrics=shown", "/date_range"),
        ("date_range=2026-08-10,2026-08-11&metrics=shown&filters=is", "/filters"),
        ("date_range=2026-08-10,2026-08-11&metrics=shown&format=xls", "/format"),
        ("date_range=2026-08-10,2026-08-11&metrics=shown&compare=a,b,c", "/compare/0"),
    ] {
        let (status, problem) = bench.get(&format!("/api/v1/query?{query}")).await;
        assert_eq!((status, problem["at"].as_str()), (422, Some(at)), "{problem}");
    }
    let (status, problem) = bench.get(&format!("/api/v1/query?{QUESTION}&site=shop.example")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_parameter")), "{problem}");
}

#[tokio::test]
async fn a_link_is_cheap_to_ask_again_and_closed_days_may_be_kept() {
    let bench = landed().await;
    let ask = |days: &str| {
        let path = format!("/api/v1/query?metrics=shown&date_range={days}");
        bench.request(Verb::GET, &path, ADMIN)
    };
    let closed = ask("2026-08-10,2026-08-10").send().await.unwrap();
    assert_eq!(closed.headers()["cache-control"], "private, max-age=3600");
    let tag = closed.headers()["etag"].clone();
    let again = ask("2026-08-10,2026-08-10").header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let open = ask(&format!("2026-08-10,{today}")).send().await.unwrap();
    assert_eq!(open.headers()["cache-control"], "private, no-cache");
}

#[tokio::test]
async fn parquet_has_the_rows_of_json() {
    let bench = landed().await;
    let (_, json) = bench.get(&format!("/api/v1/query?{QUESTION}")).await;
    let path = format!("/api/v1/query?{QUESTION}&format=parquet");
    let response = bench.request(Verb::GET, &path, ADMIN).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/vnd.apache.parquet");
    let file = SerializedFileReader::new(response.bytes().await.unwrap()).unwrap();
    let value = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Str(text) => json!(text),
        Field::Long(count) => json!(count),
        Field::Double(real) => json!(real),
        other => panic!("{other:?}"),
    };
    let row =
        |row: Row| Value::Object(row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect());
    let rows: Vec<Value> = file.get_row_iter(None).unwrap().map(|one| row(one.unwrap())).collect();
    let flat = json["rows"].as_array().unwrap().iter().map(|row| {
        let mut flat = serde_json::Map::new();
        for (prefix, part) in [
            ("", &row["dimensions"]),
            ("", &row["metrics"]),
            ("comparison_", &row["comparison"]["metrics"]),
            ("change_", &row["comparison"]["change"]),
        ] {
            let fields = part.as_object().unwrap().iter();
            flat.extend(fields.map(|(name, value)| (format!("{prefix}{name}"), value.clone())));
        }
        Value::Object(flat)
    });
    assert_eq!(rows, flat.collect::<Vec<_>>());
    assert_eq!(rows[0]["country"], "FR");

    // Nothing counted is a file without rows.
    let empty = "/api/v1/query?metrics=shown&date_range=2020-01-01,2020-01-01&format=parquet";
    let empty: Bytes = bench.request(Verb::GET, empty, ADMIN).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(SerializedFileReader::new(empty).unwrap().metadata().file_metadata().num_rows(), 0);
}

#[tokio::test]
async fn what_can_be_asked_is_told() {
    let bench = Bench::start().await;
    let (_, metadata) = bench.get("/api/v1/metadata").await;
    let metric = |name: &str| {
        let metrics = metadata["metrics"].as_array().unwrap();
        metrics.iter().find(|metric| metric["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(metric("consent_rate")["denominator"], "granted + denied");
    assert_eq!(metric("consent_rate")["columns"].as_array().unwrap().len(), 4);
    assert_eq!(metric("median_seconds_to_decide")["kind"], "seconds");
    // Whatever is told can be asked.
    let names =
        |list: &str| metadata[list].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    let metrics = names("metrics");
    for dimension in metadata["dimensions"].as_array().unwrap() {
        let metrics = dimension["metrics"].as_array().unwrap_or(&metrics);
        let body = json!({"metrics": metrics, "dimensions": [dimension["name"]], "interval": "month"});
        let (status, answer) = bench.ask_as(ADMIN, body).await;
        assert_eq!(status, 200, "{answer}");
    }
}
