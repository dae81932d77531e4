//! How an audit stands; as JSON on disk, and as the API shows it.

use avow_trees::audit::faults::{Fault, Found};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::jobs::{Job, State};
use crate::moment;

/// What came of it, as it lies on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub found: Option<LedgerFindings>,
}

/// An audit of the ledgers as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerAudit {
    pub id: Uuid,
    pub state: State,
    /// 0 to 1.
    pub progress: f64,
    /// Why it came to no end. Faults are no such reason.
    pub error: Option<String>,
    pub made_at: String,
    pub finished_at: Option<String>,
    /// Once it is done.
    pub found: Option<LedgerFindings>,
}

/// What was compared, and what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerFindings {
    /// Ledgers, the operator log among them.
    pub ledgers: u64,
    /// Records, each a leaf.
    pub leaves: u64,
    /// Records of erased subjects: there is nothing left to compute their commitment from.
    pub erased: u64,
    /// Nodes at the tiles' edges.
    pub nodes: u64,
    /// Checkpoints, those in the operator log among them.
    pub checkpoints: u64,
    /// Closed days.
    pub days: u64,
    /// Leaves that are in no tree yet; no fault.
    pub waiting: u64,
    /// All faults; the first thousand are named.
    pub fault_count: u64,
    pub faults: Vec<LedgerFault>,
}

/// One fault, and where it is as far as that can be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerFault {
    /// `commitment`, `missing`, `twice`, `order`, `entry`, `node`, `head`, `checkpoint` or `anchor`.
    pub what: String,
    pub ledger: String,
    pub leaf: Option<u64>,
    /// Of the log.
    pub partition: Option<u32>,
    pub position: Option<u64>,
    /// Of the tree that is meant.
    pub size: Option<u64>,
    pub detail: String,
}

impl LedgerAudit {
    pub fn of(job: &Job<Outcome>) -> Self {
        Self {
            id: job.id,
            state: job.state,
            progress: job.progress,
            error: job.error.clone(),
            made_at: moment::written(job.made_at),
            finished_at: job.finished_at.map(moment::written),
            found: job.of.found.clone(),
        }
    }
}

impl From<Found> for LedgerFindings {
    fn from(found: Found) -> Self {
        Self {
            ledgers: found.ledgers,
            leaves: found.leaves,
            erased: found.erased,
            nodes: found.nodes,
            checkpoints: found.checkpoints,
            days: found.days,
            waiting: found.waiting,
            fault_count: found.fault_count,
            faults: found.faults.into_iter().map(LedgerFault::from).collect(),
        }
    }
}

impl From<Fault> for LedgerFault {
    fn from(fault: Fault) -> Self {
        let (partition, position) = fault.place.unzip();
        let (what, ledger, detail) = (fault.what.as_str().to_owned(), fault.ledger, fault.detail);
        Self { what, ledger, leaf: fault.leaf, partition, position, size: fault.size, detail }
    }
}
