//! How a number differs from the one it is compared with: counts relatively, rates in points, with an interval. The interval is
//! R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
//! (1998), 873-890, method 10: it is put together from both rates' Wilson intervals.

use super::measure::{Cell, Number};
use super::spec::{Metric, Rate};
use super::wilson::{Interval95, wilson};

/// What a difference has beside itself, of a rate.
pub(super) const PARTS: [Rate; 3] = [Rate::Value, Rate::Low, Rate::High];

/// A proportion and among how many independent things it was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) rate: f64,
    pub(super) n: u64,
}

/// The 95 % interval of `now - then`; none where one of the two has none.
fn newcombe(now: Seen, then: Seen) -> Option<Interval95> {
    let (a, b) = (wilson(now.rate, now.n)?, wilson(then.rate, then.n)?);
    let difference = now.rate - then.rate;
    let below = (now.rate - a.low).hypot(b.high - then.rate);
    let above = (a.high - now.rate).hypot(then.rate - b.low);
    Some(Interval95 { low: (difference - below).max(-1.0), high: (difference + above).min(1.0) })
}

/// The columns of a metric's change: one, or a rate's three.
pub(super) fn change(now: &Cell, then: &Cell, metric: Metric) -> Vec<Option<f64>> {
    if metric.is_rate() {
        let (Some(now), Some(then)) = (now.seen(metric), then.seen(metric)) else { return vec![None; PARTS.len()] };
        let interval = newcombe(now, then);
        return vec![Some(now.rate - then.rate), interval.map(|i| i.low), interval.map(|i| i.high)];
    }
    let value = |cell: &Cell| cell.values(metric).next().flatten().map(Number::as_f64);
    let relative = value(now).zip(value(then)).filter(|(_, then)| *then > 0.0).map(|(now, then)| now / then - 1.0);
    vec![relative]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's table II, method 10.
    #[test]
    fn agrees_with_published_values() {
        for ((a, m), (b, n), low, high) in [
            ((56_u32, 70_u32), (48_u32, 80_u32), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
        ] {
            let seen = |x: u32, n: u32| Seen { rate: f64::from(x) / f64::from(n), n: u64::from(n) };
            let interval = newcombe(seen(a, m), seen(b, n)).unwrap();
            assert!((interval.low - low).abs() < 5e-5, "{a}/{m} - {b}/{n}: low {}", interval.low);
            assert!((interval.high - high).abs() < 5e-5, "{a}/{m} - {b}/{n}: high {}", interval.high);
        }
        assert_eq!(newcombe(Seen { rate: 0.5, n: 0 }, Seen { rate: 0.5, n: 1 }), None);
    }
}
