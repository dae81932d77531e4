//! The processor: log to warehouse and ledger. It owns partitions of the log; per partition it reads a range, and the
//! range goes through the stages in the order of this list, each a file:
//!
//! 1. [`decode`]: bytes to records, by the schemas that they cite ([`schemas`]); what does not decode is a dead letter. Commitments and key hashes are computed here,
//!    since they need nothing but the record.
//! 2. [`repeats`]: drops what was accepted before, exactly, for ever.
//! 3. [`resolve`]: what the event says of each service and category, under the settings in force and the banner that was
//!    shown ([`shown`]).
//! 4. [`overflow`]: which languages, banner versions and variants the roll-up calls `other`.
//! 5. [`leaves`]: the ledger and the leaf index of each record.
//! 6. the warehouse's chain (`avow_warehouse::chain`): rows, ids, roll-up, each under its watermark.
//!
//! [`partition`] runs them, [`letters`] is what becomes of a record that none of them can take, [`ahead`] reads and decodes
//! the next batch meanwhile, [`assignment`] starts and stops partitions, [`dimensions`] keeps `sites` and `services`.
//! [`erase`] redacts the events of a subject whose tombstone was read. [`lag`] shows how far behind the work is. [`days`] closes
//! the ledgers' days, [`signing`] signs their checkpoints, [`alerts`] says what is not as usual, [`reports`] when a report is due, [`webhooks`] sends both. [`same_log`] tells a log from one that was put in its place, and
//! [`drain`] takes a log to its end, before another one
//! follows it.

mod ahead;
mod alerts;
mod assignment;
mod batch;
mod days;
mod decode;
mod dimensions;
mod drain;
mod erase;
mod lag;
mod leaves;
mod letters;
mod overflow;
mod partition;
mod repeats;
mod reports;
mod resolve;
mod same_log;
mod schemas;
mod shown;
mod signing;
mod webhooks;

pub use alerts::{Alerting, AlertsConfig};
pub use assignment::Processor;
pub use drain::{Behind, behind};
pub use resolve::resolve;
pub use same_log::difference;
pub use signing::Signing;
pub use signing::probe::{ProbeError, Witnessed};
pub use signing::stamps::Stamping;
pub use signing::witnesses::{WitnessAt, Witnessing};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How the processor works. Every key has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessorConfig {
    /// Records in one range at most.
    pub batch_records: usize,
    /// Bytes of the log in one range at most.
    pub batch_bytes: usize,
    /// Records that all partitions of this process together decode ahead of the warehouse: what bounds its memory, at
    /// about 2 KiB each.
    pub records_in_hand: usize,
    /// How long a small range waits for more, in milliseconds: the page's delay against the number of parts.
    pub linger_ms: u64,
    /// Where the filters of known ids lie. Relative to the data directory.
    pub state_dir: PathBuf,
}

impl Default for ProcessorConfig {
    fn default() -> Self {
        Self {
            batch_records: 30_000,
            batch_bytes: 32 << 20,
            records_in_hand: 120_000,
            linger_ms: 250,
            state_dir: "processor".into(),
        }
    }
}

/// What can stop a partition.
#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    #[error(transparent)]
    Log(#[from] avow_log::LogError),
    #[error(transparent)]
    Tree(#[from] avow_trees::TreeError),
    #[error(transparent)]
    Warehouse(#[from] avow_warehouse::WarehouseError),
    #[error("the settings that events cite: {0}")]
    Control(#[from] avow_control::ControlError),
    #[error("a record's schema: {0}")]
    Registry(#[from] avow_registry::RegistryError),
    #[error("the filter of known ids: {0}")]
    Filter(#[from] std::io::Error),
    #[error("a stage of the processor ended unexpectedly: {0}")]
    Stage(String),
    /// What is stored of a day does not come to the leaves that it has.
    #[error("a day of ledger {ledger} cannot be closed: {reason}")]
    Day { ledger: String, reason: String },
    /// The log is not the one that the warehouse was derived from, though it has its name.
    #[error(
        "{0}. It was deleted and created again, or restored from an older state: bring the old one back, or, to go on with \
         this one as a new log, stop Avow and run `avow migrate log`"
    )]
    NotThatLog(String),
    /// A partition fails again and again, and the log is to be taken to its end.
    #[error("the log cannot be taken to its end, {left} records are left: {reason}")]
    NotDrained { left: u64, reason: String },
    /// The log has lost records that were never processed.
    #[error("partition {partition} is processed up to {processed}, but the log begins at {start}: {} records are gone unprocessed", start - processed)]
    Gap { partition: u32, processed: u64, start: u64 },
}
