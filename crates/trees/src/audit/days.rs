//! The closed days of a ledger: whether each close and its map are what the events make.

use avow_ledger::sum_map::{self, SumRoot};
use avow_ledger::{DayClose, LeafKind};
use avow_warehouse::days::{ClosedDay, DayLeaves};
use avow_warehouse::trees::entry;
use avow_warehouse::{Warehouse, WarehouseError};
use sha2::{Digest as _, Sha256};

use super::faults::{Found, What};
use crate::TreeError;

/// Compares every closed day of a ledger of which it has been derived how many leaves there are.
pub(super) async fn audit(warehouse: &Warehouse, ledger: &str, size: u64, found: &mut Found) -> Result<(), TreeError> {
    for day in warehouse.closed_days(&[ledger.to_owned()]).await? {
        if day.end > size {
            let detail = format!("{} is closed with more leaves than there are: {size}", day.day);
            found.at_leaf(What::Day, ledger, day.first, None, detail);
            continue;
        }
        found.days += 1;
        if let Err(detail) = judge(warehouse, &day).await? {
            found.at_leaf(What::Day, ledger, day.first, None, format!("{}: {detail}", day.day));
        }
    }
    Ok(())
}

/// What differs.
async fn judge(warehouse: &Warehouse, day: &ClosedDay) -> Result<Result<(), String>, TreeError> {
    let close = match DayClose::parse(day.body.as_bytes()) {
        Ok(close) => close,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let (at, leaf) = (&day.close_ledger, day.close_leaf);
    let said = entry(LeafKind::DayClose as u8, &Sha256::digest(day.body.as_bytes()).into());
    if warehouse.entries(at, leaf, leaf + 1).await?.first() != Some(&said) {
        return Ok(Err(format!("its close is not what leaf {leaf} of ledger {at} commits to")));
    }
    let mut pairs = warehouse.day_pairs(&day.ledger, day.first, day.end)?;
    let mut map = SumRoot::new();
    while let Some(pair) = pairs.next().await.map_err(WarehouseError::from)? {
        if let Err(error) = map.push(&pair.tag, pair.count) {
            return Ok(Err(error.to_string()));
        }
    }
    if map.len() != close.pairs || map.root() != Ok((close.root, close.total)) {
        return Ok(Err("the stored map is not the one that was closed".to_owned()));
    }
    let Some(number) = day.number() else {
        return Ok(Err("it is no day".to_owned()));
    };
    let (first, end) = (close.first, close.end);
    let leaves = DayLeaves { site: &close.site, ledger: &close.ledger, first, end, from_day: number, day: number };
    let there = warehouse.day_recount(&leaves, &sum_map::tag_prefix(&close.site)).await?;
    if there.events != close.total {
        return Ok(Err(format!("it was closed with {} events, {} are stored", close.total, there.events)));
    }
    if there.differing > 0 {
        return Ok(Err(format!("{} subjects have more events than its map says", there.differing)));
    }
    Ok(Ok(()))
}
