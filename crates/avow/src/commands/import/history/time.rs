//! Times as exports write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// Reads a time: by the map's format, or RFC 3339, ISO 8601 with or without an offset, `... UTC`, or a count of seconds,
/// milliseconds or microseconds since 1970. A time without an offset is of the zone; where clocks were set back and it came twice, the
/// first is taken.
///
/// # Errors
/// Why it is none.
pub fn read(text: &str, format: Option<&str>, zone: Option<&TimeZone>) -> Result<Timestamp, String> {
    if let Some(format) = format {
        let parsed = strtime::parse(format, text).map_err(|_| format!("{text:?} is not of the form {format:?}"))?;
        if let Ok(at) = parsed.to_timestamp() {
            return Ok(at);
        }
        let local = parsed.to_datetime().map_err(|_| format!("{text:?} is no whole time"))?;
        return in_zone(local, zone, text);
    }
    if let Some(at) = since_1970(text) {
        return Ok(at);
    }
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let (local, zone) = match text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT")) {
        Some(local) => (local.trim_end(), Some(&TimeZone::UTC)),
        None => (text, zone),
    };
    match local.parse::<DateTime>() {
        Ok(local) if text.contains(':') => in_zone(local, zone, text),
        Ok(_) => Err(format!("{text:?} is a day, not a time")),
        Err(_) => Err(format!("{text:?} is no time; a map can say its form (time_format)")),
    }
}

fn in_zone(local: DateTime, zone: Option<&TimeZone>, text: &str) -> Result<Timestamp, String> {
    let zone = zone.ok_or_else(|| format!("{text:?} has no offset from UTC; give --timezone"))?;
    local.to_zoned_datetime(zone.clone()).map(|at| at.timestamp()).map_err(|error| format!("{text:?}: {error}"))
}

/// A number is read by its size: seconds until the year 5138, milliseconds from 1973 on.
fn since_1970(text: &str) -> Option<Timestamp> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.len() >= 9;
    let number = text.parse::<f64>().ok().filter(|_| plain)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    match number {
        number if number < 1e11 => {
            let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
            Timestamp::new(whole, nanos).ok()
        }
        number if number < 1e14 => Timestamp::from_millisecond(whole).ok(),
        _ => Timestamp::from_microsecond(whole).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_exports_write_them() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let expected = "2026-11-24T10:15:02.5Z".parse::<Timestamp>().unwrap();
        for text in [
            "2026-11-24T10:15:02.5Z",
            "2026-11-24T11:15:02.500+01:00",
            "2026-11-24 10:15:02.5+0000",
            "2026-11-24 10:15:02.5 UTC",
            "2026-11-24 11:15:02.5",
            "2026-11-24T11:15:02.5",
            "1795515302.5",
            "1795515302500",
            "1795515302500000",
        ] {
            assert_eq!(read(text, None, Some(&berlin)), Ok(expected), "{text}");
        }
        let short = "2026-11-24T10:15:00Z".parse::<Timestamp>().unwrap();
        assert_eq!(read("24.11.2026 11:15", Some("%d.%m.%Y %H:%M"), Some(&berlin)), Ok(short));
        assert_eq!(read("24/Nov/2026 11:15 +0100", Some("%d/%b/%Y %H:%M %z"), None), Ok(short));
        let twice = read("2026-10-25 02:30:00", None, Some(&berlin)).unwrap();
        assert_eq!(twice.to_string(), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn what_is_no_time_says_why() {
        for (text, format, said) in [
            ("2026-11-24 11:15:02", None, "has no offset from UTC; give --timezone"),
            ("24.11.2026 11:15", Some("%d.%m.%Y %H:%M"), "has no offset"),
            ("2026-11-24", None, "is a day"),
            ("yesterday", None, "is no time"),
            ("12", None, "is no time"),
            ("2026-11-24", Some("%d.%m.%Y"), "is not of the form"),
        ] {
            let error = read(text, format, None).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
