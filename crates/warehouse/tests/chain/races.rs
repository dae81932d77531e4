//! Two owners of one partition on the real engine, round after round: both open it, both write ranges of their own lengths,
//! and whoever is fenced stops. Nothing may be there twice, and nothing be missing.

use std::sync::Arc;

use avow_warehouse::WarehouseError;
use avow_warehouse::chain::Chain;
use avow_warehouse::chain::tables::Step;
use tokio::sync::Barrier;

use crate::bench::{Bench, full};
use crate::rng::Rng;

/// Positions that a round adds.
const ROUND: u64 = 12;

/// How an owner's round ended.
struct Ended {
    written: u64,
    fenced: bool,
}

async fn own(bench: Arc<Bench>, begin: Arc<Barrier>, goal: u64, seed: u64) -> Ended {
    let mut rng = Rng::new(seed);
    let mut chain = Chain::open(Arc::clone(&bench.warehouse), bench.log_id, 0).await.unwrap();
    begin.wait().await;
    let mut written = 0;
    loop {
        let from = chain.watermarks().events;
        if from >= goal {
            chain.close().await;
            return Ended { written, fenced: false };
        }
        let step = Step { from, to: (from + 1 + rng.below(5)).min(goal) };
        match chain.write(&bench.range(&full(step))).await {
            Ok(()) => written += 1,
            Err(WarehouseError::Fenced { .. }) => {
                chain.close().await;
                return Ended { written, fenced: true };
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_neither_double_nor_lose() {
    let rounds: u64 = std::env::var("AVOW_SOAK_RACES").ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    let bench = Arc::new(Bench::start().await);
    let (mut fenced, mut lost, mut doubled) = (0, 0, 0);
    let mut written = 0;
    for round in 0..rounds {
        let goal = (round + 1) * ROUND;
        let begin = Arc::new(Barrier::new(2));
        let owners =
            [0, 1].map(|owner| tokio::spawn(own(Arc::clone(&bench), Arc::clone(&begin), goal, 2 * round + owner)));
        for owner in owners {
            let ended = owner.await.unwrap();
            fenced += u64::from(ended.fenced);
            written += ended.written;
        }
        // Whoever comes next goes on to the end.
        let alone = own(Arc::clone(&bench), Arc::new(Barrier::new(1)), goal, u64::MAX - round).await;
        assert!(!alone.fenced);
        written += alone.written;
        let contents = bench.contents().await;
        let now = contents.lost_and_doubled(goal);
        (lost, doubled) = (lost + now.0, doubled + now.1);
        let contiguous = contents.ranges.windows(2).all(|pair| pair[0].1 == pair[1].0);
        assert!(contiguous && contents.ranges.len() as u64 == written, "{written} written: {:?}", contents.ranges);
    }
    println!("{rounds} rounds: {fenced} owners fenced, {written} ranges, doubled {doubled}, lost {lost}");
    assert_eq!((lost, doubled), (0, 0));
    assert!(fenced > 0, "no owner met the other");
}
