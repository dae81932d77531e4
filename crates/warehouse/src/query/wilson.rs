//! The Wilson score interval: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
//! Journal of the American Statistical Association 22 (1927), 209-212.

/// The 97.5 % quantile of the normal distribution: 95 % between minus and plus this.
const Z: f64 = 1.959_963_984_540_054;

/// The bounds of a 95 % interval, each between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval95 {
    pub low: f64,
    pub high: f64,
}

/// The interval of a proportion (0 to 1) that was seen among `n`. `None` where there is none: `n` of 0, or a proportion
/// outside 0 to 1, which is what a numerator above its denominator gives.
pub fn wilson(proportion: f64, n: u64) -> Option<Interval95> {
    if n == 0 || !(0.0..=1.0).contains(&proportion) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let n = n as f64;
    let z2 = Z * Z;
    let scale = 1.0 / (1.0 + z2 / n);
    let centre = proportion + z2 / (2.0 * n);
    let spread = Z * (proportion * (1.0 - proportion) / n + z2 / (4.0 * n * n)).sqrt();
    // At 0 and 1 the bound is exactly that; rounding must not leave the range.
    let low = if proportion == 0.0 { 0.0 } else { (scale * (centre - spread)).max(0.0) };
    let high = if proportion == 1.0 { 1.0 } else { (scale * (centre + spread)).min(1.0) };
    Some(Interval95 { low, high })
}

#[cfg(test)]
mod tests {
    use super::wilson;

    /// R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I,
    /// method 3.
    #[test]
    fn agrees_with_published_values() {
        for (x, n, low, high) in [
            (81_u32, 263_u32, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
            (20, 20, 0.8389, 1.0),
        ] {
            let interval = wilson(f64::from(x) / f64::from(n), u64::from(n)).unwrap();
            assert!((interval.low - low).abs() < 5e-5, "{x}/{n}: low {}", interval.low);
            assert!((interval.high - high).abs() < 5e-5, "{x}/{n}: high {}", interval.high);
        }
    }

    #[test]
    fn has_none_where_there_is_no_proportion() {
        assert_eq!(wilson(0.5, 0), None);
        assert_eq!(wilson(1.5, 10), None);
        assert_eq!(wilson(f64::NAN, 10), None);
    }
}
