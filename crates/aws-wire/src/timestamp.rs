//! Moments as the wire writes them; inside they are milliseconds since 1970.

use jiff::fmt::rfc2822;
use serde_json::Value;

use crate::schema::TimestampFormat;

/// `millis` in `format`; a moment outside the calendar is written as the epoch.
pub(crate) fn write(millis: i64, format: TimestampFormat) -> Value {
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    match format {
        TimestampFormat::EpochSeconds if millis % 1000 == 0 => Value::from(millis / 1000),
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of any calendar year fit 53 bits")]
        TimestampFormat::EpochSeconds => Value::from(millis as f64 / 1000.0),
        TimestampFormat::Iso8601 if millis % 1000 == 0 => Value::from(format!("{time:.0}")),
        TimestampFormat::Iso8601 => Value::from(format!("{time:.3}")),
        TimestampFormat::Rfc822 => Value::from(time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
    }
}

/// Milliseconds of a text in any of the formats.
pub(crate) fn read(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond());
    }
    Some(rfc2822::parse(text).ok()?.timestamp().as_millisecond())
}

/// Milliseconds of a number of seconds.
pub(crate) fn from_seconds(seconds: f64) -> Option<i64> {
    /// The last second of the year 9999.
    const LAST: f64 = 253_402_300_799.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    (seconds.abs() <= LAST).then(|| (seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests;
