//! `before_consent`: a service was seen in the page before consent was given to it; for the first time in four weeks, or by a
//! larger share of what the site sends than is usual for it. Looked at is the last day, up to now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use avow_schemas::alert::{BeforeConsentRule, Rule, RuleSettings};
use avow_warehouse::query::wilson;
use avow_warehouse::watch::{DayActivity, QUARTER, Sighted};
use serde_json::json;

use super::statistics::{Band, as_f64};
use super::{Look, Matter, Verdict, written};
use crate::ProcessorError;

const DAY: i64 = 24 * 3600;
/// Days before the last one that are looked at.
const DAYS: u32 = 28;
/// Days with events that a share is compared with, at least.
const LEAST_DAYS: usize = 7;
/// A deviation of a day's share that nobody wonders at.
const LEAST: f64 = 0.001;
const FIRST: &str = "first_in_four_weeks";
const USUAL: &str = "daily_share_median_mad";

/// Sightings of one service on one site by day; 0 is the last one.
type Days = BTreeMap<u32, Sighted>;

pub(super) async fn look(look: &Look<'_>) -> Result<Vec<(Matter, Verdict)>, ProcessorError> {
    let now = look.now / 1000;
    let to = now - now.rem_euclid(QUARTER) + QUARTER;
    let warehouse = &look.context.warehouse;
    let mut sighted: BTreeMap<(String, String), Days> = BTreeMap::new();
    for one in warehouse.sighted(to, DAYS).await? {
        sighted.entry((one.site.clone(), one.service.clone())).or_default().insert(one.days_ago, one);
    }
    // What is open and not seen any more is judged too.
    for matter in look.open_of(Rule::BeforeConsent) {
        sighted.entry((matter.site.clone(), matter.about.clone())).or_default();
    }
    let sites: BTreeSet<String> = sighted.keys().map(|(site, _)| site.clone()).collect();
    let mut activity: HashMap<String, BTreeMap<u32, u64>> = HashMap::new();
    if !sites.is_empty() {
        let sites: Vec<String> = sites.into_iter().collect();
        for DayActivity { site, days_ago, events } in warehouse.daily_activity(&sites, to, DAYS).await? {
            activity.entry(site).or_default().insert(days_ago, events);
        }
    }
    let none = BTreeMap::new();
    let mut verdicts = Vec::new();
    for ((site, service), days) in sighted {
        let RuleSettings::BeforeConsent(rule) = look.settings(Rule::BeforeConsent, &site) else { continue };
        let activity = activity.get(&site).unwrap_or(&none);
        let matter = Matter { rule: Rule::BeforeConsent, site, about: service };
        let opened_by = look.open(&matter).map(|alert| if alert.expected.contains(FIRST) { FIRST } else { USUAL });
        if let Some(verdict) = judge(&rule, &days, activity, opened_by, to) {
            verdicts.push((matter, verdict));
        }
    }
    Ok(verdicts)
}

fn judge(
    rule: &BeforeConsentRule,
    days: &Days,
    activity: &BTreeMap<u32, u64>,
    opened_by: Option<&str>,
    to: i64,
) -> Option<Verdict> {
    let today = days.get(&0).map_or(0, |day| day.sightings);
    let before: u64 = days.range(1..).map(|(_, day)| day.sightings).sum();
    let events = activity.get(&0).copied().unwrap_or(0);
    let (from, upto) = (written((to - DAY) * 1000), written(to * 1000));
    let seen = json!({"sightings": today, "events": events, "from": from, "to": upto});
    if !rule.enabled || today == 0 {
        return opened_by.map(|_| Verdict::Right { seen });
    }
    let since = days.get(&0).map_or(to - DAY, |day| day.first) * 1000;
    let thresholds = json!({"min_first": rule.min_first, "min_usual": rule.min_usual, "band": rule.band});
    if before == 0 {
        let expected = json!({"method": FIRST, "sightings": 0, "days": DAYS, "threshold": thresholds});
        return (opened_by.is_none() && today >= rule.min_first).then_some(Verdict::Off { since, seen, expected });
    }
    let share = |sightings: u64, events: u64| (as_f64(sightings) / as_f64(events)).min(1.0);
    let shares = activity.range(1..).map(|(day, events)| share(days.get(day).map_or(0, |day| day.sightings), *events));
    let shares: Vec<f64> = shares.collect();
    if shares.len() < LEAST_DAYS || events == 0 {
        return None;
    }
    let band = Band::of(&shares, rule.band, LEAST)?;
    let (own, interval) = (share(today, events), wilson(share(today, events), events)?);
    match opened_by {
        None if interval.low > band.high && today >= rule.min_usual => {
            let expected = json!({
                "method": USUAL, "share": band.middle, "low": band.low, "high": band.high, "days": shares.len(),
                "threshold": thresholds,
            });
            let seen = json!({
                "sightings": today, "events": events, "share": own, "low": interval.low, "high": interval.high,
                "from": from, "to": upto,
            });
            Some(Verdict::Off { since, seen, expected })
        }
        Some(USUAL) if own <= band.inner().high => Some(Verdict::Right { seen }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(sightings: &[u64]) -> Days {
        let of_day = |(days_ago, sightings): (u32, &u64)| {
            let (site, service) = ("a".to_owned(), "chaport".to_owned());
            (days_ago, Sighted { site, service, days_ago, sightings: *sightings, first: 100 })
        };
        (0..).zip(sightings).filter(|(_, sightings)| **sightings > 0).map(of_day).collect()
    }

    fn judged(sightings: &[u64], opened_by: Option<&str>) -> Option<Verdict> {
        let activity = (0..=28).map(|day| (day, 1000)).collect();
        judge(&BeforeConsentRule::default(), &days(sightings), &activity, opened_by, 100_000)
    }

    #[test]
    fn the_first_sighting_opens_and_a_day_without_closes() {
        assert!(matches!(judged(&[1], None), Some(Verdict::Off { since: 100_000, .. })));
        assert_eq!(judged(&[1], Some(FIRST)), None, "still seen");
        assert_eq!(judged(&[3, 1], Some(FIRST)), None, "still seen the day after");
        assert!(matches!(judged(&[0, 3, 1], Some(FIRST)), Some(Verdict::Right { .. })));
        assert_eq!(judged(&[0, 3, 1], None), None);
    }

    #[test]
    fn a_larger_share_than_usual_opens_and_the_usual_one_closes() {
        let with = |own: u64| [&[own], &[20_u64, 22, 18, 21, 19, 20, 20, 23][..], &[20; 20]].concat();
        assert_eq!(judged(&with(22), None), None);
        assert!(matches!(judged(&with(80), None), Some(Verdict::Off { .. })));
        assert_eq!(judged(&with(80), Some(USUAL)), None);
        assert!(matches!(judged(&with(20), Some(USUAL)), Some(Verdict::Right { .. })));
    }
}
