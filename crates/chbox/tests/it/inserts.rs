//! Data on their way in: nothing behind SQL text runs, nothing of a body that breaks off stays.

use std::io::{Read, Write};
use std::net::TcpStream;

use avow_chbox::wire;

use crate::harness::{self, PASSWORD, full, post};

async fn table(database: &str, columns: &str) {
    full(&format!("CREATE DATABASE {database} ENGINE=Atomic"), "").await;
    let reply = full(&format!("CREATE TABLE {database}.t ({columns}) ENGINE = MergeTree ORDER BY tuple()"), "").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

/// In libchdb's own query function a blank line ends inline data, and what follows runs.
#[tokio::test]
async fn a_blank_line_in_data_runs_nothing() {
    let db = "inserts_blank";
    table(db, "s String").await;
    let evil = format!("a\n\nDROP TABLE {db}.t\n");
    for (sql, query) in [
        (format!("INSERT INTO {db}.t FORMAT LineAsString\n{evil}"), String::new()),
        (evil.clone(), format!("query=INSERT+INTO+{db}.t+FORMAT+LineAsString")),
        (format!("FORMAT LineAsString\n{evil}"), format!("query=INSERT+INTO+{db}.t")),
    ] {
        let reply = full(&sql, &query).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    // Values end at a semicolon; what follows is not read.
    full(&format!("INSERT INTO {db}.t VALUES ('x'); DROP TABLE {db}.t"), "").await;
    assert_eq!(full(&format!("SELECT count(), countIf(s LIKE 'DROP%') FROM {db}.t"), "").await.text, "10\t3\n");
}

/// A Native value that holds a blank line and SQL is a value.
#[tokio::test]
async fn binary_values_are_values() {
    let db = "inserts_binary";
    table(db, "s String").await;
    let value = format!("x\n\nDROP TABLE {db}.t\n\0\u{1}');--");
    let select = format!("SELECT {} AS s", quoted(&value));
    for format in ["Native", "RowBinary", "Parquet", "JSONEachRow", "ArrowStream"] {
        let data = full(&select, &format!("default_format={format}")).await.bytes;
        let mut whole = format!("INSERT INTO {db}.t FORMAT {format}\n").into_bytes();
        whole.extend_from_slice(&data);
        let in_url = post("avow", PASSWORD, data, &format!("query=INSERT+INTO+{db}.t+FORMAT+{format}")).await;
        assert_eq!(in_url.status, 200, "{format}: {}", in_url.text);
        let in_body = post("avow", PASSWORD, whole, "").await;
        assert_eq!(in_body.status, 200, "{format}: {}", in_body.text);
    }
    let same = full(&format!("SELECT count(), countIf(s = {}) FROM {db}.t", quoted(&value)), "").await;
    assert_eq!(same.text, "10\t10\n");
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// libchdb's query function reports success for binary garbage.
#[tokio::test]
async fn garbage_is_an_error() {
    let db = "inserts_garbage";
    table(db, "n UInt64, s String").await;
    let garbage: Vec<u8> = (0..10_000u32).map(|n| (n * 7919 % 251) as u8).collect();
    for format in ["Native", "RowBinary", "Parquet", "CSV", "JSONEachRow"] {
        let query = format!("query=INSERT+INTO+{db}.t+FORMAT+{format}");
        let reply = post("avow", PASSWORD, garbage.clone(), &query).await;
        assert!(reply.status >= 400, "{format}: {} {}", reply.status, reply.text);
        assert!(reply.text.starts_with("Code: "), "{format}: {}", reply.text);
    }
    assert_eq!(full(&format!("SELECT count() FROM {db}.t"), "").await.text, "0\n");
}

#[tokio::test]
async fn blocks_are_checked() {
    let db = "inserts_blocks";
    table(db, "n UInt64").await;
    let rows: Vec<u8> = (0..100_000u64).flat_map(u64::to_le_bytes).collect();
    let mut blocks = Vec::new();
    wire::encode(&rows, &mut blocks);
    let query = format!("query=INSERT+INTO+{db}.t+FORMAT+RowBinary&decompress=1");
    let reply = post("avow", PASSWORD, blocks.clone(), &query).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.header("x-clickhouse-summary").contains("\"written_rows\":\"100000\""));
    // Half of the blocks are whole; the insert is one, so none of it stays.
    let middle = blocks.len() - 100;
    blocks[middle] ^= 1;
    let reply = post("avow", PASSWORD, blocks.clone(), &query).await;
    assert!(reply.text.starts_with("Code: 40. DB::Exception: Checksum doesn't match"), "{}", reply.text);
    blocks.truncate(middle);
    let reply = post("avow", PASSWORD, blocks, &query).await;
    assert!(
        reply.text.starts_with("Code: 33. DB::Exception: The compressed data end within a block"),
        "{}",
        reply.text
    );
    assert_eq!(full(&format!("SELECT count() FROM {db}.t"), "").await.text, "100000\n");
}

/// A client that goes in the middle of its body leaves nothing behind, whether it said how long the body would be or
/// sent it in chunks.
#[tokio::test]
async fn a_body_that_breaks_off_inserts_nothing() {
    let db = "inserts_broken";
    table(db, "n UInt64").await;
    let address = harness::shared().url.strip_prefix("http://").unwrap().to_owned();
    for framing in ["Content-Length: 8000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n7A120\r\n"] {
        let address = address.clone();
        let sent = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!(
                "POST /?query=INSERT+INTO+{db}.t+FORMAT+RowBinary HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: avow\r\n\
                 X-ClickHouse-Key: {PASSWORD}\r\n{framing}"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&vec![7u8; 500_000]).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            // Whatever it answers, it has let go of the request when it closes.
            let _end = stream.read_to_end(&mut answer);
            String::from_utf8_lossy(&answer).into_owned()
        })
        .await
        .unwrap();
        assert!(!sent.starts_with("HTTP/1.1 200"), "{sent}");
        harness::until_idle(db).await;
        assert_eq!(full(&format!("SELECT count() FROM {db}.t"), "").await.text, "0\n");
    }
}

#[tokio::test]
async fn inserts_are_synchronous_and_synced_by_default() {
    assert_eq!(full("SELECT getSetting('async_insert')", "").await.text, "false\n");
    let synced = full(
        "SELECT name, value FROM system.merge_tree_settings WHERE name IN ('fsync_after_insert', \
         'fsync_part_directory') ORDER BY name",
        "",
    )
    .await;
    assert_eq!(synced.text, "fsync_after_insert\t1\nfsync_part_directory\t1\n");
    let db = "inserts_settings";
    table(db, "n UInt64").await;
    let reply = full(&format!("INSERT INTO {db}.t SETTINGS async_insert=0 FORMAT TSV\n1\n"), "").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    // Settings of one request are not the next one's.
    full("SELECT 1", "max_threads=1&max_block_size=77").await;
    assert_ne!(full("SELECT getSetting('max_block_size')", "").await.text, "77\n");
}

#[tokio::test]
async fn bodies_may_be_compressed() {
    let db = "inserts_codings";
    table(db, "n UInt64").await;
    let rows: String = (0..50_000).map(|n| format!("{n}\n")).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(rows.as_bytes()).unwrap();
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(rows.as_bytes()).unwrap();
    let zstd = zstd::bulk::compress(rows.as_bytes(), 1).unwrap();
    for (coding, body) in [("gzip", gzip.finish().unwrap()), ("lz4", lz4.finish().unwrap()), ("zstd", zstd)] {
        let answer = reqwest::Client::new()
            .post(format!("{}/?query=INSERT+INTO+{db}.t+FORMAT+TSV", harness::shared().url))
            .basic_auth("avow", Some(PASSWORD))
            .header("content-encoding", coding)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{coding}: {}", answer.text().await.unwrap());
    }
    assert_eq!(full(&format!("SELECT count(), uniqExact(n) FROM {db}.t"), "").await.text, "150000\t50000\n");
}
