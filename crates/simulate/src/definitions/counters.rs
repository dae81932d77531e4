//! The counters of one row, and the metrics made of them.

use super::query::Grain;
use super::rates::Rate;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Counts that are not of pairs: with `service` or `category` they repeat for each row of the same other dimensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) shown: u64,
    pub(crate) decisions: u64,
    pub(crate) accept_all: u64,
    pub(crate) reject_all: u64,
    pub(crate) custom: u64,
    pub(crate) dismissed: u64,
    pub(crate) automatic: u64,
    pub(crate) visitors: u64,
    pub(crate) opted_in: u64,
    pub(crate) loaded: u64,
    pub(crate) loaded_with_consent: u64,
    /// How many decisions took so many milliseconds.
    pub(crate) efforts: BTreeMap<u32, u32>,
}

/// Counts that are a row's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) granted: u64,
    pub(crate) denied: u64,
    pub(crate) partial: u64,
    pub(crate) undecided: u64,
    pub(crate) withdrawals: u64,
    /// Subjects whose first grant is old enough.
    pub(crate) cohort: u64,
    /// Of the cohort, those who revoked in time.
    pub(crate) revoked: u64,
}

impl Totals {
    /// Whether anything was counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.shown + self.decisions + self.dismissed + self.automatic + self.loaded == 0
    }

    /// The lower median, in seconds.
    fn median_seconds(&self) -> Option<f64> {
        let n: u64 = self.efforts.values().map(|count| u64::from(*count)).sum();
        let mut left = n.checked_sub(1)? / 2;
        for (ms, count) in &self.efforts {
            if left < u64::from(*count) {
                return Some(f64::from(*ms) / 1000.0);
            }
            left -= u64::from(*count);
        }
        None
    }
}

impl Own {
    /// Whether a pair or a withdrawal was counted; a cohort cannot be there without a pair.
    pub(crate) fn is_empty(&self) -> bool {
        self.granted + self.denied + self.partial + self.undecided + self.withdrawals == 0
    }
}

/// The metrics of a row under their names; a rate brings `_low`, `_high` and `_denominator`.
pub(crate) fn metrics(names: &[&str], totals: &Totals, own: &Own, grain: Grain) -> Map<String, Value> {
    let mut metrics = Map::new();
    for name in names {
        if let Some(rate) = rate(name, totals, own, grain) {
            metrics.insert((*name).to_owned(), json!(rate.value));
            metrics.insert(format!("{name}_low"), json!(rate.interval.map(|(low, _)| low)));
            metrics.insert(format!("{name}_high"), json!(rate.interval.map(|(_, high)| high)));
            metrics.insert(format!("{name}_denominator"), json!(rate.denominator));
        } else {
            metrics.insert((*name).to_owned(), count(name, totals, own));
        }
    }
    metrics
}

fn count(name: &str, totals: &Totals, own: &Own) -> Value {
    json!(match name {
        "shown" => totals.shown,
        "decisions" => totals.decisions,
        "accept_all" => totals.accept_all,
        "reject_all" => totals.reject_all,
        "custom" => totals.custom,
        "dismissed" => totals.dismissed,
        "no_choice" => totals.shown.saturating_sub(totals.decisions),
        "automatic" => totals.automatic,
        "withdrawals" => own.withdrawals,
        "visitors" => totals.visitors,
        "granted" => own.granted,
        "denied" => own.denied,
        "partial" => own.partial,
        "undecided" => own.undecided,
        // There are no banner artefacts yet, so nothing can be found undisclosed.
        "not_disclosed" => 0,
        "opted_in" => totals.opted_in,
        "loaded" => totals.loaded,
        "loaded_with_consent" => totals.loaded_with_consent,
        "median_seconds_to_decide" => return json!(totals.median_seconds()),
        _ => return Value::Null,
    })
}

fn rate(name: &str, totals: &Totals, own: &Own, grain: Grain) -> Option<Rate> {
    Some(match name {
        "interaction_rate" => Rate::of(totals.decisions, totals.shown),
        "consent_rate" => {
            let decided = own.granted + own.denied;
            let trials = if grain == Grain::Summed { totals.decisions } else { decided };
            Rate::with_trials(own.granted, decided, trials)
        }
        "opt_in_rate" if grain == Grain::Summed => Rate::of(totals.opted_in, totals.shown),
        "opt_in_rate" => Rate::of(own.granted, totals.shown),
        "accept_all_rate" => Rate::of(totals.accept_all, totals.decisions),
        "reject_all_rate" => Rate::of(totals.reject_all, totals.decisions),
        "withdrawal_rate" => Rate::of(own.withdrawals, totals.decisions),
        "revoked_rate_30d" => Rate::of(own.revoked, own.cohort),
        "traffic_consent_rate" => Rate::of(totals.loaded_with_consent, totals.loaded),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_lower_one() {
        let of = |efforts: &[(u32, u32)]| Totals { efforts: efforts.iter().copied().collect(), ..Totals::default() };
        assert_eq!(of(&[]).median_seconds(), None);
        assert_eq!(of(&[(1000, 1), (3000, 1)]).median_seconds(), Some(1.0));
        assert_eq!(of(&[(1000, 1), (3000, 2)]).median_seconds(), Some(3.0));
        assert_eq!(of(&[(1000, 2), (3000, 2), (9000, 1)]).median_seconds(), Some(3.0));
    }
}
