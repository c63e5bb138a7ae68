use proptest::prelude::*;
use serde_json::{Value, json};

use super::{from_seconds, read, write};
use crate::schema::TimestampFormat::{EpochSeconds, Iso8601, Rfc822};

#[test]
fn each_format_has_its_form() {
    let noon = 1_769_860_800_000;
    assert_eq!(write(noon, EpochSeconds), json!(1_769_860_800));
    assert_eq!(write(noon + 500, EpochSeconds), json!(1_769_860_800.5));
    assert_eq!(write(noon, Iso8601), json!("2026-01-31T12:00:00Z"));
    assert_eq!(write(noon + 500, Iso8601), json!("2026-01-31T12:00:00.500Z"));
    assert_eq!(write(noon, Rfc822), json!("Sat, 31 Jan 2026 12:00:00 GMT"));
}

#[test]
fn what_is_no_moment_is_refused() {
    assert_eq!(read("yesterday"), None);
    assert_eq!(read("1e300"), None);
    assert_eq!(from_seconds(f64::NAN), None);
}

proptest! {
    #[test]
    fn moments_survive(millis in -62_000_000_000_000_i64..250_000_000_000_000) {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        prop_assert_eq!(read(&text(write(millis, Iso8601))), Some(millis));
        prop_assert_eq!(read(&text(write(millis, EpochSeconds))), Some(millis));
        let whole = millis - millis.rem_euclid(1000);
        prop_assert_eq!(read(&text(write(whole, Rfc822))), Some(whole));
    }
}
