//! Times as they are written: RFC 3339 in UTC with milliseconds, which is `xsd:dateTime` too.

use jiff::Timestamp;

/// Milliseconds since 1970, written. What lies beyond jiff's years (-9999 to 9999) is written as 1970.
pub(crate) fn written(ms: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(ms).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #[test]
    fn milliseconds_are_always_written() {
        assert_eq!(super::written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(super::written(1_795_515_302_123), "2026-11-24T10:15:02.123Z");
    }
}
