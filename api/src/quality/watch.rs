//! Looking at the books again and again, for `/metrics`. A look reads every row's key; how long it takes decides when the
//! next one comes, so that looking never takes more than a fiftieth of the time, on however large a table.

use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_telemetry::Metrics;
use avow_warehouse::{Warehouse, WarehouseError};
use tokio_util::sync::CancellationToken;

use crate::moment;

/// Of the time, what looking may take.
const SHARE: u32 = 50;

/// Looks every `every`, or less often, until `shutdown`.
pub async fn watch(warehouse: Arc<Warehouse>, metrics: Arc<Metrics>, every: Duration, shutdown: CancellationToken) {
    loop {
        let begun = Instant::now();
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = look(&warehouse, &metrics) => outcome,
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "api.books_not_read");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(every.max(begun.elapsed() * SHARE)) => {}
        }
    }
}

async fn look(warehouse: &Warehouse, metrics: &Metrics) -> Result<(), WarehouseError> {
    let imbalance = warehouse.imbalance().await?;
    let partitions = warehouse.partition_books().await?;
    let missing: u64 = partitions.iter().map(|books| books.covered.abs_diff(books.to - books.from)).sum();
    let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    metrics.books.unbalanced_sites.set(gauge(imbalance.unbalanced_sites));
    metrics.books.missing_rows.set(gauge(imbalance.missing_rows));
    metrics.books.missing_positions.set(gauge(missing));
    metrics.books.checked.set(moment::now() / 1000);
    if imbalance.unbalanced_sites > 0 || missing > 0 {
        tracing::error!(
            sites = imbalance.unbalanced_sites,
            missing_rows = imbalance.missing_rows,
            missing_positions = missing,
            "api.books_do_not_balance"
        );
    }
    Ok(())
}
