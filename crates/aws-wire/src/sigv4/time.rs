//! `20150830T123600Z`.

use base::Timestamp;

/// ISO 8601 basic format, in UTC, whole seconds.
pub(super) fn basic(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The day of [`basic`].
pub(super) fn day(time: Timestamp) -> String {
    let mut text = basic(time);
    text.truncate(8);
    text
}

/// Reads [`basic`]; nothing else.
pub(super) fn read_basic(text: &str) -> Option<Timestamp> {
    if text.len() != 16 {
        return None;
    }
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(Timestamp(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond()))
}

/// Reads an HTTP `Date`.
pub(super) fn read_http(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(time.timestamp().as_millisecond()))
}
