//! The rows of a query, each by scans over all events.

use super::{Recount, Seen, Wrong, object};
use crate::definitions::query::{Grain, Query};
use crate::definitions::rates::Rate;
use crate::vocabulary::Dimension;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

impl Recount {
    /// The rows of a query, sorted, as (dimensions, metrics).
    pub(in crate::definitions) fn rows(&self, query: &Query) -> Vec<(Vec<String>, Map<String, Value>)> {
        let zone = TimeZone::get(query.timezone).unwrap();
        let event_rows: Vec<(&Seen, Vec<String>)> = self
            .events
            .iter()
            .filter(|seen| self.in_scope(seen, query, &zone))
            .map(|seen| (seen, self.event_dimensions(seen, query, &zone)))
            .collect();
        let mut keys: BTreeSet<Vec<String>> = BTreeSet::new();
        for (seen, event_row) in &event_rows {
            if query.grain() == Grain::Summed {
                keys.insert(event_row.clone());
            }
            let pairs = self.pairs(seen, query).into_iter().map(|(service, category, _)| (service, category));
            for (service, category) in pairs.chain(self.withdrawn(seen, query)) {
                keys.insert(full_key(event_row, query, &service, &category));
            }
        }
        keys.into_iter()
            .filter_map(|key| {
                let metrics = self.row(query, &event_rows, &key);
                metrics.map(|metrics| (key, metrics))
            })
            .collect()
    }

    fn in_scope(&self, seen: &Seen, query: &Query, zone: &TimeZone) -> bool {
        let zone = if self.is(Wrong::DaysAreUtc) { &TimeZone::UTC } else { zone };
        let day = zone.to_datetime(Timestamp::from_millisecond(seen.at).unwrap()).date();
        query.sites.iter().any(|site| **site == *seen.dimensions[&Dimension::Site])
            && query.range.0 <= day
            && day <= query.range.1
            && query.filters.iter().all(|filter| match seen.dimensions.get(&filter.dimension) {
                Some(value) => filter.values.contains(value) == filter.is,
                None => true,
            })
    }

    fn event_dimensions(&self, seen: &Seen, query: &Query, zone: &TimeZone) -> Vec<String> {
        query
            .dimensions
            .iter()
            .map(|dimension| match dimension {
                Dimension::Time => self.bucket(seen.at, query, zone),
                dimension => seen.dimensions.get(dimension).cloned().unwrap_or_default(),
            })
            .collect()
    }

    /// The interval's start, found by going back minute by minute until the local clock shows another one.
    fn bucket(&self, at: i64, query: &Query, zone: &TimeZone) -> String {
        let name = query.interval.unwrap().name();
        let local = |minute: i64| {
            let instant = Timestamp::from_second(minute * 60).unwrap();
            let shown = zone.to_datetime(instant);
            let monday = shown.date().weekday().to_monday_zero_offset();
            let sunday = shown.date().weekday().to_sunday_zero_offset();
            let back = if self.is(Wrong::WeeksBeginOnSunday) { sunday } else { monday };
            let label = match name {
                "hour" => format!("{} {} {}", shown.date(), shown.hour(), zone.to_offset(instant)),
                "day" => shown.date().to_string(),
                "week" => shown.date().checked_sub(jiff::Span::new().days(back)).unwrap().to_string(),
                _ => format!("{} {}", shown.year(), shown.month()),
            };
            (label, instant)
        };
        // All offsets and their changes lie on quarters, so whole quarters may be skipped.
        let mut quarter = at.div_euclid(900_000);
        let wanted = local(quarter * 15).0;
        while local((quarter - 1) * 15).0 == wanted {
            quarter -= 1;
        }
        let start = local(quarter * 15).1;
        start.display_with_offset(zone.to_offset(start)).to_string()
    }

    /// The metrics of one row; nothing where nothing was counted.
    fn row(&self, query: &Query, events: &[(&Seen, Vec<String>)], key: &[String]) -> Option<Map<String, Value>> {
        let grain = query.grain();
        let event_key = full_key(key, query, "", "");
        let here: Vec<&Seen> = events
            .iter()
            .filter(|(_, row)| *row == event_key)
            .map(|(seen, _)| *seen)
            .filter(|seen| !self.is(Wrong::FilterChangesTheGrain) || self.has_pair(seen, query))
            .collect();
        let decisions: Vec<&Seen> = here.iter().copied().filter(|seen| self.is_decision(seen)).collect();
        let mine = |service: &str, category: &str| full_key(&event_key, query, service, category) == key;
        let states: Vec<&str> = decisions
            .iter()
            .flat_map(|seen| self.pairs(seen, query))
            .filter(|(service, category, _)| mine(service, category))
            .map(|(_, _, state)| state)
            .collect();
        let withdraws = |seen: &Seen| match grain {
            Grain::Summed => seen.body["type"] == "withdrawn",
            _ => self.withdrawn(seen, query).iter().any(|(service, category)| mine(service, category)),
        };
        let withdrawals = here.iter().filter(|seen| withdraws(seen)).count();
        let mut counts = self.counts(&here, &decisions);
        for state in ["granted", "denied", "partial", "undecided"] {
            counts.insert(state.to_owned(), json!(states.iter().filter(|its| **its == state).count()));
        }
        counts.insert("withdrawals".to_owned(), json!(withdrawals));
        let anything = ["shown", "decisions", "dismissed", "automatic", "loaded"].iter().any(|name| counts[*name] != 0);
        if states.len() + withdrawals == 0 && (grain != Grain::Summed || !anything) {
            return None;
        }
        let cohort = self.cohort(query, &decisions, &mine);
        Some(self.metrics(query, &counts, cohort))
    }

    /// The counts that are not of pairs.
    fn counts(&self, here: &[&Seen], decisions: &[&Seen]) -> Map<String, Value> {
        let count = |test: &dyn Fn(&Seen) -> bool| here.iter().filter(|seen| test(seen)).count();
        let by_method = |name: &str| decisions.iter().filter(|seen| seen.body["method"] == name).count();
        let prompted = |seen: &Seen| self.prompt(seen) != "user_opened";
        let shown =
            count(&|seen| seen.body["type"] == "shown" && (prompted(seen) || self.is(Wrong::ShownCountsUserOpened)));
        let consent = |seen: &Seen| seen.body["state"] == "granted" || seen.body["state"] == "partial";
        let subjects: BTreeSet<&str> = decisions.iter().map(|seen| seen.body["subject"].as_str().unwrap()).collect();
        let counts = json!({
            "shown": shown,
            "decisions": decisions.len(),
            "accept_all": by_method("accept_all"),
            "reject_all": by_method("reject_all"),
            "custom": by_method("save"),
            "dismissed": count(&|seen| seen.body["method"] == "dismiss" && prompted(seen)),
            "no_choice": shown.saturating_sub(decisions.len()),
            "automatic": count(&|seen| seen.body["method"] == "gpc" || seen.body["method"] == "api"),
            "visitors": subjects.len(),
            "not_disclosed": 0,
            "median_seconds_to_decide": self.median(decisions),
            "opted_in": decisions.iter().filter(|seen| self.grants_something(seen)).count(),
            "loaded": count(&|seen| seen.body["type"] == "loaded"),
            "loaded_with_consent": count(&|seen| seen.body["type"] == "loaded" && consent(seen)),
        });
        object(&counts)
    }

    /// The metrics that a query asks for, from counts and (revoked, cohort).
    fn metrics(&self, query: &Query, counts: &Map<String, Value>, cohort: (u64, u64)) -> Map<String, Value> {
        let n = |name: &str| counts[name].as_u64().unwrap();
        let summed = query.grain() == Grain::Summed;
        let pairs = n("granted") + n("denied");
        let trials = if summed && !self.is(Wrong::PairsAreTheTrials) { n("decisions") } else { pairs };
        let rates = [
            ("interaction_rate", Rate::of(n("decisions"), n("shown"))),
            ("consent_rate", Rate::with_trials(n("granted"), pairs, trials)),
            ("opt_in_rate", Rate::of(if summed { n("opted_in") } else { n("granted") }, n("shown"))),
            ("accept_all_rate", Rate::of(n("accept_all"), n("decisions"))),
            ("reject_all_rate", Rate::of(n("reject_all"), n("decisions"))),
            ("withdrawal_rate", Rate::of(n("withdrawals"), n("decisions"))),
            ("revoked_rate_30d", Rate::of(cohort.0, cohort.1)),
            ("traffic_consent_rate", Rate::of(n("loaded_with_consent"), n("loaded"))),
        ];
        let mut metrics = Map::new();
        for name in &query.metrics {
            let Some((_, rate)) = rates.iter().find(|(rate, _)| rate == name) else {
                metrics.insert((*name).to_owned(), counts[*name].clone());
                continue;
            };
            metrics.insert((*name).to_owned(), json!(rate.value));
            metrics.insert(format!("{name}_low"), json!(rate.interval.map(|interval| interval.0)));
            metrics.insert(format!("{name}_high"), json!(rate.interval.map(|interval| interval.1)));
            metrics.insert(format!("{name}_denominator"), json!(rate.denominator));
        }
        metrics
    }

    fn has_pair(&self, seen: &Seen, query: &Query) -> bool {
        let filters_pairs = query.filters.iter().any(|filter| filter.dimension.is_of_pairs());
        !filters_pairs || !self.pairs(seen, query).is_empty()
    }

    fn median(&self, decisions: &[&Seen]) -> Value {
        let mut times: Vec<u64> = decisions.iter().filter_map(|seen| seen.body["effort"]["ms"].as_u64()).collect();
        times.sort_unstable();
        let middle = if self.is(Wrong::UpperMedian) { times.len() / 2 } else { times.len().saturating_sub(1) / 2 };
        times.get(middle).map_or(Value::Null, |ms| json!(*ms as f64 / 1000.0))
    }

    /// (revoked, cohort): for each subject its first grant in the row, and what came after it anywhere.
    fn cohort(&self, query: &Query, decisions: &[&Seen], mine: &dyn Fn(&str, &str) -> bool) -> (u64, u64) {
        let grain = query.grain();
        let mut first: BTreeMap<&str, &Seen> = BTreeMap::new();
        for seen in decisions {
            let grants = match grain {
                Grain::Summed => self.grants_something(seen),
                _ => self
                    .pairs(seen, query)
                    .iter()
                    .any(|(service, category, state)| *state == "granted" && mine(service, category)),
            };
            let subject = seen.body["subject"].as_str().unwrap();
            if grants && first.get(subject).is_none_or(|known| known.at > seen.at) {
                first.insert(subject, seen);
            }
        }
        let mut counts = (0, 0);
        for (subject, grant) in first {
            if grant.at > self.closed_until && !self.is(Wrong::CohortsAreOpen) {
                continue;
            }
            counts.1 += 1;
            let in_time = |later: &Seen| {
                later.at > grant.at && (later.at - grant.at <= 30 * 86_400_000 || self.is(Wrong::RevokedForEver))
            };
            let granted: Vec<(String, String)> = self
                .states(grant, grain)
                .into_iter()
                .filter(|(service, category, state)| *state == "granted" && mine(service, category))
                .map(|(service, category, _)| (service, category))
                .collect();
            let revoked = self
                .events
                .iter()
                .filter(|later| later.body["subject"] == subject && in_time(later))
                .any(|later| self.revokes(later, grain, &granted));
            counts.0 += u64::from(revoked);
        }
        counts
    }

    fn revokes(&self, later: &Seen, grain: Grain, granted: &[(String, String)]) -> bool {
        let dismissed = later.body["method"] == "dismiss";
        let answers = later.body["type"] == "decided" && (!dismissed || self.is_decision(later));
        if grain == Grain::Summed {
            return later.body["type"] == "withdrawn" || (answers && !self.grants_something(later));
        }
        let same = |service: &str, category: &str| {
            granted.iter().any(|(s, c)| if grain == Grain::Service { s == service } else { c == category })
        };
        let denies = answers && self.states(later, grain).iter().any(|(s, c, state)| *state == "denied" && same(s, c));
        denies || self.withdraws(later, grain).iter().any(|(service, category)| same(service, category))
    }
}

/// An event's row with a pair's service and category in their places.
fn full_key(row: &[String], query: &Query, service: &str, category: &str) -> Vec<String> {
    let places = query.dimensions.iter().zip(row);
    places
        .map(|(dimension, value)| match dimension {
            Dimension::Service => service.to_owned(),
            Dimension::Category => category.to_owned(),
            _ => value.clone(),
        })
        .collect()
}
