//! Each half of an insert's protection fails alone on the real engine: the condition lets a late statement land beside its
//! retry, the token drops a longer batch and says yes, and is forgotten. Both together hold.

use std::sync::Arc;
use std::time::Duration;

use avow_warehouse::chain::engine::{Engine, Statement};
use avow_warehouse::chain::owner::{Owner, Stop};
use avow_warehouse::chain::tables::{Insert, Source, Step, Table, Tables};
use uuid::Uuid;

use crate::bench::{Bench, full, without_condition};
use crate::model::Block;

const STEP: Step = Step { from: 0, to: 4 };
/// A staged block of STEP: four rows and the range row.
const ROWS: u64 = 5;

async fn staged(bench: &Bench, step: Step) -> Engine {
    let mut engine = bench.engine();
    engine.renew_staging().await.unwrap();
    let block = full(step);
    engine.fill_staging(&bench.range(&block).block(block.write).unwrap()).await.unwrap();
    engine
}

const fn events(step: Step) -> Insert {
    Insert { table: Table::Events, step, number: 0, source: Source::Staged, since: 0 }
}

/// Sends an insert that has read its condition and its rows and does not commit for two seconds, and, once it is there, the
/// same insert again, as an owner does who heard nothing. True if they overlapped.
async fn late_and_retried(bench: &Bench, tokens: [&str; 2]) -> bool {
    let engine = Arc::new(staged(bench, STEP).await);
    let mut late = engine.statement(&events(STEP));
    late.sql.push_str(" AND sleepEachRow(0.5) = 0");
    late.token = tokens[0].to_owned();
    let sender = Arc::clone(&engine);
    let sent = tokio::spawn(async move { sender.send(&late, &events(STEP)).await });
    // It reads the staged rows twice: to see whether they are whole, and to take them.
    let under_way = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO events_data%sleepEachRow%' \
                     AND current_database = currentDatabase() AND read_rows >= {rows:UInt64}";
    let seen = async || {
        let query = bench.warehouse.client().query(under_way).param("rows", 2 * ROWS);
        query.fetch_one::<u64>().await.unwrap() > 0
    };
    while !sent.is_finished() && !seen().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let retry = Statement { token: tokens[1].to_owned(), ..engine.statement(&events(STEP)) };
    engine.send(&retry, &events(STEP)).await.unwrap();
    let overlapped = seen().await;
    sent.await.unwrap().unwrap();
    overlapped
}

/// Until the two statements overlapped: on a busy machine the late one may have ended first.
async fn overlapping(tokens: [&str; 2]) -> Bench {
    for _ in 0..20 {
        let bench = Bench::start().await;
        if late_and_retried(&bench, tokens).await {
            return bench;
        }
    }
    panic!("the two statements never overlapped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_condition_alone_lets_a_late_statement_land_beside_its_retry() {
    let bench = overlapping(["one token", "another token"]).await;
    assert_eq!(bench.contents().await.ranges, [(0, 4), (0, 4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn condition_and_token_let_one_of_them_land() {
    let bench = overlapping(["the token", "the token"]).await;
    assert_eq!(bench.contents().await.ranges, [(0, 4)]);
}

async fn send_without_condition(engine: &Engine, insert: &Insert) {
    let statement = engine.statement(insert);
    let statement = Statement { sql: without_condition(&statement.sql), ..statement };
    engine.send(&statement, insert).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_alone_drops_a_longer_batch_and_says_yes() {
    let bench = Bench::start().await;
    send_without_condition(&staged(&bench, STEP).await, &events(STEP)).await;
    let longer = Step { from: 0, to: 9 };
    // This is a yes, and five records are nowhere.
    send_without_condition(&staged(&bench, longer).await, &events(longer)).await;
    assert_eq!(bench.contents().await.ranges, [(0, 4)]);
    // An owner reads back, and stops.
    let mut owner = Owner::open(bench.engine()).await.unwrap();
    let block = Block { step: longer, ..full(longer) };
    let written = owner.write(longer, 9, block.write, &bench.range(&block).block(block.write).unwrap()).await;
    assert!(matches!(written, Err(Stop::Fenced { found: 4, .. })));
    assert_eq!(bench.contents().await.ranges, [(0, 4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_alone_is_forgotten() {
    let bench = Bench::start().await;
    bench.run("ALTER TABLE events_data MODIFY SETTING non_replicated_deduplication_window = 2").await;
    let first = staged(&bench, STEP).await;
    send_without_condition(&first, &events(STEP)).await;
    send_without_condition(&first, &events(STEP)).await;
    assert_eq!(bench.contents().await.ranges, [(0, 4)]);
    for from in [4, 8] {
        let next = Step { from, to: from + 4 };
        send_without_condition(&staged(&bench, next).await, &events(next)).await;
    }
    first.insert(&events(STEP)).await.unwrap();
    assert_eq!(bench.contents().await.ranges, [(0, 4), (4, 8), (8, 12)]);
    send_without_condition(&first, &events(STEP)).await;
    assert_eq!(bench.contents().await.ranges, [(0, 4), (0, 4), (4, 8), (8, 12)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stretch_is_caught_up_in_steps() {
    let bench = Bench::start().await;
    for from in (0..40).step_by(4) {
        let step = Step { from, to: from + 4 };
        staged(&bench, step).await.insert(&events(step)).await.unwrap();
    }
    let owner = Owner::open(bench.engine().with_most_rows(24)).await.unwrap();
    let marks = owner.watermarks();
    assert_eq!((marks.events, marks.ids, marks.rates), (40, 40, 40));
    assert_eq!(bench.contents().await.lost_and_doubled(40), (0, 0));
    let steps = "SELECT position FROM event_ids WHERE hash = toFixedString('', 16) ORDER BY position";
    let steps: Vec<u64> = bench.warehouse.client().query(steps).fetch_all().await.unwrap();
    assert_eq!(steps, [12, 24, 36, 40]);
}

/// A second owner opens the partition and drops the first one's staging table as if it had been left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_whose_staging_table_is_dropped_goes_on() {
    let bench = Bench::start().await;
    let mut owner = Owner::open(bench.engine()).await.unwrap();
    let mut write = async |step: Step| {
        let write = Uuid::new_v4();
        let block = bench.range(&full(step)).block(write).unwrap();
        owner.write(step, step.to as i64, write, &block).await
    };
    write(STEP).await.unwrap();
    let tables = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE 'staging_p0_%'";
    let tables = async || bench.warehouse.client().query(tables).fetch_one::<u64>().await.unwrap();
    assert_eq!(tables().await, 1);
    // What is younger than ten minutes stays.
    Owner::open(bench.engine()).await.unwrap();
    assert_eq!(tables().await, 1);
    while tables().await > 0 {
        // The engine tells a table's age in whole seconds.
        Owner::open(bench.engine().with_stale_seconds(0)).await.unwrap();
    }
    write(Step { from: 4, to: 9 }).await.unwrap();
    assert_eq!(bench.contents().await.lost_and_doubled(9), (0, 0));
}
