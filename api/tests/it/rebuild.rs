//! Making derived tables anew: what a writer sees of it, what cannot be derived, and who is refused.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_schemas::event::Method as Act;
use avow_warehouse::WarehouseError;
use avow_warehouse::chain::Chain;
use avow_warehouse::erase::{Extent, Owner};
use avow_warehouse::rebuild::RebuildError;
use avow_warehouse::uniqueness::{IdsStand, KeyHash};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::bench::{ADMIN, Bench, SITE};
use crate::events::{decided, subject};

async fn land(bench: &Bench, subjects: std::ops::Range<u128>) {
    let event = |n| decided("2026-03-03T10:00:00Z", n, Act::Save, &["chaport:preferences:g"]);
    bench.land(subjects.map(event).collect()).await;
}

async fn run(bench: &Bench, sql: &str) {
    bench.warehouse.client().query(sql).execute().await.unwrap();
}

async fn number(bench: &Bench, sql: &str) -> u64 {
    bench.warehouse.client().query(sql).fetch_one().await.unwrap()
}

async fn ids(bench: &Bench) -> u64 {
    number(bench, "SELECT count() FROM event_ids WHERE hash != toFixedString('', 16)").await
}

#[tokio::test]
async fn a_writer_notices_that_a_table_was_exchanged_and_forgets_nothing() {
    let bench = Bench::start().await;
    land(&bench, 0..3).await;
    let log_id = avow_log::Log::identity(bench.log.as_ref()).log_id;
    let chain = Chain::open(Arc::clone(&bench.warehouse), log_id, 0).await.unwrap();
    let stand = IdsStand { log_id, partition: 0, upto: chain.watermarks().ids };
    let mut seen: Vec<KeyHash> = Vec::new();
    bench.warehouse.each_id(stand, 0, |hash| seen.push(hash)).await.unwrap();
    assert_eq!(bench.warehouse.known_ids(&seen, stand).await.unwrap().len(), 3);

    // As if the rebuilt table had not got far when it took the other's place.
    run(&bench, "CREATE TABLE event_ids_empty AS event_ids").await;
    run(&bench, "EXCHANGE TABLES event_ids AND event_ids_empty").await;
    let fenced = |error: WarehouseError| assert!(matches!(error, WarehouseError::Fenced { .. }), "{error}");
    fenced(bench.warehouse.known_ids(&seen, stand).await.unwrap_err());
    fenced(bench.warehouse.each_id(stand, 0, |_| {}).await.unwrap_err());

    let chain = Chain::open(Arc::clone(&bench.warehouse), log_id, 0).await.unwrap();
    assert_eq!(chain.watermarks().ids, stand.upto);
    assert_eq!(bench.warehouse.known_ids(&seen, stand).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_no_longer_kept_is_not_forgotten() {
    let bench = Bench::start().await;
    land(&bench, 0..3).await;
    land(&bench, 3..5).await;
    let counted = "SELECT sum(decisions) FROM rates_15m";
    // The first range passes away, as a retention takes it.
    let first = "position < (SELECT max(range_from) FROM events_data WHERE kind = 'range')";
    run(&bench, &format!("ALTER TABLE events_data DELETE WHERE {first} SETTINGS mutations_sync = 1")).await;
    assert_eq!((ids(&bench).await, number(&bench, counted).await), (5, 5));
    let rebuilt = bench.warehouse.rebuild(Uuid::new_v4(), |_| {}).await.unwrap();
    assert_eq!((rebuilt.rows, rebuilt.ids_copied), (2, 3));
    assert!(rebuilt.rates_kept.unwrap().contains("no longer kept"));
    assert_eq!((ids(&bench).await, number(&bench, counted).await), (5, 5));
}

#[tokio::test]
async fn one_at_a_time_and_what_broke_off_is_swept() {
    let bench = Bench::start().await;
    land(&bench, 0..3).await;
    let (own, other) = (Uuid::new_v4(), Uuid::new_v4());
    let begin = async |id: Uuid| {
        run(&bench, &format!("CREATE TABLE IF NOT EXISTS event_ids_rebuilt_{} AS event_ids", id.simple())).await
    };
    begin(own).await;
    begin(other).await;
    let refused = bench.warehouse.rebuild(own, |_| {}).await.unwrap_err();
    assert!(
        matches!(&refused, RebuildError::UnderWay(table) if table.ends_with(&other.simple().to_string())),
        "{refused}"
    );
    run(&bench, &format!("DROP TABLE event_ids_rebuilt_{}", other.simple())).await;
    begin(own).await;
    bench.warehouse.rebuild(own, |_| {}).await.unwrap();
    let left = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%rebuilt%'";
    assert_eq!((ids(&bench).await, number(&bench, left).await), (3, 0));
}

#[tokio::test]
async fn who_is_limited_to_sites_may_not() {
    let bench = Bench::start().await;
    let limited = bench.token(&[Scope::Admin], Some(&["shop.example"])).await;
    let reader = bench.token(&[Scope::StatsRead], None).await;
    for token in [&limited, &reader] {
        let (status, problem) = bench.send(Method::POST, "/api/v1/rebuilds", token, &json!({})).await;
        assert_eq!(status, 403, "{problem}");
    }
    let (status, job) = bench.send(Method::POST, "/api/v1/rebuilds", ADMIN, &json!({})).await;
    assert_eq!(status, 202, "{job}");
    let path = format!("/api/v1/rebuilds/{}", job["id"].as_str().unwrap());
    loop {
        let (status, job) = bench.get(&path).await;
        assert_eq!(status, 200);
        if job["state"] == "done" {
            break assert_eq!(job["progress"], 1.0);
        }
        assert_ne!(job["state"], "failed", "{job}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_erasure_and_a_rebuild_keep_out_of_each_others_way() {
    let bench = Bench::start().await;
    land(&bench, 0..3).await;
    let log_id = avow_log::Log::identity(bench.log.as_ref()).log_id;
    let owner = Owner { log_id, partition: 0 };
    let site = SITE.to_owned();
    let extent = Extent { site, subject: subject(1), owner, upto: u64::MAX, received_by: 0 };
    let places = bench.warehouse.places(&extent).await.unwrap();
    assert_eq!(places.len(), 1);
    let counted = "SELECT sum(decisions) FROM rates_15m";
    let rows = "SELECT count() FROM events_data WHERE kind = 'erased'";

    // Whoever comes second waits.
    let batch = Uuid::new_v4();
    bench.warehouse.begin_erasing(batch, owner, &places).await.unwrap();
    let warehouse = Arc::clone(&bench.warehouse);
    let rebuilding = tokio::spawn(async move { warehouse.rebuild(Uuid::new_v4(), |_| {}).await });
    let shown = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%rebuilt%'";
    while number(&bench, shown).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(!bench.warehouse.erase(batch).await.unwrap(), "a rebuild is under way");
    assert!(!rebuilding.is_finished() && number(&bench, rows).await == 0);
    bench.warehouse.drop_batch(batch).await.unwrap();
    assert_eq!(rebuilding.await.unwrap().unwrap().rows, 3);

    // Once more changes nothing, after whichever step.
    for _ in 0..2 {
        bench.warehouse.begin_erasing(batch, owner, &places).await.unwrap();
        assert!(bench.warehouse.erase(batch).await.unwrap());
        assert_eq!((number(&bench, rows).await, number(&bench, counted).await), (1, 3));
        assert_eq!(number(&bench, "SELECT sum(decisions) FROM erased_rates WHERE grain = 'total'").await, 1);
    }
    assert!(bench.warehouse.places(&extent).await.unwrap().is_empty() && !bench.warehouse.is_erasing().await.unwrap());
    let rebuilt = bench.warehouse.rebuild(Uuid::new_v4(), |_| {}).await.unwrap();
    assert_eq!((rebuilt.rates_kept, rebuilt.ids_copied), (None, 1));
    assert_eq!((ids(&bench).await, number(&bench, counted).await), (3, 3));
    let books = bench.warehouse.books(&[SITE.to_owned()], 0, i64::MAX / 2).await.unwrap();
    assert!(books[0].balance() && books[0].erased == 1, "{books:?}");
}
