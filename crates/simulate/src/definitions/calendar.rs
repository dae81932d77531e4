//! The starts of hours, days, weeks and months in a time zone, and the instants that a range of days spans.
//!
//! An hour is a stretch in which the local clock shows one hour under one offset: where the clock goes back, the repeated
//! hour is two intervals, and where the offset changes inside an hour, the next interval begins with the change.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};

/// The `interval` of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interval {
    Hour,
    Day,
    Week,
    Month,
}

impl Interval {
    /// The value in a query.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// The start of the interval that an instant lies in, as RFC 3339 with its offset.
pub(crate) fn start(interval: Interval, zone: &TimeZone, at: Timestamp) -> Result<String, jiff::Error> {
    let local = at.to_zoned_datetime(zone.clone());
    let start = match interval {
        Interval::Hour => start_of_hour(&local)?,
        Interval::Day => local.start_of_day()?,
        Interval::Week => {
            let since_monday = i64::from(local.weekday().to_monday_zero_offset());
            start_of(local.date().checked_sub(since_monday.days())?, zone)?
        }
        Interval::Month => start_of(local.date().first_of_month(), zone)?,
    };
    Ok(start.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

fn start_of_hour(local: &ZonedDateTime) -> Result<ZonedDateTime, jiff::Error> {
    let into = i64::from(local.minute()) * 60 + i64::from(local.second());
    let plain = local.timestamp().checked_sub(into.seconds())?.to_zoned_datetime(local.time_zone().clone());
    if plain.offset() == local.offset() {
        return Ok(plain);
    }
    // The change may be at this very instant, which `preceding` would leave out.
    let after = local.timestamp().checked_add(1.second())?;
    let changed = local.time_zone().preceding(after).next().map(|change| change.timestamp());
    Ok(changed.unwrap_or_else(|| local.timestamp()).to_zoned_datetime(local.time_zone().clone()))
}

fn start_of(date: Date, zone: &TimeZone) -> Result<ZonedDateTime, jiff::Error> {
    date.to_zoned_datetime(zone.clone())?.start_of_day()
}

/// The instants of two inclusive days: from (inclusive) and to (exclusive), Unix milliseconds.
pub(crate) fn span(from: Date, to: Date, zone: &TimeZone) -> Result<(i64, i64), jiff::Error> {
    let end = to.checked_add(1.day())?;
    Ok((start_of(from, zone)?.timestamp().as_millisecond(), start_of(end, zone)?.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(interval: Interval, zone: &str, at: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        start(interval, &zone, at.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_repeated_hour_is_two() {
        for (at, hour) in [
            ("2026-10-25T00:59:00Z", "2026-10-25T02:00:00+02:00"),
            ("2026-10-25T01:00:00Z", "2026-10-25T02:00:00+01:00"),
            ("2026-10-25T02:00:00Z", "2026-10-25T03:00:00+01:00"),
        ] {
            assert_eq!(starts(Interval::Hour, "Europe/Paris", at), hour);
        }
        assert_eq!(starts(Interval::Day, "Europe/Paris", "2026-10-25T22:59:00Z"), "2026-10-25T00:00:00+02:00");
        assert_eq!(starts(Interval::Week, "Europe/Paris", "2026-10-25T22:59:00Z"), "2026-10-19T00:00:00+02:00");
        assert_eq!(starts(Interval::Month, "Europe/Paris", "2026-10-31T23:30:00Z"), "2026-11-01T00:00:00+01:00");
    }

    #[test]
    fn offsets_need_not_be_whole_hours() {
        assert_eq!(starts(Interval::Hour, "Asia/Kathmandu", "2026-10-25T00:14:59Z"), "2026-10-25T05:00:00+05:45");
        assert_eq!(starts(Interval::Hour, "Asia/Kathmandu", "2026-10-25T00:15:00Z"), "2026-10-25T06:00:00+05:45");
        // On Lord Howe Island half an hour is skipped: 02:00+10:30 becomes 02:30+11:00.
        for (at, hour) in [
            ("2026-10-03T15:29:00Z", "2026-10-04T01:00:00+10:30"),
            ("2026-10-03T15:30:00Z", "2026-10-04T02:30:00+11:00"),
            ("2026-10-03T16:00:00Z", "2026-10-04T03:00:00+11:00"),
        ] {
            assert_eq!(starts(Interval::Hour, "Australia/Lord_Howe", at), hour);
        }
        assert_eq!(starts(Interval::Day, "Australia/Lord_Howe", "2026-10-04T12:59:00Z"), "2026-10-04T00:00:00+10:30");
    }

    #[test]
    fn a_day_with_a_changed_clock_has_25_hours() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let day: Date = "2026-10-25".parse().unwrap();
        let (from, to) = span(day, day, &zone).unwrap();
        assert_eq!(to - from, 25 * 3600 * 1000);
    }
}
