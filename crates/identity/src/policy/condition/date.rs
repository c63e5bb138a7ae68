//! Dates as conditions take them: the W3C forms of ISO 8601, or seconds since 1970.

/// A moment in nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date(i128);

const NANOS: i128 = 1_000_000_000;

/// The years that IAM takes.
const YEARS: std::ops::RangeInclusive<i64> = -292_275_054..=292_278_993;

impl Date {
    /// Reads `2026`-like numbers as seconds since the epoch (a fraction is allowed), everything with a `T` or `-` as a
    /// date: `2026-01`, `2026-01-31`, `2026-01-31T12:00Z`, `2026-01-31T12:00:00.5+01:00`. Without a zone it is UTC.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.contains(['t', 'T', '-']) { calendar(text) } else { epoch(text) }.map(Self)
    }
}

fn epoch(text: &str) -> Option<i128> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = digits(seconds)?;
    Some(i128::from(seconds) * NANOS + nanos(fraction)?)
}

fn calendar(text: &str) -> Option<i128> {
    let (date, time) = match text.find(['t', 'T']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let (sign, date) = match date.strip_prefix('-') {
        Some(date) => (-1, date),
        None => (1, date),
    };
    let mut parts = date.split('-');
    let year = sign * digits(parts.next()?)?;
    let month = parts.next().map_or(Some(1), digits).filter(|month| (1..=12).contains(month))?;
    let day = parts.next().map_or(Some(1), digits)?;
    let ends = parts.next().is_none();
    if !ends || !YEARS.contains(&year) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let (of_day, offset) = time_of_day(time)?;
    Some((i128::from(days_since_1970(year, month, day)) * 86_400 - i128::from(offset)) * NANOS + of_day)
}

/// Nanoseconds since midnight, and the seconds by which the zone is ahead of UTC.
fn time_of_day(text: &str) -> Option<(i128, i64)> {
    let (clock, offset) = match text.find(['z', 'Z', '+', '-']) {
        Some(at) => (&text[..at], zone(&text[at..])?),
        None => (text, 0),
    };
    if clock.is_empty() {
        return text.is_empty().then_some((0, 0));
    }
    let mut parts = clock.split(':');
    let hours = digits(parts.next()?).filter(|hours| *hours <= 23)?;
    let minutes = parts.next().map_or(Some(0), digits).filter(|minutes| *minutes <= 59)?;
    let (seconds, fraction) = match parts.next() {
        Some(seconds) => seconds.split_once('.').unwrap_or((seconds, "")),
        None => ("0", ""),
    };
    let seconds = digits(seconds).filter(|seconds| *seconds <= 59)?;
    let ends = parts.next().is_none();
    ends.then_some(())?;
    Some((i128::from(hours * 3600 + minutes * 60 + seconds) * NANOS + nanos(fraction)?, offset))
}

/// `Z`, `+hh`, `+hhmm` or `+hh:mm` in seconds.
fn zone(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let ahead = &text[1..];
    let (hours, minutes) = match ahead.split_once(':') {
        Some(parts) => parts,
        None => (ahead.get(..2)?, ahead.get(2..)?),
    };
    let well_formed = hours.len() == 2 && [0, 2].contains(&minutes.len());
    let minutes = if minutes.is_empty() { 0 } else { digits(minutes)? };
    let hours = digits(hours)?;
    (well_formed && hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// A decimal number without a sign.
fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The digits behind the point of a second, at most nine.
fn nanos(fraction: &str) -> Option<i128> {
    if fraction.is_empty() {
        return Some(0);
    }
    let scale = 9_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    Some(i128::from(digits(fraction)?) * 10_i128.pow(scale))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::Date;

    fn seconds(text: &str) -> Option<i128> {
        Date::parse(text).map(|date| date.0 / super::NANOS)
    }

    #[test]
    fn dates_are_read_in_every_w3c_form_and_as_seconds() {
        for text in ["1767225600", "2026-01", "2026-01-01", "2026-01-01T00:00Z", "2026-01-01t01:00:00.000+01:00"] {
            assert_eq!(seconds(text), Some(1_767_225_600), "{text}");
        }
        assert_eq!(seconds("2025-12-31T16:00:00-0800"), Some(1_767_225_600));
        assert_eq!(seconds("2024-02-29T12:34:56Z"), Some(1_709_210_096));
        assert_eq!(seconds("1969-12-31T23:59:59Z"), Some(-1));
        assert!(Date::parse("2026-01-01T00:00:00.5Z") > Date::parse("2026-01-01T00:00:00.49Z"));
        assert_eq!(Date::parse("1.5"), Date::parse("1970-01-01T00:00:01.5Z"));
        assert!(seconds("01T").is_some() && seconds("-292275054").is_some());
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "x",
            "sdfdsf",
            "2026-13",
            "2026-02-30",
            "2025-02-29",
            "2026-01-01T24:00",
            "2026-01-01T00:60",
            "2016-12-13t2:00:00.593194+1",
            "2016-12-13t2:00:00.1999999999+10:59",
            "9223372036854775808",
            "2026-01-01TZ",
            "2026-1-1-1",
            "2026-01-01T00:00:00:00",
            "1e9",
            "+1",
            "2026-01-01T00:00+é",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
