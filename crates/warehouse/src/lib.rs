//! The warehouse: every line of SQL and the ClickHouse client. Nothing here knows whether the other end of the HTTP
//! connection is the embedded engine or a server.
//!
//! Writing is the processor's alone, through [`chain`]: a range of the log becomes one block of `events_data`, then of
//! `event_ids`, then of `rates_15m_data`, each under its own watermark. [`rebuild`] makes the derived tables anew.

pub mod access_log;
pub mod aggregates;
pub mod alerts;
pub mod artefacts;
pub mod audit;
pub mod books;
pub mod chain;
mod client;
pub mod days;
pub mod deliveries;
pub mod dimensions;
pub mod erase;
pub mod export;
pub mod history;
pub mod ledgers;
pub mod live;
pub mod logs;
mod migrate;
pub mod observations;
pub mod places;
pub mod query;
pub mod rebuild;
pub mod records;
pub mod rows;
pub mod trees;
pub mod uniqueness;
pub mod watch;
pub mod witnessed;

pub use client::{Endpoint, Warehouse};
pub use migrate::Migrated;

/// What can go wrong with the warehouse.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// The engine did not answer, or answered with an error. Of a write: it refuses the rows.
    #[error("the warehouse: {0}")]
    Engine(#[from] clickhouse::error::Error),
    /// The engine has answered that it does not take the values of these rows: trying again is of no use, leaving out the
    /// row that it means is.
    #[error("the warehouse refuses rows: {0}")]
    Refused(clickhouse::error::Error),
    /// A block could not be built; a defect of this program.
    #[error("cannot build a block: {0}")]
    Block(String),
    /// Tables were made by a version that this one does not know, or half made.
    #[error("the warehouse's tables are in an unknown state: {0}")]
    UnknownState(String),
    /// The warehouse was derived from another log.
    #[error("{0}")]
    OtherLog(String),
    /// Another process has written this partition's ranges since, or has made a table anew (which then stands lower): the
    /// partition must be opened again, or let go.
    #[error(
        "partition {partition} stands at {found}, expected {expected}: another process writes it or has made a table anew"
    )]
    Fenced { partition: u32, expected: u64, found: u64 },
    /// A derived table knows more than the events: going on would drop what is read again as repeats.
    #[error(
        "partition {partition}: the events stand at {events}, what was derived from them at {derived}: events_data has lost \
         ranges. Restore them, or run `avow rebuild` and they are read from the log again, as far as it still has them"
    )]
    EventsLost { partition: u32, events: u64, derived: u64 },
    /// The engine said yes again and again, or nothing clear, and the rows are not there.
    #[error("partition {partition}, {table}: the range from {from} does not land")]
    DoesNotLand { table: &'static str, partition: u32, from: u64 },
}
