//! Quotas, floods, and a log that does not answer.

use std::num::NonZeroU32;

use avow_ingest::{IngestConfig, QuotaConfig};
use avow_log::Taking;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::server::{Server, answer, decided, settings, site, with};

fn three_at_once() -> IngestConfig {
    let quota = QuotaConfig { events_per_second: NonZeroU32::MIN, burst: NonZeroU32::MIN.saturating_add(2) };
    IngestConfig { default_quota: quota, ..IngestConfig::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_quota_the_same_ids_are_to_be_sent_again() {
    let server = Server::with(three_at_once()).await;
    let mut roomy = settings();
    roomy.quotas.burst = Some(100);
    server.control.put_site(&site("roomy.example"), roomy).await.unwrap();
    let events: Vec<Value> = (0..60).map(|_| decided()).collect();
    let response = server.post(json!({ "events": events }).to_string()).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().contains_key("retry-after")), (202, true));
    let body: Value = response.json().await.unwrap();
    let accepted = usize::try_from(body["accepted"].as_u64().unwrap()).unwrap();
    // Three at once, and one more for each second that the request itself may have taken.
    assert!((3..60).contains(&accepted), "{accepted}");
    assert_eq!(body["rejected"].as_array().unwrap().len(), 60 - accepted);
    assert!(body["rejected"].as_array().unwrap().iter().all(|event| event["code"] == "quota_exceeded"));
    let events: Vec<Value> = (0..90).map(|_| with(json!({ "site": "roomy.example" }))).collect();
    let (status, body) = answer(server.post(json!({ "events": events }).to_string())).await;
    assert_eq!((status, &body["accepted"]), (202, &json!(90)), "another site has its own");
    assert_eq!((server.fate("accepted"), server.fate("quota_exceeded")), (accepted as u64 + 90, 60 - accepted as u64));
    assert!(server.refusals().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_quotas_in_the_way_is_429() {
    let server = Server::with(three_at_once()).await;
    let lines: Vec<String> = (0..60).map(|_| decided().to_string()).collect();
    assert_eq!(answer(server.post(lines.join("\n"))).await.0, 202);
    // The quota of one a second may have let one through since: two in one request it has not.
    let same = with(json!({ "id": "0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10" }));
    let response = loop {
        let response = server.post(same.to_string()).send().await.unwrap();
        if response.status() != 202 {
            break response;
        }
    };
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    assert_json_snapshot!("over_quota", response.json::<Value>().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_made_up_sites_leaves_no_state() {
    let server = Server::with(IngestConfig::default()).await;
    let sizes = |server: &Server| (server.ingest.metered_sites(), server.metrics.text().unwrap().lines().count());
    assert_eq!(answer(server.post(with(json!({ "site": "made-up.example" })).to_string())).await.0, 422);
    assert_eq!(answer(server.post(decided().to_string())).await.0, 202);
    let before = sizes(&server);
    for request in 0..20 {
        let made_up = |n: usize| with(json!({ "site": format!("made-up-{request}-{n}.example"), "page": 7 }));
        let events: Vec<Value> = (0..500).map(made_up).collect();
        let (status, body) = answer(server.post(json!({ "events": events }).to_string())).await;
        assert_eq!((status, body["code"].as_str()), (422, Some("unknown_site")));
    }
    assert_eq!((sizes(&server), server.fate("unknown_site")), (before, 10_001));
    assert!(server.refusals().await.is_empty() && server.events().await.len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_written_at_a_bounded_rate() {
    let config = IngestConfig { refusals_per_second: NonZeroU32::MIN.saturating_add(4), ..IngestConfig::default() };
    let server = Server::with(config).await;
    let wrong: Vec<Value> = (0..500).map(|_| with(json!({ "layer": "x" }))).collect();
    assert_eq!(answer(server.post(json!({ "events": wrong }).to_string())).await.0, 422);
    let (written, unwritten) = (server.refusals().await.len() as u64, server.metrics.ingest.refusals_unwritten.get());
    assert_eq!((written + unwritten, server.fate("invalid_value")), (500, 500));
    assert!((5..100).contains(&written), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_log_nothing_is_promised() {
    let server = Server::start().await;
    assert_eq!(server.ingest.taking(), Taking::Directly);
    server.log.close().await;
    let body = json!({ "events": [decided(), with(json!({ "site": "made-up.example" }))] }).to_string();
    let response = server.post(body).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 503);
    assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_json_snapshot!("log_unavailable", response.json::<Value>().await.unwrap());
    assert_eq!((server.fate("not_promised"), server.fate("unknown_site"), server.fate("accepted")), (1, 1, 0));
    // What can be judged without the log still is.
    assert_eq!(answer(server.post("{}")).await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_it_can_hold_is_answered_503() {
    let config = IngestConfig { max_bytes_in_flight: 1 << 20, ..IngestConfig::default() };
    let server = Server::with(config).await;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut slow = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let size = (1 << 20) - 100;
    let head =
        format!("POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: {size}\r\n\r\n");
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&vec![b' '; size - 1]).await.unwrap();
    // The slow sender holds nearly all there is, as soon as the server has read it.
    loop {
        let (status, _) = answer(server.post(decided().to_string())).await;
        if status == 503 {
            break;
        }
        assert_eq!(status, 202);
    }
    slow.write_all(b" ").await.unwrap();
    let mut answered = vec![0; 12];
    slow.read_exact(&mut answered).await.unwrap();
    assert_eq!(answered, b"HTTP/1.1 400");
    assert_eq!(answer(server.post(decided().to_string())).await.0, 202);
}
