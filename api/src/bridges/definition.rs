//! A rate in words that both sides know: sums of counts over sums of counts.

use std::fmt;

use avow_warehouse::query::Tally;
use serde_json::json;

use crate::problem::Problem;

/// A count that another tool may have too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Count {
    Shown,
    Decisions,
    AcceptAll,
    RejectAll,
    Custom,
    NoChoice,
    OptedIn,
    OptedOut,
    Granted,
    Denied,
}

impl Count {
    pub const ALL: [Self; 10] = [
        Self::Shown,
        Self::Decisions,
        Self::AcceptAll,
        Self::RejectAll,
        Self::Custom,
        Self::NoChoice,
        Self::OptedIn,
        Self::OptedOut,
        Self::Granted,
        Self::Denied,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Decisions => "decisions",
            Self::AcceptAll => "accept_all",
            Self::RejectAll => "reject_all",
            Self::Custom => "custom",
            Self::NoChoice => "no_choice",
            Self::OptedIn => "opted_in",
            Self::OptedOut => "opted_out",
            Self::Granted => "granted",
            Self::Denied => "denied",
        }
    }

    /// Of counts of ours.
    pub const fn of(self, tally: &Tally) -> u64 {
        match self {
            Self::Shown => tally.shown,
            Self::Decisions => tally.decisions,
            Self::AcceptAll => tally.accept_all,
            Self::RejectAll => tally.reject_all,
            Self::Custom => tally.custom,
            Self::NoChoice => tally.shown.saturating_sub(tally.decisions),
            Self::OptedIn => tally.opted_in,
            Self::OptedOut => tally.decisions.saturating_sub(tally.opted_in),
            Self::Granted => tally.granted,
            Self::Denied => tally.denied,
        }
    }
}

/// What is divided by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub numerator: Vec<Count>,
    pub denominator: Vec<Count>,
}

impl Definition {
    /// Reads `accept_all / (accept_all + reject_all + custom)`; the parentheses may be left out.
    ///
    /// # Errors
    /// 422 `invalid_definition`, saying what is no count.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [numerator, denominator] => Ok(Self { numerator: sum(numerator)?, denominator: sum(denominator)? }),
            _ => Err(invalid(format!("{text:?} is no rate: it must divide one sum of counts by another"))),
        }
    }

    /// Every count that it names.
    pub fn counts(&self) -> impl Iterator<Item = Count> {
        self.numerator.iter().chain(&self.denominator).copied()
    }

    /// Numerator and denominator over counts of ours.
    pub fn of(&self, tally: &Tally) -> Fraction {
        let sum = |counts: &[Count]| counts.iter().map(|count| count.of(tally)).sum();
        Fraction { numerator: sum(&self.numerator), denominator: sum(&self.denominator) }
    }
}

fn invalid(detail: String) -> Problem {
    Problem::unprocessable("invalid_definition", detail).with("known", json!(Count::ALL.map(Count::as_str)))
}

fn sum(text: &str) -> Result<Vec<Count>, Problem> {
    let text = text.trim();
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let mut counts = Vec::new();
    for name in inner.split('+').map(str::trim) {
        let count = Count::ALL.into_iter().find(|count| count.as_str() == name);
        let count = count.ok_or_else(|| invalid(format!("{name:?} is no count")))?;
        if counts.contains(&count) {
            return Err(invalid(format!("{name:?} is there twice")));
        }
        counts.push(count);
    }
    Ok(counts)
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |counts: &[Count]| {
            let names: Vec<&str> = counts.iter().map(|count| count.as_str()).collect();
            if names.len() == 1 { names.concat() } else { format!("({})", names.join(" + ")) }
        };
        write!(f, "{} / {}", side(&self.numerator), side(&self.denominator))
    }
}

/// A proportion before it is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    pub numerator: u64,
    pub denominator: u64,
}

impl Fraction {
    /// `None` where there is nothing to divide by.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn rate(self) -> Option<f64> {
        (self.denominator > 0).then(|| self.numerator as f64 / self.denominator as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts() -> impl Strategy<Value = Vec<Count>> {
        prop::sample::subsequence(Count::ALL.to_vec(), 1..=4)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(numerator in counts(), denominator in counts()) {
            let definition = Definition { numerator, denominator };
            prop_assert_eq!(&Definition::parse(&definition.to_string()).unwrap(), &definition);
            let bare = definition.to_string().replace(['(', ')', ' '], "");
            prop_assert_eq!(Definition::parse(&bare).unwrap(), definition);
        }

        #[test]
        fn any_text_is_a_rate_or_refused(text in "[a-z_+/() ]{0,40}") {
            if let Ok(definition) = Definition::parse(&text) {
                prop_assert_eq!(Definition::parse(&definition.to_string()).unwrap(), definition);
            }
        }
    }

    #[test]
    fn what_is_no_rate_is_named() {
        for (text, named) in [
            ("accept_all", "is no rate"),
            ("a / b / c", "is no rate"),
            ("yes / decisions", "\"yes\" is no count"),
            ("accept_all / ", "\"\" is no count"),
            ("accept_all / (shown + shown)", "twice"),
        ] {
            let problem = Definition::parse(text).unwrap_err();
            assert_eq!(problem.code, "invalid_definition");
            assert!(problem.detail.contains(named), "{}", problem.detail);
        }
    }
}
