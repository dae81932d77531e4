//! Events that are gone from under what was derived from them: noticed when the partition is opened, since their ids would
//! make repeats of what is read from the log again; mended by a rebuild.

use std::sync::Arc;

use avow_warehouse::WarehouseError;
use avow_warehouse::chain::Chain;
use avow_warehouse::chain::tables::Step;
use uuid::Uuid;

use crate::bench::{Bench, full};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_events_are_noticed_and_come_back_from_the_log() {
    let bench = Bench::start().await;
    let open = || Chain::open(Arc::clone(&bench.warehouse), bench.log_id, 0);
    let steps = [Step { from: 0, to: 10 }, Step { from: 10, to: 20 }];
    let mut chain = open().await.unwrap();
    for step in steps {
        chain.write(&bench.range(&full(step))).await.unwrap();
    }
    chain.close().await;

    let gone = "ALTER TABLE events_data DELETE WHERE position >= 10 SETTINGS mutations_sync = 2";
    bench.warehouse.client().query(gone).execute().await.unwrap();
    let refused = open().await.err().unwrap();
    assert!(matches!(refused, WarehouseError::EventsLost { partition: 0, events: 10, derived: 20 }), "{refused}");

    bench.warehouse.rebuild(Uuid::new_v4(), |_| {}).await.unwrap();
    let mut chain = open().await.unwrap();
    assert_eq!(chain.watermarks().events, 10);
    chain.write(&bench.range(&full(steps[1]))).await.unwrap();
    chain.close().await;
    assert_eq!(bench.contents().await.lost_and_doubled(20), (0, 0));
}
