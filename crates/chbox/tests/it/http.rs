//! ClickHouse's HTTP interface, as a client without a library sees it.

use std::io::Read;

use avow_chbox::wire::BlockReader;

use crate::harness::{self, PASSWORD, full, post};

async fn get(path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("{}{path}", harness::shared().url)).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn it_answers_pings_without_a_password() {
    assert_eq!(get("/ping").await, (200, "Ok.\n".to_owned()));
    assert_eq!(get("/").await, (200, "Ok.\n".to_owned()));
    assert_eq!(get("/replicas_status").await.0, 200);
    assert_eq!(get("/play").await.0, 404);
}

#[tokio::test]
async fn nobody_gets_in_without_the_password() {
    let url = &harness::shared().url;
    for query in ["?query=SELECT+1", "?query=SELECT+1&user=avow&password=wrong", "?query=SELECT+1&user=nobody"] {
        let (status, text) = get(&format!("/{query}")).await;
        assert_eq!(status, 403, "{text}");
        assert!(text.starts_with("Code: 516. DB::Exception: "), "{text}");
    }
    let url_password = get(&format!("/?query=SELECT+1&user=avow&password={PASSWORD}")).await;
    assert_eq!(url_password, (200, "1\n".to_owned()));
    let basic =
        reqwest::Client::new().post(url).basic_auth("avow", Some(PASSWORD)).body("SELECT 1").send().await.unwrap();
    assert_eq!(basic.text().await.unwrap(), "1\n");
}

#[tokio::test]
async fn a_get_changes_nothing() {
    let (status, text) = get(&format!("/?query=CREATE+DATABASE+by_get&user=avow&password={PASSWORD}")).await;
    assert!(status != 200 && text.contains("Code: 164."), "{status} {text}");
}

#[tokio::test]
async fn an_answer_says_what_it_is() {
    let reply = full("SELECT number FROM numbers(3) FORMAT JSONCompactEachRow", "query_id=my-id").await;
    assert_eq!(reply.text, "[0]\n[1]\n[2]\n");
    assert_eq!(reply.header("x-clickhouse-query-id"), "my-id");
    assert_eq!(reply.header("x-clickhouse-format"), "JSONCompactEachRow");
    assert_eq!(reply.header("content-type"), "application/x-ndjson; charset=UTF-8");
    let summary = reply.header("x-clickhouse-summary");
    assert!(summary.contains("\"read_rows\":\"3\"") && summary.contains("\"result_rows\":\"3\""), "{summary}");
    assert_eq!(full("SELECT 1", "default_format=CSV").await.header("x-clickhouse-format"), "CSV");
    assert_eq!(full("SELECT 1 AS a, 2 AS format", "").await.text, "1\t2\n");
    assert_eq!(full("SELECT format FROM (SELECT 3 AS format) FORMAT CSV;", "").await.text, "3\n");
    assert_eq!(full("SELECT count() FROM numbers(10) FORMAT Null", "").await.text, "");
}

/// Each format is one document, also when the engine's answer comes in many pieces.
#[tokio::test]
async fn a_long_answer_is_one_document() {
    let select = "SELECT number, toString(number) AS s FROM numbers(300000)";
    let csv = full(select, "default_format=CSVWithNames").await.text;
    assert_eq!((csv.lines().count(), csv.matches("\"number\"").count()), (300_001, 1));
    let json: serde_json::Value = serde_json::from_str(&full(select, "default_format=JSON").await.text).unwrap();
    assert_eq!(json["rows"], 300_000);
    assert_eq!(json["data"].as_array().unwrap().len(), 300_000);
    let binary = full(select, "default_format=RowBinaryWithNamesAndTypes").await.bytes;
    let names = binary.windows(6).filter(|window| window == b"number").count();
    assert_eq!(names, 1);
    let parquet = full(select, "default_format=Parquet").await.bytes;
    assert_eq!((&parquet[..4], &parquet[parquet.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    let empty = full("SELECT 1 AS x WHERE 0", "default_format=RowBinaryWithNamesAndTypes").await.bytes;
    assert_eq!(empty, b"\x01\x01x\x05UInt8");
}

#[tokio::test]
async fn answers_are_compressed_as_asked() {
    let blocks = full("SELECT number FROM numbers(100000)", "compress=1").await.bytes;
    let mut text = String::new();
    BlockReader::new(&blocks[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 100_000);
    for (coding, magic) in
        [("gzip", &[0x1f, 0x8b][..]), ("lz4", &[0x04, 0x22, 0x4d, 0x18]), ("zstd", &[0x28, 0xb5, 0x2f, 0xfd])]
    {
        let answer = reqwest::Client::new()
            .post(&harness::shared().url)
            .basic_auth("avow", Some(PASSWORD))
            .header("accept-encoding", coding)
            .body("SELECT number FROM numbers(100000)")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["content-encoding"], coding);
        assert!(answer.bytes().await.unwrap().starts_with(magic), "{coding}");
    }
}

#[tokio::test]
async fn an_error_has_its_code_and_status() {
    for (sql, query, status, code) in [
        ("SELECT * FROM no_such_table", "", 404, "60"),
        ("SELECT 1", "database=no_such_database", 404, "81"),
        ("SELECT 1", "no_such_setting=1", 404, "115"),
        ("SELECT 1", "max_threads=many", 400, "27"),
        ("SELECT {x:UInt8}", "", 400, "456"),
        ("SELECT {x:UInt8}", "param_x=y", 400, "457"),
        ("SELECT 1 FORMAT NoSuchFormat", "", 404, "73"),
        ("SELECT 1", "default_format=No+Such", 404, "73"),
        ("garbage", "", 400, "62"),
        ("", "", 400, "62"),
        ("SELECT 1; SELECT 2", "", 400, "62"),
        ("SELECT 1 PARALLEL WITH SELECT 2", "", 400, "62"),
        ("SELECT sleep(3)", "max_execution_time=1&timeout_overflow_mode=throw", 408, "159"),
    ] {
        let reply = full(sql, query).await;
        assert_eq!(reply.header("x-clickhouse-exception-code"), code, "{sql} {query}: {}", reply.text);
        assert_eq!(reply.status, status, "{sql} {query}: {}", reply.text);
        assert!(reply.text.starts_with(&format!("Code: {code}. DB::Exception: ")), "{}", reply.text);
    }
}

/// An error after the first byte cannot change the status: the body carries it in ClickHouse's marked form, and breaks
/// off. With `wait_end_of_query` the status waits for it.
#[tokio::test]
async fn a_late_error_is_never_taken_for_an_end() {
    let late = "SELECT throwIf(number = 2999999, 'late') FROM numbers(3000000)";
    let reply = full(late, "max_block_size=1000").await;
    assert_eq!(reply.status, 200);
    assert!(reply.broken);
    let tag = reply.header("x-clickhouse-exception-tag");
    let marked = format!("\r\n__exception__\r\n{tag}\r\nCode: 395. DB::Exception: late");
    assert!(reply.text.contains(&marked) && reply.text.ends_with(&format!(" {tag}\r\n__exception__\r\n")));
    let reply = full(late, "max_block_size=1000&wait_end_of_query=1").await;
    assert_eq!((reply.status, reply.header("x-clickhouse-exception-code")), (500, "395"));
    let whole = full("SELECT number FROM numbers(3000000)", "wait_end_of_query=1").await;
    assert_eq!(whole.text.lines().count(), 3_000_000);
    assert!(whole.header("x-clickhouse-summary").contains("\"result_rows\":\"3000000\""));
}

/// `file()` and its like are not for HTTP, whoever asks.
#[tokio::test]
async fn nobody_names_files_of_the_machine() {
    let db = "http_files";
    full(&format!("CREATE DATABASE {db} ENGINE=Atomic"), "").await;
    full(&format!("CREATE TABLE {db}.t (s String) ENGINE = Memory"), "").await;
    let out = std::env::temp_dir().join(format!("chbox-outfile-{}", std::process::id()));
    for sql in [
        format!("SELECT 1 INTO OUTFILE '{}'", out.display()),
        format!("SHOW DATABASES INTO OUTFILE '{}'", out.display()),
        format!("EXISTS TABLE {db}.t INTO OUTFILE '{}'", out.display()),
        format!("INSERT INTO FUNCTION file('{}', 'CSV', 'a Int8') SELECT 1", out.display()),
        format!("INSERT INTO FUNCTION file('{}', 'CSV', 'a Int8') FORMAT CSV\n1", out.display()),
        format!("INSERT INTO {db}.t FROM INFILE '/etc/passwd' FORMAT LineAsString"),
    ] {
        let reply = full(&sql, "").await;
        assert_eq!(reply.status, 403, "{sql}: {}", reply.text);
    }
    assert!(!out.exists());
    assert_eq!(full(&format!("SELECT count() FROM {db}.t"), "").await.text, "0\n");
}

#[tokio::test]
async fn a_statement_has_a_longest_length_and_an_insert_has_not() {
    let long = format!("SELECT '{}'", "x".repeat(2 << 20));
    let reply = full(&long, "").await;
    assert!(reply.status == 400 && reply.text.contains("Max query size exceeded"), "{}", &reply.text[..200]);
    full("CREATE DATABASE http_long ENGINE=Atomic", "").await;
    full("CREATE TABLE http_long.t (s String) ENGINE = Memory", "").await;
    let rows: String = (0..400_000).map(|n| format!("row {n}\n")).collect();
    let reply = full(&format!("INSERT INTO http_long.t FORMAT LineAsString\n{rows}"), "").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(full("SELECT count(), max(length(s)) FROM http_long.t", "").await.text, "400000\t10\n");
    assert_eq!(post("avow", PASSWORD, vec![0xff, 0xfe], "").await.status, 400);
}
