//! Exports, from the request to the file.

use std::io::{Cursor, Read};
use std::time::Duration;

use avow_schemas::event::Method as Act;
use reqwest::Method;
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::bench::{ADMIN, Bench, SITE};
use crate::events::{decided, shown, subject};

async fn land(bench: &Bench) {
    bench
        .land(vec![
            shown("2026-03-03T10:00:00Z"),
            decided("2026-03-03T10:00:01.5Z", 1, Act::Save, &["chaport:preferences:g", "ads:marketing:d"])
                .with(|event| event.page_texts()),
            decided("2026-03-03T10:00:02Z", 2, Act::RejectAll, &["ads:marketing:d"]),
        ])
        .await;
}

trait Texts {
    fn page_texts(&mut self);
}

impl Texts for avow_schemas::event::ConsentEvent {
    /// Whatever a CSV or a line of JSON could stumble over.
    fn page_texts(&mut self) {
        self.banner_version = Some("a \"quoted\",\nbroken; 'line' \u{1f36a}".into());
        self.services = [("chaport".to_owned(), true)].into();
        self.effort_ms = Some(9_007_199_254_740_991);
    }
}

async fn begin(bench: &Bench, body: Value) -> String {
    let response = bench.request(Method::POST, "/api/v1/audit/exports", ADMIN).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 202);
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Asks until the job is over; the server says when, not a clock here.
async fn finished(bench: &Bench, location: &str) -> Value {
    loop {
        let (status, export) = bench.get(location).await;
        assert_eq!(status, 200, "{export}");
        if export["state"] == "done" || export["state"] == "failed" {
            return export;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn content(zip: &[u8], name: &str) -> String {
    let mut text = String::new();
    ZipArchive::new(Cursor::new(zip)).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn whole(from: &str, to: &str) -> Value {
    json!({"site": SITE, "from": from, "to": to})
}

#[tokio::test]
async fn a_bundle_holds_every_record_and_says_so() {
    let bench = Bench::start().await;
    land(&bench).await;
    let location = begin(&bench, whole("2020-01-01", "2099-01-01")).await;
    let export = finished(&bench, &location).await;
    assert_eq!(
        (&export["state"], &export["records"], &export["progress"]),
        (&json!("done"), &json!(3), &json!(1.0)),
        "{export}"
    );

    let response = bench.request(Method::GET, &format!("{location}/bundle"), ADMIN).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/zip");
    let bundle = response.bytes().await.unwrap();
    let opened: Vec<Value> =
        content(&bundle, "disclosures.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let field = |record: &Value, name: &str| {
        record["fields"].as_array().unwrap().iter().find(|field| field[0] == name).map_or(Value::Null, |f| f[1].clone())
    };
    let events: Vec<&Value> = opened.iter().filter(|record| record["kind"] == 1).collect();
    assert_eq!(events.len(), 3);
    let saved = events.iter().find(|record| field(record, "method") == "save").unwrap();
    assert_eq!(field(saved, "subject"), subject(1).to_string());
    assert_eq!(field(saved, "banner")["version"], "a \"quoted\",\nbroken; 'line' \u{1f36a}");
    assert_eq!(field(saved, "effort")["ms"], json!(9_007_199_254_740_991_u64));
    assert_eq!(field(saved, "services/chaport"), true);

    let document: Value = serde_json::from_str(&content(&bundle, "records.jsonld")).unwrap();
    let nodes = document["@graph"].as_array().unwrap();
    // Two decisions and how many they are: a banner shown to nobody in particular is no consent record.
    let records: Vec<&Value> = nodes.iter().filter(|node| node["@type"] == "dpv:ConsentRecord").collect();
    assert_eq!((records.len(), &nodes.last().unwrap()["avow:recordCount"]), (2, &json!(2)));
    let chaport = nodes.iter().filter(|node| node["@type"] == "dpv:Service" && node["dct:identifier"] == "chaport");
    assert_eq!(chaport.count(), 1, "what both refer to is described once");
    let saved = records.iter().find(|record| record["dpv:hasDataSubject"]["dct:identifier"] == subject(1).to_string());
    let process = &saved.unwrap()["dpv:hasProcess"][0];
    assert_eq!(process["dct:identifier"], "service/chaport");
    assert_eq!(process["dpv:hasConsentStatus"][0]["@type"], "dpv:ConsentGiven");
    assert_eq!(process["dpv:hasConsentStatus"][0]["dpv:isIndicatedAtTime"], "2026-03-03T10:00:01.500Z");

    let table = content(&bundle, "records.csv");
    let mut table = csv::Reader::from_reader(table.as_bytes());
    let column = table.headers().unwrap().iter().position(|name| name == "banner_version").unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().any(|row| &row[column] == "a \"quoted\",\nbroken; 'line' \u{1f36a}"));

    let manifest: Value = serde_json::from_str(&content(&bundle, "manifest.json")).unwrap();
    let counts = &manifest["counts"];
    assert_eq!((&counts["records"], &counts["by_type"]), (&json!(3), &json!({"decided": 2, "shown": 1})));
    assert_eq!(manifest["books"]["all"]["stored"], 3);
    // Nothing is signed here: what is stored is there, and nothing is proven.
    assert_eq!(manifest["ends"], Value::Null);
    assert_eq!((&export["waiting"], &export["waiting_since"]), (&json!(0), &Value::Null));
    assert_eq!(manifest["books"]["all"]["rows"]["events"], 3);
    for file in manifest["files"].as_array().unwrap() {
        let zip =
            ZipArchive::new(Cursor::new(&bundle)).unwrap().by_name(file["name"].as_str().unwrap()).unwrap().size();
        assert_eq!(file["size"], zip);
    }
    for page in ["report.html", "README.en.html", "README.fr.html", "README.de.html", "README.es.html"] {
        assert!(content(&bundle, page).starts_with("<!doctype html>"), "{page}");
    }
}

#[tokio::test]
async fn a_download_is_taken_up_where_it_broke_off() {
    let bench = Bench::start().await;
    land(&bench).await;
    let location = begin(&bench, whole("2020-01-01", "2099-01-01")).await;
    finished(&bench, &location).await;
    let get = |range: &str| {
        bench.request(Method::GET, &format!("{location}/bundle"), ADMIN).header("range", range.to_owned()).send()
    };
    let bundle = get("bytes=0-").await.unwrap().bytes().await.unwrap();
    let first = get("bytes=0-99").await.unwrap();
    assert_eq!(
        (first.status().as_u16(), first.headers()["content-range"].to_str().unwrap()),
        (206, &*format!("bytes 0-99/{}", bundle.len()))
    );
    let rest = get("bytes=100-").await.unwrap().bytes().await.unwrap();
    assert_eq!([first.bytes().await.unwrap(), rest].concat(), bundle);
    assert_eq!(get("bytes=99999999-").await.unwrap().status(), 416);
}

#[tokio::test]
async fn an_export_can_be_of_one_person_one_service_one_time() {
    let bench = Bench::start().await;
    land(&bench).await;
    let count = |more: Value| {
        let bench = &bench;
        async move {
            let mut body = whole("2020-01-01", "2099-01-01");
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let location = begin(bench, body).await;
            finished(bench, &location).await["records"].clone()
        }
    };
    assert_eq!(count(json!({"subject": subject(1)})).await, 1);
    assert_eq!(count(json!({"services": ["ads"]})).await, 2);
    assert_eq!(count(json!({"services": ["chaport", "none"]})).await, 1);
    assert_eq!(count(json!({"to": "2020-01-02"})).await, 0);

    for (change, at) in [
        (json!({"site": "nowhere.example"}), "/site"),
        (json!({"from": "soon"}), "/from"),
        (json!({"to": "2019-01-01"}), "/from"),
        (json!({"language": "tlh"}), "/language"),
        (json!({"services": ["Not A Slug"]}), "/services/0"),
    ] {
        let mut body = whole("2020-01-01", "2099-01-01");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, problem) = bench.send(Method::POST, "/api/v1/audit/exports", ADMIN, &body).await;
        assert_eq!((status, &problem["at"]), (422, &json!(at)), "{problem}");
    }
}

#[tokio::test]
async fn a_job_outlives_the_process() {
    let bench = Bench::start().await;
    land(&bench).await;
    let location = begin(&bench, whole("2020-01-01", "2099-01-01")).await;
    let done = finished(&bench, &location).await;
    // As a kill in the middle leaves it: the job is running, the bundle half there.
    let folder = bench.folder().join("exports").join(done["id"].as_str().unwrap());
    let text = std::fs::read_to_string(folder.join("job.json")).unwrap();
    std::fs::write(folder.join("job.json"), text.replace("\"state\": \"done\"", "\"state\": \"running\"")).unwrap();
    std::fs::rename(folder.join("bundle.zip"), folder.join("bundle.new")).unwrap();

    let bench = bench.restart().await;
    let again = finished(&bench, &location).await;
    assert_eq!((&again["state"], &again["records"]), (&json!("done"), &json!(3)));
    assert!(folder.join("bundle.zip").is_file());
    let (_, list) = bench.get("/api/v1/audit/exports").await;
    assert_eq!(list["exports"][0]["id"], done["id"]);
}

#[tokio::test]
async fn a_document_of_a_third_party_goes_into_bundles_until_it_is_taken_out() {
    let bench = Bench::start().await;
    land(&bench).await;
    let path = "/api/v1/audit/attachments";
    let put = json!({"site": SITE, "title": "Audit <2026>", "issuer": "Prüfer GmbH", "date": "2026-11-20",
                     "media_type": "text/plain", "content": "Tm90aGluZyB0byByZW1hcmsuCg=="});
    let (status, line) = bench.send(Method::PUT, path, ADMIN, &put).await;
    assert_eq!((status, &line["size_bytes"]), (201, &json!(19)), "{line}");
    assert_eq!(bench.send(Method::PUT, path, ADMIN, &put).await.0, 200);
    for (change, status, at) in [
        (json!({"site": "nowhere.example"}), 422, "/site"),
        (json!({"title": " "}), 422, "/title"),
        (json!({"date": "20 Nov"}), 422, "/date"),
        (json!({"media_type": "image/png"}), 422, "/media_type"),
        (json!({"media_type": "application/pdf"}), 422, "/content"),
        (json!({"content": "#"}), 422, "/content"),
    ] {
        let mut body = put.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (answered, problem) = bench.send(Method::PUT, path, ADMIN, &body).await;
        assert_eq!((answered, &problem["at"]), (status, &json!(at)), "{problem}");
    }
    let reader = bench.token(&[avow_schemas::control::Scope::StatsRead], None).await;
    assert_eq!(bench.send(Method::PUT, path, &reader, &put).await.0, 403);

    let made = |more: Value| {
        let bench = &bench;
        async move {
            let mut body = whole("2020-01-01", "2099-01-01");
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let location = begin(bench, body).await;
            assert_eq!(finished(bench, &location).await["state"], "done");
            let bundle = bench.request(Method::GET, &format!("{location}/bundle"), ADMIN).send().await.unwrap();
            bundle.bytes().await.unwrap()
        }
    };
    let bundle = made(json!({})).await;
    assert_eq!(content(&bundle, line["file"].as_str().unwrap()), "Nothing to remark.\n");
    assert!(content(&bundle, "report.html").contains("Audit &lt;2026&gt;"));
    let manifest: Value = serde_json::from_str(&content(&bundle, "manifest.json")).unwrap();
    assert_eq!(manifest["attachments"][0]["issuer"], "Prüfer GmbH");
    // Nobody can tell of which services it speaks.
    let cut = content(&made(json!({"services": ["chaport"]})).await, "manifest.json");
    assert!(cut.contains(line["hash"].as_str().unwrap()) && !cut.contains("Prüfer"), "{cut}");

    let listed = bench.get(&format!("{path}?site={SITE}")).await.1;
    assert_eq!(listed["attachments"].as_array().unwrap().len(), 1);
    let one = format!("{path}/{SITE}/{}", line["hash"].as_str().unwrap());
    for status in [204, 404] {
        let answer = bench.request(Method::DELETE, &one, ADMIN).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let manifest: Value = serde_json::from_str(&content(&made(json!({})).await, "manifest.json")).unwrap();
    assert_eq!(manifest["attachments"], json!([]));
}
