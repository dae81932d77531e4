//! Answers as files, made in the background.

use std::time::Duration;

use avow_api::ApiConfig;
use avow_schemas::control::Scope;
use avow_schemas::event::Method;
use reqwest::Method as Verb;
use serde_json::{Value, json};

use crate::bench::{ADMIN, Bench};
use crate::events::{Landing, decided};

/// Three decisions on each of 70 days.
fn days() -> Vec<Landing> {
    let first: jiff::civil::Date = "2026-06-01".parse().unwrap();
    let days = first.series(jiff::Span::new().days(1)).take(70);
    days.enumerate()
        .flat_map(|(i, day)| {
            let at = format!("{day}T12:00:00Z");
            (0..3).map(move |n| decided(&at, (i * 3 + n) as u128 + 1, Method::Save, &["chaport:preferences:g"]))
        })
        .collect()
}

fn by_day() -> Value {
    json!({"metrics": ["decisions", "consent_rate"], "dimensions": ["service", "time"], "interval": "day",
           "date_range": ["2026-06-01", "2026-08-31"]})
}

async fn made(bench: &Bench, token: &str, query: &Value, format: &str) -> Value {
    let body = json!({"query": query, "format": format});
    let (status, job) = bench.send(Verb::POST, "/api/v1/query/exports", token, &body).await;
    assert_eq!(status, 202, "{job}");
    let path = format!("/api/v1/query/exports/{}", job["id"].as_str().unwrap());
    loop {
        let (status, job) = bench.send(Verb::GET, &path, token, &Value::Null).await;
        assert_eq!(status, 200, "{job}");
        if job["state"] == "done" || job["state"] == "failed" {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn text(bench: &Bench, token: &str, job: &Value) -> String {
    let file = job["file"].as_str().unwrap_or_else(|| panic!("{job}"));
    bench.request(Verb::GET, file, token).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_file_has_every_row_though_no_answer_may_have_so_many() {
    // 70 rows, and answers of 20 at most: the slices of time are halved until they fit.
    let bench = Bench::with(ApiConfig { max_rows: 20, ..ApiConfig::default() }).await;
    bench.land(days()).await;
    let (status, refused) = bench.send(Verb::POST, "/api/v1/query", ADMIN, &by_day()).await;
    assert_eq!((status, &refused["code"]), (422, &json!("too_many_rows")));

    let job = made(&bench, ADMIN, &by_day(), "csv").await;
    assert_eq!((&job["rows"], &job["suppressed"], &job["error"]), (&json!(70), &json!(0), &Value::Null), "{job}");
    let csv = text(&bench, ADMIN, &job).await;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 71);
    assert!(lines[1].starts_with("chaport,2026-06-01T00:00:00+00:00,3,1,"), "{}", lines[1]);
    assert!(lines[70].starts_with("chaport,2026-08-09T00:00:00+00:00,3,1,"), "{}", lines[70]);
    assert_eq!(job["size_bytes"], csv.len());

    let lines = made(&bench, ADMIN, &by_day(), "ndjson").await;
    assert_eq!(text(&bench, ADMIN, &lines).await.lines().count(), 70);
    let path = lines["file"].as_str().unwrap();
    let part = bench.request(Verb::GET, path, ADMIN).header("range", "bytes=0-9").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap().len()), (206, 10));

    let parquet = made(&bench, ADMIN, &by_day(), "parquet").await;
    let bytes = bench.request(Verb::GET, parquet["file"].as_str().unwrap(), ADMIN).send().await.unwrap().bytes().await;
    let file = parquet::file::reader::SerializedFileReader::new(bytes.unwrap()).unwrap();
    assert_eq!(parquet::file::reader::FileReader::metadata(&file).file_metadata().num_rows(), 70);
}

#[tokio::test]
async fn small_cells_are_withheld_in_files_too_and_a_job_is_its_owners() {
    let bench = Bench::start().await;
    bench.land(days()).await;
    let analyst = bench.token(&[Scope::StatsRead], None).await;
    let job = made(&bench, &analyst, &by_day(), "csv").await;
    assert_eq!((&job["rows"], &job["suppressed"]), (&json!(70), &json!(70)));
    assert!(text(&bench, &analyst, &job).await.lines().nth(1).unwrap().ends_with("+00:00,,,,,"));

    let other = bench.token(&[Scope::StatsRead], None).await;
    let path = format!("/api/v1/query/exports/{}", job["id"].as_str().unwrap());
    let (status, problem) = bench.send(Verb::GET, &path, &other, &Value::Null).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_export")));
    let (_, list) = bench.send(Verb::GET, "/api/v1/query/exports", &other, &Value::Null).await;
    assert_eq!(list["exports"], json!([]));
    assert_eq!(bench.get(&path).await.0, 200, "who administers sees all");

    let wrong = json!({"query": {"metrics": ["clicks"], "date_range": ["2026-06-01", "2026-06-02"]}});
    let (status, problem) = bench.send(Verb::POST, "/api/v1/query/exports", &analyst, &wrong).await;
    assert_eq!((status, &problem["at"]), (422, &json!("/query/metrics/0")));
}

#[tokio::test]
async fn a_job_outlives_a_restart() {
    let bench = Bench::start().await;
    bench.land(days()).await;
    let job = made(&bench, ADMIN, &by_day(), "csv").await;
    let before = text(&bench, ADMIN, &job).await;
    let bench = bench.restart().await;
    assert_eq!(text(&bench, ADMIN, &job).await, before);
}

#[tokio::test]
async fn each_token_has_an_allowance_of_its_own() {
    let bench = Bench::with(ApiConfig { requests_per_minute: 3, ..ApiConfig::default() }).await;
    let ask = |token: String| bench.request(Verb::GET, "/api/v1/metadata", &token).send();
    let first = ask(ADMIN.to_owned()).await.unwrap();
    assert_eq!(first.headers()["ratelimit-policy"], "\"requests\";q=3;w=60");
    assert_eq!(first.headers()["ratelimit"], "\"requests\";r=2;t=20");
    ask(ADMIN.to_owned()).await.unwrap();
    ask(ADMIN.to_owned()).await.unwrap();
    let over = ask(ADMIN.to_owned()).await.unwrap();
    assert_eq!(over.status(), 429);
    assert_eq!(over.headers()["ratelimit"], "\"requests\";r=0;t=60");
    let wait: u64 = over.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(over.json::<Value>().await.unwrap()["code"], "too_many_requests");
    let other = bench.token(&[Scope::StatsRead], None).await;
    assert_eq!(ask(other).await.unwrap().status(), 200);
    assert_eq!(ask("unknown".to_owned()).await.unwrap().status(), 401);
}
