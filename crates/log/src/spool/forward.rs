//! Shipping: from the spool to the log, in order, one shipment at a time, so that live traffic, which goes to the log
//! directly, always finds most of the way free.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Spool, Store, now_ms};
use crate::{Log, LogError, ReadLimit, Record, Topic};

/// One shipment: small enough that a live append behind it waits for a few milliseconds.
const SHIPMENT: ReadLimit = ReadLimit { max_records: 2000, max_bytes: 512 << 10, max_wait: Duration::from_millis(250) };
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const REPORT_EVERY: Duration = Duration::from_millis(250);
const ADOPT_AGAIN: Duration = Duration::from_secs(10);

/// Ships what comes into `store`, until the spool is closed.
pub(super) async fn ship(spool: Arc<Spool>, store: Arc<Store>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let shipped = tokio::select! {
            () = spool.stop.cancelled() => return,
            shipped = ship_some(&spool, &store) => shipped,
        };
        match shipped {
            Ok(true) => {
                spool.resume();
                pause = FIRST_PAUSE;
                continue;
            }
            // Nothing waits, so nothing can show that the log acknowledges again but its own word.
            Ok(false) if spool.log.healthy() => spool.resume(),
            // An append of nothing asks whether it ever will.
            Ok(false) => {
                if let Err(LogError::Superseded(why)) = spool.log.append(Topic::Events, Vec::new()).await {
                    let _ = spool.superseded.set(why);
                    return;
                }
            }
            Err(LogError::Superseded(why)) => {
                let _ = spool.superseded.set(why);
                return;
            }
            Err(error) => {
                tracing::debug!(%error, "a shipment from the spool was not acknowledged");
                tokio::select! {
                    () = spool.stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Ships what waits, at most one shipment. `false`: nothing waits.
async fn ship_some(spool: &Spool, store: &Store) -> Result<bool, LogError> {
    let from = store.forwarded.load(Ordering::Acquire);
    let chunk = store.log.read(Topic::Events, 0, from, SHIPMENT).await?;
    let Some(first) = chunk.records.first() else {
        store.oldest_ms.store(0, Ordering::Release);
        return Ok(false);
    };
    store.oldest_ms.store(first.appended_at_ms, Ordering::Release);
    let count = chunk.records.len() as u64;
    let records: Vec<Record> = chunk.records.into_iter().map(|r| Record { key: r.key, value: r.value }).collect();
    spool.log.append(Topic::Events, records).await?;
    store.forwarded.store(chunk.next, Ordering::Release);
    spool.metrics.forwarded.inc_by(count);
    store.log.processed(0, chunk.next).await?;
    remember(store, chunk.next);
    Ok(true)
}

/// Not synced: a position that is lost or old only ships some records again.
fn remember(store: &Store, position: u64) {
    let file = store.position_file();
    let fresh = file.with_extension("tmp");
    let written = fs::write(&fresh, position.to_string()).and_then(|()| fs::rename(&fresh, &file));
    if let Err(error) = written {
        tracing::debug!(%error, file = %file.display(), "cannot note how far the spool is shipped");
    }
}

/// Keeps the metrics and the measure of the disk true.
pub(super) async fn report(spool: Arc<Spool>) {
    loop {
        spool.store.measure();
        let waiting = spool.store.waiting();
        let bytes = if waiting == 0 { 0 } else { spool.store.bytes.load(Ordering::Acquire) };
        spool.metrics.records.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        spool.metrics.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        spool.metrics.age.set(spool.store.age_ms(now_ms()) / 1000);
        tokio::select! {
            () = spool.stop.cancelled() => return,
            () = tokio::time::sleep(REPORT_EVERY) => {}
        }
    }
}

/// Takes up another process's spool once that process has let go of it, ships what it holds, and lets go of it.
pub(super) async fn adopt(spool: Arc<Spool>, path: PathBuf) {
    let store = loop {
        match open_there(path.clone(), spool.config.max_record_bytes).await {
            Ok(store) => break Arc::new(store),
            Err(error) => tracing::warn!(%error, path = %path.display(), "cannot adopt this spool yet"),
        }
        tokio::select! {
            () = spool.stop.cancelled() => return,
            () = tokio::time::sleep(ADOPT_AGAIN) => {}
        }
    };
    let total = store.waiting();
    tracing::info!(records = total, path = %path.display(), "spool adopted");
    let mut pause = FIRST_PAUSE;
    while store.waiting() > 0 {
        let shipped = tokio::select! {
            () = spool.stop.cancelled() => break,
            shipped = ship_some(&spool, &store) => shipped,
        };
        match shipped {
            Ok(_) => pause = FIRST_PAUSE,
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    if store.waiting() == 0 {
        tracing::info!(records = total, path = %path.display(), "the adopted spool is shipped");
    }
    store.log.close().await;
}

/// Opens a spool that is there; begins none.
async fn open_there(path: PathBuf, max_record_bytes: usize) -> Result<Store, LogError> {
    if !path.join("log").is_dir() {
        return Err(LogError::Misconfigured("no spool is there".to_owned()));
    }
    let opening = tokio::task::spawn_blocking(move || Store::open(path, max_record_bytes));
    opening.await.map_err(|e| LogError::Unavailable(e.to_string()))?
}
