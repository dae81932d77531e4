//! A warehouse that was restored from a backup may hold who was erased since: nothing is told before that is made good.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use avow_control::Control;
use avow_log::{Log, LogError, Topic};
use avow_warehouse::{Warehouse, WarehouseError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Makes `serving` true once every erasure is applied. Where one is not at the beginning, also the log must be stored up to
/// where it ends then: it brings back what lies between the backup and the tombstone.
pub async fn serve_once_applied(
    warehouse: Arc<Warehouse>,
    log: Arc<dyn Log>,
    control: Arc<Control>,
    serving: Arc<AtomicBool>,
    shutdown: CancellationToken,
) {
    let asked: HashSet<Uuid> = control.directory().erasures().map(|erasure| erasure.id).collect();
    let (mut ends, mut told) = (None, false);
    while !asked.is_empty() && !shutdown.is_cancelled() {
        match is_applied(&warehouse, log.as_ref(), &asked, &mut ends).await {
            Ok(true) => break,
            Ok(false) if told => {}
            Ok(false) => {
                told = true;
                tracing::warn!("api.waits_for_erasures");
            }
            Err(error) => tracing::warn!(%error, "api.erasures_not_read"),
        }
        shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await;
    }
    serving.store(true, Ordering::Release);
}

/// Whether all is applied. `ends`: where the log ended when it was first seen that something is not.
async fn is_applied(
    warehouse: &Warehouse,
    log: &dyn Log,
    asked: &HashSet<Uuid>,
    ends: &mut Option<Vec<u64>>,
) -> Result<bool, Unread> {
    let applied = warehouse.applied_erasures().await?;
    let is_known = asked.iter().all(|id| applied.contains_key(id));
    if is_known && ends.is_none() {
        return Ok(true);
    }
    let ends = match ends {
        Some(ends) => ends,
        None => {
            let mut found = Vec::new();
            for partition in 0..log.partitions(Topic::Events) {
                found.push(log.end(Topic::Events, partition).await?);
            }
            ends.insert(found)
        }
    };
    let stands = warehouse.stands(log.identity().log_id).await?;
    let is_stored = ends.iter().enumerate().all(|(at, end)| stands.get(at).copied().unwrap_or(0) >= *end);
    Ok(is_known && is_stored && !warehouse.is_erasing().await?)
}
