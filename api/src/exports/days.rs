//! What shows that an export leaves nothing out: the closes of its days, the control records that they name, and for one
//! subject the proofs of how many records each day has of her (`avow_ledger::day_close`).

use std::collections::BTreeSet;

use avow_ledger::day_close::DayClose;
use avow_ledger::sum_map::{self, Prover};
use avow_warehouse::days::{ClosedDay, DAY_MS};
use avow_warehouse::export::ExportScope;
use avow_warehouse::{Warehouse, WarehouseError};
use tokio::sync::mpsc::Sender;

use super::archive::Part;
use super::proof::file;
use super::work::WorkError;

/// The closes that an export carries: those of the days in its period, and of each ledger the one before.
pub struct Days {
    closes: Vec<ClosedDay>,
}

impl Days {
    /// Those whose leaves and control records lie below the export's ends. None where nothing is signed, and of an export
    /// that is cut to services.
    ///
    /// # Errors
    /// The engine's.
    pub async fn of(warehouse: &Warehouse, scope: &ExportScope) -> Result<Self, WarehouseError> {
        let ends = scope.ends.as_deref().unwrap_or_default();
        if !scope.services.is_empty() || ends.is_empty() {
            return Ok(Self { closes: Vec::new() });
        }
        let ledgers: Vec<String> = ends.iter().map(|(ledger, _)| ledger.clone()).collect();
        let covered = |ledger: &str, leaf: u64| ends.iter().any(|(name, end)| name == ledger && leaf < *end);
        let mut closes: Vec<ClosedDay> = Vec::new();
        for day in warehouse.closed_days(&ledgers).await? {
            if !covered(&day.close_ledger, day.close_leaf) || day.end == 0 || !covered(&day.ledger, day.end - 1) {
                continue;
            }
            match place(&day, scope) {
                Place::Before => {
                    closes.pop_if(|last| last.ledger == day.ledger && place(last, scope) == Place::Before);
                    closes.push(day);
                }
                Place::Within => closes.push(day),
                Place::Beyond => {}
            }
        }
        // Without a day of the period behind it, the one before says nothing.
        let followed: BTreeSet<String> =
            closes.iter().filter(|day| place(day, scope) == Place::Within).map(|day| day.ledger.clone()).collect();
        closes.retain(|day| followed.contains(&day.ledger));
        Ok(Self { closes })
    }

    /// The control records that must be opened: the closes themselves, and those that they name.
    pub fn controls(&self) -> BTreeSet<(String, u64)> {
        let mut controls = BTreeSet::new();
        for day in &self.closes {
            controls.insert((day.close_ledger.clone(), day.close_leaf));
            let close = DayClose::parse(day.body.as_bytes()).ok();
            controls.extend(close.into_iter().flat_map(|close| close.controls).map(|leaf| (day.ledger.clone(), leaf)));
        }
        controls
    }

    /// The first and the last closed day of the period.
    pub fn closed(&self, scope: &ExportScope) -> Option<(String, String)> {
        let within = || self.closes.iter().filter(|day| place(day, scope) == Place::Within).map(|day| &day.day);
        within().min().cloned().zip(within().max().cloned())
    }

    /// Sends `map/<ledger>/<first>-<end>.json` for each day: how many records it has of the export's subject.
    ///
    /// # Errors
    /// The warehouse's; where a day's map is not the one that its close says.
    pub async fn send_maps(
        &self,
        warehouse: &Warehouse,
        scope: &ExportScope,
        parts: &Sender<Part>,
    ) -> Result<(), WorkError> {
        let Some(subject) = scope.subject else { return Ok(()) };
        let tag = sum_map::subject_tag(&scope.site, Some(subject.into_bytes()));
        for day in self.closes.iter().filter(|day| place(day, scope) == Place::Within) {
            let broken = |reason: &dyn std::fmt::Display| {
                let (ledger, day) = (&day.ledger, &day.day);
                WarehouseError::UnknownState(format!("the map of {day} of ledger {ledger}: {reason}"))
            };
            let close = DayClose::parse(day.body.as_bytes()).map_err(|e| broken(&e))?;
            let mut pairs = warehouse.day_pairs(&day.ledger, day.first, day.end)?;
            let mut prover = Prover::new(tag);
            while let Some(pair) = pairs.next().await.map_err(WarehouseError::from)? {
                prover.push(&pair.tag, pair.count).map_err(|e| broken(&e))?;
            }
            let proved = prover.finish().map_err(|e| broken(&e))?;
            if (proved.root, proved.sum, proved.pairs) != (close.root, close.total, close.pairs) {
                return Err(broken(&"what is stored is not what was closed").into());
            }
            let name = format!("map/{}/{}-{}.json", day.ledger, day.first, day.end);
            file(parts, name, serde_json::to_vec(&proved.proof).map_err(|e| broken(&e))?).await?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Within,
    /// Behind, or only in part in the period.
    Beyond,
}

fn place(day: &ClosedDay, scope: &ExportScope) -> Place {
    let Some(begin) = day.number().map(|number| number * DAY_MS) else { return Place::Beyond };
    let end = begin + DAY_MS;
    if scope.from <= begin && end <= scope.to {
        Place::Within
    } else if end <= scope.from {
        Place::Before
    } else {
        Place::Beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_within_a_period_that_has_all_of_it() {
        let moment = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let scope = |from: &str, to: &str| ExportScope {
            site: "a.example".into(),
            from: moment(from),
            to: moment(to),
            subject: None,
            services: Vec::new(),
            without: Vec::new(),
            log_id: uuid::Uuid::nil(),
            upto: Vec::new(),
            ends: None,
        };
        let (ledger, body, close_ledger) = ("l".to_owned(), String::new(), "l".to_owned());
        let day = ClosedDay { ledger, first: 0, end: 1, day: "2026-11-24".into(), close_ledger, close_leaf: 1, body };
        for (from, to, expected) in [
            ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", Place::Within),
            ("2026-11-24T00:00:00.001Z", "2026-11-25T00:00:00Z", Place::Beyond),
            ("2026-11-24T00:00:00Z", "2026-11-24T23:59:59.999Z", Place::Beyond),
            ("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z", Place::Before),
            ("2026-11-20T00:00:00Z", "2026-11-24T00:00:00Z", Place::Beyond),
        ] {
            assert_eq!(place(&day, &scope(from, to)), expected, "{from} {to}");
        }
    }
}
