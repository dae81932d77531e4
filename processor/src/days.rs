//! Closing days: once a day of a ledger is over, a control record says which leaves it has, and how many of them each subject
//! has ([`avow_ledger::day_close`]). The record goes into the ledger's own partition, through the log, and counts once it
//! comes back.
//!
//! A day is over when the partition has stored a record of a later one: its times never go back. Where no record comes, it
//! is over some minutes past midnight, if all there is in the log is stored. Should a record of that day come all the same,
//! from a log whose clock is behind by more than that, the day is closed a second time, behind the first. The record's id
//! follows from where the day begins, so that of two owners' closes the first in the log counts, and a crash costs a repeat.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use avow_ledger::sum_map::{self, SumRoot};
use avow_ledger::{DayClose, LeafKind};
use avow_log::{Record, Topic};
use avow_schemas::ids::{EventId, SiteId};
use avow_schemas::record::{ControlKind, ControlRecord, LogRecord, derived_id};
use avow_warehouse::WarehouseError;
use avow_warehouse::days::{DAY_MS, DayEnd, DayLeaves};
use avow_warehouse::rows::Stored;
use avow_warehouse::trees::Ledger;
use tokio_util::sync::CancellationToken;

use crate::ProcessorError;
use crate::lag::Lag;
use crate::partition::Context;

const EVERY: Duration = Duration::from_secs(10);
/// How long past midnight a partition without records waits, for logs whose clock is behind.
const GRACE_MS: i64 = 10 * 60 * 1000;
/// How long a close may take to come back from the log before it is written again.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a record says, if it is the close of a day.
pub(crate) fn said(stored: &Stored) -> Option<String> {
    match stored {
        Stored::Control(control) if control.kind == ControlKind::DayClose => Some(control.body.clone()),
        _ => None,
    }
}

/// Closes the days of a partition's ledgers until `stop`.
pub(crate) async fn keep_closing(context: &Context, partition: u32, lag: &Lag, stop: CancellationToken) {
    let mut closer = Closer::default();
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let Some(upto) = lag.upto() else { continue };
        if let Err(error) = closer.round(context, partition, upto).await {
            tracing::warn!(partition, %error, "ledger.days_not_closed");
            closer = Closer::default();
        }
    }
}

/// What is known of the days that are not closed.
#[derive(Default)]
struct Closer {
    /// By ledger and day, one past the day's last leaf.
    open: HashMap<String, BTreeMap<i64, u64>>,
    /// Of the newest range that has been seen, ms since 1970.
    logged_at: i64,
    /// Position up to which ranges have been seen.
    upto: Option<u64>,
    has_earlier: bool,
    /// The leaf at which a close that is under way ends.
    asked: HashMap<String, (u64, Instant)>,
    /// One past the last leaf of ledgers of which nothing but closes is open.
    idle: HashMap<String, u64>,
}

impl Closer {
    async fn round(&mut self, context: &Context, partition: u32, upto: u64) -> Result<(), ProcessorError> {
        self.look(context, partition, upto).await?;
        let over = self.over(context, partition, upto).await?;
        let due = |(ledger, days): (&String, &BTreeMap<i64, u64>)| {
            let (_, end) = days.range(..over).next_back()?;
            (self.idle.get(ledger) != Some(end)).then(|| ledger.clone())
        };
        let due: Vec<String> = self.open.iter().filter_map(due).collect();
        if due.is_empty() {
            return Ok(());
        }
        let mut closed: HashMap<String, u64> = HashMap::new();
        for day in context.warehouse.closed_days(&due).await? {
            closed.insert(day.ledger, day.end);
        }
        let ledgers = context.warehouse.ledgers().await?;
        let ledgers: HashMap<&str, &Ledger> = ledgers.iter().map(|ledger| (ledger.name.as_str(), ledger)).collect();
        for name in due {
            let Some(ledger) = ledgers.get(name.as_str()) else { continue };
            match self.close(context, ledger, closed.get(&name).copied().unwrap_or(0), over).await {
                Err(error @ ProcessorError::Day { .. }) => {
                    tracing::error!(partition, %error, "ledger.day_not_closed");
                    // Tried again when the next day is over.
                    let last = self.open.get(&name).and_then(|days| days.range(..over).next_back());
                    self.idle.extend(last.map(|(_, end)| (name, *end)));
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// Reads which leaves have come since the last look.
    async fn look(&mut self, context: &Context, partition: u32, upto: u64) -> Result<(), ProcessorError> {
        let log_id = context.log.identity().log_id;
        if partition == 0 && context.epoch > 1 && !self.has_earlier {
            self.take(context.warehouse.earlier_day_ends(log_id).await?);
            self.has_earlier = true;
        }
        if self.upto != Some(upto) {
            let ends = context.warehouse.day_ends(log_id, partition, self.logged_at).await?;
            self.logged_at = ends.iter().map(|end| end.logged_at).max().unwrap_or(0).max(self.logged_at);
            self.take(ends);
            self.upto = Some(upto);
        }
        Ok(())
    }

    fn take(&mut self, ends: Vec<DayEnd>) {
        for DayEnd { ledger, day, next, .. } in ends.into_iter().filter(|end| !end.ledger.is_empty()) {
            let end = self.open.entry(ledger).or_default().entry(day).or_default();
            *end = next.max(*end);
        }
    }

    /// The first day, since 1970, that is not over.
    async fn over(&self, context: &Context, partition: u32, upto: u64) -> Result<i64, ProcessorError> {
        let by_records = self.logged_at.div_euclid(DAY_MS);
        let by_clock = (jiff::Timestamp::now().as_millisecond() - GRACE_MS).div_euclid(DAY_MS);
        let is_caught_up = by_clock > by_records && context.log.end(Topic::Events, partition).await? == upto;
        Ok(if is_caught_up { by_clock } else { by_records })
    }

    /// Writes the closes of a ledger's days before `over`, the first of them from leaf `first` on.
    async fn close(
        &mut self,
        context: &Context,
        ledger: &Ledger,
        mut first: u64,
        over: i64,
    ) -> Result<(), ProcessorError> {
        if let Some((end, since)) = self.asked.get(&ledger.name)
            && first < *end
            && since.elapsed() < PATIENCE
        {
            return Ok(());
        }
        let open = self.open.entry(ledger.name.clone()).or_default();
        open.retain(|_, end| *end > first);
        let days: Vec<(i64, u64)> = open.range(..over).map(|(day, end)| (*day, *end)).collect();
        let Some((mut from_day, last)) = days.first().map(|day| day.0).zip(days.last().map(|day| day.1)) else {
            return Ok(());
        };
        let mut records = Vec::new();
        for (day, end) in days {
            let leaves = DayLeaves { site: &ledger.site, ledger: &ledger.name, first, end, from_day, day };
            if let Some(close) = count(context, ledger, &leaves).await? {
                records.push(record(context, ledger, &close)?);
                (first, from_day) = (end, day + 1);
            }
        }
        if records.is_empty() {
            self.idle.insert(ledger.name.clone(), last);
            return Ok(());
        }
        let days = records.len();
        context.log.append(Topic::Events, records).await?;
        self.asked.insert(ledger.name.clone(), (first, Instant::now()));
        context.metrics.ledger.closed.inc_by(days as u64);
        tracing::info!(site = ledger.site, ledger = ledger.name, days, upto = first, "ledger.days_closed");
        Ok(())
    }
}

/// The close of a day's leaves; none of leaves that are nothing but closes.
async fn count(context: &Context, ledger: &Ledger, leaves: &DayLeaves<'_>) -> Result<Option<DayClose>, ProcessorError> {
    let warehouse = &context.warehouse;
    let broken = |reason: String| ProcessorError::Day { ledger: ledger.name.clone(), reason };
    let (controls, others) = warehouse.day_controls(leaves).await?;
    let total = (leaves.end - leaves.first).checked_sub(controls.len() as u64);
    let total = total.ok_or_else(|| broken("it has more control records than leaves".to_owned()))?;
    if total == 0 && others == 0 {
        return Ok(None);
    }
    warehouse.put_day_pairs(leaves, &sum_map::tag_prefix(leaves.site)).await?;
    let mut pairs = warehouse.day_pairs(leaves.ledger, leaves.first, leaves.end)?;
    let mut map = SumRoot::new();
    while let Some(pair) = pairs.next().await.map_err(WarehouseError::from)? {
        map.push(&pair.tag, pair.count).map_err(|e| broken(e.to_string()))?;
    }
    let (root, sum) = map.root().map_err(|e| broken(e.to_string()))?;
    if sum != total {
        let (first, end) = (leaves.first, leaves.end);
        return Err(broken(format!("of its {total} events in leaves {first} to {end} {sum} are stored")));
    }
    let date = jiff::Timestamp::from_millisecond(leaves.day * DAY_MS).map_err(|e| broken(e.to_string()))?;
    Ok(Some(DayClose {
        site: ledger.site.clone(),
        shard: ledger.shard,
        ledger: ledger.name.clone(),
        day: jiff::tz::Offset::UTC.to_datetime(date).date().to_string(),
        first: leaves.first,
        end: leaves.end,
        controls,
        total,
        pairs: map.len(),
        root,
    }))
}

/// The control record of a close, under the ledger's own key.
fn record(context: &Context, ledger: &Ledger, close: &DayClose) -> Result<Record, ProcessorError> {
    let stage = |e: &dyn std::fmt::Display| ProcessorError::Stage(format!("the close of a day: {e}"));
    let site = SiteId::new(&ledger.site).map_err(|e| stage(&e))?;
    let directory = context.control.directory();
    let shards = directory.site(&ledger.site).map_or(1, |history| history.current().settings.ledger.shards);
    let key = if shards <= 1 { ledger.site.clone() } else { format!("{site}#{}", ledger.shard % shards) };
    let record = ControlRecord {
        id: EventId(derived_id(&format!("day/{}/{}", close.ledger, close.first))),
        site,
        kind: ControlKind::DayClose,
        version: 0,
        made_at: jiff::Timestamp::now().as_millisecond(),
        body: serde_json_canonicalizer::to_string(close).map_err(|e| stage(&e))?,
    };
    let value = context.control.framing().encode(&LogRecord::ControlRecord(record)).map_err(|e| stage(&e))?;
    Ok(Record { key: key.into(), value: value.into() })
}

// `day_controls` counts the leaves that are neither events nor closes by these bytes.
const _: () = assert!(LeafKind::Event as u8 == 1 && LeafKind::DayClose as u8 == 3);
