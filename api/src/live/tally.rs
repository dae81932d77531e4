//! Running totals of the last hour and the last minute, by site.

use std::collections::{BTreeMap, VecDeque};

use avow_warehouse::live::{Landed, LiveLine};
use serde::Serialize;
use utoipa::ToSchema;

pub const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// Counts as everywhere: `docs/metrics.md`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub shown: u64,
    pub decisions: u64,
    pub granted: u64,
    pub denied: u64,
    pub withdrawals: u64,
}

impl Counts {
    const fn of(line: &LiveLine) -> Self {
        let LiveLine { shown, decisions, granted, denied, withdrawals, .. } = *line;
        Self { shown, decisions, granted, denied, withdrawals }
    }

    const fn add(&mut self, other: &Self) {
        self.shown += other.shown;
        self.decisions += other.decisions;
        self.granted += other.granted;
        self.denied += other.denied;
        self.withdrawals += other.withdrawals;
    }
}

/// Events by type, whatever else they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ByType {
    pub shown: u64,
    pub decided: u64,
    pub withdrawn: u64,
    pub observed: u64,
    pub loaded: u64,
}

impl ByType {
    fn add(&mut self, types: &[u64]) {
        let Self { shown, decided, withdrawn, observed, loaded } = self;
        for (to, count) in [shown, decided, withdrawn, observed, loaded].into_iter().zip(types) {
            *to += count;
        }
    }
}

/// Pairs of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ByService {
    pub granted: u64,
    pub denied: u64,
    pub withdrawn: u64,
}

/// What is new of one site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    pub counts: Counts,
    pub by_type: ByType,
    pub by_service: BTreeMap<String, ByService>,
}

/// One look at the warehouse: what is new since the last, and the running totals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tick {
    /// Milliseconds since 1970.
    pub time: i64,
    pub news: BTreeMap<String, News>,
    /// Counted within the last minute.
    pub last_minute: BTreeMap<String, Counts>,
    /// Happened within the last 60 minutes, by full minutes.
    pub last_hour: BTreeMap<String, Counts>,
}

/// What ticks are made from.
#[derive(Debug, Default)]
pub struct Tally {
    /// By minute of `occurred_at`, then by site.
    minutes: BTreeMap<i64, BTreeMap<String, Counts>>,
    /// What was new in the looks of the last minute, oldest first.
    looks: VecDeque<(i64, BTreeMap<String, Counts>)>,
}

impl Tally {
    /// Takes what has landed. `is_news`: whether listeners are to be told, or it is only the past that is being filled in.
    pub fn take(&mut self, now: i64, landed: Landed, is_news: bool) -> Tick {
        let mut news: BTreeMap<String, News> = BTreeMap::new();
        for line in &landed.counts {
            let counts = Counts::of(line);
            self.minutes.entry(i64::from(line.minute)).or_default().entry(line.site.clone()).or_default().add(&counts);
            let site = news.entry(line.site.clone()).or_default();
            site.counts.add(&counts);
            site.by_type.add(&line.types);
        }
        for line in landed.services {
            let of = ByService { granted: line.granted, denied: line.denied, withdrawn: line.withdrawn };
            news.entry(line.site).or_default().by_service.insert(line.service, of);
        }
        if !is_news {
            news.clear();
        }
        self.looks.push_back((now, news.iter().map(|(site, news)| (site.clone(), news.counts)).collect()));
        while self.looks.front().is_some_and(|(at, _)| *at <= now - MINUTE_MS) {
            self.looks.pop_front();
        }
        self.minutes.retain(|minute, _| *minute > (now - HOUR_MS) / MINUTE_MS);
        Tick {
            time: now,
            news,
            last_minute: summed(self.looks.iter().map(|(_, sites)| sites)),
            last_hour: summed(self.minutes.values()),
        }
    }
}

fn summed<'a>(parts: impl Iterator<Item = &'a BTreeMap<String, Counts>>) -> BTreeMap<String, Counts> {
    let mut sums: BTreeMap<String, Counts> = BTreeMap::new();
    for (site, counts) in parts.flatten() {
        match sums.get_mut(site) {
            Some(sum) => sum.add(counts),
            None => {
                sums.insert(site.clone(), *counts);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landed(minute: i64, shown: u64) -> Landed {
        let line = LiveLine {
            site: "a".into(),
            minute: u32::try_from(minute).unwrap(),
            shown,
            decisions: 0,
            withdrawals: 0,
            granted: 0,
            denied: 0,
            types: vec![shown, 0, 0, 0, 0],
        };
        Landed { counts: vec![line], services: Vec::new() }
    }

    #[test]
    fn the_past_is_no_news_and_what_is_old_is_forgotten() {
        let mut tally = Tally::default();
        let start = 1_000 * HOUR_MS;
        let minute = start / MINUTE_MS;
        let tick = tally.take(start, landed(minute - 5, 7), false);
        assert!(tick.news.is_empty() && tick.last_minute.is_empty());
        assert_eq!(tick.last_hour["a"].shown, 7);

        let tick = tally.take(start + 1_000, landed(minute, 2), true);
        assert_eq!((tick.news["a"].counts.shown, tick.news["a"].by_type.shown), (2, 2));
        assert_eq!((tick.last_minute["a"].shown, tick.last_hour["a"].shown), (2, 9));

        let tick = tally.take(start + 62_000, Landed::default(), true);
        assert!(tick.news.is_empty() && tick.last_minute.is_empty());
        assert_eq!(tick.last_hour["a"].shown, 9);
        let tick = tally.take(start + HOUR_MS, Landed::default(), true);
        assert!(tick.last_hour.is_empty());
    }
}
