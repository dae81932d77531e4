//! The `clickhouse` crate, which the warehouse uses.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::harness;

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Item {
    number: u64,
    name: String,
}

#[tokio::test]
async fn rows_go_in_and_come_out() {
    let client = harness::client("rust_rows").await;
    client
        .query("CREATE TABLE items (number UInt64, name String) ENGINE = MergeTree ORDER BY number")
        .execute()
        .await
        .unwrap();
    let mut insert = client.insert::<Item>("items").await.unwrap();
    for number in 0..1000 {
        insert.write(&Item { number, name: format!("n{number}") }).await.unwrap();
    }
    insert.end().await.unwrap();
    let items: Vec<Item> = client
        .query("SELECT ?fields FROM items WHERE number >= {low:UInt64} AND name != {name:String} ORDER BY number")
        .param("low", 998)
        .param("name", "n998")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(items, [Item { number: 999, name: "n999".to_owned() }]);
    assert_eq!(client.query("SELECT count() FROM items").fetch_one::<u64>().await.unwrap(), 1000);
}

#[tokio::test]
async fn errors_are_clickhouses_own() {
    let client = harness::client("rust_errors").await;
    let error = client.query("SELECT nope").fetch_one::<u8>().await.unwrap_err().to_string();
    assert!(error.contains("Code: 47. DB::Exception: Unknown expression identifier"), "{error}");
    let error = client.query("SELEKT 1").execute().await.unwrap_err().to_string();
    assert!(error.contains("Code: 62. DB::Exception: Syntax error"), "{error}");
    let stranger = client.with_password("wrong");
    let error = stranger.query("SELECT 1").fetch_one::<u8>().await.unwrap_err().to_string();
    assert!(error.contains("Code: 516."), "{error}");
}
