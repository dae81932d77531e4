//! Rebuilds: jobs in which the warehouse makes its derived tables anew.

pub mod create;
pub mod get;
mod job;
pub mod list;

use std::sync::Arc;

use avow_warehouse::Warehouse;
use uuid::Uuid;

use crate::jobs::single::{Single, Work};
use job::Outcome;

/// The jobs.
pub type Rebuilds = Single<Rebuilding>;

/// What a rebuild stands on.
pub struct Rebuilding {
    pub warehouse: Arc<Warehouse>,
}

impl Work for Rebuilding {
    const NAME: &'static str = "rebuild";
    const UNKNOWN: &'static str = "unknown_rebuild";
    const PATH: &'static str = "/api/v1/rebuilds";
    type Outcome = Outcome;

    async fn run(&self, job: Uuid, progress: impl Fn(f64) + Send + Sync) -> Result<Outcome, String> {
        let rebuilt = self.warehouse.rebuild(job, progress).await.map_err(|error| error.to_string())?;
        let (rows, ids_copied) = (Some(rebuilt.rows), Some(rebuilt.ids_copied));
        Ok(Outcome { rows, ids_copied, rates_kept: rebuilt.rates_kept })
    }
}
