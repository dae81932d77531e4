//! A run of records of one partition on its way through the stages.

use avow_log::StoredRecord;
use avow_schemas::record::LogRecord;
use avow_warehouse::uniqueness::KeyHash;

/// What a record of the log turned out to be.
#[derive(Debug)]
pub(crate) enum Reading {
    Record {
        record: LogRecord,
        hash: KeyHash,
        /// Of an event its commitment, of a control record SHA-256 of its body.
        commitment: [u8; 32],
    },
    /// It cannot be decoded or applied: the reason.
    Dead(String),
}

/// One record of a batch.
#[derive(Debug)]
pub(crate) struct Item {
    /// As it lies in the log, kept for a dead letter.
    pub(crate) raw: StoredRecord,
    /// max(that of the record before, the log's append time), ms since 1970.
    pub(crate) logged_at: i64,
    pub(crate) reading: Reading,
}

/// Records `[from, to)`, all of one day (UTC) by `logged_at`: a day's leaves end where a range does, and a part lies in one month.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) items: Vec<Item>,
}
