//! `checkpoint_late`: leaves of a ledger have waited for a checkpoint for several times its period. The operator log is
//! watched too: what waits there waits for its witnesses.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use avow_schemas::alert::{Rule, RuleSettings};
use avow_trees::OPERATOR;
use serde_json::json;

use super::{Look, Matter, Verdict, written};
use crate::ProcessorError;
use crate::signing::Intervals;

/// The shortest period that the operator log is held to.
const OPERATOR_LEAST: Duration = Duration::from_secs(60);

/// Since when leaves wait.
#[derive(Default)]
pub(super) struct Checkpoints {
    /// By ledger: the size of its checkpoint, and since when (ms since 1970) this evaluator has seen more than that.
    waiting: HashMap<String, (u64, i64)>,
}

impl Checkpoints {
    /// `operator_period` is the time between two checkpoints of the operator log that are shown to witnesses.
    pub(super) async fn look(
        &mut self,
        look: &Look<'_>,
        operator_period: Duration,
    ) -> Result<Vec<(Matter, Verdict)>, ProcessorError> {
        let (context, warehouse) = (look.context, &look.context.warehouse);
        let intervals = Intervals::read(context).await?;
        let checkpoints = warehouse.checkpoints().await?;
        let checkpoints: HashMap<&str, _> = checkpoints.iter().map(|one| (one.ledger.as_str(), one)).collect();
        let now = jiff::Timestamp::now().as_millisecond();
        let mut verdicts = Vec::new();
        let mut seen_waiting = HashSet::new();
        for head in warehouse.heads().await? {
            let (site, period) = if head.ledger == OPERATOR {
                (String::new(), operator_period.max(OPERATOR_LEAST))
            } else {
                let Some(site) = intervals.site(&head.ledger) else { continue };
                (site.to_owned(), intervals.of(context, &head.ledger))
            };
            let RuleSettings::CheckpointLate(rule) = look.settings(Rule::CheckpointLate, &site) else { continue };
            let checkpoint = checkpoints.get(head.ledger.as_str());
            let (size, signed_at) = checkpoint.map_or((0, 0), |checkpoint| (checkpoint.size, checkpoint.signed_at));
            let matter = Matter { rule: Rule::CheckpointLate, site, about: head.ledger.clone() };
            let told = json!({
                "size": size, "signed_at": checkpoint.map(|one| written(one.signed_at)), "leaves": head.size,
            });
            if head.size <= size || !rule.enabled {
                if look.open(&matter).is_some() {
                    verdicts.push((matter, Verdict::Right { seen: told }));
                }
                continue;
            }
            seen_waiting.insert(head.ledger.clone());
            let waits = self.waiting.entry(head.ledger.clone()).or_insert((size, now));
            if waits.0 != size {
                *waits = (size, now);
            }
            let waited = Duration::from_millis(now.saturating_sub(waits.1).max(0).unsigned_abs());
            let is_late = waited >= period * rule.periods;
            match look.open(&matter) {
                None if is_late => {
                    let since = if signed_at > 0 { signed_at } else { waits.1 };
                    let mut seen = told;
                    seen["waiting_since"] = written(waits.1).into();
                    let expected = json!({
                        "method": "periods", "period_seconds": period.as_secs(), "threshold": {"periods": rule.periods},
                    });
                    verdicts.push((matter, Verdict::Off { since, seen, expected }));
                }
                // A checkpoint has come since, and what waits now has not waited long.
                Some(alert) if !is_late && signed_at > alert.opened_at => {
                    verdicts.push((matter, Verdict::Right { seen: told }));
                }
                _ => {}
            }
        }
        self.waiting.retain(|ledger, _| seen_waiting.contains(ledger));
        Ok(verdicts)
    }
}
