//! What statements may cost: memory that does not grow with an answer or an insert, and nothing once the client is gone.

use std::time::Duration;

use futures::{StreamExt as _, stream};

use crate::harness::{self, PASSWORD, TestBox, full};

/// The most memory that the process has held, in MiB.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

async fn drained(own: &TestBox, query: &str) -> u64 {
    let answer = reqwest::Client::new()
        .post(format!("{}/?{query}", own.url))
        .basic_auth("avow", Some(PASSWORD))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let mut bytes = 0;
    let mut body = answer.bytes_stream();
    while let Some(chunk) = body.next().await {
        bytes += chunk.unwrap().len() as u64;
    }
    bytes
}

/// Rows out as RowBinary, as JSON (one document) and as Parquet, and rows in: 16 bytes, about 10 and 1, and 8 a row.
async fn pass(own: &TestBox, rows: u64) {
    let select = |columns: &str, format: &str| format!("query=SELECT+{columns}+FROM+numbers({rows})+FORMAT+{format}");
    assert_eq!(drained(own, &select("number,number", "RowBinary")).await, rows * 16);
    assert!(drained(own, &select("number", "JSONCompact")).await > rows * 8);
    assert!(drained(own, &select("number", "Parquet")).await > rows / 2);
    let pieces = stream::iter(0..rows >> 17).map(|_| Ok::<_, std::io::Error>(vec![1u8; 1 << 20]));
    let inserted = reqwest::Client::new()
        .post(format!("{}/?query=INSERT+INTO+sink+FORMAT+RowBinary", own.url))
        .basic_auth("avow", Some(PASSWORD))
        .body(reqwest::Body::wrap_stream(pieces));
    assert_eq!(inserted.send().await.unwrap().status(), 200);
}

/// What ten times as many rows need beyond what the first ones did is a fraction of what passes (1.3 GB).
#[tokio::test]
async fn memory_stays_flat_for_answers_and_inserts_of_any_size() {
    let own = TestBox::start();
    let create = "query=CREATE+TABLE+sink+(n+UInt64)+ENGINE+%3D+Null";
    assert_eq!(drained(&own, create).await, 0);
    pass(&own, 4_000_000).await;
    let before = peak_mib(own.pid);
    pass(&own, 40_000_000).await;
    let grown = peak_mib(own.pid) - before;
    assert!(grown < 300, "memory grew by {grown} MiB");
    assert!(own.stop().success());
}

/// Statements that have not answered yet, that are answering, and that wait for data.
#[tokio::test]
async fn a_statement_ends_with_its_client() {
    let url = &harness::shared().url;
    for (name, sql) in [
        ("silent", "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 7 AND 'goes-silent' != ''"),
        ("talking", "SELECT number FROM numbers(1000000000000) WHERE 'goes-talking' != ''"),
    ] {
        let request = reqwest::Client::new().post(url).basic_auth("avow", Some(PASSWORD)).body(sql);
        let asked = tokio::spawn(async move {
            let mut answer = request.send().await.unwrap();
            while answer.chunk().await.unwrap().is_some() {}
        });
        harness::until_running(&format!("goes-{name}"), true).await;
        asked.abort();
        harness::until_running(&format!("goes-{name}"), false).await;
    }
}

#[tokio::test]
async fn more_statements_than_connections_wait_their_turn() {
    let asked = stream::iter(0..64u64).map(|n| async move {
        full(&format!("SELECT {n} + count() FROM numbers(1000000) WHERE sipHash64(number) = 0"), "").await.text
    });
    let answers: Vec<String> = asked.buffered(64).collect().await;
    assert_eq!(answers, (0..64).map(|n| format!("{n}\n")).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_endless_head_ends() {
    // A head that never ends is bounded in size; the connection closes instead of filling memory.
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = harness::shared().url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST /?query=").await.unwrap();
    let filler = vec![b'a'; 64 << 10];
    let mut sent = 0usize;
    // The write fails once the other side has closed.
    while sent < 64 << 20 && stream.write_all(&filler).await.is_ok() {
        sent += filler.len();
    }
    assert!(sent < 32 << 20, "{sent} bytes of a head were taken");
    let mut answer = Vec::new();
    let _closed = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.unwrap();
}
