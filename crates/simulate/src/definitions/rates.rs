//! Rates, their named denominators and Wilson intervals (`docs/metrics.md`, "Rates").

/// The 97.5 % quantile of the normal distribution, as the definitions write it.
const Z: f64 = 1.959_963_984_540_054;

/// A rate as a row gives it; nothing where the denominator is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    pub(crate) value: Option<f64>,
    /// Lower and upper end; nothing too where the numerator is above the denominator.
    pub(crate) interval: Option<(f64, f64)>,
    /// Nothing where it is 0.
    pub(crate) denominator: Option<u64>,
}

impl Rate {
    /// `numerator` of `denominator`, with the interval of as many trials.
    pub(crate) fn of(numerator: u64, denominator: u64) -> Self {
        Self::with_trials(numerator, denominator, denominator)
    }

    /// `numerator` of `denominator`, with the interval of `trials`: fewer than the denominator where trials come in groups.
    pub(crate) fn with_trials(numerator: u64, denominator: u64, trials: u64) -> Self {
        if denominator == 0 {
            return Self { value: None, interval: None, denominator: None };
        }
        let value = numerator as f64 / denominator as f64;
        let interval = (numerator <= denominator && trials > 0).then(|| wilson(value, trials as f64));
        Self { value: Some(value), interval, denominator: Some(denominator) }
    }
}

/// Wilson's score interval for a share `p` of `n` trials.
fn wilson(p: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against R: `binom::binom.wilson(x, n)`.
    #[test]
    fn intervals_are_those_of_the_literature() {
        let (low, high) = wilson(0.1, 10.0);
        assert!((low - 0.017_876_213).abs() < 1e-8 && (high - 0.404_150_02).abs() < 1e-8, "{low} {high}");
        let (low, high) = wilson(0.0, 20.0);
        assert!(low.abs() < 1e-12 && (high - 0.161_125_15).abs() < 1e-8, "{low} {high}");
    }

    #[test]
    fn nothing_of_nothing_is_null_and_more_than_all_has_no_interval() {
        assert_eq!(Rate::of(0, 0).value, None);
        assert_eq!(Rate::of(0, 0).denominator, None);
        let more = Rate::of(3, 2);
        assert_eq!((more.value, more.interval, more.denominator), (Some(1.5), None, Some(2)));
    }
}
