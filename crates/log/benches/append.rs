//! Append rates of the logs, as plain numbers: `cargo bench -p avow-log`. The directory is `AVOW_BENCH_DIR`, or a new one
//! in the system's temporary directory.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::{Log, ReadLimit, Record, Topic};
use bytes::Bytes;

const VALUE_BYTES: usize = 300;

fn batch(task: usize, size: usize) -> Vec<Record> {
    let value = Bytes::from(vec![b'x'; VALUE_BYTES]);
    (0..size)
        .map(|i| Record { key: Bytes::from(format!("site-{}.example", (task * 7 + i) % 50)), value: value.clone() })
        .collect()
}

/// `tasks` appenders, each one batch of `size` records after another, for `duration`.
async fn run(log: Arc<dyn Log>, name: &str, tasks: usize, size: usize, duration: Duration) {
    let began = Instant::now();
    let handles: Vec<_> = (0..tasks)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while began.elapsed() < duration {
                    let at = Instant::now();
                    log.append(Topic::Events, batch(task, size)).await.unwrap();
                    waits.push(at.elapsed());
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for handle in handles {
        waits.extend(handle.await.unwrap());
    }
    let elapsed = began.elapsed().as_secs_f64();
    waits.sort();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = (waits.len() * size) as f64 / elapsed;
    let at = |q: usize| waits[(waits.len() - 1) * q / 100].as_secs_f64() * 1e3;
    println!(
        "{name:>9}  {tasks:>3} appenders x {size:>4} records: {rate:>9.0} records/s, wait p50 {:.2} ms, p99 {:.2} ms",
        at(50),
        at(99)
    );
}

async fn read_back(log: &dyn Log, name: &str) {
    let limit = ReadLimit { max_records: 100_000, max_bytes: 16 << 20, max_wait: Duration::ZERO };
    let began = Instant::now();
    let mut count = 0;
    for partition in 0..log.partitions(Topic::Events) {
        let (mut at, end) =
            (log.start(Topic::Events, partition).await.unwrap(), log.end(Topic::Events, partition).await.unwrap());
        while at < end {
            let chunk = log.read(Topic::Events, partition, at, limit).await.unwrap();
            count += chunk.records.len();
            at = chunk.next;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = count as f64 / began.elapsed().as_secs_f64();
    println!("{name:>9}  read back {count} records: {rate:.0} records/s");
}

async fn rates(log: Arc<dyn Log>, name: &str) {
    let duration = Duration::from_secs(4);
    for (tasks, size) in [(1, 1), (64, 1), (1, 100), (4, 100), (16, 100), (4, 1000)] {
        run(Arc::clone(&log), name, tasks, size, duration).await;
    }
    read_back(log.as_ref(), name).await;
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let dir =
            tempfile::tempdir_in(std::env::var_os("AVOW_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from));
        let path = dir.as_ref().unwrap().path().join("log");
        let log = EmbeddedLog::open(EmbeddedConfig { path, ..EmbeddedConfig::default() }).unwrap();
        rates(Arc::clone(&log) as Arc<dyn Log>, "embedded").await;
        log.close().await;
    });
}
