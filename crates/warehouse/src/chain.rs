//! The chain of watermarks: a range of the log becomes one block of `events_data`, then of `event_ids`, then of
//! `rates_15m_data`. Each block carries, in the same part, how far its table has got; each insert lands wholly or not at
//! all, only if the table stands exactly where the range begins, and is believed only once it has been read back.
//!
//! An insert is conditional and carries a deduplication token. The condition fences off a second owner of the partition;
//! the token stops a statement that is still under way from landing twice. Either alone loses or doubles. The token's last
//! number rises only when a clear answer was followed by a read-back that shows nothing, since a token may have been
//! remembered for a part that a kill then took away.
//!
//! [`owner`] decides, [`tables`] says what it asks, [`engine`] asks it in SQL; `tests/` runs the same decisions over a model
//! of the engine, and checks the model against the engine.

#[doc(hidden)]
pub mod derive;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod owner;
mod staging;
#[doc(hidden)]
pub mod steps;
#[doc(hidden)]
pub mod tables;

use std::sync::Arc;

use uuid::Uuid;

use self::engine::Engine;
use self::owner::{Owner, Stop};
pub use self::tables::Watermarks;
use self::tables::{Step, Table};
use crate::rows::Range;
use crate::{Warehouse, WarehouseError};

/// One partition's writer. One process owns it; a second one is fenced off.
pub struct Chain {
    owner: Owner<Engine>,
    partition: u32,
}

impl Chain {
    /// Reads where the partition stands, and brings the derived tables up to `events_data`.
    ///
    /// # Errors
    /// [`WarehouseError::EventsLost`] where a derived table stands higher, also where another owner has just written; the
    /// engine's.
    pub async fn open(warehouse: Arc<Warehouse>, log_id: Uuid, partition: u32) -> Result<Self, WarehouseError> {
        let opened = Owner::open(Engine::new(warehouse, log_id, partition)).await;
        let owner = opened.map_err(|stop| match stop {
            Stop::Unanswered(error) => error.into(),
            stop => stopped(stop, partition, 0),
        })?;
        let Watermarks { events, ids, rates, .. } = owner.watermarks();
        let derived = ids.max(rates);
        if derived > events {
            return Err(WarehouseError::EventsLost { partition, events, derived });
        }
        Ok(Self { owner, partition })
    }

    pub const fn watermarks(&self) -> Watermarks {
        self.owner.watermarks()
    }

    /// Writes a range and derives from it. On return all three tables stand at `range.to`.
    ///
    /// # Errors
    /// [`WarehouseError::Fenced`] where another process has written this partition since; [`WarehouseError::Refused`] where
    /// the engine refuses the rows, so that the caller may look for the row at fault;
    /// [`WarehouseError::DoesNotLand`] where the engine does not answer, or not clearly, after several tries.
    pub async fn write(&mut self, range: &Range) -> Result<(), WarehouseError> {
        let write = Uuid::new_v4();
        let block = range.block(write)?;
        let step = Step { from: range.from, to: range.to };
        let written = self.owner.write(step, range.logged_at, write, &block).await;
        written.map_err(|stop| stopped(stop, self.partition, range.from))
    }

    /// Drops the staging table. The watermarks need nothing.
    pub async fn close(self) {
        self.owner.into_tables().drop_staging().await;
    }
}

fn stopped(stop: Stop<clickhouse::error::Error>, partition: u32, from: u64) -> WarehouseError {
    match stop {
        Stop::Refused(error) => WarehouseError::Refused(error),
        Stop::Unanswered(error) => {
            tracing::warn!(%error, partition, "warehouse.no_answer");
            WarehouseError::DoesNotLand { table: Table::Events.name(), partition, from }
        }
        Stop::Fenced { expected, found } => WarehouseError::Fenced { partition, expected, found },
        Stop::DoesNotLand { table, from } => WarehouseError::DoesNotLand { table: table.name(), partition, from },
    }
}
