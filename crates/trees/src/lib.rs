//! The ledgers' trees over the warehouse: growing them behind the events ([`grow`]), reading nodes, tiles and proofs
//! ([`read`]), signing checkpoints and keeping the operator log ([`sign`]), deriving everything anew ([`audit`]). The mathematics is `avow_ledger`'s, the SQL
//! `avow_warehouse`'s.
//!
//! What a tree holds follows from `events_data` alone: leaves in log order, without gaps. So every row here may be written
//! twice, and two owners of a partition cannot disagree; only the operator log, whose entries come in no given order, has
//! one writer at a time.

pub mod audit;
mod committed;
pub mod grow;
pub mod keys;
pub mod read;
pub mod sign;

pub use committed::{as_committed, commitment};

use avow_ledger::note::NoteError;
use avow_ledger::proof::ProofError;
use avow_warehouse::WarehouseError;

/// The name of the operator log: its entries are the checkpoints of all others.
pub const OPERATOR: &str = "operator";

/// What can go wrong with a tree.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    #[error("ledger {ledger}: leaf {leaf} follows a tree of {size} leaves")]
    Gap { ledger: String, leaf: u64, size: u64 },
    #[error("ledger {ledger}: the stored head of {size} leaves does not fit its own peaks")]
    BadHead { ledger: String, size: u64 },
    #[error("ledger {ledger}: {what} is not stored")]
    Missing { ledger: String, what: String },
    #[error(
        "ledger {ledger}: what is stored contradicts the checkpoint of {size} leaves that was signed: nothing more is signed"
    )]
    Contradiction { ledger: String, size: u64, source: ProofError },
    #[error("the signing key: {0}")]
    Key(String),
    #[error(transparent)]
    Note(#[from] NoteError),
}
