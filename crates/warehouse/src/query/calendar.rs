//! Days, and the intervals they are cut into, in any IANA time zone.
//!
//! The bounds of all intervals are worked out here and handed to the engine as a list, into which it sorts instants: the
//! clock's changes are then the business of one time zone database, and an interval's label cannot disagree with what is
//! in it. The roll-up's quarters of an hour fit every bound, since all offsets since 1972 are whole quarters.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::spec::Direction;

/// The first and the last year that can be asked for: the zones' offsets are whole quarters, and instants fit the engine's
/// 32-bit seconds.
const YEARS: std::ops::RangeInclusive<i16> = 1973..=2100;
const MOST_INTERVALS: usize = 30_000;

/// The length of an interval, by the calendar of the question's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// From full hour to full hour on the clock there; a turn of the clock within ends one and begins another.
    Hour,
    Day,
    /// From Monday.
    Week,
    Month,
}

impl Interval {
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interval| interval.as_str() == text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("{0:?} is not a known IANA time zone")]
    UnknownZone(String),
    #[error("the date range ends, on {last}, before it begins, on {first}")]
    Reversed { first: Date, last: Date },
    #[error("dates must lie in the years {} to {}", YEARS.start(), YEARS.end())]
    OutOfRange,
    #[error("more than {MOST_INTERVALS} intervals; ask for a shorter date range or a longer interval")]
    TooManyIntervals,
}

/// A range of days in a time zone, and its intervals if there are any.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
    /// Seconds since 1970; `to` is exclusive.
    from: u32,
    to: u32,
    /// The beginnings of the intervals, ascending. The first may lie before `from`: a week begins on its Monday.
    bounds: Option<Vec<u32>>,
}

impl Calendar {
    /// The days `first` to `last`, both included.
    ///
    /// # Errors
    /// A zone that does not exist, a range that is none, or one that cannot be cut so finely.
    pub fn new(first: Date, last: Date, zone: &str, interval: Option<Interval>) -> Result<Self, CalendarError> {
        if last < first {
            return Err(CalendarError::Reversed { first, last });
        }
        if !YEARS.contains(&first.year()) || !YEARS.contains(&last.year()) {
            return Err(CalendarError::OutOfRange);
        }
        let zone = TimeZone::get(zone).map_err(|_| CalendarError::UnknownZone(zone.to_owned()))?;
        let after = last.tomorrow().map_err(|_| CalendarError::OutOfRange)?;
        let (from, to) = (beginning(first, &zone)?, beginning(after, &zone)?);
        let bounds = interval.map(|interval| bounds(interval, first, last, &zone)).transpose()?;
        Ok(Self { zone, from, to, bounds })
    }

    /// The first second of the range, since 1970.
    pub const fn from(&self) -> u32 {
        self.from
    }

    /// One past the last second.
    pub const fn to(&self) -> u32 {
        self.to
    }

    /// Whether the range begins, and every interval of it, with an hour of UTC.
    pub(super) fn begins_with_hours(&self) -> bool {
        let bounds = self.bounds.iter().flatten();
        bounds.chain([&self.from]).all(|bound| bound.is_multiple_of(3600))
    }

    pub(super) fn bounds(&self) -> Option<&[u32]> {
        self.bounds.as_deref()
    }

    /// The same range, ended at an instant (seconds since 1970) that lies within it.
    #[must_use]
    pub fn until(self, instant: u32) -> Self {
        Self { to: self.to.min(instant.max(self.from)), ..self }
    }

    /// How many intervals there are; 1 where the range is not cut.
    pub fn intervals(&self) -> usize {
        self.bounds.as_ref().map_or(1, Vec::len)
    }

    /// The range in parts of `most` intervals at most, in the order of time.
    pub(super) fn slices(&self, most: usize) -> Vec<Self> {
        let Some(bounds) = &self.bounds else { return vec![self.clone()] };
        let slices = bounds.chunks(most.max(1)).enumerate().map(|(i, slice)| {
            let after = bounds.get((i + 1) * most.max(1)).copied().unwrap_or(self.to);
            let from = slice.first().copied().unwrap_or(self.from).max(self.from);
            Self { zone: self.zone.clone(), from, to: after.min(self.to), bounds: Some(slice.to_vec()) }
        });
        slices.collect()
    }

    /// The beginning of this calendar's interval that has the number of `bound` in `other`. Without intervals, 0 stands for
    /// the whole range on either side.
    pub(super) fn counterpart(&self, bound: i64, other: &Self) -> Option<i64> {
        let (Some(bounds), Some(others)) = (&self.bounds, &other.bounds) else { return Some(0) };
        let at = u32::try_from(bound).ok().and_then(|bound| others.binary_search(&bound).ok())?;
        bounds.get(at).map(|bound| i64::from(*bound))
    }

    /// The beginning of an interval as RFC 3339 with the offset that the zone has then.
    pub fn label(&self, bound: i64) -> String {
        let Ok(instant) = Timestamp::from_second(bound) else { return String::new() };
        instant.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// The first instant of a day: midnight, or the first one after it where the clock leaps over midnight.
fn beginning(day: Date, zone: &TimeZone) -> Result<u32, CalendarError> {
    let instant = day.to_zoned_datetime(zone.clone()).map_err(|_| CalendarError::OutOfRange)?.timestamp();
    u32::try_from(instant.as_second()).map_err(|_| CalendarError::OutOfRange)
}

fn bounds(interval: Interval, first: Date, last: Date, zone: &TimeZone) -> Result<Vec<u32>, CalendarError> {
    let (start, step) = match interval {
        Interval::Hour => {
            return hours(
                beginning(first, zone)?,
                beginning(last.tomorrow().map_err(|_| CalendarError::OutOfRange)?, zone)?,
                zone,
            );
        }
        Interval::Day => (first, 1.day()),
        Interval::Week => (monday(first), 1.week()),
        Interval::Month => (first.first_of_month(), 1.month()),
    };
    let mut bounds = Vec::new();
    for day in start.series(step).take_while(|day| *day <= last) {
        let bound = beginning(day, zone)?;
        // A day that a zone left out begins where the next one does.
        if bounds.last() != Some(&bound) {
            bounds.push(bound);
        }
        if bounds.len() > MOST_INTERVALS {
            return Err(CalendarError::TooManyIntervals);
        }
    }
    Ok(bounds)
}

fn monday(day: Date) -> Date {
    let back = day.weekday().since(Weekday::Monday);
    day.checked_sub(i64::from(back).days()).unwrap_or(day)
}

fn hours(from: u32, to: u32, zone: &TimeZone) -> Result<Vec<u32>, CalendarError> {
    let mut bounds = Vec::new();
    let mut turn = None;
    let mut at = from;
    while at < to {
        bounds.push(at);
        if bounds.len() > MOST_INTERVALS {
            return Err(CalendarError::TooManyIntervals);
        }
        let instant = Timestamp::from_second(i64::from(at)).map_err(|_| CalendarError::OutOfRange)?;
        if turn.is_none_or(|turn| turn <= at) {
            turn = Some(next_turn(instant, zone));
        }
        let clock = zone.to_datetime(instant);
        let into = u32::try_from(i32::from(clock.minute()) * 60 + i32::from(clock.second())).unwrap_or(0);
        at = (at + 3600 - into).min(turn.unwrap_or(u32::MAX));
    }
    Ok(bounds)
}

/// When the clock is next turned; the end of time where it never is again.
fn next_turn(after: Timestamp, zone: &TimeZone) -> u32 {
    let mut offset = zone.to_offset(after);
    for transition in zone.following(after) {
        if transition.offset() != offset {
            return u32::try_from(transition.timestamp().as_second()).unwrap_or(u32::MAX);
        }
        if transition.timestamp().as_second() > i64::from(u32::MAX) {
            break;
        }
        offset = transition.offset();
    }
    u32::MAX
}

impl Direction {
    /// Turns a comparison round where the order is descending.
    pub(super) const fn apply(self, ordering: std::cmp::Ordering) -> std::cmp::Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn labels(first: Date, last: Date, zone: &str, interval: Interval) -> Vec<String> {
        let calendar = Calendar::new(first, last, zone, Some(interval)).unwrap();
        calendar.bounds().unwrap().iter().map(|b| calendar.label(i64::from(*b))).collect()
    }

    #[test]
    fn days_have_23_and_25_hours_when_the_clock_turns() {
        for (day, zone, seconds) in [
            (date(2026, 3, 29), "Europe/Paris", 23 * 3600),
            (date(2026, 10, 25), "Europe/Paris", 25 * 3600),
            (date(2026, 4, 5), "Australia/Lord_Howe", 24 * 3600 + 1800),
            (date(2026, 10, 4), "Australia/Lord_Howe", 23 * 3600 + 1800),
            (date(2026, 4, 5), "Pacific/Chatham", 25 * 3600),
            (date(2026, 11, 24), "Asia/Kathmandu", 24 * 3600),
            (date(2026, 11, 24), "UTC", 24 * 3600),
        ] {
            let calendar = Calendar::new(day, day, zone, None).unwrap();
            assert_eq!(calendar.to() - calendar.from(), seconds, "{zone} {day}");
            assert_eq!(calendar.from() % 900, 0, "{zone} {day} begins within a quarter");
        }
    }

    #[test]
    fn hours_follow_the_clock_of_the_zone() {
        let paris = labels(date(2026, 10, 25), date(2026, 10, 25), "Europe/Paris", Interval::Hour);
        assert_eq!(paris.len(), 25);
        assert_eq!(paris[2..4], ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]);

        let howe = labels(date(2026, 4, 5), date(2026, 4, 5), "Australia/Lord_Howe", Interval::Hour);
        assert_eq!(howe.len(), 25);
        assert_eq!(howe[1..4], ["2026-04-05T01:00:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"]);

        let kathmandu = labels(date(2026, 11, 24), date(2026, 11, 24), "Asia/Kathmandu", Interval::Hour);
        assert_eq!(kathmandu.len(), 24);
        assert_eq!(kathmandu[1], "2026-11-24T01:00:00+05:45");
    }

    #[test]
    fn a_day_begins_after_the_leap_where_the_clock_leaps_over_midnight() {
        let days = labels(date(2026, 4, 23), date(2026, 4, 25), "Africa/Cairo", Interval::Day);
        assert_eq!(days, ["2026-04-23T00:00:00+02:00", "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"]);
        // Samoa had no 30 December 2011.
        let days = labels(date(2011, 12, 29), date(2011, 12, 31), "Pacific/Apia", Interval::Day);
        assert_eq!(days, ["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"]);
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let weeks = labels(date(2026, 11, 4), date(2026, 11, 16), "UTC", Interval::Week);
        assert_eq!(weeks, ["2026-11-02T00:00:00+00:00", "2026-11-09T00:00:00+00:00", "2026-11-16T00:00:00+00:00"]);
        let months = labels(date(2026, 2, 14), date(2026, 4, 1), "Europe/Paris", Interval::Month);
        assert_eq!(months, ["2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"]);
    }

    #[test]
    fn slices_are_the_range_again() {
        let calendar =
            Calendar::new(date(2026, 11, 4), date(2026, 12, 16), "Europe/Paris", Some(Interval::Week)).unwrap();
        let slices = calendar.slices(3);
        assert_eq!(slices.iter().map(Calendar::intervals).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!((slices[0].from(), slices[2].to()), (calendar.from(), calendar.to()));
        assert!(slices.windows(2).all(|two| two[0].to() == two[1].from()));
        let bounds: Vec<u32> = slices.iter().flat_map(|slice| slice.bounds().unwrap().to_vec()).collect();
        assert_eq!(bounds, calendar.bounds().unwrap());
        let whole = Calendar::new(date(2026, 11, 4), date(2026, 12, 16), "UTC", None).unwrap();
        assert_eq!(whole.slices(3), [whole]);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let day = date(2026, 1, 1);
        assert!(matches!(Calendar::new(day, day, "Mars/Olympus", None), Err(CalendarError::UnknownZone(_))));
        assert!(matches!(Calendar::new(day, date(2025, 1, 1), "UTC", None), Err(CalendarError::Reversed { .. })));
        assert_eq!(Calendar::new(date(1900, 1, 1), day, "UTC", None), Err(CalendarError::OutOfRange));
        let long = Calendar::new(date(2000, 1, 1), day, "UTC", Some(Interval::Hour));
        assert_eq!(long, Err(CalendarError::TooManyIntervals));
    }
}
