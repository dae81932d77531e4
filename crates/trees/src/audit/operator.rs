//! The operator log derived anew: its entries are checkpoints of the others, in the order in which they were signed.

use std::sync::Arc;

use avow_ledger::checkpoint::Checkpoint as Text;
use avow_schemas::control::LedgerKey;
use avow_warehouse::Warehouse;

use super::faults::{Found, What};
use super::ledger::Derived;
use super::{Stored, Streams};
use crate::{OPERATOR, TreeError};

/// Goes through the operator log; what its entries say of each ledger's tree is compared there.
pub(super) async fn audit(
    warehouse: &Warehouse,
    streams: &mut Streams,
    stored: &Stored,
    keys: &[Arc<LedgerKey>],
    found: &mut Found,
) -> Result<(), TreeError> {
    found.begin(OPERATOR);
    let mut derived = Derived::new(warehouse, OPERATOR.to_owned());
    let head = stored.heads.get(OPERATOR).into_iter().flatten().map(|head| head.size).max().unwrap_or(0);
    let mut anchors: Vec<_> = stored.anchors.values().collect();
    anchors.sort_by_key(|anchor| anchor.leaf);
    let mut anchors = anchors.into_iter().peekable();
    while let Some(next) = streams.next_leaf(OPERATOR) {
        let leaf = derived.tree.size();
        if next > leaf {
            found.at_leaf(
                What::Missing,
                OPERATOR,
                leaf,
                None,
                format!("no entries up to leaf {next}: the tree ends here"),
            );
            break;
        }
        let mut bytes = Vec::new();
        while let Some(row) = streams.entry(OPERATOR, leaf).await? {
            if !bytes.is_empty() && bytes != row.entry {
                found.at_leaf(What::Entry, OPERATOR, leaf, None, "it is stored twice, and not the same");
            }
            bytes = row.entry;
        }
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        if Text::parse(text).is_err() {
            found.at_leaf(What::Entry, OPERATOR, leaf, None, "it is no checkpoint");
        }
        while let Some(anchor) = anchors.next_if(|anchor| anchor.leaf == leaf) {
            if !anchor.note.strip_prefix(text).is_some_and(|rest| rest.starts_with('\n')) {
                let detail = format!("entry {leaf} of the operator log is not the checkpoint that is said to be there");
                found.at_size(What::Anchor, &anchor.ledger, anchor.size, detail);
            }
        }
        derived.push(&bytes, head, found).await?;
        derived.compare_stored(stored, keys, found);
    }
    for anchor in anchors.filter(|anchor| anchor.leaf >= derived.tree.size()) {
        found.at_size(
            What::Anchor,
            &anchor.ledger,
            anchor.size,
            format!("the operator log has no entry {}", anchor.leaf),
        );
    }
    let size = derived.tree.size();
    if head > size {
        found.at_size(What::Head, OPERATOR, head, format!("the head has more leaves than there are: {size}"));
    }
    while streams.entry(OPERATOR, u64::MAX).await?.is_some() {}
    Ok(())
}
