//! Bodies that cannot be read as a whole: 400, 408, 413, 415, each with where. The server is unharmed by all of them.

use std::time::Duration;

use avow_ingest::IngestConfig;
use insta::assert_json_snapshot;
use serde_json::{Map, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::accepted::packed;
use crate::server::{Server, answer, decided};

fn typed(server: &Server, content_type: &str, body: Vec<u8>) -> reqwest::RequestBuilder {
    server.client.post(server.url("/v1/events")).header("content-type", content_type).body(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_bodies() {
    let server = Server::start().await;
    let json = |body: &str| typed(&server, "application/json", body.as_bytes().to_vec());
    let gzip = |body: Vec<u8>| typed(&server, "application/json", body).header("content-encoding", "gzip");
    let whole = packed(decided().to_string().as_bytes());
    let bomb = packed(&vec![b' '; 64 << 20]);
    let events = |n: usize| json!({ "events": vec![json!({}); n] }).to_string();
    let text = decided().to_string();
    let mut answers = Map::new();
    for (name, request) in [
        ("400 empty", json("")),
        ("400 truncated", json(&text[..40])),
        ("400 trailing", json("{} {}")),
        ("400 a list", json("[{}]")),
        ("400 text", json("consent")),
        ("400 events is no list", json(r#"{"events": {"id": 1}}"#)),
        ("400 events repeated", json(r#"{"events": [], "events": []}"#)),
        ("400 nested arrays", json(&"[".repeat(2_000))),
        ("400 nested in a field", json(&format!(r#"{{"categories":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000)))),
        ("400 not utf-8", typed(&server, "application/json", b"{\"id\":\n\"\xff\"}".to_vec())),
        ("400 not gzip", gzip(text.clone().into_bytes())),
        ("400 gzip cut off", gzip(whole[..whole.len() - 9].to_vec())),
        ("413 body", json(&" ".repeat((1 << 20) + 1))),
        ("413 10 MiB", json(&"x".repeat(10 << 20))),
        ("413 gzip bomb", gzip(bomb)),
        ("413 events", json(&events(501))),
        ("413 lines", typed(&server, "application/x-ndjson", "{}\n".repeat(501).into_bytes())),
        ("415 form", typed(&server, "application/x-www-form-urlencoded", text.clone().into_bytes())),
        ("415 none", server.client.post(server.url("/v1/events")).body(text.clone())),
        ("415 charset", typed(&server, "text/plain; charset=utf-16", text.clone().into_bytes())),
        ("415 coding", json(&text).header("content-encoding", "br")),
        ("422 no events", json(r#"{"events": []}"#)),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), name[..3].parse::<u16>().unwrap(), "{name}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{name}");
        answers.insert(name.into(), response.json().await.unwrap());
    }
    assert_json_snapshot!("unreadable", answers);
    assert_eq!(answer(server.post(decided().to_string())).await.0, 202);
    assert_eq!((server.events().await.len(), server.metrics.ingest.in_flight.get()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up() {
    let server = Server::with(IngestConfig { body_timeout_ms: 50, ..IngestConfig::default() }).await;
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let head = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_hangs_up_leaves_nothing_behind() {
    let server = Server::start().await;
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let head = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    let gone = async {
        while server.metrics.ingest.in_flight.get() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    assert_eq!(answer(server.post(decided().to_string())).await.0, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_line_is_a_rejected_event() {
    let server = Server::start().await;
    let lines = [
        decided().to_string().into_bytes(),
        b"{\"id\": ".to_vec(),
        b"\xff".to_vec(),
        "[".repeat(2_000).into_bytes(),
        decided().to_string().into_bytes(),
    ];
    let (status, body) = answer(typed(&server, "application/x-ndjson", lines.join(&b'\n'))).await;
    assert_eq!(status, 202);
    assert_json_snapshot!("broken_lines", body);
    assert_eq!((server.fate("accepted"), server.fate("malformed")), (2, 3));
}
