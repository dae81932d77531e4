//! Leaves a second: through hashing and the tree alone, and through the [`Grower`], which writes entries, nodes and heads to
//! the real engine, synced. `cargo bench --profile release -p avow-trees`; `AVOW_BENCH_LEAVES` says how many.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::sync::Arc;
use std::time::Instant;

use avow_chbox::{Access, Engine, EngineConfig, Gatekeeper};
use avow_ledger::frontier::Frontier;
use avow_ledger::merkle;
use avow_trees::grow::Grower;
use avow_trees::read::Reader;
use avow_warehouse::trees::{Leaf, entry};
use avow_warehouse::{Endpoint, Warehouse};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Leaves that come at once, as from one range of the log.
const RANGE: u64 = 20_000;

struct Door;

impl Gatekeeper for Door {
    fn admit(&self, _: &str, _: &str) -> Option<Access> {
        Some(Access::Full)
    }
}

fn bytes(leaf: u64) -> Vec<u8> {
    let mut commitment = [7; 32];
    commitment[..8].copy_from_slice(&leaf.to_be_bytes());
    entry(1, &commitment)
}

fn said(what: &str, leaves: u64, begun: Instant) {
    let took = begun.elapsed().as_secs_f64();
    println!("{what}: {leaves} leaves in {took:.2} s, {:.0} leaves/s", leaves as f64 / took);
}

/// The tree alone, on one core.
fn alone(leaves: u64) -> [u8; 32] {
    let entries: Vec<Vec<u8>> = (0..leaves).map(bytes).collect();
    let mut nodes = 0_u64;
    let begun = Instant::now();
    let mut tree = Frontier::new();
    for entry in &entries {
        tree.push(merkle::leaf_hash(entry), |level, _, _| nodes += u64::from(level % 8 == 0));
    }
    said("leaf hash and tree, one core", leaves, begun);
    assert!(nodes >= leaves / 256);
    tree.root()
}

async fn grown(warehouse: &Arc<Warehouse>, ledgers: u64, leaves: u64) -> Vec<String> {
    let names: Vec<Arc<str>> = (0..ledgers).map(|_| Uuid::new_v4().simple().to_string().into()).collect();
    let log_id = Uuid::new_v4();
    let begun = Instant::now();
    let mut grower = Grower::open(Arc::clone(warehouse), log_id, 0, 0).await.unwrap();
    for from in (0..leaves).step_by(usize::try_from(RANGE).unwrap()) {
        let to = leaves.min(from + RANGE);
        let leaf = |position: u64| {
            let ledger = Arc::clone(&names[usize::try_from(position % ledgers).unwrap()]);
            let leaf = position / ledgers;
            Leaf { ledger, leaf, entry: bytes(leaf), close: None }
        };
        grower.add((from..to).map(leaf).collect(), to).await.unwrap();
        grower.write_if_due().await.unwrap();
    }
    grower.write().await.unwrap();
    said(&format!("entries, nodes and heads written, {ledgers} ledgers"), leaves, begun);
    names.iter().map(ToString::to_string).collect()
}

async fn run(leaves: u64) {
    let root = alone(leaves);
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(EngineConfig {
        library: avow_testkit::engine::library().unwrap(),
        path: dir.path().join("engine"),
        fsync: true,
        max_connections: 8,
        memory_limit_bytes: Some(2 << 30),
        reserve_bytes: 0,
    });
    let engine = engine.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(avow_chbox::serve(listener, Arc::clone(&engine), Arc::new(Door), shutdown.clone()));
    let (user, password) = ("avow".to_owned(), "any".to_owned());
    let warehouse = Warehouse::open(&Endpoint { url, user, password, database: "bench".into() }).await.unwrap();
    let one = grown(&warehouse, 1, leaves).await;
    assert_eq!(Reader::new(Arc::clone(&warehouse)).root(&one[0], leaves).await.unwrap(), root);
    grown(&warehouse, 1_000, leaves).await;
    shutdown.cancel();
    serving.await.unwrap().unwrap();
    engine.close().await;
}

fn main() {
    let leaves = std::env::var("AVOW_BENCH_LEAVES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(leaves));
    // The engine has threads that are not waited for.
    std::process::exit(0);
}
