//! Ledgers and leaf indexes. Each site has, per shard and half-year of `logged_at`, one ledger; its records are its leaves
//! in log order, without gaps. With a new log (`avow migrate log`) every site begins new ledgers, in periods of that log's:
//! a leaf index is the log's order, and two logs have no common one.

use std::collections::HashMap;
use std::sync::Arc;

use avow_ledger::LeafKind;
use avow_schemas::record::{ControlKind, LogRecord};
use avow_schemas::settings::LedgerName;
use avow_warehouse::Warehouse;
use jiff::Timestamp;
use jiff::tz::Offset;
use uuid::Uuid;

use crate::ProcessorError;

/// A half-year by `logged_at`, UTC, of one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Period {
    year: i16,
    half: u8,
    /// 1 for the warehouse's first log, one more for each that followed.
    epoch: u32,
}

impl Period {
    pub(crate) fn of(ms: i64, epoch: u32) -> Self {
        let date = Offset::UTC.to_datetime(Timestamp::from_millisecond(ms).unwrap_or_default()).date();
        Self { year: date.year(), half: if date.month() <= 6 { 1 } else { 2 }, epoch }
    }

    /// Its first millisecond.
    fn begin(self) -> i64 {
        let first = jiff::civil::date(self.year, if self.half == 1 { 1 } else { 7 }, 1);
        Offset::UTC.to_timestamp(first.at(0, 0, 0, 0)).map_or(0, Timestamp::as_millisecond)
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.epoch {
            1 => write!(f, "{}H{}", self.year, self.half),
            epoch => write!(f, "{}H{}.{epoch}", self.year, self.half),
        }
    }
}

/// A site's shard in a half-year: what has one ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Owner {
    site: String,
    shard: u32,
    period: Period,
}

/// The ledgers of one partition.
pub(crate) struct Leaves {
    epoch: u32,
    names: HashMap<Owner, Arc<str>>,
    next: HashMap<Arc<str>, u64>,
}

impl Leaves {
    /// Reads how far the ledgers of a partition have got. `now` is the `logged_at` of its newest range: older half-years
    /// grow no more. `epoch` is the log's.
    pub(crate) async fn open(
        warehouse: &Warehouse,
        log_id: Uuid,
        epoch: u32,
        partition: u32,
        now: i64,
    ) -> Result<Self, ProcessorError> {
        let next = warehouse.next_leaves(log_id, partition, Period::of(now, epoch).begin()).await?;
        let next = next.into_iter().map(|(name, next)| (name.into(), next)).collect();
        Ok(Self { epoch, names: HashMap::new(), next })
    }

    /// The ledger of a site's shard at a moment; drawn, durably, where it has none yet.
    pub(crate) async fn ledger(
        &mut self,
        warehouse: &Warehouse,
        site: &str,
        shard: u32,
        logged_at: i64,
        naming: LedgerName,
    ) -> Result<Arc<str>, ProcessorError> {
        let owner = Owner { site: site.to_owned(), shard, period: Period::of(logged_at, self.epoch) };
        if let Some(name) = self.names.get(&owner) {
            return Ok(Arc::clone(name));
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|e| ProcessorError::Stage(e.to_string()))?;
        let fresh = || match naming {
            LedgerName::Opaque => Uuid::from_bytes(random).simple().to_string(),
            LedgerName::Site if shard == 0 => format!("{site}-{}", owner.period),
            LedgerName::Site => format!("{site}-{shard}-{}", owner.period),
        };
        let period = owner.period.to_string();
        let name: Arc<str> = warehouse.ledger_name(site, shard, &period, fresh).await?.into();
        self.names.insert(owner, Arc::clone(&name));
        Ok(name)
    }

    /// The next leaf index of a ledger; takes it.
    pub(crate) fn take(&mut self, ledger: &Arc<str>) -> u64 {
        let next = self.next.entry(Arc::clone(ledger)).or_default();
        let taken = *next;
        *next += 1;
        taken
    }

    /// Takes a leaf index back that was given to a row that did not land, and with it all later ones of its ledger.
    pub(crate) fn give_back(&mut self, ledger: &Arc<str>, leaf: u64) {
        let next = self.next.entry(Arc::clone(ledger)).or_default();
        *next = leaf.min(*next);
    }

    pub(crate) fn next(&self, ledger: &str) -> u64 {
        self.next.get(ledger).copied().unwrap_or_default()
    }
}

/// The first byte of a record's leaf.
pub(crate) const fn kind(record: &LogRecord) -> u8 {
    let kind = match record {
        LogRecord::ConsentEvent(_) => LeafKind::Event,
        LogRecord::ControlRecord(control) => match control.kind {
            ControlKind::BannerArtefact => LeafKind::Artefact,
            ControlKind::DayClose => LeafKind::DayClose,
            ControlKind::KeyChange => LeafKind::KeyChange,
            ControlKind::Tombstone => LeafKind::Tombstone,
            ControlKind::SettingsVersion => LeafKind::Settings,
        },
    };
    kind as u8
}

#[cfg(test)]
mod tests {
    use super::Period;

    #[test]
    fn half_years_begin_in_january_and_july() {
        for (moment, period) in [
            ("2026-06-30T23:59:59.999Z", "2026H1"),
            ("2026-07-01T00:00:00Z", "2026H2"),
            ("2026-12-31T23:59:59.999Z", "2026H2"),
            ("2027-01-01T00:00:00Z", "2027H1"),
        ] {
            let ms = moment.parse::<jiff::Timestamp>().unwrap().as_millisecond();
            let of = |epoch| Period::of(ms, epoch);
            assert_eq!(of(1).to_string(), period, "{moment}");
            assert_eq!(of(2).to_string(), format!("{period}.2"), "{moment}");
            assert!(of(1).begin() <= ms);
            assert_eq!(Period::of(of(1).begin(), 1), of(1));
        }
    }
}
