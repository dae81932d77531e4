//! From counts to metrics: the right-hand column of `docs/metrics.md`.

use serde::Serialize;

use super::cohorts::{Cohort, Cohorts};
use super::difference::Seen;
use super::people::People;
use super::rollup::{Count, Counts};
use super::spec::{Metric, Rate};
use super::wilson::wilson;

/// A metric's value. Counts stay whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Number {
    Count(u64),
    Real(f64),
}

impl Number {
    pub fn as_f64(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
            Self::Count(count) => count as f64,
            Self::Real(real) => real,
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Real(real) => real.fmt(f),
        }
    }
}

/// All that is known of one row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    /// Whether the row is of a service or category.
    pub by_pair: bool,
    pub totals: Counts,
    pub pairs: Counts,
    pub people: People,
    pub cohorts: Cohorts,
}

/// A proportion before it is divided.
struct Proportion {
    numerator: u64,
    denominator: u64,
    /// Among how many independent things it was seen.
    n: u64,
}

impl Proportion {
    const fn of(numerator: u64, denominator: u64) -> Self {
        Self { numerator, denominator, n: denominator }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn part(&self, part: Rate) -> Option<Number> {
        if self.denominator == 0 {
            return None;
        }
        let rate = self.numerator as f64 / self.denominator as f64;
        match part {
            Rate::Value => Some(Number::Real(rate)),
            Rate::Denominator => Some(Number::Count(self.denominator)),
            Rate::Low => wilson(rate, self.n).map(|interval| Number::Real(interval.low)),
            Rate::High => wilson(rate, self.n).map(|interval| Number::Real(interval.high)),
        }
    }
}

impl Metric {
    /// The counts that it is made of, of totals or of pairs.
    pub(super) const fn counts(self) -> &'static [Count] {
        match self {
            Self::Shown => &[Count::shown],
            Self::Decisions => &[Count::decisions],
            Self::AcceptAll => &[Count::accept_all],
            Self::RejectAll => &[Count::reject_all],
            Self::Custom => &[Count::custom],
            Self::Dismissed => &[Count::dismissed],
            Self::NoChoice | Self::InteractionRate => &[Count::shown, Count::decisions],
            Self::Automatic => &[Count::automatic],
            Self::Withdrawals => &[Count::withdrawals],
            Self::Granted => &[Count::granted],
            Self::Denied => &[Count::denied],
            Self::Partial => &[Count::partial],
            Self::Undecided => &[Count::undecided],
            Self::NotDisclosed => &[Count::not_disclosed],
            Self::ObservedWithoutConsent => &[Count::observed_without_consent],
            Self::OptedIn => &[Count::opted_in],
            Self::Loaded => &[Count::loaded],
            Self::LoadedWithConsent => &[Count::loaded_with_consent],
            Self::ConsentRate => &[Count::granted, Count::denied, Count::decisions],
            Self::OptInRate => &[Count::granted, Count::opted_in, Count::shown],
            Self::AcceptAllRate => &[Count::accept_all, Count::decisions],
            Self::RejectAllRate => &[Count::reject_all, Count::decisions],
            Self::WithdrawalRate => &[Count::withdrawals, Count::decisions],
            Self::TrafficConsentRate => &[Count::loaded, Count::loaded_with_consent],
            Self::Visitors
            | Self::MedianSecondsToDecide
            | Self::MedianClicksToDecide
            | Self::RevokedRate30d
            | Self::RevokedRate7d
            | Self::RepromptedRate6m
            | Self::MedianSecondsToWithdraw => &[],
        }
    }
}

impl Cohort {
    const fn proportion(self) -> Proportion {
        Proportion::of(self.followed, self.all)
    }
}

impl Cell {
    /// The columns of a metric: one, or a rate's four.
    pub(super) fn values(&self, metric: Metric) -> impl Iterator<Item = Option<Number>> + '_ {
        metric.parts().iter().map(move |part| match self.proportion(metric) {
            Some(proportion) => proportion.part(*part),
            None => self.count(metric),
        })
    }

    /// A rate, and among how many it was seen; `None` for what is no rate, or has nothing to divide by.
    pub(super) fn seen(&self, metric: Metric) -> Option<Seen> {
        let proportion = self.proportion(metric)?;
        let rate = proportion.part(Rate::Value)?.as_f64();
        Some(Seen { rate, n: proportion.n })
    }

    fn withdrawals(&self) -> u64 {
        if self.by_pair { self.pairs.withdrawals } else { self.totals.withdrawals }
    }

    fn count(&self, metric: Metric) -> Option<Number> {
        let (totals, pairs) = (&self.totals, &self.pairs);
        let count = match metric {
            Metric::Shown => totals.shown,
            Metric::Decisions => totals.decisions,
            Metric::AcceptAll => totals.accept_all,
            Metric::RejectAll => totals.reject_all,
            Metric::Custom => totals.custom,
            Metric::Dismissed => totals.dismissed,
            Metric::NoChoice => totals.shown.saturating_sub(totals.decisions),
            Metric::Automatic => totals.automatic,
            Metric::Withdrawals => self.withdrawals(),
            Metric::Visitors => self.people.visitors,
            Metric::Granted => pairs.granted,
            Metric::Denied => pairs.denied,
            Metric::Partial => pairs.partial,
            Metric::Undecided => pairs.undecided,
            Metric::NotDisclosed => pairs.not_disclosed,
            Metric::ObservedWithoutConsent => pairs.observed_without_consent,
            Metric::OptedIn => totals.opted_in,
            Metric::Loaded => totals.loaded,
            Metric::LoadedWithConsent => totals.loaded_with_consent,
            Metric::MedianSecondsToDecide => return self.people.median_ms.map(seconds),
            Metric::MedianClicksToDecide => {
                return self.people.median_clicks.map(|clicks| Number::Count(clicks.into()));
            }
            Metric::MedianSecondsToWithdraw => return self.cohorts.median_ms.map(seconds),
            Metric::InteractionRate
            | Metric::ConsentRate
            | Metric::OptInRate
            | Metric::AcceptAllRate
            | Metric::RejectAllRate
            | Metric::WithdrawalRate
            | Metric::RevokedRate30d
            | Metric::RevokedRate7d
            | Metric::RepromptedRate6m
            | Metric::TrafficConsentRate => return None,
        };
        Some(Number::Count(count))
    }

    fn proportion(&self, metric: Metric) -> Option<Proportion> {
        let (totals, pairs) = (&self.totals, &self.pairs);
        Some(match metric {
            Metric::InteractionRate => Proportion::of(totals.decisions, totals.shown),
            Metric::ConsentRate => {
                let decided = Proportion::of(pairs.granted, pairs.granted + pairs.denied);
                // Over several services one decision makes several pairs, which do not vary independently.
                if self.by_pair { decided } else { Proportion { n: totals.decisions, ..decided } }
            }
            Metric::OptInRate if self.by_pair => Proportion::of(pairs.granted, totals.shown),
            Metric::OptInRate => Proportion::of(totals.opted_in, totals.shown),
            Metric::AcceptAllRate => Proportion::of(totals.accept_all, totals.decisions),
            Metric::RejectAllRate => Proportion::of(totals.reject_all, totals.decisions),
            Metric::WithdrawalRate => Proportion::of(self.withdrawals(), totals.decisions),
            Metric::RevokedRate30d => self.cohorts.within_30_days.proportion(),
            Metric::RevokedRate7d => self.cohorts.within_7_days.proportion(),
            Metric::RepromptedRate6m => self.cohorts.reprompted.proportion(),
            Metric::TrafficConsentRate => Proportion::of(totals.loaded_with_consent, totals.loaded),
            _ => return None,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of one decision are far below 2^53")]
fn seconds(milliseconds: u64) -> Number {
    Number::Real(milliseconds as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(cell: &Cell, metric: Metric) -> Vec<Option<f64>> {
        cell.values(metric).map(|v| v.map(Number::as_f64)).collect()
    }

    #[test]
    fn a_denominator_of_nothing_gives_nothing() {
        let cell = Cell::default();
        assert_eq!(value(&cell, Metric::ConsentRate), [None; 4]);
        assert_eq!(value(&cell, Metric::Decisions), [Some(0.0)]);
        assert_eq!(value(&cell, Metric::MedianSecondsToDecide), [None]);
    }

    /// Where a metric were read without one of its counts it would be wrong in silence.
    #[test]
    fn a_metric_is_made_of_the_counts_that_it_names() {
        let counts = |of: &[Count]| {
            let mut counts = Counts::default();
            let known = Count::ALL.iter().zip(100..).filter(|(count, _)| of.contains(count));
            known.for_each(|(count, value)| counts.set(*count, value));
            counts
        };
        for metric in Metric::ALL {
            for by_pair in [true, false] {
                let cell = |of: &[Count]| Cell { by_pair, totals: counts(of), pairs: counts(of), ..Cell::default() };
                assert_eq!(value(&cell(metric.counts()), *metric), value(&cell(Count::ALL), *metric), "{metric:?}");
            }
        }
    }

    #[test]
    fn a_numerator_above_its_denominator_has_no_interval() {
        let totals = Counts { shown: 4, decisions: 5, ..Counts::default() };
        let cell = Cell { totals, ..Cell::default() };
        assert_eq!(value(&cell, Metric::InteractionRate), [Some(1.25), None, None, Some(4.0)]);
        assert_eq!(value(&cell, Metric::NoChoice), [Some(0.0)]);
    }

    #[test]
    fn over_several_services_the_interval_counts_decisions() {
        let totals = Counts { decisions: 10, ..Counts::default() };
        let pairs = Counts { granted: 25, denied: 25, ..Counts::default() };
        let pooled = Cell { totals, pairs, ..Cell::default() };
        let single = Cell { by_pair: true, ..pooled };
        let low = |cell: &Cell| value(cell, Metric::ConsentRate)[1].unwrap();
        assert!((low(&pooled) - 0.236_593).abs() < 1e-6);
        assert!((low(&single) - 0.366_447).abs() < 1e-5, "{}", low(&single));
        assert_eq!(value(&pooled, Metric::ConsentRate)[3], Some(50.0));
    }

    #[test]
    fn opting_in_is_of_the_row_or_of_anything() {
        let totals = Counts { shown: 10, opted_in: 7, withdrawals: 3, decisions: 8, ..Counts::default() };
        let pairs = Counts { granted: 2, withdrawals: 1, ..Counts::default() };
        let whole = Cell { totals, pairs, ..Cell::default() };
        assert_eq!(value(&whole, Metric::OptInRate)[0], Some(0.7));
        assert_eq!(value(&whole, Metric::Withdrawals), [Some(3.0)]);
        let row = Cell { by_pair: true, ..whole };
        assert_eq!(value(&row, Metric::OptInRate)[0], Some(0.2));
        assert_eq!(value(&row, Metric::WithdrawalRate)[0], Some(0.125));
    }
}
