//! When things happen: times that no clock, no cut-off and no change of settings makes ambiguous.
//!
//! Kept clear are: the stretch in which a grant would enter a closed cohort between the run and its comparison (30 days
//! back, and the day after), and a few seconds around the change of settings, whose exact instant the server stamps.

use super::site::Site;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::{RngExt, rngs::StdRng};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// Milliseconds in 24 hours.
pub(crate) const DAY: i64 = 24 * HOUR;

/// Grants at least so long before the run began are in closed cohorts, whenever they are compared.
pub(crate) const CLOSED_AFTER: i64 = 30 * DAY + 10 * MINUTE;
/// Events at most so old are sent without an import (the server's limit is 30 days), and lie outside every closed cohort.
pub(crate) const YOUNG_FOR: i64 = 28 * DAY + 10 * HOUR;
/// How far from the change of settings, on either side, nothing happens.
const CHANGE_MARGIN: i64 = 5 * SECOND;
/// How long after the change of settings events may lie: within the five minutes ahead that a server takes.
const CHANGE_REACH: i64 = 200 * SECOND;

/// When a story takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// In the last two days; in a paced run, now.
    Fresh,
    /// Three to four weeks ago, and only now received.
    Late,
    /// In the history that is imported.
    Past,
    /// Around a change of some zone's clock, as history.
    ClockChange,
    /// As [`When::Fresh`], in the middle of a quarter of an hour: for visitors whose clock is wrong.
    MidQuarter,
}

/// The times of a run.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    /// When the run began, Unix milliseconds.
    pub(crate) began: i64,
    /// Days of history; 0 means that nothing is imported.
    pub(crate) days: u32,
    /// Changes of the clock that history covers, each with its zone.
    pub(crate) clock_changes: Vec<(&'static str, Timestamp)>,
    /// From when the second version of settings is in force.
    pub(crate) changed: Option<i64>,
    /// Whether fresh stories take place at the time that they are told.
    pub(crate) paced: bool,
}

impl Moments {
    /// The times of a run that begins at `began`.
    ///
    /// # Errors
    /// Where a time zone is not in the database.
    pub(crate) fn new(began: i64, days: u32, paced: bool) -> Result<Self, jiff::Error> {
        let mut clock_changes = Vec::new();
        if days > 0 {
            let before = Timestamp::from_millisecond(began - CLOSED_AFTER - 4 * HOUR)?;
            for name in ["Europe/Paris", "Australia/Lord_Howe"] {
                if let Some(change) = TimeZone::get(name)?.preceding(before).next() {
                    clock_changes.push((name, change.timestamp()));
                }
            }
        }
        Ok(Self { began, days, clock_changes, changed: None, paced })
    }

    /// The earliest and the latest time that an event can have, with a day to spare on the near side in a paced run.
    pub(crate) fn span(&self) -> (i64, i64) {
        let history = self.began - (i64::from(self.days) + 6).max(30) * DAY;
        let changes = self.clock_changes.iter().map(|(_, at)| at.as_millisecond() - DAY);
        (changes.fold(history, i64::min), self.began + if self.paced { DAY } else { HOUR })
    }

    /// The latest time that a story may reach now.
    pub(crate) fn latest(&self) -> i64 {
        let settled = self.changed.map_or(self.began - MINUTE, |changed| changed + CHANGE_REACH);
        if self.paced { settled.max(now()) } else { settled }
    }

    /// A time for a story at a site. Without history, history is late instead.
    pub(crate) fn choose(&self, when: When, site: &Site, rng: &mut StdRng) -> i64 {
        let at = match when {
            When::Past if self.days > 0 => self.diurnal(i64::from(self.days) * DAY, HOUR, site, rng),
            When::ClockChange if !self.clock_changes.is_empty() => {
                let (_, change) = self.clock_changes[rng.random_range(0..self.clock_changes.len())];
                change.as_millisecond() + rng.random_range(-3 * HOUR..3 * HOUR)
            }
            When::Late | When::Past | When::ClockChange => self.diurnal(YOUNG_FOR, 21 * DAY, site, rng),
            When::Fresh => self.fresh(site, rng),
            When::MidQuarter => {
                let at = self.diurnal(2 * DAY, HOUR, site, rng);
                at - at.rem_euclid(15 * MINUTE) + rng.random_range(3 * MINUTE..9 * MINUTE)
            }
        };
        self.clear(at)
    }

    fn fresh(&self, site: &Site, rng: &mut StdRng) -> i64 {
        if self.paced {
            return now() - rng.random_range(0..3 * SECOND);
        }
        match self.changed {
            Some(changed) if rng.random_bool(0.6) => changed + rng.random_range(CHANGE_MARGIN..CHANGE_REACH),
            _ => self.diurnal(2 * DAY, MINUTE, site, rng),
        }
    }

    /// A time so many milliseconds before the run, at the earliest and at the latest, mostly by day where the site is.
    fn diurnal(&self, earliest: i64, latest: i64, site: &Site, rng: &mut StdRng) -> i64 {
        let mut at = self.began;
        for _ in 0..3 {
            at = self.began - rng.random_range(latest..earliest.max(latest + 1));
            let hour = Timestamp::from_millisecond(at).map_or(12, |instant| site.zone.to_datetime(instant).hour());
            let busy = match hour {
                0..6 => 0.1,
                6..9 | 22.. => 0.5,
                _ => 1.0,
            };
            if rng.random_bool(busy) {
                break;
            }
        }
        at
    }

    /// Moves a time out of what is kept clear, always backwards.
    pub(crate) fn clear(&self, at: i64) -> i64 {
        let ago = self.began - at;
        if ago > YOUNG_FOR && ago < CLOSED_AFTER {
            return at - 3 * DAY;
        }
        match self.changed {
            Some(changed) if (at - changed).abs() < CHANGE_MARGIN => {
                if self.paced {
                    changed + CHANGE_MARGIN + (at - changed).abs()
                } else {
                    at - 2 * CHANGE_MARGIN
                }
            }
            _ => at,
        }
    }

    /// Whether an event of that time can only be imported.
    pub(crate) fn needs_import(&self, at: i64) -> bool {
        self.began - at > YOUNG_FOR
    }
}

/// The wall clock, Unix milliseconds.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
