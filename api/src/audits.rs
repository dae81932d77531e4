//! Audits of the ledgers: jobs in which everything that was derived for them is derived anew and compared.

pub mod create;
pub mod get;
mod job;
pub mod list;

use std::sync::Arc;

use avow_control::Control;
use avow_trees::audit;
use avow_warehouse::Warehouse;
use uuid::Uuid;

use crate::jobs::single::{Single, Work};
use job::{LedgerFindings, Outcome};

/// The jobs.
pub type Audits = Single<Audit>;

/// What an audit stands on.
pub struct Audit {
    pub warehouse: Arc<Warehouse>,
    pub control: Arc<Control>,
    pub log_id: Uuid,
}

impl Work for Audit {
    const NAME: &'static str = "audit";
    const UNKNOWN: &'static str = "unknown_audit";
    const PATH: &'static str = "/api/v1/audit/ledger";
    type Outcome = Outcome;

    async fn run(&self, _job: Uuid, progress: impl Fn(f64) + Send + Sync) -> Result<Outcome, String> {
        let keys = self.control.directory().ledger_keys().to_vec();
        let found = audit::audit(&self.warehouse, self.log_id, &keys, progress).await;
        let found = found.map_err(|error| error.to_string())?;
        if found.fault_count > 0 {
            tracing::error!(leaves = found.leaves, faults = found.fault_count, "api.ledger_faults");
        }
        Ok(Outcome { found: Some(LedgerFindings::from(found)) })
    }
}
