//! Their number: what a source says of the days asked about.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;

use super::definition::{Count, Definition, Fraction};
use crate::aggregates::{AggregateDay, Kept};
use crate::problem::Problem;

/// Their number of a range of days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Theirs {
    pub rate: f64,
    /// None where the source tells rates alone.
    pub fraction: Option<Fraction>,
}

/// The days asked about that the source has: as many of them as lie between its first and its last, without a gap.
///
/// # Errors
/// 422 where it has none of them, or where one is missing in between.
pub fn days(kept: &Kept, first: Date, last: Date) -> Result<(Date, Date, Vec<&AggregateDay>), Problem> {
    let (from, to) = kept.put.ends().unwrap_or((first, first));
    let no_days = || {
        let detail = format!("{} has numbers from {from} to {to} alone", kept.source);
        Problem::unprocessable("no_days", detail).at("date_range").with("from", json!(from)).with("to", json!(to))
    };
    let (first, last) = (first.max(from), last.min(to));
    if first > last {
        return Err(no_days());
    }
    let of = |day: &str| kept.put.days.iter().find(|one| one.date == day);
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for day in first.series(1.day()).take_while(|day| *day <= last) {
        let day = day.to_string();
        match of(&day) {
            Some(one) => found.push(one),
            None => missing.push(day),
        }
    }
    if missing.is_empty() {
        return Ok((first, last, found));
    }
    let detail =
        format!("{} has no numbers of {} of these days, the first is {}", kept.source, missing.len(), missing[0]);
    Err(Problem::unprocessable("days_missing", detail).at("date_range").with("missing", json!(missing)))
}

/// Their number under a definition.
///
/// # Errors
/// 422 where a count that it needs is not there, or where there is nothing to divide by.
pub fn number(kept: &Kept, days: &[&AggregateDay], definition: &Definition) -> Result<Theirs, Problem> {
    let lacking = definition.counts().find(|count| days.iter().any(|day| day.count(*count).is_none()));
    if let Some(lacking) = lacking {
        // A rate that is ready can be taken of one day: an average of several would need what each is divided by.
        return match days {
            [AggregateDay { rate: Some(rate), .. }] => Ok(Theirs { rate: *rate, fraction: None }),
            _ => Err(missing_count(kept, days, definition, lacking)),
        };
    }
    let sum = |counts: &[Count]| days.iter().flat_map(|day| counts.iter().filter_map(|one| day.count(*one))).sum();
    let fraction = Fraction { numerator: sum(&definition.numerator), denominator: sum(&definition.denominator) };
    let rate = fraction.rate().ok_or_else(|| {
        let detail = format!("{} counts nothing to divide by on these days", kept.source);
        Problem::unprocessable("nothing_to_divide_by", detail).at("date_range")
    })?;
    Ok(Theirs { rate, fraction: Some(fraction) })
}

fn missing_count(kept: &Kept, days: &[&AggregateDay], definition: &Definition, lacking: Count) -> Problem {
    let there = Count::ALL.into_iter().filter(|count| days.iter().all(|day| day.count(*count).is_some()));
    let there: Vec<&str> = there.map(Count::as_str).collect();
    let detail = format!(
        "{definition} needs {} of every day, which {} does not have; name a definition of what it has, or one day with a ready rate",
        lacking.as_str(),
        kept.source
    );
    Problem::unprocessable("missing_count", detail).at("definition").with("has", json!(there))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn kept(days: serde_json::Value) -> Kept {
        let put = serde_json::from_value(json!({"days": days})).unwrap();
        Kept { site: "shop.example".into(), source: "other".into(), made_at: 0, put }
    }

    #[test]
    fn days_are_those_that_it_has_without_a_gap() {
        let of = |day: u8| json!({"date": format!("2026-11-{day:02}"), "decisions": 10, "accept_all": day});
        let whole = kept(json!([of(3), of(1), of(2)]));
        let (first, last, found) = days(&whole, date(2026, 10, 1), date(2026, 11, 2)).unwrap();
        assert_eq!((first, last, found.len()), (date(2026, 11, 1), date(2026, 11, 2), 2));
        let definition = Definition::parse("accept_all / decisions").unwrap();
        assert_eq!(
            number(&whole, &found, &definition).unwrap().fraction,
            Some(Fraction { numerator: 3, denominator: 20 })
        );
        assert_eq!(days(&whole, date(2026, 12, 1), date(2026, 12, 2)).unwrap_err().code, "no_days");
        let gap = days(&kept(json!([of(3), of(1)])), date(2026, 11, 1), date(2026, 11, 3)).unwrap_err();
        assert_eq!((gap.code, &gap.members["missing"]), ("days_missing", &json!(["2026-11-02"])));
    }

    #[test]
    fn a_ready_rate_is_of_one_day() {
        let rates = kept(
            json!([{"date": "2026-11-01", "rate": 0.68, "shown": 7}, {"date": "2026-11-02", "rate": 0.7, "shown": 8}]),
        );
        let definition = Definition::parse("accept_all / decisions").unwrap();
        let of = |first, last| {
            let (_, _, found) = days(&rates, first, last).unwrap();
            number(&rates, &found, &definition)
        };
        let one = of(date(2026, 11, 1), date(2026, 11, 1)).unwrap();
        assert_eq!(one, Theirs { rate: 0.68, fraction: None });
        let several = of(date(2026, 11, 1), date(2026, 11, 2)).unwrap_err();
        assert_eq!((several.code, &several.members["has"]), ("missing_count", &json!(["shown"])));
    }
}
