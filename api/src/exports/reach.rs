//! Up to where an export goes: of each ledger of the site to the checkpoint of it that the operator log's published checkpoint
//! has. What is newer is in no file, since nothing could be shown of it; a later export has it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_control::Directory;
use avow_ledger::VerifierKey;
use avow_schemas::control::LedgerKey;
use avow_trees::{OPERATOR, keys};
use avow_warehouse::export::{ExportExtent, Waiting};
use avow_warehouse::trees::{Anchor, Checkpoint};
use avow_warehouse::{Warehouse, WarehouseError};
use serde_json::{Value, json};

use super::Bundling;
use crate::moment;

/// How long an export waits for a checkpoint that is due.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is published of a site's ledgers.
pub struct Reach {
    /// The keys with which that was signed, in order; there is one.
    pub keys: Vec<Arc<LedgerKey>>,
    /// The ML-DSA-44 key that has signed it besides.
    pub ml_dsa: Option<VerifierKey>,
    /// The operator log's published checkpoint.
    pub operator: Checkpoint,
    /// By ledger, the newest of its checkpoints that it covers.
    pub anchors: BTreeMap<String, Anchor>,
}

impl Reach {
    /// By ledger, how many leaves are covered.
    pub fn ends(&self) -> Vec<(String, u64)> {
        self.anchors.values().map(|anchor| (anchor.ledger.clone(), anchor.size)).collect()
    }

    fn size(&self, ledger: &str) -> u64 {
        self.anchors.get(ledger).map_or(0, |anchor| anchor.size)
    }
}

/// How far a site's ledgers are published; `None` where nothing is signed. Of what is stored by now a checkpoint that is due
/// is waited for: the first one of a ledger, and the next where the site has them that often.
///
/// # Errors
/// The engine's.
pub async fn of(bundling: &Bundling, site: &str) -> Result<Option<Reach>, WarehouseError> {
    let begun = Instant::now();
    let stored = bundling.warehouse.stored_leaves(site).await?;
    loop {
        let directory = bundling.control.directory();
        let keys = directory.ledger_keys();
        let signs = !keys.is_empty() || bundling.keys.is_some();
        let reach = published(&bundling.warehouse, &directory, &stored).await?;
        let size = |ledger: &str| reach.as_ref().map_or(0, |reach| reach.size(ledger));
        let seconds = directory.site(site).and_then(|site| site.current().settings.ledger.checkpoint_seconds);
        let is_quick = seconds.is_some_and(|seconds| Duration::from_secs(seconds.into()) < PATIENCE);
        let is_due = |ledger: &str, stored: u64| size(ledger) < stored && (is_quick || size(ledger) == 0);
        let is_waited_for = signs && stored.iter().any(|(ledger, stored)| is_due(ledger, *stored));
        if !is_waited_for || begun.elapsed() >= PATIENCE {
            return Ok(reach);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn published(
    warehouse: &Warehouse,
    directory: &Directory,
    stored: &[(String, u64)],
) -> Result<Option<Reach>, WarehouseError> {
    let keys = directory.ledger_keys();
    let Some(operator) = warehouse.checkpoint(OPERATOR).await?.filter(|_| !keys.is_empty()) else { return Ok(None) };
    let mut anchors = BTreeMap::new();
    for (ledger, _) in stored {
        if let Some(anchor) = warehouse.anchor_within(ledger, operator.size).await? {
            anchors.insert(ledger.clone(), anchor);
        }
    }
    let ml_dsa = keys::ml_dsa_key(directory.ml_dsa_keys(), &operator.note);
    Ok(Some(Reach { keys: keys.to_vec(), ml_dsa, operator, anchors }))
}

/// Before which moment of the log's time nothing is left out of an export that was begun at `made_at` (ms since 1970).
pub fn whole_before(waiting: Waiting, extent: &ExportExtent, made_at: i64) -> i64 {
    if waiting.events > 0 { waiting.since } else { made_at.max(extent.last_logged_at + 1) }
}

/// What the manifest says: how far each ledger goes, and how many events of the period wait for a checkpoint since when. Null
/// where nothing is signed: everything stored is there then, and nothing is proven.
pub fn described(reach: Option<&Reach>, waiting: Waiting) -> Value {
    let Some(reach) = reach else { return Value::Null };
    let ledgers: BTreeMap<&str, u64> =
        reach.anchors.iter().map(|(name, anchor)| (name.as_str(), anchor.size)).collect();
    let since = (waiting.events > 0).then(|| moment::written(waiting.since));
    json!({"ledgers": ledgers, "waiting": waiting.events, "waiting_since": since})
}
