//! The arithmetic of alerts: what is usual, and how far from it something is. `docs/alerts.md` says which is used for what.

use avow_warehouse::query::Interval95;

/// The factor by which the median absolute deviation of a normal distribution comes to its standard deviation.
const SCALE: f64 = 1.4826;

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) const fn as_f64(count: u64) -> f64 {
    count as f64
}

/// The middle of some numbers; none of none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(sorted[middle - 1], upper)) }
}

/// What is usual: between `low` and `high`, around `middle`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Band {
    pub(crate) middle: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Band {
    /// The median, and so many scaled median absolute deviations to each side; a deviation below `least` counts as that, so
    /// that a past without any change does not make every change an alarm.
    pub(crate) fn of(values: &[f64], width: f64, least: f64) -> Option<Self> {
        let middle = median(values)?;
        let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
        let half = width * (SCALE * median(&deviations)?).max(least);
        Some(Self { middle, low: (middle - half).max(0.0), high: middle + half })
    }

    /// Two thirds of it: what must be reached again before an alert is closed.
    pub(crate) fn inner(self) -> Self {
        let part = |edge: f64| self.middle + (edge - self.middle) * 2.0 / 3.0;
        Self { middle: self.middle, low: part(self.low), high: part(self.high) }
    }

    pub(crate) fn has(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// On which side of what is usual a rate lies, with its sampling error: its whole interval beyond an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Below,
    Within,
    Above,
}

pub(crate) fn side(band: Band, interval: Interval95) -> Side {
    if interval.high < band.low {
        Side::Below
    } else if interval.low > band.high {
        Side::Above
    } else {
        Side::Within
    }
}

/// How probable it is that nothing comes where so many are expected: Poisson.
pub(crate) fn probability_of_none(expected: f64) -> f64 {
    (-expected).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use avow_warehouse::query;
    use proptest::prelude::*;

    fn wilson(rate: f64, n: u64) -> Interval95 {
        query::wilson(rate, n).unwrap()
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn one_odd_week_does_not_widen_the_band() {
        let usual = [0.60, 0.61, 0.59, 0.62, 0.60, 0.58, 0.61, 0.10];
        let band = Band::of(&usual, 3.0, 0.005).unwrap();
        assert!((band.middle - 0.60).abs() < 1e-9, "{band:?}");
        assert!((band.high - 0.60 - 3.0 * 1.4826 * 0.01).abs() < 1e-9, "{band:?}");
        // 300 decisions at 48 %: 42.4 % to 53.6 %, all of it below 55.6 %.
        assert_eq!(side(band, wilson(0.48, 300)), Side::Below);
        // 30 decisions at 48 % say nothing.
        assert_eq!(side(band, wilson(0.48, 30)), Side::Within);
        assert_eq!(side(band, wilson(0.75, 300)), Side::Above);
        assert!(band.has(0.57) && !band.inner().has(0.57) && band.inner().has(0.58));
    }

    #[test]
    fn a_past_without_change_has_a_band() {
        let band = Band::of(&[0.5; 8], 3.0, 0.005).unwrap();
        assert_eq!((band.low, band.high), (0.485, 0.515));
    }

    #[test]
    fn nothing_is_improbable_from_seven_on() {
        assert!(probability_of_none(6.9) > 0.001 && probability_of_none(6.91) < 0.001);
        assert_eq!(probability_of_none(0.0), 1.0);
    }

    proptest! {
        #[test]
        fn a_band_holds_its_middle_and_the_inner_one_lies_in_it(values in prop::collection::vec(0.0..1.0_f64, 1..20)) {
            let band = Band::of(&values, 3.0, 0.005).unwrap();
            prop_assert!(band.has(band.middle) && band.inner().has(band.middle));
            prop_assert!(band.inner().low >= band.low && band.inner().high <= band.high);
        }
    }
}
