//! The warehouse: every line of SQL and the ClickHouse client. Nothing here knows whether the other end of the HTTP
//! connection is the embedded engine or a server.
//!
//! Writing is the processor's alone, through [`chain`]: a range of the log becomes one block of `events_data`, then of
//! `event_ids`, then of `rates_15m_data`, each under its own watermark.

pub mod books;
pub mod chain;
mod client;
pub mod dimensions;
pub mod export;
pub mod history;
pub mod ledgers;
pub mod live;
mod migrate;
pub mod query;
pub mod rows;
pub mod uniqueness;

pub use client::{Endpoint, Warehouse};
pub use migrate::Migrated;

/// What can go wrong with the warehouse.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// The engine did not answer, or answered with an error.
    #[error("the warehouse: {0}")]
    Engine(#[from] clickhouse::error::Error),
    /// A block could not be built; a defect of this program.
    #[error("cannot build a block: {0}")]
    Block(String),
    /// Tables were made by a version that this one does not know, or half made.
    #[error("the warehouse's tables are in an unknown state: {0}")]
    UnknownState(String),
    /// The warehouse was derived from another log.
    #[error("{0}")]
    OtherLog(String),
    /// Another process has written this partition's ranges since: this one must let it go.
    #[error("partition {partition} is written by another process: it stands at {found}, expected {expected}")]
    Fenced { partition: u32, expected: u64, found: u64 },
    /// The engine said yes again and again, and the rows are not there.
    #[error("partition {partition}, {table}: the range from {from} does not land")]
    DoesNotLand { table: &'static str, partition: u32, from: u64 },
}
