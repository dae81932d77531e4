//! Instants as the API writes and reads them: RFC 3339 in UTC with milliseconds.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Milliseconds since 1970 as RFC 3339.
pub fn written(milliseconds: i64) -> String {
    let Ok(instant) = Timestamp::from_millisecond(milliseconds) else { return String::new() };
    instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Later than anything that a log holds: the year 2100.
pub const END: i64 = 4_102_444_800_000;

pub fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// An instant (RFC 3339) or a day (its midnight in UTC), in milliseconds since 1970.
pub fn read(text: &str) -> Option<i64> {
    if let Ok(day) = text.parse::<Date>()
        && text.len() == 10
    {
        return day.to_zoned_datetime(TimeZone::UTC).ok().map(|midnight| midnight.timestamp().as_millisecond());
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_and_instants_are_read() {
        assert_eq!(super::read("1970-01-02"), Some(86_400_000));
        assert_eq!(super::read("1970-01-01T01:00:00.5+01:00"), Some(500));
        for bad in ["", "yesterday", "2026-13-01", "2026-11-24T10:00"] {
            assert_eq!(super::read(bad), None, "{bad}");
        }
        assert_eq!(super::written(1_500), "1970-01-01T00:00:01.500Z");
    }
}
