//! What proves when the records of an export were there at the latest: a stamp of the operator log (RFC 3161), the first one
//! that covers them all, or else the newest; and for each log the way from what was stamped to the bundle's own checkpoint.
//!
//! ```text
//! time/<size>.checkpoint, .tsr        the operator log's checkpoint that was stamped, and the stamp
//! time/<size>/<log>.checkpoint        the log's checkpoint that is an entry of it
//! time/<size>/<log>.tlog-proof        that it is (C2SP tlog-proof)
//! time/<size>/<log>.consistency       that logs/<log>/checkpoint follows from it (as the body of C2SP tlog-witness)
//! ```

use avow_ledger::Note;
use avow_ledger::witness::AddCheckpoint;
use avow_trees::OPERATOR;
use avow_trees::TreeError;
use avow_trees::read::Reader;
use avow_warehouse::Warehouse;
use avow_warehouse::trees::Anchor;
use tokio::sync::mpsc::Sender;

use super::archive::Part;
use super::proof::{file, proof};
use super::work::WorkError;

/// Sends the stamp and what belongs to it. `logs`: each log's checkpoint in the bundle, and the last of its entries that is
/// opened. Whether there is a stamp.
///
/// # Errors
/// The warehouse's; where the writer has stopped.
pub async fn send(
    warehouse: &Warehouse,
    reader: &Reader,
    logs: &[(Anchor, u64)],
    parts: &Sender<Part>,
) -> Result<bool, WorkError> {
    let mut covered = Vec::with_capacity(logs.len());
    for (anchor, last) in logs {
        let last = (*last).min(anchor.size.saturating_sub(1));
        covered.push(warehouse.anchor_of(&anchor.ledger, last).await?);
    }
    let entry = covered.iter().map(|first| first.as_ref().map_or(u64::MAX, |first| first.leaf)).max();
    let Some(entry) = entry else { return Ok(false) };
    let stamp = match warehouse.stamp_of(OPERATOR, entry).await? {
        Some(stamp) => Some(stamp),
        None => warehouse.stamp(OPERATOR).await?,
    };
    let Some(stamp) = stamp else { return Ok(false) };
    let folder = format!("time/{}", stamp.size);
    file(parts, format!("{folder}.checkpoint"), stamp.note.clone().into_bytes()).await?;
    file(parts, format!("{folder}.tsr"), stamp.response).await?;
    for ((anchor, _), first) in logs.iter().zip(covered) {
        let ledger = &anchor.ledger;
        let stamped = match first.filter(|first| first.leaf < stamp.size) {
            Some(first) => Some(first),
            None => warehouse.anchor_within(ledger, stamp.size).await?,
        };
        let Some(stamped) = stamped.filter(|stamped| stamped.size <= anchor.size) else { continue };
        let proof = proof(reader, &stamped, stamp.size, &stamp.note).await?;
        let consistency = consistency(reader, &stamped, anchor).await?;
        file(parts, format!("{folder}/{ledger}.checkpoint"), stamped.note.into_bytes()).await?;
        file(parts, format!("{folder}/{ledger}.tlog-proof"), proof.into_bytes()).await?;
        file(parts, format!("{folder}/{ledger}.consistency"), consistency.into_bytes()).await?;
    }
    Ok(true)
}

async fn consistency(reader: &Reader, from: &Anchor, to: &Anchor) -> Result<String, TreeError> {
    let proof = reader.consistency(&to.ledger, from.size, to.size).await?;
    Ok(AddCheckpoint { old: from.size, proof, note: Note::parse(&to.note)? }.to_string())
}
