//! The behaviour that every log has, as functions of a log: `conformance.rs` runs them against each implementation.
//! Each uses keys of its own, so that all can run against one and the same log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use avow_log::{Chunk, Log, LogError, LogPosition, ReadLimit, Record, StoredRecord, Topic};
use bytes::Bytes;

/// Waits long enough for the slowest machine; a read returns as soon as something is there.
pub const LIMIT: ReadLimit = ReadLimit { max_records: 10_000, max_bytes: 8 << 20, max_wait: Duration::from_secs(30) };
/// For reads that are to find nothing.
const NOTHING: ReadLimit = ReadLimit { max_wait: Duration::ZERO, ..LIMIT };

pub fn record(key: &str, value: impl AsRef<[u8]>) -> Record {
    Record { key: Bytes::copy_from_slice(key.as_bytes()), value: Bytes::copy_from_slice(value.as_ref()) }
}

/// Everything of a partition in `[from, to)`.
pub async fn read_all(log: &dyn Log, topic: Topic, partition: u32, from: u64, to: u64) -> Vec<StoredRecord> {
    let mut records = Vec::new();
    let mut next = from;
    while next < to {
        let chunk = log.read(topic, partition, next, LIMIT).await.unwrap();
        assert!(chunk.next > next, "a read below the end makes progress");
        next = chunk.next;
        records.extend(chunk.records.into_iter().filter(|r| r.position < to));
    }
    records
}

/// Runs the whole suite.
pub async fn all(log: Arc<dyn Log>) {
    identity_and_ranges(log.as_ref()).await;
    what_is_appended_is_read_back_in_order(log.as_ref()).await;
    limits_are_kept(log.as_ref()).await;
    a_waiting_read_is_woken(Arc::clone(&log)).await;
    many_appenders_lose_nothing(Arc::clone(&log)).await;
    too_large_is_refused_whole(log.as_ref()).await;
    control_and_rejected_work_alike(log.as_ref()).await;
    beyond_the_end_is_noticed(log.as_ref()).await;
    assert!(log.healthy());
    log.close().await;
    let refused = log.append(Topic::Events, vec![record("after", "close")]).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
}

async fn identity_and_ranges(log: &dyn Log) {
    let identity = log.identity();
    assert!(!identity.log_id.is_nil());
    assert_eq!(log.partitions(Topic::Events), identity.partitions);
    assert_eq!((log.partitions(Topic::Control), log.partitions(Topic::Rejected)), (1, 1));
    for partition in 0..identity.partitions {
        assert!(log.start(Topic::Events, partition).await.unwrap() <= log.end(Topic::Events, partition).await.unwrap());
    }
    let outside = log.end(Topic::Events, identity.partitions).await;
    assert!(matches!(outside, Err(LogError::Misconfigured(_))), "{outside:?}");
    assert_eq!(log.append(Topic::Events, vec![]).await.unwrap(), []);
}

async fn what_is_appended_is_read_back_in_order(log: &dyn Log) {
    let input: Vec<_> = (0..300).map(|i| record(&format!("site-{}.example", i % 17), format!("value {i}"))).collect();
    let positions = log.append(Topic::Events, input.clone()).await.unwrap();
    assert_eq!(positions.len(), input.len());
    let mut of_key: HashMap<Bytes, LogPosition> = HashMap::new();
    let mut by_partition: HashMap<u32, Vec<(u64, &Record)>> = HashMap::new();
    for (at, record) in positions.iter().zip(&input) {
        if let Some(before) = of_key.insert(record.key.clone(), *at) {
            assert!(before.partition == at.partition && before.position < at.position, "one key, one order");
        }
        by_partition.entry(at.partition).or_default().push((at.position, record));
    }
    assert!(by_partition.len() > 1, "seventeen keys spread over the partitions");
    for (partition, expected) in by_partition {
        let (from, to) = (expected[0].0, log.end(Topic::Events, partition).await.unwrap());
        let got = read_all(log, Topic::Events, partition, from, to).await;
        assert_eq!(got.iter().map(|r| r.position).collect::<Vec<_>>(), (from..to).collect::<Vec<_>>(), "dense");
        for (position, record) in expected {
            let found = got.iter().find(|r| r.position == position).unwrap();
            assert_eq!((&found.key, &found.value), (&record.key, &record.value));
            assert!(found.appended_at_ms > 1_700_000_000_000, "a time in milliseconds since 1970");
        }
    }
}

async fn limits_are_kept(log: &dyn Log) {
    let positions = log.append(Topic::Events, vec![record("limits", [7_u8; 1000]); 50]).await.unwrap();
    let (partition, first) = (positions[0].partition, positions[0].position);
    let read = |max_records, max_bytes, from| {
        log.read(Topic::Events, partition, from, ReadLimit { max_records, max_bytes, ..LIMIT })
    };
    let chunk = read(10, usize::MAX >> 8, first).await.unwrap();
    assert_eq!((chunk.records.len(), chunk.next), (10, first + 10));
    let chunk = read(50, 5_500, first + 10).await.unwrap();
    assert_eq!((chunk.records.len(), chunk.next), (5, first + 15));
    let chunk = read(50, 1, first + 15).await.unwrap();
    assert_eq!((chunk.records.len(), chunk.next), (1, first + 16), "at least one record, however large");
    let end = log.end(Topic::Events, partition).await.unwrap();
    let chunk = log.read(Topic::Events, partition, end, NOTHING).await.unwrap();
    assert_eq!((chunk.records.len(), chunk.next), (0, end));
}

async fn a_waiting_read_is_woken(log: Arc<dyn Log>) {
    let at = log.append(Topic::Events, vec![record("wake", "first")]).await.unwrap()[0];
    let end = log.end(Topic::Events, at.partition).await.unwrap();
    let reader = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.read(Topic::Events, at.partition, end, LIMIT).await })
    };
    log.append(Topic::Events, vec![record("wake", "second")]).await.unwrap();
    let chunk: Chunk = reader.await.unwrap().unwrap();
    assert_eq!(chunk.records[0].value, "second");
    assert_eq!(chunk.records[0].position, end);
}

async fn many_appenders_lose_nothing(log: Arc<dyn Log>) {
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for i in 0..20 {
                    let value = format!("{task}/{i}");
                    positions.extend(log.append(Topic::Events, vec![record(&format!("many-{task}"), value)]).await?);
                }
                Ok::<_, LogError>(positions)
            })
        })
        .collect();
    let mut expected = HashMap::new();
    for (task, handle) in tasks.into_iter().enumerate() {
        for (i, at) in handle.await.unwrap().unwrap().into_iter().enumerate() {
            assert_eq!(expected.insert(at, format!("{task}/{i}")), None, "no position twice");
        }
    }
    for partition in 0..log.partitions(Topic::Events) {
        let of_partition = expected.keys().filter(|at| at.partition == partition).map(|at| at.position);
        let (Some(from), to) = (of_partition.min(), log.end(Topic::Events, partition).await.unwrap()) else { continue };
        for record in read_all(log.as_ref(), Topic::Events, partition, from, to).await {
            let at = LogPosition { partition, position: record.position };
            assert_eq!(expected.remove(&at).as_deref().map(str::as_bytes), Some(record.value.as_ref()));
        }
    }
    assert!(expected.is_empty(), "lost: {expected:?}");
}

async fn too_large_is_refused_whole(log: &dyn Log) {
    let ends = || async {
        let mut ends = Vec::new();
        for partition in 0..log.identity().partitions {
            ends.push(log.end(Topic::Events, partition).await.unwrap());
        }
        ends
    };
    let before = ends().await;
    let batch = vec![record("small", "small"), record("large", vec![1; 1_000_001])];
    let refused = log.append(Topic::Events, batch).await;
    assert!(matches!(refused, Err(LogError::TooLarge { .. })), "{refused:?}");
    assert_eq!(ends().await, before);
    // Just below the limit, and more than one frame or request holds at once.
    let large: Vec<_> = (0..12).map(|i| record("large", vec![i; 900_000])).collect();
    let positions = log.append(Topic::Events, large.clone()).await.unwrap();
    let (first, last) = (positions[0], positions[11]);
    let got = read_all(log, Topic::Events, first.partition, first.position, last.position + 1).await;
    assert!(got.iter().map(|r| &r.value).eq(large.iter().map(|r| &r.value)));
}

async fn control_and_rejected_work_alike(log: &dyn Log) {
    for topic in [Topic::Control, Topic::Rejected] {
        let batch = vec![record("b", "1"), record("a", "2"), record("b", "")];
        let positions = log.append(topic, batch.clone()).await.unwrap();
        let (from, to) = (positions[0].position, positions[2].position + 1);
        assert!(positions.iter().all(|p| p.partition == 0));
        let got = read_all(log, topic, 0, from, to).await;
        let newest = got.iter().rfind(|r| r.key == "b").unwrap();
        assert!(newest.value.is_empty(), "an empty value comes back empty");
        assert_eq!(log.end(topic, 0).await.unwrap(), to);
    }
}

async fn beyond_the_end_is_noticed(log: &dyn Log) {
    let end = log.end(Topic::Events, 0).await.unwrap();
    let beyond = log.read(Topic::Events, 0, end + 1_000, NOTHING).await;
    assert!(matches!(beyond, Err(LogError::Damaged(_))), "{beyond:?}");
}
