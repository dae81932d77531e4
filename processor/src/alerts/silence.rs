//! `ingestion_silent`: a site sends nothing, though it usually does at this time of the week. Two ways to tell: by what came in
//! the same stretch of the weeks before (Poisson), and, for sites without a past, by how much they send a day.

use std::collections::HashMap;

use avow_schemas::alert::{IngestionSilentRule, Rule, RuleSettings};
use avow_warehouse::watch::{Activity, QUARTER, WEEK, WeekCount};
use serde_json::json;

use super::statistics::{as_f64, median, probability_of_none};
use super::{Look, Matter, Verdict, written};
use crate::ProcessorError;

/// How far back it is looked for what a site sends a day: eight days, so that each day of the week is among them.
const LOOK_BACK: i64 = 8 * 24 * 3600;
/// The longest stretch that is compared with the weeks before.
const LONGEST: i64 = 24 * 3600;
const DAY: i64 = 24 * 3600;
/// After so many rounds all of the last days are read again; in between, what is new.
const ROUNDS: u32 = 15;

/// What is known of the sites between two rounds.
#[derive(Default)]
pub(super) struct Silence {
    sites: HashMap<String, Activity>,
    rounds: u32,
    /// The quarter of an hour in which a site was looked at and was as it should be.
    looked: HashMap<String, i64>,
}

impl Silence {
    pub(super) async fn look(&mut self, look: &Look<'_>) -> Result<Vec<(Matter, Verdict)>, ProcessorError> {
        let now = look.now / 1000;
        self.read(look, now).await?;
        let mut verdicts = Vec::new();
        for activity in self.sites.values() {
            let site = &activity.site;
            let RuleSettings::IngestionSilent(rule) = look.settings(Rule::IngestionSilent, site) else { continue };
            let matter = Matter { rule: Rule::IngestionSilent, site: site.clone(), about: String::new() };
            let begins = activity.last + QUARTER;
            if let Some(alert) = look.open(&matter) {
                if activity.last * 1000 >= alert.since || !rule.enabled {
                    let seen = json!({"last_event_before": written(begins * 1000), "enabled": rule.enabled});
                    verdicts.push((matter, Verdict::Right { seen }));
                }
                continue;
            }
            let to = now - now.rem_euclid(QUARTER);
            if !rule.enabled || to <= begins || self.looked.get(site) == Some(&to) {
                continue;
            }
            match judge(look, &rule, activity, to).await? {
                Some(verdict) => verdicts.push((matter, verdict)),
                None => {
                    self.looked.insert(site.clone(), to);
                }
            }
        }
        Ok(verdicts)
    }

    async fn read(&mut self, look: &Look<'_>, now: i64) -> Result<(), ProcessorError> {
        let warehouse = &look.context.warehouse;
        if self.rounds.is_multiple_of(ROUNDS) {
            let all = warehouse.activity(now - LOOK_BACK).await?;
            self.sites = all.into_iter().map(|activity| (activity.site.clone(), activity)).collect();
            // What came late, and other thresholds, are looked at within the same quarter of an hour.
            self.looked.clear();
        } else {
            for activity in warehouse.activity(now - 2 * 3600).await? {
                let known = self.sites.entry(activity.site.clone()).or_insert_with(|| activity.clone());
                known.last = known.last.max(activity.last);
            }
        }
        self.rounds += 1;
        Ok(())
    }
}

/// Whether a site that has sent nothing from `activity.last` to `to` usually sends something then.
async fn judge(
    look: &Look<'_>,
    rule: &IngestionSilentRule,
    activity: &Activity,
    to: i64,
) -> Result<Option<Verdict>, ProcessorError> {
    // Less than this cannot be missed with that probability, whatever the weeks before say.
    let (begins, least) = (activity.last + QUARTER, -rule.probability.ln());
    let daily = daily(activity);
    let is_long = (to - begins) >= i64::from(rule.minutes) * 60 && daily > as_f64(rule.daily);
    if !is_long && as_f64(activity.events) < least {
        return Ok(None);
    }
    let (warehouse, site) = (&look.context.warehouse, activity.site.as_str());
    let length = (to - begins).min(LONGEST);
    let weeks = warehouse.same_window(site, to, length, rule.weeks).await?;
    let first = warehouse.first_activity(site, to - i64::from(rule.weeks) * WEEK - length).await?;
    let usual = usual(&weeks, rule.weeks, (to, length), first.unwrap_or(to));
    let expected = median(&usual).unwrap_or(0.0);
    let has_past = usual.len() >= usize::try_from(rule.min_weeks).unwrap_or(usize::MAX);
    let probability = probability_of_none(expected);
    let is_improbable = has_past && probability < rule.probability;
    // A stretch that is empty every week, as a small site's night, is no silence.
    if !is_improbable && (!is_long || (has_past && expected == 0.0)) {
        return Ok(None);
    }
    let seen = json!({
        "events": 0, "from": written(begins * 1000), "to": written(to * 1000), "minutes": (to - begins) / 60,
    });
    let method = if is_improbable { "same_window_poisson" } else { "none_for_long" };
    let expected = json!({
        "method": method, "events": expected, "weeks": usual.len(), "window_minutes": length / 60,
        "probability": probability, "daily": daily.round(),
        "threshold": {"probability": rule.probability, "minutes": rule.minutes, "daily": rule.daily},
    });
    Ok(Some(Verdict::Off { since: begins * 1000, seen, expected }))
}

/// Events a day, over the days from the first event to the last.
fn daily(activity: &Activity) -> f64 {
    let days =
        f64::from(i32::try_from(activity.last + QUARTER - activity.first).unwrap_or(i32::MAX)) / as_f64(DAY as u64);
    as_f64(activity.events) / days.max(1.0)
}

/// What came in the same window of each week before that the site has seen whole; weeks without anything count as none.
fn usual(counts: &[WeekCount], weeks: u32, (to, length): (i64, i64), first: i64) -> Vec<f64> {
    let known = (1..=weeks).filter(|week| to - i64::from(*week) * WEEK - length >= first);
    let count = |week| counts.iter().find(|count| count.weeks_ago == week).map_or(0, |count| count.events);
    known.map(|week| as_f64(count(week))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_that_the_site_has_seen_count_also_where_nothing_came() {
        let counts = [WeekCount { weeks_ago: 1, events: 40 }, WeekCount { weeks_ago: 3, events: 20 }];
        let (to, length) = (10 * WEEK, 3600);
        assert_eq!(usual(&counts, 8, (to, length), to - 3 * WEEK - length), [40.0, 0.0, 20.0]);
        assert_eq!(usual(&counts, 2, (to, length), 0), [40.0, 0.0]);
        assert!(usual(&counts, 8, (to, length), to - 3600).is_empty());
    }

    #[test]
    fn a_site_of_today_has_a_day() {
        let activity = |first, last, events| Activity { site: "a".into(), first, last, events };
        assert_eq!(daily(&activity(0, 3600, 500)), 500.0);
        assert_eq!(daily(&activity(0, 2 * DAY - QUARTER, 500)), 250.0);
    }
}
